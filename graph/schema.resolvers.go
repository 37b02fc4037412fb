package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/generated"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

func (r *queryResolver) Viewer(ctx context.Context) (*tenancy.Actor, error) {
	a, err := actor(ctx)
	return &a, err
}

func (r *queryResolver) Account(ctx context.Context) (*ent.Account, error) {
	return r.account(ctx)
}

func (r *queryResolver) Node(ctx context.Context, id string) (ent.Noder, error) {
	rows, err := r.nodes(ctx, []string{id})
	if err == nil && rows[0] == nil {
		err = headshot.Fail(headshot.NotFound, "there is no node %s", id)
	}
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

func (r *queryResolver) Nodes(ctx context.Context, ids []string) ([]ent.Noder, error) {
	if len(ids) > page.Max {
		return nil, &headshot.Error{Kind: headshot.BadUserInput, Field: "ids", Code: "out_of_range", Msg: fmt.Sprintf("are %d at most", page.Max)}
	}
	return r.nodes(ctx, ids)
}

func (r *Resolver) Mutation() generated.MutationResolver { return &mutationResolver{r} }

func (r *Resolver) Query() generated.QueryResolver { return &queryResolver{r} }

func (r *Resolver) Subscription() generated.SubscriptionResolver { return &subscriptionResolver{r} }

type (
	mutationResolver     struct{ *Resolver }
	queryResolver        struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)
