package rest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"headroom/rest"
)

func operations(t *testing.T) []rest.Operation {
	t.Helper()
	ops, err := rest.Operations()
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

func TestEveryDocumentStandsAloneInTheSchema(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t) {
		doc, errs := gqlparser.LoadQueryWithRules(rest.Schema(), op.Text, nil)
		if errs != nil {
			t.Errorf("%s: %v\n%s", op.Name, errs, op.Text)
			continue
		}
		if len(doc.Operations) != 1 || doc.Operations[0].Name != op.Name {
			t.Errorf("%s: not exactly that one operation", op.Name)
		}
	}
}

func TestEveryRouteHasADocumentAndEveryDocumentARoute(t *testing.T) {
	t.Parallel()
	routed := map[string]bool{}
	for _, rt := range rest.Routes() {
		routed[rt.Operation] = true
	}
	known := map[string]bool{}
	for _, op := range operations(t) {
		known[op.Name] = true
		if !routed[op.Name] {
			t.Errorf("no route runs %s", op.Name)
		}
	}
	for name := range routed {
		if !known[name] {
			t.Errorf("there is no document %s", name)
		}
	}
}

// keys visits every field of a document with its type's name.
func keys(set ast.SelectionSet, parent string, visit func(parent string, f *ast.Field)) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			visit(parent, s)
			keys(s.SelectionSet, s.Definition.Type.Name(), visit)
		case *ast.InlineFragment:
			keys(s.SelectionSet, s.TypeCondition, visit)
		case *ast.FragmentSpread:
			keys(s.Definition.SelectionSet, s.Definition.TypeCondition, visit)
		}
	}
}

func TestBodiesNameFieldsInSnakeCase(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t) {
		doc := gqlparser.MustLoadQueryWithRules(rest.Schema(), op.Text, nil)
		for _, s := range doc.Operations[0].SelectionSet {
			root := s.(*ast.Field) //nolint:forcetypeassert // a test
			keys(root.SelectionSet, root.Definition.Type.Name(), func(parent string, f *ast.Field) {
				if slices.Contains([]string{"body", "data", "pagination"}, f.Alias) {
					return
				}
				if f.Alias != rest.Snake(f.Name) {
					t.Errorf("%s: %s.%s is called %s, not %s", op.Name, parent, f.Name, f.Alias, rest.Snake(f.Name))
				}
			})
		}
	}
}

// A field that the schema gains is meant for REST too, unless it leads to another noun or is named here.
func TestBodiesHaveEveryFieldOfTheirNoun(t *testing.T) {
	t.Parallel()
	left := map[string][]string{
		"Image":    {"submissionId"},                                                                          // it is within the submission
		"Revision": {"submissionId", "look", "models", "steps", "images", "failure", "quality", "submission"}, // the submission shows its newest's
		"PageInfo": {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"},                            // of GraphQL's paging
	}
	has := map[string]map[string]bool{}
	for _, op := range operations(t) {
		doc := gqlparser.MustLoadQueryWithRules(rest.Schema(), op.Text, nil)
		keys(doc.Operations[0].SelectionSet, "", func(parent string, f *ast.Field) {
			if has[parent] == nil {
				has[parent] = map[string]bool{}
			}
			has[parent][f.Name] = true
		})
	}
	for _, noun := range []string{
		"Contact", "List", "Studio", "StudioSession", "Submission", "Image", "Revision", "Failure", "Warning", "Quality", "QualityCheck",
		"WebhookEndpoint", "Delivery", "DeliveryAttempt", "PageInfo",
	} {
		for _, f := range rest.Schema().Types[noun].Fields {
			otherNoun := f.Directives.ForName("needs") != nil
			if strings.HasPrefix(f.Name, "__") || otherNoun || has[noun][f.Name] || slices.Contains(left[noun], f.Name) {
				continue
			}
			t.Errorf("no document asks for %s.%s", noun, f.Name)
		}
	}
}

// The field names that callers of the compatible service rely on.
func TestRoutesOfTheContract(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		"GET /api/v2/contacts", "POST /api/v2/contacts", "GET /api/v2/contacts/{id}", "PUT /api/v2/contacts/{id}",
		"GET /api/v2/submissions", "GET /api/v2/submissions/{id}", "POST /api/v2/studio_sessions",
	} {
		found := slices.ContainsFunc(rest.Routes(), func(rt rest.Route) bool { return rt.Method+" "+rt.Path == want })
		if !found {
			t.Errorf("%s is not served", want)
		}
	}
}
