package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// User is a person who logs in to the portal.
type User struct{ ent.Schema }

// Mixin of User.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "usr"}, owned{}, changeable{}} }

// Fields of User.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("email").NotEmpty().MaxLen(320).Unique().Comment("Lower-cased; the log-in name, unique over all accounts."),
		field.String("name").Default("").MaxRuneLen(200),
		field.Enum("role").NamedValues("Owner", "OWNER", "Admin", "ADMIN", "Reviewer", "REVIEWER", "Viewer", "VIEWER").Default("VIEWER"),
		field.String("password_hash").Optional().Sensitive().Comment("argon2id in PHC form; empty when the user logs in elsewhere."),
		field.Time("last_login_at").Optional().Nillable(),
		field.Time("disabled_at").Optional().Nillable(),
	}
}

// Edges of User.
func (User) Edges() []ent.Edge {
	return []ent.Edge{edge.To("portal_sessions", PortalSession.Type)}
}

// Indexes of User.
func (User) Indexes() []ent.Index { return []ent.Index{byOrder("created_at")} }

// Annotations of User.
func (User) Annotations() []schema.Annotation { return table("users") }

// PortalSession is a server-side log-in of a user; the cookie holds only a token whose hash is the key.
type PortalSession struct{ ent.Schema }

// Mixin of PortalSession.
func (PortalSession) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "pss"}, owned{}} }

// Fields of PortalSession.
func (PortalSession) Fields() []ent.Field {
	return []ent.Field{
		field.String("user_id").Immutable(),
		field.String("token_hash").Immutable().Unique().Sensitive(),
		field.Time("expires_at"),
	}
}

// Edges of PortalSession.
func (PortalSession) Edges() []ent.Edge {
	return []ent.Edge{edge.From("user", User.Type).Ref("portal_sessions").Field("user_id").Unique().Required().Immutable()}
}

// Indexes of PortalSession.
func (PortalSession) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("expires_at")}
}

// Annotations of PortalSession.
func (PortalSession) Annotations() []schema.Annotation { return internal("portal_sessions") }
