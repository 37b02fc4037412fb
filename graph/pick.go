package graph

import (
	"context"

	"github.com/vektah/gqlparser/v2/ast"

	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/deliveryattempt"
	"headroom/ent/image"
	"headroom/ent/list"
	"headroom/ent/listmembership"
	"headroom/ent/revision"
	"headroom/ent/studio"
	"headroom/ent/studiomembership"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/graph/model"
	"headroom/graph/page"
)

// pickContact makes q load the edges that sets ask for.
func pickContact(ctx context.Context, q *ent.ContactQuery, sets []ast.SelectionSet) {
	for _, w := range wants(ctx, "Contact", sets) {
		switch w.name {
		case "listIds":
			q.WithListMemberships(func(q *ent.ListMembershipQuery) { q.Order(ent.Asc(listmembership.FieldListID)) })
		case "studioIds":
			q.WithStudioMemberships(func(q *ent.StudioMembershipQuery) { q.Order(ent.Asc(studiomembership.FieldStudioID)) })
		case "lists":
			q.WithLists(func(q *ent.ListQuery) { q.Order(ent.Asc(list.FieldID)) })
		case "studios":
			q.WithStudios(func(q *ent.StudioQuery) { q.Order(ent.Asc(studio.FieldID)) })
		case "studioSessions":
			if in := sessionsOf(ctx, "", w.pageArgs(), orderBy[model.RowOrder](w)); page.Nestable(in) {
				q.WithNamedStudioSessions(w.key, func(q *ent.StudioSessionQuery) {
					page.Nest(q, studiosession.FieldContactID, in)
					pickSession(ctx, q, w.rows(ctx, "StudioSession"))
				})
			}
		case "submissions":
			if in := submissionsOf(ctx, "", w.pageArgs(), orderBy[model.SubmissionOrder](w)); page.Nestable(in) {
				q.WithNamedSubmissions(w.key, func(q *ent.SubmissionQuery) {
					page.Nest(q, submission.FieldContactID, in)
					pickSubmission(ctx, q, w.rows(ctx, "Submission"))
				})
			}
		}
	}
}

// pickSession makes q load the edges that sets ask for, of the session or of its capture page.
func pickSession(ctx context.Context, q *ent.StudioSessionQuery, sets []ast.SelectionSet) {
	for _, w := range wants(ctx, "StudioSession", sets) {
		switch w.name {
		case "studio":
			q.WithStudio()
		case "contact":
			q.WithContact(func(q *ent.ContactQuery) { pickContact(ctx, q, w.sets) })
		case "submissions":
			if in := submissionsOf(ctx, "", w.pageArgs(), orderBy[model.SubmissionOrder](w)); page.Nestable(in) {
				q.WithNamedSubmissions(w.key, func(q *ent.SubmissionQuery) {
					page.Nest(q, submission.FieldStudioSessionID, in)
					pickSubmission(ctx, q, w.rows(ctx, "Submission"))
				})
			}
		}
	}
}

// pickSubmission makes q load the edges that sets ask for.
func pickSubmission(ctx context.Context, q *ent.SubmissionQuery, sets []ast.SelectionSet) {
	for _, w := range wants(ctx, "Submission", sets) {
		switch w.name {
		case "images":
			q.WithImages(func(q *ent.ImageQuery) { q.Order(ent.Asc(image.FieldID)) })
		case "revision":
			q.WithNamedRevisions(newest, func(q *ent.RevisionQuery) {
				page.Nest(q, revision.FieldSubmissionID, newestRevision(ctx))
				pickRevision(ctx, q, w.sets)
			})
		case "revisions":
			if in := revisionsOf(ctx, "", w.pageArgs(), orderBy[model.RowOrder](w)); page.Nestable(in) {
				q.WithNamedRevisions(w.key, func(q *ent.RevisionQuery) {
					page.Nest(q, revision.FieldSubmissionID, in)
					pickRevision(ctx, q, w.rows(ctx, "Revision"))
				})
			}
		case "studio":
			q.WithStudio()
		case "contact":
			q.WithContact(func(q *ent.ContactQuery) { pickContact(ctx, q, w.sets) })
		case "studioSession":
			q.WithStudioSession(func(q *ent.StudioSessionQuery) { pickSession(ctx, q, w.sets) })
		}
	}
}

// newest names the loaded revision that a submission's field `revision` shows.
const newest = "newest"

func newestRevision(ctx context.Context) page.Request[ent.Revision] {
	one := 1
	return revisionsOf(ctx, "", page.Args{First: &one}, model.RowOrderCreatedAtDesc)
}

// pickRevision makes q load the edges that sets ask for.
func pickRevision(ctx context.Context, q *ent.RevisionQuery, sets []ast.SelectionSet) {
	for _, w := range wants(ctx, "Revision", sets) {
		switch w.name {
		case "images":
			q.WithImages(func(q *ent.ImageQuery) { q.Order(ent.Asc(image.FieldID)) })
		case "submission":
			q.WithSubmission(func(q *ent.SubmissionQuery) { pickSubmission(ctx, q, w.sets) })
		}
	}
}

// pickEndpoint makes q load the edges that sets ask for.
func pickEndpoint(ctx context.Context, q *ent.WebhookEndpointQuery, sets []ast.SelectionSet) {
	for _, w := range wants(ctx, "WebhookEndpoint", sets) {
		switch w.name {
		case "studio":
			q.WithStudio()
		case "deliveries":
			if in := deliveriesOf(ctx, "", w.pageArgs(), orderBy[model.RowOrder](w)); page.Nestable(in) {
				q.WithNamedDeliveries(w.key, func(q *ent.DeliveryQuery) {
					page.Nest(q, delivery.FieldEndpointID, in)
					pickDelivery(ctx, q, w.rows(ctx, "Delivery"))
				})
			}
		}
	}
}

// pickDelivery makes q load the edges that sets ask for.
func pickDelivery(ctx context.Context, q *ent.DeliveryQuery, sets []ast.SelectionSet) {
	for _, w := range wants(ctx, "Delivery", sets) {
		switch w.name {
		case "event":
			q.WithEvent()
		case "endpoint":
			q.WithEndpoint(func(q *ent.WebhookEndpointQuery) { pickEndpoint(ctx, q, w.sets) })
		case "attempts":
			q.WithAttempts(func(q *ent.DeliveryAttemptQuery) { q.Order(ent.Asc(deliveryattempt.FieldNumber)) })
		}
	}
}

// The connections of a row. parent is the row's id; it is empty for many rows at once.

func sessionsOf(ctx context.Context, parent string, a page.Args, order model.RowOrder) page.Request[ent.StudioSession] {
	return request(ctx, "studioSessions of "+parent, a, nil, byRow(order, sessionKey))
}

func submissionsOf(ctx context.Context, parent string, a page.Args, order model.SubmissionOrder) page.Request[ent.Submission] {
	return request(ctx, "submissions of "+parent, a, nil, submissionOrder(order))
}

func revisionsOf(ctx context.Context, parent string, a page.Args, order model.RowOrder) page.Request[ent.Revision] {
	return request(ctx, "revisions of "+parent, a, nil, byRow(order, revisionKey))
}

func deliveriesOf(ctx context.Context, parent string, a page.Args, order model.RowOrder) page.Request[ent.Delivery] {
	return request(ctx, "deliveries of "+parent, a, nil, byRow(order, deliveryKey))
}
