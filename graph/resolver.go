// Package graph is the API: the SDL in schema/, thin resolvers over ent and headshot, and the
// transports, limits and permissions in front of them.
package graph

import (
	"context"

	"headroom/ent"
	"headroom/ent/predicate"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// Resolver is the root of the resolvers.
type Resolver struct {
	Config
	cursors *page.Cursors
}

// actor returns who asks. @needs has let nobody without credentials through to a resolver.
func actor(ctx context.Context) (tenancy.Actor, error) {
	a, ok := tenancy.From(ctx)
	if !ok {
		return a, headshot.Fail(headshot.Unauthenticated, "no credentials")
	}
	return a, nil
}

func (r *Resolver) account(ctx context.Context) (*ent.Account, error) {
	a, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	return r.Client.Account.Get(ctx, a.AccountID)
}

// The connections of a row: from the rows that the parent's query loaded (then notLoaded is nil), or
// read here. where picks the parent's rows.

func (r *Resolver) sessions(
	ctx context.Context, loaded []*ent.StudioSession, notLoaded error, in page.Request[ent.StudioSession], where predicate.StudioSession,
) (*page.StudioSessionConnection, error) {
	q := r.Client.StudioSession.Query().Where(where)
	if notLoaded == nil {
		return page.Nested(r.cursors, loaded, in, func(ctx context.Context) (int, error) { return page.Count(ctx, q, in) })
	}
	pickSession(ctx, q, rowsOf(ctx, "StudioSession", selection(ctx)))
	return page.Load(ctx, r.cursors, q, in)
}

func (r *Resolver) submissions(
	ctx context.Context, loaded []*ent.Submission, notLoaded error, in page.Request[ent.Submission], where predicate.Submission,
) (*page.SubmissionConnection, error) {
	q := r.Client.Submission.Query().Where(where)
	if notLoaded == nil {
		return page.Nested(r.cursors, loaded, in, func(ctx context.Context) (int, error) { return page.Count(ctx, q, in) })
	}
	pickSubmission(ctx, q, rowsOf(ctx, "Submission", selection(ctx)))
	return page.Load(ctx, r.cursors, q, in)
}

func (r *Resolver) revisions(
	ctx context.Context, loaded []*ent.Revision, notLoaded error, in page.Request[ent.Revision], where predicate.Revision,
) (*page.RevisionConnection, error) {
	q := r.Client.Revision.Query().Where(where)
	if notLoaded == nil {
		return page.Nested(r.cursors, loaded, in, func(ctx context.Context) (int, error) { return page.Count(ctx, q, in) })
	}
	pickRevision(ctx, q, rowsOf(ctx, "Revision", selection(ctx)))
	return page.Load(ctx, r.cursors, q, in)
}

func (r *Resolver) deliveries(
	ctx context.Context, loaded []*ent.Delivery, notLoaded error, in page.Request[ent.Delivery], where predicate.Delivery,
) (*page.DeliveryConnection, error) {
	q := r.Client.Delivery.Query().Where(where)
	if notLoaded == nil {
		return page.Nested(r.cursors, loaded, in, func(ctx context.Context) (int, error) { return page.Count(ctx, q, in) })
	}
	pickDelivery(ctx, q, rowsOf(ctx, "Delivery", selection(ctx)))
	return page.Load(ctx, r.cursors, q, in)
}
