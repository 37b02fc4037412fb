package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"headroom/graph/model"
	"headroom/internal/headshot"
)

func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// value gives what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// field tells absent, null and a value apart.
func field[T any](o graphql.Omittable[*T]) headshot.Field[T] {
	v, set := o.ValueOK()
	return headshot.Field[T]{Set: set, Null: set && v == nil, Value: value(v)}
}

// many does the same for lists and raw JSON, whose null is nil.
func many[T ~[]E, E any](o graphql.Omittable[T]) headshot.Field[T] {
	v, set := o.ValueOK()
	return headshot.Field[T]{Set: set, Null: set && v == nil, Value: v}
}

func contactInput(in model.CreateContactInput) headshot.ContactInput {
	return headshot.ContactInput{
		FirstName: in.FirstName, LastName: value(in.LastName), Email: in.Email, Phone: in.Phone, ExternalID: in.ExternalID,
		CustomAttributes: in.CustomAttributes, ListIDs: in.ListIds, StudioIDs: in.StudioIds,
	}
}

func studioPatch(in model.UpdateStudioInput) (headshot.StudioPatch, error) {
	p := headshot.StudioPatch{
		Name: field(in.Name), Guidelines: field(in.Guidelines), ConsentText: field(in.ConsentText),
		Brand: many(in.Brand), Look: many(in.Look), AutoAccept: field(in.AutoAccept), ForbidManyFaces: field(in.ForbidManyFaces),
		MinQuality: field(in.MinQuality), SessionTTLSeconds: field(in.SessionTTLSeconds),
	}
	for _, f := range []struct {
		name string
		null bool
	}{{"autoAccept", p.AutoAccept.Null}, {"forbidManyFaces", p.ForbidManyFaces.Null}, {"minQuality", p.MinQuality.Null}} {
		if f.null {
			return p, headshot.Invalid(f.name, "cannot be cleared")
		}
	}
	return p, nil
}

func failure(code, message *string) *model.Failure {
	if code == nil {
		return nil
	}
	return &model.Failure{Code: *code, Message: value(message)}
}

// quality reads what the enhancer wrote.
func quality(raw json.RawMessage) (*model.Quality, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var q *model.Quality
	if err := json.Unmarshal(raw, &q); err != nil {
		return nil, fmt.Errorf("stored quality: %w", err)
	}
	return q, nil
}

// warnings reads what the enhancer wrote.
func warnings(raw json.RawMessage) ([]*model.Warning, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var w []*model.Warning
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, fmt.Errorf("stored warnings: %w", err)
	}
	return w, nil
}

// readPhoto reads an upload into memory: the transports bound its size.
func readPhoto(u graphql.Upload) ([]byte, error) {
	if u.File == nil {
		return nil, headshot.Invalid("photo", "is missing")
	}
	if u.Size > headshot.MaxPhoto {
		return nil, &headshot.Error{Kind: headshot.PayloadTooLarge, Field: "photo", Msg: "the photo is over 50 MiB"}
	}
	photo := make([]byte, u.Size)
	if _, err := io.ReadFull(u.File, photo); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the upload: %w", err)
	}
	return photo, nil
}
