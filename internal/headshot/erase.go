package headshot

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect/sql"

	"headroom/ent/delivery"
	"headroom/ent/deliveryattempt"
)

// deleteDeliveries deletes an endpoint's deliveries and their attempts.
func deleteDeliveries(ctx context.Context, tx *txn, endpointID string) error {
	_, err := tx.DeliveryAttempt.Delete().Where(func(q *sql.Selector) {
		t := sql.Table(delivery.Table)
		q.Where(sql.In(q.C(deliveryattempt.FieldDeliveryID),
			sql.Select(t.C(delivery.FieldID)).From(t).Where(sql.EQ(t.C(delivery.FieldEndpointID), endpointID))))
	}).Exec(ctx)
	if err != nil {
		return fmt.Errorf("delete delivery attempts: %w", err)
	}
	if _, err := tx.Delivery.Delete().Where(delivery.EndpointID(endpointID)).Exec(ctx); err != nil {
		return fmt.Errorf("delete deliveries: %w", err)
	}
	return nil
}
