package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

// assets are the files below /static/. Their names hold a hash of their content, so browsers may keep
// them for good.
type assets struct {
	byPath map[string]asset  // URL path → file
	paths  map[string]string // name → URL path
}

type asset struct {
	contentType string
	body        []byte
}

func loadAssets() (*assets, error) {
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	a := &assets{byPath: map[string]asset{}, paths: map[string]string{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := staticFiles.ReadFile(name)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		contentType, ok := types[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s: unknown type", name)
		}
		sum := sha256.Sum256(body)
		base := strings.TrimSuffix(path.Base(name), path.Ext(name))
		url := "/static/" + base + "." + hex.EncodeToString(sum[:6]) + path.Ext(name)
		a.byPath[url] = asset{contentType, body}
		a.paths[path.Base(name)] = url
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: read the static files: %w", err)
	}
	return a, nil
}

// path is the URL path of a file by its name. It panics for a name that is not there, which a test of
// any page finds.
func (a *assets) path(name string) string {
	p, ok := a.paths[name]
	if !ok {
		panic("web: no static file " + name)
	}
	return p
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.byPath[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}
