package graph_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

func TestInvalidCredentialsAre401WhateverIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row, revoked, err := h.service.CreateKey(h.admin(), headshot.KeyInput{Name: "gone", Scopes: []string{"admin"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.RevokeKey(h.admin(), row.ID); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"garbage", revoked, "cs_" + strings.Repeat("a", 22)} {
		for _, accept := range []string{"", "application/json", "application/graphql-response+json", "text/event-stream"} {
			a := h.send(key, map[string]string{"Accept": accept}, requestBody(t, `{ __typename }`))
			if a.status != http.StatusUnauthorized || a.code() != "UNAUTHENTICATED" || !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%.12s, Accept %q: %d %v %s", key, accept, a.status, a.header, a.raw)
			}
		}
	}
	if a := h.send("", map[string]string{"Cookie": auth.Cookie + "=old"}, requestBody(t, `{ __typename }`)); a.status != http.StatusUnauthorized {
		t.Errorf("a cookie that is over: %d %s", a.status, a.raw)
	}
	if a := h.send("", map[string]string{"Cookie": auth.Cookie + "=x", "Origin": "https://evil.example.com"}, requestBody(t, `{ __typename }`)); a.status != http.StatusForbidden || a.code() != "FORBIDDEN" {
		t.Errorf("a cookie from elsewhere: %d %s", a.status, a.raw)
	}
	if a := h.send("", nil, requestBody(t, `{ __typename }`)); a.status != http.StatusOK || a.str("__typename") != "Query" {
		t.Errorf("no credentials: %d %s", a.status, a.raw)
	}
	for _, key := range []string{"", revoked} { // before the photo is read
		if a := h.upload(key, nil, map[string]any{}, []byte("photo")); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("an upload with %.12q: %d %s", key, a.status, a.raw)
		}
	}
}

func TestAKeyInTheHandshakeIsWatchedToo(t *testing.T) {
	t.Parallel()
	var revoked atomic.Bool
	h := newHouse(t, func(c *graph.Config) {
		c.RecheckEvery = 10 * time.Millisecond
		header := c.Authenticate
		c.Authenticate = func(ctx context.Context, authorization string) (tenancy.Actor, error) {
			if revoked.Load() {
				return tenancy.Actor{}, auth.ErrInvalid
			}
			return header(ctx, authorization)
		}
	})
	s, _, err := h.dial("graphql-transport-ws", http.Header{"Authorization": {"Bearer " + h.account.APIKey}}) //nolint:bodyclose // none after an upgrade
	if err != nil {
		t.Fatal(err)
	}
	s.say("connection_init", "", nil)
	s.want("connection_ack")
	revoked.Store(true)
	s.wantClose(4403)
}

func TestNoSuggestionsForThoseWhoMayNotSeeTheSchema(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, link := h.capture(h.contact(1).ID)
	for _, query := range []string{
		`{ contactz(first: 1) { nodes { id } } }`, `{ contacts(firs: 1) { nodes { id } } }`, `{ contacts(first: 1) }`,
		`{ contacts(first: 1, orderBy: CREATED_AT_DES) { nodes { id } } }`, `query($f: ContactFilte) { contacts(first: 1, filter: $f) { nodes { id } } }`,
		`mutation { createContact(input: {firstNam: "a"}) { contact { id } } }`, `{ captureSession { ... on Contac { id } } }`,
	} {
		for _, key := range []string{"", link} {
			if a := h.ask(key, query); a.code() != "BAD_USER_INPUT" || strings.Contains(a.raw, "Did you mean") {
				t.Errorf("%s: %s", query, a.raw)
			}
		}
	}
	if a := h.ask(h.account.APIKey, `{ contacts(firs: 1) { nodes { id } } }`); !strings.Contains(a.raw, "Did you mean") {
		t.Errorf("with a key: %s", a.raw)
	}
}

