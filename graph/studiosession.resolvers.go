package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
)

func (r *captureSessionResolver) FirstName(ctx context.Context, obj *ent.StudioSession) (string, error) {
	panic(fmt.Errorf("not implemented: FirstName - firstName"))
}

func (r *captureSessionResolver) Studio(ctx context.Context, obj *ent.StudioSession) (*ent.Studio, error) {
	panic(fmt.Errorf("not implemented: Studio - studio"))
}

func (r *captureSessionResolver) Submissions(ctx context.Context, obj *ent.StudioSession) ([]*ent.Submission, error) {
	panic(fmt.Errorf("not implemented: Submissions - submissions"))
}

func (r *mutationResolver) CreateStudioSession(ctx context.Context, input model.CreateStudioSessionInput) (*model.CreateStudioSessionPayload, error) {
	panic(fmt.Errorf("not implemented: CreateStudioSession - createStudioSession"))
}

func (r *mutationResolver) RevokeStudioSession(ctx context.Context, input model.RevokeStudioSessionInput) (*model.RevokeStudioSessionPayload, error) {
	panic(fmt.Errorf("not implemented: RevokeStudioSession - revokeStudioSession"))
}

func (r *mutationResolver) OpenCaptureSession(ctx context.Context) (*model.OpenCaptureSessionPayload, error) {
	panic(fmt.Errorf("not implemented: OpenCaptureSession - openCaptureSession"))
}

func (r *queryResolver) StudioSession(ctx context.Context, id string) (*ent.StudioSession, error) {
	panic(fmt.Errorf("not implemented: StudioSession - studioSession"))
}

func (r *queryResolver) StudioSessions(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.StudioSessionFilter, orderBy model.RowOrder) (*page.Connection[ent.StudioSession], error) {
	panic(fmt.Errorf("not implemented: StudioSessions - studioSessions"))
}

func (r *queryResolver) CaptureSession(ctx context.Context) (*ent.StudioSession, error) {
	panic(fmt.Errorf("not implemented: CaptureSession - captureSession"))
}

func (r *studioFaceResolver) Consent(ctx context.Context, obj *ent.Studio) (*model.Consent, error) {
	panic(fmt.Errorf("not implemented: Consent - consent"))
}

func (r *studioSessionResolver) URL(ctx context.Context, obj *ent.StudioSession) (string, error) {
	panic(fmt.Errorf("not implemented: URL - url"))
}

func (r *studioSessionResolver) Studio(ctx context.Context, obj *ent.StudioSession) (*ent.Studio, error) {
	panic(fmt.Errorf("not implemented: Studio - studio"))
}

func (r *studioSessionResolver) Contact(ctx context.Context, obj *ent.StudioSession) (*ent.Contact, error) {
	panic(fmt.Errorf("not implemented: Contact - contact"))
}

func (r *studioSessionResolver) Submissions(ctx context.Context, obj *ent.StudioSession, first *int, after *string, last *int, before *string, orderBy model.SubmissionOrder) (*page.Connection[ent.Submission], error) {
	panic(fmt.Errorf("not implemented: Submissions - submissions"))
}

func (r *Resolver) CaptureSession() generated.CaptureSessionResolver {
	return &captureSessionResolver{r}
}

func (r *Resolver) StudioFace() generated.StudioFaceResolver { return &studioFaceResolver{r} }

func (r *Resolver) StudioSession() generated.StudioSessionResolver { return &studioSessionResolver{r} }

type (
	captureSessionResolver struct{ *Resolver }
	studioFaceResolver     struct{ *Resolver }
	studioSessionResolver  struct{ *Resolver }
)
