package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headroom/ent"
	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/database"
	"headroom/internal/database/dbtest"
	"headroom/internal/dispatch"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/requestid"
	"headroom/internal/tenancy"
)

// house is the API over HTTP on a real database, with the real rules, authentication and events. Only
// the store, the job queue and the enhancer are in the test's hands.
type house struct {
	t       *testing.T
	db      *database.DB
	service *headshot.Service
	handler *graph.Handler
	auth    *auth.Authenticator
	url     string
	account headshot.AccountCreated
	log     *syncBuffer
	bell    events.Bell
	client  *http.Client

	mu         sync.Mutex
	blobs      map[string][]byte
	queued     []string
	onEnhance  func(progress func(string, float64))
	enhanceErr error
	statements int // of the ent client
	signed     atomic.Int64
	now        time.Time
}

type option func(*graph.Config)

func newHouse(t *testing.T, opts ...option) *house {
	t.Helper()
	return newHouseOn(t, dbtest.SQLite(t), opts...)
}

func newHouseOn(t *testing.T, db *database.DB, opts ...option) *house {
	t.Helper()
	h := &house{t: t, db: db, blobs: map[string][]byte{}, log: &syncBuffer{}, now: time.Now().UTC().Truncate(time.Millisecond)}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	secret, err := auth.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.ParseKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	client := db.Client()
	client.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
		return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
			h.mu.Lock()
			h.statements++
			h.mu.Unlock()
			return next.Query(ctx, q)
		})
	}))
	ev := events.New(db, client, events.Config{Logger: log, Poll: 50 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ev.Run(ctx) }()
	h.service = headshot.New(headshot.Config{
		Client: client, Blobs: store{h}, Queue: queue{h}, Bell: ev, Enhancer: enhancer{h}, Admit: admit, Keys: keys,
		CheckLook: func(json.RawMessage) error { return nil }, CheckURL: func(context.Context, string) error { return nil },
		Deliveries: dispatch.Deliveries{},
		BaseURL:    func() string { return "https://headroom.example.com" }, Now: h.clock, Log: log,
	})
	h.auth = auth.New(client, log, time.Now)
	h.bell = ev
	cfg := graph.Config{
		Client: client, Service: h.service, Hub: ev, CursorKey: []byte("0123456789abcdef0123456789abcdef"),
		Authenticate: h.auth.Header, Log: log,
	}
	cfg.Origin = "https://headroom.example.com"
	for _, o := range opts {
		o(&cfg)
	}
	if h.handler, err = graph.New(cfg); err != nil {
		t.Fatal(err)
	}
	guarded, err := h.auth.Middleware("https://headroom.example.com", h.handler)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(requestid.Middleware(guarded))
	h.url, h.client = server.URL, server.Client()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("events: %v", err)
		}
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
	if h.account, err = h.service.CreateAccount(t.Context(), headshot.AccountInput{Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(time.Millisecond)
	return h.now
}

type store struct{ h *house }

func (s store) Put(_ context.Context, key, _ string, data []byte) error {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.blobs[key] = data
	return nil
}

func (s store) Get(_ context.Context, key string) ([]byte, error) {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return s.h.blobs[key], nil
}

func (s store) SignedURL(_ context.Context, key, _, _ string, ttl time.Duration) (string, time.Time, error) {
	s.h.signed.Add(1)
	return "https://store.example.com/" + key, s.h.clock().Add(ttl), nil
}

type queue struct{ h *house }

func (q queue) Enhance(_ context.Context, _ *ent.Tx, revisionID, _ string) error {
	q.h.mu.Lock()
	defer q.h.mu.Unlock()
	q.h.queued = append(q.h.queued, revisionID)
	return nil
}

type enhancer struct{ h *house }

func (e enhancer) Enhance(_ context.Context, _ []byte, _ headshot.EnhanceOptions, progress func(string, float64)) (*headshot.Enhanced, error) {
	if e.h.onEnhance != nil {
		e.h.onEnhance(progress)
	}
	if e.h.enhanceErr != nil {
		return nil, e.h.enhanceErr
	}
	return &headshot.Enhanced{
		Score: 0.9, Profile: "standard", Warnings: json.RawMessage(`[{"code":"DARK","message":"It is dark."}]`),
		Quality: json.RawMessage(`{"score":0.9,"checks":[{"code":"light","passed":true,"value":0.5,"limit":0.2,"message":"Good light."}]}`),
		Steps:   json.RawMessage(`{}`), Models: json.RawMessage(`{}`),
		Pictures: []headshot.Picture{{Kind: "HEADSHOT", Name: "headshot", ContentType: "image/jpeg", Width: 1600, Height: 2000, Data: []byte("headshot")}},
	}, nil
}

func admit(photo []byte) (headshot.Photo, error) {
	if !bytes.HasPrefix(photo, []byte("photo")) {
		return headshot.Photo{}, &headshot.Error{Kind: headshot.UnsupportedMediaType, Field: "photo", Msg: "not a photo"}
	}
	return headshot.Photo{ContentType: "image/jpeg", Width: 1024, Height: 1280}, nil
}

// work processes what is queued.
func (h *house) work() {
	h.t.Helper()
	h.mu.Lock()
	ids := h.queued
	h.queued = nil
	h.mu.Unlock()
	for _, id := range ids {
		if err := h.service.Enhance(h.t.Context(), h.account.Account.ID, id, false); err != nil {
			h.t.Error(err)
		}
	}
}

// admin is the context of the account's own work, to set a scene.
func (h *house) admin() context.Context { return tenancy.AsWorker(h.t.Context(), h.account.Account.ID) }

func (h *house) contact(n int) *ent.Contact {
	h.t.Helper()
	row, err := h.service.CreateContact(h.admin(), headshot.ContactInput{
		FirstName: "Ada", LastName: fmt.Sprintf("Lovelace %03d", n), Email: fmt.Sprintf("ada%d@example.com", n),
		CustomAttributes: json.RawMessage(fmt.Sprintf(`{"n": %d, "team": "t%d", "remote": true}`, n, n%2)),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return row
}

func (h *house) submit(contactID string) *ent.Submission {
	h.t.Helper()
	row, err := h.service.Submit(h.admin(), headshot.SubmitInput{StudioID: h.account.Studio.ID, ContactID: contactID, Photo: []byte("photo")})
	if err != nil {
		h.t.Fatal(err)
	}
	return row
}

func (h *house) key(scopes ...string) string {
	h.t.Helper()
	_, key, err := h.service.CreateKey(h.admin(), headshot.KeyInput{Name: "test", Scopes: scopes})
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// capture makes a session and gives its link's token.
func (h *house) capture(contactID string) (*ent.StudioSession, string) {
	h.t.Helper()
	row, err := h.service.CreateSession(h.admin(), headshot.SessionInput{StudioID: h.account.Studio.ID, ContactID: contactID})
	if err != nil {
		h.t.Fatal(err)
	}
	_, token, _ := strings.Cut(h.service.SessionURL(row), "/s/")
	return row, token
}

type answer struct {
	status int
	header http.Header
	raw    string
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	Extensions map[string]any `json:"extensions"`
}

// code is that of the first error.
func (a answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return fmt.Sprint(a.Errors[0].Extensions["code"])
}

// detail is the finer code of the first error.
func (a answer) detail() string {
	if len(a.Errors) == 0 {
		return ""
	}
	s, _ := a.Errors[0].Extensions["detail"].(string)
	return s
}

// get walks data by keys and indexes such as "contacts.nodes.0.id".
func (a answer) get(path string) any {
	var at any = a.Data
	for key := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[key]
		case []any:
			i := 0
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

func (a answer) str(path string) string {
	s, _ := a.get(path).(string)
	return s
}

// send sends a body.
func (h *house) send(key string, header map[string]string, body io.Reader) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url, body)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	out := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if err := json.Unmarshal(raw, &out); err != nil {
		h.t.Fatalf("answer %d is not JSON: %s", resp.StatusCode, raw)
	}
	return out
}

// ask runs one operation. vars are pairs of name and value.
func (h *house) ask(key, query string, vars ...any) answer {
	h.t.Helper()
	return h.send(key, nil, requestBody(h.t, query, vars...))
}

// must is ask that has no errors.
func (h *house) must(key, query string, vars ...any) answer {
	h.t.Helper()
	a := h.ask(key, query, vars...)
	if len(a.Errors) > 0 {
		h.t.Fatalf("%s\nfailed: %s", query, a.raw)
	}
	return a
}

func requestBody(t *testing.T, query string, vars ...any) io.Reader {
	t.Helper()
	m := map[string]any{}
	for i := 0; i < len(vars); i += 2 {
		m[vars[i].(string)] = vars[i+1] //nolint:forcetypeassert // a test's own literal
	}
	raw, err := json.Marshal(map[string]any{"query": query, "variables": m})
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(raw)
}

// counted runs f and gives how many statements ent sent meanwhile.
func (h *house) counted(f func()) int {
	h.mu.Lock()
	before := h.statements
	h.mu.Unlock()
	f()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.statements - before
}

// syncBuffer is a log that many write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// ring tells subscribers that a submission changed, as the rules do after a commit.
func (h *house) ring(id string) {
	h.bell.Ring(events.Ring{AccountID: h.account.Account.ID, SubmissionID: id})
}
