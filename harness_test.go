package main_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"headroom/internal/auth"
	"headroom/internal/database/dbtest"
	"headroom/test/live"
)

const (
	// patience is how long anything may take before it counts as not happening: the contract's own
	// limit for a submission to complete after a crash.
	patience = 60 * time.Second

	face   = "08-spacesuit-512px.jpg"
	large  = "01-street-short-curly-hair.jpg" // 1080 × 1080
	noFace = "15-no-face.jpg"
)

// program is what all tests run, built once.
var program struct {
	root, binary, models string
	photos               chan struct{} // a place in it lets a test enhance photos
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "headroom-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		program.root, err = live.Root(ctx)
	}
	if err == nil {
		program.models, err = live.Models(program.root)
	}
	if err == nil {
		program.binary, err = live.Build(ctx, program.root, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program.photos = make(chan struct{}, max(1, runtime.NumCPU()))
	return m.Run()
}

// enhances waits for a turn to enhance photos, which lasts until the test ends: many native pipelines
// at once would only be slow at the same time.
func enhances(tb testing.TB) {
	tb.Helper()
	program.photos <- struct{}{}
	tb.Cleanup(func() { <-program.photos })
}

// lifetime is a context for processes: they outlive t.Context, which ends before the clean-up, but
// not the test binary, which go test ends at its deadline.
func lifetime(tb testing.TB) context.Context {
	tb.Helper()
	limited, ok := tb.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return context.Background()
	}
	at, ok := limited.Deadline()
	if !ok {
		return context.Background()
	}
	ctx, cancel := context.WithDeadline(context.Background(), at.Add(-5*time.Second))
	tb.Cleanup(cancel)
	return ctx
}

// each runs test on a site with SQLite and on one with PostgreSQL; with -short only on SQLite.
func each(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newSite(t, nil))
	})
	if testing.Short() {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newSite(t, map[string]string{"HEADROOM_DATABASE_URL": dbtest.Postgres(t)}))
	})
}

// site is an installation: what stays when servers come and go.
type site struct {
	settings map[string]string
	key      string // of the account that the first start makes
	data     string
}

