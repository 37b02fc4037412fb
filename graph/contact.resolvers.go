package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
)

func (r *contactResolver) ListIds(ctx context.Context, obj *ent.Contact) ([]string, error) {
	panic(fmt.Errorf("not implemented: ListIds - listIds"))
}

func (r *contactResolver) StudioIds(ctx context.Context, obj *ent.Contact) ([]string, error) {
	panic(fmt.Errorf("not implemented: StudioIds - studioIds"))
}

func (r *contactResolver) Lists(ctx context.Context, obj *ent.Contact) ([]*ent.List, error) {
	panic(fmt.Errorf("not implemented: Lists - lists"))
}

func (r *contactResolver) Studios(ctx context.Context, obj *ent.Contact) ([]*ent.Studio, error) {
	panic(fmt.Errorf("not implemented: Studios - studios"))
}

func (r *contactResolver) StudioSessions(ctx context.Context, obj *ent.Contact, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.StudioSession], error) {
	panic(fmt.Errorf("not implemented: StudioSessions - studioSessions"))
}

func (r *contactResolver) Submissions(ctx context.Context, obj *ent.Contact, first *int, after *string, last *int, before *string, orderBy model.SubmissionOrder) (*page.Connection[ent.Submission], error) {
	panic(fmt.Errorf("not implemented: Submissions - submissions"))
}

func (r *mutationResolver) CreateContact(ctx context.Context, input model.CreateContactInput) (*model.CreateContactPayload, error) {
	panic(fmt.Errorf("not implemented: CreateContact - createContact"))
}

func (r *mutationResolver) UpdateContact(ctx context.Context, input model.UpdateContactInput) (*model.UpdateContactPayload, error) {
	panic(fmt.Errorf("not implemented: UpdateContact - updateContact"))
}

func (r *queryResolver) Contact(ctx context.Context, id string) (*ent.Contact, error) {
	panic(fmt.Errorf("not implemented: Contact - contact"))
}

func (r *queryResolver) Contacts(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.ContactFilter, orderBy model.ContactOrder) (*page.Connection[ent.Contact], error) {
	panic(fmt.Errorf("not implemented: Contacts - contacts"))
}

func (r *Resolver) Contact() generated.ContactResolver { return &contactResolver{r} }

type contactResolver struct{ *Resolver }
