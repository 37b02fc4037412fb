package rest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"headroom/rest"
)

func TestFindCutsWithoutTouching(t *testing.T) {
	t.Parallel()
	const raw = ` { "x" : "a\"}{" , "body" : {"id":"c\\","l":[ {"k":1.5e3} ,2],"e":[] ,"n":null} ,"t":true}`
	for path, want := range map[string]string{
		"":           raw[1:],
		"x":          `"a\"}{"`,
		"body":       `{"id":"c\\","l":[ {"k":1.5e3} ,2],"e":[] ,"n":null}`,
		"body.id":    `"c\\"`,
		"body.l":     `[ {"k":1.5e3} ,2]`,
		"body.l.0":   `{"k":1.5e3}`,
		"body.l.0.k": `1.5e3`,
		"body.e":     `[]`,
		"body.e.0":   "",
		"body.n":     "null",
		"body.n.x":   "",
		"t":          "true",
		"id":         "",
		"bod":        "",
	} {
		if got := string(rest.Find([]byte(raw), split(path)...)); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func split(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}

func TestBodiesAreCutAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ operation, data, want string }{
		{"contact", `{"body":{"id":"ctn_1"}}`, `{"id":"ctn_1"}`},
		{"contact", `{"body":null}`, ""},
		{"contact", `null`, ""},
		{"contact", ``, ""},
		{"contacts", `{"body":{"data":[],"pagination":{"has_more":false}}}`, `{"data":[],"pagination":{"has_more":false}}`},
		{"createContact", `{"createContact":{"body":{"id":"ctn_1"}}}`, `{"id":"ctn_1"}`},
		{"createContact", `null`, ""},
		{"createWebhookEndpoint", `{"createWebhookEndpoint":{"body":{"id":"whe_1","s":{}},"secret":"whsec_x"}}`, `{"id":"whe_1","s":{},"secret":"whsec_x"}`},
		{"reprocessSubmission", `{"reprocessSubmissions":{"body":[{"id":"sub_1"},{"id":"sub_2"}]}}`, `{"id":"sub_1"}`},
		{"reprocessSubmission", `{"reprocessSubmissions":{"body":[]}}`, ""},
	} {
		if got := string(rest.Cut(c.operation, []byte(c.data))); got != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.operation, c.data, got, c.want)
		}
	}
}

// Whatever is in an object, find gives each member as encoding/json does, and never panics.
func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"\"",null]},"c":true}`), "a")
	f.Add([]byte(`{"a":`), "a")
	f.Add([]byte(`[[{}]`), "0")
	f.Fuzz(func(t *testing.T, raw []byte, key string) {
		got := rest.Find(raw, key)
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil || members == nil {
			return
		}
		keys := map[string]int{} // a duplicate's first value is found, encoding/json gives its last
		d := json.NewDecoder(bytes.NewReader(raw))
		_, _ = d.Token()
		for d.More() {
			k, _ := d.Token()
			name, _ := k.(string)
			keys[name]++
			var skip json.RawMessage
			_ = d.Decode(&skip)
		}
		plain := len(key) > 0
		for _, c := range key {
			plain = plain && c >= 'a' && c <= 'z'
		}
		if !plain || keys[key] != 1 || !bytes.Contains(raw, []byte(`"`+key+`"`)) {
			return
		}
		if string(got) != string(members[key]) {
			t.Fatalf("%q of %s: got %q, want %q", key, raw, got, members[key])
		}
	})
}
