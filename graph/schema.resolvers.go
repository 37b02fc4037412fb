package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/generated"
	"headroom/internal/tenancy"
)

func (r *queryResolver) Viewer(ctx context.Context) (*tenancy.Actor, error) {
	panic(fmt.Errorf("not implemented: Viewer - viewer"))
}

func (r *queryResolver) Account(ctx context.Context) (*ent.Account, error) {
	panic(fmt.Errorf("not implemented: Account - account"))
}

func (r *queryResolver) Node(ctx context.Context, id string) (ent.Noder, error) {
	panic(fmt.Errorf("not implemented: Node - node"))
}

func (r *queryResolver) Nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	panic(fmt.Errorf("not implemented: Nodes - nodes"))
}

func (r *Resolver) Mutation() generated.MutationResolver { return &mutationResolver{r} }

func (r *Resolver) Query() generated.QueryResolver { return &queryResolver{r} }

func (r *Resolver) Subscription() generated.SubscriptionResolver { return &subscriptionResolver{r} }

type (
	mutationResolver     struct{ *Resolver }
	queryResolver        struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)
