package graph

import (
	"context"
	"fmt"
	"headroom/ent"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
	"time"
)

func (r *imageResolver) URL(ctx context.Context, obj *ent.Image) (string, error) {
	panic(fmt.Errorf("not implemented: URL - url"))
}

func (r *imageResolver) ExpiresAt(ctx context.Context, obj *ent.Image) (*time.Time, error) {
	panic(fmt.Errorf("not implemented: ExpiresAt - expiresAt"))
}

func (r *mutationResolver) SubmitPhoto(ctx context.Context, input model.SubmitPhotoInput) (*model.SubmitPhotoPayload, error) {
	panic(fmt.Errorf("not implemented: SubmitPhoto - submitPhoto"))
}

func (r *mutationResolver) AcceptSubmission(ctx context.Context, input model.AcceptSubmissionInput) (*model.AcceptSubmissionPayload, error) {
	panic(fmt.Errorf("not implemented: AcceptSubmission - acceptSubmission"))
}

func (r *mutationResolver) RejectSubmission(ctx context.Context, input model.RejectSubmissionInput) (*model.RejectSubmissionPayload, error) {
	panic(fmt.Errorf("not implemented: RejectSubmission - rejectSubmission"))
}

func (r *mutationResolver) RequestRetake(ctx context.Context, input model.RequestRetakeInput) (*model.RequestRetakePayload, error) {
	panic(fmt.Errorf("not implemented: RequestRetake - requestRetake"))
}

func (r *mutationResolver) ReprocessSubmissions(ctx context.Context, input model.ReprocessSubmissionsInput) (*model.ReprocessSubmissionsPayload, error) {
	panic(fmt.Errorf("not implemented: ReprocessSubmissions - reprocessSubmissions"))
}

func (r *queryResolver) Submission(ctx context.Context, id string) (*ent.Submission, error) {
	panic(fmt.Errorf("not implemented: Submission - submission"))
}

func (r *queryResolver) Submissions(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.SubmissionFilter, orderBy model.SubmissionOrder) (*page.Connection[ent.Submission], error) {
	panic(fmt.Errorf("not implemented: Submissions - submissions"))
}

func (r *revisionResolver) Failure(ctx context.Context, obj *ent.Revision) (*model.Failure, error) {
	panic(fmt.Errorf("not implemented: Failure - failure"))
}

func (r *revisionResolver) Quality(ctx context.Context, obj *ent.Revision) (*model.Quality, error) {
	panic(fmt.Errorf("not implemented: Quality - quality"))
}

func (r *revisionResolver) Images(ctx context.Context, obj *ent.Revision) ([]*ent.Image, error) {
	panic(fmt.Errorf("not implemented: Images - images"))
}

func (r *revisionResolver) Submission(ctx context.Context, obj *ent.Revision) (*ent.Submission, error) {
	panic(fmt.Errorf("not implemented: Submission - submission"))
}

func (r *submissionResolver) Failure(ctx context.Context, obj *ent.Submission) (*model.Failure, error) {
	panic(fmt.Errorf("not implemented: Failure - failure"))
}

func (r *submissionResolver) Warnings(ctx context.Context, obj *ent.Submission) ([]*model.Warning, error) {
	panic(fmt.Errorf("not implemented: Warnings - warnings"))
}

func (r *submissionResolver) Quality(ctx context.Context, obj *ent.Submission) (*model.Quality, error) {
	panic(fmt.Errorf("not implemented: Quality - quality"))
}

func (r *submissionResolver) Images(ctx context.Context, obj *ent.Submission) ([]*ent.Image, error) {
	panic(fmt.Errorf("not implemented: Images - images"))
}

func (r *submissionResolver) Revision(ctx context.Context, obj *ent.Submission) (*ent.Revision, error) {
	panic(fmt.Errorf("not implemented: Revision - revision"))
}

func (r *submissionResolver) Revisions(ctx context.Context, obj *ent.Submission, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.Revision], error) {
	panic(fmt.Errorf("not implemented: Revisions - revisions"))
}

func (r *submissionResolver) Studio(ctx context.Context, obj *ent.Submission) (*ent.Studio, error) {
	panic(fmt.Errorf("not implemented: Studio - studio"))
}

func (r *submissionResolver) Contact(ctx context.Context, obj *ent.Submission) (*ent.Contact, error) {
	panic(fmt.Errorf("not implemented: Contact - contact"))
}

func (r *submissionResolver) StudioSession(ctx context.Context, obj *ent.Submission) (*ent.StudioSession, error) {
	panic(fmt.Errorf("not implemented: StudioSession - studioSession"))
}

func (r *subscriptionResolver) SubmissionUpdated(ctx context.Context, id *string, studioID *string, contactID *string) (<-chan *ent.Submission, error) {
	panic(fmt.Errorf("not implemented: SubmissionUpdated - submissionUpdated"))
}

func (r *Resolver) Image() generated.ImageResolver { return &imageResolver{r} }

func (r *Resolver) Revision() generated.RevisionResolver { return &revisionResolver{r} }

func (r *Resolver) Submission() generated.SubmissionResolver { return &submissionResolver{r} }

type (
	imageResolver      struct{ *Resolver }
	revisionResolver   struct{ *Resolver }
	submissionResolver struct{ *Resolver }
)
