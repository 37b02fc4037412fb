package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/internal/headshot"
	"headroom/internal/tenancy"
)

// graphql-transport-ws, and only that: connection_init with credentials first, then any number of
// operations side by side. gqlgen's own transport closes a revoked connection as if all was well, and
// falls back to the protocol's insecure ancestor; hence this one.

const (
	subprotocol   = "graphql-transport-ws"
	maxOperations = 100 // of one connection at a time
)

// Close codes of the protocol.
const (
	closeBadMessage   = 4400
	closeUnauthorized = 4401
	closeForbidden    = 4403
	closeInitTimeout  = 4408
	closeDuplicate    = 4409
	closeTooMany      = 4429
)

type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func isUpgrade(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// sameOrigin says whether the page that opened the socket is one of ours: of the host asked, or of
// trusted. Programs send no Origin.
func sameOrigin(r *http.Request, trusted string) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || (trusted != "" && strings.EqualFold(origin, trusted)) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func (h *Handler) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(websocket.Subprotocols(r), subprotocol) {
		h.refuse(w, r, http.StatusBadRequest, headshot.BadUserInput, "speak the WebSocket subprotocol %s", subprotocol)
		return
	}
	up := websocket.Upgrader{
		Subprotocols: []string{subprotocol},
		CheckOrigin:  func(*http.Request) bool { return true }, // other pages are let in, but must bring credentials of their own
		Error: func(w http.ResponseWriter, r *http.Request, status int, _ error) {
			h.refuse(w, r, status, headshot.BadUserInput, "this is not a WebSocket handshake")
		},
	}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // answered by Error
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &socket{h: h, conn: conn, ambient: sameOrigin(r, h.cfg.Origin), bearer: bearer(r), operations: map[string]context.CancelFunc{}}
	defer s.running.Wait()
	defer func() { _ = conn.Close() }()
	defer cancel()
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // a read waits for nothing else
	s.serve(ctx)
}

// socket is one connection.
type socket struct {
	h       *Handler
	conn    *websocket.Conn
	ambient bool   // the actor that came with the handshake counts
	bearer  string // what it came by, unless by a cookie

	writing sync.Mutex // one writer at a time

	mu         sync.Mutex
	operations map[string]context.CancelFunc
	running    sync.WaitGroup
}

func (s *socket) send(m message) {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.conn.SetWriteDeadline(s.h.cfg.Now().Add(writeWithin))
	if err := s.conn.WriteJSON(m); err != nil {
		_ = s.conn.Close() // the reader notices
	}
}

func (s *socket) close(code int, reason string) {
	deadline := s.h.cfg.Now().Add(time.Second)
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), deadline)
	_ = s.conn.Close()
}

func (s *socket) serve(ctx context.Context) {
	s.conn.SetReadLimit(s.h.cfg.MaxBody)
	ctx, ok := s.init(ctx)
	if !ok {
		return
	}
	alive := 3 * s.h.cfg.PingEvery
	go s.keepAlive(ctx)
	for {
		_ = s.conn.SetReadDeadline(s.h.cfg.Now().Add(alive)) // a client answers each ping with a pong
		m, ok := s.read()
		if !ok {
			return
		}
		switch m.Type {
		case "ping":
			s.send(message{Type: "pong", Payload: m.Payload})
		case "pong":
		case "connection_init":
			s.close(closeTooMany, "Too many initialisation requests")
			return
		case "complete":
			s.stop(m.ID)
		case "subscribe":
			if !s.subscribe(ctx, m) {
				return
			}
		default:
			s.close(closeBadMessage, "Unknown message type")
			return
		}
	}
}

func (s *socket) read() (message, bool) {
	kind, raw, err := s.conn.ReadMessage()
	if err != nil {
		return message{}, false
	}
	var m message
	if kind != websocket.TextMessage || json.Unmarshal(raw, &m) != nil || m.Type == "" {
		s.close(closeBadMessage, "Invalid message received")
		return m, false
	}
	return m, true
}

