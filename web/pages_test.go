package web_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/ent/user"
	"headroom/graph"
	"headroom/internal/auth"
	"headroom/internal/headshot"
	"headroom/internal/tenancy"
	"headroom/web"
)

// inline finds what a strict Content-Security-Policy would refuse, in a page without the values of its attributes.
var (
	inline = regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]|<style|<[a-z][^>]*\s(?:style|on[a-z]+)=`)
	quoted = regexp.MustCompile(`"[^"]*"`)
)

// checkPage holds a page to the policy: headers, nothing inline, nothing from elsewhere.
func checkPage(t *testing.T, s *stack, a answer) {
	t.Helper()
	path := a.Request.URL.Path
	csp := a.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("%s: the policy lacks %q: %s", path, part, csp)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("%s: %s", path, csp)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", path, name, got, want)
		}
	}
	if hit := inline.FindString(quoted.ReplaceAllString(a.body, `""`)); hit != "" {
		t.Errorf("%s: inline %q", path, hit)
	}
	for _, m := range regexp.MustCompile(`(?:src|action|<link[^>]*href)="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], s.url+"/blobs/") || strings.HasPrefix(m[1], "//") {
			t.Errorf("%s loads %s", path, m[1])
		}
	}
	if !strings.Contains(a.body, `<html lang="en">`) || !strings.Contains(a.body, "<h1") || !strings.Contains(a.body, "<main") {
		t.Errorf("%s has no language, heading or main", path)
	}
}

func TestPagesOfAnEmptyAccount(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.member()
	for path, text := range map[string]string{
		"/submissions": "No photos yet", "/contacts": "No contacts yet", "/account/developers": "Nothing was sent yet",
		"/submissions?state=REJECTED": "Nothing matches", "/contacts?q=nobody": "Nobody found",
	} {
		a := b.get(path)
		b.want(a, http.StatusOK, text, "Acme", ownerEmail)
		checkPage(t, s, a)
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for name, b := range map[string]*browser{"member": s.member(), "stranger": s.browser()} {
		for _, path := range []string{"/nothing", "/static/app.css", "/logout"} {
			a := b.get(path)
			if a.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s answers %d", name, path, a.StatusCode)
			}
		}
		a := b.get("/nothing")
		b.want(a, http.StatusNotFound, "Page not found")
		checkPage(t, s, a)
	}
	b := s.member()
	for _, path := range []string{"/submissions/sub_00000000000000000000000000", "/contacts/ctn_00000000000000000000000000", "/submissions/%3Cscript%3E"} {
		b.want(b.get(path), http.StatusNotFound, "Page not found")
	}
	b.want(b.get("/submissions?after=forged"), http.StatusBadRequest)
	b.want(b.get("/submissions?state=LOST"), http.StatusBadRequest)
	b.want(b.post("/submissions/sub_00000000000000000000000000/explode", nil), http.StatusNotFound)
	b.want(b.post("/contacts", url.Values{"firstName": {strings.Repeat("x", 1<<20)}}), http.StatusBadRequest, "could not be read")
}

func TestInternalErrorsAreMasked(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	broken := func(context.Context, graph.Request) graph.Response {
		return graph.Response{Errors: gqlerror.List{{Message: "secret of the database", Extensions: map[string]any{"code": headshot.Internal}}}}
	}
	faces, err := web.New(web.Config{
		Exec: broken, Auth: auth.New(s.Client, slog.New(slog.DiscardHandler), s.clock), BaseURL: s.base, Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	mux := http.NewServeMux()
	faces.Register(mux)
	b := s.member()
	home, err := url.Parse(s.url)
	must(t, err)
	r := httptest.NewRequest(http.MethodGet, "/submissions", nil)
	for _, c := range b.Jar.Cookies(home) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "database") || !strings.Contains(w.Body.String(), "on our side") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAssetsAreKeptForGood(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.browser()
	page := b.get("/")
	checkPage(t, s, page)
	found := regexp.MustCompile(`/static/[^"]+`).FindAllString(page.body, -1)
	if len(found) < 3 {
		t.Fatalf("found %v", found)
	}
	for _, path := range found {
		a := b.get(path)
		b.want(a, http.StatusOK)
		if got := a.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %s", path, got)
		}
	}
	for path, code := range map[string]int{"/favicon.ico": http.StatusFound, "/robots.txt": http.StatusOK, "/login": http.StatusSeeOther, "/developers/graphiql/": http.StatusOK} {
		b.want(b.get(path), code)
	}
}

