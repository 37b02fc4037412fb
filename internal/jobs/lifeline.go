package jobs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"entgo.io/ent/dialect"

	"headroom/internal/database"
	"headroom/internal/events"
)

const (
	takePatience = 5 * time.Second // how long PostgreSQL may need to notice that our last run is dead
	takeAgain    = 100 * time.Millisecond
)

// lifeline shows the other nodes that this one lives, and takes over the jobs of those that do not.
//
// On PostgreSQL each working node holds an advisory lock for its id in a session of its own. The server gives
// it up when the session ends, so a lock that can be had belongs to a dead node. Two looks in a row, Config.Watch
// apart, must find it free: a node whose connection was cut takes it again in between. A node that is
// stopped, not dead, keeps its lock; its jobs wait for River's rescue by time.
//
// SQLite serves one process, which takes back its own jobs when it starts.
type lifeline struct {
	db   *database.DB
	cfg  Config
	id   string
	conn *sql.Conn       // holds the lock; nil on SQLite, or while the connection is lost
	dead map[string]bool // found dead at the last look
}

func newLifeline(db *database.DB, cfg Config) *lifeline {
	return &lifeline{db: db, cfg: cfg, dead: map[string]bool{}}
}

// take makes this node's life visible and returns the id it works under: NodeID, or, when another process
// lives under that, one made from it.
func (l *lifeline) take(ctx context.Context) (string, error) {
	l.id = l.cfg.NodeID
	if l.db.Dialect != dialect.Postgres {
		return l.id, nil
	}
	deadline := l.cfg.Now().Add(takePatience)
	for {
		held, err := l.lock(ctx)
		if err != nil {
			return "", err
		}
		if held {
			return l.id, nil
		}
		if l.cfg.Now().After(deadline) {
			break
		}
		if err := sleep(ctx, takeAgain); err != nil {
			return "", err
		}
	}
	l.id = l.cfg.NodeID + "-" + rand.Text()[:8]
	l.cfg.Logger.WarnContext(ctx, "another process works under this node's id; two must not share it", "node", l.cfg.NodeID, "instead", l.id)
	held, err := l.lock(ctx)
	if err == nil && !held {
		err = fmt.Errorf("the lock of the new node id %s is taken", l.id)
	}
	return l.id, err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}

// lock tries to get this node's lock on a connection of its own.
func (l *lifeline) lock(ctx context.Context) (bool, error) {
	conn, err := l.db.Write.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("connect to show that this node lives: %w", err)
	}
	held, err := tryLock(ctx, conn, l.id)
	if err != nil || !held {
		return false, errors.Join(err, conn.Close())
	}
	l.conn = conn
	return true, nil
}

func tryLock(ctx context.Context, conn *sql.Conn, id string) (held bool, err error) {
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, lockKey(id)).Scan(&held); err != nil {
		return false, fmt.Errorf("try the lock of node %s: %w", id, err)
	}
	return held, nil
}

func lockKey(id string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("headroom job node " + id))
	return int64(h.Sum64()) //nolint:gosec // any 64 bits will do
}

func (l *lifeline) release(ctx context.Context) {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, _ = l.conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, lockKey(l.id)) // the pool may keep the session
	_ = l.conn.Close()
	l.conn = nil
}

// watch keeps the lock and looks for dead nodes until ctx ends.
func (l *lifeline) watch(ctx context.Context) {
	if l.db.Dialect != dialect.Postgres {
		return
	}
	tick := time.NewTicker(l.cfg.Watch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := errors.Join(l.keep(ctx), l.takeOver(ctx)); err != nil && ctx.Err() == nil {
			l.cfg.Logger.WarnContext(ctx, "watch over job nodes", "error", err)
		}
	}
}

// keep makes sure that the lock's session still lives, or gets the lock again.
func (l *lifeline) keep(ctx context.Context) error {
	if l.conn != nil {
		if _, err := l.conn.ExecContext(ctx, `SELECT 1`); err == nil {
			return nil
		}
		_ = l.conn.Close()
		l.conn = nil
	}
	held, err := l.lock(ctx)
	if err == nil && !held {
		err = fmt.Errorf("the lock of this node, %s, is held elsewhere", l.id)
	}
	return err
}

// takeOver gives back the running jobs of nodes found dead twice.
func (l *lifeline) takeOver(ctx context.Context) error {
	owners, err := l.owners(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, owner := range owners {
		n, dead, err := l.inspect(ctx, owner)
		if err != nil {
			return err
		}
		if dead {
			seen[owner] = true
		}
		if n > 0 {
			l.cfg.Logger.WarnContext(ctx, "took over the jobs of a dead node", "node", owner, "jobs", n)
			l.cfg.Bell.Ring(events.Ring{Jobs: true})
		}
	}
	l.dead = seen
	return nil
}

// owners lists the other nodes that jobs are running on.
func (l *lifeline) owners(ctx context.Context) ([]string, error) {
	const query = `
		SELECT DISTINCT attempted_by[array_length(attempted_by, 1)] FROM river_job
		WHERE state = 'running' AND attempted_by[array_length(attempted_by, 1)] <> $1`
	rows, err := l.db.Write.QueryContext(ctx, query, l.id)
	if err != nil {
		return nil, fmt.Errorf("list nodes with running jobs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var owner string
		if err := rows.Scan(&owner); err != nil {
			return nil, fmt.Errorf("list nodes with running jobs: %w", err)
		}
		out = append(out, owner)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list nodes with running jobs: %w", err)
	}
	return out, nil
}

// inspect tries a node's lock. At the second success in a row it takes the jobs while it holds the lock, so
// that the node cannot come back in between.
func (l *lifeline) inspect(ctx context.Context, owner string) (taken int64, dead bool, err error) {
	conn, err := l.db.Write.Conn(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("connect to look at node %s: %w", owner, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	dead, err = tryLock(ctx, conn, owner)
	if err != nil || !dead {
		return 0, false, err
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, lockKey(owner))
		err = errors.Join(err, unlockErr)
	}()
	if l.dead[owner] {
		taken, err = retake(ctx, conn, l.db.Dialect, owner)
	}
	return taken, dead, err
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// retake makes the running jobs of a dead node available again. The start it lost is not counted as a failure.
func retake(ctx context.Context, db execer, name, nodeID string) (int64, error) {
	query := `UPDATE river_job SET state = 'available' WHERE state = 'running' AND attempted_by ->> '$[#-1]' = $1`
	if name == dialect.Postgres {
		query = `UPDATE river_job SET state = 'available'
			WHERE state = 'running' AND attempted_by[array_length(attempted_by, 1)] = $1`
	}
	res, err := db.ExecContext(ctx, query, nodeID)
	if err != nil {
		return 0, fmt.Errorf("retake jobs of node %s: %w", nodeID, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("retake jobs of node %s: %w", nodeID, err)
	}
	return n, nil
}
