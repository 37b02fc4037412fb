package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/events"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

const patience = 15 * time.Second

// feed is a subscription as its client sees it.
type feed interface{ next() map[string]any }

type frame struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// socket is a graphql-transport-ws client.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func (h *house) dial(protocol string, header http.Header) (*socket, *http.Response, error) {
	d := websocket.Dialer{Subprotocols: strings.Fields(protocol)}
	conn, resp, err := d.DialContext(h.t.Context(), "ws"+strings.TrimPrefix(h.url, "http"), header) //nolint:bodyclose // the caller's
	if err != nil {
		return nil, resp, err
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	return &socket{h.t, conn}, resp, nil
}

func (s *socket) say(typ, id string, payload any) {
	s.t.Helper()
	raw, err := json.Marshal(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.conn.WriteJSON(frame{Type: typ, ID: id, Payload: raw}); err != nil {
		s.t.Fatal(err)
	}
}

// hear gives the next frame that is not a ping.
func (s *socket) hear() (frame, error) {
	for {
		var f frame
		if err := s.conn.ReadJSON(&f); err != nil {
			return f, err
		}
		if f.Type != "ping" {
			return f, nil
		}
		_ = s.conn.WriteJSON(frame{Type: "pong"}) // it may have hung up meanwhile
	}
}

func (s *socket) want(typ string) frame {
	s.t.Helper()
	f, err := s.hear()
	if err != nil || f.Type != typ {
		s.t.Fatalf("heard %s %s (%v), want %s", f.Type, f.Payload, err, typ)
	}
	return f
}

// wantClose wants the connection to end with code.
func (s *socket) wantClose(code int) {
	s.t.Helper()
	for {
		if _, err := s.hear(); err != nil {
			if !websocket.IsCloseError(err, code) {
				s.t.Fatalf("the connection ended with %v, want %d", err, code)
			}
			return
		}
	}
}

func (h *house) connect(key string) *socket {
	h.t.Helper()
	s, _, err := h.dial("graphql-transport-ws", nil) //nolint:bodyclose // none after an upgrade
	if err != nil {
		h.t.Fatal(err)
	}
	s.say("connection_init", "", map[string]string{"authorization": "Bearer " + key})
	s.want("connection_ack")
	return s
}

func operation(query string, vars map[string]any) map[string]any {
	return map[string]any{"query": query, "variables": vars}
}

func (s *socket) next() map[string]any {
	s.t.Helper()
	return submissionOf(s.t, s.want("next").Payload)
}

func submissionOf(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var body struct {
		Data struct {
			SubmissionUpdated map[string]any `json:"submissionUpdated"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &body); err != nil || body.Data.SubmissionUpdated == nil {
		t.Fatalf("not a submission (%v): %s", err, raw)
	}
	return body.Data.SubmissionUpdated
}

// stream is a graphql-sse client.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (h *house) listen(key, query string, vars map[string]any) *stream {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	h.t.Cleanup(cancel)
	raw, err := json.Marshal(operation(query, vars))
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, strings.NewReader(string(raw)))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		h.t.Fatalf("the stream answers %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	return &stream{h.t, bufio.NewScanner(resp.Body)}
}

// event gives the name and data of the next event.
func (s *stream) event() (name, data string) {
	s.t.Helper()
	for s.lines.Scan() {
		line := s.lines.Text()
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			name = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			data = v
		}
		if line == "" && name != "" {
			return name, data
		}
	}
	s.t.Fatalf("the stream ended: %v", s.lines.Err())
	return "", ""
}

func (s *stream) next() map[string]any {
	s.t.Helper()
	name, data := s.event()
	if name != "next" {
		s.t.Fatalf("event %s, want next", name)
	}
	return submissionOf(s.t, []byte(data))
}

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
			for ; m["processingState"] == "QUEUED"; m = f.next() {
			}
			if m["processingState"] != "PROCESSING" {
				t.Errorf("after QUEUED comes %v", m)
			}
			close(seen)
			last := f.next()
			for ; last["complete"] != true; last = f.next() {
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
	gate := make(chan error, 1)
	gate <- nil
	h := newHouse(t, func(c *graph.Config) {
		c.RecheckEvery, c.InitTimeout, c.PingEvery = 10*time.Millisecond, 300*time.Millisecond, 50*time.Millisecond
		header := c.Authenticate
		c.Authenticate = func(ctx context.Context, authorization string) (tenancy.Actor, error) {
			verdict := <-gate
			gate <- verdict
			if verdict != nil {
				return tenancy.Actor{}, verdict
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
	dial("graphql-transport-ws").wantClose(4408) // says nothing
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
	<-gate
	gate <- fmt.Errorf("the database is away") // no reason to shut anybody out
	if err := h.db.Client().Submission.UpdateOneID(sub.ID).SetProcessingState("PROCESSING").AddVersion(1).Exec(h.admin()); err != nil {
		t.Fatal(err)
	}
	h.ring(sub.ID)
	open.next()
	sse.next()
	<-gate
	gate <- auth.ErrInvalid
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
