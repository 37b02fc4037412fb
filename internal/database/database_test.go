package database_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/schema"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/tenancy"
)

func newContact(c *ent.Client, email string) *ent.ContactCreate {
	return c.Contact.Create().SetFirstName("Ada").SetEmail(email).SetSortName("ada").SetCustomAttributes(json.RawMessage(`{}`))
}

// TestTimesOrderAsInstants matters most on SQLite, where times are text.
func TestTimesOrderAsInstants(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
		second := time.Date(2026, 11, 23, 9, 59, 59, 0, time.UTC)
		var want []time.Time
		for _, ms := range []int{0, 1, 9, 10, 90, 99, 100, 109, 110, 119, 120, 900, 999, 1000, 1001, 1100} {
			want = append(want, second.Add(time.Duration(ms)*time.Millisecond))
		}
		zones := []*time.Location{time.UTC, time.FixedZone("east", 5*3600+1800), time.FixedZone("west", -11*3600)}
		for i, at := range slices.Backward(want) { // written out of order, and as clocks of other zones say it
			newContact(c, schema.NewID("mail")).SetCreatedAt(at.In(zones[i%3])).SaveX(ctx)
		}
		got := c.Contact.Query().Order(ent.Asc(contact.FieldCreatedAt)).AllX(ctx)
		for i, row := range got {
			if !row.CreatedAt.Equal(want[i]) {
				t.Fatalf("row %d is of %v, want %v", i, row.CreatedAt, want[i])
			}
			if text := row.CreatedAt.Format(time.RFC3339Nano); !strings.HasSuffix(text, "Z") {
				t.Errorf("read as %s, want UTC", text)
			}
		}
		for i, at := range want {
			at = at.In(zones[(i+1)%3])
			if n := c.Contact.Query().Where(contact.CreatedAt(at)).CountX(ctx); n != 1 {
				t.Errorf("= %v: %d rows", at, n)
			}
			if n := c.Contact.Query().Where(contact.CreatedAtLT(at)).CountX(ctx); n != i {
				t.Errorf("< %v: %d rows, want %d", at, n, i)
			}
			if n := c.Contact.Query().Where(contact.CreatedAtGTE(at)).CountX(ctx); n != len(want)-i {
				t.Errorf(">= %v: %d rows, want %d", at, n, len(want)-i)
			}
		}
		// A time with a monotonic clock reading, as time.Now gives it.
		read := time.Now()
		newContact(c, "read@example.com").SetCreatedAt(read).ExecX(ctx)
		if n := c.Contact.Query().Where(contact.CreatedAt(read.Round(0))).CountX(ctx); n != 1 {
			t.Errorf("a time as time.Now gives it is not found again")
		}
		if db.Dialect == dialect.SQLite { // its own functions understand the text
			var dark int
			err := db.Read.QueryRowContext(ctx, "SELECT count(*) FROM contacts WHERE strftime('%s', created_at) IS NULL").Scan(&dark)
			if err != nil || dark > 0 {
				t.Errorf("SQLite does not take %d of them for times: %v", dark, err)
			}
		}
		now := schema.Now()
		row := newContact(c, "now@example.com").SetCreatedAt(now).SaveX(ctx)
		if got := c.Contact.GetX(ctx, row.ID); !got.CreatedAt.Equal(now) {
			t.Errorf("%v came back as %v", now, got.CreatedAt)
		}
	})
}

// TestTextOrdersByBytes is why the columns of PostgreSQL are COLLATE "C": a cursor made on one
// database must mean the same on the other.
func TestTextOrdersByBytes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
		want := []string{"A", "B", "_", "a", "a b", "aB", "ab", "b", "z", "é"}
		for _, name := range slices.Backward(want) {
			c.List.Create().SetName(name).ExecX(ctx)
		}
		got := c.List.Query().Order(ent.Asc("name")).Select("name").StringsX(ctx)
		if !slices.Equal(got, want) {
			t.Errorf("order %q, want %q", got, want)
		}
	})
}

func TestReadsSeeWhatWasWrittenAndTransactionsSeeThemselves(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
		for range 200 {
			id := newContact(c, schema.NewID("mail")).SaveX(ctx).ID
			if _, err := c.Contact.Get(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		tx, err := c.Tx(ctx)
		if err != nil {
			t.Fatal(err)
		}
		row := newContact(tx.Client(), "tx@example.com").SaveX(ctx)
		if _, err := tx.Contact.Get(ctx, row.ID); err != nil {
			t.Errorf("not seen inside: %v", err)
		}
		// Outside, before the commit: neither seen nor waited for.
		if _, err := c.Contact.Get(ctx, row.ID); !ent.IsNotFound(err) {
			t.Errorf("seen outside: %v", err)
		}
		inner, err := tx.SQLTx()
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := inner.QueryRowContext(ctx, "SELECT count(*) FROM contacts WHERE email = 'tx@example.com'").Scan(&n); err != nil || n != 1 {
			t.Errorf("the bridge is not the same transaction: %d, %v", n, err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Contact.Get(ctx, row.ID); err != nil {
			t.Errorf("not seen after the commit: %v", err)
		}
	})
}

func TestReadOnlyTransactionIsASnapshotAndWritersDoNotWait(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
		tx, err := c.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
		if db.Dialect == dialect.SQLite && err != nil {
			tx, err = c.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		}
		if err != nil {
			t.Fatal(err)
		}
		before := tx.Contact.Query().CountX(ctx)
		newContact(c, "meanwhile@example.com").ExecX(ctx)
		if after := tx.Contact.Query().CountX(ctx); after != before {
			t.Errorf("saw %d, then %d rows", before, after)
		}
		if err := newContact(tx.Client(), "write@example.com").Exec(ctx); err == nil {
			t.Error("wrote in a read-only transaction")
		}
		_ = tx.Rollback() // PostgreSQL has ended it already
	})
}

func TestManyWritersTakeTurns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
		errs := make(chan error)
		for range 16 {
			go func() {
				var failed error
				for range 20 {
					tx, err := c.Tx(ctx)
					if err == nil {
						err = errors.Join(newContact(tx.Client(), schema.NewID("mail")).Exec(ctx), tx.Commit())
					}
					failed = errors.Join(failed, err)
				}
				errs <- failed
			}()
		}
		for range 16 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if n := c.Contact.Query().CountX(ctx); n != 320 {
			t.Errorf("%d rows, want 320", n)
		}
	})
}

func TestSQLiteIsSafeByDefault(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.Write.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", pragma, got, want, err)
		}
	}
	if _, err := db.Read.ExecContext(t.Context(), "DELETE FROM contacts"); err == nil {
		t.Error("the read pool can write")
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	odd := filepath.Join(dir, "a folder", "50% & ?more#.db")
	db, err := database.Open(t.Context(), "sqlite:"+odd, database.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Ready(t.Context()); err == nil {
		t.Error("ready before it was migrated")
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Ready(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(odd); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("the file is %v, %v", info, err)
	}
	if err := db.Ready(t.Context()); err == nil {
		t.Error("ready after closing")
	}
	for _, address := range []string{"", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite:" + dir, "postgres://127.0.0.1:1/x?sslmode=disable"} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		if _, err := database.Open(ctx, address, database.Config{}); err == nil {
			t.Errorf("opened %q", address)
		}
		cancel()
	}
}
