package headshot_test

import (
	"encoding/json"
	"strings"
	"testing"

	"headroom/ent"
	"headroom/ent/contact"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

func db(s *stage) *ent.Client { return s.db.Client() }

func TestContactInputsAreChecked(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	nul := "a\x00b"
	for name, c := range map[string]struct {
		in    headshot.ContactInput
		field string
	}{
		"no first name":  {headshot.ContactInput{Email: "a@example.com"}, "firstName"},
		"no e-mail":      {headshot.ContactInput{FirstName: "A"}, "email"},
		"name in e-mail": {headshot.ContactInput{FirstName: "A", Email: "Ada <a@example.com>"}, "email"},
		"long name":      {headshot.ContactInput{FirstName: strings.Repeat("x", 201), Email: "a@example.com"}, "firstName"},
		"NUL":            {headshot.ContactInput{FirstName: "A", Email: "a@example.com", Phone: &nul}, "phone"},
		"attributes":     {headshot.ContactInput{FirstName: "A", Email: "a@example.com", CustomAttributes: json.RawMessage(`[1]`)}, "customAttributes"},
		"nested":         {headshot.ContactInput{FirstName: "A", Email: "a@example.com", CustomAttributes: json.RawMessage(`{"a":{"b":1}}`)}, "customAttributes"},
		"NUL inside":     {headshot.ContactInput{FirstName: "A", Email: "a@example.com", CustomAttributes: json.RawMessage(`{"a":"\u0000"}`)}, "customAttributes"},
		"huge number":    {headshot.ContactInput{FirstName: "A", Email: "a@example.com", CustomAttributes: json.RawMessage(`{"a":1e999}`)}, "customAttributes"},
		"unknown list":   {headshot.ContactInput{FirstName: "A", Email: "a@example.com", ListIDs: []string{"lst_x"}}, "listIds"},
	} {
		_, err := s.CreateContact(s.ctx, c.in)
		t.Log(name)
		wantKind(t, err, headshot.ValidationFailed, c.field)
	}
	if n := db(s).Contact.Query().CountX(s.ctx); n != 0 {
		t.Fatalf("%d contacts were left behind", n)
	}
}

func TestContactUpdateMerges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		phone := "1"
		list, err := s.CreateList(s.ctx, headshot.ListInput{Name: "Team"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.CreateContact(s.ctx, headshot.ContactInput{
			FirstName: "Ada", LastName: "Élan", Email: "ADA@Example.com", Phone: &phone,
			CustomAttributes: json.RawMessage(`{"a":1,"b":"x"}`), ListIDs: []string{list.ID, list.ID},
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.Email != "ada@example.com" || c.SortName != "elan ada" {
			t.Fatalf("stored as %s, %s", c.Email, c.SortName)
		}
		c, err = s.UpdateContact(s.ctx, c.ID, headshot.ContactPatch{
			Phone: headshot.Field[string]{Set: true, Null: true}, CustomAttributes: headshot.To(json.RawMessage(`{"b":null,"c":true}`)),
			ListIDs: headshot.To([]string{}),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Phone != nil || c.FirstName != "Ada" || c.Version != 2 {
			t.Fatalf("phone %v, first name %s, version %d", c.Phone, c.FirstName, c.Version)
		}
		var got map[string]any
		if err := json.Unmarshal(c.CustomAttributes, &got); err != nil || len(got) != 2 || got["c"] != true {
			t.Fatalf("attributes %s", c.CustomAttributes)
		}
		if n := c.QueryLists().CountX(s.ctx); n != 0 {
			t.Fatalf("%d lists are left", n)
		}
		_, err = s.CreateContact(s.ctx, headshot.ContactInput{FirstName: "B", Email: "ada@example.com"})
		wantKind(t, err, headshot.Conflict, "email")
	})
}

func TestInlineContactIsFoundAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	a, b := s.session("ada@example.com"), s.session("ADA@example.com")
	if a.ContactID != b.ContactID {
		t.Fatal("the same e-mail made two contacts")
	}
	number := "e-1"
	c, err := s.CreateSession(s.ctx, headshot.SessionInput{
		StudioID: s.account.Studio.ID, Contact: &headshot.ContactInput{FirstName: "Ada", Email: "ada@example.com", ExternalID: &number},
	})
	if err != nil || c.ContactID != a.ContactID {
		t.Fatalf("a contact without externalId was not found by e-mail: %v", err)
	}
	_, err = s.CreateSession(s.ctx, headshot.SessionInput{StudioID: s.account.Studio.ID, Contact: &headshot.ContactInput{FirstName: "Ada", Email: "nonsense"}})
	wantKind(t, err, headshot.ValidationFailed, "contact.email")
	if n := db(s).Contact.Query().Where(contact.ExternalID(number)).CountX(s.ctx); n != 1 {
		t.Fatalf("%d contacts have the number", n)
	}
}

func TestScopesAreNeeded(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	reader := tenancy.With(t.Context(), tenancy.Actor{Kind: tenancy.Key, AccountID: s.account.Account.ID, Scopes: []string{"contacts:read", "sessions:write"}})
	_, err := s.CreateContact(reader, headshot.ContactInput{FirstName: "A", Email: "a@example.com"})
	wantKind(t, err, headshot.Forbidden, "")
	_, err = s.CreateSession(reader, headshot.SessionInput{StudioID: s.account.Studio.ID, Contact: &headshot.ContactInput{FirstName: "A", Email: "a@example.com"}})
	wantKind(t, err, headshot.Forbidden, "")
	_, _, err = s.CreateKey(reader, headshot.KeyInput{Name: "k", Scopes: []string{"admin"}})
	wantKind(t, err, headshot.Forbidden, "")
	_, err = s.CreateContact(t.Context(), headshot.ContactInput{FirstName: "A", Email: "a@example.com"})
	wantKind(t, err, headshot.Unauthenticated, "")
}

func TestKeysBelongToTheAccountOrItsTwin(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		a := auth.New(db.Client(), s.Log, s.Now)
		first, err := a.Header(t.Context(), "Bearer "+s.account.APIKey)
		if err != nil || first.AccountID != s.account.Account.ID || !first.Can("contacts:write") {
			t.Fatalf("the first key: %+v %v", first, err)
		}
		row, secret, err := s.CreateKey(s.ctx, headshot.KeyInput{Name: "t", Scopes: []string{"contacts:read"}, Test: true})
		if err != nil {
			t.Fatal(err)
		}
		test, err := a.Header(t.Context(), "Bearer "+secret)
		if err != nil || test.AccountID != s.account.Twin.ID || !strings.HasPrefix(secret, "hr_test_") {
			t.Fatalf("the test key: %+v %v", test, err)
		}
		if strings.Contains(row.Hash, secret) {
			t.Fatal("the key itself is stored")
		}
		live, secret, err := s.CreateKey(s.ctx, headshot.KeyInput{Name: "l", Scopes: []string{"contacts:read"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.RevokeKey(s.ctx, live.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Header(t.Context(), "Bearer "+secret); err == nil {
			t.Fatal("a revoked key still works")
		}
	})
}

func TestWebhookSecretsAreEncryptedAndOverlap(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := newStage(t, db)
		_, _, err := s.CreateEndpoint(s.ctx, headshot.EndpointInput{URL: "http://127.0.0.1/"})
		wantKind(t, err, headshot.ValidationFailed, "url")
		_, _, err = s.CreateEndpoint(s.ctx, headshot.EndpointInput{URL: "https://hooks.example.com/in", Topics: []string{"NONSENSE"}})
		wantKind(t, err, headshot.ValidationFailed, "topics")
		row, first, err := s.CreateEndpoint(s.ctx, headshot.EndpointInput{URL: "https://hooks.example.com/in"})
		if err != nil {
			t.Fatal(err)
		}
		for _, stored := range db.Client().WebhookSecret.Query().AllX(s.ctx) {
			if strings.Contains(string(stored.Ciphertext), first) {
				t.Fatal("the secret is stored in the clear")
			}
		}
		_, second, err := s.RotateSecret(s.ctx, row.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.EndpointSecrets(s.ctx, row.ID)
		if err != nil || len(got) != 2 || got[0].Value != first || got[1].Value != second {
			t.Fatalf("in the overlap: %v %v", got, err)
		}
		_, third, err := s.RotateSecret(s.ctx, row.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = s.EndpointSecrets(s.ctx, row.ID); err != nil || len(got) != 1 || got[0].Value != third {
			t.Fatalf("after revoke: %v %v", got, err)
		}
		if err := s.DeleteEndpoint(s.ctx, row.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.PauseEndpoint(s.ctx, row.ID)
		wantKind(t, err, headshot.NotFound, "")
	})
}

func TestBootstrapOnlyOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	s := newStage(t, dbtest.SQLite(t))
	if did, err := s.Bootstrap(t.Context(), headshot.AccountInput{Name: "Second"}); err != nil || did {
		t.Fatalf("bootstrapped again: %v %v", did, err)
	}
	_, err := s.CreateAccount(t.Context(), headshot.AccountInput{Name: "X", Key: "hr_live_short"})
	wantKind(t, err, headshot.ValidationFailed, "key")
	token, err := auth.New(s.Client, s.Log, s.Now).LogIn(t.Context(), "owner@acme.example", "correct horse battery")
	if err != nil || token == "" {
		t.Fatalf("the owner cannot log in: %v", err)
	}
}
