package dispatch_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"headroom/ent"
	"headroom/ent/delivery"
	"headroom/ent/event"
	"headroom/internal/database"
	"headroom/internal/dispatch"
	"headroom/internal/events"
	"headroom/internal/tenancy"
	"headroom/webhooks"
)

const patience = time.Minute

// house is one database with one account, and what every node shares.
type house struct {
	t       testing.TB
	db      *database.DB
	account string
	ctx     context.Context // acts for the account
	secret  string
}

func newHouse(tb testing.TB, db *database.DB) *house {
	tb.Helper()
	account, err := db.Client().Account.Create().SetName("Probe").Save(tenancy.AsSystem(tb.Context()))
	if err != nil {
		tb.Fatal(err)
	}
	secret, err := webhooks.NewSecret(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return &house{t: tb, db: db, account: account.ID, ctx: tenancy.AsWorker(tb.Context(), account.ID), secret: secret}
}

// Secrets is the same for every endpoint.
func (h *house) Secrets(context.Context, string) ([]dispatch.Secret, error) {
	return []dispatch.Secret{{ID: "whs_1", Value: h.secret}}, nil
}

// Render names the event.
func (h *house) Render(ctx context.Context, e *ent.Event) ([]byte, error) {
	if actor, ok := tenancy.From(ctx); !ok || actor.AccountID != e.AccountID {
		return nil, fmt.Errorf("rendered by %+v", actor)
	}
	return fmt.Appendf(nil, `{"topic":%q,"event_id":%q}`, e.Topic, e.ID), nil
}

// httpSender is the real sender, as the program wires it.
type httpSender struct{ *webhooks.Sender }

func (s httpSender) Send(ctx context.Context, p dispatch.Parcel) dispatch.Outcome {
	header := make(http.Header, len(p.Headers))
	for name, value := range p.Headers {
		header.Set(name, value)
	}
	secrets := make([]webhooks.Secret, len(p.Secrets))
	for i, secret := range p.Secrets {
		secrets[i] = webhooks.Secret(secret)
	}
	a := s.Sender.Send(ctx, webhooks.Request{URL: p.URL, Header: header, Secrets: secrets, Message: webhooks.Message{
		ID: p.EventID, Topic: p.Topic, Subject: p.SubjectID, Endpoint: p.EndpointID, Issuer: "https://headroom.test",
		Attempt: p.Attempt, Body: p.Body,
	}})
	out := dispatch.Outcome{
		OK: a.Class == webhooks.ClassOK, Gone: a.Class == webhooks.ClassGone, Status: a.Status, Class: string(a.Class),
		Header: a.Header, Excerpt: a.Excerpt, StartedAt: a.StartedAt, Duration: a.Duration, RetryAfter: a.RetryAfter,
	}
	if a.Err != nil {
		out.Error = a.Err.Error()
	}
	return out
}

// node is one running process.
type node struct {
	*events.Events
	stop func() // ends it and waits
}

// run starts a node; change, when given, changes its configuration.
func (h *house) run(id string, change func(*dispatch.Config)) *node { return h.runWith(id, h, change) }

func (h *house) runWith(id string, renderer dispatch.Renderer, change func(*dispatch.Config)) *node {
	h.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	cfg := dispatch.Config{
		NodeID: id, Poll: 100 * time.Millisecond, Logger: quiet,
		NextRetry: func(attempts int, _ time.Duration) (time.Duration, bool) { return 20 * time.Millisecond, attempts < 3 },
	}
	if change != nil {
		change(&cfg)
	}
	log := events.New(h.db, h.db.Client(), events.Config{Poll: 100 * time.Millisecond, Logger: quiet})
	sender := webhooks.NewSender(webhooks.Config{AllowPrivate: true})
	d, err := dispatch.New(h.db, h.db.Client(), httpSender{sender}, h, renderer, log, cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := log.Run(ctx); err != nil {
			h.t.Errorf("events: %v", err)
		}
	})
	wg.Go(func() {
		if err := d.Run(ctx); err != nil {
			h.t.Errorf("dispatch: %v", err)
		}
	})
	n := &node{log, func() { cancel(); wg.Wait() }}
	h.t.Cleanup(n.stop)
	return n
}

// write commits n events.
func (h *house) write(n int, draft events.Draft) []string {
	h.t.Helper()
	tx, err := h.db.Client().Tx(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	ids := make([]string, n)
	for i := range ids {
		if draft.SubjectID == "" {
			draft.SubjectID = "sub_1"
		}
		e, err := events.Write(h.ctx, tx, draft)
		if err != nil {
			h.t.Fatal(err)
		}
		ids[i] = e.ID
	}
	if err := tx.Commit(); err != nil {
		h.t.Fatal(err)
	}
	return ids
}

func (h *house) endpoint(url string, change func(*ent.WebhookEndpointCreate)) *ent.WebhookEndpoint {
	h.t.Helper()
	create := h.db.Client().WebhookEndpoint.Create().SetURL(url).SetTopics(nil)
	if change != nil {
		change(create)
	}
	endpoint, err := create.Save(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	return endpoint
}

// eventually looks until ok.
func (h *house) eventually(what string, ok func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			h.t.Logf("%d events, of them %d without a position and %d not fanned out", h.db.Client().Event.Query().CountX(h.ctx),
				h.db.Client().Event.Query().Where(event.SeqIsNil()).CountX(h.ctx),
				h.db.Client().Event.Query().Where(event.FannedOut(false)).CountX(h.ctx))
			for _, d := range h.db.Client().Delivery.Query().Where(delivery.StateNEQ(delivery.StateDelivered)).Limit(5).AllX(h.ctx) {
				h.t.Logf("delivery: %v", d)
			}
			h.t.Fatalf("%s: not within %v", what, patience)
		}
		<-tick.C
	}
}

// count counts the endpoint's deliveries in a state.
func (h *house) count(endpoint *ent.WebhookEndpoint, state delivery.State) int {
	h.t.Helper()
	n, err := h.db.Client().Delivery.Query().Where(delivery.EndpointID(endpoint.ID), delivery.StateEQ(state)).Count(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// receiver is a customer's server. It verifies what it gets, and counts it by event.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    map[string]int
	bodies map[string]string
	order  []time.Time
}

// newReceiver answers each request with what answer says; nil means 200.
func (h *house) newReceiver(answer func(w http.ResponseWriter, r *http.Request, seen int)) *receiver {
	rec := &receiver{got: map[string]int{}, bodies: map[string]string{}}
	rec.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = webhooks.Verify(r.Header, body, h.secret)
		}
		if err != nil {
			h.t.Errorf("receiver: %v", err)
		}
		id := r.Header.Get(webhooks.HeaderID)
		rec.mu.Lock()
		if rec.bodies[id] != "" && rec.bodies[id] != string(body) {
			h.t.Errorf("event %s came with another body", id)
		}
		rec.got[id]++
		rec.bodies[id] = string(body)
		rec.order = append(rec.order, time.Now())
		seen := rec.got[id]
		rec.mu.Unlock()
		if answer != nil {
			answer(w, r, seen)
		}
	}))
	h.t.Cleanup(rec.Close)
	return rec
}

// times says how often the event came.
func (r *receiver) times(event string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got[event]
}

// events says how many different ones came.
func (r *receiver) events() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}
