package graph

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/internal/auth"
)

// stream runs an operation of any kind and gives its responses one by one, encoded; the channel is closed
// after the last, or when ctx ends. When it returns, a subscription is listening. Errors mean that
// nothing runs.
func (h *Handler) stream(ctx context.Context, p *graphql.RawParams) (<-chan []byte, gqlerror.List) {
	e := h.door(ctx)
	oc, errs := e.CreateOperationContext(ctx, p)
	if errs != nil {
		return nil, e.DispatchError(graphql.WithOperationContext(ctx, oc), errs).Errors
	}
	out := make(chan []byte)
	next, ctx := e.DispatchOperation(ctx, oc)
	go func() {
		defer close(out)
		for {
			resp := next(ctx)
			if resp == nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case out <- encode(resp): // now: gqlgen writes the next response over this one
			}
			if resp.Data == nil || oc.Operation.Operation != ast.Subscription {
				return // a query and a mutation have one answer, a stream that could not begin one error
			}
		}
	}()
	return out, nil
}

// refusedAgain says whether credentials that were good are no longer. An outage of the database is
// not the caller's fault: the stream lives on and is asked about again.
func refusedAgain(err error) bool {
	return errors.Is(err, auth.ErrInvalid) || errors.Is(err, auth.ErrNoCredentials) || errors.Is(err, auth.ErrMalformedKey)
}

// watch looks every RecheckEvery whether the caller may still be here, until ctx ends or it may not:
// then gone is called.
func (h *Handler) watch(ctx context.Context, authorization string, gone func()) {
	if authorization == "" && h.cfg.Recheck == nil {
		return
	}
	tick := time.NewTicker(h.cfg.RecheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var err error
		if authorization != "" {
			_, err = h.cfg.Authenticate(ctx, authorization)
		} else {
			err = h.cfg.Recheck(ctx)
		}
		switch {
		case err == nil || ctx.Err() != nil:
		case refusedAgain(err):
			gone()
			return
		default:
			h.cfg.Log.WarnContext(ctx, "credentials of a stream could not be checked", "error", err)
		}
	}
}
