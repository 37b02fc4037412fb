package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/events"
	"headroom/internal/jobs"
	"headroom/internal/tenancy"
)

const patience = time.Minute

// call is one call of the work function.
type call struct {
	node, revision string
	attempt        int
	last           bool
	at             time.Time
}

// node is one working process.
type node struct {
	*jobs.Jobs
	calls chan call
	stop  func() error // ends Run and gives its error; safe to call twice
}

// run starts a node. work, when given, decides how a call ends.
func run(t *testing.T, db *database.DB, bell events.Bell, cfg jobs.Config, work func(ctx context.Context, c call) error) *node {
	t.Helper()
	n := &node{calls: make(chan call, 100)}
	cfg.Bell, cfg.Logger = bell, slog.New(slog.DiscardHandler)
	cfg.Enhance = func(ctx context.Context, _, revision string, attempt int, last bool) error {
		c := call{cfg.NodeID, revision, attempt, last, time.Now()}
		n.calls <- c
		if work == nil {
			return nil
		}
		return work(ctx, c)
	}
	var err error
	if n.Jobs, err = jobs.New(db, cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = n.Run(ctx)
	}()
	n.stop = func() error {
		cancel()
		<-done
		return err
	}
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return n
}

func (n *node) next(t *testing.T) call {
	t.Helper()
	select {
	case c := <-n.calls:
		return c
	case <-time.After(patience):
		t.Fatal("no job was worked")
		return call{}
	}
}

// queue inserts jobs in one transaction, which fails when rollback is set.
func queue(t *testing.T, db *database.DB, j *jobs.Jobs, rollback bool, revisions ...string) {
	t.Helper()
	ctx := tenancy.AsWorker(t.Context(), "acc_1")
	tx, err := db.Client().Tx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range revisions {
		if err := j.Enhance(ctx, tx, r, "acc_1"); err != nil {
			t.Fatal(err)
		}
	}
	end := tx.Commit
	if rollback {
		end = tx.Rollback
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

// leaveRunning makes the job look as its node leaves it when it is killed.
func leaveRunning(t *testing.T, db *database.DB, revision, nodeID string, starts int) {
	t.Helper()
	query := `UPDATE river_job SET state = 'running', attempt = $1, attempted_at = CURRENT_TIMESTAMP,
		attempted_by = jsonb(json_array('node-before', $2)) WHERE args ->> 'revision_id' = $3`
	if db.Dialect == "postgres" {
		query = `UPDATE river_job SET state = 'running', attempt = $1, attempted_at = now(),
			attempted_by = ARRAY['node-before', $2] WHERE args ->> 'revision_id' = $3`
	}
	res, err := db.Write.ExecContext(t.Context(), query, starts, nodeID, revision)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n != 1 {
		t.Fatalf("%d jobs left running, want 1", n)
	}
}

// until looks at the jobs' states until they are as wanted.
func until(t *testing.T, db *database.DB, revision, want string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for state := ""; ; <-tick.C {
		err := db.Read.QueryRowContext(t.Context(), `SELECT state FROM river_job WHERE args ->> 'revision_id' = $1`, revision).Scan(&state)
		if err == nil && state == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the job of %s is %q (%v), want %q", revision, state, err, want)
		}
	}
}

func TestOnlyCommittedJobsRun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		bell := events.NewLocal()
		n := run(t, db, bell, jobs.Config{NodeID: "a"}, nil)
		queue(t, db, n.Jobs, true, "rolled back")
		queue(t, db, n.Jobs, false, "committed", "committed") // the same revision twice is one job
		queue(t, db, n.Jobs, false, "committed", "another")
		bell.Ring(events.Ring{Jobs: true})
		got := []string{n.next(t).revision, n.next(t).revision}
		slices.Sort(got)
		if fmt.Sprint(got) != "[another committed]" {
			t.Errorf("worked %v", got)
		}
		until(t, db, "another", "completed")
		until(t, db, "committed", "completed")
		var jobCount int
		if err := db.Read.QueryRowContext(t.Context(), `SELECT count(*) FROM river_job`).Scan(&jobCount); err != nil || jobCount != 2 {
			t.Errorf("%d jobs exist (%v), want 2", jobCount, err)
		}
	})
}

func TestCommittedJobsArePickedUpAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		bell := events.NewLocal()
		n := run(t, db, bell, jobs.Config{NodeID: "a", Poll: time.Hour}, nil) // only the bell can tell
		queue(t, db, n.Jobs, false, "first")
		up := make(chan struct{})
		go func() { // rings are heard once the node is up
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				bell.Ring(events.Ring{Jobs: true})
				select {
				case <-up:
					return
				case <-tick.C:
				}
			}
		}()
		n.next(t)
		close(up)
		var waits []time.Duration
		for i := range 21 {
			queue(t, db, n.Jobs, false, fmt.Sprint("rev_", i))
			committed := time.Now()
			bell.Ring(events.Ring{Jobs: true})
			waits = append(waits, n.next(t).at.Sub(committed))
		}
		slices.Sort(waits)
		t.Logf("pick-up after commit: median %v, longest %v", waits[10], waits[20])
		if waits[10] > time.Second { // about 10 ms on an idle machine
			t.Errorf("median pick-up %v", waits[10])
		}
	})
}

func TestRestartedNodeTakesBackItsJobsAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		only, err := jobs.New(db, jobs.Config{})
		if err != nil {
			t.Fatal(err)
		}
		queue(t, db, only, false, "killed", "elsewhere")
		leaveRunning(t, db, "killed", "a", 7)
		leaveRunning(t, db, "elsewhere", "b", 1)
		start := time.Now()
		n := run(t, db, events.NewLocal(), jobs.Config{NodeID: "a", MaxAttempts: 2, Watch: time.Hour}, nil)
		c := n.next(t)
		if c.revision != "killed" || c.attempt != 1 || c.last {
			t.Errorf("worked %+v, want attempt 1 of killed: a kill is not an attempt", c)
		}
		if took := c.at.Sub(start); took > 5*time.Second {
			t.Errorf("taken back after %v", took)
		}
		until(t, db, "killed", "completed")
		until(t, db, "elsewhere", "running") // not ours
	})
}

func TestLivingNodesTakeOverFromDeadOnesOnly(t *testing.T) {
	t.Parallel()
	db := dbtest.PostgreSQL(t)
	var calls atomic.Int32
	end := make(chan struct{})
	defer close(end)
	busy := run(t, db, events.NewLocal(), jobs.Config{NodeID: "busy", Watch: time.Hour}, func(context.Context, call) error {
		calls.Add(1)
		<-end
		return nil
	})
	queue(t, db, busy.Jobs, false, "long")
	busy.next(t)
	queue(t, db, busy.Jobs, false, "orphan")
	leaveRunning(t, db, "orphan", "dead", 1)
	watching := run(t, db, events.NewLocal(), jobs.Config{NodeID: "watching", Watch: 100 * time.Millisecond}, nil)
	if c := watching.next(t); c.revision != "orphan" {
		t.Errorf("took over %+v", c)
	}
	until(t, db, "orphan", "completed")
	until(t, db, "long", "running")
	if n := calls.Load(); n != 1 {
		t.Errorf("the living node's job was started %d times", n)
	}
}

func TestTwoProcessesUnderOneIDDoNotTakeEachOthersJobs(t *testing.T) {
	t.Parallel()
	db := dbtest.PostgreSQL(t)
	end := make(chan struct{})
	first := run(t, db, events.NewLocal(), jobs.Config{NodeID: "twin"}, func(context.Context, call) error {
		<-end
		return nil
	})
	queue(t, db, first.Jobs, false, "long")
	first.next(t)
	second := run(t, db, events.NewLocal(), jobs.Config{NodeID: "twin", EnhanceWorkers: 4}, nil)
	queue(t, db, second.Jobs, false, "next", "after")
	if c := second.next(t); c.revision == "long" {
		t.Error("the second process took the first one's job")
	}
	close(end)
	until(t, db, "long", "completed")
}

