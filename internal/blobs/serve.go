package blobs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// signer makes and checks links of the shape
//
//	<base>/blobs/<key>?expires=<unix seconds>[&name=<filename>][&type=<content type>]&sig=<43 characters>
//
// The signature covers key and query as they are written, so a link has one spelling.
type signer struct {
	key  []byte
	base string // no slash at its end
	path string // the path of base
}

const blobsPath = "/blobs/"

func newSigner(config Config) (signer, error) {
	if len(config.SigningKey) < 32 {
		return signer{}, fmt.Errorf("the signing key has %d bytes, 32 are needed", len(config.SigningKey))
	}
	base, err := url.Parse(strings.TrimRight(config.BaseURL, "/"))
	if err != nil || base.Host == "" {
		return signer{}, fmt.Errorf("the base URL %q is not absolute", config.BaseURL)
	}
	return signer{key: config.SigningKey, base: base.String(), path: base.EscapedPath()}, nil
}

func (s signer) link(l link) string {
	query := "expires=" + strconv.FormatInt(l.expires.Unix(), 10)
	if l.filename != "" {
		query += "&name=" + url.QueryEscape(l.filename)
	}
	if l.contentType != "" {
		query += "&type=" + url.QueryEscape(l.contentType)
	}
	return s.base + blobsPath + l.key + "?" + query + "&sig=" + s.signature(l.key, query)
}

func (s signer) signature(key, query string) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = io.WriteString(mac, "blob link 1\n"+key+"\n"+query)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verify gives back what a link was made of. Not even the signature may be spelt another
// way: it is compared as text.
func (s signer) verify(u *url.URL) (l link, ok bool) {
	key, ok := strings.CutPrefix(u.EscapedPath(), s.path+blobsPath)
	if !ok || checkKey(key) != nil {
		return link{}, false
	}
	at := strings.LastIndex(u.RawQuery, "&sig=")
	if at < 0 {
		return link{}, false
	}
	query, sig := u.RawQuery[:at], u.RawQuery[at+len("&sig="):]
	if !hmac.Equal([]byte(sig), []byte(s.signature(key, query))) {
		return link{}, false
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return link{}, false
	}
	seconds, err := strconv.ParseInt(values.Get("expires"), 10, 64)
	if err != nil {
		return link{}, false
	}
	return link{key: key, contentType: values.Get("type"), filename: values.Get("name"), expires: time.Unix(seconds, 0)}, true
}

// serve answers GET and HEAD of a link that is exactly as it was made and not over.
// Everything else is 403, so that nothing can be learnt by trying; a blob that was
// deleted is 404 to who holds a good link.
func (f *folder) serve(w http.ResponseWriter, r *http.Request) {
	l, ok := f.signer.verify(r.URL)
	now := f.now()
	if !ok || !now.Before(l.expires) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusForbidden)
		return
	}
	file, info, err := f.open(l.key)
	if errors.Is(err, fs.ErrNotExist) {
		refuse(w, http.StatusNotFound)
		return
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	defer func() { _ = file.Close() }()
	header := w.Header()
	header.Set("Content-Type", safeType(l.contentType))
	header.Set("Content-Disposition", disposition(l.contentType, l.filename))
	header.Set("Cache-Control", "private, max-age="+strconv.FormatInt(int64(l.expires.Sub(now)/time.Second), 10))
	header.Set("ETag", etag(l.key, info))
	header.Set("Cross-Origin-Resource-Policy", "cross-origin") // links are made to be shown elsewhere
	protect(header)
	http.ServeContent(w, r, "", info.ModTime(), file)
}

// protect keeps a browser from taking the bytes for anything but what they are said to be.
func protect(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Referrer-Policy", "no-referrer")
}

func refuse(w http.ResponseWriter, status int) {
	protect(w.Header())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status)+"\n")
}

// disposition shows pictures in place and has everything else saved.
func disposition(contentType, filename string) string {
	kind := "attachment"
	if strings.HasPrefix(safeType(contentType), "image/") {
		kind = "inline"
	}
	if filename == "" {
		return kind
	}
	if formatted := mime.FormatMediaType(kind, map[string]string{"filename": filename}); formatted != "" {
		return formatted
	}
	return kind
}

// etag is the last name of the key when that is a content hash.
func etag(key string, info fs.FileInfo) string {
	name := path.Base(key)
	if len(name) == sha256.Size*2 && strings.Trim(name, "0123456789abcdef") == "" {
		return `"` + name + `"`
	}
	return fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size())
}

// safeType lets no browser run what it is shown: whatever is not a picture of pixels or
// plain data is opaque bytes.
func safeType(contentType string) string {
	switch contentType {
	case "image/jpeg", "image/png", "image/webp", "image/avif", "image/heic", "image/heif",
		"application/json", "application/zip", "text/csv":
		return contentType
	default:
		return "application/octet-stream"
	}
}
