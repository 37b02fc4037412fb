package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/event"
	"headroom/ent/schema"
	"headroom/ent/webhookendpoint"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/dispatch"
	"headroom/internal/events"
)

var complete = events.Draft{Topic: events.SubmissionComplete}

func TestEventReachesItsEndpointOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) {
			c.SetHeaders(json.RawMessage(`{"X-Api-Key":"s3cret"}`))
		})
		a, b := h.run("a", nil), h.run("b", nil) // two nodes
		ids := h.write(120, complete)
		a.Ring(events.Ring{Events: true})
		b.Ring(events.Ring{Events: true})
		h.eventually("all delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == len(ids) })
		for _, id := range ids {
			if n := receiver.times(id); n != 1 {
				t.Errorf("event %s came %d times", id, n)
			}
		}
		d := db.Client().Delivery.Query().Where(delivery.EventID(ids[0])).WithAttempts().OnlyX(h.ctx)
		if d.AttemptCount != 1 || d.DeliveredAt == nil || d.LastStatus == nil || *d.LastStatus != 200 || d.LeaseOwner != nil || len(d.Edges.Attempts) != 1 {
			t.Errorf("the delivery reads %v", d)
		}
		attempt := d.Edges.Attempts[0]
		if attempt.Number != 1 || attempt.Status == nil || *attempt.Status != 200 || attempt.ErrorClass != "ok" {
			t.Errorf("the attempt reads %v", attempt)
		}
		var headers map[string]string
		if err := json.Unmarshal(attempt.RequestHeaders, &headers); err != nil {
			t.Fatal(err)
		}
		if headers["Webhook-Id"] != ids[0] || headers["X-Authenticity-Token"] != "***" || headers["Webhook-Signature"] != "***" {
			t.Errorf("recorded headers %v", headers)
		}
		if strings.Contains(string(attempt.RequestHeaders), "s3cret") {
			t.Error("the endpoint's own header is recorded")
		}
		if e := db.Client().WebhookEndpoint.GetX(h.ctx, endpoint.ID); e.LastSuccessAt == nil || e.FailingSince != nil || e.Version != endpoint.Version {
			t.Errorf("the endpoint reads %v", e)
		}
		if got := string(db.Client().Event.GetX(h.ctx, ids[0]).Body); got != receiver.bodies[ids[0]] || got == "" {
			t.Errorf("stored body %q, sent %q", got, receiver.bodies[ids[0]])
		}
	})
}

func TestFailedAttemptsAreRepeatedBySchedule(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		flaky := h.newReceiver(func(w http.ResponseWriter, _ *http.Request, seen int) {
			if seen < 3 {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte("not now"))
			}
		})
		broken := h.newReceiver(func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusTeapot) })
		good, bad := h.endpoint(flaky.URL, nil), h.endpoint(broken.URL, nil)
		n := h.run("a", nil)
		id := h.write(1, complete)[0]
		n.Ring(events.Ring{Events: true})
		h.eventually("delivered at last", func() bool { return h.count(good, delivery.StateDelivered) == 1 })
		h.eventually("failed at last", func() bool { return h.count(bad, delivery.StateFailed) == 1 })
		if g, b := flaky.times(id), broken.times(id); g != 3 || b != 3 {
			t.Errorf("%d and %d attempts came, want 3 each", g, b)
		}
		d := db.Client().Delivery.Query().Where(delivery.EndpointID(good.ID)).WithAttempts().OnlyX(h.ctx)
		if d.AttemptCount != 3 || len(d.Edges.Attempts) != 3 || string(d.Edges.Attempts[0].ResponseExcerpt) != "not now" {
			t.Errorf("delivery %v, attempts %v", d, d.Edges.Attempts)
		}
		if e := db.Client().WebhookEndpoint.GetX(h.ctx, good.ID); e.FailingSince != nil {
			t.Errorf("failing since %v after a success", e.FailingSince)
		}
		if e := db.Client().WebhookEndpoint.GetX(h.ctx, bad.ID); e.FailingSince == nil || e.State != webhookendpoint.StateEnabled {
			t.Errorf("the failing endpoint reads %v", e)
		}
	})
}

