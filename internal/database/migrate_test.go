package database_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"

	"headroom/ent/migrate"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/database/migrations"
	"headroom/internal/tenancy"
)

// eachEmpty runs test with the address of an empty database of each kind.
func eachEmpty(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(t.TempDir(), "headroom.db"))
	})
	if testing.Short() {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, dbtest.Postgres(t))
	})
}

func open(t *testing.T, address string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), address, database.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestMigrateIsDoneOnceByManyAtOnce(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, address string) {
		type result struct {
			database.Report
			err error
		}
		const runners = 3
		results := make(chan result)
		for range runners {
			db := open(t, address) // pools of its own, as a process of its own would have
			go func() {
				report, err := db.Migrate(t.Context())
				results <- result{report, errors.Join(err, db.Ready(t.Context()))}
			}()
		}
		worked := 0
		for range runners {
			r := <-results
			if r.err != nil {
				t.Error(r.err)
			}
			if r.To == 0 || (len(r.Applied) > 0) != (len(r.Jobs) > 0) {
				t.Errorf("report: %+v", r.Report)
			}
			if len(r.Applied) > 0 {
				worked++
			}
		}
		if worked != 1 {
			t.Errorf("%d of them migrated, want one", worked)
		}
		again, err := open(t, address).Migrate(t.Context())
		if err != nil || len(again.Applied)+len(again.Jobs) > 0 || again.From != again.To {
			t.Errorf("again: %+v, %v", again, err)
		}
	})
}

func TestMigrateRefusesADatabaseOfANewerRelease(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"tables":    "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)",
		"job queue": "INSERT INTO river_migration (line, version) VALUES ('main', 999)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				if _, err := db.Write.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
				if err := db.Ready(t.Context()); err != nil {
					t.Errorf("a node of the old release stopped: %v", err)
				}
				if _, err := db.Migrate(t.Context()); !errors.Is(err, database.ErrNewer) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestMigrateStopsWithItsContext(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, address string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := open(t, address).Migrate(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := open(t, address).Migrate(t.Context()); err != nil {
			t.Errorf("then: %v", err)
		}
	})
}

// later is the migrations of the program, and one more of SQLite's.
func later(t *testing.T, statements string) fs.FS {
	t.Helper()
	files := fstest.MapFS{"sqlite3/00002_later.sql": {Data: []byte("-- +goose Up\n" + statements)}}
	initial, err := fs.ReadFile(migrate.Migrations, "migrations/sqlite3/00001_initial.sql")
	if err != nil {
		t.Fatal(err)
	}
	files["sqlite3/00001_initial.sql"] = &fstest.MapFile{Data: initial}
	return files
}

