package graph

import (
	"context"
	"headroom/ent"
	"headroom/ent/image"
	"headroom/ent/revision"
	"headroom/ent/submission"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"time"
)

func (r *imageResolver) URL(ctx context.Context, obj *ent.Image) (string, error) {
	l, err := r.link(ctx, obj)
	return l.url, err
}

func (r *imageResolver) ExpiresAt(ctx context.Context, obj *ent.Image) (*time.Time, error) {
	l, err := r.link(ctx, obj)
	return &l.expires, err
}

func (r *mutationResolver) SubmitPhoto(ctx context.Context, input model.SubmitPhotoInput) (*model.SubmitPhotoPayload, error) {
	photo, err := readPhoto(input.Photo)
	if err != nil {
		return nil, err
	}
	row, err := r.Service.Submit(ctx, headshot.SubmitInput{
		SessionID: value(input.StudioSessionID), StudioID: value(input.StudioID), ContactID: value(input.ContactID),
		ReplacesID: value(input.ReplacesID), Consent: input.Consent, Photo: photo,
	})
	return &model.SubmitPhotoPayload{Submission: row}, err
}

func (r *mutationResolver) AcceptSubmission(ctx context.Context, input model.AcceptSubmissionInput) (*model.AcceptSubmissionPayload, error) {
	row, err := r.Service.Accept(ctx, headshot.ReviewInput{ID: input.ID, Note: value(input.Note), IfVersion: input.Version})
	return &model.AcceptSubmissionPayload{Submission: row}, err
}

func (r *mutationResolver) RejectSubmission(ctx context.Context, input model.RejectSubmissionInput) (*model.RejectSubmissionPayload, error) {
	row, err := r.Service.Reject(ctx, headshot.ReviewInput{ID: input.ID, Reasons: input.Reasons, Note: value(input.Note), IfVersion: input.Version})
	return &model.RejectSubmissionPayload{Submission: row}, err
}

func (r *mutationResolver) RequestRetake(ctx context.Context, input model.RequestRetakeInput) (*model.RequestRetakePayload, error) {
	row, err := r.Service.RequestRetake(ctx, headshot.ReviewInput{ID: input.ID, Reasons: input.Reasons, Note: value(input.Note), IfVersion: input.Version})
	return &model.RequestRetakePayload{Submission: row}, err
}

func (r *mutationResolver) ReprocessSubmissions(ctx context.Context, input model.ReprocessSubmissionsInput) (*model.ReprocessSubmissionsPayload, error) {
	rows, err := r.Service.Reprocess(ctx, headshot.ReprocessFilter{IDs: input.Filter.Ids, StudioID: value(input.Filter.StudioID)}, input.Notify)
	return &model.ReprocessSubmissionsPayload{Submissions: rows}, err
}

func (r *queryResolver) Submission(ctx context.Context, id string) (*ent.Submission, error) {
	q := r.Client.Submission.Query().Where(submission.ID(id))
	pickSubmission(ctx, q, selection(ctx))
	return q.Only(ctx)
}

func (r *queryResolver) Submissions(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.SubmissionFilter, orderBy model.SubmissionOrder) (*page.Connection[ent.Submission], error) {
	q := r.Client.Submission.Query()
	filterSubmissions(q, filter)
	pickSubmission(ctx, q, rowsOf(ctx, "Submission", selection(ctx)))
	return page.Load(ctx, r.cursors, q, request(ctx, "submissions", args(first, after, last, before), filter, submissionOrder(orderBy)))
}

func (r *revisionResolver) Failure(ctx context.Context, obj *ent.Revision) (*model.Failure, error) {
	return failure(obj.FailureCode, obj.FailureMessage), nil
}

func (r *revisionResolver) Quality(ctx context.Context, obj *ent.Revision) (*model.Quality, error) {
	return quality(obj.Quality)
}

