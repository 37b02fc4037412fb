package jobs

import (
	"context"
	"database/sql"
	"sync"

	"entgo.io/ent/dialect"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"headroom/internal/database"
	"headroom/internal/events"
)

// driver is River's driver with another doorbell.
//
// River's own notifications cost more than they bring here. On PostgreSQL over database/sql nobody can hear
// them, yet each insert sends one with pg_notify inside the business transaction, which takes a lock on the
// whole database at commit. On SQLite each is a row in that transaction, found by polling. So this driver
// sends none, and River listens to the program's bell.
type driver struct {
	riverdriver.Driver[*sql.Tx]
	bell events.Bell // nil: insert only
}

func newDriver(db *database.DB, bell events.Bell) *driver {
	if db.Dialect == dialect.Postgres {
		return &driver{riverdatabasesql.New(db.Write), bell}
	}
	return &driver{riversqlite.New(db.Write), bell}
}

func (d *driver) SupportsListener() bool     { return d.bell != nil }
func (d *driver) SupportsListenNotify() bool { return false }

func (d *driver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{bell: d.bell}
}

// listener tells River of new jobs when the bell rings. River calls it from one goroutine at a time, but for Close.
type listener struct {
	bell events.Bell

	mu    sync.Mutex
	rings <-chan events.Ring
	stop  context.CancelFunc
}

const topicInsert = "river_insert" // of River's notifier

func (l *listener) Connect(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop == nil {
		ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // until Close
		l.rings, l.stop = l.bell.Listen(ctx), stop
	}
	return nil
}

func (l *listener) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil {
		l.stop()
		l.rings, l.stop = nil, nil
	}
	return nil
}

func (l *listener) Listen(context.Context, string) error   { return nil }
func (l *listener) Unlisten(context.Context, string) error { return nil }
func (l *listener) Ping(context.Context) error             { return nil }
func (l *listener) Schema() string                         { return "" }
func (l *listener) SetAfterConnectExec(string)             {}

func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	l.mu.Lock()
	rings := l.rings
	l.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // River compares it
		case r, ok := <-rings:
			if !ok {
				return nil, context.Canceled
			}
			if r.Jobs || r.Everything {
				return &riverdriver.Notification{Topic: topicInsert, Payload: `{"queue":"` + queueEnhance + `"}`}, nil
			}
		}
	}
}
