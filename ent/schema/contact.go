package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Contact is a person to be photographed.
type Contact struct{ ent.Schema }

// Mixin of Contact.
func (Contact) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "ctn"}, owned{}, changeable{}} }

// Fields of Contact.
func (Contact) Fields() []ent.Field {
	return []ent.Field{
		field.String("first_name").NotEmpty().MaxRuneLen(200),
		field.String("last_name").Default("").MaxRuneLen(200),
		field.String("email").NotEmpty().MaxLen(320).Comment("Lower-cased; unique within the account."),
		field.String("phone").Optional().Nillable().MaxLen(64),
		field.String("external_id").Optional().Nillable().MaxLen(255).Comment("The caller's own id; unique within the account."),
		field.JSON("custom_attributes", json.RawMessage{}).Comment("One JSON object."),
		field.String("sort_name").MaxLen(420).Annotations(orderField("LAST_NAME")).
			Comment("Last and first name folded to lower case without accents, so that both databases sort alike."),
	}
}

// Edges of Contact.
func (Contact) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("lists", List.Type).Through("list_memberships", ListMembership.Type),
		edge.To("studios", Studio.Type).Through("studio_memberships", StudioMembership.Type),
		edge.To("studio_sessions", StudioSession.Type),
		edge.To("submissions", Submission.Type).Annotations(listed()),
	}
}

// Indexes of Contact.
func (Contact) Indexes() []ent.Index {
	return []ent.Index{
		byOrder("created_at"), byOrder("updated_at"), byOrder("sort_name"),
		index.Fields("account_id", "email").Unique(),
		index.Fields("account_id", "external_id").Unique(),
	}
}

// Annotations of Contact.
func (Contact) Annotations() []schema.Annotation { return table("contacts") }
