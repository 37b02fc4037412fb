package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Event is one fact that happened, kept, numbered and replayable. It is the outbox: written in the business
// transaction with no seq, numbered after commit by the sequencer, and read by seq only.
type Event struct{ ent.Schema }

// Mixin of Event.
func (Event) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "evt"}, owned{}} }

// Fields of Event.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("seq").Optional().Nillable().Unique().Comment("Position in the log; empty until numbered."),
		field.String("topic").NotEmpty().MaxLen(64).Immutable(),
		field.String("studio_id").Optional().Nillable().Immutable(),
		field.String("contact_id").Optional().Nillable().Immutable(),
		field.String("submission_id").Optional().Nillable().Immutable(),
		field.String("subject_id").Immutable().MaxLen(40).Comment("Id of the row the event is about."),
		field.String("endpoint_id").Optional().Nillable().Immutable().Comment("A TEST event goes to this endpoint only."),
		field.JSON("detail", json.RawMessage{}).Optional().Immutable().Comment("Facts of the moment that a later read could not give, such as reasons."),
		field.Bytes("body").Optional().Comment("The webhook body, rendered once at fan-out and sent byte for byte."),
		field.Bool("fanned_out").Default(false),
		field.Bool("erased").Default(false),
		field.Time("occurred_at").Immutable().Default(Now),
	}
}

// Edges of Event.
func (Event) Edges() []ent.Edge { return []ent.Edge{edge.To("deliveries", Delivery.Type)} }

// Indexes of Event: the partial ones are the two work lists, of unnumbered and of not yet fanned-out events.
func (Event) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "seq"), index.Fields("account_id", "topic", "seq"), byOrder("created_at"),
		index.Fields("submission_id"), index.Fields("contact_id"),
		index.Fields("id").StorageKey("event_unnumbered").Annotations(entsql.IndexWhere("seq IS NULL")),
		index.Fields("seq").StorageKey("event_not_fanned_out").Annotations(entsql.IndexWhere("NOT fanned_out")),
	}
}

// Annotations of Event.
func (Event) Annotations() []schema.Annotation { return table("events") }

// Delivery is one event on its way to one endpoint. The table is the dispatch queue.
type Delivery struct{ ent.Schema }

// Mixin of Delivery.
func (Delivery) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "dlv"}, owned{}, changeable{}} }

// Fields of Delivery.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		field.String("event_id").Immutable(),
		field.String("endpoint_id").Immutable(),
		field.Enum("state").NamedValues("Pending", "PENDING", "Delivering", "DELIVERING", "Delivered", "DELIVERED",
			"Failed", "FAILED", "Cancelled", "CANCELLED").Default("PENDING"),
		field.Int("attempt_count").Default(0).NonNegative(),
		field.Time("next_attempt_at").Optional().Nillable().Comment("When a PENDING delivery is due."),
		field.String("lease_owner").Optional().Nillable().MaxLen(64).Comment("Id of the node that is sending it."),
		field.Time("lease_until").Optional().Nillable(),
		field.Int("last_status").Optional().Nillable(),
		field.String("last_error").Optional().Nillable().MaxLen(400),
		field.Time("delivered_at").Optional().Nillable(),
	}
}

// Edges of Delivery.
func (Delivery) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("event", Event.Type).Ref("deliveries").Field("event_id").Unique().Required().Immutable(),
		edge.From("endpoint", WebhookEndpoint.Type).Ref("deliveries").Field("endpoint_id").Unique().Required().Immutable(),
		edge.To("attempts", DeliveryAttempt.Type),
	}
}

// Indexes of Delivery: the partial ones are the queue and its leases.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		byOrder("created_at"), byOrder("endpoint_id", "created_at"), byOrder("state", "created_at"),
		index.Fields("event_id", "endpoint_id").Unique(),
		index.Fields("next_attempt_at").StorageKey("delivery_due").Annotations(entsql.IndexWhere("state = 'PENDING'")),
		index.Fields("lease_until").StorageKey("delivery_leased").Annotations(entsql.IndexWhere("state = 'DELIVERING'")),
	}
}

// Annotations of Delivery.
func (Delivery) Annotations() []schema.Annotation { return table("deliveries") }

// DeliveryAttempt is one HTTP request of a delivery and what came back.
type DeliveryAttempt struct{ ent.Schema }

// Mixin of DeliveryAttempt.
func (DeliveryAttempt) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "dla"}, owned{}} }

// Fields of DeliveryAttempt.
func (DeliveryAttempt) Fields() []ent.Field {
	return []ent.Field{
		field.String("delivery_id").Immutable(),
		field.Int("number").Positive().Immutable(),
		field.Time("started_at").Immutable(),
		field.Int("duration_ms").NonNegative().Immutable(),
		field.Int("status").Optional().Nillable().Immutable(),
		field.String("error_class").Default("").MaxLen(40).Immutable(),
		field.String("error").Optional().Nillable().MaxLen(400).Immutable(),
		field.JSON("request_headers", json.RawMessage{}).Optional().Immutable().Comment("As sent, credentials left out."),
		field.Bytes("response_excerpt").Optional().Immutable(),
	}
}

// Edges of DeliveryAttempt.
func (DeliveryAttempt) Edges() []ent.Edge {
	return []ent.Edge{edge.From("delivery", Delivery.Type).Ref("attempts").Field("delivery_id").Unique().Required().Immutable()}
}

// Indexes of DeliveryAttempt.
func (DeliveryAttempt) Indexes() []ent.Index {
	return []ent.Index{index.Fields("delivery_id", "number").Unique()}
}

// Annotations of DeliveryAttempt.
func (DeliveryAttempt) Annotations() []schema.Annotation { return table("delivery_attempts") }
