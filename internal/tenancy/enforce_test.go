package tenancy_test

import (
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/studio"
	"headroom/ent/submission"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/tenancy"
)

// two runs test on each database with two worlds in it.
func two(t *testing.T, test func(t *testing.T, c *ent.Client, mine, theirs world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		c := db.Client()
		test(t, c, newWorld(t, c), newWorld(t, c))
	})
}

func TestCreateIsAlwaysInTheActorsAccount(t *testing.T) {
	t.Parallel()
	two(t, func(t *testing.T, c *ent.Client, mine, theirs world) {
		me := mine.key(t.Context())
		if s := c.Studio.Create().SetName("forged").SetAccountID(theirs.account).SaveX(me); s.AccountID != mine.account {
			t.Errorf("one: the row went to %s", s.AccountID)
		}
		bulk := c.List.CreateBulk(
			c.List.Create().SetName("one").SetAccountID(theirs.account),
			c.List.Create().SetName("two"),
		).SaveX(me)
		for _, l := range bulk {
			if l.AccountID != mine.account {
				t.Errorf("bulk: %s went to %s", l.Name, l.AccountID)
			}
		}
		worker := tenancy.AsWorker(t.Context(), theirs.account)
		if s := c.Studio.Create().SetName("by the worker").SaveX(worker); s.AccountID != theirs.account {
			t.Errorf("worker: the row went to %s", s.AccountID)
		}
		system := tenancy.AsSystem(t.Context())
		if err := c.Studio.Create().SetName("whose?").Exec(system); !ent.IsValidationError(err) {
			t.Errorf("System must say the account: %v", err)
		}
		if _, err := c.Account.Create().SetName("another").Save(me); !errors.Is(err, tenancy.ErrReadOnly) {
			t.Errorf("make an account: %v", err)
		}
	})
}

func TestBulkChecksEveryRow(t *testing.T) {
	t.Parallel()
	two(t, func(t *testing.T, c *ent.Client, mine, theirs world) {
		me := mine.key(t.Context())
		before := c.Submission.Query().CountX(me)
		err := c.Submission.CreateBulk(
			c.Submission.Create().SetStudioID(mine.ids[ent.TypeStudio]).SetContactID(mine.ids[ent.TypeContact]),
			c.Submission.Create().SetStudioID(mine.ids[ent.TypeStudio]).SetContactID(theirs.ids[ent.TypeContact]),
		).Exec(me)
		e, ok := errors.AsType[*tenancy.ReferenceError](err)
		if !ok || e.Type != ent.TypeContact || strings.Join(e.Names, ",") != "contact_id" {
			t.Errorf("got %v", err)
		}
		if n := c.Submission.Query().CountX(me); n != before {
			t.Errorf("%d rows were made", n-before)
		}
	})
}

func TestQueriesAcrossEdgesStayInTheAccount(t *testing.T) {
	t.Parallel()
	two(t, func(t *testing.T, c *ent.Client, mine, theirs world) {
		me := mine.key(t.Context())
		foreign := theirs.ids[ent.TypeStudio]

		// Conditions on edges are subqueries without a filter of their own: from my rows they cannot
		// reach another account's.
		if n := c.Contact.Query().Where(contact.HasStudiosWith(studio.ID(mine.ids[ent.TypeStudio]))).CountX(me); n != 1 {
			t.Errorf("by my own studio: %d contacts", n)
		}
		none := map[string]int{
			"many to many":        c.Contact.Query().Where(contact.HasStudiosWith(studio.ID(foreign))).CountX(me),
			"one to many":         c.Contact.Query().Where(contact.HasSubmissionsWith(submission.ID(theirs.ids[ent.TypeSubmission]))).CountX(me),
			"many to one":         c.Submission.Query().Where(submission.HasStudioWith(studio.ID(foreign))).CountX(me),
			"two steps":           c.Submission.Query().Where(submission.HasContactWith(contact.HasStudiosWith(studio.ID(foreign)))).CountX(me),
			"or":                  c.Contact.Query().Where(contact.Or(contact.ID(theirs.ids[ent.TypeContact]), contact.HasStudiosWith(studio.ID(foreign)))).CountX(me),
			"traversal":           c.Studio.Query().Where(studio.ID(foreign)).QueryContacts().CountX(me),
			"traversal of a row":  c.Studio.GetX(theirs.key(t.Context()), foreign).QueryContacts().CountX(me),
			"traversal two steps": c.Studio.Query().Where(studio.ID(foreign)).QuerySubmissions().QueryImages().CountX(me),
		}
		for name, n := range none {
			if n != 0 {
				t.Errorf("%s: %d rows", name, n)
			}
		}

		full := c.Contact.Query().WithStudios().WithLists().WithSubmissions(func(q *ent.SubmissionQuery) {
			q.WithImages().WithRevisions().WithStudio()
		}).OnlyX(me)
		loaded := full.Edges.Submissions[0]
		if len(full.Edges.Studios) != 1 || len(full.Edges.Lists) != 1 || len(loaded.Edges.Images) != 1 ||
			len(loaded.Edges.Revisions) != 1 || loaded.Edges.Studio.AccountID != mine.account {
			t.Errorf("eager loading: %+v", full.Edges)
		}

		var groups []struct {
			AccountID string `json:"account_id"`
			Count     int    `json:"count"`
		}
		c.Contact.Query().GroupBy(contact.FieldAccountID).Aggregate(ent.Count()).ScanX(me, &groups)
		if len(groups) != 1 || groups[0].AccountID != mine.account || groups[0].Count != 1 {
			t.Errorf("group by: %v", groups)
		}
		if ids := c.Contact.Query().Select(contact.FieldAccountID).StringsX(me); len(ids) != 1 || ids[0] != mine.account {
			t.Errorf("select: %v", ids)
		}
		if n := c.Contact.Query().Aggregate(ent.Count()).IntX(me); n != 1 {
			t.Errorf("aggregate: %d", n)
		}
	})
}

