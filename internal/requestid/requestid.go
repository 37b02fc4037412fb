// Package requestid gives every request an id, which answers, errors and log lines carry.
package requestid

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"
)

// Header carries the id in both directions.
const Header = "X-Request-Id"

type key struct{}

// With returns ctx carrying id.
func With(ctx context.Context, id string) context.Context { return context.WithValue(ctx, key{}, id) }

// From returns the id of ctx, or "".
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

var sane = regexp.MustCompile(`^[0-9A-Za-z._-]{8,64}$`)

// Middleware takes over the caller's id when it is sane, or makes one, and puts it into the context
// and the answer.
func Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(Header)
		if !sane.MatchString(id) {
			id = "req_" + strings.ToLower(rand.Text())
		}
		w.Header().Set(Header, id)
		next.ServeHTTP(w, r.WithContext(With(r.Context(), id)))
	})
}
