package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// enhanceWorker counts attempts by the failures River recorded: a start that ended with the server's death
// recorded none, and must not bring the photo nearer to FAILED.
type enhanceWorker struct {
	river.WorkerDefaults[enhanceArgs]
	cfg Config
}

// Work makes one attempt.
func (w *enhanceWorker) Work(ctx context.Context, job *river.Job[enhanceArgs]) error {
	failed := len(job.Errors)
	kills := max(0, job.Attempt-1-failed)
	attempt := failed + 1
	last := attempt >= w.cfg.MaxAttempts || kills >= maxKills
	log := w.cfg.Logger.With("revision", job.Args.RevisionID, "attempt", attempt)
	start := w.cfg.Now()
	err := w.cfg.Enhance(ctx, job.Args.AccountID, job.Args.RevisionID, attempt, last)
	if err != nil {
		log.WarnContext(ctx, "enhance: attempt failed", "last", last, "duration", w.cfg.Now().Sub(start), "error", err)
		return fmt.Errorf("enhance %s: %w", job.Args.RevisionID, err)
	}
	log.InfoContext(ctx, "enhance: done", "wait", start.Sub(job.CreatedAt), "duration", w.cfg.Now().Sub(start))
	return nil
}

// NextRetry is called with the failures so far, the present one not among them.
func (w *enhanceWorker) NextRetry(job *river.Job[enhanceArgs]) time.Time {
	delays := w.cfg.RetryDelays
	return w.cfg.Now().Add(delays[min(len(job.Errors), len(delays)-1)])
}

type periodicArgs struct {
	Name string `json:"name" river:"unique"`
}

func (periodicArgs) Kind() string { return "housekeeping" }

type periodicWorker struct {
	river.WorkerDefaults[periodicArgs]
	cfg Config
}

// Work does one round of housekeeping. A failed one is not tried again before its time.
func (w *periodicWorker) Work(ctx context.Context, job *river.Job[periodicArgs]) error {
	for _, p := range w.cfg.Periodic {
		if p.Name != job.Args.Name {
			continue
		}
		if err := p.Run(ctx); err != nil {
			w.cfg.Logger.ErrorContext(ctx, "housekeeping failed", "name", p.Name, "error", err)
			return fmt.Errorf("housekeeping %s: %w", p.Name, err)
		}
		return nil
	}
	// Queued by a node of another version.
	w.cfg.Logger.WarnContext(ctx, "housekeeping of an unknown name", "name", job.Args.Name)
	return nil
}

func periodicJobs(all []Periodic) []*river.PeriodicJob {
	unfinished := []rivertype.JobState{ // a round that takes longer than its interval is not queued twice
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
		rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
	out := make([]*river.PeriodicJob, len(all))
	for i, p := range all {
		out[i] = river.NewPeriodicJob(river.PeriodicInterval(p.Every), func() (river.JobArgs, *river.InsertOpts) {
			return periodicArgs{Name: p.Name}, &river.InsertOpts{
				Queue: queueHousekeeping, MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished},
			}
		}, &river.PeriodicJobOpts{RunOnStart: true})
	}
	return out
}
