package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
)

// orderField names a field as a keyset order of the API.
func orderField(name string) schema.Annotation { return entgql.OrderField(name) }

// table names the table and marks the noun as a Relay connection of the API.
func table(name string) []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: name}, entgql.RelayConnection()}
}

// internal names the table of a noun that the API never shows.
func internal(name string) []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: name}, entgql.Skip(entgql.SkipAll)}
}