// Documents are kept once they are parsed, so a huge one costs memory for long.
func TestLongDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, query := range map[string]string{
		"comment": `{ __typename } #` + strings.Repeat("a", 15_000), "string": `{ contact(id: "` + strings.Repeat("a", 15_000) + `") { id } }`,
		"blanks": `{ __typename ` + strings.Repeat(" ,", 8_000) + `}`,
	} {
		if a := h.ask(h.account.APIKey, query); a.code() != "QUERY_TOO_COMPLEX" {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
}

func TestInputsThatNoDatabaseTakes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouseOn(t, db)
		for query, code := range map[string]string{
			`{ contact(id: "ctn_\u0000") { id } }`:                                                                "VALIDATION_FAILED",
			`{ node(id: "ctn_\u0000") { id } }`:                                                                   "VALIDATION_FAILED",
			`{ nodes(ids: ["ctn_\u0000"]) { id } }`:                                                               "VALIDATION_FAILED",
			`{ contacts(first: 1, filter: {q: "\u0000ada"}) { nodes { id } } }`:                                   "VALIDATION_FAILED",
			`{ contacts(first: 1, filter: {email: "\u0000"}) { nodes { id } } }`:                                  "VALIDATION_FAILED",
			`{ contacts(first: 1, filter: {customAttributes: [{key: "\u0000", value: "x"}]}) { nodes { id } } }`:  "VALIDATION_FAILED",
			`{ events(first: 1, topics: ["\u0000"]) { nodes { id } } }`:                                           "VALIDATION_FAILED",
			`{ contacts(first: 1, filter: {createdAfter: "0000-01-01T00:00:00+23:59"}) { nodes { id } } }`:        "BAD_USER_INPUT",
			`{ contacts(first: 1, filter: {createdAfter: "9999-12-31T23:59:59-23:59"}) { nodes { id } } }`:        "BAD_USER_INPUT",
			`{ contacts(first: 1, filter: {createdAfter: "0001-01-01T00:00:00Z"}) { nodes { id } } }`:             "",
			`{ contacts(first: 1, filter: {createdAfter: "9999-12-31T23:59:59.999Z"}) { nodes { id } } }`:         "",
			`mutation { createContact(input: {firstName: "\u0000", email: "a@example.com"}) { contact { id } } }`: "VALIDATION_FAILED",
			`mutation { updateStudio(input: {id: "stu_x", name: "a", brand: {a: "\u0000"}}) { studio { id } } }`:  "VALIDATION_FAILED",
		} {
			if a := h.ask(h.account.APIKey, query); a.code() != code {
				t.Errorf("%s: %s", query, a.raw)
			}
		}
	})
}

func TestConditionsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var attributes, topics []any
	for i := range 1_100 { // SQLite takes no deeper expression
		attributes = append(attributes, map[string]any{"key": fmt.Sprint("k", i), "value": "x"})
		topics = append(topics, fmt.Sprint("T", i))
	}
	const contacts = `query($c: [AttributeFilter!]) { contacts(first: 1, filter: {customAttributes: $c}) { nodes { id } } }`
	const events = `query($t: [String!]) { events(first: 1, topics: $t) { nodes { id } } }`
	if a := h.ask(h.account.APIKey, contacts, "c", attributes); a.code() != "BAD_USER_INPUT" || a.detail() != "out_of_range" {
		t.Errorf("attributes: %s", a.raw)
	}
	if a := h.ask(h.account.APIKey, events, "t", topics); a.code() != "BAD_USER_INPUT" || a.detail() != "out_of_range" {
		t.Errorf("topics: %s", a.raw)
	}
	h.must(h.account.APIKey, contacts, "c", attributes[:20])
	h.must(h.account.APIKey, events, "t", topics[:20])
}

func TestASubscriptionHasOneField(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, query := range []string{
		`subscription { a: submissionUpdated { id } b: submissionUpdated { id } }`, `subscription { submissionUpdated @skip(if: true) { id } }`,
		`subscription { ...two } fragment two on Subscription { a: submissionUpdated { id } b: submissionUpdated { id } }`,
	} {
		if a := h.send(h.account.APIKey, map[string]string{"Accept": "text/event-stream"}, requestBody(t, query)); a.status != http.StatusBadRequest || a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %d %s", query, a.status, a.raw)
		}
	}
}

