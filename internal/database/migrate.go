package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// versionTable is where goose notes what it applied.
const versionTable = "goose_db_version"

// ErrNewer means that a newer release has migrated the database; this one would misread it.
var ErrNewer = errors.New("database was migrated by a newer release of headroom")

// A Report says what [DB.Migrate] did.
type Report struct {
	From    int64    `json:"from"`    // schema version before; 0 is an empty database
	To      int64    `json:"to"`      // schema version now
	Applied []string `json:"applied"` // file names of the migrations, in order; empty when there was nothing to do
	Jobs    []int    `json:"jobs"`    // versions of the job queue's own migrations that were applied
	Millis  int64    `json:"ms"`      // time taken, waiting for another migrator included
}

// Migrate brings the schema up to date: our own tables, then those of the job queue. Any number of
// processes may call it at once; one works, the others wait for it and find nothing to do. Each
// migration is one transaction.
//
// Errors: [ErrNewer], and then nothing was changed.
func (d *DB) Migrate(ctx context.Context) (Report, error) {
	began := time.Now() //nolint:forbidigo // a duration, not a stored time
	var report Report
	err := d.locked(ctx, func() error {
		db, err := d.migrator()
		if err != nil {
			return err
		}
		report, err = d.migrate(ctx, db)
		if db != d.Write {
			err = errors.Join(err, d.checked(ctx, db, report), db.Close())
		}
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("migrate: %w", err)
	}
	report.Millis = time.Since(began).Milliseconds()
	if len(report.Applied)+len(report.Jobs) > 0 {
		d.config.Log.InfoContext(ctx, "database migrated", "from", report.From, "to", report.To, "ms", report.Millis)
	}
	return report, nil
}

func (d *DB) migrate(ctx context.Context, db *sql.DB) (Report, error) {
	ours, err := d.provider(db)
	if err != nil {
		return Report{}, err
	}
	theirs, err := rivermigrate.New(riverDriver(d.Dialect, db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return Report{}, fmt.Errorf("job queue: %w", err)
	}
	from, err := d.refuseNewer(ctx, ours, theirs)
	if err != nil {
		return Report{}, err
	}
	report := Report{From: from, To: from, Applied: []string{}, Jobs: []int{}}
	applied, err := ours.Up(ctx)
	if err != nil {
		return report, fmt.Errorf("tables: %w", err)
	}
	for _, result := range applied {
		report.Applied, report.To = append(report.Applied, filepath.Base(result.Source.Path)), result.Source.Version
	}
	jobs, err := theirs.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return report, fmt.Errorf("job queue: %w", err)
	}
	for _, version := range jobs.Versions {
		report.Jobs = append(report.Jobs, version.Version)
	}
	return report, nil
}

// refuseNewer returns the schema version the database is at.
func (d *DB) refuseNewer(ctx context.Context, ours *goose.Provider, theirs *rivermigrate.Migrator[*sql.Tx]) (int64, error) {
	from, known, err := ours.GetVersions(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the schema version: %w", err)
	}
	if from > known {
		return from, fmt.Errorf("%w: its schema is version %d, this release knows versions up to %d", ErrNewer, from, known)
	}
	all := theirs.AllVersions()
	jobs, err := d.jobsVersion(ctx)
	if err != nil {
		return from, fmt.Errorf("read the job queue's version: %w", err)
	}
	if known := int64(all[len(all)-1].Version); jobs > known {
		return from, fmt.Errorf("%w: its job queue is version %d, this release knows versions up to %d", ErrNewer, jobs, known)
	}
	return from, nil
}

// jobsVersion is the version of the job queue's tables, 0 when there are none. River's own look-up
// fails on a version it does not know.
func (d *DB) jobsVersion(ctx context.Context) (int64, error) {
	there := "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'river_migration'"
	if d.postgres() {
		there = "SELECT to_regclass('river_migration') IS NOT NULL"
	}
	var found bool
	if err := d.Read.QueryRowContext(ctx, there).Scan(&found); err != nil || !found {
		return 0, err //nolint:wrapcheck // refuseNewer says what it was
	}
	var version sql.NullInt64
	err := d.Read.QueryRowContext(ctx, "SELECT max(version) FROM river_migration").Scan(&version)
	return version.Int64, err //nolint:wrapcheck // refuseNewer says what it was
}

// migrator is the pool that migrations run on. On SQLite it is one of its own that does not enforce
// foreign keys: to change a table SQLite copies it and drops the old one, and with foreign keys
// enforced that would delete, by cascade, what refers to it.
func (d *DB) migrator() (*sql.DB, error) {
	if d.postgres() {
		return d.Write, nil
	}
	return d.sqlitePool(1, "immediate", "foreign_keys(0)")
}

// checked looks for references that a migration left dangling while they were not enforced.
func (d *DB) checked(ctx context.Context, db *sql.DB, report Report) error {
	if len(report.Applied) == 0 {
		return nil
	}
	var table, parent string
	err := db.QueryRowContext(ctx, `SELECT "table", "parent" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table, &parent)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("check references: %w", err)
	default:
		return fmt.Errorf("check references: a row of %s refers to a row of %s that is not there", table, parent)
	}
}

// advisoryLock is the key of the lock on PostgreSQL: "headroom" in ASCII.
const advisoryLock = 0x68656164726f6f6d

// locked runs work while no other process migrates this database. The lock ends with the process.
func (d *DB) locked(ctx context.Context, work func() error) error {
	if d.postgres() {
		conn, err := d.Write.Conn(ctx)
		if err != nil {
			return fmt.Errorf("take the lock: %w", err)
		}
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(advisoryLock)); err != nil {
			return errors.Join(fmt.Errorf("take the lock: %w", err), conn.Close())
		}
		err = work()
		_, unlock := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(advisoryLock))
		return errors.Join(err, unlock, conn.Close())
	}
	// SQLite cannot hold a lock over several transactions, so the lock is a transaction on a second,
	// empty database beside the first. It stays: removing it would let two processes lock two files.
	if err := makeFile(d.path + ".migrate"); err != nil {
		return fmt.Errorf("take the lock: %w", err)
	}
	q := url.Values{"_txlock": {"exclusive"}, "_pragma": {"busy_timeout(600000)"}}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(d.path + ".migrate"), RawQuery: q.Encode()}
	lock, err := sql.Open("sqlite", address.String())
	if err != nil {
		return fmt.Errorf("take the lock: %w", err)
	}
	tx, err := lock.BeginTx(ctx, nil)
	if err != nil {
		return errors.Join(fmt.Errorf("take the lock: %w", err), lock.Close())
	}
	err = work()
	unlock := tx.Rollback()
	if errors.Is(unlock, sql.ErrTxDone) { // ctx ended, and the transaction with it
		unlock = nil
	}
	return errors.Join(err, unlock, lock.Close())
}

func (d *DB) provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(d.config.Migrations, d.Dialect)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	kind := goose.DialectSQLite3
	if d.postgres() {
		kind = goose.DialectPostgres
	}
	p, err := goose.NewProvider(kind, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}

// latest is the newest schema version that this program knows.
func (d *DB) latest() (int64, error) {
	files, err := fs.Glob(d.config.Migrations, d.Dialect+"/*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no migrations for %s", d.Dialect)
	}
	version, err := goose.NumericComponent(slices.Max(files))
	if err != nil {
		return 0, fmt.Errorf("migrations: %w", err)
	}
	return version, nil
}

func riverDriver(name string, db *sql.DB) riverdriver.Driver[*sql.Tx] {
	if name == dialect.Postgres {
		return riverdatabasesql.New(db)
	}
	return riversqlite.New(db)
}
