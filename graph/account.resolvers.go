package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/tenancy"
)

func (r *mutationResolver) CreateAPIKey(ctx context.Context, input model.CreateAPIKeyInput) (*model.CreateAPIKeyPayload, error) {
	panic(fmt.Errorf("not implemented: CreateAPIKey - createApiKey"))
}

func (r *mutationResolver) RevokeAPIKey(ctx context.Context, input model.RevokeAPIKeyInput) (*model.RevokeAPIKeyPayload, error) {
	panic(fmt.Errorf("not implemented: RevokeAPIKey - revokeApiKey"))
}

func (r *queryResolver) APIKeys(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.APIKey], error) {
	panic(fmt.Errorf("not implemented: APIKeys - apiKeys"))
}

func (r *queryResolver) AuditLog(ctx context.Context, first *int, after *string, last *int, before *string, subjectID *string, action *string, orderBy model.RowOrder) (*page.Connection[ent.AuditEntry], error) {
	panic(fmt.Errorf("not implemented: AuditLog - auditLog"))
}

func (r *viewerResolver) Kind(ctx context.Context, obj *tenancy.Actor) (model.ActorKind, error) {
	panic(fmt.Errorf("not implemented: Kind - kind"))
}

func (r *viewerResolver) User(ctx context.Context, obj *tenancy.Actor) (*ent.User, error) {
	panic(fmt.Errorf("not implemented: User - user"))
}

func (r *viewerResolver) Account(ctx context.Context, obj *tenancy.Actor) (*ent.Account, error) {
	panic(fmt.Errorf("not implemented: Account - account"))
}

func (r *Resolver) Viewer() generated.ViewerResolver { return &viewerResolver{r} }

type viewerResolver struct{ *Resolver }