func TestFilesGoWhereTheVariablesHaveANull(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const query = `query($a: [ID!], $b: JSON) { __typename }`
	for vars, place := range map[string]string{
		``:                                 "variables.in",
		`, "variables": null`:              "variables.in",
		`, "variables": {"a": {}}`:         "variables.a.0",
		`, "variables": {"a": []} `:        "variables.a.0",
		`, "variables": {"a": [null]}`:     "variables.a.7",
		`, "variables": {"a": [null] }`:    "variables.a.-1",
		`, "variables": {"a": "x"}`:        "variables.a.b",
		`, "variables": {"a": 1}`:          "variables.a.0",
		`, "variables": {"a": [null]  }`:   "variables.a.b",
		`, "variables": {"a": "not null"}`: "variables.a",
		`, "variables": {"b": null}`:       "variables.",
	} {
		operations := fmt.Sprintf(`{"query": %q%s}`, query, vars)
		a := h.form(h.account.APIKey, nil, [][2]string{{"operations", operations}, {"map", fmt.Sprintf(`{"0": [%q]}`, place)}, {"0", "photo"}})
		if a.status != http.StatusBadRequest || a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s at %s: %d %s", vars, place, a.status, a.raw)
		}
	}
}

func TestWhatACaptureLinkReadsOfItsSubmission(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	session, link := h.capture(h.contact(1).ID)
	sub, err := h.service.Submit(h.admin(), headshot.SubmitInput{SessionID: session.ID, Photo: []byte("photo"), Consent: true})
	if err != nil {
		t.Fatal(err)
	}
	h.work()
	if _, err := h.service.Reject(h.admin(), headshot.ReviewInput{ID: sub.ID, Reasons: []string{"blurred"}, Note: "he always blinks"}); err != nil {
		t.Fatal(err)
	}
	const all = `{ submission(id: %q) { reviewReasons reviewNote revision { number processingState look models steps } } }`
	a := h.ask(link, fmt.Sprintf(all, sub.ID))
	if strings.Contains(a.raw, "blinks") || a.str("submission.reviewReasons.0") != "blurred" || a.get("submission.revision.number") != 1.0 {
		t.Errorf("the link reads %s", a.raw)
	}
	var hidden []string
	for _, e := range a.Errors {
		hidden = append(hidden, fmt.Sprint(e.Path[len(e.Path)-1]))
	}
	if got := strings.Join(hidden, " "); len(hidden) != 2 || !strings.Contains(got, "reviewNote") || !strings.Contains(got, "look") {
		t.Errorf("hidden are %v: %s", hidden, a.raw)
	}
	if a := h.must(h.account.APIKey, fmt.Sprintf(all, sub.ID)); a.str("submission.reviewNote") != "he always blinks" {
		t.Errorf("a colleague reads %s", a.raw)
	}
}

func TestAnImageIsSignedOnceAnAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sub := h.submit(h.contact(1).ID)
	h.work()
	before := h.signed.Load()
	query := fmt.Sprintf(`{ submission(id: %q) { images { url expiresAt again: url revisionId } } other: submission(id: %q) { images { url expiresAt } } }`, sub.ID, sub.ID)
	a := h.must(h.account.APIKey, query)
	if n := h.signed.Load() - before; n != 2 || a.str("submission.images.1.expiresAt") != a.str("other.images.1.expiresAt") {
		t.Errorf("two images were signed %d times: %s", n, a.raw)
	}
	h.must(h.account.APIKey, query)
	if n := h.signed.Load() - before; n != 4 {
		t.Errorf("the next answer has old URLs: %d were signed", n)
	}
}

func TestListsCanBeDeleted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.must(h.account.APIKey, `mutation { createList(input: {name: "L"}) { list { id } } }`).str("createList.list.id")
	c, err := h.service.CreateContact(h.admin(), headshot.ContactInput{FirstName: "A", Email: "a@example.com", ListIDs: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	const remove = `mutation($id: ID!) { deleteList(input: {id: $id}) { id } }`
	if a := h.ask(h.key("lists:read"), remove, "id", id); a.code() != "FORBIDDEN" {
		t.Errorf("with lists:read: %s", a.raw)
	}
	if a := h.must(h.account.APIKey, remove, "id", id); a.str("deleteList.id") != id {
		t.Errorf("deleted %s", a.raw)
	}
	if a := h.ask(h.account.APIKey, remove, "id", id); a.code() != "NOT_FOUND" {
		t.Errorf("deleted again: %s", a.raw)
	}
	if a := h.must(h.account.APIKey, `query($id: ID!) { contact(id: $id) { listIds } }`, "id", c.ID); fmt.Sprint(a.get("contact.listIds")) != "[]" {
		t.Errorf("the contact is in %s", a.raw)
	}
}
