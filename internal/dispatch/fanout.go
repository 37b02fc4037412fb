package dispatch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"entgo.io/ent/dialect"

	"headroom/ent"
	"headroom/ent/event"
	"headroom/ent/schema"
	"headroom/ent/webhookendpoint"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

const (
	fanOutAtOnce        = 100
	insertAtOnce        = 200
	fanOutLock    int64 = 0x68656164726f6f02 // beside that of the sequencer
	lockPatience        = 2 * time.Second
	renderTimeout       = 10 * time.Second
)

// failure is an event whose body could not be rendered, tried again later so that it does not block the others.
type failure struct {
	tries int
	again time.Time
}

// fanOutLoop makes deliveries of numbered events until ctx ends.
func (d *Dispatch) fanOutLoop(ctx context.Context) {
	rings := d.bell.Listen(ctx)
	tick := time.NewTicker(d.cfg.Poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := d.fanOut(ctx); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "fan out events", "error", err)
		}
		for waiting := true; waiting; {
			waiting = false
			select {
			case <-ctx.Done():
			case <-tick.C:
			case r, ok := <-rings:
				waiting = ok && !r.Numbered && !r.Everything
			}
		}
	}
}

// fanOut handles all events that are ready.
func (d *Dispatch) fanOut(ctx context.Context) error {
	ids, err := d.unfanned(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	unlock, err := d.lockFanOut(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	for {
		if ids, err = d.unfanned(ctx); err != nil || len(ids) == 0 {
			return err
		}
		if err := d.fanOutBatch(ctx, ids); err != nil {
			return err
		}
	}
}

// lockFanOut keeps other nodes from rendering the same bodies at the same time. That is all it is for: who
// fans an event out is decided by its row. So it is not waited for long, since a stopped node may hold it.
func (d *Dispatch) lockFanOut(ctx context.Context) (unlock func(), err error) {
	if d.db.Dialect != dialect.Postgres {
		return func() {}, nil
	}
	conn, err := d.db.Write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to lock the fan-out: %w", err)
	}
	deadline := d.cfg.Now().Add(lockPatience)
	for {
		var held bool
		if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, fanOutLock).Scan(&held); err != nil {
			return nil, errors.Join(fmt.Errorf("lock the fan-out: %w", err), conn.Close())
		}
		if held {
			return func() {
				_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, fanOutLock)
				_ = conn.Close()
			}, nil
		}
		if d.cfg.Now().After(deadline) {
			return func() { _ = conn.Close() }, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), conn.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unfanned lists the next events to fan out, in the order of the log.
func (d *Dispatch) unfanned(ctx context.Context) ([]string, error) {
	var resting []string
	now := d.cfg.Now()
	for id, f := range d.broken {
		if now.Before(f.again) {
			resting = append(resting, id)
		}
	}
	s := newStatement(d.db.Dialect).add("SELECT id FROM events WHERE NOT fanned_out AND seq > 0")
	if len(resting) > 0 {
		s.add(" AND id NOT IN ").list(resting)
	}
	ids, err := s.add(" ORDER BY seq LIMIT ").arg(fanOutAtOnce).strings(ctx, d.db.Read)
	return ids, wrap("look for events to fan out", err)
}

// plan is one event on its way to its endpoints.
type plan struct {
	event     *ent.Event
	endpoints []*ent.WebhookEndpoint
	body      []byte
	err       error
}

func (d *Dispatch) fanOutBatch(ctx context.Context, ids []string) error {
	plans, err := d.plan(ctx, ids)
	if err != nil {
		return err
	}
	d.render(ctx, plans)
	if ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // told to end
	}
	plans = slices.DeleteFunc(plans, func(p *plan) bool { return d.unrendered(ctx, p) })
	if len(plans) == 0 {
		return nil
	}
	items, overflow, err := d.write(ctx, plans)
	if err != nil {
		return err
	}
	// Committed: hand over, and give back what a closed board refuses.
	if err := d.release(context.WithoutCancel(ctx), d.board.add(items)); err != nil {
		return err
	}
	for _, endpointID := range overflow {
		d.board.overflowed(endpointID)
	}
	return nil
}

// plan loads the events and finds their endpoints.
func (d *Dispatch) plan(ctx context.Context, ids []string) ([]*plan, error) {
	system := tenancy.AsSystem(ctx)
	rows, err := d.client.Event.Query().Where(event.IDIn(ids...)).Order(event.BySeq()).All(system)
	if err != nil {
		return nil, fmt.Errorf("load %d events: %w", len(ids), err)
	}
	var accounts []string
	for _, e := range rows {
		if !slices.Contains(accounts, e.AccountID) {
			accounts = append(accounts, e.AccountID)
		}
	}
	all, err := d.client.WebhookEndpoint.Query().Where(webhookendpoint.AccountIDIn(accounts...)).All(system)
	if err != nil {
		return nil, fmt.Errorf("load the endpoints of %d accounts: %w", len(accounts), err)
	}
	plans := make([]*plan, len(rows))
	for i, e := range rows {
		plans[i] = &plan{event: e, body: e.Body}
		for _, endpoint := range all {
			if wants(endpoint, e) {
				plans[i].endpoints = append(plans[i].endpoints, endpoint)
			}
		}
	}
	return plans, nil
}

// wants says whether the endpoint gets the event: by account, topic and studio. An event made for one
// endpoint goes there only. Whether the endpoint is enabled decides when, not whether.
func wants(endpoint *ent.WebhookEndpoint, e *ent.Event) bool {
	if endpoint.AccountID != e.AccountID || e.Erased {
		return false
	}
	if e.EndpointID != nil {
		return *e.EndpointID == endpoint.ID
	}
	if endpoint.StudioID != nil && (e.StudioID == nil || *e.StudioID != *endpoint.StudioID) {
		return false
	}
	if len(endpoint.Topics) == 0 {
		return e.Topic == string(events.SubmissionComplete)
	}
	return slices.Contains(endpoint.Topics, e.Topic)
}

