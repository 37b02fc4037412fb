package dbtest_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/lib/pq"

	"headroom/internal/database/dbtest"
)

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestEachTestHasAnEmptyDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one", "two", "three"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, dbtest.Postgres(t))
			// Fails when another of these tests has made the table in the same database.
			if _, err := db.ExecContext(t.Context(), `CREATE TABLE mine AS SELECT 1 AS x`); err != nil {
				t.Fatal(err)
			}
			var collation, zone string
			if err := db.QueryRowContext(t.Context(), `SELECT datcollate, current_setting('TimeZone') FROM pg_database WHERE datname = current_database()`).Scan(&collation, &zone); err != nil {
				t.Fatal(err)
			}
			if collation != "C" || zone != "UTC" {
				t.Errorf("collation %s, zone %s", collation, zone)
			}
		})
	}
}

func TestTheDatabaseIsGoneAfterTheTestEvenWithConnectionsOpen(t *testing.T) {
	t.Parallel()
	var address string
	var left *sql.DB
	t.Run("inner", func(t *testing.T) {
		address = dbtest.Postgres(t)
		var err error
		if left, err = sql.Open("postgres", address); err != nil {
			t.Fatal(err)
		}
		if err := left.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	defer func() { _ = left.Close() }()
	var refused *pq.Error
	if err := open(t, address).PingContext(t.Context()); !errors.As(err, &refused) || refused.Code != "3D000" {
		t.Errorf("the database answers %v, want 3D000 (no such database)", err)
	}
}

func TestATemplateIsPreparedOnceAndCopied(t *testing.T) {
	t.Parallel()
	calls := 0
	for range 3 {
		address := dbtest.Template(t, "people", func(address string) error {
			calls++
			db, err := sql.Open("postgres", address)
			if err != nil {
				return err
			}
			_, err = db.ExecContext(t.Context(), `CREATE TABLE people (name text)`)
			return errors.Join(err, db.Close())
		})
		var rows int
		db := open(t, address)
		if err := db.QueryRowContext(t.Context(), `WITH i AS (INSERT INTO people VALUES ('Ada') RETURNING 1) SELECT count(*) FROM people`).Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows != 0 {
			t.Errorf("a copy begins with %d rows, want none", rows)
		}
	}
	if calls != 1 {
		t.Errorf("prepared %d times, want once", calls)
	}
}
