package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// WebhookEndpoint is a URL that gets events.
type WebhookEndpoint struct{ ent.Schema }

// Mixin of WebhookEndpoint.
func (WebhookEndpoint) Mixin() []ent.Mixin {
	return []ent.Mixin{row{prefix: "whe"}, owned{}, changeable{}}
}

// Fields of WebhookEndpoint.
func (WebhookEndpoint) Fields() []ent.Field {
	return []ent.Field{
		field.String("url").NotEmpty().MaxLen(2_000),
		field.String("description").Default("").MaxLen(2_000),
		field.Strings("topics").Comment("Empty means SUBMISSION_COMPLETE only."),
		field.String("studio_id").Optional().Nillable().Comment("Only events of this studio."),
		field.JSON("headers", json.RawMessage{}).Optional().Comment("Custom request headers, name → value."),
		field.Enum("state").NamedValues("Enabled", "ENABLED", "Paused", "PAUSED", "Disabled", "DISABLED").Default("ENABLED"),
		field.String("state_reason").Optional().Nillable().MaxLen(400),
		field.Time("failing_since").Optional().Nillable().Comment("Since when every attempt has failed."),
		field.Time("last_success_at").Optional().Nillable(),
	}
}

// Edges of WebhookEndpoint.
func (WebhookEndpoint) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("studio", Studio.Type).Ref("webhook_endpoints").Field("studio_id").Unique(),
		edge.To("secrets", WebhookSecret.Type),
		edge.To("deliveries", Delivery.Type),
	}
}

// Indexes of WebhookEndpoint.
func (WebhookEndpoint) Indexes() []ent.Index {
	return []ent.Index{byOrder("created_at"), byOrder("state", "created_at")}
}

// Annotations of WebhookEndpoint.
func (WebhookEndpoint) Annotations() []schema.Annotation { return table("webhook_endpoints") }

// WebhookSecret signs an endpoint's deliveries. The value is stored encrypted.
type WebhookSecret struct{ ent.Schema }

// Mixin of WebhookSecret.
func (WebhookSecret) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "whs"}, owned{}} }

// Fields of WebhookSecret.
func (WebhookSecret) Fields() []ent.Field {
	return []ent.Field{
		field.String("endpoint_id").Immutable(),
		field.Bytes("ciphertext").Sensitive().Comment("AES-256-GCM under the server's secret key; nonce first; the row's id is the associated data."),
		field.Time("expires_at").Optional().Nillable().Comment("Set by rotation: the end of the overlap."),
	}
}

// Edges of WebhookSecret.
func (WebhookSecret) Edges() []ent.Edge {
	return []ent.Edge{edge.From("endpoint", WebhookEndpoint.Type).Ref("secrets").Field("endpoint_id").Unique().Required().Immutable()}
}

// Indexes of WebhookSecret.
func (WebhookSecret) Indexes() []ent.Index {
	return []ent.Index{index.Fields("endpoint_id", "created_at")}
}

// Annotations of WebhookSecret.
func (WebhookSecret) Annotations() []schema.Annotation { return internal("webhook_secrets") }
