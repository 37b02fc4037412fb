// Package page cuts connections into pages by keyset: a page starts where the cursor's row stands in
// the order, so rows that come or go elsewhere do not move it, and the deepest page costs as much as
// the first. Nothing is counted unless totalCount is asked for, and no read is without a limit.
package page

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"headroom/internal/headshot"
)

// Cursors makes and checks cursors. A cursor is the place of a row, in the clear, and a MAC over it
// and its binding: the account, the connection with its filter, and the order. So a cursor works
// where it was made and nowhere else, and is the same each time a page is read.
type Cursors struct{ key []byte }

// NewCursors makes Cursors that authenticate with key.
func NewCursors(key []byte) *Cursors { return &Cursors{key: bytes.Clone(key)} }

const macSize = 16

// Scope says which connection a cursor belongs to.
type Scope struct {
	Account    string
	Connection string // the field's name, with the parent's id for an edge
	Filter     any    // what narrows the connection; must survive json.Marshal
}

func (s Scope) binding(order string) []byte {
	raw, err := json.Marshal([]any{s.Account, s.Connection, s.Filter, order})
	if err != nil { // filters are the API's own input structs
		panic(fmt.Sprintf("page: filter of %s: %v", s.Connection, err))
	}
	return raw
}

func (c *Cursors) mac(binding, place []byte) []byte {
	m := hmac.New(sha256.New, c.key)
	_, _ = fmt.Fprintf(m, "%d:", len(binding))
	_, _ = m.Write(binding)
	_, _ = m.Write(place)
	return m.Sum(nil)[:macSize]
}

func (c *Cursors) seal(binding []byte, value any, id string) string {
	place, err := json.Marshal([]any{value, id})
	if err != nil { // value is a number or a text
		panic(fmt.Sprintf("page: cursor: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(append(c.mac(binding, place), place...))
}

// open gives the place of a cursor made by seal with the same binding, or an invalid_cursor error for field.
func (c *Cursors) open(binding []byte, cursor, field string) (value json.RawMessage, id string, err error) {
	invalid := &headshot.Error{
		Kind: headshot.BadUserInput, Field: field, Code: "invalid_cursor",
		Msg: "the cursor was not made by this connection with this account, filter and order",
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= macSize {
		return nil, "", invalid
	}
	place := raw[macSize:]
	if !hmac.Equal(raw[:macSize], c.mac(binding, place)) {
		return nil, "", invalid
	}
	var parts [2]json.RawMessage
	if json.Unmarshal(place, &parts) != nil || json.Unmarshal(parts[1], &id) != nil {
		return nil, "", invalid
	}
	return parts[0], id, nil
}

// Order is an order of rows by one column, ties broken by id.
type Order[T any] struct {
	Name   string // in cursors
	Column string
	Desc   bool
	// NotNull leaves out rows whose column is null; required when the column may be.
	NotNull bool

	key  func(*T) (value any, id string)
	read func(json.RawMessage) (any, error)
}

// ByTime orders by a column of times in whole milliseconds.
func ByTime[T any](name, column string, desc bool, key func(*T) (time.Time, string)) Order[T] {
	return Order[T]{
		Name: name, Column: column, Desc: desc,
		key: func(row *T) (any, string) { t, id := key(row); return t.UnixMilli(), id },
		read: func(raw json.RawMessage) (any, error) {
			var ms int64
			err := json.Unmarshal(raw, &ms)
			return time.UnixMilli(ms).UTC(), err
		},
	}
}

// By orders by a column of texts or whole numbers.
func By[T any, V string | int64](name, column string, desc bool, key func(*T) (V, string)) Order[T] {
	return Order[T]{
		Name: name, Column: column, Desc: desc,
		key: func(row *T) (any, string) { return key2(key(row)) },
		read: func(raw json.RawMessage) (any, error) {
			var v V
			err := json.Unmarshal(raw, &v)
			return v, err
		},
	}
}

func key2[V any](v V, id string) (any, string) { return v, id }
