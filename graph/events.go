package graph

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/internal/headshot"
)

// Server-Sent Events, "distinct connections" of the graphql-sse protocol: one POST, one operation, an
// event `next` for each response and `complete` at the end.

const eventStream = "text/event-stream"

// writeWithin is how long a client may take to take one message.
const writeWithin = 30 * time.Second

func wantsEvents(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if mt, params, err := mime.ParseMediaType(strings.TrimSpace(part)); err == nil && mt == eventStream && params["q"] != "0" {
			return true
		}
	}
	return false
}

func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request) {
	p, ok := h.readJSON(w, r)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	responses, errs := h.stream(ctx, p)
	if errs != nil {
		respond(w, oldType, http.StatusBadRequest, &graphql.Response{Errors: errs})
		return
	}
	out := eventWriter{w: w, now: h.cfg.Now, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", eventStream+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in front must not hold events back
	w.WriteHeader(http.StatusOK)
	if !out.write(":\n\n") {
		return
	}
	gone := make(chan struct{})
	go h.watch(ctx, bearer(r), func() { close(gone) })
	ping := time.NewTicker(h.cfg.PingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-gone:
			err := refusal(headshot.Unauthenticated, "the credentials are not valid any more")
			out.event("next", string(encode(&graphql.Response{Errors: gqlerror.List{err}})))
			out.event("complete", "")
			return
		case <-ping.C:
			if !out.write(":\n\n") {
				return
			}
		case resp, more := <-responses:
			if !more {
				out.event("complete", "")
				return
			}
			if !out.event("next", string(resp)) {
				return
			}
		}
	}
}

// eventWriter writes events and sends each at once. Its methods are false when the client is gone.
type eventWriter struct {
	w       http.ResponseWriter
	now     func() time.Time
	control *http.ResponseController
}

// event writes one event. JSON has no line breaks of its own, so it is one line of data.
func (e eventWriter) event(name, data string) bool {
	return e.write("event: " + name + "\ndata: " + data + "\n\n")
}

func (e eventWriter) write(text string) bool {
	if err := e.control.SetWriteDeadline(e.now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		return false
	}
	return e.control.Flush() == nil
}
