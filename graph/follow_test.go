package graph_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

const follow = `subscription($id: ID, $contact: ID) { submissionUpdated(id: $id, contactId: $contact) {
	id state processingState complete progress progressStep images { kind url } contact { email } } }`

func TestASubscriberByContactSeesThePhotoThroughToItsEnd(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(h *house, contact string) feed{
		"websocket": func(h *house, contact string) feed {
			s := h.connect(h.account.APIKey)
			s.say("subscribe", "1", operation(follow, map[string]any{"contact": contact}))
			return s
		},
		"events": func(h *house, contact string) feed {
			return h.listen(h.account.APIKey, follow, map[string]any{"contact": contact})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subscribed := make(chan struct{}, 1)
			h := newHouse(t, func(c *graph.Config) { c.Hub = watchedHub{c.Hub, subscribed} })
			c := h.contact(1)
			f := open(h, c.ID)
			<-subscribed
			sub := h.submit(c.ID)
			if m := f.next(); m["id"] != sub.ID || m["processingState"] != "QUEUED" {
				t.Fatalf("first message: %v", m)
			}
			seen := make(chan struct{})
			h.onEnhance = func(progress func(string, float64)) {
				progress("matte", 0.5)
				<-seen
			}
			go h.work()
			m := f.next()
			for m["processingState"] == "QUEUED" {
				m = f.next()
			}
			if m["processingState"] != "PROCESSING" {
				t.Errorf("after QUEUED comes %v", m)
			}
			close(seen)
			last := f.next()
			for last["complete"] != true {
				last = f.next()
			}
			images, _ := last["images"].([]any)
			if last["processingState"] != "COMPLETE" || last["state"] != "ACCEPTED" || len(images) != 2 {
				t.Errorf("the last message is %v", last)
			}
		})
	}
}

// watchedHub tells when somebody has subscribed.
type watchedHub struct {
	graph.Hub
	subscribed chan<- struct{}
}

func (w watchedHub) Subscribe(ctx context.Context, account string, f events.Filter) <-chan events.Change {
	defer func() { w.subscribed <- struct{}{} }()
	return w.Hub.Subscribe(ctx, account, f)
}

func TestAReaderSlowerThanTheWorkerMissesNoStep(t *testing.T) {
	t.Parallel()
	subscribed, open := make(chan struct{}, 1), make(chan struct{})
	h := newHouse(t, func(c *graph.Config) { c.Hub = lateHub{c.Hub, subscribed, open} })
	c := h.contact(1)
	s := h.connect(h.account.APIKey)
	s.say("subscribe", "1", operation(follow, map[string]any{"contact": c.ID}))
	<-subscribed
	h.submit(c.ID)
	h.work()
	close(open) // only now the subscription hears of anything
	for _, want := range []string{"QUEUED", "PROCESSING", "COMPLETE"} {
		m := s.next()
		if m["processingState"] != want || m["complete"] != (want == "COMPLETE") {
			t.Errorf("got %v, want %s", m, want)
		}
	}
}

// lateHub holds changes back until open is closed.
type lateHub struct {
	graph.Hub
	subscribed chan<- struct{}
	open       <-chan struct{}
}

func (l lateHub) Subscribe(ctx context.Context, account string, f events.Filter) <-chan events.Change {
	changes, out := l.Hub.Subscribe(ctx, account, f), make(chan events.Change)
	go func() {
		defer close(out)
		<-l.open
		for c := range changes {
			out <- c
		}
	}()
	l.subscribed <- struct{}{}
	return out
}

func TestTheFirstMessageIsTheStateNow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sub := h.submit(h.contact(1).ID)
	h.work()
	s := h.connect(h.account.APIKey)
	s.say("subscribe", "a", operation(follow, map[string]any{"id": sub.ID}))
	if m := s.next(); m["id"] != sub.ID || m["complete"] != true {
		t.Errorf("first message: %v", m)
	}
	s.say("complete", "a", nil)
	s.say("subscribe", "b", operation(`{ viewer { id } }`, nil)) // queries are answered, too
	if f := s.want("next"); f.ID != "b" {
		t.Errorf("next of %s", f.ID)
	}
	if f := s.want("complete"); f.ID != "b" {
		t.Errorf("complete of %s", f.ID)
	}
	s.say("subscribe", "c", operation(`{ nope }`, nil))
	if f := s.want("error"); f.ID != "c" || !strings.Contains(string(f.Payload), "BAD_USER_INPUT") {
		t.Errorf("error: %s", f.Payload)
	}
	s.say("subscribe", "d", operation(follow, map[string]any{"id": "sub_unknown"}))
	if f := s.want("next"); !strings.Contains(string(f.Payload), "NOT_FOUND") {
		t.Errorf("an unknown submission: %s", f.Payload)
	}
	s.want("complete")
}

func TestAnotherAccountHearsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other, err := h.service.CreateAccount(t.Context(), headshot.AccountInput{Name: "Other"})
	if err != nil {
		t.Fatal(err)
	}
	sub := h.submit(h.contact(1).ID)
	s := h.connect(other.APIKey)
	s.say("subscribe", "1", operation(follow, map[string]any{"id": sub.ID}))
	if f := s.want("next"); !strings.Contains(string(f.Payload), "NOT_FOUND") {
		t.Errorf("it hears %s", f.Payload)
	}
}