func (r *revisionResolver) Images(ctx context.Context, obj *ent.Revision) ([]*ent.Image, error) {
	if rows, err := obj.Edges.ImagesOrErr(); err == nil {
		return rows, nil
	}
	return r.Client.Image.Query().Where(image.RevisionID(obj.ID)).Order(ent.Asc(image.FieldID)).All(ctx)
}

func (r *revisionResolver) Submission(ctx context.Context, obj *ent.Revision) (*ent.Submission, error) {
	if row, err := obj.Edges.SubmissionOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Query().Submission(ctx, obj.SubmissionID)
}

func (r *submissionResolver) Failure(ctx context.Context, obj *ent.Submission) (*model.Failure, error) {
	return failure(obj.FailureCode, obj.FailureMessage), nil
}

func (r *submissionResolver) Warnings(ctx context.Context, obj *ent.Submission) ([]*model.Warning, error) {
	return warnings(obj.Warnings)
}

func (r *submissionResolver) Quality(ctx context.Context, obj *ent.Submission) (*model.Quality, error) {
	return quality(obj.Quality)
}

func (r *submissionResolver) Images(ctx context.Context, obj *ent.Submission) ([]*ent.Image, error) {
	rows, err := obj.Edges.ImagesOrErr()
	if ent.IsNotLoaded(err) {
		rows, err = r.Client.Image.Query().Where(image.SubmissionID(obj.ID)).Order(ent.Asc(image.FieldID)).All(ctx)
	}
	return headshot.ShownImages(obj, rows), err
}

func (r *submissionResolver) Revision(ctx context.Context, obj *ent.Submission) (*ent.Revision, error) {
	rows, err := obj.NamedRevisions(newest)
	if err == nil && len(rows) > 0 {
		return rows[0], nil
	}
	if err == nil || obj.RevisionID == nil {
		return nil, nil
	}
	q := r.Client.Revision.Query().Where(revision.ID(*obj.RevisionID))
	pickRevision(ctx, q, selection(ctx))
	return q.Only(ctx)
}

func (r *submissionResolver) Revisions(ctx context.Context, obj *ent.Submission, first *int, after *string, last *int, before *string, orderBy model.RowOrder) (*page.Connection[ent.Revision], error) {
	rows, err := obj.NamedRevisions(loadKey(ctx))
	in := revisionsOf(ctx, obj.ID, args(first, after, last, before), orderBy)
	return r.revisions(ctx, rows, err, in, revision.SubmissionID(obj.ID))
}

func (r *submissionResolver) Studio(ctx context.Context, obj *ent.Submission) (*ent.Studio, error) {
	if row, err := obj.Edges.StudioOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Client.Studio.Get(ctx, obj.StudioID)
}

func (r *submissionResolver) Contact(ctx context.Context, obj *ent.Submission) (*ent.Contact, error) {
	if row, err := obj.Edges.ContactOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Query().Contact(ctx, obj.ContactID)
}

func (r *submissionResolver) StudioSession(ctx context.Context, obj *ent.Submission) (*ent.StudioSession, error) {
	if obj.StudioSessionID == nil {
		return nil, nil
	}
	if row, err := obj.Edges.StudioSessionOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Query().StudioSession(ctx, *obj.StudioSessionID)
}

func (r *subscriptionResolver) SubmissionUpdated(ctx context.Context, id *string, studioID *string, contactID *string) (<-chan *ent.Submission, error) {
	return r.follow(ctx, scope{id: value(id), studioID: value(studioID), contactID: value(contactID)})
}

func (r *Resolver) Image() generated.ImageResolver { return &imageResolver{r} }

func (r *Resolver) Revision() generated.RevisionResolver { return &revisionResolver{r} }

func (r *Resolver) Submission() generated.SubmissionResolver { return &submissionResolver{r} }

type (
	imageResolver      struct{ *Resolver }
	revisionResolver   struct{ *Resolver }
	submissionResolver struct{ *Resolver }
)
