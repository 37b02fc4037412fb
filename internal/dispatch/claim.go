package dispatch

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"headroom/ent"
	"headroom/ent/event"
	"headroom/internal/tenancy"
)

const claimAtOnce = 256

// claimLoop fills the board from the table until ctx ends, and sweeps leases that ran out.
func (d *Dispatch) claimLoop(ctx context.Context) {
	rings := d.bell.Listen(ctx)
	tick := time.NewTicker(d.cfg.Poll)
	defer tick.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var wake time.Time // what timer is set to; zero when to nothing
	for ctx.Err() == nil {
		if err := d.claim(ctx); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "claim deliveries", "error", err)
		}
		for waiting := true; waiting; {
			waiting = false
			select {
			case <-ctx.Done():
			case <-d.board.refill:
			case <-timer.C:
				wake = time.Time{}
			case t := <-d.due.set:
				if wake.IsZero() || t.Before(wake) {
					wake = t
					timer.Reset(t.Sub(d.cfg.Now()))
				}
				waiting = true
			case r, ok := <-rings:
				waiting = ok && !r.Deliveries && !r.Everything
			case <-tick.C:
				if err := d.voidExpiredLeases(ctx); err != nil && ctx.Err() == nil {
					d.log.ErrorContext(ctx, "void leases", "error", err)
				}
			}
		}
	}
}

// claim leases due deliveries to this node, in batches, while there are any for lanes that have room. A batch
// may fill a lane beyond its capacity, once.
func (d *Dispatch) claim(ctx context.Context) error {
	for {
		start := d.cfg.Now()
		items, err := d.lease(ctx, d.board.full(), claimAtOnce)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := d.loadBodies(ctx, items); err != nil {
			return err // the leases run out
		}
		if err := d.release(context.WithoutCancel(ctx), d.board.add(items)); err != nil {
			return err
		}
		if len(items) < claimAtOnce {
			return nil
		}
		for _, it := range items {
			d.board.overflowed(it.endpointID)
		}
		// A large backlog of full lanes makes the search long; it must not take more than half of our time.
		if took := d.cfg.Now().Sub(start); took > 20*time.Millisecond {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(took):
			}
		}
	}
}

