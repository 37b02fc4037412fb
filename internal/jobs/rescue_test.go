package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/revision"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/events"
	"headroom/internal/jobs"
	"headroom/internal/tenancy"
)

// photo makes an account with a revision that waits to be enhanced.
func photo(t *testing.T, db *database.DB) (accountID string, rev *ent.Revision) {
	t.Helper()
	c := db.Client()
	account, err := c.Account.Create().SetName("Probe").Save(tenancy.AsSystem(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	ctx := tenancy.AsWorker(t.Context(), account.ID)
	studio := c.Studio.Create().SetName("Probe").SaveX(ctx)
	contact := c.Contact.Create().SetEmail("ada@example.com").SaveX(ctx)
	sub := c.Submission.Create().SetStudioID(studio.ID).SetContactID(contact.ID).SaveX(ctx)
	return account.ID, c.Revision.Create().SetSubmissionID(sub.ID).SetNumber(1).SaveX(ctx)
}

func rescue(t *testing.T, j *jobs.Jobs, after time.Duration, want int) {
	t.Helper()
	n, err := j.Rescue(t.Context(), after)
	if err != nil || n != want {
		t.Fatalf("rescued %d (%v), want %d", n, err, want)
	}
}

func TestRevisionWhoseJobWasDiscardedIsQueuedAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		bell := events.NewLocal()
		account, rev := photo(t, db)
		var away atomic.Bool // the store
		away.Store(true)
		n := run(t, db, bell, jobs.Config{NodeID: "a", RetryDelays: []time.Duration{time.Millisecond}, Poll: 20 * time.Millisecond},
			func(context.Context, call) error {
				if away.Load() {
					return errors.New("the store is away")
				}
				return nil
			})
		ctx := tenancy.AsWorker(t.Context(), account)
		tx, err := db.Client().Tx(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(n.Enhance(ctx, tx, rev.ID, account), tx.Commit()); err != nil {
			t.Fatal(err)
		}
		rescue(t, n.Jobs, 0, 0) // it has a job
		// An hour of outage uses up River's starts; here, all but a few are used up beforehand.
		if _, err := db.Write.ExecContext(t.Context(), `UPDATE river_job SET max_attempts = 3`); err != nil {
			t.Fatal(err)
		}
		bell.Ring(events.Ring{Jobs: true})
		until(t, db, rev.ID, "discarded")
		for len(n.calls) > 0 {
			<-n.calls
		}
		away.Store(false)

		rescue(t, n.Jobs, time.Hour, 0) // it may have been touched a moment ago
		rescue(t, n.Jobs, 0, 1)
		if c := n.next(t); c.revision != rev.ID || c.attempt != 1 || c.last {
			t.Errorf("worked %+v", c)
		}
		db.Client().Revision.UpdateOneID(rev.ID).SetProcessingState(revision.ProcessingStateComplete).ExecX(ctx)
		rescue(t, n.Jobs, 0, 0)
	})
}
