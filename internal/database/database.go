// Package database opens SQLite or PostgreSQL behind one ent client, and brings its schema up to date.
//
// The two differ where it matters most, in how many can write at once, so the package hides one
// decision: on SQLite all writing goes through one connection, and reads outside of transactions
// through a pool of their own that cannot write. A write then waits its turn in this process instead
// of failing with SQLITE_BUSY, and readers never wait for it (WAL). On PostgreSQL both are one pool.
package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"headroom/ent"
	"headroom/ent/migrate"
	"headroom/internal/tenancy"
)

// Config tunes the pools. The zero value is what the program runs with by default.
type Config struct {
	// Conns bounds the connections: of the whole pool on PostgreSQL (default 20), of the read
	// pool on SQLite (default 4; each may keep 16 MiB of pages).
	Conns int
	// Wait is how long SQLite waits for another process's lock before it gives up with an error
	// that [IsUnavailable] knows. Default 10 s.
	Wait time.Duration
	// Log gets a line when the schema was migrated. Default slog.Default().
	Log *slog.Logger
	// Migrations holds the versioned SQL, one folder for each dialect. Default migrate.Migrations.
	Migrations fs.FS
}

// DB is an open database. It is safe for use by many goroutines.
type DB struct {
	// Write is for transactions and everything that changes rows. On SQLite it is one connection:
	// who holds a transaction of it and then asks for another waits for itself, forever.
	Write *sql.DB
	// Read sees everything that was committed before the query began. On PostgreSQL it is Write.
	Read *sql.DB
	// Dialect is dialect.SQLite ("sqlite3") or dialect.Postgres ("postgres").
	Dialect string
	// URL is what was opened; that of PostgreSQL may hold a password.
	URL string

	client *ent.Client
	path   string // of the SQLite file, else empty
	config Config
}

// Open opens the database at address: `sqlite:PATH` (the file and its folder are made when missing)
// or `postgres://…`. It connects once, so that a wrong address fails here. It does not migrate.
func Open(ctx context.Context, address string, config Config) (*DB, error) {
	config.Wait = cmp.Or(config.Wait, 10*time.Second)
	config.Log = cmp.Or(config.Log, slog.Default())
	if config.Migrations == nil {
		embedded, err := fs.Sub(migrate.Migrations, "migrations")
		if err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		config.Migrations = embedded
	}
	db := &DB{URL: address, config: config}
	var err error
	switch scheme, path, _ := strings.Cut(address, ":"); scheme {
	case "sqlite":
		err = db.openSQLite(strings.TrimPrefix(path, "//"))
	case "postgres", "postgresql":
		err = db.openPostgres()
	default:
		return nil, fmt.Errorf("open database: address must begin with sqlite: or postgres://, not %q", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := errors.Join(db.Write.PingContext(ctx), db.Read.PingContext(ctx)); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), db.Close())
	}
	db.client = ent.NewClient(ent.Driver(newRouter(db)))
	tenancy.Enforce(db.client)
	return db, nil
}

// Client returns the ent client, the same each time. Its reads and writes need an actor in their
// context and keep to that actor's account ([tenancy.Enforce]); raw SQL needs the System actor.
func (d *DB) Client() *ent.Client { return d.client }

// Close ends all connections, after the queries that still run on them.
func (d *DB) Close() error {
	err := d.Write.Close()
	if d.Read != d.Write {
		err = errors.Join(d.Read.Close(), err)
	}
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// Ready says whether the database answers and has the schema that this program needs. A newer one will
// do: while a release is rolled out, the first node migrates and those of the old release go on.
func (d *DB) Ready(ctx context.Context) error {
	want, err := d.latest()
	if err != nil {
		return err
	}
	var got sql.NullInt64
	if err := d.Read.QueryRowContext(ctx, "SELECT max(version_id) FROM "+versionTable).Scan(&got); err != nil {
		return fmt.Errorf("database is not ready: %w", err)
	}
	if got.Int64 < want {
		return fmt.Errorf("database is not ready: its schema is version %d, this program needs %d", got.Int64, want)
	}
	return nil
}

func (d *DB) postgres() bool { return d.Dialect == dialect.Postgres }
