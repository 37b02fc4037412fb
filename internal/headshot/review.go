package headshot

import (
	"context"
	"fmt"

	"headroom/ent"
	"headroom/ent/studiosession"
	"headroom/ent/submission"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// ReviewInput decides over a submission.
type ReviewInput struct {
	ID        string
	Reasons   []string // of a rejection or a retake, in words the person reads
	Note      string   // for colleagues
	IfVersion *int
}

// Accept accepts a submission. Its headshot is complete when a revision is.
func (s *Service) Accept(ctx context.Context, in ReviewInput) (*ent.Submission, error) {
	return s.review(ctx, in, submission.StateAccepted, events.SubmissionAccepted)
}

// Reject rejects a submission.
func (s *Service) Reject(ctx context.Context, in ReviewInput) (*ent.Submission, error) {
	return s.review(ctx, in, submission.StateRejected, events.SubmissionRejected)
}

// RequestRetake asks the person for another photo; the session takes one again.
func (s *Service) RequestRetake(ctx context.Context, in ReviewInput) (*ent.Submission, error) {
	return s.review(ctx, in, submission.StateRetakeRequested, events.SubmissionRetakeRequested)
}

func (s *Service) review(ctx context.Context, in ReviewInput, to submission.State, topic events.Topic) (*ent.Submission, error) {
	if err := need(ctx, "submissions:write"); err != nil {
		return nil, err
	}
	f := faults{}
	f.text("note", &in.Note, 2_000)
	if len(in.Reasons) > 20 {
		f.say("reasons", "are 20 at most")
	}
	for i := range in.Reasons {
		f.text("reasons", &in.Reasons[i], 500)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	a, _ := tenancy.From(ctx)
	var row *ent.Submission
	err := s.inTx(ctx, func(tx *txn) error {
		old, err := tx.Submission.Query().Where(submission.ID(in.ID), forChange).Only(ctx)
		if err != nil {
			return err
		}
		if err := checkVersion(in.IfVersion, old.Version); err != nil {
			return err
		}
		if !canBecome(old.State, to) {
			return &Error{Kind: FailedPrecondition, Code: "wrong_state", Msg: fmt.Sprintf("a submission that is %s cannot become %s", old.State, to)}
		}
		u := old.Update().SetState(to).SetReviewedAt(s.Now()).SetReviewedBy(a.ID).SetReviewReasons(in.Reasons).AddVersion(1)
		if in.Note == "" {
			u.ClearReviewNote()
		} else {
			u.SetReviewNote(in.Note)
		}
		if row, err = u.Save(ctx); err != nil {
			return err
		}
		detail := map[string]any{"reasons": in.Reasons}
		if err := s.event(ctx, tx, submissionEvent(topic, row, detail)); err != nil {
			return err
		}
		if row, err = s.settle(ctx, tx, row, false); err != nil {
			return err
		}
		return s.audit(ctx, tx, "submission."+string(to), row.ID, detail)
	})
	if err != nil {
		return nil, err
	}
	return row.Unwrap(), nil
}

// settle makes `complete` follow the two states of a submission, and raises SUBMISSION_COMPLETE when
// it becomes true, or when it already was and notify asks for it.
func (s *Service) settle(ctx context.Context, tx *txn, row *ent.Submission, notify bool) (*ent.Submission, error) {
	complete := row.State == submission.StateAccepted && row.CompleteRevisionID != nil
	became := complete && !row.Complete
	if complete != row.Complete {
		u := row.Update().SetComplete(complete).AddVersion(1)
		if complete {
			u.SetCompletedAt(s.Now())
		} else {
			u.ClearCompletedAt()
		}
		saved, err := u.Save(ctx)
		if err != nil {
			return nil, fmt.Errorf("settle submission: %w", err)
		}
		row = saved
	}
	tx.changed(row)
	if became && row.StudioSessionID != nil {
		err := tx.StudioSession.Update().Where(studiosession.ID(*row.StudioSessionID), studiosession.StateEQ(studiosession.StateSubmitted)).
			SetState(studiosession.StateCompleted).SetCompletedAt(s.Now()).AddVersion(1).Exec(ctx)
		if err != nil {
			return nil, fmt.Errorf("complete session: %w", err)
		}
	}
	if became || (complete && notify) {
		return row, s.event(ctx, tx, submissionEvent(events.SubmissionComplete, row, nil))
	}
	return row, nil
}

// ReprocessFilter chooses submissions to process again. At least one field must be given.
type ReprocessFilter struct {
	IDs      []string
	StudioID string
}

// maxReprocess is how many submissions one call queues at most.
const maxReprocess = 500

// Reprocess queues a new revision of each chosen submission with its studio's present look. A
// headshot stays until the new one is complete; notify raises SUBMISSION_COMPLETE again then.
// Submissions that are being processed are left out.
func (s *Service) Reprocess(ctx context.Context, filter ReprocessFilter, notify bool) ([]*ent.Submission, error) {
	if err := need(ctx, "submissions:write"); err != nil {
		return nil, err
	}
	if len(filter.IDs) == 0 && filter.StudioID == "" {
		return nil, Invalid("filter", "name ids or a studio")
	}
	if len(filter.IDs) > maxReprocess {
		return nil, Invalid("filter.ids", "are %d at most", maxReprocess)
	}
	var out []*ent.Submission
	err := s.inTx(ctx, func(tx *txn) error {
		rows, err := s.processed(ctx, tx, filter)
		if err != nil {
			return err
		}
		for _, row := range rows {
			again, err := s.addRevision(ctx, tx, row, row.Edges.Studio, notify)
			if err != nil {
				return err
			}
			out = append(out, again)
			if err := s.audit(ctx, tx, "submission.reprocess", row.ID, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unwrap(out), nil
}

// processed finds the chosen submissions that are not being processed.
func (s *Service) processed(ctx context.Context, tx *txn, filter ReprocessFilter) ([]*ent.Submission, error) {
	q := tx.Submission.Query().WithStudio().Order(ent.Asc(submission.FieldCreatedAt, submission.FieldID)).Limit(maxReprocess).
		Where(forChange, submission.ProcessingStateIn(submission.ProcessingStateComplete, submission.ProcessingStateFailed))
	if len(filter.IDs) > 0 {
		q.Where(submission.IDIn(filter.IDs...))
	}
	if filter.StudioID != "" {
		q.Where(submission.StudioID(filter.StudioID))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("find submissions: %w", err)
	}
	if len(filter.IDs) == 1 && len(rows) == 0 {
		return nil, s.whyNotReprocess(ctx, tx, filter.IDs[0])
	}
	return rows, nil
}

func (s *Service) whyNotReprocess(ctx context.Context, tx *txn, id string) error {
	row, err := tx.Submission.Get(ctx, id)
	if err != nil {
		return err
	}
	return &Error{Kind: FailedPrecondition, Code: "wrong_state", Msg: "the submission is being processed: it is " + string(row.ProcessingState)}
}
