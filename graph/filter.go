package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/delivery"
	"headroom/ent/listmembership"
	"headroom/ent/studiomembership"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/graph/model"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// given narrows q by pred when a filter's field is given.
func given[Q any, P any, V any](where func(...P) Q, v *V, pred func(V) P) {
	if v != nil {
		where(pred(*v))
	}
}

// maxConditions bounds a list of conditions: databases take only so many, and each costs time.
const maxConditions = 20

func few(field string, n int) error {
	if n > maxConditions {
		return &headshot.Error{Kind: headshot.BadUserInput, Field: field, Code: "out_of_range", Msg: fmt.Sprintf("are %d at most", maxConditions)}
	}
	return nil
}

func filterContacts(ctx context.Context, q *ent.ContactQuery, f *model.ContactFilter) error {
	if f == nil {
		return nil
	}
	a, _ := tenancy.From(ctx)
	if f.StudioID != nil { // with the account, which the join tables' indexes begin with
		q.Where(contact.HasStudioMembershipsWith(studiomembership.AccountID(a.AccountID), studiomembership.StudioID(*f.StudioID)))
	}
	if f.ListID != nil {
		q.Where(contact.HasListMembershipsWith(listmembership.AccountID(a.AccountID), listmembership.ListID(*f.ListID)))
	}
	if f.Email != nil {
		q.Where(contact.Email(strings.ToLower(strings.TrimSpace(*f.Email))))
	}
	given(q.Where, f.ExternalID, contact.ExternalID)
	if f.Q != nil {
		text := strings.TrimSpace(*f.Q)
		if utf8.RuneCountInString(text) < 3 || len(text) > 200 {
			return &headshot.Error{Kind: headshot.BadUserInput, Field: "filter.q", Code: "out_of_range", Msg: "has 3 to 200 characters"}
		}
		for word := range strings.FieldsSeq(text) {
			q.Where(contact.Or(contact.SortNameContains(headshot.Fold(word)), contact.EmailContains(strings.ToLower(word))))
		}
	}
	if err := few("filter.customAttributes", len(f.CustomAttributes)); err != nil {
		return err
	}
	for _, c := range f.CustomAttributes {
		q.Where(attribute(c.Key, c.Value))
	}
	given(q.Where, f.CreatedAfter, contact.CreatedAtGT)
	given(q.Where, f.CreatedBefore, contact.CreatedAtLT)
	given(q.Where, f.UpdatedAfter, contact.UpdatedAtGT)
	return nil
}

// attribute holds for contacts whose custom attribute key is value: the text itself, or a number,
// true or false written so.
func attribute(key, value string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		column := s.C(contact.FieldCustomAttributes)
		s.Where(sql.P(func(b *sql.Builder) {
			if b.Dialect() == dialect.Postgres {
				b.Ident(column).WriteString(" ->> ").Arg(key).WriteString(" = ").Arg(value)
				return
			}
			// The driver stores JSON as a blob, which the JSON functions would take for JSONB. `->` gives
			// the value as JSON, so that true is not 1.
			quoted, err := json.Marshal(key)
			if err != nil { // a text is always JSON
				b.AddError(err)
				return
			}
			path := "$." + string(quoted)
			b.WriteString("(CAST(").Ident(column).WriteString(" AS TEXT) ->> ").Arg(path).WriteString(" = ").Arg(value)
			b.WriteString(" OR CAST(").Ident(column).WriteString(" AS TEXT) -> ").Arg(path).WriteString(" = ").Arg(value).WriteString(")")
		}))
	}
}

func filterSessions(q *ent.StudioSessionQuery, f *model.StudioSessionFilter) {
	if f == nil {
		return
	}
	given(q.Where, f.StudioID, studiosession.StudioID)
	given(q.Where, f.ContactID, studiosession.ContactID)
	given(q.Where, f.State, studiosession.StateEQ)
	given(q.Where, f.CreatedAfter, studiosession.CreatedAtGT)
	given(q.Where, f.CreatedBefore, studiosession.CreatedAtLT)
}

func filterSubmissions(q *ent.SubmissionQuery, f *model.SubmissionFilter) {
	if f == nil {
		return
	}
	given(q.Where, f.StudioID, submission.StudioID)
	given(q.Where, f.ContactID, submission.ContactID)
	given(q.Where, f.StudioSessionID, submission.StudioSessionID)
	given(q.Where, f.State, submission.StateEQ)
	given(q.Where, f.ProcessingState, submission.ProcessingStateEQ)
	given(q.Where, f.Complete, submission.Complete)
	given(q.Where, f.CreatedAfter, submission.CreatedAtGT)
	given(q.Where, f.CreatedBefore, submission.CreatedAtLT)
	given(q.Where, f.UpdatedAfter, submission.UpdatedAtGT)
	given(q.Where, f.CompletedAfter, submission.CompletedAtGT)
}

func filterDeliveries(q *ent.DeliveryQuery, f *model.DeliveryFilter) {
	if f == nil {
		return
	}
	given(q.Where, f.EndpointID, delivery.EndpointID)
	given(q.Where, f.EventID, delivery.EventID)
	given(q.Where, f.State, delivery.StateEQ)
	given(q.Where, f.CreatedAfter, delivery.CreatedAtGT)
	given(q.Where, f.CreatedBefore, delivery.CreatedAtLT)
}
