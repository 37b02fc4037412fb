// Package jobs runs the program's longer work: the enhancement of a photo, and housekeeping by the clock.
//
// River is the queue, on both databases. A job is inserted in the business transaction, so it exists exactly
// when the change that wants it does. What River leaves slow is done here:
//
//   - Pick-up. The program's own doorbell wakes River (see driver.go); its polling is only the fall-back.
//   - A killed node. River notices running jobs without a node after minutes at best (RescueStuckJobsAfter,
//     which must exceed the longest job). A node that starts again under its own id takes its jobs back at
//     once; on PostgreSQL other nodes notice within about ten seconds (see lifeline.go).
package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"headroom/ent"
	"headroom/internal/database"
	"headroom/internal/events"
)

const (
	queueEnhance      = "enhance"
	queueHousekeeping = "housekeeping"
	// riverAttempts bounds how often River starts a job at all. Kills of the server use starts up and are no
	// fault of the photo, so it is far above Config.MaxAttempts.
	riverAttempts = 200
	// maxKills is how often a job may take the server with it before a further start counts as the last.
	maxKills = 100
)

// Config of Jobs. Without Enhance and Periodic it only inserts.
type Config struct {
	// NodeID names this process; the same after a restart, no other process's at the same time. Required to work.
	NodeID string

	// Enhance processes one revision. Nil means that its outcome (COMPLETE or FAILED) is stored; an error means
	// try again after the next of RetryDelays. attempt counts from 1. On the last attempt it stores FAILED by
	// itself and returns nil; an error even then means that the outcome could not be stored, and it is called
	// again, as last, until it can.
	//
	// The same revision may be worked again after a crash, in the worst case by two nodes at once: the
	// transaction that stores the outcome must check the revision's state.
	Enhance func(ctx context.Context, accountID, revisionID string, attempt int, last bool) error
	// EnhanceWorkers is how many photos are enhanced at once; max(1, processors/2).
	EnhanceWorkers int
	// MaxAttempts of one revision; 4. A kill of the server is not an attempt.
	MaxAttempts int
	// RetryDelays after the 1st, 2nd, … failed attempt; the last one repeats. 1 s, 5 s, 15 s.
	RetryDelays []time.Duration
	// JobTimeout ends the context of an attempt; 2 minutes.
	JobTimeout time.Duration
	// DrainTimeout is how long Run lets jobs finish after its context ended, before it ends theirs; 20 s.
	DrainTimeout time.Duration

	// Poll is how late a job is found when its ring was lost, and how late a retry may be; 500 ms.
	Poll time.Duration

	// Periodic work is done by one node of all.
	Periodic []Periodic

	// Watch is how often a node looks for dead ones, on PostgreSQL; two looks find one. 5 s.
	Watch time.Duration

	Bell   events.Bell  // required to work
	Logger *slog.Logger // slog.Default()
	Now    func() time.Time
}

// Periodic is work done by the clock, by one node at a time, first when a node becomes the leader.
type Periodic struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context) error // its ctx has no actor
}

type client = river.Client[*sql.Tx]

// Jobs inserts jobs and, when configured to, works them.
type Jobs struct {
	db     *database.DB
	cfg    Config
	insert *client
}

type enhanceArgs struct {
	AccountID  string `json:"account_id"`
	RevisionID string `json:"revision_id" river:"unique"`
}

func (enhanceArgs) Kind() string { return "enhance" }

// New checks cfg and prepares to insert. Nothing runs before Run.
func New(db *database.DB, cfg Config) (*Jobs, error) {
	cfg.EnhanceWorkers = cmp.Or(cfg.EnhanceWorkers, max(1, runtime.NumCPU()/2))
	cfg.MaxAttempts = cmp.Or(cfg.MaxAttempts, 4)
	cfg.JobTimeout = cmp.Or(cfg.JobTimeout, 2*time.Minute)
	cfg.DrainTimeout = cmp.Or(cfg.DrainTimeout, 20*time.Second)
	cfg.Poll = cmp.Or(cfg.Poll, 500*time.Millisecond)
	cfg.Watch = cmp.Or(cfg.Watch, 5*time.Second)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	if cfg.Now == nil {
		cfg.Now = time.Now //nolint:forbidigo // the clock, where none is handed in
	}
	if len(cfg.RetryDelays) == 0 {
		cfg.RetryDelays = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second}
	}
	j := &Jobs{db: db, cfg: cfg}
	if err := j.validate(); err != nil {
		return nil, err
	}
	var err error
	j.insert, err = river.NewClient(newDriver(db, nil), &river.Config{Logger: cfg.Logger})
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	return j, nil
}

