package headshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"entgo.io/ent/dialect/sql"

	"headroom/ent"
	"headroom/ent/image"
	"headroom/ent/revision"
	"headroom/ent/submission"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// progressEvery is how often progress is written and announced at most.
const progressEvery = 500 * time.Millisecond

// storeTimeout is how long storing that a photo was given up may take, beyond the job's own time.
const storeTimeout = 10 * time.Second

// Enhance processes one revision: the work of the `enhance` job. It may run again after a crash and
// does nothing when the revision is finished. An error asks for another try, unless last.
func (s *Service) Enhance(ctx context.Context, accountID, revisionID string, last bool) error {
	ctx = tenancy.AsWorker(ctx, accountID)
	rev, err := s.Client.Revision.Query().Where(revision.ID(revisionID)).WithSubmission().Only(ctx)
	if ent.IsNotFound(err) {
		s.Log.InfoContext(ctx, "revision is gone; nothing to enhance", "revision_id", revisionID)
		return nil
	}
	if err != nil {
		return fmt.Errorf("load revision %s: %w", revisionID, err)
	}
	if finished(rev) {
		return nil
	}
	if goOn, err := s.startRevision(ctx, rev); err != nil || !goOn {
		return err
	}
	started := s.Now()
	photo, err := s.original(ctx, rev)
	switch {
	case err == nil:
		err = s.process(ctx, rev, photo, last)
	case last && errors.Is(err, fs.ErrNotExist): // the store answers, and does not have it
		err = s.giveUp(ctx, rev, err)
	}
	if err != nil {
		return fmt.Errorf("enhance revision %s: %w", rev.ID, err)
	}
	s.Log.InfoContext(ctx, "revision finished", "revision_id", rev.ID, "submission_id", rev.SubmissionID, "ms", s.Now().Sub(started).Milliseconds())
	return nil
}

// process enhances the photo and stores what came of it. What fails around the enhancer, such as the
// database or the store, is never held against the photo: it asks for another try even when last.
func (s *Service) process(ctx context.Context, rev *ent.Revision, photo []byte, last bool) error {
	out, err := s.runEnhancer(ctx, rev, photo)
	if err == nil {
		return s.finishRevision(ctx, rev, out)
	}
	if failure, ok := errors.AsType[*PhotoFailure](err); ok {
		return s.failRevision(ctx, rev, failure)
	}
	stopping := errors.Is(ctx.Err(), context.Canceled) // then the job runs again; one that ran out of time had its try
	if !last || stopping {
		return err
	}
	return s.giveUp(ctx, rev, err)
}

// giveUp makes the revision FAILED for a reason that is not the photo's.
func (s *Service) giveUp(ctx context.Context, rev *ent.Revision, cause error) error {
	s.Log.ErrorContext(ctx, "enhancement given up", "revision_id", rev.ID, "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return s.failRevision(ctx, rev, &PhotoFailure{Code: "INTERNAL", Message: "The photo could not be processed. Please try another one."})
}

func finished(rev *ent.Revision) bool {
	return rev.ProcessingState == revision.ProcessingStateComplete || rev.ProcessingState == revision.ProcessingStateFailed
}

// startRevision makes the revision PROCESSING. It does nothing and says so when another worker has
// finished it meanwhile.
func (s *Service) startRevision(ctx context.Context, rev *ent.Revision) (goOn bool, err error) {
	err = s.inTx(ctx, func(tx *txn) error {
		if _, err := holdSubmission(ctx, tx, rev); err != nil {
			return err
		}
		n, err := tx.Revision.Update().Where(revision.ID(rev.ID),
			revision.ProcessingStateIn(revision.ProcessingStateQueued, revision.ProcessingStateProcessing)).
			SetProcessingState(revision.ProcessingStateProcessing).SetStartedAt(s.Now()).AddAttempts(1).AddVersion(1).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		goOn = true
		return s.showRevision(ctx, tx, rev, func(u *ent.SubmissionUpdate) {
			u.SetProcessingState(submission.ProcessingStateProcessing)
		})
	})
	return goOn, err
}

// holdSubmission reads the submission of rev to be changed. Whoever changes both takes it before the
// revision, so that nobody waits for each other.
func holdSubmission(ctx context.Context, tx *txn, rev *ent.Revision) (*ent.Submission, error) {
	sub, err := tx.Submission.Query().Where(submission.ID(rev.SubmissionID), forChange).WithStudio().Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("load submission: %w", err)
	}
	return sub, nil
}

