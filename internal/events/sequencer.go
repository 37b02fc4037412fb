package events

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"entgo.io/ent/dialect"

	"headroom/internal/database"
)

const (
	numberAtOnce = 1000
	// sequencerLock is the advisory lock that makes numbering single: "headroom" in ASCII, the last byte counted.
	sequencerLock int64 = 0x68656164726f6f01
)

// Sequencer gives committed events their position: 1, 2, 3, … without a gap, in the order of their ids as far
// as they are committed. Any node may number, one at a time: PostgreSQL's advisory lock, or SQLite's single
// writer, sees to that. The lock is held for one transaction, so a node that dies holds nobody up.
//
// Rows must never leave the end of the table, or their positions would be given again.
type Sequencer struct {
	db   *database.DB
	bell Bell
	poll time.Duration
	log  *slog.Logger
}

// NewSequencer makes a sequencer that works when the bell rings Events, and every cfg.Poll.
func NewSequencer(db *database.DB, bell Bell, cfg Config) *Sequencer {
	return &Sequencer{db: db, bell: bell, poll: cfg.Poll, log: cfg.Logger}
}

// Run numbers until ctx ends, and then returns nil.
func (s *Sequencer) Run(ctx context.Context) error {
	rings := s.bell.Listen(ctx)
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for {
		if err := s.Drain(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "number events", "error", err)
		}
		if !waitFor(ctx, rings, tick.C, func(r Ring) bool { return r.Events || r.Everything }) {
			return nil
		}
	}
}

// waitFor returns true at the next tick or wanted ring, false when ctx ends.
func waitFor(ctx context.Context, rings <-chan Ring, tick <-chan time.Time, wanted func(Ring) bool) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case r, ok := <-rings:
			if !ok {
				return false
			}
			if wanted(r) {
				return true
			}
		}
	}
}

// Drain numbers every event committed so far.
func (s *Sequencer) Drain(ctx context.Context) error {
	for {
		n, err := s.number(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			s.bell.Ring(Ring{Numbered: true})
		}
		if n < numberAtOnce {
			return nil
		}
	}
}

// number numbers one batch and returns how many there were.
func (s *Sequencer) number(ctx context.Context) (int64, error) {
	var waiting bool
	const look = `SELECT EXISTS (SELECT 1 FROM events WHERE seq IS NULL)`
	if err := s.db.Read.QueryRowContext(ctx, look).Scan(&waiting); err != nil {
		return 0, fmt.Errorf("look for events to number: %w", err)
	}
	if !waiting { // the usual answer to a poll; spares the lock
		return 0, nil
	}
	tx, err := s.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("begin numbering: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if s.db.Dialect == dialect.Postgres {
		// Waiting, not trying: an event committed after the holder looked would have to wait for the poll.
		if _, err := tx.ExecContext(ctx, `SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '10s'`); err != nil {
			return 0, fmt.Errorf("bound numbering: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, sequencerLock); err != nil {
			return 0, fmt.Errorf("lock numbering: %w", err)
		}
	}
	const assign = `
		WITH waiting AS (
			SELECT id, row_number() OVER (ORDER BY id) AS n
			FROM (SELECT id FROM events WHERE seq IS NULL ORDER BY id LIMIT 1000) AS batch
		)
		UPDATE events SET seq = (SELECT COALESCE(MAX(seq), 0) FROM events) + waiting.n
		FROM waiting WHERE events.id = waiting.id`
	res, err := tx.ExecContext(ctx, assign)
	if err != nil {
		return 0, fmt.Errorf("number events: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count numbered events: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return 0, fmt.Errorf("commit numbering: %w", err)
	}
	return n, nil
}