// TestFailedUpdateChangesNothingInsideATransaction guards against ent changing the far ends of edges
// before it notices that the row is not there: outside of a transaction it rolls back, inside it is
// up to the caller, who may go on.
func TestFailedUpdateChangesNothingInsideATransaction(t *testing.T) {
	t.Parallel()
	two(t, func(t *testing.T, c *ent.Client, mine, theirs world) {
		me, they := mine.key(t.Context()), theirs.key(t.Context())
		tx, err := c.Tx(me)
		if err != nil {
			t.Fatal(err)
		}
		id := theirs.ids[ent.TypeContact]
		for name, update := range map[string]*ent.ContactUpdateOne{
			"clear": tx.Contact.UpdateOneID(id).ClearLists(),
			"add":   tx.Contact.UpdateOneID(id).AddStudioIDs(mine.ids[ent.TypeStudio]),
		} {
			if err := update.Exec(me); !ent.IsNotFound(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		got := c.Contact.Query().WithLists().WithStudios().OnlyX(they)
		if len(got.Edges.Lists) != 1 || len(got.Edges.Studios) != 1 {
			t.Errorf("the other account's memberships are now %+v", got.Edges)
		}
	})
}

func TestCaptureActorSeesItsSessionOnly(t *testing.T) {
	t.Parallel()
	two(t, func(t *testing.T, c *ent.Client, mine, theirs world) {
		key := mine.key(t.Context())
		// A second contact, studio, session and submission of the same account, and a submission of the
		// same contact that did not come through the link.
		friend := c.Contact.Create().SetFirstName("Bob").SetEmail("bob@example.com").SetSortName("bob").SetCustomAttributes(json.RawMessage(`{}`)).SaveX(key)
		other := c.Studio.Create().SetName("Other").SaveX(key)
		foreign := c.Submission.Create().SetContactID(friend.ID).SetStudioID(other.ID).SaveX(key)
		c.Submission.Create().SetContactID(mine.ids[ent.TypeContact]).SetStudioID(mine.ids[ent.TypeStudio]).ExecX(key)
		c.Revision.Create().SetSubmissionID(foreign.ID).SetNumber(1).ExecX(key)
		c.Image.Create().SetSubmissionID(foreign.ID).SetKind("ORIGINAL").SetName("original").SetWidth(1).SetHeight(1).
			SetContentType("image/jpeg").SetBytes(1).SetSha256("0").SetBlobKey("y").ExecX(key)

		ctx := mine.capture(t.Context())
		sees := map[string]bool{
			ent.TypeStudioSession: true, ent.TypeContact: true, ent.TypeStudio: true,
			ent.TypeSubmission: true, ent.TypeRevision: true, ent.TypeImage: true,
		}
		for _, e := range entities(t, c) {
			got := rows(ctx, t, e)
			_, its := got[mine.ids[e.typ]]
			if want := sees[e.typ]; its != want || len(got) > 1 || (!want && len(got) > 0) {
				t.Errorf("%s: saw %v", e.typ, got)
			}
			for op, err := range map[string]error{
				"create": second(call(must(t, e.client, "Create"), "Save", ctx)),
				"update": second(call(must(t, e.client, "Update"), "Save", ctx)),
				"delete": second(call(must(t, e.client, "Delete"), "Exec", ctx)),
			} {
				if !errors.Is(err, tenancy.ErrReadOnly) {
					t.Errorf("%s: %s: %v", e.typ, op, err)
				}
			}
		}

		// The ids of a forged actor do not lead out of the account either.
		a, _ := tenancy.From(theirs.capture(t.Context()))
		a.AccountID = mine.account
		for _, e := range entities(t, c) {
			if got := rows(tenancy.With(t.Context(), a), t, e); len(got) > 0 {
				t.Errorf("forged: %s: saw %v", e.typ, got)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestWhatHooksCannotSeeIsRefused(t *testing.T) {
	t.Parallel()
	two(t, func(t *testing.T, c *ent.Client, mine, theirs world) {
		me, they, system := mine.key(t.Context()), theirs.key(t.Context()), tenancy.AsSystem(t.Context())
		eve := func() *ent.ContactCreate {
			return c.Contact.Create().SetFirstName("Eve").SetEmail("ada@example.com").SetSortName("eve").SetCustomAttributes(json.RawMessage(`{}`))
		}
		steal := eve().SetID(theirs.ids[ent.TypeContact])
		if err := steal.OnConflictColumns(contact.FieldID).UpdateNewValues().Exec(me); !errors.Is(err, tenancy.ErrUpsert) {
			t.Errorf("upsert by id: %v", err)
		}
		byEmail := sql.ConflictColumns(contact.FieldAccountID, contact.FieldEmail)
		move := eve().OnConflict(byEmail, sql.ResolveWith(func(u *sql.UpdateSet) { u.Set(contact.FieldAccountID, theirs.account) }))
		if err := move.Exec(me); !errors.Is(err, tenancy.ErrUpsert) {
			t.Errorf("upsert that moves the row: %v", err)
		}
		if err := eve().OnConflict(byEmail, sql.ResolveWith(func(u *sql.UpdateSet) { u.SetExcluded(contact.FieldFirstName) })).Exec(me); err != nil {
			t.Errorf("upsert within the account: %v", err)
		}
		if got := c.Contact.Query().OnlyX(me); got.FirstName != "Eve" || got.ID != mine.ids[ent.TypeContact] {
			t.Errorf("the upsert made %s, %s", got.ID, got.FirstName)
		}
		if got := c.Contact.Query().OnlyX(they); got.FirstName != "Ada" {
			t.Errorf("the other account's contact is now %s", got.FirstName)
		}
		member := c.ListMembership.Create().SetContactID(mine.ids[ent.TypeContact]).SetListID(mine.ids[ent.TypeList])
		if err := member.OnConflict(sql.DoNothing()).Exec(me); err != nil && !errors.Is(err, stdsql.ErrNoRows) {
			t.Errorf("insert unless there: %v", err)
		}

		err := c.Contact.Update().Modify(func(u *sql.UpdateBuilder) { u.Set(contact.FieldAccountID, theirs.account) }).Exec(me)
		if !errors.Is(err, tenancy.ErrMove) {
			t.Errorf("Modify to another account: %v", err)
		}
		moved := c.Contact.Update()
		moved.Mutation().SetAccountID(theirs.account)
		if err := moved.Exec(me); !errors.Is(err, tenancy.ErrMove) {
			t.Errorf("an update to another account: %v", err)
		}
		if _, err := c.ExecContext(me, "DELETE FROM contacts"); !errors.Is(err, tenancy.ErrRaw) {
			t.Errorf("raw exec: %v", err)
		}
		if rows, err := c.QueryContext(me, "SELECT 1"); !errors.Is(err, tenancy.ErrRaw) { //nolint:rowserrcheck // there are none
			t.Errorf("raw query: %v %v", rows, err)
		}
		tx, err := c.Tx(me)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(me, "DELETE FROM contacts"); !errors.Is(err, tenancy.ErrRaw) {
			t.Errorf("raw exec in a transaction: %v", err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.ExecContext(system, "DELETE FROM list_memberships"); err != nil {
			t.Errorf("raw exec by System: %v", err)
		}
	})
}

func TestRememberIsPerAccountAndKeepsRefusing(t *testing.T) {
	t.Parallel()
	two(t, func(t *testing.T, c *ent.Client, mine, theirs world) {
		ctx := tenancy.Remember(t.Context())
		create := func() *ent.RevisionCreate {
			return c.Revision.Create().SetNumber(2).SetSubmissionID(theirs.ids[ent.TypeSubmission])
		}
		create().ExecX(theirs.key(ctx))
		if err := create().Exec(mine.key(ctx)); !isReference(err) {
			t.Errorf("a row that another account checked: %v", err)
		}
	})
}
