package graph

import (
	"context"
	"slices"
	"time"

	"headroom/ent"
	"headroom/ent/submission"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// progressEvery is the least time between two messages about a submission that differ in progress only.
const progressEvery = 500 * time.Millisecond

// scope narrows submissionUpdated. Empty fields let everything pass.
type scope struct{ id, studioID, contactID string }

func (s scope) narrow(q *ent.SubmissionQuery) *ent.SubmissionQuery {
	if s.id != "" {
		q.Where(submission.ID(s.id))
	}
	if s.studioID != "" {
		q.Where(submission.StudioID(s.studioID))
	}
	if s.contactID != "" {
		q.Where(submission.ContactID(s.contactID))
	}
	return q
}

// shown is what subscribers hear about; two rows that are alike in it need one message.
type shown struct {
	state      submission.State
	processing submission.ProcessingState
	complete   bool
	version    int
	progress   float64
	step       string
}

func shownOf(s *ent.Submission) shown {
	return shown{s.State, s.ProcessingState, s.Complete, s.Version, s.Progress, s.ProgressStep}
}

// onlyProgress says whether b differs from a in progress alone.
func (s shown) onlyProgress(b shown) bool {
	return s.state == b.state && s.processing == b.processing && s.complete == b.complete
}

// told is the last message about a submission.
type told struct {
	what shown
	at   time.Time
}

// follow gives the newest submission in scope as it is now, if there is one, and then each submission
// in scope that changes. It reads rows under the actor of ctx, so nothing is told that may not be read.
func (r *Resolver) follow(ctx context.Context, sc scope) (<-chan *ent.Submission, error) {
	a, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	if a.Kind == tenancy.Capture && sc.contactID == "" {
		sc.contactID = a.ContactID // what the hub need not wake us for
	}
	// Subscribed first, read second: what changes in between is then told twice rather than never.
	ctx, cancel := context.WithCancel(ctx)
	began := r.Now().Add(-time.Second) // the clock of the node that made a row may be behind
	changes := r.Hub.Subscribe(ctx, a.AccountID, events.Filter{SubmissionID: sc.id, StudioID: sc.studioID, ContactID: sc.contactID})
	now, err := r.look(ctx, sc)
	if err == nil && now == nil && sc.id != "" {
		err = headshot.Fail(headshot.NotFound, "there is no submission %s", sc.id)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	f := &follower{
		resolver: r, scope: sc, began: began, out: make(chan *ent.Submission), told: map[string]told{}, late: map[string]time.Time{},
	}
	go func() {
		defer cancel()
		defer close(f.out)
		f.run(ctx, now, changes)
	}()
	return f.out, nil
}

// look reads the newest submission in scope; nil when there is none.
func (r *Resolver) look(ctx context.Context, sc scope) (*ent.Submission, error) {
	q := sc.narrow(r.Client.Submission.Query())
	pickSubmission(ctx, q, selection(ctx))
	row, err := q.Order(ent.Desc(submission.FieldCreatedAt, submission.FieldID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return row, err
}

type follower struct {
	resolver *Resolver
	scope    scope
	began    time.Time // the subscription
	out      chan *ent.Submission
	told     map[string]told
	late     map[string]time.Time // submission id → when its progress may be told
}

func (f *follower) run(ctx context.Context, now *ent.Submission, changes <-chan events.Change) {
	if now != nil && !f.send(ctx, now) {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case c, ok := <-changes:
			if !ok || !f.tell(ctx, c.SubmissionID) {
				return
			}
		case <-timer.C:
			for id, due := range f.late {
				if due.Sub(f.resolver.Now()) <= 0 && !f.tell(ctx, id) {
					return
				}
			}
		}
		if len(f.late) > 0 {
			timer.Reset(f.wait())
		}
	}
}

// wait is how long it is until the first late progress is due.
func (f *follower) wait() time.Duration {
	first := progressEvery
	for _, due := range f.late {
		first = min(first, max(0, due.Sub(f.resolver.Now())))
	}
	return first
}

// tell reads a submission and sends it if it is in scope and has changed; progress that comes too
// soon after the last message waits for its turn. It is false when the subscription is over.
func (f *follower) tell(ctx context.Context, id string) bool {
	if id == "" {
		id = f.scope.id
	}
	if id == "" || (f.scope.id != "" && f.scope.id != id) {
		return true
	}
	delete(f.late, id)
	sc := f.scope
	sc.id = id
	row, err := f.resolver.look(ctx, sc)
	if err != nil {
		if ctx.Err() == nil {
			f.resolver.Log.WarnContext(ctx, "subscription ends: the submission cannot be read", "submission_id", id, "error", err)
		}
		return false
	}
	if row == nil {
		return true
	}
	last, known := f.told[id]
	what := shownOf(row)
	if known && what == last.what {
		return true
	}
	if due := last.at.Add(progressEvery); known && last.what.onlyProgress(what) && due.Sub(f.resolver.Now()) > 0 {
		f.late[id] = due
		return true
	}
	for _, earlier := range f.missed(last, known, row) {
		if !f.send(ctx, earlier) {
			return false
		}
	}
	return f.send(ctx, row)
}

// missed gives the steps of processing that row has taken since it was last told of, as copies of row:
// a worker may be quicker than the reading of the row, and each change of processingState is promised.
func (f *follower) missed(last told, known bool, row *ent.Submission) []*ent.Submission {
	steps := []submission.ProcessingState{submission.ProcessingStateQueued, submission.ProcessingStateProcessing}
	place := func(s submission.ProcessingState) int {
		if i := slices.Index(steps, s); i >= 0 {
			return i
		}
		return len(steps)
	}
	from, to := 0, place(row.ProcessingState)
	switch {
	case !known && row.CreatedAt.Before(f.began): // its steps were before our time
		return nil
	case known && place(last.what.processing) < len(steps):
		from = place(last.what.processing) + 1
	case known && to == len(steps): // finished then and now
		return nil
	}
	var out []*ent.Submission
	for i := from; i < to; i++ {
		earlier := *row
		earlier.ProcessingState, earlier.Progress, earlier.ProgressStep = steps[i], 0, ""
		if !known || !last.what.complete {
			earlier.State, earlier.Complete, earlier.CompletedAt, earlier.CompleteRevisionID = submission.StatePending, false, nil, nil
		}
		out = append(out, &earlier)
	}
	return out
}

func (f *follower) send(ctx context.Context, row *ent.Submission) bool {
	if len(f.told) >= 1000 { // of a long-lived subscription to a whole account
		clear(f.told)
	}
	select {
	case <-ctx.Done():
		return false
	case f.out <- row:
		f.told[row.ID] = told{what: shownOf(row), at: f.resolver.Now()}
		return true
	}
}
