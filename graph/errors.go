package graph

import (
	"context"
	"errors"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/ent"
	"headroom/internal/headshot"
	"headroom/internal/requestid"
)

// queryTooComplex is a refusal that only this edge makes; the other codes are headshot's kinds.
const queryTooComplex headshot.Kind = "QUERY_TOO_COMPLEX"

// Fault is one thing that is wrong with a request, as `extensions.errors` of a GraphQL error lists
// them. Field is the path within the mutation's input or of the query's argument.
type Fault struct {
	Field   []string `json:"field,omitempty"`
	Code    string   `json:"code,omitempty"`
	Message string   `json:"message"`
}

// present gives err the form that callers see:
//
//	{"message", "path", "extensions": {"code", "detail", "field", "errors", "requestId"}}
//
// code is a headshot.Kind or QUERY_TOO_COMPLEX; detail is finer ("invalid_cursor") where there is
// more to say; field and errors name the faults of the input. Errors that nobody foresaw are masked,
// and logged with the request id.
func (h *Handler) present(ctx context.Context, err error) *gqlerror.Error {
	out := graphql.DefaultErrorPresenter(ctx, err)
	id := requestid.From(ctx)
	fault, ok := errors.AsType[*headshot.Error](err)
	switch {
	case ok && fault.Kind != headshot.Internal:
		out.Message, out.Extensions = fault.Msg, extensions(fault)
	case ent.IsNotFound(err):
		out.Message, out.Extensions = "not found", map[string]any{"code": headshot.NotFound}
	case out.Extensions["code"] == errcode.ParseFailed || out.Extensions["code"] == errcode.ValidationFailed:
		out.Extensions = map[string]any{"code": headshot.BadUserInput}
	case out.Extensions["code"] != nil && out.Err == nil: // made by this package
	case ctx.Err() != nil:
		out.Message, out.Extensions = "the request ended", map[string]any{"code": headshot.Unavailable}
	default:
		h.cfg.Log.ErrorContext(ctx, "request failed", "request_id", id, "path", out.Path.String(), "error", err)
		out.Message, out.Extensions = "internal error", map[string]any{"code": headshot.Internal}
	}
	if id != "" {
		out.Extensions["requestId"] = id
	}
	out.Err = nil // not for the wire, nor for anybody behind it
	return out
}

func extensions(e *headshot.Error) map[string]any {
	out := map[string]any{"code": e.Kind}
	if e.Code != "" {
		out["detail"] = e.Code
	}
	if e.Field != "" {
		out["field"] = fieldPath(e.Field)
		faults := []Fault{{Field: fieldPath(e.Field), Code: e.Code, Message: e.Msg}}
		for _, more := range e.More {
			faults = append(faults, Fault{Field: fieldPath(more.Field), Code: more.Code, Message: more.Msg})
		}
		out["errors"] = faults
	}
	return out
}

func fieldPath(field string) []string {
	if field == "" {
		return nil
	}
	return strings.Split(field, ".")
}

// refusal is a request error of this package's own.
func refusal(code headshot.Kind, format string, args ...any) *gqlerror.Error {
	e := gqlerror.Errorf(format, args...)
	e.Extensions = map[string]any{"code": code}
	return e
}
