package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"headroom/graph/generated"
	"headroom/internal/auth"
)

func sdl() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// own lists the schema's own types: not those of GraphQL itself.
func own(s *ast.Schema) []*ast.Definition {
	var out []*ast.Definition
	for _, d := range s.Types {
		if !d.BuiltIn && !strings.HasPrefix(d.Name, "__") {
			out = append(out, d)
		}
	}
	return out
}

// isNode says whether the type, or what its connection holds, is a noun.
func isNode(s *ast.Schema, name string) bool {
	d := s.Types[strings.TrimSuffix(name, "Connection")]
	if d == nil || d.Kind != ast.Object {
		return false
	}
	return slices.Contains(d.Interfaces, "Node")
}

func TestEveryRootFieldAndEveryEdgeToAnotherNounSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	s, checked := sdl(), 0
	roots := map[string]bool{"Query": true, "Mutation": true, "Subscription": true}
	holders := map[string]bool{"Viewer": true, "CaptureSession": true} // not nouns, but seen like ones
	for _, d := range own(s) {
		if d.Kind != ast.Object || (!roots[d.Name] && !holders[d.Name] && !slices.Contains(d.Interfaces, "Node")) {
			continue
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") || (!roots[d.Name] && !isNode(s, f.Type.Name())) {
				continue
			}
			checked++
			needs := f.Directives.ForName("needs")
			if needs == nil {
				t.Errorf("%s.%s has no @needs", d.Name, f.Name)
				continue
			}
			scope := needs.Arguments.ForName("scope").Value.Raw
			if !auth.ValidScope(scope) && scope != "any" && scope != "capture" {
				t.Errorf("%s.%s needs %q, which is no scope", d.Name, f.Name, scope)
			}
			if d.Name == "Mutation" && strings.HasSuffix(scope, ":read") {
				t.Errorf("mutation %s needs %q, which only reads", f.Name, scope)
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d fields were looked at: the walk is broken", checked)
	}
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	s := sdl()
	described := func(what, text string) {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s has no description", what)
		}
	}
	for _, d := range own(s) {
		described(d.Name, d.Description)
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			described(d.Name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				described(d.Name+"."+f.Name+"("+a.Name+")", a.Description)
			}
		}
		for _, v := range d.EnumValues {
			described(d.Name+"."+v.Name, v.Description)
		}
	}
	needs := s.Directives["needs"]
	described("@needs", needs.Description)
	for _, a := range needs.Arguments {
		described("@needs("+a.Name+")", a.Description)
	}
}

func TestMutationsTakeOneInputAndGiveOnePayload(t *testing.T) {
	t.Parallel()
	for _, f := range sdl().Mutation.Fields {
		want := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		if f.Type.String() != want+"Payload!" {
			t.Errorf("%s gives %s", f.Name, f.Type)
		}
		if f.Name == "openCaptureSession" { // there is nothing to say
			continue
		}
		if len(f.Arguments) != 1 || f.Arguments[0].Name != "input" || f.Arguments[0].Type.String() != want+"Input!" {
			t.Errorf("%s does not take one input of its own", f.Name)
		}
	}
}

func TestConnectionsHaveTheSameArgumentsAndFields(t *testing.T) {
	t.Parallel()
	s, seen := sdl(), 0
	for _, d := range own(s) {
		if strings.HasSuffix(d.Name, "Connection") {
			var fields []string
			for _, f := range d.Fields {
				fields = append(fields, f.Name)
			}
			if got := strings.Join(fields, " "); got != "edges nodes pageInfo totalCount" {
				t.Errorf("%s has %s", d.Name, got)
			}
		}
		for _, f := range d.Fields {
			if d.Kind != ast.Object || !strings.HasSuffix(f.Type.Name(), "Connection") {
				continue
			}
			seen++
			for name, typ := range map[string]string{"first": "Int", "after": "String", "last": "Int", "before": "String"} {
				if a := f.Arguments.ForName(name); a == nil || a.Type.String() != typ {
					t.Errorf("%s.%s has no argument %s: %s", d.Name, f.Name, name, typ)
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d connections were looked at", seen)
	}
}
