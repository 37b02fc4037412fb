// Package dbtest gives each test an empty PostgreSQL database of its own, on a real server.
//
// Tests run as one process per package. `make test` starts one server for them all and names
// it in HEADROOM_TEST_POSTGRES; without that variable each process starts its own, once, when its
// first test asks (about 2 s), and it ends with the process. A machine without PostgreSQL fails
// the test: a test that skips itself proves nothing.
package dbtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/database/dbtest/postgres"
)

// dropTimeout bounds the clean-up after a test, which has no context of the test's any more.
const dropTimeout = 30 * time.Second

// server is the one server of this process.
var server = sync.OnceValues(func() (*postgres.Server, error) { //nolint:gochecknoglobals // once per test process is the point
	if shared := os.Getenv(postgres.Variable); shared != "" { //nolint:forbidigo // a setting of the tests, not of the program
		return postgres.Open(shared)
	}
	return postgres.Start(context.Background())
})

// Postgres returns the URL (postgres://…) of a new empty database, dropped after the test with
// all connections to it. Its collation is C, its zone UTC.
func Postgres(tb testing.TB) string {
	tb.Helper()
	return create(tb, "template1")
}

// Template is like [Postgres], but the database is a copy of one that prepare filled: it is
// called once per process for each name, with the URL of an empty database, and must have closed
// its connections when it returns. A copy takes a tenth of the time that migrations take.
func Template(tb testing.TB, name string, prepare func(url string) error) string {
	tb.Helper()
	once, _ := templates.LoadOrStore(name, sync.OnceValues(func() (string, error) {
		return makeTemplate(prepare)
	}))
	template, err := once.(func() (string, error))() //nolint:forcetypeassert // only this line stores
	if err != nil {
		tb.Fatalf("prepare the template database %s: %v", name, err)
	}
	return create(tb, template)
}

// templates holds, by name, a func() (string, error) that makes the template once and returns its database.
var templates sync.Map //nolint:gochecknoglobals // once per test process is the point

func makeTemplate(prepare func(url string) error) (string, error) {
	s, err := server()
	if err != nil {
		return "", err
	}
	database := "template_" + strings.ToLower(rand.Text())
	if err := s.Exec(context.Background(), "CREATE DATABASE "+database); err != nil {
		return "", fmt.Errorf("create %s: %w", database, err)
	}
	if err := prepare(s.Database(database)); err != nil {
		return "", fmt.Errorf("fill %s: %w", database, err)
	}
	return database, nil
}

func create(tb testing.TB, template string) string {
	tb.Helper()
	s, err := server()
	if err != nil {
		tb.Fatalf("start PostgreSQL for tests: %v", err)
	}
	database := "test_" + strings.ToLower(rand.Text())
	if err := s.Exec(tb.Context(), "CREATE DATABASE "+database+" TEMPLATE "+template); err != nil {
		tb.Fatalf("create the test database %s from %s: %v", database, template, err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		if err := s.Exec(ctx, "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop the test database %s: %v", database, err)
		}
	})
	return s.Database(database)
}