// showRevision changes the submission of rev, provided that rev is its newest revision.
func (s *Service) showRevision(ctx context.Context, tx *txn, rev *ent.Revision, change func(*ent.SubmissionUpdate)) error {
	u := tx.Submission.Update().Where(submission.ID(rev.SubmissionID), submission.RevisionID(rev.ID)).AddVersion(1)
	change(u)
	if err := u.Exec(ctx); err != nil {
		return fmt.Errorf("show revision: %w", err)
	}
	tx.changed(rev.Edges.Submission)
	return nil
}

// original reads the photo that was handed in.
func (s *Service) original(ctx context.Context, rev *ent.Revision) ([]byte, error) {
	original, err := s.Client.Image.Query().
		Where(image.SubmissionID(rev.SubmissionID), image.KindEQ(image.KindOriginal)).Only(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the original: %w", err)
	}
	photo, err := s.Blobs.Get(ctx, original.BlobKey)
	if err != nil {
		return nil, fmt.Errorf("read the original: %w", err)
	}
	return photo, nil
}

func (s *Service) runEnhancer(ctx context.Context, rev *ent.Revision, photo []byte) (*Enhanced, error) {
	var shown time.Time
	progress := func(step string, done float64) {
		now := s.Now()
		if done <= 0 || done >= 1 || now.Sub(shown) < progressEvery { // both ends are told by the state
			return
		}
		shown = now
		s.showProgress(ctx, rev, step, done)
	}
	return s.Enhancer.Enhance(ctx, photo, EnhanceOptions{Look: rev.Look, ForbidManyFaces: rev.ForbidManyFaces}, progress)
}

// showProgress is a convenience: losing one is nothing, so it neither fails nor raises the version.
func (s *Service) showProgress(ctx context.Context, rev *ent.Revision, step string, done float64) {
	sub := rev.Edges.Submission
	err := s.Client.Submission.Update().Where(submission.ID(sub.ID), submission.RevisionID(rev.ID),
		submission.ProcessingStateEQ(submission.ProcessingStateProcessing)).
		SetProgress(min(max(done, 0), 1)).SetProgressStep(step).Modify(keepUpdatedAt).Exec(ctx)
	if err != nil {
		s.Log.WarnContext(ctx, "progress was not written", "submission_id", sub.ID, "error", err)
		return
	}
	s.Bell.Ring(ringFor(sub))
}

// keepUpdatedAt leaves updated_at as it is in the database by now.
func keepUpdatedAt(u *sql.UpdateBuilder) {
	u.Set(submission.FieldUpdatedAt, sql.Expr(submission.FieldUpdatedAt))
}

type storedPicture struct {
	Picture
	sha256, key string
}

