package rest

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

//go:embed operations/*.graphql
var operations embed.FS

// bodyKey is the alias that marks, in a document, the field whose value is the answer's body. Of a
// list of rows the first is meant. Scalars beside it are joined to it: the secret of an endpoint.
const bodyKey = "body"

// document is one operation of operations/*.graphql with the fragments it uses.
type document struct {
	name      string
	text      string
	variables ast.VariableDefinitionList
	mutation  bool

	body   []string // path of the body in the answer's data
	beside []string // path of what holds the body and the scalars in joined
	joined []string
}

// documents loads the operations by name, validated against schema.
func documents(schema *ast.Schema) (map[string]*document, error) {
	files, err := fs.Glob(operations, "operations/*.graphql")
	if err != nil {
		return nil, fmt.Errorf("list the documents: %w", err)
	}
	all := &ast.QueryDocument{}
	for _, name := range files {
		text, err := operations.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		doc, err := parser.ParseQuery(&ast.Source{Name: name, Input: string(text)})
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		all.Operations = append(all.Operations, doc.Operations...)
		all.Fragments = append(all.Fragments, doc.Fragments...)
	}
	if errs := validator.ValidateWithRules(schema, all, nil); len(errs) > 0 {
		return nil, fmt.Errorf("the documents do not fit the schema: %w", errs)
	}
	out := map[string]*document{}
	for _, op := range all.Operations {
		if out[op.Name], err = newDocument(op, all.Fragments); err != nil {
			return nil, fmt.Errorf("document %s: %w", op.Name, err)
		}
	}
	return out, nil
}

func newDocument(op *ast.OperationDefinition, fragments ast.FragmentDefinitionList) (*document, error) {
	d := &document{name: op.Name, variables: op.VariableDefinitions, mutation: op.Operation == ast.Mutation}
	own := &ast.QueryDocument{Operations: ast.OperationList{op}}
	for _, name := range spreads(op.SelectionSet, fragments, nil) {
		own.Fragments = append(own.Fragments, fragments.ForName(name))
	}
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithIndent(" ")).FormatQueryDocument(own)
	d.text = text.String()
	if !d.seek(op.SelectionSet, nil) {
		return nil, errors.New("no field has the alias " + bodyKey)
	}
	return d, nil
}

// seek finds the body in set, which stands at path, at most two fields deep.
func (d *document) seek(set ast.SelectionSet, path []string) bool {
	for _, s := range set {
		f, ok := s.(*ast.Field)
		if !ok {
			continue
		}
		here := slices.Concat(path, []string{f.Alias})
		if f.Alias != bodyKey {
			if len(path) == 0 && d.seek(f.SelectionSet, here) {
				return true
			}
			continue
		}
		d.body, d.beside = here, path
		if f.Definition.Type.Elem != nil {
			d.body = append(d.body, "0")
		}
		for _, other := range set {
			if o, ok := other.(*ast.Field); ok && o != f {
				d.joined = append(d.joined, o.Alias)
			}
		}
		return true
	}
	return false
}

// spreads lists the fragments that set uses, those they use included, each once.
func spreads(set ast.SelectionSet, fragments ast.FragmentDefinitionList, found []string) []string {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			found = spreads(s.SelectionSet, fragments, found)
		case *ast.InlineFragment:
			found = spreads(s.SelectionSet, fragments, found)
		case *ast.FragmentSpread:
			if !slices.Contains(found, s.Name) {
				found = spreads(fragments.ForName(s.Name).SelectionSet, fragments, append(found, s.Name))
			}
		}
	}
	return found
}

// cut takes the body out of an answer's data; nil when the row is not there.
func (d *document) cut(data []byte) []byte {
	body := find(data, d.body...)
	if len(body) == 0 || string(body) == "null" {
		return nil
	}
	return join(body, find(data, d.beside...), d.joined)
}