func TestFailedAttemptsAreRetriedUntilTheLast(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		bell := events.NewLocal()
		cfg := jobs.Config{NodeID: "a", MaxAttempts: 3, RetryDelays: []time.Duration{50 * time.Millisecond}}
		n := run(t, db, bell, cfg, func(_ context.Context, c call) error {
			if c.attempt == 2 {
				panic("the second attempt panics")
			}
			if !c.last {
				return errors.New("crashed")
			}
			return nil
		})
		queue(t, db, n.Jobs, false, "rev")
		bell.Ring(events.Ring{Jobs: true})
		for want := 1; want <= 3; want++ {
			if c := n.next(t); c.attempt != want || c.last != (want == 3) {
				t.Errorf("call %d was %+v", want, c)
			}
		}
		until(t, db, "rev", "completed")
	})
}

func TestOutcomeThatCannotBeStoredIsTriedAgain(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	cfg := jobs.Config{NodeID: "a", MaxAttempts: 1, RetryDelays: []time.Duration{50 * time.Millisecond}}
	n := run(t, db, events.NewLocal(), cfg, func(_ context.Context, c call) error {
		if c.attempt < 3 {
			return errors.New("the database is away")
		}
		return nil
	})
	queue(t, db, n.Jobs, false, "rev")
	for range 3 {
		if c := n.next(t); !c.last {
			t.Errorf("%+v is not the last", c)
		}
	}
	until(t, db, "rev", "completed")
}

func TestRunLetsJobsFinish(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		goOn := make(chan struct{})
		n := run(t, db, events.NewLocal(), jobs.Config{NodeID: "a"}, func(ctx context.Context, _ call) error {
			<-goOn
			return ctx.Err() // not ended by the end of Run's
		})
		queue(t, db, n.Jobs, false, "rev")
		n.next(t)
		stopped := make(chan error, 1)
		go func() { stopped <- n.stop() }()
		close(goOn)
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
		until(t, db, "rev", "completed")
	})
}

func TestRunEndsJobsThatDoNotFinish(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	n := run(t, db, events.NewLocal(), jobs.Config{NodeID: "a", DrainTimeout: 50 * time.Millisecond}, func(ctx context.Context, _ call) error {
		<-ctx.Done()
		return ctx.Err()
	})
	queue(t, db, n.Jobs, false, "rev")
	n.next(t)
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	until(t, db, "rev", "available") // for the next run
}

func TestPeriodicWorkIsDone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		done := make(chan struct{}, 100)
		run(t, db, events.NewLocal(), jobs.Config{NodeID: "a", Periodic: []jobs.Periodic{{
			Name: "sweep", Every: time.Second, Run: func(context.Context) error {
				done <- struct{}{}
				return errors.New("a failure does not end it")
			},
		}}}, nil)
		for range 2 {
			select {
			case <-done:
			case <-time.After(patience):
				t.Fatal("the work was not done")
			}
		}
	})
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	work := func(context.Context, string, string, int, bool) error { return nil }
	none := func(context.Context) error { return nil }
	bell := events.NewLocal()
	for name, cfg := range map[string]jobs.Config{
		"no node":   {Enhance: work, Bell: bell},
		"no bell":   {Enhance: work, NodeID: "a"},
		"no time":   {NodeID: "a", Bell: bell, Periodic: []jobs.Periodic{{Name: "x", Run: none}}},
		"same name": {NodeID: "a", Bell: bell, Periodic: []jobs.Periodic{{"x", 1, none}, {"x", 1, none}}},
	} {
		if _, err := jobs.New(db, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
