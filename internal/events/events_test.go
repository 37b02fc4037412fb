package events_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"headroom/ent"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

const patience = time.Minute

// newAccount makes an account and gives a context that acts for it.
func newAccount(t *testing.T, db *database.DB) (string, context.Context) {
	t.Helper()
	account, err := db.Client().Account.Create().SetName("Probe").Save(tenancy.AsSystem(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return account.ID, tenancy.AsWorker(t.Context(), account.ID)
}

// inTx commits what do writes, or rolls it back when do fails.
func inTx(ctx context.Context, db *database.DB, do func(*ent.Tx) error) error {
	tx, err := db.Client().Tx(ctx)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func write(ctx context.Context, db *database.DB, topic events.Topic, subject string) error {
	return inTx(ctx, db, func(tx *ent.Tx) error {
		_, err := events.Write(ctx, tx, events.Draft{Topic: topic, SubjectID: subject})
		return err
	})
}

// start runs the log of one node until the test ends.
func start(t *testing.T, db *database.DB) *events.Events {
	t.Helper()
	log := events.New(db, db.Client(), events.Config{Poll: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- log.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	ringUntilHeard(t, log, log)
	return log
}

// ringUntilHeard rings here until there hears: each part, and the bell between nodes, starts in its own time.
func ringUntilHeard(t *testing.T, here, there *events.Events) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	heard := there.Subscribe(ctx, "acc_probe", events.Filter{})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		here.Ring(events.Ring{AccountID: "acc_probe", SubmissionID: "sub_probe"})
		select {
		case <-tick.C:
		case _, ok := <-heard:
			if !ok {
				t.Fatal("the bell is not heard")
			}
			return
		}
	}
}

func TestRolledBackEventDoesNotExist(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		_, ctx := newAccount(t, db)
		refused := errors.New("refused")
		err := inTx(ctx, db, func(tx *ent.Tx) error {
			if _, err := events.Write(ctx, tx, events.Draft{Topic: events.Test, SubjectID: "x"}); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatalf("got %v, want the refusal", err)
		}
		if n := db.Client().Event.Query().CountX(ctx); n != 0 {
			t.Errorf("%d events exist after a rollback, want 0", n)
		}
	})
}

func TestWriteRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	_, ctx := newAccount(t, db)
	for name, draft := range map[string]events.Draft{
		"unknown topic": {Topic: "SOMETHING", SubjectID: "x"},
		"no subject":    {Topic: events.Test},
		"detail":        {Topic: events.Test, SubjectID: "x", Detail: func() {}},
	} {
		err := inTx(ctx, db, func(tx *ent.Tx) error {
			_, err := events.Write(ctx, tx, draft)
			return err
		})
		if err == nil {
			t.Errorf("%s: written, want an error", name)
		}
	}
}

func TestSequenceHasNoGapsUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		account, ctx := newAccount(t, db)
		nodes := []*events.Events{start(t, db), start(t, db)} // two sequencers at once
		const writers, each = 8, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					subject := fmt.Sprintf("w%d-%d", w, i)
					if i%5 == 4 { // some roll back, and must leave no gap
						err := inTx(ctx, db, func(tx *ent.Tx) error {
							_, err := events.Write(ctx, tx, events.Draft{Topic: events.Test, SubjectID: subject})
							return errors.Join(err, context.Canceled)
						})
						if !errors.Is(err, context.Canceled) {
							t.Errorf("rollback: %v", err)
						}
						continue
					}
					if err := write(ctx, db, events.Test, subject); err != nil {
						t.Errorf("write: %v", err)
					}
					nodes[w%2].Ring(events.Ring{Events: true})
				}
			})
		}
		tailCtx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		const want = writers * each * 4 / 5
		last := map[byte]string{}
		seq := int64(0)
		for e, err := range nodes[0].Tail(tailCtx, account, 0) { // reads while they write
			if err != nil {
				t.Fatal(err)
			}
			seq++
			if *e.Seq != seq {
				t.Fatalf("event %d of the log has position %d", seq, *e.Seq)
			}
			if writer := e.SubjectID[1]; last[writer] >= e.ID {
				t.Errorf("writer %c: %s stands behind %s", writer, e.ID, last[writer])
			} else {
				last[writer] = e.ID
			}
			if seq == want {
				break
			}
		}
		wg.Wait()
		if seq != want {
			t.Errorf("the log has %d events, want %d", seq, want)
		}
	})
}

func TestTailGivesOnlyTheAccountsEventsOfTheTopics(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		account, ctx := newAccount(t, db)
		_, other := newAccount(t, db)
		log := start(t, db)
		for i, by := range []context.Context{ctx, other, ctx, other, ctx} {
			topic := events.Test
			if i == 2 {
				topic = events.ContactCreated
			}
			if err := write(by, db, topic, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		log.Ring(events.Ring{Events: true})
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var got []string
		for e, err := range log.Tail(ctx, account, 0, events.Test) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, e.SubjectID); len(got) == 2 {
				break
			}
		}
		if fmt.Sprint(got) != "[0 4]" {
			t.Errorf("got events %v, want [0 4]", got)
		}
	})
}
