package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Account is one tenant. Each LIVE account has one TEST twin, to which its test keys belong.
type Account struct{ ent.Schema }

// Mixin of Account.
func (Account) Mixin() []ent.Mixin { return []ent.Mixin{row{prefix: "acc"}, changeable{}} }

// Fields of Account.
func (Account) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").NotEmpty().MaxRuneLen(200),
		field.Enum("mode").NamedValues("Live", "LIVE", "Test", "TEST").Default("LIVE").Immutable(),
		field.String("live_account_id").Optional().Nillable().Immutable().Unique().
			Comment("On a TEST account: the LIVE account it is the twin of."),
	}
}

// Annotations of Account.
func (Account) Annotations() []schema.Annotation { return table("accounts") }
