package rest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	maxPhoto = 50 << 20
	maxField = 64 << 10 // bytes of a part that is no file
	maxForm  = maxPhoto + 1<<20
)

// multipart reads a form: one part for each field of the input, the file as an upload. A part that
// does not exist or stands twice is refused; parts after a refused one are not read.
func (b *binding) multipart(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if err := wants(r, "multipart/form-data"); err != nil {
		return nil, err
	}
	if r.ContentLength > maxForm {
		return nil, &refusal{code: payloadTooLarge, detail: "the body is over 51 MiB"}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, &refusal{code: badUserInput, detail: "the form has no boundary", err: err}
	}
	out, seen := map[string]any{}, map[string]any{}
	c := &coercer{schema: b.schema}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unread(err, "51 MiB")
		}
		name := part.FormName()
		at := "/" + escape(name)
		f, ok := b.body[name]
		if !ok {
			return nil, malformed("there is no such field").at(at, "unknown_field")
		}
		if seen[name] != nil {
			return nil, malformed("stands more than once").at(at, "repeated")
		}
		seen[name] = true
		if out[f.Name], err = b.part(c, part, f.Type, at); err != nil {
			return nil, err
		}
	}
	for name, f := range b.body {
		if seen[name] == nil && f.Type.NonNull && f.DefaultValue == nil {
			c.say("/"+name, "required", "is required")
		}
	}
	return out, c.err()
}

func (b *binding) part(c *coercer, part *multipart.Part, t *ast.Type, at string) (any, error) {
	limit := int64(maxField)
	if t.NamedType == "Upload" {
		limit = maxPhoto
	}
	var data bytes.Buffer
	n, err := data.ReadFrom(io.LimitReader(part, limit+1))
	if err != nil {
		return nil, unread(err, "51 MiB")
	}
	if n > limit {
		r := &refusal{code: payloadTooLarge, detail: fmt.Sprintf("is over %d bytes", limit)}
		return nil, r.at(at, "too_large")
	}
	if t.NamedType == "Upload" {
		return graphql.Upload{
			File: bytes.NewReader(data.Bytes()), Filename: part.FileName(), Size: n, ContentType: part.Header.Get("Content-Type"),
		}, nil
	}
	v, fault := fromText(b.schema.Types[t.NamedType], data.String())
	if fault != "" {
		c.say(at, "invalid", "%s", fault)
	}
	return v, nil
}