func TestProgressComesAtMostTwiceASecondAndTheLastIsNeverLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sub := h.submit(h.contact(1).ID)
	s := h.connect(h.account.APIKey)
	s.say("subscribe", "1", operation(follow, map[string]any{"id": sub.ID}))
	s.next()
	ctx := h.admin()
	if err := h.db.Client().Submission.UpdateOneID(sub.ID).SetProcessingState("PROCESSING").AddVersion(1).Exec(ctx); err != nil {
		t.Fatal(err)
	}
	h.ring(sub.ID)
	if m := s.next(); m["processingState"] != "PROCESSING" {
		t.Fatalf("the change of state: %v", m)
	}
	start, heard := time.Now(), 0
	for i := 1; i <= 40; i++ {
		if err := h.db.Client().Submission.UpdateOneID(sub.ID).SetProgress(float64(i) / 100).Exec(ctx); err != nil {
			t.Fatal(err)
		}
		h.ring(sub.ID)
	}
	for progress := 0.0; progress != 0.4; heard++ {
		progress, _ = s.next()["progress"].(float64)
	}
	if most := int(time.Since(start)/(500*time.Millisecond)) + 1; heard > most {
		t.Errorf("%d messages in %s", heard, time.Since(start))
	}
}

func TestCredentialsAreAskedForAndWatched(t *testing.T) {
	t.Parallel()
	var gate atomic.Pointer[error]
	setGate := func(err error) { gate.Store(&err) }
	h := newHouse(t, func(c *graph.Config) {
		c.RecheckEvery = 10 * time.Millisecond
		header := c.Authenticate
		c.Authenticate = func(ctx context.Context, authorization string) (tenancy.Actor, error) {
			if verdict := gate.Load(); verdict != nil {
				return tenancy.Actor{}, *verdict
			}
			return header(ctx, authorization)
		}
	})
	dial := func(protocol string) *socket {
		s, _, err := h.dial(protocol, nil) //nolint:bodyclose // none after an upgrade
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := dial("graphql-transport-ws")
	s.say("subscribe", "1", operation(`{ __typename }`, nil))
	s.wantClose(4401)
	s = dial("graphql-transport-ws")
	s.say("connection_init", "", nil)
	s.wantClose(4403)
	s = dial("graphql-transport-ws")
	s.say("connection_init", "", map[string]string{"authorization": "Bearer hr_live_nonsense"})
	s.wantClose(4403)
	s = h.connect(h.account.APIKey)
	s.say("connection_init", "", nil)
	s.wantClose(4429)
	s = h.connect(h.account.APIKey)
	s.say("nonsense", "", nil)
	s.wantClose(4400)
	sub := h.submit(h.contact(1).ID)
	s = h.connect(h.account.APIKey)
	s.say("subscribe", "1", operation(follow, map[string]any{"id": sub.ID}))
	s.next()
	s.say("subscribe", "1", operation(follow, map[string]any{"id": sub.ID}))
	s.wantClose(4409)

	open := h.connect(h.account.APIKey)
	open.say("subscribe", "1", operation(follow, map[string]any{"id": sub.ID}))
	open.next()
	sse := h.listen(h.account.APIKey, follow, map[string]any{"id": sub.ID})
	sse.next()
	setGate(fmt.Errorf("the database is away")) // no reason to shut anybody out
	if err := h.db.Client().Submission.UpdateOneID(sub.ID).SetProcessingState("PROCESSING").AddVersion(1).Exec(h.admin()); err != nil {
		t.Fatal(err)
	}
	h.ring(sub.ID)
	open.next()
	sse.next()
	setGate(auth.ErrInvalid)
	open.wantClose(4403)
	if name, data := sse.event(); name != "next" || !strings.Contains(data, "UNAUTHENTICATED") {
		t.Errorf("the stream says %s %s", name, data)
	}
	if name, _ := sse.event(); name != "complete" {
		t.Errorf("the stream goes on with %s", name)
	}
}

func TestOnlyTheModernSubprotocolIsSpoken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, protocol := range []string{"", "graphql-ws"} {
		_, resp, err := h.dial(protocol, nil)
		if err == nil || resp == nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q is answered %v (%v)", protocol, resp, err)
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
	}
	if _, _, err := h.dial("graphql-ws graphql-transport-ws", nil); err != nil { //nolint:bodyclose // none after an upgrade
		t.Errorf("a choice of both: %v", err)
	}
}

func TestSilentConnectionsAreEnded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *graph.Config) { c.InitTimeout = 50 * time.Millisecond })
	s, _, err := h.dial("graphql-transport-ws", nil) //nolint:bodyclose // none after an upgrade
	if err != nil {
		t.Fatal(err)
	}
	s.wantClose(4408) // it never introduced itself

	h = newHouse(t, func(c *graph.Config) { c.PingEvery = 50 * time.Millisecond })
	s = h.connect(h.account.APIKey)
	for { // hears the pings and does not answer
		var f frame
		if err := s.conn.ReadJSON(&f); err != nil {
			return
		}
		if f.Type != "ping" {
			t.Fatalf("heard %s", f.Type)
		}
	}
}

func TestPagesFromElsewhereNeedCredentialsOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	bearer := "Bearer " + h.account.APIKey // stands for a cookie: what a browser adds by itself
	for origin, welcome := range map[string]bool{"": true, h.url: true, "https://headroom.example.com": true, "https://evil.example.com": false} {
		header := http.Header{"Authorization": {bearer}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		s, _, err := h.dial("graphql-transport-ws", header) //nolint:bodyclose // none after an upgrade
		if err != nil {
			t.Fatal(err)
		}
		s.say("connection_init", "", nil)
		if welcome {
			s.want("connection_ack")
		} else {
			s.wantClose(4403)
		}
	}
}
