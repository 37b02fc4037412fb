package graph

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/internal/headshot"
	"headroom/internal/requestid"
)

// GraphQL over HTTP: the media type is negotiated, a request error has no "data" and is 400 in the
// new media type but 200 in the old one, and nothing of a request's body is ever sent back.

const (
	oldType = "application/json"
	newType = "application/graphql-response+json"
)

// negotiate picks the media type of the answer, "" when none will do. No Accept and */* mean the old one.
func negotiate(accept string) string {
	if strings.TrimSpace(accept) == "" {
		return oldType
	}
	for part := range strings.SplitSeq(accept, ",") {
		mt, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil || params["q"] == "0" || (params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8")) {
			continue
		}
		switch mt {
		case newType:
			return newType
		case oldType, "*/*", "application/*":
			return oldType
		}
	}
	return ""
}

// refuse answers a request that is not a GraphQL request at all.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, code headshot.Kind, format string, args ...any) {
	e := refusal(code, format, args...)
	if id := requestid.From(r.Context()); id != "" {
		e.Extensions["requestId"] = id
	}
	mt := negotiate(r.Header.Get("Accept"))
	if mt == "" {
		mt = oldType
	}
	respond(w, mt, status, &graphql.Response{Errors: gqlerror.List{e}})
}

func respond(w http.ResponseWriter, mediaType string, status int, out *graphql.Response) {
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(encode(out), '\n')) // who does not listen has gone
}

func (h *Handler) servePost(w http.ResponseWriter, r *http.Request) {
	mt := negotiate(r.Header.Get("Accept"))
	if mt == "" {
		h.refuse(w, r, http.StatusNotAcceptable, headshot.BadUserInput, "accept %s or %s", newType, oldType)
		return
	}
	p, ok := h.readJSON(w, r)
	if !ok {
		return
	}
	h.answer(w, r, mt, p)
}

// answer runs p and writes what comes of it.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, mt string, p *graphql.RawParams) {
	out := h.run(r.Context(), h.door(r.Context()), p)
	status := http.StatusOK
	if out.Data == nil && mt == newType {
		status = http.StatusBadRequest
	}
	respond(w, mt, status, out)
}

// readJSON reads the request from the body, or refuses it and gives false.
func (h *Handler) readJSON(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, bool) {
	ct, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if cs := params["charset"]; ct != oldType || (cs != "" && !strings.EqualFold(cs, "utf-8")) {
		h.refuse(w, r, http.StatusUnsupportedMediaType, headshot.UnsupportedMediaType, "send application/json in UTF-8")
		return nil, false
	}
	p := &graphql.RawParams{Headers: r.Header}
	p.ReadTime.Start = graphql.Now()
	err := decodeParams(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody), p)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		h.refuse(w, r, http.StatusRequestEntityTooLarge, headshot.PayloadTooLarge, "the request is over %d bytes", h.cfg.MaxBody)
		return nil, false
	}
	if err != nil {
		h.refuse(w, r, http.StatusBadRequest, headshot.BadUserInput, "%s", err)
		return nil, false
	}
	p.ReadTime.End = graphql.Now()
	return p, true
}

var (
	errNotRequest = errors.New(`the body is not a GraphQL request: {"query", "operationName", "variables"}`)
	errNoQuery    = errors.New("query is missing")
)

// decodeParams reads one GraphQL request and nothing after it.
func decodeParams(body io.Reader, p *graphql.RawParams) error {
	d := json.NewDecoder(body)
	d.UseNumber()
	if err := d.Decode(p); err != nil {
		if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return large
		}
		return errNotRequest
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errNotRequest
	}
	if p.Query == "" {
		return errNoQuery
	}
	return nil
}
