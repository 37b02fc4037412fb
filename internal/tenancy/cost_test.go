package tenancy_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/submission"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/tenancy"
)

type statement struct {
	query string
	args  []any
}

// watcher notes the statements that run outside of ent's own transactions.
type watcher struct {
	dialect.Driver
	mu   sync.Mutex
	seen []statement
}

func (w *watcher) note(query string, args any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, _ := args.([]any)
	w.seen = append(w.seen, statement{query, list})
}

func (w *watcher) Query(ctx context.Context, query string, args, v any) error {
	w.note(query, args)
	return w.Driver.Query(ctx, query, args, v)
}

func (w *watcher) Exec(ctx context.Context, query string, args, v any) error {
	w.note(query, args)
	return w.Driver.Exec(ctx, query, args, v)
}

// watched is a client with the rule on it, and what it ran since the last look.
func watched(db *database.DB) (*ent.Client, func() []statement) {
	w := &watcher{Driver: sql.OpenDB(db.Dialect, db.Write)}
	c := ent.NewClient(ent.Driver(w))
	tenancy.Enforce(c)
	return c, func() []statement {
		w.mu.Lock()
		defer w.mu.Unlock()
		seen := w.seen
		w.seen = nil
		return seen
	}
}

func TestTheRuleCostsNoQueryOnReadsAndOnePerTableOnWrites(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db.Client())
		me := w.key(t.Context())
		c, seen := watched(db)
		member := func() *ent.SubmissionCreate {
			return c.Submission.Create().SetStudioID(w.ids[ent.TypeStudio]).SetContactID(w.ids[ent.TypeContact])
		}
		ten := func() (all []*ent.SubmissionCreate) {
			for range 10 {
				all = append(all, member())
			}
			return all
		}
		for _, test := range []struct {
			name string
			do   func() error
			want int
		}{
			{"read", func() error { return second(c.Contact.Query().All(me)) }, 1},
			{"read with edges", func() error { return second(c.Contact.Query().WithSubmissions().All(me)) }, 2},
			{"read as capture", func() error { return second(c.Image.Query().All(w.capture(t.Context()))) }, 1},
			{"update", func() error { return c.Contact.Update().SetPhone("1").Exec(me) }, 1},
			{"create with two references", func() error { return member().Exec(me) }, 1 + 2},
			{"ten creates", func() error { return c.Submission.CreateBulk(ten()...).Exec(me) }, 1 + 20},
			{"ten creates, remembered", func() error { return c.Submission.CreateBulk(ten()...).Exec(tenancy.Remember(me)) }, 1 + 2},
		} {
			if err := test.do(); err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if got := seen(); len(got) != test.want {
				t.Errorf("%s: %d statements, want %d: %v", test.name, len(got), test.want, got)
			}
		}
	})
}

// TestPlansOnSQLite holds the planner to going by the ids where there are some, and by the account
// where there are none. No statistics are gathered, as on a young database.
func TestPlansOnSQLite(t *testing.T) {
	t.Parallel()
	db := dbtest.SQLite(t)
	w := newWorld(t, db.Client())
	me, capture := w.key(t.Context()), w.capture(t.Context())
	c, seen := watched(db)
	many := make([]string, 100)
	for i := range many {
		many[i] = w.ids[ent.TypeSubmission]
	}
	for _, test := range []struct {
		name  string
		do    func() error
		plans []string // a part of the plan of each statement
	}{
		{"two ids", func() error { return second(c.Contact.Query().Where(contact.IDIn("1", "2")).Count(me)) }, []string{"(id=?)"}},
		{"a hundred ids", func() error { return second(c.Submission.Query().Where(submission.IDIn(many...)).All(me)) }, []string{"(id=?)"}},
		{"edges of a page", func() error {
			return second(c.Submission.Query().Where(submission.IDIn(many...)).WithImages().WithRevisions().All(me))
		}, []string{"(id=?)", "(submission_id=?)", "(submission_id=?)"}},
		{"a page", func() error { return second(c.Contact.Query().Order(ent.Desc("created_at", "id")).Limit(50).All(me)) },
			[]string{"contact_account_id_created_at_id (account_id=?)"}},
		{"a page by a filter", func() error {
			return second(c.Submission.Query().Where(submission.StateEQ("PENDING")).Order(ent.Desc("created_at", "id")).Limit(50).All(me))
		}, []string{"submission_account_id_state_created_at_id (account_id=? AND state=?)"}},
		{"all of an account", func() error { return second(c.Studio.Query().All(me)) }, []string{"(account_id=?)"}},
		{"by e-mail", func() error { return second(c.Contact.Query().Where(contact.Email("x")).All(me)) }, []string{"(account_id=? AND email=?)"}},
		{"captured submissions", func() error { return second(c.Submission.Query().All(capture)) }, []string{"(studio_session_id=?)"}},
		{"captured images", func() error { return second(c.Image.Query().All(capture)) }, []string{"images USING INDEX image_submission_id (submission_id=?)"}},
		{"update", func() error { return c.Contact.Update().Where(contact.IDIn("1", "2")).SetPhone("1").Exec(me) }, []string{"(id=?)"}},
		{"delete", func() error { return second(c.Contact.Delete().Where(contact.IDIn("1", "2")).Exec(me)) }, []string{"(id=?)"}},
	} {
		if err := test.do(); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		statements := seen()
		if len(statements) != len(test.plans) {
			t.Fatalf("%s: ran %v", test.name, statements)
		}
		for i, s := range statements {
			if plan := explain(t, db, s); !strings.Contains(plan, test.plans[i]) || strings.Contains(plan, "TEMP B-TREE FOR ORDER BY") {
				t.Errorf("%s: want %s in the plan of\n%s\n%s", test.name, test.plans[i], s.query, plan)
			}
		}
	}
}

func explain(t *testing.T, db *database.DB, s statement) string {
	t.Helper()
	rows, err := db.Write.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.query, s.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
