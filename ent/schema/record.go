package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// IdempotencyRecord remembers the answer to a request that named an Idempotency-Key, for 24 hours.
type IdempotencyRecord struct{ ent.Schema }

// Mixin of IdempotencyRecord.
func (IdempotencyRecord) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "idm"}, owned{}} }

// Fields of IdempotencyRecord.
func (IdempotencyRecord) Fields() []ent.Field {
	return []ent.Field{
		field.String("owner_id").Immutable().MaxLen(40).Comment("The API key or user that sent the key."),
		field.String("key").Immutable().MaxLen(255),
		field.String("request_hash").Immutable().MaxLen(64).Comment("Hex SHA-256 over method, path and body."),
		field.String("subject_id").Optional().Nillable().MaxLen(40).Comment("Id of what the request made, known before its answer is rendered."),
		field.Int("status").Optional().Nillable().Comment("HTTP status of the first answer; empty while it runs."),
		field.Bytes("response").Optional(),
		field.Time("expires_at"),
	}
}

// Indexes of IdempotencyRecord.
func (IdempotencyRecord) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id", "owner_id", "key").Unique(), index.Fields("expires_at")}
}

// Annotations of IdempotencyRecord.
func (IdempotencyRecord) Annotations() []schema.Annotation { return internal("idempotency_records") }

// AuditEntry says who did what to which row.
type AuditEntry struct{ ent.Schema }

// Mixin of AuditEntry.
func (AuditEntry) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "aud"}, owned{}} }

// Fields of AuditEntry.
func (AuditEntry) Fields() []ent.Field {
	return []ent.Field{
		field.String("actor_kind").Immutable().MaxLen(20),
		field.String("actor_id").Immutable().MaxLen(40),
		field.String("action").Immutable().MaxLen(64),
		field.String("subject_id").Immutable().MaxLen(40),
		field.JSON("detail", json.RawMessage{}).Optional().Immutable(),
		field.String("request_id").Optional().Immutable().MaxLen(64),
	}
}

// Indexes of AuditEntry.
func (AuditEntry) Indexes() []ent.Index {
	return []ent.Index{byOrder("created_at"), byOrder("subject_id", "created_at"), byOrder("action", "created_at")}
}

// Annotations of AuditEntry.
func (AuditEntry) Annotations() []schema.Annotation { return table("audit_entries") }
