package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/model"
	"headroom/graph/page"
)

func (r *mutationResolver) CreateStudio(ctx context.Context, input model.CreateStudioInput) (*model.CreateStudioPayload, error) {
	panic(fmt.Errorf("not implemented: CreateStudio - createStudio"))
}

func (r *mutationResolver) UpdateStudio(ctx context.Context, input model.UpdateStudioInput) (*model.UpdateStudioPayload, error) {
	panic(fmt.Errorf("not implemented: UpdateStudio - updateStudio"))
}

func (r *queryResolver) Studio(ctx context.Context, id string) (*ent.Studio, error) {
	panic(fmt.Errorf("not implemented: Studio - studio"))
}

func (r *queryResolver) Studios(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.Studio], error) {
	panic(fmt.Errorf("not implemented: Studios - studios"))
}
