// Package graphiql serves the GraphiQL playground from files inside the binary.
//
// The bundle is built by Vite (make build) into dist, which is not committed. A clone that has
// not built it still compiles: the embed pattern also matches dist-placeholder, a committed page
// that says what is missing, and it is served in the bundle's stead.
package graphiql

import (
	"embed"
	"io/fs"
	"net/http"
)

// Path is where [Handler] must be mounted; it ends in a slash, as a pattern of http.ServeMux does.
const Path = "/developers/graphiql/"

//go:embed all:dist*
var files embed.FS

// Handler serves the playground below [Path], or the placeholder page when the binary was built
// without the bundle. It talks to /graphql of the same origin and to nothing else.
//
// It panics when the embedded files cannot be read, which only a broken build can cause.
func Handler() http.Handler {
	dir := "dist"
	if !Built() {
		dir = "dist-placeholder"
	}
	bundle, err := fs.Sub(files, dir)
	if err != nil {
		panic(err)
	}
	handler, err := New(bundle)
	if err != nil {
		panic(err)
	}
	return handler
}

// Built tells whether the real bundle is in this binary.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html.br")
	return err == nil
}
