package dispatch_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/event"
	"headroom/ent/webhookendpoint"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/dispatch"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// rendering calls before each body is made.
type rendering struct {
	*house
	before func(e *ent.Event)
}

func (r rendering) Render(ctx context.Context, e *ent.Event) ([]byte, error) {
	r.before(e)
	return r.house.Render(ctx, e)
}

// resume enables an endpoint as the service does.
func (h *house) resume(id string) {
	tx, err := h.db.Client().Tx(h.ctx)
	if err == nil {
		err = tx.WebhookEndpoint.UpdateOneID(id).SetState(webhookendpoint.StateEnabled).Exec(h.ctx)
	}
	if err == nil {
		_, err = dispatch.Deliveries{}.Release(h.ctx, tx, id)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		h.t.Error(err)
	}
}

// An endpoint resumes after the fan-out has read it as paused and before the delivery is written.
func TestEndpointResumedDuringTheFanOutGetsTheEvent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetState(webhookendpoint.StatePaused) })
		var once sync.Once
		n := h.runWith("a", rendering{h, func(*ent.Event) { once.Do(func() { h.resume(endpoint.ID) }) }}, nil)
		id := h.write(1, complete)[0]
		n.Ring(events.Ring{Events: true})
		h.eventually("delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == 1 })
		if got := receiver.times(id); got != 1 {
			t.Errorf("it came %d times", got)
		}
	})
}

// An endpoint is paused, so that attempts are held, and resumes before that is recorded.
func TestEndpointResumedWhileDeliveriesAreHeldGetsThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		first := make(chan struct{})
		release := make(chan struct{})
		receiver := h.newReceiver(func(http.ResponseWriter, *http.Request, int) {
			select {
			case <-first:
			default:
				close(first)
			}
			<-release
		})
		endpoint := h.endpoint(receiver.URL, nil)
		n := h.run("a", func(c *dispatch.Config) { c.PerEndpoint = 1 })
		ids := h.write(4, complete)
		n.Ring(events.Ring{Events: true})
		<-first // the others wait in memory
		db.Client().WebhookEndpoint.UpdateOneID(endpoint.ID).SetState(webhookendpoint.StatePaused).ExecX(h.ctx)
		resumed := h.resumeOnceHeld(endpoint.ID)
		close(release)
		<-resumed
		h.eventually("all delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == len(ids) })
	})
}

// resumeOnceHeld resumes the endpoint as soon as one of its deliveries is held, and closes the channel then.
func (h *house) resumeOnceHeld(endpointID string) <-chan struct{} {
	resumed := make(chan struct{})
	go func() {
		defer close(resumed)
		for h.t.Context().Err() == nil {
			held, err := h.db.Client().Delivery.Query().Where(delivery.EndpointID(endpointID), delivery.NextAttemptAtIsNil(),
				delivery.StateEQ(delivery.StatePending)).Exist(h.ctx)
			if err == nil && held {
				h.resume(endpointID)
				return
			}
		}
	}()
	return resumed
}

// A customer who makes and deletes endpoints all the time, or an event that cannot be written for any other
// reason, holds up nobody else.
func TestEventThatCannotBeWrittenHoldsUpNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, nil)
		other := newHouse(t, db)
		endpoints := []string{other.endpoint(receiver.URL, nil).ID}
		n := h.runWith("a", rendering{h, func(e *ent.Event) {
			if e.AccountID != other.account {
				return
			}
			old := endpoints[len(endpoints)-1]
			endpoints = append(endpoints, other.endpoint(receiver.URL, nil).ID)
			db.Client().WebhookEndpoint.DeleteOneID(old).ExecX(tenancy.AsWorker(context.Background(), other.account))
		}}, nil)
		poison := other.write(1, complete)[0]
		id := h.write(3, complete)[2]
		n.Ring(events.Ring{Events: true})
		h.eventually("the other account's event is delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == 3 })
		if receiver.times(id) != 1 {
			t.Errorf("it came %d times", receiver.times(id))
		}
		if db.Client().Event.Query().Where(event.ID(poison), event.FannedOut(true)).ExistX(other.ctx) {
			t.Error("the test is wrong: the poison was written")
		}
	})
}

// A database that is away for a moment must not make deliveries happen twice.
func TestShortOutageRepeatsNoDelivery(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		impatient, err := database.Open(t.Context(), db.URL, database.Config{Wait: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t, impatient)
		var once sync.Once
		receiver := h.newReceiver(func(http.ResponseWriter, *http.Request, int) {
			once.Do(func() { outage(t, db, 1500*time.Millisecond) })
		})
		endpoint := h.endpoint(receiver.URL, nil)
		n := h.run("a", func(c *dispatch.Config) { c.Lease = 2 * time.Second })
		t.Cleanup(func() { n.stop(); _ = impatient.Close() })
		id := h.write(1, complete)[0]
		n.Ring(events.Ring{Events: true})
		h.eventually("delivered", func() bool {
			count, err := db.Client().Delivery.Query().Where(delivery.EndpointID(endpoint.ID), delivery.StateEQ(delivery.StateDelivered)).Count(h.ctx)
			return err == nil && count == 1
		})
		if got := receiver.times(id); got != 1 {
			t.Errorf("it came %d times", got)
		}
	})
}

// outage makes writes fail until length is over: another process holds SQLite's lock, PostgreSQL only reads.
func outage(t *testing.T, db *database.DB, length time.Duration) {
	if db.Dialect != "postgres" {
		tx, err := db.Write.BeginTx(context.Background(), nil) // BEGIN IMMEDIATE
		if err != nil {
			t.Error(err)
			return
		}
		time.AfterFunc(length, func() { _ = tx.Rollback() })
		return
	}
	readOnly := func(value string) {
		conn, err := db.Write.Conn(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		for _, query := range []string{
			`SET default_transaction_read_only = off`,
			`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ` + value + `', current_database()); END $$`,
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
		} {
			if _, err := conn.ExecContext(context.Background(), query); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		}
	}
	readOnly("on")
	time.AfterFunc(length, func() { readOnly("off") })
}