// newSite makes an empty installation, with SQLite unless settings say otherwise.
func newSite(tb testing.TB, settings map[string]string) *site {
	tb.Helper()
	key, err := auth.NewAPIKey(false)
	if err != nil {
		tb.Fatal(err)
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	s := &site{key: key, data: tb.TempDir()}
	s.settings = map[string]string{
		"HEADROOM_ADDR": "127.0.0.1:0", "HEADROOM_DATA": s.data, "HEADROOM_MODELS": program.models, "HEADROOM_PROFILE": "standard",
		"HEADROOM_SECRET_KEY": base64.StdEncoding.EncodeToString(secret[:]), "HEADROOM_BOOTSTRAP_KEY": key,
		"HEADROOM_WEBHOOKS_ALLOW_PRIVATE": "true", "HEADROOM_ENHANCE_WORKERS": "1",
	}
	maps.Copy(s.settings, settings)
	return s
}

// serve starts a server, which ends with the test, and well unless the test has killed it.
func (s *site) serve(t *testing.T, args ...string) *live.Server {
	t.Helper()
	server, err := live.Start(lifetime(t), program.binary, s.settings, append([]string{"serve"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if server.Running() {
			if err := server.Stop(); err != nil {
				t.Errorf("the server did not end well: %v", err)
			}
		}
		if t.Failed() {
			t.Logf("server %d said:\n%s", server.PID, server.Log())
		}
	})
	return server
}

// kill ends a server as kill -9 does.
func kill(t *testing.T, s *live.Server) {
	t.Helper()
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
}

// files lists what is stored in the photos folder.
func (s *site) files(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(filepath.Join(s.data, "photos"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out
}

// api calls a server for a test, which ends when a call fails that must not.
type api struct {
	*testing.T
	live.Client
}

func (s *site) api(t *testing.T, server *live.Server) api {
	t.Helper()
	return api{t, live.Client{URL: server.URL, Key: s.key}}
}

func (a api) call(method, path string, in, out any) {
	a.Helper()
	if err := a.Call(a.Context(), method, "/api/v2"+path, in, out); err != nil {
		a.Fatal(err)
	}
}

// graphql runs a document that must succeed, and reads its data into out.
func (a api) graphql(query string, variables map[string]any, out any) {
	a.Helper()
	data, errs, err := a.GraphQL(a.Context(), query, variables)
	if err != nil {
		a.Fatal(err)
	}
	if len(errs) > 0 {
		a.Fatalf("GraphQL refused %s: %+v", query, errs)
	}
	if err := json.Unmarshal(data, out); err != nil {
		a.Fatalf("GraphQL answered %s: %v", data, err)
	}
}

func (a api) studio() (id string) {
	a.Helper()
	var page struct{ Data []struct{ ID string } }
	a.call(http.MethodGet, "/studios", nil, &page)
	if len(page.Data) != 1 {
		a.Fatalf("a new account has %d studios, want 1", len(page.Data))
	}
	return page.Data[0].ID
}

func (a api) contact() (id string) {
	a.Helper()
	var row struct{ ID string }
	a.call(http.MethodPost, "/contacts", map[string]string{"first_name": "Ada", "email": strings.ToLower(rand.Text()) + "@example.com"}, &row)
	return row.ID
}

// submission is one as REST shows it, as far as tests look at it.
type submission struct {
	ID, State       string
	ProcessingState string `json:"processing_state"`
	ProgressStep    string `json:"progress_step"`
	Complete        bool
	Failure         *struct{ Code, Message string }
	Images          []struct {
		Kind, Name, URL, SHA256 string
		ContentType             string `json:"content_type"`
		Width, Height           int
	}
	Revision struct {
		Number     int
		StartedAt  *time.Time `json:"started_at"`
		FinishedAt *time.Time `json:"finished_at"`
	}
}

// submit hands in a photo of a new contact.
func (a api) submit(name string) submission {
	a.Helper()
	return a.submitFor(a.contact(), name)
}

func (a api) submitFor(contact, name string) submission {
	a.Helper()
	answer, err := a.Submit(a.Context(), map[string]string{"studio_id": a.studio(), "contact_id": contact}, photo(a.T, name))
	if err != nil {
		a.Fatal(err)
	}
	var s submission
	if err := answer.JSON(&s); err != nil {
		a.Fatal(err)
	}
	return s
}

func (a api) submission(id string) submission {
	a.Helper()
	var s submission
	a.call(http.MethodGet, "/submissions/"+id, nil, &s)
	return s
}

// reaches waits until the submission is processed so far.
func (a api) reaches(id, processingState string) submission {
	a.Helper()
	var s submission
	until(a.T, id+" is "+processingState, func() bool {
		s = a.submission(id)
		if s.ProcessingState != processingState && (s.ProcessingState == "COMPLETE" || s.ProcessingState == "FAILED") {
			a.Fatalf("%s is %s (%+v), want %s", id, s.ProcessingState, s.Failure, processingState)
		}
		return s.ProcessingState == processingState
	})
	return s
}

// endpoint makes a webhook endpoint for the default topic and gives its secret.
func (a api) endpoint(r *live.Receiver) (id, secret string) {
	a.Helper()
	var row struct{ ID, Secret string }
	a.call(http.MethodPost, "/webhook_endpoints", map[string]any{"url": r.URL}, &row)
	return row.ID, row.Secret
}

// receive starts a receiver of webhooks that ends with the test.
func receive(t *testing.T) *live.Receiver {
	t.Helper()
	r, err := live.Receive(t.Context(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// next waits for a delivery.
func next(t *testing.T, r *live.Receiver) live.Delivery {
	t.Helper()
	select {
	case d := <-r.Deliveries:
		return d
	case <-time.After(patience):
		t.Fatalf("no webhook within %s", patience)
		return live.Delivery{}
	}
}

// until asks again and again whether something has happened.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for !happened() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func photo(t *testing.T, name string) live.Photo {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(program.root, "enhance/testdata/portraits", name))
	if err != nil {
		t.Fatal(err)
	}
	return live.Photo{Name: name, Data: data}
}
