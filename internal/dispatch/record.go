package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"headroom/ent"
	"headroom/ent/schema"
	"headroom/internal/database"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

const (
	recordAtOnce = 128
	maxExcerpt   = 4 << 10
	recordAgain  = 500 * time.Millisecond // when the database is away
	successEvery = 10 * time.Second       // how exact last_success_at is
)

// recordLoop writes results until the channel is closed. What ends while one commit is under way goes
// together into the next, so the batch grows with the load and a single result waits for nothing.
func (d *Dispatch) recordLoop(ctx context.Context) {
	noted := map[string]time.Time{} // endpoint → when its last success was written
	for first := range d.results {
		batch := []result{first}
		for more := true; more && len(batch) < recordAtOnce; {
			select {
			case r, ok := <-d.results:
				if more = ok; ok {
					batch = append(batch, r)
				}
			default:
				more = false
			}
		}
		d.recordBatch(ctx, batch, noted)
		items := make([]*item, len(batch))
		for i, r := range batch {
			items[i] = r.item
		}
		d.board.forget(items...)
	}
}

// recordBatch tries the batch together, then each result alone, so that one bad row cannot hold up the others.
// A result that cannot be written is dropped: its lease runs out and the delivery is made again.
func (d *Dispatch) recordBatch(ctx context.Context, batch []result, noted map[string]time.Time) {
	err := d.record(ctx, batch, noted)
	if err == nil {
		return
	}
	if !database.IsForeignKey(err) {
		d.log.WarnContext(ctx, "record webhook attempts together", "attempts", len(batch), "error", err)
		time.Sleep(recordAgain)
	}
	for _, r := range batch {
		err := d.record(ctx, []result{r}, noted)
		if database.IsForeignKey(err) {
			d.log.InfoContext(ctx, "endpoint was deleted while a delivery was sent", "delivery", r.item.deliveryID)
		} else if err != nil {
			d.log.ErrorContext(ctx, "record webhook attempt", "delivery", r.item.deliveryID, "error", err)
		}
	}
}

func (d *Dispatch) record(ctx context.Context, batch []result, noted map[string]time.Time) error {
	ctx, cancel := context.WithTimeout(tenancy.AsSystem(ctx), 15*time.Second)
	defer cancel()
	tx, err := d.client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("begin record: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	sqlTx, err := tx.SQLTx()
	if err != nil {
		return fmt.Errorf("begin record: %w", err)
	}
	w := recorder{d: d, tx: tx, sql: sqlTx, now: d.now(), noted: noted}
	if err := w.deliveries(ctx, batch); err != nil {
		return err
	}
	if err := w.attempts(ctx, batch); err != nil {
		return err
	}
	if err := w.endpoints(ctx, batch); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit record: %w", err)
	}
	for _, t := range w.retries {
		d.due.at(t)
	}
	maps.Copy(noted, w.successes)
	if w.disabled {
		d.bell.Ring(events.Ring{Events: true})
	}
	return nil
}

// recorder writes one batch in one transaction.
type recorder struct {
	d   *Dispatch
	tx  *ent.Tx
	sql interface {
		execer
		querier
	}
	now   time.Time
	noted map[string]time.Time

	retries   []time.Time
	successes map[string]time.Time
	disabled  bool
}

