package rest

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// What tests look at from outside.

var (
	Decode = decode
	Find   = find
	Snake  = snake
)

// Operation is a document as it is sent to the executor.
type Operation struct{ Name, Text string }

// Operations lists all documents.
func Operations() ([]Operation, error) {
	docs, err := documents(schema())
	var out []Operation
	for _, d := range docs {
		out = append(out, Operation{d.name, d.text})
	}
	return out, err
}

// Cut takes the body out of an answer's data as the named operation does.
func Cut(operation string, data []byte) []byte {
	docs, err := documents(schema())
	if err != nil {
		panic(err)
	}
	return docs[operation].cut(data)
}

// Route is a line of the table.
type Route struct{ Method, Path, Operation string }

// Routes lists the table.
func Routes() []Route {
	var out []Route
	for _, rt := range routes() {
		out = append(out, Route{rt.method, rt.path, rt.operation})
	}
	return out
}

// Schema is the SDL.
func Schema() *ast.Schema { return schema() }

// RefusalCode gives the code of a refusal, or "".
func RefusalCode(err error) string {
	if r, ok := err.(*refusal); ok { //nolint:errorlint // as decode returns it
		return r.code
	}
	return ""
}
