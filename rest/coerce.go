package rest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"

	"headroom/graph/scalar"
)

// fields is an input object as REST sees it: its fields by their snake_case names.
type fields map[string]*ast.FieldDefinition

func fieldsOf(def *ast.Definition, except ...string) fields {
	out := fields{}
	for _, f := range def.Fields {
		if !slices.Contains(except, f.Name) {
			out[snake(f.Name)] = f
		}
	}
	return out
}

// coercer turns JSON and texts into the values of the schema's input types, stricter than GraphQL
// does: a number is no text, one value is no list. It gathers every fault instead of the first.
type coercer struct {
	schema *ast.Schema
	faults []fault
	// unknown says that a field that does not exist is among the faults: then the request is not
	// understood (400), while else its values are not valid (422).
	unknown bool
}

func (c *coercer) say(pointer, code, format string, args ...any) {
	c.faults = append(c.faults, fault{Pointer: pointer, Code: code, Detail: fmt.Sprintf(format, args...)})
}

// err gives the faults found as a refusal, or nil.
func (c *coercer) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(c.faults, func(a, b fault) int { return strings.Compare(a.Pointer, b.Pointer) })
	r := &refusal{code: validationFailed, faults: c.faults}
	if c.unknown {
		r.code = badUserInput
	}
	r.detail = summary(c.faults)
	return r
}

// summary is what a problem's detail says of its faults.
func summary(faults []fault) string {
	f := faults[0]
	where := f.Pointer + f.Parameter
	if where == "" {
		return f.Detail
	}
	text := where + ": " + f.Detail
	if n := len(faults) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// object turns the members of a JSON object into the fields of an input, by their GraphQL names.
// Absent members stay absent and null stays null.
func (c *coercer) object(known fields, in map[string]any, at string) map[string]any {
	out := make(map[string]any, len(in))
	for name, v := range in {
		f, ok := known[name]
		here := at + "/" + escape(name)
		if !ok {
			c.unknown = true
			c.say(here, "unknown_field", "there is no such field")
			continue
		}
		out[f.Name] = c.value(f.Type, v, here)
	}
	for name, f := range known {
		if _, given := in[name]; !given && f.Type.NonNull && f.DefaultValue == nil {
			c.say(at+"/"+name, "required", "is required")
		}
	}
	return out
}

func (c *coercer) value(t *ast.Type, v any, at string) any {
	if v == nil {
		if t.NonNull {
			c.say(at, "required", "must not be null")
		}
		return nil
	}
	if t.Elem != nil {
		list, ok := v.([]any)
		if !ok {
			c.say(at, "invalid", "is not an array")
			return nil
		}
		out := make([]any, len(list))
		for i, elem := range list {
			out[i] = c.value(t.Elem, elem, at+"/"+strconv.Itoa(i))
		}
		return out
	}
	def := c.schema.Types[t.NamedType]
	if def.Kind == ast.InputObject {
		in, ok := v.(map[string]any)
		if !ok {
			c.say(at, "invalid", "is not an object")
			return nil
		}
		return c.object(fieldsOf(def), in, at)
	}
	out, fault := leaf(def, v)
	if fault != "" {
		c.say(at, "invalid", "%s", fault)
	}
	return out
}

// leaf checks a scalar or enum value of JSON; fault says what is wrong with it.
func leaf(def *ast.Definition, v any) (out any, fault string) {
	if def.Name == "JSON" {
		return v, ""
	}
	switch v := v.(type) {
	case string:
		switch {
		case def.Kind == ast.Enum, def.Name == "Time":
			return v, textFault(def, v)
		case def.Name == "ID", def.Name == "String":
			return v, ""
		}
	case bool:
		if def.Name == "Boolean" {
			return v, ""
		}
	case json.Number:
		return number(def, v)
	}
	return nil, "is not " + typeName(def)
}

func number(def *ast.Definition, v json.Number) (out any, fault string) {
	switch def.Name {
	case "Int":
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && n >= math.MinInt32 && n <= math.MaxInt32 {
			return n, ""
		}
	case "Float":
		if f, err := v.Float64(); err == nil {
			return f, ""
		}
	}
	return nil, "is not " + typeName(def)
}

// fromText reads a scalar or enum from a query parameter or a part of a form.
func fromText(def *ast.Definition, v string) (out any, fault string) {
	switch {
	case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
		return nil, "holds characters that are not text"
	case def.Kind == ast.Enum, def.Name == "Time":
		return v, textFault(def, v)
	case def.Name == "Boolean" && (v == "true" || v == "false"):
		return v == "true", ""
	case def.Name == "Int", def.Name == "Float":
		return number(def, json.Number(v))
	case def.Name == "ID", def.Name == "String":
		if v == "" {
			return nil, "is empty"
		}
		return v, ""
	}
	return nil, "is not " + typeName(def)
}

func textFault(def *ast.Definition, v string) string {
	if def.Kind == ast.Enum {
		if def.EnumValues.ForName(v) != nil {
			return ""
		}
	} else if _, err := scalar.UnmarshalTime(v); err == nil {
		return ""
	}
	return "is not " + typeName(def)
}

// typeName says in words what a value should be.
func typeName(def *ast.Definition) string {
	switch {
	case def.Kind == ast.Enum:
		names := make([]string, len(def.EnumValues))
		for i, v := range def.EnumValues {
			names[i] = v.Name
		}
		return "one of " + strings.Join(names, ", ")
	case def.Name == "Time":
		return "a time as in RFC 3339, such as 2026-01-31T12:00:00Z"
	case def.Name == "Boolean":
		return "true or false"
	case def.Name == "Int":
		return "a whole number"
	case def.Name == "Float":
		return "a number"
	}
	return "a text"
}
