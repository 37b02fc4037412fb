package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"headroom/enhance/models"
	"headroom/graph"
	"headroom/internal/requestid"
	"headroom/rest"
	"headroom/web"
)

// wireFaces mounts what callers see.
func (s *server) wireFaces(ctx context.Context, role string) (err error) {
	s.graph, err = graph.New(graph.Config{
		Client: s.client, Service: s.rules, Hub: s.events, CursorKey: s.config.Keys.Cursor(), NoIntrospection: !s.config.Introspection,
		Authenticate: s.auth.Header, Recheck: s.auth.Still, Origin: origin(s.base), Log: s.log,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", s.readyz)
	if role != "worker" {
		api := http.NewServeMux()
		api.Handle("/graphql", s.endable(s.graph))
		api.Handle("/api/v2/", rest.New(s.graph, s.log))
		if err := s.wirePages(ctx, api); err != nil {
			return err
		}
		guarded, err := s.auth.Middleware(origin(s.base), api)
		if err != nil {
			return err
		}
		mux.Handle("/", guarded)
	}
	s.handler = requestid.Middleware(s.blobs.Mount(mux)) // in front of the mux, which answers "//" and ".." with redirects
	return nil
}

// wirePages mounts the pages. Pictures of an object store come from its origin, which a link tells.
func (s *server) wirePages(ctx context.Context, mux *http.ServeMux) error {
	link, _, err := s.blobs.SignedURL(ctx, "acc/sub/probe", "image/jpeg", "probe.jpg", time.Minute)
	if err != nil {
		return fmt.Errorf("sign a link: %w", err)
	}
	imgSrc := ""
	if from := origin(link); from != origin(s.base) {
		imgSrc = from
	}
	faces, err := web.New(web.Config{
		Exec: s.graph.Exec, Auth: s.auth, BaseURL: func() string { return s.base }, ImgSrc: imgSrc, Log: s.log,
	})
	if err != nil {
		return err
	}
	faces.Register(mux)
	return nil
}

// origin is the scheme and host of an address.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// endable ends subscriptions when the server stops; their clients connect again, to another node.
func (s *server) endable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(s.streams, cancel)() //nolint:contextcheck // the server's end, beside the request's
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

// readyz tells whether this node can do its work now.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	state, status := map[string]string{}, http.StatusOK
	checks := map[string]func(context.Context) error{"database": s.db.Ready, "storage": s.blobs.Check}
	if s.pool != nil {
		checks["models"] = s.modelsPresent
	}
	for name, check := range checks {
		if err := check(ctx); err != nil {
			s.log.WarnContext(ctx, "not ready", "part", name, "error", err)
			state[name], status = "unavailable", http.StatusServiceUnavailable
		} else {
			state[name] = "ok"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(state)
}

// modelsPresent looks whether the models that were checked at the start are still there.
func (s *server) modelsPresent(context.Context) error {
	states, err := models.List(s.config.Models)
	for _, state := range states {
		if state.Required && state.State == models.StateMissing {
			err = errors.Join(err, fmt.Errorf("%s is missing", state.Name))
		}
	}
	return err
}