func TestRetryAfterReachesTheSchedule(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.SQLite(t))
	receiver := h.newReceiver(func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Retry-After", "77")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	h.endpoint(receiver.URL, nil)
	asked := make(chan time.Duration, 1)
	n := h.run("a", func(c *dispatch.Config) {
		c.NextRetry = func(_ int, after time.Duration) (time.Duration, bool) {
			asked <- after
			return 0, false
		}
	})
	h.write(1, complete)
	n.Ring(events.Ring{Events: true})
	select {
	case got := <-asked:
		if got != 77*time.Second {
			t.Errorf("the schedule was told %v", got)
		}
	case <-time.After(patience):
		t.Fatal("no attempt")
	}
}

func TestGoneDisablesTheEndpointAndKeepsItsEvents(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusGone) })
		watcher := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, nil)
		watching := h.endpoint(watcher.URL, func(c *ent.WebhookEndpointCreate) { c.SetTopics([]string{string(events.EndpointDisabled)}) })
		n := h.run("a", nil)
		h.write(1, complete)
		n.Ring(events.Ring{Events: true})
		h.eventually("told of it", func() bool { return h.count(watching, delivery.StateDelivered) == 1 })
		e := db.Client().WebhookEndpoint.GetX(h.ctx, endpoint.ID)
		if e.State != webhookendpoint.StateDisabled || e.StateReason == nil || e.Version != endpoint.Version+1 {
			t.Errorf("the endpoint reads %v", e)
		}
		if n := h.count(endpoint, delivery.StateFailed); n != 1 {
			t.Errorf("%d deliveries failed, want 1", n)
		}
		h.write(1, complete)
		n.Ring(events.Ring{Events: true})
		h.eventually("kept", func() bool { return h.count(endpoint, delivery.StatePending) == 1 })
		if got := receiver.events(); got != 1 {
			t.Errorf("%d events came, want 1", got)
		}
	})
}

func TestNothingButFailuresDisablesTheEndpoint(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusBadGateway) })
		long := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetFailingSince(schema.Now().Add(-121 * time.Hour)) })
		short := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetFailingSince(schema.Now().Add(-119 * time.Hour)) })
		n := h.run("a", nil)
		h.write(1, complete)
		n.Ring(events.Ring{Events: true})
		h.eventually("kept for later", func() bool { return h.count(long, delivery.StatePending) == 1 })
		h.eventually("given up", func() bool { return h.count(short, delivery.StateFailed) == 1 })
		e := db.Client().WebhookEndpoint.GetX(h.ctx, long.ID)
		if e.State != webhookendpoint.StateDisabled || e.StateReason == nil || !strings.Contains(*e.StateReason, "5 days") {
			t.Errorf("the endpoint reads %v", e)
		}
		if e := db.Client().WebhookEndpoint.GetX(h.ctx, short.ID); e.State != webhookendpoint.StateEnabled {
			t.Errorf("the other endpoint reads %v", e)
		}
		if n := db.Client().Event.Query().Where(event.Topic(string(events.EndpointDisabled)), event.SubjectID(long.ID)).CountX(h.ctx); n != 1 {
			t.Errorf("%d events tell of it, want 1", n)
		}
	})
}

func TestPausedEndpointGetsItsEventsWhenItResumes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetState(webhookendpoint.StatePaused) })
		n := h.run("a", nil)
		ids := h.write(3, complete)
		n.Ring(events.Ring{Events: true})
		h.eventually("kept", func() bool { return h.count(endpoint, delivery.StatePending) == len(ids) })
		// A replay of a paused endpoint's delivery has to wait as well.
		one := db.Client().Delivery.Query().Where(delivery.EventID(ids[0])).OnlyX(h.ctx)
		h.tx(func(tx *ent.Tx) (int, error) { return dispatch.Deliveries{}.Requeue(h.ctx, tx, one.ID) }, 1)
		n.Ring(events.Ring{Deliveries: true})
		h.eventually("held again", func() bool {
			d := db.Client().Delivery.GetX(h.ctx, one.ID)
			return d.State == delivery.StatePending && d.NextAttemptAt == nil && d.Version > one.Version+1
		})
		if got := receiver.events(); got != 0 {
			t.Fatalf("%d events came while paused", got)
		}
		db.Client().WebhookEndpoint.UpdateOneID(endpoint.ID).SetState(webhookendpoint.StateEnabled).ExecX(h.ctx)
		h.tx(func(tx *ent.Tx) (int, error) { return dispatch.Deliveries{}.Release(h.ctx, tx, endpoint.ID) }, len(ids))
		n.Ring(events.Ring{Deliveries: true})
		h.eventually("delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == len(ids) })
	})
}

