package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// APIKey is a long-lived bearer credential of an account. Only the SHA-256 of the secret is kept.
type APIKey struct{ ent.Schema }

// Mixin of APIKey.
func (APIKey) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "key"}, owned{}, changeable{}} }

// Fields of APIKey.
func (APIKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").NotEmpty().MaxRuneLen(200),
		field.String("hash").Immutable().Unique().Sensitive().Comment("Hex SHA-256 of the whole key."),
		field.String("hint").Immutable().MaxLen(20).Comment("What the key looks like, for people: its prefix and last four characters."),
		field.Strings("scopes"),
		field.String("created_by").Optional().Immutable().Comment("Id of the user or key that made it."),
		field.Time("last_used_at").Optional().Nillable().Comment("To the minute."),
		field.Time("expires_at").Optional().Nillable(),
		field.Time("revoked_at").Optional().Nillable(),
	}
}

// Indexes of APIKey.
func (APIKey) Indexes() []ent.Index { return []ent.Index{byOrder("created_at")} }

// Annotations of APIKey.
func (APIKey) Annotations() []schema.Annotation { return table("api_keys") }
