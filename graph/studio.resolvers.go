package graph

import (
	"context"
	"headroom/ent"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"time"
)

func (r *mutationResolver) CreateStudio(ctx context.Context, input model.CreateStudioInput) (*model.CreateStudioPayload, error) {
	row, err := r.Service.CreateStudio(ctx, headshot.StudioInput{
		Name: input.Name, Guidelines: value(input.Guidelines), Brand: input.Brand, Look: input.Look, ConsentText: input.ConsentText,
		AutoAccept: input.AutoAccept, MinQuality: value(input.MinQuality), ForbidManyFaces: value(input.ForbidManyFaces),
		SessionTTLSeconds: value(input.SessionTTLSeconds),
	})
	return &model.CreateStudioPayload{Studio: row}, err
}

func (r *mutationResolver) UpdateStudio(ctx context.Context, input model.UpdateStudioInput) (*model.UpdateStudioPayload, error) {
	p, err := studioPatch(input)
	if err != nil {
		return nil, err
	}
	row, err := r.Service.UpdateStudio(ctx, input.ID, p, input.Version)
	return &model.UpdateStudioPayload{Studio: row}, err
}

func (r *queryResolver) Studio(ctx context.Context, id string) (*ent.Studio, error) {
	return r.Client.Studio.Get(ctx, id)
}

func (r *queryResolver) Studios(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.Studio], error) {
	in := request(ctx, "studios", args(first, after, last, before), nil, byRow(orderBy, func(s *ent.Studio) (time.Time, string) { return s.CreatedAt, s.ID }))
	return page.Load(ctx, r.cursors, r.Client.Studio.Query(), in)
}
