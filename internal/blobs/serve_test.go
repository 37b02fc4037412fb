package blobs_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"headroom/internal/blobs"
)

var noon = time.Date(2026, 11, 23, 12, 1, 0, 0, time.UTC)

// served asks the handler for a link as it is written, without a client tidying it up.
func served(store *blobs.Store, method, link string, header http.Header) *httptest.ResponseRecorder {
	target := strings.TrimPrefix(link, "https://headroom.example")
	r := httptest.NewRequest(method, "/", nil)
	path, query, _ := strings.Cut(target, "?")
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		unescaped = path
	}
	r.URL = &url.URL{Path: unescaped, RawPath: path, RawQuery: query}
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	store.Handler().ServeHTTP(w, r)
	return w
}

func clockAt(at *time.Time) func() time.Time { return func() time.Time { return *at } }

func putLinked(t *testing.T, store *blobs.Store, filename string) (key, link string) {
	t.Helper()
	key = keyOf("acc_1", "sub_1", pngBytes)
	if err := store.Put(t.Context(), key, "image/png", pngBytes); err != nil {
		t.Fatal(err)
	}
	link, _, err := store.SignedURL(t.Context(), key, "image/png", filename, 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return key, link
}

func TestLinkServesTheBlob(t *testing.T) {
	t.Parallel()
	at := noon
	store := openFolder(t, t.TempDir(), blobs.Config{Now: clockAt(&at)})
	key, link := putLinked(t, store, `Zoë "Z".png`)
	if !strings.HasPrefix(link, "https://headroom.example/blobs/"+key+"?expires=1795436400&name=Zo%C3%AB+%22Z%22.png&type=image%2Fpng&sig=") {
		t.Errorf("link %s", link)
	}
	w := served(store, "GET", link, nil)
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), pngBytes) {
		t.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
	}
	for name, want := range map[string]string{
		"Content-Type":            "image/png",
		"Content-Length":          "16392",
		"Content-Disposition":     "inline; filename*=utf-8''Zo%C3%AB%20%22Z%22.png",
		"X-Content-Type-Options":  "nosniff",
		"Cache-Control":           "private, max-age=1140",
		"Content-Security-Policy": "default-src 'none'; sandbox",
		"Etag":                    `"` + key[len("acc_1/sub_1/"):] + `"`,
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if w := served(store, "HEAD", link, nil); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "16392" {
		t.Errorf("HEAD: %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	if w := served(store, "GET", link, http.Header{"Range": {"bytes=0-3"}}); w.Code != 206 || w.Body.String() != "\x89PNG" {
		t.Errorf("range: %d, %q", w.Code, w.Body)
	}
	if w := served(store, "GET", link, http.Header{"If-None-Match": {w.Header().Get("ETag")}}); w.Code != 304 {
		t.Errorf("If-None-Match: %d", w.Code)
	}
	if err := store.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if w := served(store, "GET", link, nil); w.Code != 404 {
		t.Errorf("after delete: %d", w.Code)
	}
}

func TestLinkIsStableInItsWindowAndEnds(t *testing.T) {
	t.Parallel()
	at := noon
	store := openFolder(t, t.TempDir(), blobs.Config{Now: clockAt(&at)})
	key, link := putLinked(t, store, "")
	for offset, same := range map[time.Duration]bool{-time.Minute + time.Nanosecond: true, 4 * time.Minute: true, 4*time.Minute + 1: false, -time.Minute: false} {
		at = noon.Add(offset)
		again, expires, err := store.SignedURL(t.Context(), key, "image/png", "", 15*time.Minute)
		if err != nil || (again == link) != same {
			t.Errorf("%s later: same %t, %v", offset, again == link, err)
		}
		if life := expires.Sub(at); life < 15*time.Minute || life > 20*time.Minute {
			t.Errorf("%s later: lives %s", offset, life)
		}
	}
	end := noon.Add(19 * time.Minute) // 12:16 rounded up to 12:20
	for when, code := range map[time.Time]int{end.Add(-time.Nanosecond): 200, end: 403, end.Add(time.Hour): 403} {
		at = when
		if w := served(store, "GET", link, nil); w.Code != code {
			t.Errorf("at %s: %d, want %d", when, w.Code, code)
		}
	}
}

func TestLinkWithAnyByteChangedIsForbidden(t *testing.T) {
	t.Parallel()
	at := noon
	store := openFolder(t, t.TempDir(), blobs.Config{Now: clockAt(&at)})
	key, link := putLinked(t, store, "a.png")
	forbidden := func(method, changed string) {
		t.Helper()
		if w := served(store, method, changed, nil); w.Code != 403 || bytes.Contains(w.Body.Bytes(), pngBytes[:8]) {
			t.Errorf("%s %s: %d", method, changed, w.Code)
		}
	}
	from := strings.Index(link, "/blobs/")
	for i := from; i < len(link); i++ {
		for _, flip := range []byte{1, 2, 0x20} {
			changed := []byte(link)
			changed[i] ^= flip
			forbidden("GET", string(changed))
		}
		forbidden("GET", link[:i]+link[i+1:])
		forbidden("GET", link[:i]+"0"+link[i:])
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "TRACE", "CONNECT"} {
		forbidden(method, link)
	}
	for _, changed := range []string{
		strings.Replace(link, "/sub_1/", "//sub_1/", 1),
		strings.Replace(link, "/sub_1/", "%2fsub_1/", 1),
		strings.Replace(link, "/sub_1/", "%2Fsub_1/", 1),
		strings.Replace(link, "/sub_1/", "/./sub_1/", 1),
		strings.Replace(link, "/sub_1/", "/x/../sub_1/", 1),
		strings.Replace(link, "/sub_1/", "/%73ub_1/", 1),
		strings.Replace(link, "/blobs/", "/blobs//", 1),
		strings.Replace(link, "/blobs/", "/blobs/../blobs/", 1),
		strings.Replace(link, "?", "/?", 1),
		strings.Replace(link, "?", "%00?", 1),
		strings.Replace(link, "a.png", "a%2Epng", 1),
		strings.Replace(link, "expires=", "expires=0&expires=", 1),
		strings.Replace(link, "expires=", "w=100&expires=", 1),
		link + "&w=100", link + "&", link + "=", link + "%3D", link + "&sig=x", link + "#",
		strings.Split(link, "?")[0], strings.Split(link, "&sig=")[0], strings.Split(link, "&sig=")[0] + "&sig=",
		"https://headroom.example/blobs/", "https://headroom.example/blobs/" + key + "/..", "https://headroom.example/blobs/../secret.key",
	} {
		if changed == link {
			t.Fatal("nothing changed")
		}
		if strings.HasSuffix(changed, "#") {
			continue // a fragment never reaches a server
		}
		forbidden("GET", changed)
	}
	other := openFolder(t, t.TempDir(), blobs.Config{Now: clockAt(&at), SigningKey: bytes.Repeat([]byte("x"), 32)})
	_, foreign := putLinked(t, other, "a.png")
	forbidden("GET", foreign)
	if w := served(store, "GET", link, nil); w.Code != 200 {
		t.Errorf("the link itself: %d", w.Code)
	}
}

func TestOnlyPicturesAreShownInPlace(t *testing.T) {
	t.Parallel()
	at := noon
	store := openFolder(t, t.TempDir(), blobs.Config{Now: clockAt(&at)})
	for name, c := range map[string]struct{ given, filename, contentType, disposition string }{
		"png":         {"image/png", "", "image/png", "inline"},
		"jpeg":        {"image/jpeg", "me.jpg", "image/jpeg", "inline; filename=me.jpg"},
		"none":        {"", "me.jpg", "application/octet-stream", "attachment; filename=me.jpg"},
		"html":        {"text/html", "x.html", "application/octet-stream", "attachment; filename=x.html"},
		"svg":         {"image/svg+xml", "", "application/octet-stream", "attachment"},
		"csv":         {"text/csv", "contacts.CSV", "text/csv", "attachment; filename=contacts.CSV"},
		"line breaks": {"image/jpeg", "a\r\nX: y.jpg", "image/jpeg", "inline; filename*=utf-8''a%0D%0AX%3A%20y.jpg"},
		"header":      {"image/jpeg\r\nX: y", "", "application/octet-stream", "attachment"},
	} {
		key := "acc/sub/" + strings.ReplaceAll(name, " ", "-")
		if err := store.Put(t.Context(), key, "text/html", []byte("<!DOCTYPE html><script>")); err != nil {
			t.Fatal(err)
		}
		link, _, err := store.SignedURL(t.Context(), key, c.given, c.filename, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		w := served(store, "GET", link, nil)
		if w.Code != 200 || w.Header().Get("Content-Type") != c.contentType || w.Header().Get("Content-Disposition") != c.disposition {
			t.Errorf("%s: %d, %q, %q", name, w.Code, w.Header().Get("Content-Type"), w.Header().Get("Content-Disposition"))
		}
	}
}

func TestLinkUnderABasePath(t *testing.T) {
	t.Parallel()
	at := noon
	store := openFolder(t, t.TempDir(), blobs.Config{Now: clockAt(&at), BaseURL: "https://headroom.example/photos/"})
	_, link := putLinked(t, store, "")
	if !strings.HasPrefix(link, "https://headroom.example/photos/blobs/acc_1/") {
		t.Errorf("link %s", link)
	}
	if w := served(store, "GET", link, nil); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
}

func TestMountRefusesWhatAMuxWouldTidyUp(t *testing.T) {
	t.Parallel()
	at := noon
	store := openFolder(t, t.TempDir(), blobs.Config{Now: clockAt(&at)})
	_, link := putLinked(t, store, "")
	target := strings.TrimPrefix(link, "https://headroom.example")
	server := httptest.NewServer(store.Mount(http.NewServeMux()))
	t.Cleanup(server.Close)
	for changed, want := range map[string]int{
		target: 200,
		strings.Replace(target, "/sub_1/", "//sub_1/", 1):     403,
		strings.Replace(target, "/sub_1/", "/x/../sub_1/", 1): 403,
		strings.Replace(target, "/sub_1/", "/./sub_1/", 1):    403,
		strings.Replace(target, "/sub_1/", "%2fsub_1/", 1):    403,
		strings.Replace(target, "/blobs/", "//blobs/", 1):     403,
		strings.Replace(target, "/blobs/", "/x/../blobs/", 1): 403,
		strings.Replace(target, "/blobs/", "/elsewhere/", 1):  404,
	} {
		if status, _, _ := fetch(t, server.URL+changed); status != want {
			t.Errorf("%s: %d, want %d", changed, status, want)
		}
	}
}
