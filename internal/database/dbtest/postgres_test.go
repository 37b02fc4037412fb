package dbtest_test

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strings"
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

// The server must not outlive the process that started it, however that process ends. This test
// runs itself in a child that starts a server and is killed.
func TestTheServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("DBTEST_CHILD") != "" {
		s, err := dbtest.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString(s.URL() + "\n"); err != nil {
			t.Fatal(err)
		}
		select {} // until killed
	}

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self, "-test.run=^TestTheServerEndsWithItsProcess$", "-test.timeout=60s")
	child.Env = append(os.Environ(), "DBTEST_CHILD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := out.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := strings.Cut(string(text[:n]), "\n")
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		t.Fatalf("the child says %q (%v)", text[:n], err)
	}
	// A connection held open ends at the moment the server does.
	db := open(t, address)
	if _, err := db.ExecContext(t.Context(), `SELECT 1`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(t.Context(), `SELECT pg_sleep(60)`)
		ended <- err
	}()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("the child was not killed")
	}
	if err := <-ended; err == nil {
		t.Error("60 s after its process was killed, the server still answers")
	}
}

func TestStopEndsTheServerAndLeavesNothing(t *testing.T) {
	// Not parallel: TMPDIR is the process's.
	folder, err := os.MkdirTemp("/tmp", "dbtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", folder)

	s, err := dbtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, s.URL()).PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, s.URL()).PingContext(t.Context()); err == nil {
		t.Error("the server still answers")
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("%s is left in the temporary folder", left[0].Name())
	}
}
