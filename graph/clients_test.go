package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
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
	conn, resp, err := d.DialContext(h.t.Context(), "ws"+strings.TrimPrefix(h.url, "http"), header)
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
	resp, err := h.client.Do(req)
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
