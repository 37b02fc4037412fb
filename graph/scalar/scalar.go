// Package scalar gives the API's own scalars their form on the wire.
package scalar

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"headroom/internal/headshot"
)

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// FormatTime gives t as every answer shows it: RFC 3339, UTC, milliseconds.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// MarshalTime writes t as FormatTime gives it.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+FormatTime(t)+`"`) })
}

// UnmarshalTime reads an RFC 3339 time with any offset.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, headshot.Fail(headshot.BadUserInput, "a time is a text such as 2026-01-31T12:00:00Z")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 { // its offset may take it out of what can be written
		return time.Time{}, headshot.Fail(headshot.BadUserInput, "a time is written as in RFC 3339: 2026-01-31T12:00:00Z")
	}
	return t, nil
}

// MarshalString writes a text.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString reads a text. NUL, which PostgreSQL can neither store nor look for, is refused.
func UnmarshalString(v any) (string, error) {
	s, err := graphql.UnmarshalString(v)
	if err != nil {
		return "", fmt.Errorf("not a text: %w", err)
	}
	return s, withoutNUL(s)
}

// MarshalID writes an id.
func MarshalID(s string) graphql.Marshaler { return graphql.MarshalID(s) }

// UnmarshalID reads an id as UnmarshalString reads a text.
func UnmarshalID(v any) (string, error) {
	s, err := graphql.UnmarshalID(v)
	if err != nil {
		return "", fmt.Errorf("not an id: %w", err)
	}
	return s, withoutNUL(s)
}

func withoutNUL(s string) error {
	if strings.ContainsRune(s, 0) {
		return headshot.Fail(headshot.ValidationFailed, "a text holds the character NUL")
	}
	return nil
}

// MarshalJSON writes raw as it is; nothing at all becomes null.
func MarshalJSON(raw json.RawMessage) graphql.Marshaler {
	if len(raw) == 0 {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(raw) })
}

// UnmarshalJSON gives the text of any value.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("not a JSON value: %w", err)
	}
	return raw, nil
}

// MarshalUpload is there because a scalar needs it; no field gives an upload.
func MarshalUpload(graphql.Upload) graphql.Marshaler { return graphql.Null }

// UnmarshalUpload takes the file that the multipart transport put in the place of a null.
func UnmarshalUpload(v any) (graphql.Upload, error) {
	u, ok := v.(graphql.Upload)
	if !ok {
		return u, headshot.Fail(headshot.BadUserInput, "a file is sent as multipart/form-data: see the graphql-multipart-request-spec")
	}
	return u, nil
}
