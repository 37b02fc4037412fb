package graphiql

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
)

// policy is the page's Content-Security-Policy. Monaco writes style elements and GraphiQL's
// stylesheet carries its fonts as data, hence the two exceptions; scripts and workers come from
// this origin only, and nothing is loaded from anywhere else.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// file is one file of the bundle. Most are kept packed only, to keep the binary small.
type file struct {
	body        []byte
	packed      bool // body is Brotli
	contentType string
	hash        string
	immutable   bool // the name holds a hash of the content
}

// bundle serves its files by their path below [Path].
type bundle map[string]file

// New serves the files of a built bundle, where NAME.br stands for NAME. Files below assets/
// carry a hash in their names and may be cached for ever; everything else is revalidated.
//
// Errors: an unreadable file, no index.html, or a file of a type it does not know.
func New(fsys fs.FS) (http.Handler, error) {
	b := bundle{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		name, packed := strings.CutSuffix(name, ".br")
		contentType, ok := contentTypes()[path.Ext(name)]
		if !ok {
			return fmt.Errorf("no content type for %s", name)
		}
		sum := sha256.Sum256(body)
		b[name] = file{
			body:        body,
			packed:      packed,
			contentType: contentType,
			hash:        hex.EncodeToString(sum[:12]),
			immutable:   strings.HasPrefix(name, "assets/"),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the GraphiQL bundle: %w", err)
	}
	if _, ok := b["index.html"]; !ok {
		return nil, fmt.Errorf("read the GraphiQL bundle: no index.html: %w", fs.ErrNotExist)
	}
	return b, nil
}

// contentTypes is written out because mime.TypeByExtension answers differently from one operating
// system to the next, and browsers refuse a module script of the wrong type.
func contentTypes() map[string]string {
	return map[string]string{
		".html":  "text/html; charset=utf-8",
		".js":    "text/javascript; charset=utf-8",
		".css":   "text/css; charset=utf-8",
		".svg":   "image/svg+xml",
		".ttf":   "font/ttf",
		".woff2": "font/woff2",
		".json":  "application/json",
	}
}

func (b bundle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, Path)
	if name == "" {
		name = "index.html"
	}
	f, ok := b[name]
	if !ok {
		http.NotFound(w, r)
		return
	}

	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "no-cache")
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if !f.packed {
		h.Set("ETag", `"`+f.hash+`"`)
		f.send(w, r, bytes.NewReader(f.body), len(f.body))
		return
	}
	h.Set("Vary", "Accept-Encoding")
	if acceptsBrotli(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Encoding", "br")
		h.Set("ETag", `"`+f.hash+`-br"`)
		f.send(w, r, bytes.NewReader(f.body), len(f.body))
		return
	}
	h.Set("ETag", `"`+f.hash+`"`)
	f.send(w, r, brotli.NewReader(bytes.NewReader(f.body)), -1)
}

// send writes body, of length bytes when that is known (-1 otherwise), or 304 when the client
// holds it already.
func (f file) send(w http.ResponseWriter, r *http.Request, body io.Reader, length int) {
	if matches(r.Header.Get("If-None-Match"), w.Header().Get("ETag")) {
		h := w.Header()
		h.Del("Content-Type")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if length >= 0 {
		w.Header().Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	// An error here means that the client has gone: the status line is out, so nobody is left to tell.
	_, _ = io.Copy(w, body)
}

// matches tells whether the If-None-Match header names etag.
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}

// acceptsBrotli tells whether the Accept-Encoding headers name br, or *, with a weight above nought.
func acceptsBrotli(headers []string) bool {
	wildcard := false
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			coding, parameters, _ := strings.Cut(part, ";")
			weight, hasWeight := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			wanted := !hasWeight || (err == nil && q > 0)
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "br":
				return wanted
			case "*":
				wildcard = wanted
			}
		}
	}
	return wildcard
}
