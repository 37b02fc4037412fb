package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
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
	"headroom/rest"
	"headroom/webhooks"
)

// house is /api/v2 over HTTP with the real executor, rules, authentication, database, storage and
// admission of photos. Only the job queue and the enhancer, which needs native code, are the test's.
type house struct {
	t       *testing.T
	service *headshot.Service
	graph   *graph.Handler
	auth    *auth.Authenticator
	account headshot.AccountCreated
	key     string // admin
	url     string

	mu     sync.Mutex
	queued []string // revision ids
	log    bytes.Buffer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOn(t, dbtest.SQLite(t))
}

func newHouseOn(t *testing.T, db *database.DB) *house {
	t.Helper()
	h := &house{t: t}
	secret, err := auth.NewSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.ParseKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
	store, err := blobs.Open(t.Context(), "file://"+t.TempDir(), blobs.Config{SigningKey: keys.URLs(), BaseURL: "https://headroom.example.com", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	log, client := slog.New(slog.NewTextHandler(h, nil)), db.Client()
	bell := events.NewLocal()
	authenticator := auth.New(client, log, now)
	h.service = headshot.New(headshot.Config{
		Client: client, Blobs: store, Queue: queue{h}, Bell: bell, Enhancer: enhancer{}, Admit: admitPhoto, Keys: keys,
		CheckLook:  func(json.RawMessage) error { return nil },
		CheckURL:   func(_ context.Context, raw string) error { _, err := webhooks.CheckURL(raw, false); return err },
		Deliveries: dispatch.Deliveries{},
		BaseURL:    func() string { return "https://headroom.example.com" }, Now: now, Log: log, OnKeyRevoked: authenticator.Forget,
	})
	h.graph, err = graph.New(graph.Config{
		Client: client, Service: h.service, Hub: events.NewHub(db, client, bell, events.Config{Logger: log}), CursorKey: keys.Cursor(),
		Authenticate: authenticator.Header, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	guarded, err := authenticator.Middleware("https://headroom.example.com", rest.New(h.graph, log))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(requestid.Middleware(guarded))
	h.url, h.auth = server.URL, authenticator
	t.Cleanup(func() {
		server.Close()
		if t.Failed() {
			t.Log(h.logged())
		}
	})
	if h.account, err = h.service.CreateAccount(t.Context(), headshot.AccountInput{Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	h.key = h.account.APIKey
	return h
}

func (h *house) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

func (h *house) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

// admitPhoto is what the program admits photos with.
func admitPhoto(photo []byte) (headshot.Photo, error) {
	info, err := admit.Check(bytes.NewReader(photo), int64(len(photo)))
	if err == nil {
		return headshot.Photo{ContentType: info.Format.ContentType(), Width: info.Width, Height: info.Height}, nil
	}
	kinds := map[admit.Kind]headshot.Kind{
		admit.Unsupported: headshot.UnsupportedMediaType, admit.TooLarge: headshot.PayloadTooLarge, admit.Broken: headshot.ValidationFailed,
	}
	kind, _ := admit.KindOf(err)
	return headshot.Photo{}, &headshot.Error{Kind: kinds[kind], Field: "photo", Code: "refused", Msg: err.Error()}
}

type queue struct{ h *house }

func (q queue) Enhance(_ context.Context, _ *ent.Tx, revisionID, _ string) error {
	q.h.mu.Lock()
	defer q.h.mu.Unlock()
	q.h.queued = append(q.h.queued, revisionID)
	return nil
}

type enhancer struct{}

func (enhancer) Enhance(context.Context, []byte, headshot.EnhanceOptions, func(string, float64)) (*headshot.Enhanced, error) {
	return &headshot.Enhanced{
		Score: 0.9, Profile: "standard", Warnings: json.RawMessage(`[{"code":"DARK","message":"It is dark."}]`),
		Quality: json.RawMessage(`{"score":0.9,"checks":[{"code":"light","passed":true,"value":0.5,"limit":0.2,"message":"Good light."}]}`),
		Steps:   json.RawMessage(`{}`), Models: json.RawMessage(`{}`),
		Pictures: []headshot.Picture{{Kind: "HEADSHOT", Name: "headshot", ContentType: "image/jpeg", Width: 1600, Height: 2000, Data: []byte("headshot")}},
	}, nil
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
			h.t.Fatal(err)
		}
	}
}

// admin is the context of the account's own work.
func (h *house) admin() context.Context { return tenancy.AsWorker(h.t.Context(), h.account.Account.ID) }

func (h *house) keyWith(scopes ...string) string {
	h.t.Helper()
	_, key, err := h.service.CreateKey(h.admin(), headshot.KeyInput{Name: "test", Scopes: scopes})
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// neighbour is another account on the same server.
func (h *house) neighbour() *house {
	h.t.Helper()
	made, err := h.service.CreateAccount(h.t.Context(), headshot.AccountInput{Name: "Neighbour"})
	if err != nil {
		h.t.Fatal(err)
	}
	return &house{t: h.t, service: h.service, graph: h.graph, account: made, key: made.APIKey, url: h.url}
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	raw    string
	body   any
}

// at walks the body by keys and indexes such as "data.0.id".
func (a answer) at(path string) any {
	at := a.body
	for step := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[step]
		case []any:
			i := 0
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(v) {
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
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s is not a text in %d %s", path, a.status, a.raw)
	}
	return s
}

// want checks the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}

// wantProblem checks a problem's form, code, and where its first error lies (a pointer or parameter, or "").
func (a answer) wantProblem(status int, code, where string) answer {
	a.t.Helper()
	a.want(status)
	first := ""
	for _, key := range []string{"errors.0.pointer", "errors.0.parameter"} {
		if s, ok := a.at(key).(string); ok {
			first = s
		}
	}
	if a.str("code") != code || first != where {
		a.t.Fatalf("got %s at %q, want %s at %q: %s", a.str("code"), first, code, where, a.raw)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("a problem of type %s", got)
	}
	if a.str("type") != "/docs/errors#"+code || a.at("status") != float64(status) || a.str("title") == "" || a.str("detail") == "" ||
		a.str("instance") == "" || a.str("request_id") != a.header.Get("X-Request-Id") || a.at("errors") == nil {
		a.t.Errorf("the problem is not complete: %s", a.raw)
	}
	return a
}

// send does one request; header is pairs of name and value.
func (h *house) send(method, path string, body io.Reader, header ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v2"+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.key != "" {
		req.Header.Set("Authorization", "Bearer "+h.key)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{t: h.t, status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") && len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			h.t.Fatalf("%s %s answers no JSON: %s", method, path, raw)
		}
	}
	return a
}

func (h *house) get(path string) answer { h.t.Helper(); return h.send(http.MethodGet, path, nil) }

// post sends a JSON body; PUT and PATCH are in the method's place before the path.
func (h *house) post(path, body string) answer {
	h.t.Helper()
	return h.json(http.MethodPost, path, body)
}

func (h *house) json(method, path, body string) answer {
	h.t.Helper()
	return h.send(method, path, strings.NewReader(body), "Content-Type", "application/json")
}

// form sends a multipart body; parts are pairs of name and content, `photo` is sent as a file.
func (h *house) form(path string, parts ...string) answer {
	h.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		var part io.Writer
		var err error
		if parts[i] == "photo" {
			part, err = w.CreateFormFile("photo", "portrait.jpg")
		} else {
			part, err = w.CreateFormField(parts[i])
		}
		if err == nil {
			_, err = io.WriteString(part, parts[i+1])
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		h.t.Fatal(err)
	}
	return h.send(http.MethodPost, path, &b, "Content-Type", w.FormDataContentType())
}

// contact makes a contact and gives its id.
func (h *house) contact(n int) string {
	h.t.Helper()
	return h.post("/contacts", fmt.Sprintf(`{"first_name":"Ada","last_name":"Lovelace %02d","email":"ada%d@example.com","custom_attributes":{"team":"t%d"}}`, n, n, n%2)).
		want(http.StatusCreated).str("id")
}

// portrait is a real JPEG.
func portrait(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../enhance/testdata/portraits/08-spacesuit-512px.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// submit hands in a photo for a new contact and gives the submission's id.
func (h *house) submit(n int) string {
	h.t.Helper()
	return h.form("/submissions", "photo", portrait(h.t), "studio_id", h.account.Studio.ID, "contact_id", h.contact(n)).
		want(http.StatusCreated).str("id")
}
