package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// StudioSession is one capture link for one contact in one studio.
type StudioSession struct{ ent.Schema }

// Mixin of StudioSession.
func (StudioSession) Mixin() []ent.Mixin {
	return []ent.Mixin{row{prefix: "ses"}, owned{}, changeable{}}
}

// Fields of StudioSession.
func (StudioSession) Fields() []ent.Field {
	return []ent.Field{
		field.String("studio_id").Immutable(),
		field.String("contact_id").Immutable(),
		field.Enum("state").NamedValues("Open", "OPEN", "Opened", "OPENED", "Submitted", "SUBMITTED",
			"Completed", "COMPLETED", "Expired", "EXPIRED", "Revoked", "REVOKED").Default("OPEN"),
		field.String("token_hash").Unique().Sensitive().Comment("Hex SHA-256 of the capture token."),
		field.Int("token_generation").Default(0).NonNegative().Comment("Raised by revoking, which changes the token."),
		field.String("redirect_url").Optional().Nillable().MaxLen(2_000),
		field.JSON("metadata", json.RawMessage{}).Comment("One JSON object, the caller's own."),
		field.Time("expires_at"),
		field.Time("opened_at").Optional().Nillable(),
		field.Time("submitted_at").Optional().Nillable(),
		field.Time("completed_at").Optional().Nillable(),
		field.Time("revoked_at").Optional().Nillable(),
		field.Time("consented_at").Optional().Nillable(),
		field.String("consent_version").Optional().Nillable().MaxLen(40),
	}
}

// Edges of StudioSession.
func (StudioSession) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("studio", Studio.Type).Ref("studio_sessions").Field("studio_id").Unique().Required().Immutable(),
		edge.From("contact", Contact.Type).Ref("studio_sessions").Field("contact_id").Unique().Required().Immutable(),
		edge.To("submissions", Submission.Type),
	}
}

// Indexes of StudioSession.
func (StudioSession) Indexes() []ent.Index {
	return []ent.Index{
		byOrder("created_at"), byOrder("updated_at"),
		byOrder("studio_id", "created_at"), byOrder("contact_id", "created_at"), byOrder("state", "created_at"),
	}
}

// Annotations of StudioSession.
func (StudioSession) Annotations() []schema.Annotation { return table("studio_sessions") }