// deliveries brings each delivery into its next state, if this node still has its lease.
func (w *recorder) deliveries(ctx context.Context, batch []result) error {
	var rows [][]any
	for _, r := range batch {
		if r.verdict == lost {
			continue
		}
		state, next := w.next(r)
		count, delivered := r.item.attempts, any(nil)
		status, text := any(nil), any(nil)
		if r.verdict == attempted {
			count++
			status, text = nullable(r.outcome.Status), nullable(clip(r.outcome.Error, 400))
		}
		if state == "DELIVERED" {
			delivered = w.now
		}
		rows = append(rows, []any{r.item.deliveryID, state, count, next, status, text, delivered})
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := newStatement(w.d.db.Dialect).add("WITH v (id, state, attempt_count, next_attempt_at, last_status, last_error, delivered_at) AS (").
		values(rows, "text", "text", "bigint", "timestamptz", "bigint", "text", "timestamptz").
		add(`) UPDATE deliveries SET state = v.state, attempt_count = v.attempt_count, next_attempt_at = v.next_attempt_at,
			last_status = COALESCE(v.last_status, CASE WHEN v.attempt_count = deliveries.attempt_count THEN deliveries.last_status END),
			last_error = COALESCE(v.last_error, CASE WHEN v.attempt_count = deliveries.attempt_count THEN deliveries.last_error END),
			delivered_at = COALESCE(v.delivered_at, deliveries.delivered_at),
			lease_owner = NULL, lease_until = NULL, version = deliveries.version + 1, updated_at = `).arg(w.now).
		add(" FROM v WHERE deliveries.id = v.id AND deliveries.state = 'DELIVERING' AND deliveries.lease_owner = ").
		arg(w.d.cfg.NodeID).exec(ctx, w.sql)
	return wrap("record deliveries", err)
}

// next is the state machine of a delivery that was DELIVERING. The time is nil or when it is due again.
func (w *recorder) next(r result) (state string, due any) {
	switch r.verdict {
	case attempted:
	case held:
		return "PENDING", nil
	case postponed:
		at := w.now.Add(postpone)
		w.retries = append(w.retries, at)
		return "PENDING", at
	case cancelled:
		return "CANCELLED", nil
	case lost: // not written
	}
	if r.outcome.OK {
		return "DELIVERED", nil
	}
	delay, again := w.d.cfg.NextRetry(r.item.attempts+1, r.outcome.RetryAfter)
	if !again || r.outcome.Gone {
		return "FAILED", nil
	}
	at := w.now.Add(delay)
	w.retries = append(w.retries, at)
	return "PENDING", at
}

// attempts adds the attempts made.
func (w *recorder) attempts(ctx context.Context, batch []result) error {
	var rows [][]any
	for _, r := range batch {
		if r.verdict != attempted {
			continue
		}
		headers, err := json.Marshal(masked(r.outcome.Header, r.custom))
		if err != nil {
			return fmt.Errorf("headers of delivery %s: %w", r.item.deliveryID, err)
		}
		o := r.outcome
		var excerpt any
		if len(o.Excerpt) > 0 {
			excerpt = o.Excerpt[:min(len(o.Excerpt), maxExcerpt)]
		}
		rows = append(rows, []any{
			schema.NewID("dla"), w.now, r.item.accountID, r.item.deliveryID, r.item.attempts + 1,
			o.StartedAt.UTC().Truncate(time.Millisecond), o.Duration.Milliseconds(), nullable(o.Status),
			clip(o.Class, 40), nullable(clip(o.Error, 400)), string(headers), excerpt,
		})
	}
	if len(rows) == 0 {
		return nil
	}
	// A conflict: our lease ran out during the attempt, and somebody else has made one of the same number.
	_, err := newStatement(w.d.db.Dialect).add(`INSERT INTO delivery_attempts (id, created_at, account_id, delivery_id, number,
		started_at, duration_ms, status, error_class, error, request_headers, response_excerpt) `).
		values(rows, "text", "timestamptz", "text", "text", "bigint", "timestamptz", "bigint", "bigint", "text", "text", "jsonb", "bytea").
		add(" ON CONFLICT (delivery_id, number) DO NOTHING").exec(ctx, w.sql)
	return wrap("record attempts", err)
}

// masked gives the headers as they may be shown: credentials by name only. What the customer set may be one.
func masked(sent map[string][]string, custom map[string]string) map[string]string {
	out := make(map[string]string, len(sent))
	for name, values := range sent {
		name = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(name, "X-Authenticity-Token") || name == "Webhook-Signature" || name == "Authorization" || name == "Cookie" {
			out[name] = "***"
			continue
		}
		out[name] = strings.Join(values, ", ")
	}
	for name := range custom {
		if name = http.CanonicalHeaderKey(name); out[name] != "" {
			out[name] = "***"
		}
	}
	return out
}
