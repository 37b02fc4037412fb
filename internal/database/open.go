package database

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// openSQLite opens the file at path twice: once to write, once to read.
func (d *DB) openSQLite(path string) error {
	if path == "" || path[0] == ':' {
		return errors.New("sqlite: needs the path of a file: in memory, the connections would not see each other's rows")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if err := makeFile(path); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	d.Dialect, d.path = dialect.SQLite, path
	if d.Write, err = d.sqlitePool(1, "immediate", "foreign_keys(1)"); err != nil {
		return err
	}
	conns := d.config.Conns
	if conns <= 0 {
		conns = 4
	}
	if d.Read, err = d.sqlitePool(conns, "deferred", "query_only(1)"); err != nil {
		return errors.Join(err, d.Write.Close())
	}
	return nil
}

// sqlitePool makes a pool over the file.
//
// Times are written as text, `2026-11-23 16:13:57.12+00:00`. `_timezone=UTC` makes that order and
// compare as the instants do: the suffix is always +00:00, and '+' sorts before '.' and the digits,
// so that leaving out trailing zeros does no harm (TestTimesOrderAsInstants). It also makes times
// without a zone, as the job queue writes them, read as UTC.
//
// synchronous=FULL syncs the log at each commit: an answered request survives a power cut.
func (d *DB) sqlitePool(conns int, lock string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_time_format": {"sqlite"}, "_timezone": {"UTC"}, "_txlock": {lock}}
	for _, pragma := range append([]string{
		"busy_timeout(" + strconv.FormatInt(d.config.Wait.Milliseconds(), 10) + ")",
		"journal_mode(WAL)", "synchronous(FULL)", "cache_size(-16384)", "temp_store(MEMORY)",
		"journal_size_limit(67108864)", // what a burst of writes leaves the log at
	}, pragmas...) {
		q.Add("_pragma", pragma)
	}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(d.path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// makeFile makes an empty database file that only its owner may read, as it will hold people's
// names and addresses; SQLite gives its log files the same mode.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	return nil
}

// openPostgres makes the pool. Sessions are in UTC, so that times come back as they went in.
func (d *DB) openPostgres() error {
	config, err := pq.NewConfig(d.URL)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	config.Runtime = withDefaults(config.Runtime, map[string]string{"TimeZone": "UTC"})
	if config.ApplicationName == "" {
		config.ApplicationName = "headroom"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	conns := d.config.Conns
	if conns <= 0 {
		conns = 20
	}
	conns = max(conns, 4) // migrating holds three at once
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour) // so that a pool follows when the server's name moves
	d.Dialect, d.Write, d.Read = dialect.Postgres, db, db
	return nil
}

func withDefaults(given, defaults map[string]string) map[string]string {
	out := make(map[string]string, len(given)+len(defaults))
	for _, from := range []map[string]string{defaults, given} {
		maps.Copy(out, from)
	}
	return out
}
