package database_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/tenancy"
)

func TestErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		ctx, c := tenancy.AsWorker(t.Context(), "acc_1"), db.Client()
		first := newContact(c, "a@example.com").SetExternalID("1").SaveX(ctx)
		for want, err := range map[string]error{
			"account_id,email":       newContact(c, "a@example.com").Exec(ctx),
			"account_id,external_id": newContact(c, "b@example.com").SetExternalID("1").Exec(ctx),
			"id":                     newContact(c, "c@example.com").SetID(first.ID).Exec(ctx),
			"token_hash": func() error {
				hash := "hash"
				twice := func() error {
					u := c.User.Create().SetEmail(time.Now().String()).SaveX(ctx)
					return c.PortalSession.Create().SetUserID(u.ID).SetTokenHash(hash).SetExpiresAt(time.Now()).Exec(ctx)
				}
				return errors.Join(twice(), twice())
			}(),
		} {
			columns, ok := database.Duplicate(fmt.Errorf("save: %w", err))
			if !ok || !database.IsUnique(err) || strings.Join(columns, ",") != want {
				t.Errorf("duplicate %s: got %v, %v, %v", want, columns, ok, err)
			}
			if database.IsUnavailable(err) || database.IsDiskFull(err) || database.IsForeignKey(err) {
				t.Errorf("duplicate %s taken for another error: %v", want, err)
			}
		}
		_, err := db.Write.ExecContext(ctx, "UPDATE contacts SET email = NULL")
		if err == nil || database.IsUnique(err) || database.IsUnavailable(err) || database.IsDiskFull(err) {
			t.Errorf("not null: %v", err)
		}
		c.Studio.Create().SetID("stu_1").SetName("S").ExecX(ctx)
		c.StudioMembership.Create().SetStudioID("stu_1").SetContactID(first.ID).ExecX(ctx)
		c.Submission.Create().SetStudioID("stu_1").SetContactID(first.ID).ExecX(ctx)
		if err := c.Contact.DeleteOne(first).Exec(ctx); !database.IsForeignKey(err) {
			t.Errorf("deleting what is referred to: %v", err)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := newContact(c, "d@example.com").Exec(ended); err == nil || database.IsUnavailable(err) {
			t.Errorf("ended context: %v", err)
		}
	})
	for _, err := range []error{nil, errors.New("UNIQUE constraint failed")} {
		if database.IsUnique(err) || database.IsUnavailable(err) || database.IsDiskFull(err) || database.IsForeignKey(err) {
			t.Errorf("took %v for an error of a database", err)
		}
	}
}

func TestLockedSQLiteIsUnavailable(t *testing.T) {
	t.Parallel()
	path := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	var dbs []*database.DB
	for range 2 { // as two processes would
		db, err := database.Open(t.Context(), path, database.Config{Wait: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		dbs = append(dbs, db)
	}
	tx, err := dbs[0].Write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dbs[1].Write.BeginTx(t.Context(), nil); !database.IsUnavailable(err) {
		t.Errorf("locked: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
}

func TestFullSQLiteIsDiskFull(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	ctx := t.Context()
	var pages int
	if err := db.Write.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	_, err := db.Write.ExecContext(ctx, "CREATE TABLE more AS SELECT zeroblob(100000) AS x")
	if !database.IsDiskFull(err) || database.IsUnavailable(err) {
		t.Errorf("full: %v", err)
	}
}

func TestPostgresErrorsByCode(t *testing.T) {
	t.Parallel()
	kinds := func(err error) (kinds []string) {
		for name, is := range map[string]func(error) bool{
			"unique": database.IsUnique, "full": database.IsDiskFull, "unavailable": database.IsUnavailable, "reference": database.IsForeignKey,
		} {
			if is(fmt.Errorf("save: %w", err)) {
				kinds = append(kinds, name)
			}
		}
		slices.Sort(kinds)
		return kinds
	}
	for code, want := range map[string]string{
		"23505": "unique", "23503": "reference", "53100": "full", "53300": "unavailable", "57P01": "unavailable",
		"57P03": "unavailable", "08006": "unavailable", "40P01": "unavailable", "40001": "unavailable", "25006": "unavailable",
		"42601": "", "23502": "", "57014": "",
	} {
		if got := strings.Join(kinds(&pq.Error{Code: pqerror.Code(code)}), ","); got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
	}
}

func TestUnreachablePostgresIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := database.Open(t.Context(), "postgres://127.0.0.1:1/x?sslmode=disable", database.Config{})
	if !database.IsUnavailable(err) {
		t.Errorf("nobody listens: %v", err)
	}
}
