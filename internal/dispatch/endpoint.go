package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/schema"
	"headroom/ent/webhookendpoint"
	"headroom/internal/events"
	"headroom/internal/tenancy"
)

// endpoints notes how their endpoints did, and disables those that want no more or fail for too long.
func (w *recorder) endpoints(ctx context.Context, batch []result) error {
	w.successes = map[string]time.Time{}
	var well, failed, gone []string
	for _, r := range batch {
		id := r.item.endpointID
		switch {
		case r.verdict != attempted:
		case r.outcome.OK:
			if (r.failing || w.now.Sub(w.noted[id]) >= successEvery) && !slices.Contains(well, id) {
				well = append(well, id)
				w.successes[id] = w.now
			}
		case r.outcome.Gone:
			gone = append(gone, id)
		case !slices.Contains(failed, id):
			failed = append(failed, id)
		}
	}
	if err := w.noteFailures(ctx, failed); err != nil {
		return err
	}
	if len(well) > 0 {
		slices.Sort(well) // two nodes lock rows in the same order
		_, err := newStatement(w.d.db.Dialect).add("UPDATE webhook_endpoints SET failing_since = NULL, last_success_at = ").
			arg(w.now).add(" WHERE id IN ").list(well).exec(ctx, w.sql)
		if err != nil {
			return fmt.Errorf("note success of %d endpoints: %w", len(well), err)
		}
	}
	for _, id := range gone {
		if err := w.disable(ctx, id, "The endpoint answered 410 Gone."); err != nil {
			return err
		}
	}
	return nil
}

func (w *recorder) noteFailures(ctx context.Context, failed []string) error {
	if len(failed) == 0 {
		return nil
	}
	slices.Sort(failed)
	_, err := newStatement(w.d.db.Dialect).add("UPDATE webhook_endpoints SET failing_since = ").arg(w.now).
		add(" WHERE failing_since IS NULL AND id IN ").list(failed).exec(ctx, w.sql)
	if err != nil {
		return fmt.Errorf("note failure of %d endpoints: %w", len(failed), err)
	}
	tooLong, err := newStatement(w.d.db.Dialect).add("SELECT id FROM webhook_endpoints WHERE state = 'ENABLED' AND failing_since <= ").
		arg(w.now.Add(-w.d.cfg.DisableAfter)).add(" AND id IN ").list(failed).strings(ctx, w.sql)
	if err != nil {
		return fmt.Errorf("look for endpoints that fail for too long: %w", err)
	}
	for _, id := range tooLong {
		reason := fmt.Sprintf("Every attempt has failed for %s.", duration(w.d.cfg.DisableAfter))
		if err := w.disable(ctx, id, reason); err != nil {
			return err
		}
	}
	return nil
}

// duration says days where it can.
func duration(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 1 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}

// disable stops the endpoint, keeps what waits for it, and tells the account by an event.
func (w *recorder) disable(ctx context.Context, id, reason string) error {
	endpoint, err := w.tx.WebhookEndpoint.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load endpoint %s to disable it: %w", id, err)
	}
	if endpoint.State == webhookendpoint.StateDisabled {
		return nil
	}
	ctx = tenancy.AsWorker(ctx, endpoint.AccountID)
	err = w.tx.WebhookEndpoint.UpdateOneID(id).SetState(webhookendpoint.StateDisabled).SetStateReason(reason).AddVersion(1).Exec(ctx)
	if err != nil {
		return fmt.Errorf("disable endpoint %s: %w", id, err)
	}
	if _, err := (Deliveries{}).Hold(ctx, w.tx, id); err != nil {
		return err
	}
	_, err = events.Write(ctx, w.tx, events.Draft{
		Topic: events.EndpointDisabled, SubjectID: id, Detail: map[string]string{"url": endpoint.URL, "reason": reason},
	})
	if err != nil {
		return fmt.Errorf("tell that endpoint %s is disabled: %w", id, err)
	}
	w.disabled = true
	w.d.log.WarnContext(ctx, "webhook endpoint disabled", "endpoint", id, "account", endpoint.AccountID, "reason", reason)
	return nil
}

// Deliveries changes the queue inside a caller's transaction. Ring Ring{Deliveries: true} after the commit where
// something became due.
type Deliveries struct{}

// Requeue makes deliveries due now, whatever became of them, with the same event and so the same webhook-id.
// Those being sent at this moment are left alone. Attempts already made count: a delivery that has used up
// its schedule gets one more attempt. It returns how many it changed; ring Ring{Deliveries: true} after the commit.
func (Deliveries) Requeue(ctx context.Context, tx *ent.Tx, deliveryIDs ...string) (int, error) {
	n, err := tx.Delivery.Update().
		Where(delivery.IDIn(deliveryIDs...), delivery.StateNEQ(delivery.StateDelivering)).
		SetState(delivery.StatePending).SetNextAttemptAt(schema.Now()).ClearDeliveredAt().AddVersion(1).Save(ctx)
	return n, wrap("requeue deliveries", err)
}

// Hold takes the due times of the endpoint's pending deliveries, so that they wait until Release. It belongs
// to the transaction that pauses or disables the endpoint. What is being sent at this moment is still sent.
func (Deliveries) Hold(ctx context.Context, tx *ent.Tx, endpointID string) (int, error) {
	n, err := tx.Delivery.Update().
		Where(delivery.EndpointID(endpointID), delivery.StateEQ(delivery.StatePending), delivery.NextAttemptAtNotNil()).
		ClearNextAttemptAt().AddVersion(1).Save(ctx)
	return n, wrap("hold deliveries", err)
}

// Release makes the deliveries due that Hold, or an event while the endpoint was not enabled, left waiting. It
// belongs to the transaction that enables the endpoint; ring Ring{Deliveries: true} after the commit.
func (Deliveries) Release(ctx context.Context, tx *ent.Tx, endpointID string) (int, error) {
	n, err := tx.Delivery.Update().
		Where(delivery.EndpointID(endpointID), delivery.StateEQ(delivery.StatePending), delivery.NextAttemptAtIsNil()).
		SetNextAttemptAt(schema.Now()).AddVersion(1).Save(ctx)
	return n, wrap("release deliveries", err)
}

// Cancel ends the deliveries of erased events that have not reached their endpoint. What is being sent at this
// moment cannot be called back, but is not tried again.
func (Deliveries) Cancel(ctx context.Context, tx *ent.Tx, eventIDs ...string) (int, error) {
	n, err := tx.Delivery.Update().
		Where(delivery.EventIDIn(eventIDs...), delivery.StateIn(delivery.StatePending, delivery.StateDelivering, delivery.StateFailed)).
		SetState(delivery.StateCancelled).ClearNextAttemptAt().ClearLeaseOwner().ClearLeaseUntil().AddVersion(1).Save(ctx)
	return n, wrap("cancel deliveries", err)
}
