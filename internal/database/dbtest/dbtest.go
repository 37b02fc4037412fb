package dbtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"headroom/internal/database"
)

// SQLite returns a migrated, empty SQLite database in a file of its own, closed after the test.
func SQLite(tb testing.TB) *database.DB {
	tb.Helper()
	empty, err := migratedFile()
	if err != nil {
		tb.Fatalf("migrate the template of the test databases: %v", err)
	}
	path := filepath.Join(tb.TempDir(), "headroom.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		tb.Fatal(err)
	}
	return open(tb, "sqlite:"+path)
}

// PostgreSQL returns a migrated, empty PostgreSQL database, dropped after the test.
func PostgreSQL(tb testing.TB) *database.DB {
	tb.Helper()
	return open(tb, Template(tb, "migrated", migrateAt))
}

// Each runs test on SQLite and on PostgreSQL, as parallel subtests, each with a migrated and empty
// database. With `go test -short` only on SQLite.
func Each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	if testing.Short() {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, PostgreSQL(t))
	})
}

func open(tb testing.TB, address string) *database.DB {
	tb.Helper()
	db, err := database.Open(tb.Context(), address, database.Config{})
	if err != nil {
		tb.Fatalf("open the test database: %v", err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close the test database: %v", err)
		}
	})
	return db
}

// migratedFile is the bytes of a migrated, empty SQLite database. Writing them takes a hundredth of
// the time that migrations take.
var migratedFile = sync.OnceValues(func() (file []byte, err error) { //nolint:gochecknoglobals // once per test process is the point
	dir, err := os.MkdirTemp("", "headroom-sqlite-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "template.db")
	if err := migrateAt("sqlite:" + path); err != nil { // closing moves the log into the file
		return nil, err
	}
	return os.ReadFile(path)
})

// migrateAt migrates the database at address and closes it.
func migrateAt(address string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, address, database.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	_, err = db.Migrate(ctx)
	return errors.Join(err, db.Close())
}
