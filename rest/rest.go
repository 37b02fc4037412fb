// Package rest is the API as REST, /api/v2: GraphQL underneath. Each route is one document of
// operations/, whose aliases shape the body (`first_name: firstName`), run in process on the executor
// behind /graphql, with the same permissions, checks and errors. There is no second way to the data.
//
// What this package adds is the form: the request's path, query and body become the document's
// variables (bind.go), the answer's body is cut out of the executor's answer as it stands (cut.go),
// and what went wrong is told as a problem of RFC 9457 (errors.go).
package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/graph"
	"headroom/graph/generated"
	"headroom/internal/auth"
	"headroom/internal/requestid"
	"headroom/internal/tenancy"
)

// Executor runs a document as the actor of ctx; graph.Handler does.
type Executor interface {
	Exec(ctx context.Context, r graph.Request) graph.Response
}

// API serves /api/v2. It expects the actor in the request's context, where auth's middleware puts it.
type API struct {
	exec Executor
	log  *slog.Logger
	mux  *http.ServeMux
}

// endpoint is a route ready to be served.
type endpoint struct {
	route
	document *document
	binding  *binding
}

// New makes the API over exec. Routes, documents and schema are all compiled in: that they do not fit
// each other is a fault of the build, which the tests find, and New panics at.
func New(exec Executor, log *slog.Logger) *API {
	a := &API{exec: exec, log: log, mux: http.NewServeMux()}
	paths, err := endpoints()
	if err != nil {
		panic("rest: " + err.Error())
	}
	for path, methods := range paths {
		a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, methods) })
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, &refusal{code: notFound, detail: "there is no such path"})
	})
	return a
}

// endpoints makes the routes ready, by path and method.
func endpoints() (map[string]map[string]*endpoint, error) {
	schema := schema()
	docs, err := documents(schema)
	if err != nil {
		return nil, err
	}
	paths := map[string]map[string]*endpoint{}
	for _, rt := range routes() {
		d, ok := docs[rt.operation]
		if !ok {
			return nil, fmt.Errorf("%s %s: there is no document %s", rt.method, rt.path, rt.operation)
		}
		b, err := newBinding(schema, rt, d)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", rt.method, rt.path, err)
		}
		if paths[rt.path] == nil {
			paths[rt.path] = map[string]*endpoint{}
		}
		paths[rt.path][rt.method] = &endpoint{route: rt, document: d, binding: b}
	}
	return paths, nil
}

// schema is the SDL of graph.
func schema() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// ServeHTTP answers a request of /api/v2.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if w.Header().Get(requestid.Header) == "" { // no middleware before us
		requestid.Middleware(a.mux).ServeHTTP(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// refuse answers with a problem, and logs what is our own fault.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		refused = &refusal{code: internal, err: err}
	}
	id := w.Header().Get(requestid.Header)
	if httpStatus, _ := status(refused.code); httpStatus == http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "REST request failed", "request_id", id, "method", r.Method, "path", r.URL.Path, "error", refused)
	}
	refused.write(w, r, id)
}

func (a *API) serve(w http.ResponseWriter, r *http.Request, methods map[string]*endpoint) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	e, ok := methods[method]
	if !ok {
		allowed := slices.Collect(maps.Keys(methods))
		if methods[http.MethodGet] != nil {
			allowed = append(allowed, http.MethodHead)
		}
		slices.Sort(allowed)
		allow := strings.Join(allowed, ", ")
		a.refuse(w, r, &refusal{
			code: methodNotAllowed, detail: "the methods here are " + allow, header: map[string]string{"Allow": allow},
		})
		return
	}
	if err := authenticated(r); err != nil {
		a.refuse(w, r, err)
		return
	}
	vars, err := e.binding.variables(w, r)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	body, err := run(r.Context(), a.exec, e.document, vars, e.binding.locate)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	if err := e.write(w, body); err != nil {
		a.refuse(w, r, err)
	}
}

