package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// List is a named group of contacts, such as a team or a region.
type List struct{ ent.Schema }

// Mixin of List.
func (List) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "lst"}, owned{}, changeable{}} }

// Fields of List.
func (List) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").NotEmpty().MaxRuneLen(200),
		field.String("description").Default("").MaxLen(2_000),
	}
}

// Edges of List.
func (List) Edges() []ent.Edge {
	return []ent.Edge{edge.From("contacts", Contact.Type).Ref("lists").Through("memberships", ListMembership.Type)}
}

// Indexes of List.
func (List) Indexes() []ent.Index {
	return []ent.Index{byOrder("created_at"), index.Fields("account_id", "name").Unique()}
}

// Annotations of List.
func (List) Annotations() []schema.Annotation { return table("lists") }
