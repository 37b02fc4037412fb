package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"headroom/internal/auth"
)

func TestLogInWithWrongCredentialsAnswersAlike(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.browser()
	known := b.post("/login", url.Values{"email": {ownerEmail}, "password": {"not the password"}})
	unknown := b.post("/login", url.Values{"email": {"nobody@acme.example"}, "password": {"not the password"}})
	b.want(known, http.StatusUnauthorized, "do not belong together")
	b.want(unknown, http.StatusUnauthorized)
	if a, b := strings.ReplaceAll(known.body, ownerEmail, ""), strings.ReplaceAll(unknown.body, "nobody@acme.example", ""); a != b {
		t.Errorf("the pages tell who exists:\n%s\n%s", a, b)
	}
	if len(known.Cookies()) != 0 {
		t.Errorf("a wrong log-in sets %v", known.Cookies())
	}
}

func TestLogInOpensASessionAndLogOutEndsIt(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.browser()
	if a := b.get("/submissions"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/" {
		t.Fatalf("without a log-in: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	a := b.post("/login?next=//evil.example&redirect=https://evil.example",
		url.Values{"email": {" Owner@ACME.example "}, "password": {ownerPassword}, "next": {"https://evil.example"}})
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/submissions" {
		t.Fatalf("log-in: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	c := a.Cookies()[0]
	if c.Name != auth.Cookie || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.MaxAge <= 0 {
		t.Errorf("cookie %+v", c)
	}
	b.want(b.get("/submissions"), http.StatusOK, "Submissions", ownerEmail, "Acme")
	if a := b.get("/"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/submissions" {
		t.Errorf("the log-in page, logged in: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	b.to(b.post("/logout", nil))
	stolen := s.browser()
	a = stolen.do(http.MethodGet, "/submissions", "", "", map[string]string{"Cookie": c.Name + "=" + c.Value})
	if a.StatusCode != http.StatusSeeOther {
		t.Errorf("the cookie works after log-out: %d", a.StatusCode)
	}
}

func TestSessionCookieIsSecureWithHTTPS(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.mu.Lock()
	s.baseURL = "https://headroom.example.com"
	s.mu.Unlock()
	a := s.browser().post("/login", url.Values{"email": {ownerEmail}, "password": {ownerPassword}})
	if c := a.Cookies(); len(c) != 1 || !c[0].Secure {
		t.Errorf("cookies %v", c)
	}
}

func TestWrongLogInsAreLimitedPerUserForAWhile(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.browser()
	wrong, right := url.Values{"email": {ownerEmail}, "password": {"wrong"}}, url.Values{"email": {ownerEmail}, "password": {ownerPassword}}
	for range 5 {
		b.want(b.post("/login", wrong), http.StatusUnauthorized)
	}
	a := b.post("/login", right)
	b.want(a, http.StatusTooManyRequests, "Too many tries")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.want(b.post("/login", url.Values{"email": {"other@acme.example"}, "password": {"wrong"}}), http.StatusUnauthorized)
	s.forward(16 * time.Minute)
	if a := b.post("/login", right); a.StatusCode != http.StatusSeeOther {
		t.Errorf("after the wait: %d", a.StatusCode)
	}
	for range 6 { // successes do not count
		if a := s.browser().post("/login", right); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("a right log-in after others: %d", a.StatusCode)
		}
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.member()
	form := url.Values{"firstName": {"Eve"}, "email": {"eve@evil.example"}}.Encode()
	const urlencoded = "application/x-www-form-urlencoded"
	for name, header := range map[string]map[string]string{
		"cross-site":           {"Sec-Fetch-Site": "cross-site"},
		"same-site":            {"Sec-Fetch-Site": "same-site"},
		"old browser's Origin": {"Origin": "https://evil.example"},
	} {
		b.want(b.do(http.MethodPost, "/contacts", urlencoded, form, header), http.StatusForbidden, "from another site")
		b.want(b.do(http.MethodPost, "/login", urlencoded, "email=a&password=b", header), http.StatusForbidden)
		if n, err := s.Client.Contact.Query().Count(s.ctx); err != nil || n != 0 {
			t.Errorf("%s: %d contacts were made, %v", name, n, err)
		}
	}
	own := b.do(http.MethodPost, "/contacts", urlencoded, form, map[string]string{"Origin": s.url})
	if own.StatusCode != http.StatusSeeOther {
		t.Errorf("our own origin is refused: %d", own.StatusCode)
	}
}
