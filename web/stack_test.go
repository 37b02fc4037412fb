package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/enhance/admit"
	"headroom/ent"
	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/blobs"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/dispatch"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/requestid"
	"headroom/internal/tenancy"
	"headroom/web"
)

const (
	ownerEmail    = "owner@acme.example"
	ownerPassword = "correct horse battery"
)

// stack is the product behind its pages: database, rules, API and storage are real. Only the enhancer,
// which is native and slow, and the queue in front of it are the test's.
type stack struct {
	*headshot.Service
	t       *testing.T
	url     string
	server  *httptest.Server
	db      *database.DB
	events  *events.Events
	log     *bytes.Buffer
	account headshot.AccountCreated
	ctx     context.Context // an admin of the account

	mu      sync.Mutex
	queued  []string
	answer  func(photo []byte, progress func(string, float64)) (*headshot.Enhanced, error)
	later   time.Duration // how far the clock is put forward
	baseURL string        // what the pages think they are reached by; empty: the server's address
}

type queue struct{ s *stack }

func (q queue) Enhance(_ context.Context, _ *ent.Tx, revisionID, _ string) error {
	q.s.mu.Lock()
	defer q.s.mu.Unlock()
	q.s.queued = append(q.s.queued, revisionID)
	return nil
}

type enhancer struct{ s *stack }

func (e enhancer) Enhance(
	_ context.Context, photo []byte, _ headshot.EnhanceOptions, progress func(string, float64),
) (*headshot.Enhanced, error) {
	return e.s.answer(photo, progress)
}

func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{t: t, log: &bytes.Buffer{}}
	s.answer = func([]byte, func(string, float64)) (*headshot.Enhanced, error) { return finished(t), nil }
	mux := http.NewServeMux()
	s.server = httptest.NewServer(requestid.Middleware(mux))
	t.Cleanup(s.server.Close)
	s.url = s.server.URL
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: s.log}, nil))
	s.db = dbtest.SQLite(t)
	client := s.db.Client()
	secret, err := auth.NewSecretKey()
	must(t, err)
	keys, err := auth.ParseKeys(secret)
	must(t, err)
	pictures, err := blobs.Open(t.Context(), "file://"+t.TempDir(), blobs.Config{SigningKey: keys.URLs(), BaseURL: s.url})
	must(t, err)
	s.events = events.New(s.db, client, events.Config{Logger: log})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.events.Run(ctx) }()
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		stop()
		must(t, <-ended)
	})
	s.Service = headshot.New(headshot.Config{
		Client: client, Blobs: pictures, Queue: queue{s}, Bell: s.events, Enhancer: enhancer{s}, Admit: admitPhoto, Keys: keys,
		CheckLook: func(json.RawMessage) error { return nil },
		CheckURL: func(_ context.Context, raw string) error {
			if !strings.HasPrefix(raw, "https://") {
				return headshot.Invalid("url", "must be https")
			}
			return nil
		},
		Deliveries: dispatch.Deliveries{},
		BaseURL:    s.base, Now: s.clock, Log: log,
	})
	s.account, err = s.CreateAccount(t.Context(), headshot.AccountInput{Name: "Acme", Email: ownerEmail, Password: ownerPassword})
	must(t, err)
	s.ctx = tenancy.AsWorker(t.Context(), s.account.Account.ID)
	authenticator := auth.New(client, log, s.clock)
	api, err := graph.New(graph.Config{
		Client: client, Service: s.Service, Hub: s.events, CursorKey: keys.Cursor(), Authenticate: authenticator.Header, Log: log,
	})
	must(t, err)
	faces, err := web.New(web.Config{Exec: api.Exec, Auth: authenticator, BaseURL: s.base, Log: log, Now: s.clock})
	must(t, err)
	inner := http.NewServeMux()
	inner.Handle("/graphql", api)
	faces.Register(inner)
	mux.Handle("/blobs/", pictures.Handler())
	guarded, err := authenticator.Middleware("https://headroom.example.com", inner)
	must(t, err)
	mux.Handle("/", guarded)
	return s
}

func (s *stack) base() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.baseURL != "" {
		return s.baseURL
	}
	return s.url
}

func (s *stack) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().UTC().Add(s.later).Truncate(time.Millisecond)
}

func (s *stack) forward(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.later += d
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// admitPhoto is what the server has in front of the rules.
func admitPhoto(photo []byte) (headshot.Photo, error) {
	info, err := admit.Check(bytes.NewReader(photo), int64(len(photo)))
	if err != nil {
		return headshot.Photo{}, &headshot.Error{Kind: headshot.UnsupportedMediaType, Field: "photo", Msg: err.Error()}
	}
	return headshot.Photo{ContentType: info.Format.ContentType(), Width: info.Width, Height: info.Height}, nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// photo is a small real JPEG.
func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), 160, 255})
		}
	}
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func finished(t *testing.T) *headshot.Enhanced {
	t.Helper()
	return &headshot.Enhanced{
		Score: 0.83, Profile: "standard", Steps: json.RawMessage(`{}`), Models: json.RawMessage(`{}`),
		Warnings: json.RawMessage(`[{"code":"MANY_FACES","message":"There is more than one face. The largest was taken."}]`),
		Quality: json.RawMessage(`{"score":0.83,"checks":[
			{"code":"FACE_SIZE","passed":true,"value":412,"limit":300,"message":"The face is large enough."},
			{"code":"SHARPNESS","passed":false,"value":0.004,"limit":0.01,"message":"The face is blurred. Hold still, clean the lens and take it again."}]}`),
		Pictures: []headshot.Picture{
			{Kind: "HEADSHOT", Name: "headshot", ContentType: "image/jpeg", Width: 400, Height: 500, Data: photo(t, 400, 500)},
			{Kind: "RENDITION", Name: "512", ContentType: "image/jpeg", Width: 512, Height: 512, Data: photo(t, 512, 512)},
			{Kind: "RENDITION", Name: "256", ContentType: "image/jpeg", Width: 256, Height: 256, Data: photo(t, 256, 256)},
		},
	}
}

