//go:build ignore

package main

import (
	"log"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

func main() {
	ext, err := entgql.NewExtension(entgql.WithConfigPath("../gqlgen.yml"))
	if err != nil {
		log.Fatalf("entgql: %v", err)
	}
	err = entc.Generate("./schema", &gen.Config{
		Features: []gen.Feature{
			gen.FeatureIntercept, gen.FeatureLock, gen.FeatureUpsert, gen.FeatureExecQuery,
			gen.FeatureVersionedMigration, gen.FeatureModifier,
		},
	}, entc.Extensions(ext), entc.TemplateDir("./template"))
	if err != nil {
		log.Fatalf("ent: %v", err)
	}
}
