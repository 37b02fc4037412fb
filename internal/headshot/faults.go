package headshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// faults gathers what is wrong with an input, so that a caller learns of all of it at once.
type faults struct {
	prefix string // path of the input within the request, such as "contact."
	found  []*Error
}

func (f *faults) add(field string, err error) {
	if err == nil {
		return
	}
	msg := err.Error()
	if e, ok := errors.AsType[*Error](err); ok {
		msg = e.Msg
	}
	f.say(field, msg)
}

// maxFaults keeps a small request with many faults from a large answer.
const maxFaults = 50

func (f *faults) say(field, msg string) {
	if len(f.found) < maxFaults {
		f.found = append(f.found, Invalid(f.prefix+field, "%s", msg))
	}
}

func (f *faults) name(field, v string, required bool) {
	switch {
	case required && strings.TrimSpace(v) == "":
		f.say(field, "must not be empty")
	case utf8.RuneCountInString(v) > maxName || len(v) > 4*maxName:
		f.say(field, "is over 200 characters")
	case badText(v):
		f.say(field, "holds characters that are not text")
	}
}

func (f *faults) email(field, v string) {
	if !validEmail(v) {
		f.say(field, "is not an e-mail address")
	}
}

func (f *faults) text(field string, v *string, limit int) {
	if v == nil {
		return
	}
	if len(*v) > limit {
		f.say(field, fmt.Sprintf("is over %d bytes", limit))
	} else if badText(*v) {
		f.say(field, "holds characters that are not text")
	}
}

// badText finds NUL, which PostgreSQL cannot store, and broken UTF-8.
func badText(v string) bool { return strings.ContainsRune(v, 0) || !utf8.ValidString(v) }

// object checks the caller's own JSON: one object of at most maxAttributes bytes that both databases can store.
func (f *faults) object(field string, raw json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || object == nil || len(raw) > maxAttributes {
		f.say(field, "must be one JSON object of at most 16 KiB")
		return
	}
	if err := storable(object); err != nil {
		f.say(field, err.Error())
	}
}

// storable refuses what JSON allows and PostgreSQL does not: NUL, and numbers without measure.
func storable(v any) error {
	switch v := v.(type) {
	case string:
		if badText(v) {
			return errors.New("holds characters that are not text")
		}
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return errors.New("holds a number that is out of range")
		}
	case []any:
		for _, item := range v {
			if err := storable(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, item := range v {
			if err := errors.Join(storable(key), storable(item)); err != nil {
				return err
			}
		}
	}
	return nil
}

// err returns the first fault, carrying the others, or nil.
func (f *faults) err() error {
	if len(f.found) == 0 {
		return nil
	}
	first := f.found[0]
	first.More = f.found[1:]
	return first
}

func emptyIsNil(v *string) *string {
	if v == nil || *v == "" {
		return nil
	}
	return v
}

// checkVersion compares the version a caller asked for with the row's.
func checkVersion(want *int, have int) error {
	if want != nil && *want != have {
		return Fail(VersionMismatch, "the version is %d, not %d", have, *want)
	}
	return nil
}
