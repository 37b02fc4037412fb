package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/model"
	"headroom/graph/page"
)

func (r *mutationResolver) CreateList(ctx context.Context, input model.CreateListInput) (*model.CreateListPayload, error) {
	panic(fmt.Errorf("not implemented: CreateList - createList"))
}

func (r *mutationResolver) UpdateList(ctx context.Context, input model.UpdateListInput) (*model.UpdateListPayload, error) {
	panic(fmt.Errorf("not implemented: UpdateList - updateList"))
}

func (r *queryResolver) List(ctx context.Context, id string) (*ent.List, error) {
	panic(fmt.Errorf("not implemented: List - list"))
}

func (r *queryResolver) Lists(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.List], error) {
	panic(fmt.Errorf("not implemented: Lists - lists"))
}