// render makes the bodies that are wanted, several at a time.
func (d *Dispatch) render(ctx context.Context, plans []*plan) {
	places := make(chan struct{}, max(2, runtime.NumCPU()))
	var wg sync.WaitGroup
	for _, p := range plans {
		if len(p.endpoints) == 0 || p.body != nil {
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(tenancy.AsWorker(ctx, p.event.AccountID), renderTimeout)
			defer cancel()
			p.body, p.err = d.renderer.Render(ctx, p.event)
			if p.err == nil && p.body == nil {
				p.body = []byte{}
			}
		})
	}
	wg.Wait()
}

// unrendered notes a body that could not be made, to be tried again after 1, 2, 4 … 300 seconds.
func (d *Dispatch) unrendered(ctx context.Context, p *plan) bool {
	id := p.event.ID
	if p.err == nil {
		delete(d.broken, id)
		return false
	}
	f := d.broken[id]
	f.tries++
	f.again = d.cfg.Now().Add(min(5*time.Minute, time.Second<<min(f.tries-1, 9)))
	d.broken[id] = f
	d.log.ErrorContext(ctx, "render webhook body", "event", id, "topic", p.event.Topic, "try", f.tries, "error", p.err)
	return true
}

// write stores bodies and deliveries in one transaction, and marks the events. Deliveries that fit on the
// board are leased to this node at once; the others are due in the table, and listed by endpoint.
func (d *Dispatch) write(ctx context.Context, plans []*plan) (items []*item, overflow []string, err error) {
	tx, err := d.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("begin fan-out: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	ours, err := d.mark(ctx, tx, plans)
	if err != nil {
		return nil, nil, err
	}
	rows, byID, overflow := d.deliveries(plans, ours)
	for len(rows) > 0 {
		n := min(len(rows), insertAtOnce)
		s := newStatement(d.db.Dialect).add(`INSERT INTO deliveries (id, created_at, updated_at, version, account_id,
			event_id, endpoint_id, state, attempt_count, next_attempt_at, lease_owner, lease_until) `).
			values(rows[:n], "text", "timestamptz", "timestamptz", "bigint", "text", "text", "text", "text", "bigint",
				"timestamptz", "text", "timestamptz").
			add(" ON CONFLICT (event_id, endpoint_id) DO NOTHING RETURNING id")
		written, err := s.strings(ctx, tx)
		if err != nil {
			return nil, nil, fmt.Errorf("write %d deliveries: %w", n, err)
		}
		rows = rows[n:]
		for _, id := range written {
			if it := byID[id]; it != nil {
				items = append(items, it)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, nil, fmt.Errorf("commit fan-out: %w", err)
	}
	return items, overflow, nil
}

// mark stores the bodies and says which events are ours: another node may have been faster.
func (d *Dispatch) mark(ctx context.Context, tx *sql.Tx, plans []*plan) (map[string]bool, error) {
	var bodies [][]any
	var bare []string
	for _, p := range plans {
		if len(p.endpoints) > 0 {
			bodies = append(bodies, []any{p.event.ID, p.body})
		} else {
			bare = append(bare, p.event.ID)
		}
	}
	if len(bare) > 0 {
		_, err := newStatement(d.db.Dialect).add("UPDATE events SET fanned_out = true WHERE id IN ").list(bare).exec(ctx, tx)
		if err != nil {
			return nil, fmt.Errorf("mark %d events without endpoints: %w", len(bare), err)
		}
	}
	ours := map[string]bool{}
	if len(bodies) == 0 {
		return ours, nil
	}
	marked, err := newStatement(d.db.Dialect).add("WITH v (id, body) AS (").values(bodies, "text", "bytea").
		add(`) UPDATE events SET body = v.body, fanned_out = true FROM v
			WHERE events.id = v.id AND NOT events.fanned_out AND NOT events.erased RETURNING events.id`).strings(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("store %d bodies: %w", len(bodies), err)
	}
	for _, id := range marked {
		ours[id] = true
	}
	return ours, nil
}

// deliveries makes the rows of our events, and items for those that fit on the board.
func (d *Dispatch) deliveries(plans []*plan, ours map[string]bool) (rows [][]any, items map[string]*item, overflow []string) {
	now := d.now()
	until := now.Add(d.cfg.Lease)
	room := map[string]int{}
	items = map[string]*item{}
	for _, p := range plans {
		if !ours[p.event.ID] {
			continue
		}
		for _, endpoint := range p.endpoints {
			id := schema.NewID("dlv")
			state, due, owner, lease := "PENDING", any(now), any(nil), any(nil)
			if _, known := room[endpoint.ID]; !known {
				room[endpoint.ID] = d.board.room(endpoint.ID)
			}
			switch {
			case endpoint.State != webhookendpoint.StateEnabled:
				due = nil // kept until the endpoint resumes
			case room[endpoint.ID] > 0:
				room[endpoint.ID]--
				state, due, owner, lease = "DELIVERING", any(now), d.cfg.NodeID, until
				it := &item{
					deliveryID: id, accountID: p.event.AccountID, endpointID: endpoint.ID, eventID: p.event.ID, leaseUntil: until,
				}
				it.describe(p.event, p.body)
				items[id] = it
			case !slices.Contains(overflow, endpoint.ID):
				overflow = append(overflow, endpoint.ID)
			}
			rows = append(rows, []any{
				id, now, now, 1, p.event.AccountID, p.event.ID, endpoint.ID, state, 0, due, owner, lease,
			})
		}
	}
	return rows, items, overflow
}
