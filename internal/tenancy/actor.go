// Package tenancy keeps accounts apart: it carries the actor in the context and puts the account
// filter on every read and write of the ent client. Forgetting that once would be a breach, so it is
// the one rule that is automatic.
package tenancy

import (
	"context"
	"slices"
	"strings"
)

// Kind says what sort of caller an actor is.
type Kind string

// The kinds of actor.
const (
	Key     Kind = "key"     // an API key
	User    Kind = "user"    // a portal user
	Capture Kind = "capture" // the holder of a capture link: one contact's one session
	Worker  Kind = "worker"  // the program itself, working inside one account
	System  Kind = "system"  // the program itself, across accounts
)

// Actor is who acts. Every query and mutation needs one in its context.
type Actor struct {
	Kind      Kind
	ID        string // key_…, usr_… or ses_…; empty for the program itself
	AccountID string // empty for System only
	Scopes    []string

	// Of a capture actor: the session, and the contact and studio it is for.
	SessionID, ContactID, StudioID string
}

type actorKey struct{}

// With returns ctx carrying a.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// From returns the actor of ctx.
func From(ctx context.Context) (Actor, bool) {
	a, ok := ctx.Value(actorKey{}).(Actor)
	return a, ok
}

// AsSystem returns ctx for work that crosses accounts: log-in, key look-up, the queues.
func AsSystem(ctx context.Context) context.Context { return With(ctx, Actor{Kind: System}) }

// AsWorker returns ctx for the program's own work inside one account, with every scope.
func AsWorker(ctx context.Context, accountID string) context.Context {
	return With(ctx, Actor{Kind: Worker, AccountID: accountID, Scopes: []string{"admin"}})
}

// Can says whether a holds scope ("contacts:read"). Write includes read; admin includes all.
func (a Actor) Can(scope string) bool {
	if a.Kind == System || a.Kind == Worker || slices.Contains(a.Scopes, "admin") || slices.Contains(a.Scopes, scope) {
		return true
	}
	noun, isRead := strings.CutSuffix(scope, ":read")
	return isRead && slices.Contains(a.Scopes, noun+":write")
}
