package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// Studio is a configured virtual studio: brand, guidelines, look, access and review rules.
type Studio struct{ ent.Schema }

// Mixin of Studio.
func (Studio) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "stu"}, owned{}, changeable{}} }

// Fields of Studio.
func (Studio) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").NotEmpty().MaxRuneLen(200),
		field.JSON("brand", json.RawMessage{}).Optional().Comment(`{"company", "color", "logo_url"}`),
		field.String("guidelines").Default("").MaxLen(10_000),
		field.String("consent_text").Default("").MaxLen(10_000),
		field.String("consent_version").Default("1").MaxLen(40),
		field.JSON("look", json.RawMessage{}).Optional().Comment("The enhancer's look; empty means its default."),
		field.Int("look_version").Default(1).Positive(),
		field.Bool("auto_accept").Default(true),
		field.Float("min_quality").Default(0).Min(0).Max(1).Comment("Lowest quality score that auto_accept lets through."),
		field.Bool("forbid_many_faces").Default(false),
		field.Int("session_ttl_seconds").Default(30 * 24 * 3600).Positive(),
	}
}

// Edges of Studio.
func (Studio) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("contacts", Contact.Type).Ref("studios").Through("memberships", StudioMembership.Type),
		edge.To("studio_sessions", StudioSession.Type),
		edge.To("submissions", Submission.Type),
		edge.To("webhook_endpoints", WebhookEndpoint.Type),
	}
}

// Indexes of Studio.
func (Studio) Indexes() []ent.Index { return []ent.Index{byOrder("created_at"), byOrder("name")} }

// Annotations of Studio.
func (Studio) Annotations() []schema.Annotation { return table("studios") }