// finishRevision stores the pictures, then makes the revision COMPLETE in one transaction. Of two
// workers that finish one revision, the second changes nothing.
func (s *Service) finishRevision(ctx context.Context, rev *ent.Revision, out *Enhanced) error {
	sub := rev.Edges.Submission
	pictures := make([]storedPicture, len(out.Pictures))
	for i, p := range out.Pictures {
		sum := sha256.Sum256(p.Data)
		sha := hex.EncodeToString(sum[:])
		pictures[i] = storedPicture{Picture: p, sha256: sha, key: blobKey(sub.AccountID, sub.ID, sha)}
		if err := s.Blobs.Put(ctx, pictures[i].key, p.ContentType, p.Data); err != nil {
			return fmt.Errorf("store %s %s: %w", p.Kind, p.Name, err)
		}
	}
	return s.inTx(ctx, func(tx *txn) error {
		sub, err := holdSubmission(ctx, tx, rev)
		if err != nil {
			return err
		}
		n, err := tx.Revision.Update().Where(revision.ID(rev.ID), revision.ProcessingStateEQ(revision.ProcessingStateProcessing)).
			SetProcessingState(revision.ProcessingStateComplete).SetFinishedAt(s.Now()).SetProfile(out.Profile).
			SetModels(out.Models).SetSteps(out.Steps).SetQuality(out.Quality).AddVersion(1).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		rows := make([]*ent.ImageCreate, len(pictures))
		for i, p := range pictures {
			rows[i] = tx.Image.Create().SetSubmissionID(sub.ID).SetRevisionID(rev.ID).SetKind(image.Kind(p.Kind)).SetName(p.Name).
				SetWidth(p.Width).SetHeight(p.Height).SetContentType(p.ContentType).SetBytes(int64(len(p.Data))).
				SetSha256(p.sha256).SetBlobKey(p.key)
		}
		if err := tx.Image.CreateBulk(rows...).Exec(ctx); err != nil {
			return fmt.Errorf("insert images: %w", err)
		}
		return s.completeSubmission(ctx, tx, sub, rev, out)
	})
}

func (s *Service) completeSubmission(ctx context.Context, tx *txn, sub *ent.Submission, rev *ent.Revision, out *Enhanced) error {
	if sub.RevisionID == nil || *sub.RevisionID != rev.ID { // a newer revision is on its way and will show itself
		return nil
	}
	u := sub.Update().SetProcessingState(submission.ProcessingStateComplete).SetCompleteRevisionID(rev.ID).
		SetProgress(1).SetProgressStep("done").SetQuality(out.Quality).SetWarnings(out.Warnings).
		ClearFailureCode().ClearFailureMessage().AddVersion(1)
	st := sub.Edges.Studio
	accept := sub.State == submission.StatePending && st.AutoAccept && out.Score >= st.MinQuality
	if accept {
		u.SetState(submission.StateAccepted).SetReviewedAt(s.Now())
	}
	row, err := u.Save(ctx)
	if err != nil {
		return fmt.Errorf("complete submission: %w", err)
	}
	if accept {
		if err := s.event(ctx, tx, submissionEvent(events.SubmissionAccepted, row, map[string]any{"automatic": true})); err != nil {
			return err
		}
	}
	_, err = s.settle(ctx, tx, row, rev.Notify)
	return err
}

func (s *Service) failRevision(ctx context.Context, rev *ent.Revision, f *PhotoFailure) error {
	return s.inTx(ctx, func(tx *txn) error {
		if _, err := holdSubmission(ctx, tx, rev); err != nil {
			return err
		}
		n, err := tx.Revision.Update().Where(revision.ID(rev.ID), revision.ProcessingStateEQ(revision.ProcessingStateProcessing)).
			SetProcessingState(revision.ProcessingStateFailed).SetFinishedAt(s.Now()).
			SetFailureCode(f.Code).SetFailureMessage(f.Message).AddVersion(1).Save(ctx)
		if err != nil || n == 0 {
			return err
		}
		err = s.showRevision(ctx, tx, rev, func(u *ent.SubmissionUpdate) {
			u.SetProcessingState(submission.ProcessingStateFailed).SetFailureCode(f.Code).SetFailureMessage(f.Message).SetProgressStep("failed")
		})
		if err != nil {
			return err
		}
		return s.event(ctx, tx, submissionEvent(events.SubmissionFailed, rev.Edges.Submission,
			map[string]any{"failure": map[string]string{"code": f.Code, "message": f.Message}}))
	})
}