func (j *Jobs) works() bool { return j.cfg.Enhance != nil || len(j.cfg.Periodic) > 0 }

func (j *Jobs) validate() error {
	if j.works() && (j.cfg.NodeID == "" || j.cfg.Bell == nil) {
		return errors.New("jobs: to work, a NodeID and a Bell are required")
	}
	if len(j.cfg.NodeID) > 64 {
		return fmt.Errorf("jobs: NodeID has %d characters, at most 64 are allowed", len(j.cfg.NodeID))
	}
	for i, p := range j.cfg.Periodic {
		same := func(other Periodic) bool { return other.Name == p.Name }
		if p.Name == "" || p.Every <= 0 || p.Run == nil || slices.ContainsFunc(j.cfg.Periodic[:i], same) {
			return fmt.Errorf("jobs: periodic work %d (%q) needs a name of its own, an interval and a function", i, p.Name)
		}
	}
	return nil
}

// Enhance queues the enhancement of a revision in tx: rolled back, there is no job. A revision is queued at
// most once. Ring Ring{Jobs: true} after the commit.
func (j *Jobs) Enhance(ctx context.Context, tx *ent.Tx, revisionID, accountID string) error {
	if revisionID == "" || accountID == "" {
		return fmt.Errorf("queue enhancement of revision %q of account %q: an id is missing", revisionID, accountID)
	}
	sqlTx, err := tx.SQLTx()
	if err != nil {
		return fmt.Errorf("queue enhancement of %s: %w", revisionID, err)
	}
	_, err = j.insert.InsertTx(ctx, sqlTx, enhanceArgs{AccountID: accountID, RevisionID: revisionID}, &river.InsertOpts{
		Queue: queueEnhance, MaxAttempts: riverAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true},
	})
	if err != nil {
		return fmt.Errorf("queue enhancement of %s: %w", revisionID, err)
	}
	return nil
}

// Run works until ctx ends; then it lets running jobs finish, for DrainTimeout at most, and returns nil.
func (j *Jobs) Run(ctx context.Context) error {
	if !j.works() {
		<-ctx.Done()
		return nil
	}
	life := newLifeline(j.db, j.cfg)
	nodeID, err := life.take(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to end while starting
		}
		return err
	}
	defer life.release(context.WithoutCancel(ctx))
	if n, err := retake(ctx, j.db.Write, j.db.Dialect, nodeID); err != nil {
		if ctx.Err() != nil {
			return nil // told to end while starting
		}
		return fmt.Errorf("take back the jobs of %s: %w", nodeID, err)
	} else if n > 0 {
		j.cfg.Logger.InfoContext(ctx, "took back jobs that the last run of this node left running", "jobs", n, "node", nodeID)
	}
	worker, err := j.newWorker(nodeID)
	if err != nil {
		return err
	}
	// River takes the end of this context as the call to stop: it fetches no more, lets jobs finish for
	// SoftStopTimeout, then ends their contexts.
	if err := worker.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to end while starting
		}
		return fmt.Errorf("start working jobs: %w", err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		life.watch(ctx)
	}()
	<-ctx.Done()
	<-worker.Stopped()
	<-watched
	return nil
}

func (j *Jobs) newWorker(nodeID string) (*client, error) {
	workers := river.NewWorkers()
	config := &river.Config{
		ID:                   nodeID,
		Logger:               j.cfg.Logger,
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{},
		FetchCooldown:        10 * time.Millisecond,
		FetchPollInterval:    j.cfg.Poll,
		JobTimeout:           j.cfg.JobTimeout,
		RescueStuckJobsAfter: j.cfg.JobTimeout + 30*time.Second,
		SoftStopTimeout:      j.cfg.DrainTimeout,
	}
	if j.cfg.Enhance != nil {
		config.Queues[queueEnhance] = river.QueueConfig{MaxWorkers: j.cfg.EnhanceWorkers}
		if err := river.AddWorkerSafely(workers, &enhanceWorker{cfg: j.cfg}); err != nil {
			return nil, fmt.Errorf("job client: %w", err)
		}
	}
	if len(j.cfg.Periodic) > 0 {
		config.Queues[queueHousekeeping] = river.QueueConfig{MaxWorkers: 1}
		config.PeriodicJobs = periodicJobs(j.cfg.Periodic)
		if err := river.AddWorkerSafely(workers, &periodicWorker{cfg: j.cfg}); err != nil {
			return nil, fmt.Errorf("job client: %w", err)
		}
	}
	worker, err := river.NewClient(newDriver(j.db, j.cfg.Bell), config)
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	return worker, nil
}
