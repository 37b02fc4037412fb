package rest_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"headroom/rest"
)

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, code string }{
		"empty":                         {``, "BAD_USER_INPUT"},
		"spaces":                        {"  \n", "BAD_USER_INPUT"},
		"array":                         {`[]`, "BAD_USER_INPUT"},
		"text":                          {`"a"`, "BAD_USER_INPUT"},
		"null":                          {`null`, "BAD_USER_INPUT"},
		"cut off":                       {`{"a":`, "BAD_USER_INPUT"},
		"cut off text":                  {`{"a":"b`, "BAD_USER_INPUT"},
		"unclosed":                      {`{"a":1`, "BAD_USER_INPUT"},
		"trailing comma":                {`{"a":1,}`, "BAD_USER_INPUT"},
		"no colon":                      {`{"a" 1}`, "BAD_USER_INPUT"},
		"single quotes":                 {`{'a':1}`, "BAD_USER_INPUT"},
		"comment":                       {`{"a":1/*x*/}`, "BAD_USER_INPUT"},
		"NaN":                           {`{"a":NaN}`, "BAD_USER_INPUT"},
		"Infinity":                      {`{"a":-Infinity}`, "BAD_USER_INPUT"},
		"leading zero":                  {`{"a":01}`, "BAD_USER_INPUT"},
		"trailing garbage":              {`{"a":1} x`, "BAD_USER_INPUT"},
		"two objects":                   {`{"a":1}{"b":2}`, "BAD_USER_INPUT"},
		"stray brace":                   {`{"a":1}}`, "BAD_USER_INPUT"},
		"byte order mark":               {"\xef\xbb\xbf{}", "BAD_USER_INPUT"},
		"not UTF-8":                     {"{\"a\":\"\xff\"}", "BAD_USER_INPUT"},
		"UTF-16":                        {"\xfe\xff\x00{\x00}", "BAD_USER_INPUT"},
		"duplicate":                     {`{"a":1,"a":2}`, "BAD_USER_INPUT"},
		"duplicate deep":                {`{"x":[{"a":1,"\u0061":2}]}`, "BAD_USER_INPUT"},
		"lone high surrogate":           {`{"a":"\ud800"}`, "BAD_USER_INPUT"},
		"lone low surrogate":            {`{"a":"\udc00"}`, "BAD_USER_INPUT"},
		"surrogates the wrong way":      {`{"a":"\udc00\ud800"}`, "BAD_USER_INPUT"},
		"surrogate in a key":            {`{"\ud83d":1}`, "BAD_USER_INPUT"},
		"high surrogate before letters": {`{"a":"\ud83dabcdef"}`, "BAD_USER_INPUT"},
		"high surrogate at the end":     {`{"a":"\ud83d`, "BAD_USER_INPUT"},
		"control character":             {"{\"a\":\"\x01\"}", "BAD_USER_INPUT"},
		"NUL":                           {`{"a":"b\u0000c"}`, "VALIDATION_FAILED"},
		"NUL in a key":                  {`{"a\u0000":1}`, "VALIDATION_FAILED"},
		"a number beyond a float":       {`{"a":1e999}`, "VALIDATION_FAILED"},
		"too deep":                      {`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "BAD_USER_INPUT"},
		"very deep":                     {`{"a":` + strings.Repeat("[", 100_000), "BAD_USER_INPUT"},
	} {
		if got, err := rest.Decode([]byte(c.body)); rest.RefusalCode(err) != c.code {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, c.code)
		}
	}
}

func TestDecodeKeepsNullAbsentAndNumbers(t *testing.T) {
	t.Parallel()
	got, err := rest.Decode([]byte("\n {\"a\":null,\"n\":1e2,\"big\":12345678901234567890,\"s\":\"\\ud83d\\ude00 \\\\ud800 \\\"\",\"l\":[{}, []]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"a": nil, "n": json.Number("1e2"), "big": json.Number("12345678901234567890"), "s": "😀 \\ud800 \"", "l": []any{map[string]any{}, []any{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

// What decode lets through, encoding/json reads alike; what it refuses, it refuses without a panic.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}],"c":"\ud83d\ude00"}`))
	f.Add([]byte(`{"a":"\ud800"}`))
	f.Add([]byte(`{"":{"":{}}} `))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := rest.Decode(body)
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		var want map[string]any
		if !json.Valid(body) || d.Decode(&want) != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("decode gives %#v for %q, encoding/json %#v", got, body, want)
		}
	})
}
