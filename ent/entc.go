//go:build ignore

package main

import (
	"log"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	// Of entgql only the enums' marshalling: graph pages and collects fields itself (see graph/page).
	ext, err := entgql.NewExtension(entgql.WithTemplates(entgql.EnumTemplate))
	if err != nil {
		log.Fatalf("entgql: %v", err)
	}
	err = entc.Generate("./schema", &gen.Config{
		Features: []gen.Feature{
			gen.FeatureIntercept, gen.FeatureLock, gen.FeatureUpsert, gen.FeatureExecQuery,
			gen.FeatureVersionedMigration, gen.FeatureModifier, gen.FeatureNamedEdges,
		},
	}, entc.Extensions(ext), entc.TemplateDir("./template"))
	if err != nil {
		log.Fatalf("ent: %v", err)
	}
}