// TestChangingATableOnSQLiteKeepsWhatRefersToIt rebuilds a table in the way that migrations do it.
// With foreign keys enforced, dropping the old one would delete the memberships by cascade.
func TestChangingATableOnSQLiteKeepsWhatRefersToIt(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
	person := newContact(c, "a@example.com").SaveX(ctx)
	team := c.List.Create().SetName("Team").SaveX(ctx)
	c.ListMembership.Create().SetContact(person).SetList(team).ExecX(ctx)

	var create string
	if err := db.Read.QueryRowContext(ctx, "SELECT sql FROM sqlite_master WHERE name = 'contacts'").Scan(&create); err != nil {
		t.Fatal(err)
	}
	rebuild := strings.Replace(create, "`contacts`", "`new_contacts`", 1) + ";\n" +
		"INSERT INTO `new_contacts` SELECT * FROM `contacts`;\nDROP TABLE `contacts`;\nALTER TABLE `new_contacts` RENAME TO `contacts`;\n"
	for _, test := range []struct{ name, statements, fails string }{
		{"broken halfway", rebuild + "DROP TABLE nowhere;", "nowhere"},
		{"good", rebuild, ""},
	} {
		next, err := database.Open(ctx, db.URL, database.Config{Migrations: later(t, test.statements)})
		if err != nil {
			t.Fatal(err)
		}
		report, err := next.Migrate(ctx)
		if test.fails == "" && (err != nil || report.From != 1 || report.To != 2) {
			t.Errorf("%s: %+v, %v", test.name, report, err)
		}
		if test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
			t.Errorf("%s: %v", test.name, err)
		}
		got := next.Client().Contact.Query().WithLists().OnlyX(ctx)
		if got.ID != person.ID || len(got.Edges.Lists) != 1 {
			t.Errorf("%s: the contact is now %+v", test.name, got)
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMigrationThatLeavesADanglingReferenceFails(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
	c.ListMembership.Create().SetContact(newContact(c, "a@example.com").SaveX(ctx)).SetList(c.List.Create().SetName("Team").SaveX(ctx)).ExecX(ctx)
	next, err := database.Open(ctx, db.URL, database.Config{Migrations: later(t, "DELETE FROM contacts;")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.Migrate(ctx); err == nil || !strings.Contains(err.Error(), "list_memberships") {
		t.Errorf("got %v", err)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMigrationsMakeWhatEntMakes compares the catalogue of a migrated database with that of one that
// ent made straight from its schema.
func TestMigrationsMakeWhatEntMakes(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, address string) {
		made := open(t, address)
		m, err := schema.NewMigrate(entsql.OpenDB(made.Dialect, made.Write))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Create(t.Context(), migrations.Tables(made.Dialect)...); err != nil {
			t.Fatal(err)
		}
		migrated := dbtest.SQLite
		if made.Dialect == dialect.Postgres {
			migrated = dbtest.PostgreSQL
		}
		want, got := catalogue(t, made), catalogue(t, migrated(t))
		if len(want) < 5*len(migrate.Tables) {
			t.Fatalf("the catalogue has %d lines only", len(want))
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				t.Errorf("missing after the migrations: %s", line)
			}
		}
		for _, line := range got {
			if !slices.Contains(want, line) {
				t.Errorf("too much after the migrations: %s", line)
			}
		}
	})
}

// catalogue is a line for each column, index and foreign key of ent's tables.
func catalogue(t *testing.T, db *database.DB) []string {
	t.Helper()
	var ours []string
	for _, table := range migrate.Tables {
		ours = append(ours, "'"+table.Name+"'")
	}
	in := " IN (" + strings.Join(ours, ",") + ")"
	queries := []string{
		"SELECT 'column ' || m.name || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || coalesce(trim(c.dflt_value, '()'), '-') || ' ' || c.pk FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name" + in,
		"SELECT 'index ' || tbl_name || ' ' || replace(replace(sql, '  ', ' '), '\"', '`') FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name" + in,
		"SELECT 'reference ' || m.name || ' ' || f.\"from\" || ' ' || f.\"table\" || ' ' || f.\"to\" || ' ' || f.on_delete FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND m.name" + in,
	}
	if db.Dialect == dialect.Postgres {
		queries = []string{
			"SELECT concat_ws(' ', 'column', table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, collation_name) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name" + in,
			"SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename" + in,
			"SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid::regclass::text" + in,
		}
	}
	var lines []string
	for _, query := range queries {
		lines = append(lines, texts(t, db, query)...)
	}
	return lines
}

// texts runs a query of one text column.
func texts(t *testing.T, db *database.DB, query string) (lines []string) {
	t.Helper()
	rows, err := db.Read.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestTextComparesByBytesOnPostgres looks at the columns, as the test server's own collation would hide a
// missing one.
func TestTextComparesByBytesOnPostgres(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		return
	}
	rows := catalogue(t, dbtest.PostgreSQL(t))
	text := 0
	for _, line := range rows {
		if strings.HasPrefix(line, "column ") && strings.Contains(line, "character varying") {
			text++
			if !strings.HasSuffix(line, " C") {
				t.Errorf("does not compare by bytes: %s", line)
			}
		}
	}
	if text < 50 {
		t.Errorf("found %d text columns only", text)
	}
}
