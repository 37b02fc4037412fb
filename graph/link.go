package graph

import (
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"headroom/ent"
)

// An image's URL and the moment it expires are two fields of one signature, which is made once an answer.

// link is a signed URL.
type link struct {
	url     string
	expires time.Time
}

type linksKey struct{}

// withLinks lets the resolvers of one response share their signatures.
func withLinks(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(context.WithValue(ctx, linksKey{}, &sync.Map{}))
}

// link signs the URL of an image, once a response.
func (r *Resolver) link(ctx context.Context, img *ent.Image) (link, error) {
	sign := sync.OnceValues(func() (link, error) {
		url, expires, err := r.Service.ImageURL(ctx, img)
		return link{url, expires}, err
	})
	if links, ok := ctx.Value(linksKey{}).(*sync.Map); ok {
		if known, loaded := links.LoadOrStore(img.ID, sign); loaded {
			sign = known.(func() (link, error)) //nolint:forcetypeassert // nothing else is stored
		}
	}
	return sign()
}
