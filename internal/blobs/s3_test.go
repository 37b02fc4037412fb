package blobs_test

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"headroom/internal/blobs"
)

const (
	s3Region = "eu-test-1"
	s3Bucket = "photos"
)

// objectStore speaks as much S3 as a store needs, path style, and checks the signature of
// presigned links the way S3 does: by signing the same request again.
type objectStore struct {
	t           *testing.T
	credentials aws.Credentials
	now         func() time.Time

	mu      sync.Mutex
	objects map[string][]byte
	types   map[string]string
}

func (s *objectStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/"+s3Bucket), "/")
	presigned := r.URL.Query().Has("X-Amz-Signature")
	if presigned && !s.validLink(r) || !presigned && !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
		return
	}
	data, exists := s.objects[key]
	switch {
	case !ok || key == "":
		if r.Method == http.MethodGet {
			s.list(w, r.URL.Query().Get("prefix"))
		}
	case r.Method == http.MethodPut:
		s.objects[key], s.types[key] = payload(s.t, r), r.Header.Get("Content-Type")
		w.Header().Set("ETag", `"x"`)
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case !exists:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
	default:
		w.Header().Set("Content-Type", s.types[key])
		w.Header().Set("Content-Disposition", r.URL.Query().Get("response-content-disposition"))
		http.ServeContent(w, r, "", time.Unix(1, 0), bytes.NewReader(data))
	}
}

func (s *objectStore) list(w http.ResponseWriter, prefix string) {
	type content struct {
		Key          string
		Size         int
		LastModified string
	}
	result := struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []content
	}{}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) {
			result.Contents = append(result.Contents, content{key, len(s.objects[key]), "2026-11-23T12:00:00Z"})
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	if err := xml.NewEncoder(w).Encode(result); err != nil {
		s.t.Error(err)
	}
}

func (s *objectStore) validLink(r *http.Request) bool {
	query := r.URL.Query()
	at, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	seconds, err2 := strconv.Atoi(query.Get("X-Amz-Expires"))
	if err != nil || err2 != nil || seconds > 7*24*3600 || s.now().Before(at) || s.now().After(at.Add(time.Duration(seconds)*time.Second)) {
		return false
	}
	signature := query.Get("X-Amz-Signature")
	for _, name := range []string{"Algorithm", "Credential", "Date", "SignedHeaders", "Signature"} {
		query.Del("X-Amz-" + name)
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.EscapedPath()+"?"+query.Encode(), nil)
	if err != nil {
		return false
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	signed, _, err := signer.PresignHTTP(r.Context(), s.credentials, again, "UNSIGNED-PAYLOAD", "s3", s3Region, at)
	return err == nil && strings.Contains(signed, "X-Amz-Signature="+signature)
}

// payload reads a body, which the SDK may send in signed chunks with a checksum behind.
func payload(t *testing.T, r *http.Request) []byte {
	t.Helper()
	var data bytes.Buffer
	if !strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		if _, err := data.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		return data.Bytes()
	}
	for body := bufio.NewReader(r.Body); ; {
		line, err := body.ReadString('\n')
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, parseErr := strconv.ParseInt(size, 16, 64)
		if err != nil || parseErr != nil || n == 0 {
			return data.Bytes()
		}
		if _, err := io.CopyN(&data, body, n); err != nil {
			t.Error(err)
		}
		if _, err := body.Discard(2); err != nil {
			t.Error(err)
		}
	}
}

// openS3 is not for parallel tests: the SDK takes credentials from the environment.
func openS3(t *testing.T, at *time.Time) (*blobs.Store, *objectStore) {
	t.Helper()
	fake := &objectStore{
		t: t, now: clockAt(at), credentials: aws.Credentials{AccessKeyID: "AKTEST", SecretAccessKey: "hush"},
		objects: make(map[string][]byte), types: make(map[string]string),
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	store, err := blobs.Open(t.Context(), fmt.Sprintf("s3://%s?region=%s&use_path_style=true&endpoint=%s", s3Bucket, s3Region, url.QueryEscape(server.URL)), blobs.Config{Now: clockAt(at)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, fake
}

func TestS3(t *testing.T) { //nolint:paralleltest // see openS3
	at := time.Now()
	store, _ := openS3(t, &at)
	testStore(t, store)
}

func TestS3Links(t *testing.T) { //nolint:paralleltest // see openS3
	at := noon
	store, fake := openS3(t, &at)
	key, link := putLinked(t, store, "me.png")
	if fake.types[key] != "image/png" {
		t.Errorf("stored as %q", fake.types[key])
	}
	status, header, body := fetch(t, link)
	if status != 200 || !bytes.Equal(body, pngBytes) || header.Get("Content-Type") != "image/png" || header.Get("Content-Disposition") != "inline; filename=me.png" {
		t.Errorf("%d, %d bytes, %v", status, len(body), header)
	}
	at = noon.Add(3 * time.Minute)
	again, _, err := store.SignedURL(t.Context(), key, "image/png", "me.png", 15*time.Minute)
	if err != nil || again != link {
		t.Errorf("in the same window: %s, %v", again, err)
	}
	at = noon.Add(15 * time.Minute)
	if status, _, _ := fetch(t, link); status != 200 {
		t.Errorf("at its end: %d", status)
	}
	at = noon.Add(21 * time.Minute)
	if status, _, _ := fetch(t, link); status != 403 {
		t.Errorf("after its end: %d", status)
	}
	at = noon
	week, expires, err := store.SignedURL(t.Context(), key, "image/png", "", 30*24*time.Hour)
	if err != nil || !expires.Equal(noon.Add(7*24*time.Hour-time.Minute)) {
		t.Fatalf("ends %s, %v", expires, err)
	}
	at = noon.Add(6*24*time.Hour + 23*time.Hour)
	if status, _, _ := fetch(t, week); status != 200 {
		t.Errorf("a link for a week: %d", status)
	}
	if status, _, _ := fetch(t, strings.Replace(week, "acc_1", "acc_2", 1)); status != 403 {
		t.Errorf("another key: %d", status)
	}
	w := httptest.NewRecorder()
	store.Mount(store.Handler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/blobs/"+key, nil))
	if w.Code != 404 {
		t.Errorf("our own handler: %d", w.Code)
	}
}

func fetch(t *testing.T, link string) (int, http.Header, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := new(http.Transport).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, body
}
