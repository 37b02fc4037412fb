package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// ListMembership puts a contact into a list.
type ListMembership struct{ ent.Schema }

// Mixin of ListMembership.
func (ListMembership) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of ListMembership.
func (ListMembership) Fields() []ent.Field {
	return []ent.Field{field.String("contact_id").Immutable(), field.String("list_id").Immutable(), field.Time("created_at").Immutable().Default(Now)}
}

// Edges of ListMembership.
func (ListMembership) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("contact", Contact.Type).Field("contact_id").Unique().Required().Immutable().Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("list", List.Type).Field("list_id").Unique().Required().Immutable().Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of ListMembership: the primary key reads from the contact, this one from the list.
func (ListMembership) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id", "list_id", "contact_id"), index.Fields("account_id", "contact_id", "list_id")}
}

// Annotations of ListMembership.
func (ListMembership) Annotations() []schema.Annotation {
	return append(internal("list_memberships"), field.ID("contact_id", "list_id"))
}

// StudioMembership puts a contact into a studio.
type StudioMembership struct{ ent.Schema }

// Mixin of StudioMembership.
func (StudioMembership) Mixin() []ent.Mixin { return []ent.Mixin{owned{}} }

// Fields of StudioMembership.
func (StudioMembership) Fields() []ent.Field {
	return []ent.Field{field.String("contact_id").Immutable(), field.String("studio_id").Immutable(), field.Time("created_at").Immutable().Default(Now)}
}

// Edges of StudioMembership.
func (StudioMembership) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("contact", Contact.Type).Field("contact_id").Unique().Required().Immutable().Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("studio", Studio.Type).Field("studio_id").Unique().Required().Immutable().Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of StudioMembership: the primary key reads from the contact, this one from the studio.
func (StudioMembership) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id", "studio_id", "contact_id"), index.Fields("account_id", "contact_id", "studio_id")}
}

// Annotations of StudioMembership.
func (StudioMembership) Annotations() []schema.Annotation {
	return append(internal("studio_memberships"), field.ID("contact_id", "studio_id"))
}

// listed keeps a to-many edge out of entgql's generated connection arguments: the API pages it itself.
func listed() schema.Annotation { return entgql.RelayConnection() }
