package graph

import (
	"context"
	"time"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/event"
	"headroom/ent/submission"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/tenancy"
)

const (
	createdAt = "created_at" // of every table
	updatedAt = "updated_at"
)

// byRow is the order by creation of any noun.
func byRow[T any](order model.RowOrder, key func(*T) (time.Time, string)) page.Order[T] {
	return page.ByTime(string(order), createdAt, order != model.RowOrderCreatedAtAsc, key)
}

func contactOrder(order model.ContactOrder) page.Order[ent.Contact] {
	switch order {
	case model.ContactOrderLastNameAsc, model.ContactOrderLastNameDesc:
		return page.By(string(order), contact.FieldSortName, order == model.ContactOrderLastNameDesc,
			func(c *ent.Contact) (string, string) { return c.SortName, c.ID })
	case model.ContactOrderUpdatedAtAsc, model.ContactOrderUpdatedAtDesc:
		return page.ByTime(string(order), updatedAt, order == model.ContactOrderUpdatedAtDesc,
			func(c *ent.Contact) (time.Time, string) { return c.UpdatedAt, c.ID })
	case model.ContactOrderCreatedAtAsc, model.ContactOrderCreatedAtDesc:
	}
	return page.ByTime(string(order), createdAt, order != model.ContactOrderCreatedAtAsc,
		func(c *ent.Contact) (time.Time, string) { return c.CreatedAt, c.ID })
}

func submissionOrder(order model.SubmissionOrder) page.Order[ent.Submission] {
	switch order {
	case model.SubmissionOrderUpdatedAtAsc, model.SubmissionOrderUpdatedAtDesc:
		return page.ByTime(string(order), updatedAt, order == model.SubmissionOrderUpdatedAtDesc,
			func(s *ent.Submission) (time.Time, string) { return s.UpdatedAt, s.ID })
	case model.SubmissionOrderCompletedAtAsc, model.SubmissionOrderCompletedAtDesc:
		o := page.ByTime(string(order), submission.FieldCompletedAt, order == model.SubmissionOrderCompletedAtDesc,
			func(s *ent.Submission) (time.Time, string) {
				if s.CompletedAt == nil { // NotNull keeps these out
					return time.Time{}, s.ID
				}
				return *s.CompletedAt, s.ID
			})
		o.NotNull = true
		return o
	case model.SubmissionOrderCreatedAtAsc, model.SubmissionOrderCreatedAtDesc:
	}
	return page.ByTime(string(order), createdAt, order != model.SubmissionOrderCreatedAtAsc,
		func(s *ent.Submission) (time.Time, string) { return s.CreatedAt, s.ID })
}

func eventOrder(order model.EventOrder) page.Order[ent.Event] {
	o := page.By(string(order), event.FieldSeq, order == model.EventOrderSeqDesc, func(e *ent.Event) (int64, string) {
		if e.Seq == nil { // NotNull keeps these out
			return 0, e.ID
		}
		return *e.Seq, e.ID
	})
	o.NotNull = true
	return o
}

func sessionKey(s *ent.StudioSession) (time.Time, string) { return s.CreatedAt, s.ID }
func revisionKey(r *ent.Revision) (time.Time, string)     { return r.CreatedAt, r.ID }
func deliveryKey(d *ent.Delivery) (time.Time, string)     { return d.CreatedAt, d.ID }

// request is one page of a connection of the caller's account.
func request[T any](ctx context.Context, connection string, args page.Args, filter any, order page.Order[T]) page.Request[T] {
	a, _ := tenancy.From(ctx)
	return page.Request[T]{
		Args: args, Order: order,
		Scope: page.Scope{Account: a.AccountID, Connection: connection, Filter: filter},
	}
}

// args gathers a connection field's arguments.
func args(first *int, after *string, last *int, before *string) page.Args {
	return page.Args{First: first, After: after, Last: last, Before: before}
}
