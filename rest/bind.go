package rest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
)

const (
	maxJSON      = 1 << 20 // bytes of a JSON body
	maxPage      = 100
	defaultLimit = 25
)

// binding makes a document's variables from a request. What each is made of follows from its name:
//
//	$id                            the path's {id}
//	$input                         the JSON body, or the form, with the path's {id} as its field id
//	$first $last $after $before    the query's limit, after and before
//	$filter                        the other query parameters, one for each field of the filter
//	$orderBy                       the query's sort: CREATED_AT_DESC is -created_at
//	others                         fields of the body
//
// Names are snake_case outside and derived from the schema, so that a new field of an input type is a
// new field of the body without further ado.
type binding struct {
	schema *ast.Schema
	method string
	form   bool
	input  bool // the body is $input; else its fields are variables of their own
	guards bool // the input has a version, which If-Match gives
	paged  bool
	body   fields            // nil where no body is expected
	filter fields            // by query parameter
	sorts  map[string]string // by query parameter's value; nil where there is no sort
}

func newBinding(schema *ast.Schema, rt route, d *document) (*binding, error) {
	b := &binding{schema: schema, method: rt.method, form: rt.form}
	hasID := strings.Contains(rt.path, "{id}")
	if rt.method != http.MethodGet && rt.method != http.MethodDelete {
		b.body = fields{}
	}
	for _, v := range d.variables {
		def := schema.Types[v.Type.NamedType]
		switch v.Variable {
		case "id":
			if !hasID {
				return nil, errors.New("there is no {id} in the path for $id")
			}
		case "input":
			b.input = true
			b.guards = hasID && def.Fields.ForName("version") != nil
			if b.body != nil {
				b.body = fieldsOf(def, except(hasID)...)
			}
		case "first", "last", "after", "before":
			b.paged = true
		case "filter":
			b.filter = fieldsOf(def)
		case "orderBy":
			b.sorts = sorts(def)
		default:
			if b.body == nil {
				return nil, fmt.Errorf("nothing in the request gives $%s", v.Variable)
			}
			b.body[snake(v.Variable)] = &ast.FieldDefinition{Name: v.Variable, Type: v.Type, DefaultValue: v.DefaultValue}
		}
	}
	return b, nil
}

// except are the input fields that a body does not have: the id is in the path, and the version
// is in If-Match.
func except(hasID bool) []string {
	if hasID {
		return []string{"id", "version"}
	}
	return nil
}

// sorts names an enum's orders as the query does.
func sorts(def *ast.Definition) map[string]string {
	out := map[string]string{}
	for _, v := range def.EnumValues {
		if name, ok := strings.CutSuffix(v.Name, "_DESC"); ok {
			out["-"+strings.ToLower(name)] = v.Name
		} else {
			out[strings.ToLower(strings.TrimSuffix(v.Name, "_ASC"))] = v.Name
		}
	}
	return out
}

// rowID is what an id looks like; what does not is the id of nothing, and is not asked for.
var rowID = regexp.MustCompile(`^[a-z]{2,4}_[0-9a-z]{26}$`)

// variables reads the request. The error is a *refusal.
func (b *binding) variables(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	vars := map[string]any{}
	if err := b.query(r.URL.RawQuery, vars); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if id != "" && !rowID.MatchString(id) {
		return nil, &refusal{code: notFound, detail: "not found"}
	}
	in := vars
	if b.input {
		in = map[string]any{}
		vars["input"] = in
	}
	if b.body != nil {
		read := b.json
		if b.form {
			read = b.multipart
		}
		got, err := read(w, r)
		if err != nil {
			return nil, err
		}
		maps.Copy(in, got)
	}
	if id != "" {
		in["id"] = id
	}
	if want := r.Header.Get("If-Match"); b.guards && want != "" && want != "*" {
		version, err := strconv.Atoi(strings.Trim(want, `"`))
		if err != nil { // no row has such a version
			return nil, &refusal{code: versionMismatch, detail: "If-Match is not the version of a row"}
		}
		in["version"] = version
	}
	return vars, nil
}

// query reads the query string into vars. Parameters that do not exist or stand twice are refused.
func (b *binding) query(raw string, vars map[string]any) error {
	given, err := url.ParseQuery(raw)
	if err != nil {
		return malformed("the query string is not understood: %v", err)
	}
	q := &query{binding: b, vars: vars, filter: map[string]any{}}
	if b.paged {
		vars["first"] = int64(defaultLimit)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) { // sorted: cursors are bound to the filter as it is written
		if len(given[name]) > 1 {
			q.say(name, "repeated", "stands more than once")
			continue
		}
		q.read(name, given[name][0])
	}
	if vars["after"] != nil && vars["before"] != nil {
		q.say("before", "invalid", "either after or before")
	}
	if vars["before"] != nil {
		vars["last"] = vars["first"]
		delete(vars, "first")
	}
	if len(q.filter) > 0 {
		vars["filter"] = q.filter
	}
	if len(q.faults) > 0 {
		return &refusal{code: badUserInput, detail: summary(q.faults), faults: q.faults}
	}
	return nil
}

type query struct {
	*binding
	vars, filter map[string]any
	faults       []fault
}

