package graph

import (
	"context"
	"headroom/ent"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"time"
)

func (r *mutationResolver) CreateList(ctx context.Context, input model.CreateListInput) (*model.CreateListPayload, error) {
	row, err := r.Service.CreateList(ctx, headshot.ListInput{Name: input.Name, Description: value(input.Description)})
	return &model.CreateListPayload{List: row}, err
}

func (r *mutationResolver) UpdateList(ctx context.Context, input model.UpdateListInput) (*model.UpdateListPayload, error) {
	row, err := r.Service.UpdateList(ctx, input.ID, headshot.ListPatch{Name: field(input.Name), Description: field(input.Description)}, input.Version)
	return &model.UpdateListPayload{List: row}, err
}

func (r *mutationResolver) DeleteList(ctx context.Context, input model.DeleteListInput) (*model.DeleteListPayload, error) {
	return &model.DeleteListPayload{ID: input.ID}, r.Service.DeleteList(ctx, input.ID)
}

func (r *queryResolver) List(ctx context.Context, id string) (*ent.List, error) {
	return r.Client.List.Get(ctx, id)
}

func (r *queryResolver) Lists(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.List], error) {
	in := request(ctx, "lists", args(first, after, last, before), nil, byRow(orderBy, func(l *ent.List) (time.Time, string) { return l.CreatedAt, l.ID }))
	return page.Load(ctx, r.cursors, r.Client.List.Query(), in)
}
