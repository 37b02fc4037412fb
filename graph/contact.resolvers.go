package graph

import (
	"context"
	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/list"
	"headroom/ent/listmembership"
	"headroom/ent/studio"
	"headroom/ent/studiomembership"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/headshot"
)

func (r *contactResolver) ListIds(ctx context.Context, obj *ent.Contact) ([]string, error) {
	rows, err := obj.Edges.ListMembershipsOrErr()
	if ent.IsNotLoaded(err) {
		rows, err = r.Client.ListMembership.Query().Where(listmembership.ContactID(obj.ID)).Order(ent.Asc(listmembership.FieldListID)).All(ctx)
	}
	return each(rows, func(m *ent.ListMembership) string { return m.ListID }), err
}

func (r *contactResolver) StudioIds(ctx context.Context, obj *ent.Contact) ([]string, error) {
	rows, err := obj.Edges.StudioMembershipsOrErr()
	if ent.IsNotLoaded(err) {
		rows, err = r.Client.StudioMembership.Query().Where(studiomembership.ContactID(obj.ID)).Order(ent.Asc(studiomembership.FieldStudioID)).All(ctx)
	}
	return each(rows, func(m *ent.StudioMembership) string { return m.StudioID }), err
}

func (r *contactResolver) Lists(ctx context.Context, obj *ent.Contact) ([]*ent.List, error) {
	if rows, err := obj.Edges.ListsOrErr(); err == nil {
		return rows, nil
	}
	return r.Client.List.Query().Where(list.HasContactsWith(contact.ID(obj.ID))).Order(ent.Asc(list.FieldID)).All(ctx)
}

func (r *contactResolver) Studios(ctx context.Context, obj *ent.Contact) ([]*ent.Studio, error) {
	if rows, err := obj.Edges.StudiosOrErr(); err == nil {
		return rows, nil
	}
	return r.Client.Studio.Query().Where(studio.HasContactsWith(contact.ID(obj.ID))).Order(ent.Asc(studio.FieldID)).All(ctx)
}

func (r *contactResolver) StudioSessions(ctx context.Context, obj *ent.Contact, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.StudioSession], error) {
	rows, err := obj.NamedStudioSessions(loadKey(ctx))
	in := sessionsOf(ctx, obj.ID, args(first, after, last, before), orderBy)
	return r.sessions(ctx, rows, err, in, studiosession.ContactID(obj.ID))
}

func (r *contactResolver) Submissions(ctx context.Context, obj *ent.Contact, first *int, after *string, last *int, before *string, orderBy model.SubmissionOrder) (*page.Connection[ent.Submission], error) {
	rows, err := obj.NamedSubmissions(loadKey(ctx))
	in := submissionsOf(ctx, obj.ID, args(first, after, last, before), orderBy)
	return r.submissions(ctx, rows, err, in, submission.ContactID(obj.ID))
}

func (r *mutationResolver) CreateContact(ctx context.Context, input model.CreateContactInput) (*model.CreateContactPayload, error) {
	row, err := r.Service.CreateContact(ctx, contactInput(input))
	return &model.CreateContactPayload{Contact: row}, err
}

func (r *mutationResolver) UpdateContact(ctx context.Context, input model.UpdateContactInput) (*model.UpdateContactPayload, error) {
	row, err := r.Service.UpdateContact(ctx, input.ID, headshot.ContactPatch{
		FirstName: field(input.FirstName), LastName: field(input.LastName), Email: field(input.Email),
		Phone: field(input.Phone), ExternalID: field(input.ExternalID), CustomAttributes: many(input.CustomAttributes),
		ListIDs: many(input.ListIds), StudioIDs: many(input.StudioIds),
	}, input.Version)
	return &model.UpdateContactPayload{Contact: row}, err
}

func (r *queryResolver) Contact(ctx context.Context, id string) (*ent.Contact, error) {
	q := r.Client.Contact.Query().Where(contact.ID(id))
	pickContact(ctx, q, selection(ctx))
	return q.Only(ctx)
}

func (r *queryResolver) Contacts(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.ContactFilter, orderBy model.ContactOrder) (*page.Connection[ent.Contact], error) {
	q := r.Client.Contact.Query()
	if err := filterContacts(ctx, q, filter); err != nil {
		return nil, err
	}
	pickContact(ctx, q, rowsOf(ctx, "Contact", selection(ctx)))
	return page.Load(ctx, r.cursors, q, request(ctx, "contacts", args(first, after, last, before), filter, contactOrder(orderBy)))
}

func (r *Resolver) Contact() generated.ContactResolver { return &contactResolver{r} }

type contactResolver struct{ *Resolver }
