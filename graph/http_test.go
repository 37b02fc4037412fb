package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"headroom/internal/headshot"
)

func TestTheMediaTypeIsNegotiated(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const modern = "application/graphql-response+json"
	for _, c := range []struct {
		accept, query string
		status        int
		contentType   string
	}{
		{"", `{ __typename }`, 200, "application/json"},
		{"*/*", `{ __typename }`, 200, "application/json"},
		{modern, `{ __typename }`, 200, modern},
		{"application/json;q=0.5, " + modern, `{ __typename }`, 200, "application/json"},
		{modern, `{ nope }`, 400, modern},
		{"application/json", `{ nope }`, 200, "application/json"},
		{modern, `{ viewer { id } }`, 200, modern}, // it ran
		{"text/html", `{ __typename }`, 406, "application/json"},
	} {
		a := h.send("", map[string]string{"Accept": c.accept}, requestBody(t, c.query))
		if a.status != c.status || a.header.Get("Content-Type") != c.contentType+"; charset=utf-8" {
			t.Errorf("Accept %q, %s: %d %s", c.accept, c.query, a.status, a.header.Get("Content-Type"))
		}
	}
}

func TestBodiesAreBoundedAndNeverSentBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		body, contentType string
		status            int
		code              string
	}{
		"not JSON":       {`secret-word`, "application/json", 400, "BAD_USER_INPUT"},
		"half":           {`{"query": "secret-word`, "application/json", 400, "BAD_USER_INPUT"},
		"a list":         {`[{"query": "{ __typename }"}]`, "application/json", 400, "BAD_USER_INPUT"},
		"two":            {`{"query": "{ __typename }"} {"query": "secret-word"}`, "application/json", 400, "BAD_USER_INPUT"},
		"no query":       {`{"variables": {"a": "secret-word"}}`, "application/json", 400, "BAD_USER_INPUT"},
		"wrong query":    {`{"query": {"secret-word": 1}}`, "application/json", 400, "BAD_USER_INPUT"},
		"form":           {`query=secret-word`, "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"},
		"plain":          {`{"query": "{ __typename }"}`, "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"},
		"other charset":  {`{"query": "{ __typename }"}`, "application/json; charset=latin1", 415, "UNSUPPORTED_MEDIA_TYPE"},
		"over a MiB":     {`{"query": "` + strings.Repeat(" ", 1<<20) + `"}`, "application/json", 413, "PAYLOAD_TOO_LARGE"},
		"empty":          {``, "application/json", 400, "BAD_USER_INPUT"},
		"wrong variable": {`{"query": "query($n: Int) { contacts(first: $n) { nodes { id } } }", "variables": {"n": "one"}}`, "application/json", 200, "BAD_USER_INPUT"},
	} {
		a := h.send(h.account.APIKey, map[string]string{"Content-Type": c.contentType}, strings.NewReader(c.body))
		if a.status != c.status || a.code() != c.code || strings.Contains(a.raw, "secret-word") {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

func TestOnlyPOSTIsServed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		req, err := http.NewRequestWithContext(t.Context(), method, h.url+"?query={__typename}", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := h.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
			t.Errorf("%s: %d, Allow %q", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}

const submitPhoto = `mutation($in: SubmitPhotoInput!) { submitPhoto(input: $in) { submission { id state processingState images { kind bytes width } } } }`

// upload sends a multipart request. Parts with an empty name are left out.
func (h *house) upload(key string, header map[string]string, input map[string]any, photo []byte) answer {
	h.t.Helper()
	input["photo"] = nil
	operations, err := json.Marshal(map[string]any{"query": submitPhoto, "variables": map[string]any{"in": input}})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.form(key, header, [][2]string{{"operations", string(operations)}, {"map", `{"0": ["variables.in.photo"]}`}, {"0", string(photo)}})
}

func (h *house) form(key string, header map[string]string, parts [][2]string) answer {
	h.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		part, err := w.CreateFormFile(p[0], "photo.jpg")
		if err != nil {
			h.t.Fatal(err)
		}
		_, _ = part.Write([]byte(p[1]))
	}
	if err := w.Close(); err != nil {
		h.t.Fatal(err)
	}
	all := map[string]string{"Content-Type": w.FormDataContentType(), "GraphQL-Require-Preflight": "1"}
	maps.Copy(all, header)
	return h.send(key, all, &b)
}

func TestPhotosAreUploadedAsMultipart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.contact(1)
	target := func() map[string]any { return map[string]any{"studioId": h.account.Studio.ID, "contactId": c.ID} }
	for name, photo := range map[string][]byte{
		"small": []byte("photo of Ada"), "spooled": append([]byte("photo"), bytes.Repeat([]byte{7}, 6<<20)...),
		"just as large as memory": append([]byte("photo"), bytes.Repeat([]byte{7}, 4<<20-5)...),
	} {
		a := h.upload(h.account.APIKey, nil, target(), photo)
		if a.str("submitPhoto.submission.processingState") != "QUEUED" || a.get("submitPhoto.submission.images.0.bytes") != float64(len(photo)) {
			t.Errorf("%s: %.400s", name, a.raw)
		}
	}
	_, link := h.capture(c.ID)
	if a := h.upload(link, nil, map[string]any{"consent": true}, []byte("photo by link")); a.str("submitPhoto.submission.id") == "" {
		t.Errorf("by capture link: %s", a.raw)
	}
	if a := h.upload(h.account.APIKey, nil, target(), []byte("<svg>")); a.code() != "UNSUPPORTED_MEDIA_TYPE" || a.status != 200 {
		t.Errorf("not a photo: %d %s", a.status, a.raw)
	}
	if a := h.upload(h.account.APIKey, nil, target(), nil); a.code() == "" || a.code() == "INTERNAL" {
		t.Errorf("an empty photo: %s", a.raw)
	}
	if a := h.upload(h.account.APIKey, map[string]string{"GraphQL-Require-Preflight": ""}, target(), []byte("photo")); a.status != 400 || a.code() != "BAD_USER_INPUT" {
		t.Errorf("without the header: %d %s", a.status, a.raw)
	}
	huge := append([]byte("photo"), make([]byte, headshot.MaxPhoto)...)
	if a := h.upload(h.account.APIKey, nil, target(), huge); a.status != 413 || a.code() != "PAYLOAD_TOO_LARGE" {
		t.Errorf("too large: %d %s", a.status, a.raw)
	}
	n, err := h.db.Client().Submission.Query().Count(h.admin())
	if err != nil || n != 4 {
		t.Errorf("%d submissions are stored (%v), want 4", n, err)
	}
}

func TestBrokenFormsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	operations := fmt.Sprintf(`{"query": %q, "variables": {"in": {"photo": null, "contactId": "c", "studioId": "s"}}}`, submitPhoto)
	for name, parts := range map[string][][2]string{
		"nothing":           {},
		"no operations":     {{"map", "{}"}},
		"broken operations": {{"operations", "{"}, {"map", "{}"}},
		"no map":            {{"operations", operations}, {"0", "photo"}},
		"no such place":     {{"operations", operations}, {"map", `{"0": ["variables.other.photo"]}`}, {"0", "photo"}},
		"not variables":     {{"operations", operations}, {"map", `{"0": ["query"]}`}, {"0", "photo"}},
		"missing file":      {{"operations", operations}, {"map", `{"0": ["variables.in.photo"]}`}},
		"unknown file":      {{"operations", operations}, {"map", `{}`}, {"0", "photo"}},
		"two places":        {{"operations", operations}, {"map", `{"0": ["variables.in.photo", "variables.in.photo"]}`}, {"0", "photo"}},
	} {
		if a := h.form(h.account.APIKey, nil, parts); a.status != 400 || a.code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if a := h.send(h.account.APIKey, map[string]string{"Content-Type": "multipart/form-data", "GraphQL-Require-Preflight": "1"}, strings.NewReader("x")); a.status != 400 {
		t.Errorf("without a boundary: %d %s", a.status, a.raw)
	}
}
