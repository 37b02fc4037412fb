package graph

import (
	"context"
	"headroom/ent"
	"headroom/ent/auditentry"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
	"time"
)

func (r *mutationResolver) CreateAPIKey(ctx context.Context, input model.CreateAPIKeyInput) (*model.CreateAPIKeyPayload, error) {
	row, secret, err := r.Service.CreateKey(ctx, headshot.KeyInput{Name: input.Name, Scopes: input.Scopes, ExpiresAt: input.ExpiresAt, Test: input.Test})
	return &model.CreateAPIKeyPayload{APIKey: row, Secret: secret}, err
}

func (r *mutationResolver) RevokeAPIKey(ctx context.Context, input model.RevokeAPIKeyInput) (*model.RevokeAPIKeyPayload, error) {
	row, err := r.Service.RevokeKey(ctx, input.ID)
	return &model.RevokeAPIKeyPayload{APIKey: row}, err
}

func (r *queryResolver) APIKeys(ctx context.Context, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.APIKey], error) {
	in := request(ctx, "apiKeys", args(first, after, last, before), nil, byRow(orderBy, func(k *ent.APIKey) (time.Time, string) { return k.CreatedAt, k.ID }))
	return page.Load(ctx, r.cursors, r.Client.APIKey.Query(), in)
}

func (r *queryResolver) AuditLog(ctx context.Context, first *int, after *string, last *int, before *string, subjectID *string, action *string, orderBy model.RowOrder) (*page.Connection[ent.AuditEntry], error) {
	q := r.Client.AuditEntry.Query()
	given(q.Where, subjectID, auditentry.SubjectID)
	given(q.Where, action, auditentry.Action)
	in := request(ctx, "auditLog", args(first, after, last, before), []*string{subjectID, action},
		byRow(orderBy, func(e *ent.AuditEntry) (time.Time, string) { return e.CreatedAt, e.ID }))
	return page.Load(ctx, r.cursors, q, in)
}

func (r *viewerResolver) Kind(ctx context.Context, obj *tenancy.Actor) (model.ActorKind, error) {
	switch obj.Kind {
	case tenancy.Key:
		return model.ActorKindKey, nil
	case tenancy.User:
		return model.ActorKindUser, nil
	case tenancy.Worker, tenancy.System, tenancy.Capture:
	}
	return model.ActorKindWorker, nil
}

func (r *viewerResolver) User(ctx context.Context, obj *tenancy.Actor) (*ent.User, error) {
	if obj.Kind != tenancy.User {
		return nil, nil
	}
	return r.Client.User.Get(ctx, obj.ID)
}

func (r *viewerResolver) Account(ctx context.Context, obj *tenancy.Actor) (*ent.Account, error) {
	return r.account(ctx)
}

func (r *Resolver) Viewer() generated.ViewerResolver { return &viewerResolver{r} }

type viewerResolver struct{ *Resolver }