// session makes a capture link and returns it with its token.
func (s *stack) session(first string) (row *ent.StudioSession, token string) {
	s.t.Helper()
	row, err := s.CreateSession(s.ctx, headshot.SessionInput{
		StudioID: s.account.Studio.ID,
		Contact:  &headshot.ContactInput{FirstName: first, LastName: "Lovelace", Email: strings.ToLower(url.QueryEscape(first)) + "@acme.example"},
	})
	must(s.t, err)
	link := s.SessionURL(row)
	return row, link[strings.LastIndexByte(link, '/')+1:]
}

// submitted hands a photo in through a session.
func (s *stack) submitted(row *ent.StudioSession) *ent.Submission {
	s.t.Helper()
	sub, err := s.Submit(s.ctx, headshot.SubmitInput{SessionID: row.ID, Photo: photo(s.t, 640, 800)})
	must(s.t, err)
	return sub
}

// work does what is queued.
func (s *stack) work() {
	s.t.Helper()
	s.mu.Lock()
	todo := s.queued
	s.queued = nil
	s.mu.Unlock()
	for _, id := range todo {
		must(s.t, s.Enhance(s.t.Context(), s.account.Account.ID, id, false))
	}
}

// receiver stands for the endpoints of webhooks: it fails a delivery's first attempt. It is also the
// dispatch's secrets and renderer, which the pages have no part in.
type receiver struct{}

func (receiver) Send(_ context.Context, p dispatch.Parcel) dispatch.Outcome {
	return dispatch.Outcome{
		OK: p.Attempt > 1, Status: map[bool]int{true: 204, false: 500}[p.Attempt > 1], Excerpt: []byte("<b>sorry</b>"),
		StartedAt: time.Now().UTC(), Duration: 12 * time.Millisecond, Error: "the answer was not 2xx",
	}
}

func (receiver) Secrets(context.Context, string) ([]dispatch.Secret, error) { return nil, nil }

func (receiver) Render(context.Context, *ent.Event) ([]byte, error) { return []byte(`{}`), nil }

// deliver runs the dispatch until the test ends.
func (s *stack) deliver() {
	s.t.Helper()
	d, err := dispatch.New(s.db, s.db.Client(), receiver{}, receiver{}, receiver{}, s.events, dispatch.Config{
		NodeID: "node_test", NextRetry: func(int, time.Duration) (time.Duration, bool) { return 0, false },
	})
	must(s.t, err)
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		must(s.t, <-ended)
	})
}

// browser is an HTTP client with cookies that follows no redirects by itself.
type browser struct {
	s *stack
	*http.Client
}

func (s *stack) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	return &browser{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// member is a browser whose user is logged in.
func (s *stack) member() *browser {
	s.t.Helper()
	b := s.browser()
	a := b.post("/login", url.Values{"email": {ownerEmail}, "password": {ownerPassword}})
	if a.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("log-in answers %d: %s", a.StatusCode, a.body)
	}
	return b
}

type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, path, contentType, body string, header map[string]string) answer {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, b.s.url+path, strings.NewReader(body))
	must(b.s.t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	res, err := b.Do(r)
	must(b.s.t, err)
	raw, err := io.ReadAll(res.Body)
	must(b.s.t, err)
	must(b.s.t, res.Body.Close())
	return answer{res, string(raw)}
}

func (b *browser) get(path string) answer {
	b.s.t.Helper()
	return b.do(http.MethodGet, path, "", "", nil)
}

func (b *browser) post(path string, form url.Values) answer {
	b.s.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode(), map[string]string{"Sec-Fetch-Site": "same-origin"})
}

// want fails unless the answer has the status and holds all the texts.
func (b *browser) want(a answer, status int, texts ...string) {
	b.s.t.Helper()
	if a.StatusCode != status {
		b.s.t.Fatalf("%s %s answers %d, want %d\n%s\nlog: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body, b.s.log)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			b.s.t.Errorf("%s %s does not say %q:\n%s", a.Request.Method, a.Request.URL.Path, text, a.body)
		}
	}
}

func (b *browser) wantNot(a answer, texts ...string) {
	b.s.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			b.s.t.Errorf("%s %s says %q", a.Request.Method, a.Request.URL.Path, text)
		}
	}
}

// to follows a redirect and says where it led.
func (b *browser) to(a answer) answer {
	b.s.t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		b.s.t.Fatalf("%s %s answers %d, want a redirect\n%s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body)
	}
	next, err := a.Location()
	must(b.s.t, err)
	return b.get(strings.TrimPrefix(next.String(), fmt.Sprintf("%s://%s", next.Scheme, next.Host)))
}
