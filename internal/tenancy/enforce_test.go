package tenancy_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/ent/image"
	"headroom/ent/list"
	"headroom/ent/studio"
	"headroom/ent/submission"
	"headroom/ent/webhookendpoint"
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
		if !ok || e.Type != ent.TypeContact || strings.Join(e.Names, ",") != "contact,contact_id" {
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
		conditions := map[string]int{
			"has": c.Contact.Query().Where(contact.HasStudios()).CountX(me),
		}
		if conditions["has"] != 1 {
			t.Errorf("my own contact's studio is not found: %v", conditions)
		}
		none := map[string]int{
			"many to many":        c.Contact.Query().Where(contact.HasStudiosWith(studio.ID(foreign))).CountX(me),
			"one to many":         c.Contact.Query().Where(contact.HasSubmissionsWith(submission.ID(theirs.ids[ent.TypeSubmission]))).CountX(me),
			"many to one":         c.Submission.Query().Where(submission.HasStudioWith(studio.ID(foreign))).CountX(me),
			"two steps":           c.Submission.Query().Where(submission.HasContactWith(contact.HasStudiosWith(studio.ID(foreign)))).CountX(me),
			"or":                  c.Contact.Query().Where(contact.Or(contact.ID(theirs.ids[ent.TypeContact]), contact.HasStudiosWith(studio.ID(foreign)))).CountX(me),
			"traversal":           c.Studio.Query().Where(studio.ID(foreign)).QueryContacts().CountX(me),
			"traversal of a row":  (&ent.Studio{ID: foreign}).Unwrapped(c).QueryContacts().CountX(me),
			"traversal two steps": c.Studio.Query().Where(studio.ID(foreign)).QuerySubmissions().QueryImages().CountX(me),
		}
		for name, n := range none {
			if n != 0 {
				t.Errorf("%s: %d rows", name, n)
			}
		}
		_ = image.FieldID
		_ = list.FieldID
		_ = webhookendpoint.FieldID
	})
}

var _ = context.Background
var _ = json.Marshal
var _ sync.Mutex
var _ dialect.Driver
var _ sql.Querier
