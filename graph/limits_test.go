package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"headroom/graph"
)

func nest(levels int) string {
	// contact → submissions → nodes → contact → …: three levels each
	q := "id"
	for range levels {
		q = "submissions(first: 1) { nodes { contact { " + q + " } } }"
	}
	return `{ contact(id: "ctn_x") { ` + q + ` } }`
}

func repeat(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+" ", i)
	}
	return b.String()
}

func TestLimitsRefuseBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.must(h.account.APIKey, `{ __typename }`) // the key is in the cache now
	fan := `query { ...f0 } `
	for i := range 30 {
		fan += fmt.Sprintf("fragment f%d on Query { ...f%d ...f%d } ", i, i+1, i+1)
	}
	fan += "fragment f30 on Query { __typename }"
	for name, c := range map[string]struct{ query, code string }{
		"depth":              {nest(4), "QUERY_TOO_COMPLEX"},
		"aliases":            {"{ viewer { " + repeat(31, "a%d: id") + "} }", "QUERY_TOO_COMPLEX"},
		"root fields":        {"{ " + repeat(21, "a%d: viewer { id }") + "}", "QUERY_TOO_COMPLEX"},
		"directives":         {"{ viewer { " + strings.Repeat("... @include(if: true) { id } ", 51) + "} }", "QUERY_TOO_COMPLEX"},
		"tokens":             {"{ viewer { " + strings.Repeat("id ", 2001) + "} }", "QUERY_TOO_COMPLEX"},
		"cost":               {`{ contacts(first: 100) { nodes { submissions(first: 100) { nodes { id images { id url width height bytes sha256 name } } } } } }`, "QUERY_TOO_COMPLEX"},
		"cost by default":    {`{ contacts { nodes { submissions { nodes { id images { id url width height bytes sha256 name } } } } } }`, "QUERY_TOO_COMPLEX"},
		"fan-out":            {fan, "QUERY_TOO_COMPLEX"},
		"two operations":     {`query a { viewer { id } } query b { viewer { id } }`, "BAD_USER_INPUT"},
		"syntax":             {`{ viewer { id `, "BAD_USER_INPUT"},
		"unknown field":      {`{ viewer { nope } }`, "BAD_USER_INPUT"},
		"unknown arg":        {`{ contacts(first: 1, nope: 1) { nodes { id } } }`, "BAD_USER_INPUT"},
		"wrong type":         {`{ contacts(first: "one") { nodes { id } } }`, "BAD_USER_INPUT"},
		"subscription":       {`subscription { submissionUpdated { id } }`, "BAD_USER_INPUT"},
		"list introspection": {`{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }`, "BAD_USER_INPUT"},
	} {
		var a answer
		statements := h.counted(func() {
			a = h.send(h.account.APIKey, map[string]string{"Accept": "application/graphql-response+json"}, requestBody(t, c.query))
		})
		if a.code() != c.code || a.status != 400 || strings.Contains(a.raw, `"data"`) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
		if statements > 1 { // finding the key, when the cache has forgotten it
			t.Errorf("%s: %d statements were sent", name, statements)
		}
	}
	within := h.must(h.account.APIKey, "{ viewer { "+repeat(30, "a%d: id")+"} }")
	cost, _ := within.Extensions["cost"].(map[string]any)
	if cost["requested"] != 31.0 || cost["limit"] != float64(graph.DefaultLimits().Cost) {
		t.Errorf("cost is %v", within.Extensions)
	}
	if a := h.ask(h.account.APIKey, nest(3)); a.code() != "NOT_FOUND" {
		t.Errorf("eleven levels: %s", a.raw)
	}
}

func TestOurOwnDocumentsAreExemptFromTheLimits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	out := h.handler.Exec(h.admin(), graph.Request{Document: "{ viewer { " + repeat(500, "a%d: id") + "} }"})
	if len(out.Errors) > 0 || !strings.Contains(string(out.Data), `"a499"`) {
		t.Errorf("%s %v", out.Data, out.Errors)
	}
}

// standard is the introspection query of graphql-js.
const standard = `query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
	types { ...FullType } directives { name description locations args { ...InputValue } } } }
fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
	inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

func TestTheSchemaIsShownToThoseWithCredentialsOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	closed := newHouse(t, func(c *graph.Config) { c.NoIntrospection = true })
	_, link := h.capture(h.contact(1).ID)
	const typo = `{ viewerr { id } }`
	for name, c := range map[string]struct {
		house    *house
		key      string
		code     string
		suggests bool
	}{
		"key":          {h, h.account.APIKey, "", true},
		"anonymous":    {h, "", "UNAUTHENTICATED", false},
		"capture":      {h, link, "FORBIDDEN", false},
		"switched off": {closed, closed.account.APIKey, "FORBIDDEN", false},
	} {
		if a := c.house.ask(c.key, standard); a.code() != c.code {
			t.Errorf("%s: introspection gives %q: %.300s", name, a.code(), a.raw)
		}
		if a := c.house.ask(c.key, typo); strings.Contains(a.raw, "Did you mean") != c.suggests || a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: a typo gives %s", name, a.raw)
		}
		if a := c.house.ask(c.key, `{ __typename }`); a.str("__typename") != "Query" {
			t.Errorf("%s: __typename gives %s", name, a.raw)
		}
	}
}
