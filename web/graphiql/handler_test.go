package graphiql_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"

	"headroom/web/graphiql"
)

const script = "console.log('a script long enough to be worth packing, packing, packing')"

func pack(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := brotli.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func handler(t *testing.T) http.Handler {
	t.Helper()
	h, err := graphiql.New(fstest.MapFS{
		"index.html":             {Data: []byte("<!doctype html>")},
		"assets/page-Ab12.js.br": {Data: pack(t, script)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(t *testing.T, h http.Handler, method, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEveryClientGetsTheSameScriptInTheCodingItAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		accept string
		coding string
	}{
		{"gzip, deflate, br, zstd", "br"},
		{"BR;q=0.5", "br"},
		{"*", "br"},
		{"br;q=0, *", ""},
		{"br;q=0.000", ""},
		{"gzip", ""},
		{"", ""},
	} {
		t.Run(c.accept, func(t *testing.T) {
			t.Parallel()
			w := get(t, handler(t), http.MethodGet, graphiql.Path+"assets/page-Ab12.js", http.Header{"Accept-Encoding": {c.accept}})
			if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != c.coding {
				t.Fatalf("status %d, coding %q, want 200 and %q", w.Code, w.Header().Get("Content-Encoding"), c.coding)
			}
			body := io.Reader(w.Body)
			if c.coding == "br" {
				body = brotli.NewReader(w.Body)
			}
			got, err := io.ReadAll(body)
			if err != nil || string(got) != script {
				t.Errorf("body %q, %v", got, err)
			}
			if v := w.Header().Get("Vary"); v != "Accept-Encoding" {
				t.Errorf("Vary %q", v)
			}
		})
	}
}

func TestHeadersSuitTheFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, contentType, cache string }{
		{graphiql.Path, "text/html; charset=utf-8", "no-cache"},
		{graphiql.Path + "index.html", "text/html; charset=utf-8", "no-cache"},
		{graphiql.Path + "assets/page-Ab12.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
	} {
		t.Run(c.path, func(t *testing.T) {
			t.Parallel()
			w := get(t, handler(t), http.MethodGet, c.path, nil)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d", w.Code)
			}
			if got := w.Header().Get("Content-Type"); got != c.contentType {
				t.Errorf("Content-Type %q, want %q", got, c.contentType)
			}
			if got := w.Header().Get("Cache-Control"); got != c.cache {
				t.Errorf("Cache-Control %q, want %q", got, c.cache)
			}
			csp := w.Header().Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"} {
				if !strings.Contains(csp, part) {
					t.Errorf("the policy %q lacks %q", csp, part)
				}
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("no nosniff")
			}
		})
	}
}

func TestAnUnchangedFileIsNotSentAgain(t *testing.T) {
	t.Parallel()
	h := handler(t)
	path := graphiql.Path + "assets/page-Ab12.js"
	first := get(t, h, http.MethodGet, path, http.Header{"Accept-Encoding": {"br"}})
	etag := first.Header().Get("ETag")

	again := get(t, h, http.MethodGet, path, http.Header{"Accept-Encoding": {"br"}, "If-None-Match": {`"other", W/` + etag}})
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("status %d with %d bytes, want 304 and none", again.Code, again.Body.Len())
	}
	plain := get(t, h, http.MethodGet, path, http.Header{"If-None-Match": {etag}})
	if plain.Code != http.StatusOK || plain.Body.String() != script {
		t.Errorf("another coding: status %d, want 200 with the script", plain.Code)
	}
}

func TestWhatIsNotThereAndWhatIsNotAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, graphiql.Path + "assets/none.js", http.StatusNotFound},
		{http.MethodGet, graphiql.Path + "assets/page-Ab12.js.br", http.StatusNotFound},
		{http.MethodGet, graphiql.Path + "assets/", http.StatusNotFound},
		{http.MethodGet, graphiql.Path + "../../secret.key", http.StatusNotFound},
		{http.MethodPost, graphiql.Path, http.StatusMethodNotAllowed},
	} {
		w := get(t, handler(t), c.method, c.path, nil)
		if w.Code != c.status {
			t.Errorf("%s %s: status %d, want %d", c.method, c.path, w.Code, c.status)
		}
	}
	w := get(t, handler(t), http.MethodHead, graphiql.Path, nil)
	if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "15" {
		t.Errorf("HEAD: status %d, %d bytes, Content-Length %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestABundleThatCannotBeServedIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := graphiql.New(fstest.MapFS{"assets/a.js": {}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a page: %v", err)
	}
	if _, err := graphiql.New(fstest.MapFS{"index.html": {}, "a.exe": {}}); err == nil {
		t.Error("a file of unknown type was accepted")
	}
}

// The embedded page names files; each of them must be embedded too. Without the bundle the
// placeholder must say how to get it.
func TestTheEmbeddedPageIsWhole(t *testing.T) {
	t.Parallel()
	h := graphiql.Handler()
	page := get(t, h, http.MethodGet, graphiql.Path, nil).Body.String()
	if !graphiql.Built() {
		if !strings.Contains(page, "make build") {
			t.Errorf("the placeholder does not say what to do: %s", page)
		}
		return
	}
	names := strings.Split(page, `"./`)[1:]
	if len(names) < 2 {
		t.Fatalf("the page names %d files, want its script and its style: %s", len(names), page)
	}
	for _, rest := range names {
		name, _, _ := strings.Cut(rest, `"`)
		if w := get(t, h, http.MethodGet, graphiql.Path+name, nil); w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes", name, w.Code, w.Body.Len())
		}
	}
}
