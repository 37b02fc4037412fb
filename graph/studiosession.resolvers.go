package graph

import (
	"context"
	"headroom/ent"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/graph/generated"
	"headroom/graph/model"
	"headroom/graph/page"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

func (r *captureSessionResolver) FirstName(ctx context.Context, obj *ent.StudioSession) (string, error) {
	row, err := r.Client.Contact.Get(ctx, obj.ContactID)
	if err != nil {
		return "", err
	}
	return row.FirstName, nil
}

func (r *captureSessionResolver) Studio(ctx context.Context, obj *ent.StudioSession) (*ent.Studio, error) {
	return r.Client.Studio.Get(ctx, obj.StudioID)
}

func (r *captureSessionResolver) Submissions(ctx context.Context, obj *ent.StudioSession) ([]*ent.Submission, error) {
	q := r.Client.Submission.Query().Where(submission.StudioSessionID(obj.ID)).
		Order(ent.Desc(submission.FieldCreatedAt, submission.FieldID)).Limit(20)
	pickSubmission(ctx, q, selection(ctx))
	return q.All(ctx)
}

func (r *mutationResolver) CreateStudioSession(ctx context.Context, input model.CreateStudioSessionInput) (*model.CreateStudioSessionPayload, error) {
	in := headshot.SessionInput{
		StudioID: input.StudioID, ContactID: value(input.ContactID), RedirectURL: input.RedirectURL,
		ExpiresIn: input.ExpiresIn, Metadata: input.Metadata,
	}
	if input.Contact != nil {
		c := contactInput(*input.Contact)
		in.Contact = &c
	}
	row, err := r.Service.CreateSession(ctx, in)
	return &model.CreateStudioSessionPayload{StudioSession: row}, err
}

func (r *mutationResolver) RevokeStudioSession(ctx context.Context, input model.RevokeStudioSessionInput) (*model.RevokeStudioSessionPayload, error) {
	row, err := r.Service.RevokeSession(ctx, input.ID)
	return &model.RevokeStudioSessionPayload{StudioSession: row}, err
}

func (r *mutationResolver) OpenCaptureSession(ctx context.Context) (*model.OpenCaptureSessionPayload, error) {
	row, err := r.Service.OpenSession(ctx)
	return &model.OpenCaptureSessionPayload{CaptureSession: row}, err
}

func (r *queryResolver) StudioSession(ctx context.Context, id string) (*ent.StudioSession, error) {
	q := r.Client.StudioSession.Query().Where(studiosession.ID(id))
	pickSession(ctx, q, selection(ctx))
	return q.Only(ctx)
}

func (r *queryResolver) StudioSessions(ctx context.Context, first *int, after *string, last *int, before *string, filter *model.StudioSessionFilter, orderBy model.RowOrder) (*page.Connection[ent.StudioSession], error) {
	q := r.Client.StudioSession.Query()
	filterSessions(q, filter)
	pickSession(ctx, q, rowsOf(ctx, "StudioSession", selection(ctx)))
	return page.Load(ctx, r.cursors, q, request(ctx, "studioSessions", args(first, after, last, before), filter, byRow(orderBy, sessionKey)))
}

func (r *queryResolver) CaptureSession(ctx context.Context) (*ent.StudioSession, error) {
	a, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	if a.Kind != tenancy.Capture {
		return nil, headshot.Fail(headshot.Forbidden, "this is for the holder of a capture link")
	}
	return r.Client.StudioSession.Get(ctx, a.SessionID)
}

func (r *studioFaceResolver) Consent(ctx context.Context, obj *ent.Studio) (*model.Consent, error) {
	return &model.Consent{Version: obj.ConsentVersion, Text: obj.ConsentText}, nil
}

func (r *studioSessionResolver) URL(ctx context.Context, obj *ent.StudioSession) (string, error) {
	return r.Service.SessionURL(obj), nil
}

func (r *studioSessionResolver) Studio(ctx context.Context, obj *ent.StudioSession) (*ent.Studio, error) {
	if row, err := obj.Edges.StudioOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Client.Studio.Get(ctx, obj.StudioID)
}

func (r *studioSessionResolver) Contact(ctx context.Context, obj *ent.StudioSession) (*ent.Contact, error) {
	if row, err := obj.Edges.ContactOrErr(); !ent.IsNotLoaded(err) {
		return row, err
	}
	return r.Query().Contact(ctx, obj.ContactID)
}

func (r *studioSessionResolver) Submissions(ctx context.Context, obj *ent.StudioSession, first *int, after *string, last *int, before *string, orderBy model.SubmissionOrder) (*page.Connection[ent.Submission], error) {
	rows, err := obj.NamedSubmissions(loadKey(ctx))
	in := submissionsOf(ctx, obj.ID, args(first, after, last, before), orderBy)
	return r.submissions(ctx, rows, err, in, submission.StudioSessionID(obj.ID))
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
