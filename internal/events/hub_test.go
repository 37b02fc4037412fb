package events_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/submission"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/events"
)

// newSubmission makes what a submission needs, and the submission.
func newSubmission(ctx context.Context, t *testing.T, db *database.DB) *ent.Submission {
	t.Helper()
	client := db.Client()
	studio := client.Studio.Create().SetName("Studio").SaveX(ctx)
	contact := client.Contact.Create().SetFirstName("Ada").SetEmail("ada@example.com").SetSortName("ada").SetCustomAttributes([]byte(`{}`)).SaveX(ctx)
	return client.Submission.Create().SetStudioID(studio.ID).SetContactID(contact.ID).SaveX(ctx)
}

// next waits for a change that satisfies until, and fails the test when none comes.
func next(t *testing.T, changes <-chan events.Change, until func(events.Change) bool) events.Change {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case c, ok := <-changes:
			if !ok {
				t.Fatal("the subscription ended")
			}
			if until(c) {
				return c
			}
		case <-timeout:
			t.Fatal("no change came")
		}
	}
}

func TestSubscriberOnAnotherNodeSeesTheLastChange(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		account, ctx := newAccount(t, db)
		here, there := start(t, db), start(t, db)
		if db.Dialect == "sqlite3" { // one process serves; a second one finds changes by polling
			there = here
		}
		s := newSubmission(ctx, t, db)
		changes := there.Subscribe(ctx, account, events.Filter{ContactID: s.ContactID})
		for i := range 50 {
			progress := float64(i) / 50
			db.Client().Submission.UpdateOneID(s.ID).SetProgress(progress).ExecX(ctx)
			here.Ring(events.Ring{AccountID: account, SubmissionID: s.ID, StudioID: s.StudioID, ContactID: s.ContactID})
		}
		err := inTx(ctx, db, func(tx *ent.Tx) error {
			tx.Submission.UpdateOneID(s.ID).SetProcessingState(submission.ProcessingStateComplete).SetProgress(1).ExecX(ctx)
			_, err := events.Write(ctx, tx, events.Draft{
				Topic: events.SubmissionComplete, SubjectID: s.ID, SubmissionID: s.ID, StudioID: s.StudioID, ContactID: s.ContactID,
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		here.Ring(events.Ring{Events: true})
		seen := 0
		next(t, changes, func(c events.Change) bool {
			if c.SubmissionID != s.ID {
				t.Errorf("a change of %q", c.SubmissionID)
			}
			seen++
			return db.Client().Submission.GetX(ctx, s.ID).ProcessingState == submission.ProcessingStateComplete
		})
		if seen > 52 {
			t.Errorf("%d changes told for 51 made", seen)
		}
	})
}

func TestProgressReachesOtherNodes(t *testing.T) {
	t.Parallel()
	db := dbtest.PostgreSQL(t)
	here, there := start(t, db), start(t, db)
	changes := there.Subscribe(t.Context(), "acc_1", events.Filter{SubmissionID: "sub_1"})
	ringUntilHeard(t, here, there)
	here.Ring(events.Ring{AccountID: "acc_1", SubmissionID: "sub_1", StudioID: "stu_1", ContactID: "ctn_1"})
	next(t, changes, func(c events.Change) bool { return c.SubmissionID == "sub_1" })
}

func TestSlowReaderGetsTheLastOfEachAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	log := start(t, db)
	slow := log.Subscribe(t.Context(), "acc_1", events.Filter{})
	quick := log.Subscribe(t.Context(), "acc_1", events.Filter{SubmissionID: "sub_last"})
	for range 1000 {
		for i := range 5 {
			log.Ring(events.Ring{AccountID: "acc_1", SubmissionID: fmt.Sprint("sub_", i)})
		}
	}
	log.Ring(events.Ring{AccountID: "acc_1", SubmissionID: "sub_last"})
	next(t, quick, func(c events.Change) bool { return c.SubmissionID == "sub_last" }) // while slow reads nothing
	got := map[string]int{}
	next(t, slow, func(c events.Change) bool {
		got[c.SubmissionID]++
		return c.SubmissionID == "sub_last"
	})
	for i := range 5 {
		if n := got[fmt.Sprint("sub_", i)]; n < 1 || n > 2 { // one may be in the reader's hand already
			t.Errorf("sub_%d was told %d times, want 1 or 2", i, n)
		}
	}
}

func TestSubscriberSeesOnlyItsAccountAndFilter(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	log := start(t, db)
	changes := log.Subscribe(t.Context(), "acc_1", events.Filter{StudioID: "stu_1", ContactID: "ctn_1"})
	for _, r := range []events.Ring{
		{AccountID: "acc_2", SubmissionID: "foreign", StudioID: "stu_1", ContactID: "ctn_1"},
		{AccountID: "acc_1", SubmissionID: "other studio", StudioID: "stu_2", ContactID: "ctn_1"},
		{AccountID: "acc_1", SubmissionID: "other contact", StudioID: "stu_1", ContactID: "ctn_2"},
		{AccountID: "acc_1", SubmissionID: "unsaid"},
		{AccountID: "acc_1", SubmissionID: "mine", StudioID: "stu_1", ContactID: "ctn_1"},
	} {
		log.Ring(r)
	}
	var got []string
	next(t, changes, func(c events.Change) bool {
		got = append(got, c.SubmissionID)
		return c.SubmissionID == "mine"
	})
	if fmt.Sprint(got) != "[unsaid mine]" {
		t.Errorf("told of %v, want [unsaid mine]", got)
	}
}

func TestSubscriptionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	log := start(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	changes := log.Subscribe(ctx, "acc_1", events.Filter{})
	cancel()
	select {
	case _, ok := <-changes:
		if ok {
			t.Error("a change came out of nothing")
		}
	case <-time.After(patience):
		t.Error("the channel stays open")
	}
}

func TestBellIsHeardAgainAfterItsConnectionWasCut(t *testing.T) {
	t.Parallel()
	db := dbtest.PostgreSQL(t)
	here, there := start(t, db), start(t, db)
	ringUntilHeard(t, here, there)
	changes := there.Subscribe(t.Context(), "acc_1", events.Filter{SubmissionID: "sub_1"})
	const cut = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`
	var n int
	if err := db.Write.QueryRowContext(t.Context(), cut).Scan(&n); err != nil || n < 1 {
		t.Fatalf("cut %d connections (%v)", n, err)
	}
	// Nobody rings: the connection that was made again is reason enough to look.
	next(t, changes, func(c events.Change) bool { return c.SubmissionID == "sub_1" })
	ringUntilHeard(t, here, there)
}
