package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects of a body may be nested.
const maxDepth = 64

// decode reads one JSON object, more strictly than encoding/json does: what other readers of the same
// text could understand differently (RFC 7493) is refused. Numbers stay json.Number.
//
// Errors are *refusal: BAD_USER_INPUT for what is not such JSON, VALIDATION_FAILED for a text that holds
// NUL or a number beyond a float64, which databases cannot store.
func decode(raw []byte) (map[string]any, error) {
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return nil, malformed("the body begins with a byte order mark")
	case !utf8.Valid(raw):
		return nil, malformed("the body is not UTF-8")
	case loneSurrogate(raw):
		return nil, malformed("the body holds half a surrogate pair")
	}
	d := decoder{json.NewDecoder(bytes.NewReader(raw))}
	d.UseNumber()
	first, err := d.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	if first != json.Delim('{') {
		return nil, malformed("the body is not a JSON object")
	}
	object, err := d.object("", 1)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("there is something behind the JSON object")
	}
	return object, nil
}

type decoder struct{ *json.Decoder }

func notJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("the body is not JSON: it ends too early")
	}
	return malformed("the body is not JSON: %v", err)
}

// object reads what follows an opening brace. at is the object's JSON pointer.
func (d decoder) object(at string, depth int) (map[string]any, error) {
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		key, ok := token.(string)
		if !ok {
			return nil, malformed("the body is not JSON: an object's key is not a text")
		}
		here := at + "/" + escape(key)
		if _, twice := object[key]; twice {
			return nil, malformed("stands twice in the same object").at(here, "duplicate_key")
		}
		if strings.ContainsRune(key, 0) {
			return nil, invalid(here, "invalid", "a key holds the character NUL")
		}
		if object[key], err = d.value(here, depth); err != nil {
			return nil, err
		}
	}
	_, err := d.Token() // the closing brace
	if err != nil {
		return nil, notJSON(err)
	}
	return object, nil
}

func (d decoder) array(at string, depth int) ([]any, error) {
	array := []any{}
	for d.More() {
		v, err := d.value(at+"/"+strconv.Itoa(len(array)), depth)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	return array, nil
}

func (d decoder) value(at string, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	if _, opens := token.(json.Delim); opens && depth >= maxDepth {
		return nil, malformed("the body is nested more than %d deep", maxDepth)
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return d.object(at, depth+1)
		}
		return d.array(at, depth+1)
	case string:
		if strings.ContainsRune(v, 0) {
			return nil, invalid(at, "invalid", "holds the character NUL")
		}
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return nil, invalid(at, "out_of_range", "the number is too large")
		}
	}
	return token, nil
}

// escape writes a key as a step of a JSON pointer (RFC 6901).
func escape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// loneSurrogate finds an escape such as \ud800 that is not half of a pair; encoding/json would put
// U+FFFD in its place. Backslashes stand only within texts, so that the rest need not be understood.
func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++ // whatever is escaped, it begins no escape of its own
		unit, ok := unitAt(raw, i)
		switch {
		case !ok || unit < 0xd800 || unit > 0xdfff:
			continue
		case unit >= 0xdc00:
			return true
		}
		low, ok := unitAt(raw, i+6)
		if !ok || raw[i+5] != '\\' || low < 0xdc00 || low > 0xdfff {
			return true
		}
		i += 10
	}
	return false
}

// unitAt reads the UTF-16 unit of an escape whose `u` stands at i.
func unitAt(raw []byte, i int) (uint64, bool) {
	if i+5 > len(raw) || raw[i] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(raw[i+1:i+5]), 16, 16)
	return unit, err == nil
}

func malformed(format string, args ...any) *refusal {
	return &refusal{code: badUserInput, detail: fmt.Sprintf(format, args...)}
}

func invalid(pointer, code, detail string) *refusal {
	r := &refusal{code: validationFailed, detail: detail}
	return r.at(pointer, code)
}
