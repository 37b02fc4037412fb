package migrations_test

import (
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"entgo.io/ent/dialect"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"headroom/internal/database/dbtest"
	"headroom/internal/database/migrations"
)

var (
	write   = flag.String("write", "", "write the missing migration under this name, such as add_shoe_size")
	rewrite = flag.Bool("rewrite", false, "with -write: begin anew with one migration; never after a release")
)

// dir is where the migrations of a database are.
func dir(name string) string { return filepath.Join("../../../ent/migrate/migrations", name) }

// dev is an empty database to replay migrations on.
func dev(t *testing.T, name string) *sql.DB {
	t.Helper()
	kind, address := "sqlite", "file:"+filepath.Join(t.TempDir(), "dev.db")+"?_pragma=foreign_keys(1)"
	if name == dialect.Postgres {
		kind, address = "postgres", dbtest.Postgres(t)
	}
	db, err := sql.Open(kind, address)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestMigrationsMatchSchema fails when ent/schema has changed and the migrations have not.
func TestMigrationsMatchSchema(t *testing.T) {
	t.Parallel()
	dialects := []string{dialect.SQLite, dialect.Postgres}
	if *rewrite && *write != "" {
		for _, name := range dialects {
			old, err := filepath.Glob(filepath.Join(dir(name), "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range old {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	version, err := migrations.Next(dir(dialects[0]), dir(dialects[1]))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range dialects {
		if name == dialect.Postgres && testing.Short() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			into, title := dir(name), *write
			if title == "" { // compare only: write into a copy
				into, title = t.TempDir(), "missing"
				if err := os.CopyFS(into, os.DirFS(dir(name))); err != nil {
					t.Fatal(err)
				}
			}
			wrote, err := migrations.Diff(t.Context(), name, dev(t, name), into, version, title)
			if err != nil {
				t.Fatal(err)
			}
			if !wrote || *write != "" {
				return
			}
			added, err := filepath.Glob(filepath.Join(into, "*_missing.sql"))
			if err != nil || len(added) != 1 {
				t.Fatal(added, err)
			}
			text, err := os.ReadFile(added[0])
			t.Fatalf("the ent schema is ahead of the migrations; write one with -write NAME:\n%s%v", text, err)
		})
	}
}