func (d *Dispatch) lease(ctx context.Context, except []string, limit int) ([]*item, error) {
	now := d.now()
	until := now.Add(d.cfg.Lease)
	pick := func(s *statement) *statement {
		s.add("SELECT id FROM deliveries WHERE state = 'PENDING' AND next_attempt_at <= ").arg(now)
		if len(except) > 0 {
			s.add(" AND endpoint_id NOT IN ").list(except)
		}
		return s.add(" ORDER BY next_attempt_at LIMIT ").arg(limit)
	}
	// A look without a lock first: on SQLite it spares the only writer, on both the usual answer is "none".
	some, err := pick(newStatement(d.db.Dialect)).strings(ctx, d.db.Read)
	if err != nil || len(some) == 0 {
		return nil, wrap("look for due deliveries", err)
	}
	s := newStatement(d.db.Dialect)
	s.add("UPDATE deliveries SET state = 'DELIVERING', lease_owner = ").arg(d.cfg.NodeID).
		add(", lease_until = ").arg(until).add(", updated_at = ").arg(now).add(", version = version + 1").
		add(" WHERE state = 'PENDING' AND id IN ")
	if s.postgres { // chosen anew: another node may have taken what we saw
		pick(s.add("(")).add(" FOR UPDATE SKIP LOCKED)")
	} else {
		s.list(some)
	}
	s.add(" RETURNING id, account_id, endpoint_id, event_id, attempt_count")
	var items []*item
	err = s.each(ctx, d.db.Write, func(rows *sql.Rows) error {
		it := &item{leaseUntil: until}
		items = append(items, it)
		return rows.Scan(&it.deliveryID, &it.accountID, &it.endpointID, &it.eventID, &it.attempts)
	})
	return items, wrap("claim deliveries", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// loadBodies reads what is to be sent. The body of an erased event stays nil.
func (d *Dispatch) loadBodies(ctx context.Context, items []*item) error {
	ids := make([]string, 0, len(items))
	byEvent := make(map[string][]*item, len(items))
	for _, it := range items {
		if byEvent[it.eventID] == nil {
			ids = append(ids, it.eventID)
		}
		byEvent[it.eventID] = append(byEvent[it.eventID], it)
	}
	rows, err := d.client.Event.Query().Where(event.IDIn(ids...)).All(tenancy.AsSystem(ctx))
	if err != nil {
		return fmt.Errorf("load the bodies of %d events: %w", len(ids), err)
	}
	for _, e := range rows {
		for _, it := range byEvent[e.ID] {
			it.describe(e, e.Body)
		}
	}
	return nil
}

// describe gives the item what is sent of the event.
func (it *item) describe(e *ent.Event, body []byte) {
	it.topic, it.subjectID = e.Topic, e.SubjectID
	if e.SubmissionID != nil {
		it.subjectID = *e.SubmissionID
	}
	if !e.Erased {
		it.body = body
	}
}

// voidOwnLeases makes due what the last run of this node was sending when it died.
func (d *Dispatch) voidOwnLeases(ctx context.Context) error {
	n, err := d.void(ctx, "lease_owner = ", d.cfg.NodeID)
	if n > 0 {
		d.log.InfoContext(ctx, "took back deliveries that the last run of this node left", "deliveries", n)
	}
	return err
}

// voidExpiredLeases makes due what a dead node was sending.
func (d *Dispatch) voidExpiredLeases(ctx context.Context) error {
	// Sparing the write lock: the usual answer is "none".
	expired, err := newStatement(d.db.Dialect).
		add("SELECT id FROM deliveries WHERE state = 'DELIVERING' AND lease_until < ").arg(d.now()).add(" LIMIT 1").
		strings(ctx, d.db.Read)
	if err != nil || len(expired) == 0 {
		return wrap("look for expired leases", err)
	}
	n, err := d.void(ctx, "lease_until < ", d.now())
	if n > 0 {
		d.log.WarnContext(ctx, "deliveries of a dead node are due again", "deliveries", n)
	}
	return err
}

func (d *Dispatch) void(ctx context.Context, condition string, value any) (int64, error) {
	now := d.now()
	n, err := newStatement(d.db.Dialect).
		add("UPDATE deliveries SET state = 'PENDING', lease_owner = NULL, lease_until = NULL, next_attempt_at = ").arg(now).
		add(", updated_at = ").arg(now).add(", version = version + 1").
		add(" WHERE state = 'DELIVERING' AND "+condition).arg(value).exec(ctx, d.db.Write)
	return n, wrap("void leases", err)
}

// release gives back leased deliveries that were not tried.
func (d *Dispatch) release(ctx context.Context, items []*item) error {
	for len(items) > 0 {
		n := min(len(items), 500)
		ids := make([]string, n)
		for i, it := range items[:n] {
			ids[i] = it.deliveryID
		}
		items = items[n:]
		now := d.now()
		_, err := newStatement(d.db.Dialect).
			add("UPDATE deliveries SET state = 'PENDING', lease_owner = NULL, lease_until = NULL, next_attempt_at = ").arg(now).
			add(", updated_at = ").arg(now).add(", version = version + 1").
			add(" WHERE state = 'DELIVERING' AND lease_owner = ").arg(d.cfg.NodeID).add(" AND id IN ").list(ids).
			exec(ctx, d.db.Write)
		if err != nil {
			return fmt.Errorf("give back %d deliveries: %w", n, err)
		}
	}
	return nil
}

// heartbeatLoop renews the leases of what is held, from when they have half of their time left.
func (d *Dispatch) heartbeatLoop(ctx context.Context) {
	tick := time.NewTicker(d.cfg.Lease / 8)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := d.renew(ctx); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "renew leases", "error", err)
		}
	}
}

func (d *Dispatch) renew(ctx context.Context) error {
	ageing := d.board.ageing(d.now().Add(d.cfg.Lease / 2))
	for len(ageing) > 0 {
		n := min(len(ageing), 500)
		batch := ageing[:n]
		ageing = ageing[n:]
		ids := make([]string, n)
		for i, it := range batch {
			ids[i] = it.deliveryID
		}
		until := d.now().Add(d.cfg.Lease)
		still, err := newStatement(d.db.Dialect).add("UPDATE deliveries SET lease_until = ").arg(until).
			add(" WHERE state = 'DELIVERING' AND lease_owner = ").arg(d.cfg.NodeID).add(" AND id IN ").list(ids).
			add(" RETURNING id").strings(ctx, d.db.Write)
		if err != nil {
			return fmt.Errorf("renew %d leases: %w", n, err)
		}
		d.board.renewed(still, until)
	}
	return nil
}