// tx commits what do changes, which must be want rows.
func (h *house) tx(do func(*ent.Tx) (int, error), want int) {
	h.t.Helper()
	tx, err := h.db.Client().Tx(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	n, err := do(tx)
	if err := errors.Join(err, tx.Commit()); err != nil || n != want {
		h.t.Fatalf("changed %d rows (%v), want %d", n, err, want)
	}
}

func TestReplayUsesTheSameEvent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, nil)
		n := h.run("a", nil)
		id := h.write(1, complete)[0]
		n.Ring(events.Ring{Events: true})
		h.eventually("delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == 1 })
		d := db.Client().Delivery.Query().OnlyX(h.ctx)
		h.tx(func(tx *ent.Tx) (int, error) { return dispatch.Deliveries{}.Requeue(h.ctx, tx, d.ID) }, 1)
		n.Ring(events.Ring{Deliveries: true})
		h.eventually("delivered again", func() bool {
			d := db.Client().Delivery.GetX(h.ctx, d.ID)
			return d.State == delivery.StateDelivered && d.AttemptCount == 2
		})
		if n := receiver.times(id); n != 2 {
			t.Errorf("the event came %d times, want 2", n)
		}
	})
}

func TestEventsGoWhereTheyAreWanted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		other := newHouse(t, db)
		receiver := h.newReceiver(nil)
		studio := db.Client().Studio.Create().SetName("Mine").SaveX(h.ctx)
		byDefault := h.endpoint(receiver.URL, nil)
		chosen := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetTopics([]string{"CONTACT_CREATED", "TEST"}) })
		ofStudio := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetStudioID(studio.ID) })
		foreign := other.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetTopics([]string{"TEST"}) })
		h.write(1, complete)
		h.write(1, events.Draft{Topic: events.SubmissionComplete, StudioID: studio.ID})
		h.write(1, events.Draft{Topic: events.ContactCreated})
		h.write(1, events.Draft{Topic: events.SessionOpened}) // nobody's
		h.write(1, events.Draft{Topic: events.Test, EndpointID: byDefault.ID})
		n := h.run("a", nil)
		n.Ring(events.Ring{Events: true})
		h.eventually("all handled", func() bool {
			return db.Client().Event.Query().Where(event.FannedOut(true)).CountX(h.ctx) == 5 &&
				db.Client().Delivery.Query().Where(delivery.StateNEQ(delivery.StateDelivered)).CountX(h.ctx) == 0
		})
		for name, c := range map[string]struct {
			endpoint *ent.WebhookEndpoint
			want     int
		}{"by default": {byDefault, 3}, "chosen topics": {chosen, 1}, "of a studio": {ofStudio, 1}} {
			if got := h.count(c.endpoint, delivery.StateDelivered); got != c.want {
				t.Errorf("%s: %d events, want %d", name, got, c.want)
			}
		}
		if got := other.count(foreign, delivery.StateDelivered); got != 0 {
			t.Errorf("another account's endpoint got %d events", got)
		}
	})
}

// failingRenderer cannot render the events of one topic, until it is mended.
type failingRenderer struct {
	*house
	mended atomic.Bool
}

func (r *failingRenderer) Render(ctx context.Context, e *ent.Event) ([]byte, error) {
	if e.Topic == string(events.ContactCreated) && !r.mended.Load() {
		return nil, errors.New("cannot render")
	}
	return r.house.Render(ctx, e)
}

func TestEventThatCannotBeRenderedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, func(c *ent.WebhookEndpointCreate) { c.SetTopics([]string{"CONTACT_CREATED", "TEST"}) })
		h.write(150, events.Draft{Topic: events.ContactCreated}) // more than a batch
		h.write(1, events.Draft{Topic: events.Test})
		r := &failingRenderer{house: h}
		h.runWith("a", r, nil)
		h.eventually("the other is delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == 1 })
		r.mended.Store(true)
		h.eventually("all are delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == 151 })
	})
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]dispatch.Config{
		"no node":     {NextRetry: func(int, time.Duration) (time.Duration, bool) { return 0, false }},
		"no schedule": {NodeID: "a"},
	} {
		if _, err := dispatch.New(nil, nil, nil, nil, nil, nil, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
