package graph_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"headroom/ent"
	"headroom/internal/headshot"
)

func TestScopesOpenTheirFieldsOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.contact(1)
	h.submit(c.ID)
	contacts, submissions := h.key("contacts:read"), h.key("submissions:write")
	for _, ask := range []struct {
		key, query, code string
	}{
		{"", `{ contacts(first: 1) { nodes { id } } }`, "UNAUTHENTICATED"},
		{"", `{ viewer { id } }`, "UNAUTHENTICATED"},
		{contacts, `{ viewer { id scopes kind } contacts(first: 1) { nodes { id listIds } } }`, ""},
		{contacts, `{ contacts(first: 1) { nodes { submissions(first: 1) { nodes { id } } } } }`, "FORBIDDEN"},
		{contacts, `{ contacts(first: 1) { nodes { lists { id } } } }`, "FORBIDDEN"},
		{contacts, `{ account { id } }`, "FORBIDDEN"},
		{contacts, `{ viewer { account { id } } }`, "FORBIDDEN"},
		{contacts, `{ apiKeys(first: 1) { nodes { id } } }`, "FORBIDDEN"},
		{contacts, `{ captureSession { id } }`, "FORBIDDEN"},
		{contacts, `mutation { createContact(input: {firstName: "a", email: "a@b.de"}) { contact { id } } }`, "FORBIDDEN"},
		{contacts, fmt.Sprintf(`{ node(id: %q) { id } }`, c.ID), ""},
		{contacts, fmt.Sprintf(`{ node(id: %q) { id } }`, h.account.Studio.ID), "FORBIDDEN"},
		{submissions, `{ submissions(first: 1) { nodes { id images { id url } } } }`, ""},
		{submissions, `{ submissions(first: 1) { nodes { contact { id } } } }`, "FORBIDDEN"},
		{h.account.APIKey, `{ captureSession { id } }`, "FORBIDDEN"},
	} {
		a := h.ask(ask.key, ask.query)
		if a.code() != ask.code || (ask.code == "FORBIDDEN" && !strings.Contains(ask.query, "captureSession") && a.detail() != "insufficient_scope") {
			t.Errorf("%s\nwant %q: %s", ask.query, ask.code, a.raw)
		}
	}
}

func TestACaptureLinkSeesItsOwnSessionOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine, theirs := h.contact(1), h.contact(2)
	session, link := h.capture(mine.ID)
	_, otherLink := h.capture(theirs.ID)
	other := h.must(otherLink, `{ captureSession { id } }`).str("captureSession.id")
	foreign := h.submit(theirs.ID)
	byAPI := h.submit(mine.ID) // of the same contact, but not through the link
	sub, err := h.service.Submit(h.admin(), headshot.SubmitInput{SessionID: session.ID, Photo: []byte("photo"), Consent: true})
	if err != nil {
		t.Fatal(err)
	}
	a := h.must(link, `mutation { openCaptureSession { captureSession { id state firstName expiresAt
		studio { name brand guidelines consent { version text } } submissions { id state progress images { kind url } } } } }`)
	if a.str("openCaptureSession.captureSession.id") != session.ID || a.str("openCaptureSession.captureSession.firstName") != "Ada" ||
		a.str("openCaptureSession.captureSession.studio.name") != "Headshots" || a.str("openCaptureSession.captureSession.submissions.0.id") != sub.ID ||
		a.get("openCaptureSession.captureSession.submissions.1") != nil {
		t.Errorf("the capture page sees %s", a.raw)
	}
	if other == session.ID {
		t.Error("two links show one session")
	}
	for query, code := range map[string]string{
		fmt.Sprintf(`{ submission(id: %q) { id images { url } } }`, sub.ID): "",
		fmt.Sprintf(`{ submission(id: %q) { id } }`, foreign.ID):            "NOT_FOUND",
		fmt.Sprintf(`{ submission(id: %q) { id } }`, byAPI.ID):              "NOT_FOUND",
		fmt.Sprintf(`{ submission(id: %q) { contact { email } } }`, sub.ID): "FORBIDDEN",
		fmt.Sprintf(`{ submission(id: %q) { studio { look } } }`, sub.ID):   "FORBIDDEN",
		fmt.Sprintf(`{ node(id: %q) { id } }`, sub.ID):                      "FORBIDDEN",
		`{ viewer { id } }`:                          "FORBIDDEN",
		`{ submissions(first: 1) { nodes { id } } }`: "FORBIDDEN",
		fmt.Sprintf(`mutation { acceptSubmission(input: {id: %q}) { submission { id } } }`, sub.ID): "FORBIDDEN",
	} {
		if a := h.ask(link, query); a.code() != code {
			t.Errorf("%s\nwant %q: %s", query, code, a.raw)
		}
	}
}

