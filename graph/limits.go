package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"

	"headroom/graph/page"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// Limits are what a request may ask for. They are checked before anything runs.
type Limits struct {
	Length             int // of the document in bytes; documents are kept once they are parsed
	Depth              int // selection sets within each other
	IntrospectionDepth int // the same under __schema and __type
	Aliases            int
	RootFields         int
	Directives         int
	Tokens             int
	Cost               int // see costOf
}

// DefaultLimits are the contract's.
func DefaultLimits() Limits {
	return Limits{Length: 12_000, Depth: 12, IntrospectionDepth: 15, Aliases: 30, RootFields: 20, Directives: 50, Tokens: 2_000, Cost: 100_000}
}

// maxVisits bounds the walk over an operation, whose fragments may fan out without end.
const maxVisits = 10_000

const costExtension = "cost"

// guard applies the limits, and says who may look at the schema.
type guard struct {
	Limits
	introspection bool
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
	graphql.ResponseInterceptor
} = guard{}

// ExtensionName names the extension for gqlgen.
func (guard) ExtensionName() string { return "Limits" }

// Validate finds nothing to complain about.
func (guard) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters counts bytes and tokens before the parser sees the document.
func (g guard) MutateOperationParameters(_ context.Context, p *graphql.RawParams) *gqlerror.Error {
	if len(p.Query) > g.Length {
		return refusal(queryTooComplex, "the document has more than %d bytes", g.Length)
	}
	if len(p.Query) <= g.Tokens { // each token has a character
		return nil
	}
	lex := lexer.New(&ast.Source{Input: p.Query})
	for n := 0; ; n++ {
		token, err := lex.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return nil //nolint:nilerr // the parser says what is wrong
		}
		if n >= g.Tokens {
			return refusal(queryTooComplex, "the document has more than %d tokens", g.Tokens)
		}
	}
}

// MutateOperationContext checks the shape and reckons the cost of the operation.
func (g guard) MutateOperationContext(ctx context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	if len(oc.Doc.Operations) > 1 {
		return refusal(headshot.BadUserInput, "send one operation a request")
	}
	m := measure{vars: oc.Variables}
	cost := m.walk(oc.Operation.SelectionSet, 1, false, "")
	m.roots = len(graphql.CollectFields(oc, oc.Operation.SelectionSet, nil))
	if oc.Operation.Operation == ast.Subscription && m.roots != 1 { // gqlgen panics
		return refusal(headshot.BadUserInput, "a subscription has one field")
	}
	for _, c := range []struct {
		what     string
		got, max int
	}{
		{"fields", m.visits, maxVisits}, {"levels", m.depth, g.Depth}, {"levels of introspection", m.introspectionDepth, g.IntrospectionDepth},
		{"aliases", m.aliases, g.Aliases}, {"root fields", max(m.roots, len(oc.Operation.SelectionSet)), g.RootFields},
		{"directives", m.directives + len(oc.Operation.Directives), g.Directives}, {"cost units", cost, g.Cost},
	} {
		if c.got > c.max {
			return refusal(queryTooComplex, "the operation has more %s than the %d allowed", c.what, c.max)
		}
	}
	if m.introspectionDepth > 0 {
		if err := g.mayIntrospect(ctx); err != nil {
			return err
		}
		oc.DisableIntrospection = false
	}
	oc.Stats.SetExtension(costExtension, map[string]int{"requested": cost, "limit": g.Cost})
	return nil
}

func (g guard) mayIntrospect(ctx context.Context) *gqlerror.Error {
	a, ok := tenancy.From(ctx)
	switch {
	case !g.introspection:
		return refusal(headshot.Forbidden, "introspection is switched off; the schema is in the documentation")
	case !ok:
		return refusal(headshot.Unauthenticated, "introspection needs credentials")
	case a.Kind == tenancy.Capture:
		return refusal(headshot.Forbidden, "a capture link does not allow introspection")
	}
	return nil
}

// InterceptResponse tells what the operation cost.
func (guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if graphql.HasOperationContext(ctx) {
		if cost := graphql.GetOperationContext(ctx).Stats.GetExtension(costExtension); cost != nil {
			graphql.RegisterExtension(ctx, costExtension, cost)
		}
	}
	return next(ctx)
}

// measure is what a walk over an operation finds.
type measure struct {
	vars                                                          map[string]any
	visits, depth, introspectionDepth, aliases, directives, roots int
}

// Costs: a field costs 1, and what is under it as often as it may come back. A connection comes back
// `first` or `last` times, any other list listSize times; counting a connection costs countCost.
const (
	listSize  = 10
	countCost = 50
)

// walk measures set and returns its cost. parent is the name of the type that set selects from.
func (m *measure) walk(set ast.SelectionSet, depth int, introspection bool, parent string) (cost int) {
	if introspection {
		m.introspectionDepth = max(m.introspectionDepth, depth)
	} else {
		m.depth = max(m.depth, depth)
	}
	for _, s := range set {
		if m.visits++; m.visits > maxVisits {
			return cost
		}
		switch s := s.(type) {
		case *ast.Field:
			m.directives += len(s.Directives)
			if s.Alias != s.Name {
				m.aliases++
			}
			cost = add(cost, m.field(s, depth, introspection, parent))
		case *ast.InlineFragment:
			m.directives += len(s.Directives)
			cost = add(cost, m.walk(s.SelectionSet, depth, introspection, parent))
		case *ast.FragmentSpread:
			m.directives += len(s.Directives)
			cost = add(cost, m.walk(s.Definition.SelectionSet, depth, introspection, parent))
		}
	}
	return cost
}

func (m *measure) field(f *ast.Field, depth int, introspection bool, parent string) int {
	if f.Name == "totalCount" && strings.HasSuffix(parent, "Connection") {
		return countCost
	}
	if len(f.SelectionSet) == 0 {
		return 1
	}
	if f.Name == "__schema" || f.Name == "__type" {
		m.walk(f.SelectionSet, depth+1, true, "")
		return 1
	}
	typ := f.Definition.Type
	under := m.walk(f.SelectionSet, depth+1, introspection, typ.Name())
	return add(1, times(m.rows(f, parent), under))
}

// rows is how often what is under f may come back.
func (m *measure) rows(f *ast.Field, parent string) int {
	typ := f.Definition.Type
	switch {
	case strings.HasSuffix(typ.Name(), "Connection"):
		for _, name := range []string{"first", "last"} {
			if n, ok := m.number(f.Arguments.ForName(name)); ok {
				return n
			}
		}
		return page.Max
	case typ.Elem == nil || strings.HasSuffix(parent, "Connection"): // the connection's size counts its rows
		return 1
	case f.Arguments.ForName("ids") != nil:
		return page.Max
	}
	return listSize
}

// number reads an argument; sizes out of range, which the field itself refuses, count as the largest.
func (m *measure) number(a *ast.Argument) (int, bool) {
	if a == nil {
		return 0, false
	}
	v, err := a.Value.Value(m.vars)
	if err != nil || v == nil {
		return 0, false
	}
	n, err := graphql.UnmarshalInt(v)
	if err != nil || n < 0 || n > page.Max {
		return page.Max, true
	}
	return n, true
}

// costs stay below this, whatever is added and multiplied.
const hugeCost = 1 << 40

func add(a, b int) int { return min(a+b, hugeCost) }

func times(a, b int) int {
	if a > 0 && b > hugeCost/a {
		return hugeCost
	}
	return a * b
}