// authenticated refuses a request without an actor, before its body is read.
func authenticated(r *http.Request) error {
	if _, ok := tenancy.From(r.Context()); ok {
		return nil
	}
	why := auth.Failure(r.Context())
	refused := &refusal{code: unauthenticated, header: map[string]string{}}
	switch {
	case why == nil, errors.Is(why, auth.ErrNoCredentials):
		refused.detail = auth.ErrNoCredentials.Error()
	case errors.Is(why, auth.ErrInvalid), errors.Is(why, auth.ErrMalformedKey):
		refused.detail = why.Error()
		refused.header["WWW-Authenticate"] = `Bearer realm="headroom", error="invalid_token"`
	case http.NewCrossOriginProtection().Check(r) != nil: // the portal's cookie on a request from elsewhere
		refused.code, refused.detail = forbidden, "requests from other sites are refused"
	default:
		return &refusal{code: internal, err: why}
	}
	return refused
}

// run executes a document and gives the body cut out of the answer. The error is a *refusal; nothing
// where the body should be is NOT_FOUND.
func run(ctx context.Context, exec Executor, d *document, vars map[string]any, locate func(fault, string) fault) ([]byte, error) {
	answer := exec.Exec(ctx, graph.Request{Document: d.text, Variables: vars})
	body := d.cut(answer.Data)
	if len(answer.Errors) > 0 && (body == nil || !onlyHidden(answer.Errors)) {
		return nil, refusalOf(answer.Errors, locate)
	}
	if body == nil {
		return nil, &refusal{code: notFound, detail: "not found"}
	}
	return body, nil
}

// onlyHidden says whether all that went wrong is that the caller may not see some fields of the body,
// which are null then: the note for colleagues, for the holder of a capture link.
func onlyHidden(errs gqlerror.List) bool {
	for _, e := range errs {
		if code(e) != forbidden {
			return false
		}
	}
	return true
}

func code(e *gqlerror.Error) string {
	if c := e.Extensions["code"]; c != nil {
		return fmt.Sprint(c)
	}
	return internal
}

// refusalOf puts the executor's errors into one refusal: the first one's, unless another is our fault.
func refusalOf(errs gqlerror.List, locate func(fault, string) fault) *refusal {
	first := errs[0]
	for _, e := range errs {
		if s, _ := status(code(e)); s == http.StatusInternalServerError {
			first = e
			break
		}
	}
	out := &refusal{code: code(first), detail: first.Message, err: first}
	for _, e := range errs {
		if code(e) == out.code {
			out.faults = append(out.faults, faultsOf(e, locate)...)
		}
	}
	if len(out.faults) > 0 {
		out.detail = summary(out.faults)
	}
	for _, f := range out.faults {
		switch {
		case f.inPath && f.Code == "unknown_id":
			return &refusal{code: notFound, detail: "not found"}
		case f.Code == "insufficient_scope":
			out.header = map[string]string{"WWW-Authenticate": `Bearer realm="headroom", error="insufficient_scope"`}
		}
	}
	if seconds, ok := first.Extensions["retryAfter"]; ok {
		out.header = map[string]string{"Retry-After": fmt.Sprint(seconds)}
	}
	return out
}

func faultsOf(e *gqlerror.Error, locate func(fault, string) fault) []fault {
	named, _ := e.Extensions["errors"].([]graph.Fault)
	if finer, ok := e.Extensions["detail"].(string); ok && len(named) == 0 {
		return []fault{{Code: finer, Detail: e.Message}}
	}
	out := make([]fault, len(named))
	for i, n := range named {
		out[i] = fault{Code: n.Code, Detail: n.Message}
		if out[i].Code == "" {
			out[i].Code = "invalid"
		}
		if len(n.Field) > 0 {
			out[i] = locate(out[i], strings.Join(n.Field, "."))
		}
	}
	return out
}

// write answers with body.
func (e *endpoint) write(w http.ResponseWriter, body []byte) error {
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	switch e.status {
	case http.StatusFound:
		var url string
		if err := json.Unmarshal(find(body, "url"), &url); err != nil { // a row of another noun
			return &refusal{code: notFound, detail: "not found"}
		}
		h.Set("Location", url)
		w.WriteHeader(e.status)
		return nil
	case http.StatusNoContent:
		w.WriteHeader(e.status)
		return nil
	case http.StatusCreated:
		h.Set("Location", e.path+"/"+strings.Trim(string(find(body, "id")), `"`))
	}
	if e.document.mutation { // it may show a secret
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.status)
	_, _ = w.Write(body) //nolint:gosec // JSON of the executor, and said to be nothing else
	return nil
}
