package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// needs is the directive @needs: it lets an actor through that holds scope, and the holder of a
// capture link where capture says so. "any" asks for credentials only, "capture" for a capture link.
func needs(ctx context.Context, _ any, next graphql.Resolver, scope string, capture bool) (any, error) {
	a, ok := tenancy.From(ctx)
	if !ok {
		return nil, headshot.Fail(headshot.Unauthenticated, "send credentials: Authorization: Bearer <API key>")
	}
	switch {
	case a.Kind == tenancy.Capture && capture:
	case a.Kind == tenancy.Capture:
		return nil, &headshot.Error{Kind: headshot.Forbidden, Code: "insufficient_scope", Msg: "a capture link does not allow this"}
	case scope == "any" || a.Can(scope):
	default:
		return nil, &headshot.Error{Kind: headshot.Forbidden, Code: "insufficient_scope", Msg: "this needs the scope " + scope}
	}
	return next(ctx)
}