func TestAnotherAccountsIDsAnswerLikeUnknownOnes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other, err := h.service.CreateAccount(t.Context(), headshot.AccountInput{Name: "Other"})
	if err != nil {
		t.Fatal(err)
	}
	c := h.contact(1)
	sub := h.submit(c.ID)
	session, _ := h.capture(c.ID)
	list, err := h.service.CreateList(h.admin(), headshot.ListInput{Name: "L"})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, _, err := h.service.CreateEndpoint(h.admin(), headshot.EndpointInput{URL: "https://example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for field, id := range map[string]string{
		"contact": c.ID, "submission": sub.ID, "studioSession": session.ID, "list": list.ID, "studio": h.account.Studio.ID,
		"webhookEndpoint": endpoint.ID, "node": sub.ID, "delivery": "dlv_00000000000000000000000000",
	} {
		query := `query($id: ID!) { ` + field + `(id: $id) { id } }`
		unknown := id[:len(id)-1] + "!"
		want := h.ask(other.APIKey, query, "id", unknown)
		got := h.ask(other.APIKey, query, "id", id)
		if want.code() != "NOT_FOUND" || shape(got, id) != shape(want, unknown) {
			t.Errorf("%s: another's id gives %s, an unknown one %s", field, got.raw, want.raw)
		}
	}
	for name, mutation := range map[string]string{
		"updateContact":       `mutation($id: ID!) { updateContact(input: {id: $id, lastName: "x"}) { contact { id } } }`,
		"revokeStudioSession": `mutation($id: ID!) { revokeStudioSession(input: {id: $id}) { studioSession { id } } }`,
		"acceptSubmission":    `mutation($id: ID!) { acceptSubmission(input: {id: $id}) { submission { id } } }`,
		"createStudioSession": `mutation($id: ID!) { createStudioSession(input: {studioId: "stu_x", contactId: $id}) { studioSession { id } } }`,
		"deleteEndpoint":      `mutation($id: ID!) { deleteWebhookEndpoint(input: {id: $id}) { id } }`,
	} {
		id := map[string]string{"updateContact": c.ID, "revokeStudioSession": session.ID, "acceptSubmission": sub.ID, "createStudioSession": c.ID, "deleteEndpoint": endpoint.ID}[name]
		unknown := id[:len(id)-1] + "!"
		want, got := h.ask(other.APIKey, mutation, "id", unknown), h.ask(other.APIKey, mutation, "id", id)
		if want.code() == "" || shape(got, id) != shape(want, unknown) {
			t.Errorf("%s: another's id gives %s, an unknown one %s", name, got.raw, want.raw)
		}
	}
	if a := h.must(other.APIKey, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, "ids", []string{c.ID, other.Studio.ID, "nonsense"}); a.get("nodes.0") != nil || a.str("nodes.1.id") != other.Studio.ID || a.get("nodes.2") != nil {
		t.Errorf("nodes: %s", a.raw)
	}
}

// shape is an answer without what may differ.
func shape(a answer, id string) string {
	raw := strings.ReplaceAll(a.raw, id, "ID")
	if len(a.Errors) > 0 {
		raw = strings.ReplaceAll(raw, fmt.Sprint(a.Errors[0].Extensions["requestId"]), "REQ")
	}
	return raw
}

func TestErrorsSayWhatAndWhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	key := h.account.APIKey
	a := h.ask(key, `mutation { createContact(input: {firstName: "", email: "nobody"}) { contact { id } } }`)
	faults, _ := a.Errors[0].Extensions["errors"].([]any)
	if a.code() != "VALIDATION_FAILED" || len(faults) != 2 || fmt.Sprint(a.Errors[0].Extensions["field"]) != "[firstName]" || a.Errors[0].Extensions["requestId"] != a.header.Get("X-Request-Id") {
		t.Errorf("two faults: %s", a.raw)
	}
	c := h.contact(1)
	if a := h.ask(key, `mutation { createContact(input: {firstName: "B", email: "ada1@example.com"}) { contact { id } } }`); a.code() != "CONFLICT" || a.detail() != "duplicate" {
		t.Errorf("a taken e-mail: %s", a.raw)
	}
	const update = `mutation($i: UpdateContactInput!) { updateContact(input: $i) { contact { firstName lastName phone customAttributes version } } }`
	if a := h.ask(key, update, "i", map[string]any{"id": c.ID, "version": 7}); a.code() != "VERSION_MISMATCH" {
		t.Errorf("another version: %s", a.raw)
	}
	if a := h.ask(key, update, "i", map[string]any{"id": c.ID, "firstName": nil}); a.code() != "VALIDATION_FAILED" {
		t.Errorf("null for a required field: %s", a.raw)
	}
	got := h.must(key, update, "i", map[string]any{"id": c.ID, "version": 1, "phone": "123", "customAttributes": map[string]any{"n": nil, "k": "v"}})
	if got.str("updateContact.contact.phone") != "123" || got.str("updateContact.contact.firstName") != "Ada" || got.get("updateContact.contact.customAttributes.k") != "v" || got.get("updateContact.contact.customAttributes.n") != nil {
		t.Errorf("absent keeps, attributes merge: %s", got.raw)
	}
	got = h.must(key, update, "i", map[string]any{"id": c.ID, "phone": nil, "lastName": nil})
	if got.get("updateContact.contact.phone") != nil || got.str("updateContact.contact.lastName") != "" || got.get("updateContact.contact.version") != 3.0 {
		t.Errorf("null clears: %s", got.raw)
	}
	if a := h.ask(key, `{ contacts(first: 1, filter: {createdAfter: "yesterday"}) { nodes { id } } }`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("a bad time: %s", a.raw)
	}
	if a := h.ask(key, `mutation { submitPhoto(input: {photo: "here", studioId: "x", contactId: "y"}) { submission { id } } }`); a.code() != "BAD_USER_INPUT" {
		t.Errorf("a text for a file: %s", a.raw)
	}
	if a := h.ask("hr_live_000000000000000000000000000000000000", `{ viewer { id } }`); a.code() != "UNAUTHENTICATED" {
		t.Errorf("a broken key: %s", a.raw)
	}
}

func TestUnforeseenErrorsAreMaskedAndLogged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.must(h.account.APIKey, `{ viewer { id } }`)
	h.db.Client().Intercept(ent.InterceptFunc(func(ent.Querier) ent.Querier {
		return ent.QuerierFunc(func(context.Context, ent.Query) (ent.Value, error) { return nil, fmt.Errorf("secret table is gone") })
	}))
	a := h.ask(h.account.APIKey, `{ lists(first: 1) { nodes { id } } }`)
	id := a.header.Get("X-Request-Id")
	if a.code() != "INTERNAL" || strings.Contains(a.raw, "secret") || a.Errors[0].Extensions["requestId"] != id {
		t.Errorf("the answer is %s", a.raw)
	}
	if log := h.log.String(); !strings.Contains(log, "secret table is gone") || !strings.Contains(log, id) {
		t.Errorf("the log does not tell: %s", log)
	}
}