func TestNamesAreText(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	c, err := s.CreateContact(s.ctx, headshot.ContactInput{FirstName: evil, LastName: evil, Email: "evil@acme.example"})
	must(t, err)
	_, err = s.UpdateStudio(s.ctx, s.account.Studio.ID, headshot.StudioPatch{
		Name: headshot.To(evil), Guidelines: headshot.To(evil), ConsentText: headshot.To(evil),
		Brand: headshot.To(json.RawMessage(`{"company":"</p><script>alert(3)</script>","color":"red;background:url(//evil.example)"}`)),
	}, nil)
	must(t, err)
	row, err := s.CreateSession(s.ctx, headshot.SessionInput{StudioID: s.account.Studio.ID, ContactID: c.ID})
	must(t, err)
	link := strings.TrimPrefix(s.SessionURL(row), s.url)
	b := s.member()
	pages := []answer{b.get(link)}
	sub := s.submitted(row)
	s.answer = func([]byte, func(string, float64)) (*headshot.Enhanced, error) {
		return nil, &headshot.PhotoFailure{Code: "NO_FACE", Message: evil}
	}
	s.work()
	_, err = s.RequestRetake(s.ctx, headshot.ReviewInput{ID: sub.ID, Reasons: []string{evil}, Note: evil})
	must(t, err)
	_, _, err = s.CreateEndpoint(s.ctx, headshot.EndpointInput{URL: "https://x.example/?" + evil, Description: evil})
	must(t, err)
	for _, path := range []string{link, "/submissions", "/submissions/" + sub.ID, "/contacts", "/contacts/" + c.ID, "/account/developers", "/contacts?q=" + url.QueryEscape(evil)} {
		pages = append(pages, b.get(path))
	}
	pages = append(pages, b.post("/account/developers/keys", url.Values{"name": {evil}, "scope": {evil}}), b.post("/login", url.Values{"email": {evil}}))
	for _, a := range pages {
		b.wantNot(a, "<script>alert", "<img src=x", "color:", "evil.example)")
		if !strings.Contains(a.body, "&lt;script&gt;alert") {
			t.Errorf("%s does not show the name at all", a.Request.URL.Path)
		}
		checkPage(t, s, a)
	}
}

func TestViewersSeeAndCannotAct(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	row, _ := s.session("Ada")
	sub := s.submitted(row)
	s.work()
	hash, err := auth.HashPassword(ownerPassword)
	must(t, err)
	err = s.Client.User.Create().SetAccountID(s.account.Account.ID).SetEmail("viewer@acme.example").SetRole(user.RoleViewer).
		SetPasswordHash(hash).Exec(tenancy.AsSystem(t.Context()))
	must(t, err)
	b := s.browser()
	b.to(b.post("/login", url.Values{"email": {"viewer@acme.example"}, "password": {ownerPassword}}))
	for _, path := range []string{"/submissions", "/submissions/" + sub.ID, "/contacts", "/contacts/" + sub.ContactID, "/account/developers"} {
		a := b.get(path)
		b.want(a, http.StatusOK)
		if got := strings.Count(a.body, `<form method="post"`); got != 1 { // the log-out
			t.Errorf("%s shows a viewer %d forms", path, got)
		}
	}
	b.want(b.get("/account/developers"), http.StatusOK, "Only owners see")
	for path, form := range map[string]url.Values{
		"/submissions/" + sub.ID + "/reject": nil, "/contacts": {"firstName": {"Eve"}, "email": {"eve@acme.example"}},
		"/account/developers/keys":                      {"name": {"x"}, "scope": {"admin"}},
		"/account/developers/webhooks":                  {"url": {"https://x.example"}},
		"/contacts/" + sub.ContactID + "/links":         {"studio": {s.account.Studio.ID}},
		"/account/developers/deliveries/dlv_123/replay": nil,
	} {
		b.want(b.post(path, form), http.StatusForbidden, "Not allowed")
	}
}

func TestAccountsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	row, _ := s.session("Ada")
	sub := s.submitted(row)
	other, err := s.CreateAccount(t.Context(), headshot.AccountInput{Name: "Rival", Email: "owner@rival.example", Password: ownerPassword})
	must(t, err)
	b := s.browser()
	b.to(b.post("/login", url.Values{"email": {"owner@rival.example"}, "password": {ownerPassword}}))
	b.want(b.get("/submissions"), http.StatusOK, "No photos yet", "Rival")
	b.want(b.get("/submissions/"+sub.ID), http.StatusNotFound)
	b.want(b.get("/contacts/"+sub.ContactID), http.StatusNotFound)
	b.want(b.post("/submissions/"+sub.ID+"/accept", nil), http.StatusNotFound)
	b.want(b.post("/contacts/"+sub.ContactID+"/links", url.Values{"studio": {other.Studio.ID}}), http.StatusNotFound)
	b.want(b.post("/contacts/"+sub.ContactID+"/links/"+row.ID+"/revoke", nil), http.StatusNotFound)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	if _, err := web.New(web.Config{}); err == nil {
		t.Error("an empty Config passes")
	}
	s := newStack(t)
	good := web.Config{
		Exec: func(context.Context, graph.Request) graph.Response { return graph.Response{} },
		Auth: auth.New(s.Client, slog.Default(), time.Now), BaseURL: s.base,
	}
	for _, src := range []string{"*", "https://a.example; script-src *", "javascript:x", "'unsafe-inline'"} {
		bad := good
		bad.ImgSrc = src
		if _, err := web.New(bad); err == nil {
			t.Errorf("ImgSrc %q passes", src)
		}
	}
	good.ImgSrc = "https://bucket.s3.example.com https://cdn.example.com:8443"
	faces, err := web.New(good)
	must(t, err)
	mux := http.NewServeMux()
	faces.Register(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "https://bucket.s3.example.com https://cdn.example.com:8443;") {
		t.Error(csp)
	}
}