func (q *query) say(name, code, detail string) {
	q.faults = append(q.faults, fault{Parameter: name, Code: code, Detail: detail})
}

func (q *query) read(name, v string) {
	f := q.condition(name)
	switch {
	case q.paged && name == "limit":
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 1 || n > maxPage {
			q.say(name, "out_of_range", fmt.Sprintf("is not a whole number from 1 to %d", maxPage))
			return
		}
		q.vars["first"] = n
	case q.paged && (name == "after" || name == "before"):
		if v == "" {
			q.say(name, "invalid_cursor", "is empty")
			return
		}
		q.vars[name] = v
	case q.sorts != nil && name == "sort":
		order, ok := q.sorts[v]
		if !ok {
			q.say(name, "invalid", "is not one of "+strings.Join(slices.Sorted(maps.Keys(q.sorts)), ", "))
			return
		}
		q.vars["orderBy"] = order
	case f == nil:
		q.say(name, "unknown_parameter", "there is no such parameter")
	case f.Type.Elem != nil:
		q.attribute(f, name, v)
	default:
		out, fault := fromText(q.schema.Types[f.Type.NamedType], v)
		if fault != "" {
			q.say(name, "invalid", fault)
			return
		}
		q.filter[f.Name] = out
	}
}

// condition finds the filter's field of a parameter; custom_attributes[team] belongs to custom_attributes.
func (q *query) condition(name string) *ast.FieldDefinition {
	stem, _, bracket := strings.Cut(name, "[")
	f := q.binding.filter[stem]
	if f == nil || bracket != (f.Type.Elem != nil) {
		return nil
	}
	return f
}

// attribute adds a condition such as custom_attributes[team]=blue.
func (q *query) attribute(f *ast.FieldDefinition, name, v string) {
	_, rest, _ := strings.Cut(name, "[")
	key, closed := strings.CutSuffix(rest, "]")
	_, keyFault := fromText(q.schema.Types["String"], key)
	if !closed || keyFault != "" {
		q.say(name, "invalid", "is not written as custom_attributes[KEY]=VALUE")
		return
	}
	if _, fault := fromText(q.schema.Types["String"], v); fault != "" {
		q.say(name, "invalid", fault)
		return
	}
	conditions, _ := q.filter[f.Name].([]any)
	q.filter[f.Name] = append(conditions, map[string]any{"key": key, "value": v})
}

// json reads a JSON body. An empty one stands for {} where nothing is required.
func (b *binding) json(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if err != nil {
		return nil, unread(err, "1 MiB")
	}
	in := map[string]any{}
	if len(raw) > 0 || r.Header.Get("Content-Type") != "" {
		if err := wants(r, "application/json"); err != nil {
			return nil, err
		}
	}
	if len(raw) > 0 {
		if in, err = decode(raw); err != nil {
			return nil, err
		}
	} else if b.requires() {
		return nil, malformed("the body is empty; send a JSON object")
	}
	c := &coercer{schema: b.schema}
	out := c.object(b.body, in, "")
	return out, c.err()
}

func (b *binding) requires() bool {
	for _, f := range b.body {
		if f.Type.NonNull && f.DefaultValue == nil {
			return true
		}
	}
	return false
}

// wants refuses a body that is not of the media type, in UTF-8 and as it is.
func wants(r *http.Request, mediaType string) error {
	got, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || got != mediaType || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return &refusal{code: unsupportedMedia, detail: "send the body as " + mediaType}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &refusal{code: unsupportedMedia, detail: "send the body without Content-Encoding"}
	}
	return nil
}

// unread explains why a body could not be read to its end.
func unread(err error, limit string) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &refusal{code: payloadTooLarge, detail: "the body is over " + limit}
	}
	return &refusal{code: badUserInput, detail: "the body ends too early", err: err}
}

// locate says which part of the request an executor's error is about; field is the GraphQL path of
// the input at fault, such as "contact.firstName" or "filter.q".
func (b *binding) locate(f fault, field string) fault {
	f.Detail = b.snakeFields(f.Detail)
	if b.body == nil {
		field = strings.TrimPrefix(field, "filter.")
		switch field {
		case "first", "last":
			field = "limit"
		case "orderBy":
			field = "sort"
		}
		f.Parameter = snake(field)
		return f
	}
	steps := strings.Split(snake(strings.TrimPrefix(field, "input.")), ".")
	if b.body[steps[0]] != nil {
		f.Pointer = "/" + strings.Join(steps, "/")
	} else {
		f.inPath = true
	}
	return f
}

// camelWord is a word such as firstName that no quote stands before: quoted is what the caller wrote.
var camelWord = regexp.MustCompile(`(^|[^"\w])[a-z]+([A-Z][a-z]*)+\b`)

// snakeFields writes the names of input fields in a message as bodies do.
func (b *binding) snakeFields(message string) string {
	return camelWord.ReplaceAllStringFunc(message, func(word string) string {
		name := strings.TrimLeftFunc(word, func(c rune) bool { return !unicode.IsLower(c) })
		for _, def := range b.schema.Types {
			if def.Kind == ast.InputObject && def.Fields.ForName(name) != nil {
				return snake(word)
			}
		}
		return word
	})
}
