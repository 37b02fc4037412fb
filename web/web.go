// Package web serves the plain faces: log-in, submissions, contacts, Account > Developers, and the
// capture page. Pages are Go templates with a little CSS and JavaScript from inside the binary; they
// load nothing from elsewhere and have no inline script or style.
//
// There is one door to the data: every page runs GraphQL documents in process as the caller, with the
// permissions, rules and errors of the public API.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"headroom/graph"
	"headroom/internal/auth"
	"headroom/web/graphiql"
)

// Config is what the pages stand on.
type Config struct {
	// Exec runs a GraphQL document as the actor of ctx: the Exec of a [graph.Handler]. Required.
	Exec func(ctx context.Context, in graph.Request) graph.Response
	Auth *auth.Authenticator // required
	// BaseURL is how browsers reach the server, without a slash at the end. With https the session
	// cookie is Secure. It is asked at each request, since the listen address may be known late.
	BaseURL func() string // required
	// ImgSrc is where pictures come from when their signed URLs are not on our origin: origins,
	// separated by spaces, as in a Content-Security-Policy. Default: our origin only.
	ImgSrc string
	Log    *slog.Logger     // default slog.Default()
	Now    func() time.Time // the clock; default time.Now
}

func (c *Config) validate() error {
	var errs []error
	if c.Exec == nil || c.Auth == nil || c.BaseURL == nil {
		errs = append(errs, errors.New("the fields Exec, Auth and BaseURL are required"))
	}
	for origin := range strings.FieldsSeq(c.ImgSrc) {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsAny(origin, ";,'\"") {
			errs = append(errs, fmt.Errorf("ImgSrc: %q is not an http or https origin", origin))
		}
	}
	return errors.Join(errs...)
}

// Web is the plain faces. It is safe for concurrent use.
type Web struct {
	Config
	pages  map[string]*template.Template
	assets *assets
	tries  *tries
	logins chan struct{} // holds one token per password being checked: each costs 64 MiB

	trustOnce sync.Once
	sameSite  *http.CrossOriginProtection
}

// maxLogins is how many passwords are checked at the same time.
const maxLogins = 4

// New makes the pages.
func New(c Config) (*Web, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = wall
	}
	files, err := loadAssets()
	if err != nil {
		return nil, err
	}
	pages, err := loadPages(files)
	if err != nil {
		return nil, err
	}
	return &Web{
		Config: c, pages: pages, assets: files, tries: newTries(c.Now), logins: make(chan struct{}, maxLogins),
		sameSite: http.NewCrossOriginProtection(),
	}, nil
}

// Register mounts the pages and the GraphiQL playground. Whatever no other pattern of mux takes is
// answered with the 404 page.
func (wb *Web) Register(mux *http.ServeMux) {
	mux.Handle(graphiql.Path, graphiql.Handler())
	mux.Handle("/static/", wb.assets)
	mux.Handle("GET /favicon.ico", http.RedirectHandler(wb.assets.path("favicon.svg"), http.StatusFound))
	mux.Handle("GET /robots.txt", http.HandlerFunc(robots))

	mux.Handle("/", wb.open(wb.notFound))
	mux.Handle("GET /{$}", wb.open(wb.logInPage))
	mux.Handle("GET /login", http.RedirectHandler("/", http.StatusSeeOther))
	mux.Handle("POST /login", wb.open(wb.logIn))
	mux.Handle("POST /logout", wb.open(wb.logOut))
	mux.Handle("GET /s/{token}", wb.open(wb.capturePage))

	mux.Handle("GET /submissions", wb.member(wb.submissions))
	mux.Handle("GET /submissions/{id}", wb.member(wb.submissionPage))
	mux.Handle("POST /submissions/{id}/{verb}", wb.member(wb.review))

	mux.Handle("GET /contacts", wb.member(wb.contacts))
	mux.Handle("POST /contacts", wb.member(wb.createContact))
	mux.Handle("GET /contacts/{id}", wb.member(wb.contactPage))
	mux.Handle("POST /contacts/{id}/links", wb.member(wb.createLink))
	mux.Handle("POST /contacts/{id}/links/{session}/revoke", wb.member(wb.revokeLink))

	mux.Handle("GET /account/developers", wb.member(wb.developers))
	mux.Handle("POST /account/developers/keys", wb.member(wb.createKey))
	mux.Handle("POST /account/developers/keys/{id}/revoke", wb.member(wb.revokeKey))
	mux.Handle("POST /account/developers/webhooks", wb.member(wb.createEndpoint))
	mux.Handle("POST /account/developers/webhooks/{id}/{verb}", wb.member(wb.changeEndpoint))
	mux.Handle("POST /account/developers/deliveries/{id}/replay", wb.member(wb.replay))
}

// robots keeps search engines out: capture links are secrets and nothing here is for the public.
func robots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("User-agent: *\nDisallow: /\n"))
}
