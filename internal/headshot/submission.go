package headshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/schema"
	"headroom/ent/studio"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// MaxPhoto is the largest photo taken, in bytes.
const MaxPhoto = 50 << 20

// SubmitInput is a photo handed in: through a session, or by API for a contact in a studio. A capture
// actor's session is its own, whatever SessionID says.
type SubmitInput struct {
	SessionID           string
	StudioID, ContactID string
	ReplacesID          string // the submission that this retake replaces; found by itself within a session
	Consent             bool   // the person in front of the camera agreed to the studio's consent text
	Photo               []byte
}

// Submit stores the photo and queues its enhancement. It returns once both are durable; a retake is
// a new submission that replaces another.
//
// Errors: UnsupportedMediaType, PayloadTooLarge, ValidationFailed (not a photo; unknown id),
// FailedPrecondition (the session is closed; no consent). Then nothing was stored.
func (s *Service) Submit(ctx context.Context, in SubmitInput) (*ent.Submission, error) {
	a, err := mayHandIn(ctx, &in)
	if err != nil {
		return nil, err
	}
	photo, err := s.Admit(in.Photo)
	if err != nil {
		return nil, err
	}
	// From here on the program works for the actor, whose right was checked above: a capture actor
	// may not write rows by itself.
	ctx = tenancy.AsWorker(ctx, a.AccountID)
	target, err := s.target(ctx, s.Client, a, in)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(in.Photo)
	d := draft{target: target, id: schema.NewID("sub"), photo: photo, bytes: int64(len(in.Photo)), sha256: hex.EncodeToString(sum[:])}
	d.key = blobKey(a.AccountID, d.id, d.sha256)
	// The bytes come before the row: an orphan is harmless and swept, a row without bytes is not.
	if err := s.Blobs.Put(ctx, d.key, photo.ContentType, in.Photo); err != nil {
		if err = s.fault("store the photo", err); KindOf(err) != StorageFull && ctx.Err() == nil {
			err = &Error{Kind: Unavailable, Msg: "the photo store is not available; try again", Err: err}
		}
		return nil, err
	}
	var row *ent.Submission
	err = s.inTx(ctx, func(tx *txn) error {
		// Again, and held: it may have closed meanwhile, and of two photos at once the second must see the first.
		if err := holdSession(ctx, tx, in.SessionID); err != nil {
			return err
		}
		if d.target, err = s.target(ctx, tx.Client(), a, in); err != nil {
			return err
		}
		row, err = s.insertSubmission(ctx, tx, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// mayHandIn says who hands in the photo and refuses who may not. A capture actor's session is filled in.
func mayHandIn(ctx context.Context, in *SubmitInput) (tenancy.Actor, error) {
	a, err := actor(ctx)
	if err != nil {
		return a, err
	}
	if a.Kind == tenancy.Capture {
		if in.StudioID != "" || in.ContactID != "" || (in.SessionID != "" && in.SessionID != a.SessionID) {
			return a, Fail(Forbidden, "a capture link hands in photos for its own session only")
		}
		in.SessionID = a.SessionID
	} else if err := need(ctx, "submissions:write"); err != nil {
		return a, err
	}
	if (in.SessionID == "") == (in.StudioID == "" && in.ContactID == "") {
		return a, Invalid("studioSessionId", "give either studioSessionId or studioId and contactId")
	}
	if len(in.Photo) > MaxPhoto {
		return a, &Error{Kind: PayloadTooLarge, Field: "photo", Msg: "the photo is over 50 MiB"}
	}
	return a, nil
}

func holdSession(ctx context.Context, tx *txn, id string) error {
	if id == "" {
		return nil
	}
	if _, err := tx.StudioSession.Query().Where(studiosession.ID(id), forChange).Only(ctx); err != nil {
		return fmt.Errorf("hold session: %w", err)
	}
	return nil
}

// target is what a submission is for.
type target struct {
	studio    *ent.Studio
	contactID string
	session   *ent.StudioSession // nil by API
	replaces  *string
	consent   bool
}

// draft is a submission about to be inserted.
type draft struct {
	target
	id, key, sha256 string
	photo           Photo
	bytes           int64
}

func (s *Service) target(ctx context.Context, c *ent.Client, a tenancy.Actor, in SubmitInput) (target, error) {
	if in.SessionID != "" {
		return s.sessionTarget(ctx, c, a, in)
	}
	st, err := c.Studio.Query().Where(studio.ID(in.StudioID)).Only(ctx)
	if ent.IsNotFound(err) {
		return target{}, unknownID("studioId", "studio", in.StudioID)
	}
	if err != nil {
		return target{}, s.fault("look up studio", err)
	}
	known, err := c.Contact.Query().Where(contact.ID(in.ContactID)).Exist(ctx)
	if err != nil {
		return target{}, s.fault("look up contact", err)
	}
	if !known {
		return target{}, unknownID("contactId", "contact", in.ContactID)
	}
	t := target{studio: st, contactID: in.ContactID}
	if in.ReplacesID != "" {
		old, err := c.Submission.Query().Where(submission.ID(in.ReplacesID), submission.ContactID(in.ContactID)).Exist(ctx)
		if err != nil {
			return target{}, s.fault("look up submission", err)
		}
		if !old {
			return target{}, unknownID("replacesId", "submission of this contact", in.ReplacesID)
		}
		t.replaces = &in.ReplacesID
	}
	return t, nil
}

func (s *Service) sessionTarget(ctx context.Context, c *ent.Client, a tenancy.Actor, in SubmitInput) (target, error) {
	ses, err := c.StudioSession.Query().Where(studiosession.ID(in.SessionID)).WithStudio().Only(ctx)
	if ent.IsNotFound(err) {
		return target{}, unknownID("studioSessionId", "studio session", in.SessionID)
	}
	if err != nil {
		return target{}, s.fault("look up session", err)
	}
	t := target{studio: ses.Edges.Studio, contactID: ses.ContactID, session: ses, consent: in.Consent}
	if ses.State == studiosession.StateRevoked || ses.State == studiosession.StateExpired || !ses.ExpiresAt.After(s.Now()) {
		return target{}, &Error{Kind: FailedPrecondition, Code: "session_closed", Msg: "this capture link is no longer open"}
	}
	if !sessionOpen(ses.State) {
		last, err := c.Submission.Query().Where(submission.StudioSessionID(ses.ID)).
			Order(ent.Desc(submission.FieldCreatedAt, submission.FieldID)).First(ctx)
		if err != nil {
			return target{}, s.fault("look up the last submission", err)
		}
		if !takesAnother(last) {
			return target{}, &Error{Kind: FailedPrecondition, Code: "already_submitted", Msg: "a photo was already handed in through this link"}
		}
		t.replaces = &last.ID
	}
	needsConsent := a.Kind == tenancy.Capture && t.studio.ConsentText != "" && ses.ConsentedAt == nil
	if needsConsent && !in.Consent {
		return target{}, &Error{Kind: FailedPrecondition, Field: "consent", Code: "consent_required", Msg: "the person must agree to the consent text first"}
	}
	return t, nil
}

func unknownID(field, noun, id string) error {
	return &Error{Kind: ValidationFailed, Field: field, Code: "unknown_id", Msg: fmt.Sprintf("there is no %s %q", noun, id)}
}

func (s *Service) insertSubmission(ctx context.Context, tx *txn, d draft) (*ent.Submission, error) {
	c := tx.Submission.Create().SetID(d.id).SetStudioID(d.studio.ID).SetContactID(d.contactID).SetNillableReplacesID(d.replaces)
	if d.session != nil {
		c.SetStudioSessionID(d.session.ID)
	}
	row, err := c.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("insert submission: %w", err)
	}
	err = tx.Image.Create().SetSubmissionID(d.id).SetKind("ORIGINAL").SetName("original").
		SetWidth(d.photo.Width).SetHeight(d.photo.Height).SetContentType(d.photo.ContentType).
		SetBytes(d.bytes).SetSha256(d.sha256).SetBlobKey(d.key).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("insert original: %w", err)
	}
	if row, err = s.addRevision(ctx, tx, row, d.studio, true); err != nil {
		return nil, err
	}
	if d.session != nil {
		u := d.session.Update().SetState(studiosession.StateSubmitted).SetSubmittedAt(s.Now()).AddVersion(1)
		if d.consent {
			u.SetConsentedAt(s.Now()).SetConsentVersion(d.studio.ConsentVersion)
		}
		// d.session was read through tx, so this runs in it.
		if err := u.Exec(ctx); err != nil {
			return nil, fmt.Errorf("close session: %w", err)
		}
	}
	return row, s.event(ctx, tx, submissionEvent(events.SubmissionCreated, row, nil))
}

// addRevision queues one processing of a submission's original with the studio's present look.
func (s *Service) addRevision(ctx context.Context, tx *txn, sub *ent.Submission, st *ent.Studio, notify bool) (*ent.Submission, error) {
	number, err := sub.QueryRevisions().Count(ctx)
	if err != nil {
		return nil, fmt.Errorf("count revisions: %w", err)
	}
	rev := tx.Revision.Create().SetSubmissionID(sub.ID).SetNumber(number + 1).SetLookVersion(st.LookVersion).
		SetForbidManyFaces(st.ForbidManyFaces).SetNotify(notify)
	if len(st.Look) > 0 {
		rev.SetLook(st.Look)
	}
	r, err := rev.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("insert revision: %w", err)
	}
	row, err := sub.Update().SetRevisionID(r.ID).SetProcessingState(submission.ProcessingStateQueued).
		SetProgress(0).SetProgressStep("").ClearFailureCode().ClearFailureMessage().AddVersion(1).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("point to revision: %w", err)
	}
	if err := s.Queue.Enhance(ctx, tx.Tx, r.ID, sub.AccountID); err != nil {
		return nil, fmt.Errorf("queue enhancement: %w", err)
	}
	tx.changed(row)
	tx.rings = append(tx.rings, events.Ring{Jobs: true})
	return row, nil
}

func submissionEvent(topic events.Topic, row *ent.Submission, detail any) events.Draft {
	return events.Draft{
		Topic: topic, SubjectID: row.ID, SubmissionID: row.ID, StudioID: row.StudioID, ContactID: row.ContactID, Detail: detail,
	}
}

// blobKey is never shared between submissions, so that erasing one can erase its bytes.
func blobKey(account, sub, sha string) string { return account + "/" + sub + "/" + sha }
