package graph

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"headroom/graph/page"
)

// A page of rows with their edges is read with one statement an edge, not one a row: before a query
// runs, its pick function walks the selection under the field and asks ent to load the edges it
// finds. The edges' resolvers take the loaded rows; on rows that come from elsewhere, such as a
// mutation's, they query for themselves.

// want is a field that is asked for, once for each set of arguments, with everything asked of it.
type want struct {
	name string
	key  string // name and arguments; names the loaded rows, see loadKey
	args map[string]any
	sets []ast.SelectionSet
}

// selection is what is asked of the field that is being resolved.
func selection(ctx context.Context) []ast.SelectionSet {
	return []ast.SelectionSet{graphql.GetFieldContext(ctx).Field.Selections}
}

// wants lists the fields of type typ that sets ask for.
func wants(ctx context.Context, typ string, sets []ast.SelectionSet) []want {
	op := graphql.GetOperationContext(ctx)
	var out []want
	at := map[string]int{}
	for _, set := range sets {
		for _, f := range graphql.CollectFields(op, set, []string{typ, "Node"}) {
			key := fieldKey(op, f)
			i, known := at[key]
			if !known {
				i, at[key] = len(out), len(out)
				out = append(out, want{name: f.Name, key: key, args: f.ArgumentMap(op.Variables)})
			}
			out[i].sets = append(out[i].sets, f.Selections)
		}
	}
	return out
}

// rows gives what is asked of the rows of a connection field, through nodes and through edges.
func (w want) rows(ctx context.Context, typ string) []ast.SelectionSet {
	return rowsOf(ctx, typ, w.sets)
}

func rowsOf(ctx context.Context, typ string, sets []ast.SelectionSet) []ast.SelectionSet {
	op := graphql.GetOperationContext(ctx)
	var out []ast.SelectionSet
	for _, set := range sets {
		for _, f := range graphql.CollectFields(op, set, []string{typ + "Connection"}) {
			switch f.Name {
			case "nodes":
				out = append(out, f.Selections)
			case "edges":
				for _, e := range graphql.CollectFields(op, f.Selections, []string{typ + "Edge"}) {
					if e.Name == "node" {
						out = append(out, e.Selections)
					}
				}
			}
		}
	}
	return out
}

func fieldKey(op *graphql.OperationContext, f graphql.CollectedField) string {
	args, err := json.Marshal(f.ArgumentMap(op.Variables))
	if err != nil { // only uploads cannot be written, and no edge takes one
		panic(fmt.Sprintf("graph: arguments of %s: %v", f.Name, err))
	}
	return f.Name + string(args)
}

// loadKey is the key that the field being resolved has as a want.
func loadKey(ctx context.Context) string {
	return fieldKey(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field)
}

// pageArgs reads the arguments of a connection field. Their types were checked by validation.
func (w want) pageArgs() page.Args {
	number := func(name string) *int {
		if v := w.args[name]; v != nil {
			if n, err := graphql.UnmarshalInt(v); err == nil {
				return &n
			}
		}
		return nil
	}
	text := func(name string) *string {
		if s, ok := w.args[name].(string); ok {
			return &s
		}
		return nil
	}
	return page.Args{First: number("first"), Last: number("last"), After: text("after"), Before: text("before")}
}

// orderBy reads the argument of that name.
func orderBy[E ~string](w want) E {
	s, _ := w.args["orderBy"].(string)
	return E(s)
}