// init waits for connection_init and finds the actor. The context returned carries it.
func (s *socket) init(ctx context.Context) (context.Context, bool) {
	late := time.AfterFunc(s.h.cfg.InitTimeout, func() { s.close(closeInitTimeout, "Connection initialisation timeout") })
	m, ok := s.read()
	if !late.Stop() || !ok {
		return ctx, false
	}
	if m.Type != "connection_init" {
		s.close(closeUnauthorized, "Unauthorized")
		return ctx, false
	}
	var payload struct {
		Authorization string `json:"authorization"` // encoding/json takes "Authorization" as well
	}
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
		s.close(closeBadMessage, "Invalid payload")
		return ctx, false
	}
	authorization := payload.Authorization
	if authorization == "" {
		if _, known := tenancy.From(ctx); !known || !s.ambient {
			s.close(closeForbidden, "Forbidden")
			return ctx, false
		}
		authorization = s.bearer
	} else {
		a, err := s.h.cfg.Authenticate(ctx, authorization)
		if err != nil {
			s.close(closeForbidden, "Forbidden")
			return ctx, false
		}
		ctx = tenancy.With(ctx, a)
	}
	s.send(message{Type: "connection_ack"})
	go s.h.watch(ctx, authorization, func() { s.close(closeForbidden, "Forbidden") })
	return ctx, true
}

func (s *socket) keepAlive(ctx context.Context) {
	tick := time.NewTicker(s.h.cfg.PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.send(message{Type: "ping"})
		}
	}
}

// stop ends an operation. Its goroutine then says no more.
func (s *socket) stop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, ok := s.operations[id]; ok {
		cancel()
		delete(s.operations, id)
	}
}

// subscribe starts an operation; it is false when the connection is over.
func (s *socket) subscribe(ctx context.Context, m message) bool {
	p := &graphql.RawParams{}
	p.ReadTime.Start = graphql.Now()
	err := decodeParams(strings.NewReader(string(m.Payload)), p)
	p.ReadTime.End = graphql.Now()
	if m.ID == "" || errors.Is(err, errNotRequest) {
		s.close(closeBadMessage, "Invalid message received")
		return false
	}
	s.mu.Lock()
	_, taken := s.operations[m.ID]
	full := len(s.operations) >= maxOperations
	opCtx, cancel := context.WithCancel(graphql.StartOperationTrace(ctx))
	if !taken && !full {
		s.operations[m.ID] = cancel
	}
	s.mu.Unlock()
	switch {
	case taken:
		cancel()
		s.close(closeDuplicate, "Subscriber for "+m.ID+" already exists")
		return false
	case full:
		cancel()
		s.fail(m.ID, gqlerror.List{refusal(headshot.RateLimited, "a connection runs %d operations at a time", maxOperations)})
		return true
	}
	responses, errs := s.h.stream(opCtx, p) // here, so that operations are taken up in order
	s.running.Go(func() {
		defer cancel()
		s.operate(opCtx, m.ID, responses, errs)
	})
	return true
}

// operate passes an operation's responses on until it ends or is completed by the client.
func (s *socket) operate(ctx context.Context, id string, responses <-chan []byte, errs gqlerror.List) {
	for errs == nil {
		resp, more := <-responses
		if !more || ctx.Err() != nil {
			break
		}
		s.send(message{Type: "next", ID: id, Payload: resp})
	}
	if ctx.Err() != nil { // the client completed it, or is gone
		return
	}
	s.mu.Lock()
	delete(s.operations, id)
	s.mu.Unlock()
	if errs != nil {
		s.fail(id, errs)
		return
	}
	s.send(message{Type: "complete", ID: id})
}

// fail says that an operation did not run.
func (s *socket) fail(id string, errs gqlerror.List) {
	s.send(message{Type: "error", ID: id, Payload: mustJSON(errs)})
}
