package dispatch_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/schema"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/dispatch"
	"headroom/internal/events"
)

// leaveLeased makes deliveries look as a node leaves them when it is killed while it sends them.
func (h *house) leaveLeased(endpoint *ent.WebhookEndpoint, owner string, until time.Time, n int) []string {
	h.t.Helper()
	ids := h.write(n, complete)
	for i, id := range ids {
		h.db.Client().Event.UpdateOneID(id).SetFannedOut(true).SetSeq(int64(i + 1)).SetBody([]byte("{}")).ExecX(h.ctx)
		h.db.Client().Delivery.Create().SetEventID(id).SetEndpointID(endpoint.ID).SetState(delivery.StateDelivering).
			SetLeaseOwner(owner).SetLeaseUntil(until).ExecX(h.ctx)
	}
	return ids
}

func TestRestartedNodeVoidsItsLeases(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		endpoint := h.endpoint(receiver.URL, nil)
		ids := h.leaveLeased(endpoint, "a", schema.Now().Add(time.Hour), 5)
		h.run("a", nil)
		h.eventually("delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == len(ids) })
	})
}

func TestDeadNodesLeaseRunsOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		receiver := h.newReceiver(nil)
		dead, alive := h.endpoint(receiver.URL, nil), h.endpoint(receiver.URL, nil)
		h.leaveLeased(dead, "dead", schema.Now().Add(-time.Second), 3)
		h.db.Client().Event.Update().ClearSeq().ExecX(h.ctx)
		kept := h.db.Client().Delivery.Create().SetEventID(h.write(1, complete)[0]).SetEndpointID(alive.ID).
			SetState(delivery.StateDelivering).SetLeaseOwner("alive").SetLeaseUntil(schema.Now().Add(time.Hour)).SaveX(h.ctx)
		h.run("a", nil)
		h.eventually("delivered", func() bool { return h.count(dead, delivery.StateDelivered) >= 3 })
		if d := h.db.Client().Delivery.GetX(h.ctx, kept.ID); d.State != delivery.StateDelivering || *d.LeaseOwner != "alive" {
			t.Errorf("a living node's delivery reads %v", d)
		}
	})
}

func TestLongHeldLeasesAreRenewed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		release := make(chan struct{})
		receiver := h.newReceiver(func(http.ResponseWriter, *http.Request, int) { <-release })
		endpoint := h.endpoint(receiver.URL, nil)
		short := func(c *dispatch.Config) { c.Lease = 2 * time.Second }
		a, _ := h.run("a", short), h.run("b", short)
		ids := h.write(10, complete)
		a.Ring(events.Ring{Events: true})
		h.eventually("under way", func() bool { return receiver.events() > 0 })
		<-time.After(5 * time.Second) // several leases long; nothing else can show that they are renewed
		close(release)
		h.eventually("delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == len(ids) })
		for _, id := range ids {
			if n := receiver.times(id); n != 1 {
				t.Errorf("event %s came %d times", id, n)
			}
		}
	})
}

func TestRunLetsAttemptsEndAndRecordsThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		release := make(chan struct{})
		receiver := h.newReceiver(func(http.ResponseWriter, *http.Request, int) { <-release })
		endpoint := h.endpoint(receiver.URL, nil)
		n := h.run("a", nil)
		ids := h.write(30, complete) // more than go out at a time
		n.Ring(events.Ring{Events: true})
		h.eventually("under way", func() bool { return receiver.events() == 8 })
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			n.stop()
		}()
		close(release)
		select {
		case <-stopped:
		case <-time.After(patience):
			t.Fatal("does not stop")
		}
		delivered, waiting := h.count(endpoint, delivery.StateDelivered), h.count(endpoint, delivery.StatePending)
		if delivered != receiver.events() || delivered+waiting != len(ids) {
			t.Errorf("%d delivered, %d waiting, %d came of %d", delivered, waiting, receiver.events(), len(ids))
		}
		h.run("a", nil)
		h.eventually("the rest", func() bool { return h.count(endpoint, delivery.StateDelivered) == len(ids) })
		for _, id := range ids {
			if n := receiver.times(id); n != 1 {
				t.Errorf("event %s came %d times", id, n)
			}
		}
	})
}

func TestRunBreaksOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.SQLite(t))
	release := make(chan struct{})
	defer close(release)
	receiver := h.newReceiver(func(http.ResponseWriter, *http.Request, int) { <-release })
	endpoint := h.endpoint(receiver.URL, nil)
	n := h.run("a", func(c *dispatch.Config) { c.DrainTimeout = 50 * time.Millisecond })
	h.write(1, complete)
	n.Ring(events.Ring{Events: true})
	h.eventually("under way", func() bool { return receiver.events() == 1 })
	n.stop()
	d := h.db.Client().Delivery.Query().Where(delivery.EndpointID(endpoint.ID)).OnlyX(h.ctx)
	if d.State != delivery.StatePending || d.AttemptCount != 0 || d.NextAttemptAt == nil {
		t.Errorf("the delivery reads %v; want it due, and no attempt counted", d)
	}
}

func TestBlackHolesDoNotStarveAHealthyEndpoint(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		hole := blackHole(t)
		healthy := h.newReceiver(nil)
		for range 40 { // enough to take all places, were they not bounded
			h.endpoint(hole, nil)
		}
		n := h.run("a", func(c *dispatch.Config) { c.InFlight, c.DrainTimeout = 32, time.Millisecond })
		h.write(40, complete) // 1,600 deliveries into the holes
		n.Ring(events.Ring{Events: true})
		h.eventually("the holes are busy", func() bool {
			return db.Client().Delivery.Query().Where(delivery.StateEQ(delivery.StateDelivering)).CountX(h.ctx) > 64
		})
		endpoint := h.endpoint(healthy.URL, func(c *ent.WebhookEndpointCreate) { c.SetTopics([]string{"TEST"}) })
		var took []time.Duration
		for i := range 20 {
			start := time.Now()
			h.write(1, events.Draft{Topic: events.Test, SubjectID: fmt.Sprint(i)})
			n.Ring(events.Ring{Events: true})
			h.eventually("delivered", func() bool { return h.count(endpoint, delivery.StateDelivered) == i+1 })
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		t.Logf("healthy endpoint beside 40 black holes: median %v, longest %v", took[10], took[19])
		if took[10] > time.Second {
			t.Errorf("median %v", took[10])
		}
	})
}

// blackHole is a server that takes connections and never answers.
func blackHole(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String()
}
