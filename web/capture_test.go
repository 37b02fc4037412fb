package web_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"headroom/ent/studiosession"
	"headroom/internal/headshot"
)

// view is the state of a capture page, which its script goes by.
func (b *browser) view(a answer) string {
	b.s.t.Helper()
	m := regexp.MustCompile(`<main id="main" data-view="(\w+)"`).FindStringSubmatch(a.body)
	if m == nil {
		b.s.t.Fatalf("%s is no capture page (%d):\n%s", a.Request.URL.Path, a.StatusCode, a.body)
	}
	return m[1]
}

func (b *browser) wantView(path, view string, status int, texts ...string) answer {
	b.s.t.Helper()
	a := b.get(path)
	b.want(a, status, texts...)
	if got := b.view(a); got != view {
		b.s.t.Errorf("%s shows %q, want %q", path, got, view)
	}
	checkPage(b.s.t, b.s, a)
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"} {
		if got := a.Header.Get(name); got != want {
			b.s.t.Errorf("%s of %s is %q, want %q", name, view, got, want)
		}
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self' blob: data:") || !strings.Contains(csp, "connect-src 'self'") {
		b.s.t.Errorf("the policy of %s is %s", view, csp)
	}
	return a
}

// upload sends a photo as the page's script does.
func (b *browser) upload(token string, photo []byte, consent bool) answer {
	b.s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	operations, err := json.Marshal(map[string]any{
		"query":     `mutation SubmitPhoto($input: SubmitPhotoInput!) { submitPhoto(input: $input) { submission { id } } }`,
		"variables": map[string]any{"input": map[string]any{"photo": nil, "consent": consent}},
	})
	must(b.s.t, err)
	must(b.s.t, w.WriteField("operations", string(operations)))
	must(b.s.t, w.WriteField("map", `{"0":["variables.input.photo"]}`))
	part, err := w.CreateFormFile("0", "me.jpg")
	must(b.s.t, err)
	_, err = part.Write(photo)
	must(b.s.t, err)
	must(b.s.t, w.Close())
	return b.do(http.MethodPost, "/graphql", w.FormDataContentType(), body.String(), map[string]string{
		"Authorization": "Bearer " + token, "GraphQL-Require-Preflight": "1", "Accept": "application/graphql-response+json, application/json",
	})
}

func TestCaptureFromWelcomeToHeadshot(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.UpdateStudio(s.ctx, s.account.Studio.ID, headshot.StudioPatch{
		Guidelines: headshot.To("Stand before the white wall.\nSmile."), Brand: headshot.To(json.RawMessage(`{"company":"Acme & Co","color":"#0a7f5a"}`)),
	}, nil)
	must(t, err)
	row, token := s.session("Ada")
	b, path := s.browser(), "/s/"+token

	a := b.do(http.MethodHead, path, "", "", nil)
	b.want(a, http.StatusOK)
	if got := s.Client.StudioSession.GetX(s.ctx, row.ID).State; got != studiosession.StateOpen {
		t.Errorf("after HEAD the session is %s", got)
	}
	a = b.wantView(path, "form", http.StatusOK, "Welcome, Ada", "Acme &amp; Co", `data-color="#0a7f5a"`, "<li>Stand before the white wall.</li>",
		headshot.DefaultConsent, `capture="user"`, `accept="image/*"`)
	if regexp.MustCompile(`<input type="checkbox" id="consent"[^>]*checked`).MatchString(a.body) {
		t.Error("the consent box is ticked beforehand")
	}
	if got := s.Client.StudioSession.GetX(s.ctx, row.ID).State; got != studiosession.StateOpened {
		t.Errorf("the session is %s, want OPENED", got)
	}
	b.want(b.upload(token, photo(t, 300, 400), false), http.StatusOK, "consent_required")
	b.wantView(path, "form", http.StatusOK)
	b.want(b.upload(token, photo(t, 300, 400), true), http.StatusOK, `"id":"sub_`)
	b.wantView(path, "progress", http.StatusOK, "Waiting for a free place", `role="status"`, "<progress", "Finding your face", `data-submission="sub_`)
	s.work()
	b.wantView(path, "done", http.StatusOK, "Your headshot is ready", "Your photo as you sent it", "Your finished headshot", "512 × 512", "256 × 256", "There is more than one face")
	again := b.upload(token, photo(t, 300, 400), true)
	b.want(again, http.StatusOK, "already_submitted")
	b.wantView(path, "done", http.StatusOK)
}

func TestCaptureAfterAFailedPhoto(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	row, token := s.session("Ada")
	b, path := s.browser(), "/s/"+token
	s.answer = func([]byte, func(string, float64)) (*headshot.Enhanced, error) {
		return nil, &headshot.PhotoFailure{Code: "NO_FACE", Message: "No face was found in the photo."}
	}
	b.want(b.upload(token, photo(t, 300, 400), true), http.StatusOK, `"id":"sub_`)
	s.work()
	a := b.wantView(path, "failed", http.StatusOK, "No face was found in the photo.", "Try another photo", "You agreed to the use of your photo", `id="form"`)
	b.wantNot(a, `id="consent"`)
	s.answer = func([]byte, func(string, float64)) (*headshot.Enhanced, error) { return finished(t), nil }
	b.want(b.upload(token, photo(t, 301, 400), false), http.StatusOK, `"id":"sub_`)
	s.work()
	b.wantView(path, "done", http.StatusOK)
	if n := s.Client.StudioSession.GetX(s.ctx, row.ID).QuerySubmissions().CountX(s.ctx); n != 2 {
		t.Errorf("%d submissions, want 2", n)
	}
}

func TestCaptureFollowsTheReview(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.UpdateStudio(s.ctx, s.account.Studio.ID, headshot.StudioPatch{AutoAccept: headshot.To(false)}, nil)
	must(t, err)
	b := s.browser()
	row, token := s.session("Ada")
	sub := s.submitted(row)
	s.work()
	b.wantView("/s/"+token, "review", http.StatusOK, "looks at it before it is used", "Your finished headshot")
	_, err = s.RequestRetake(s.ctx, headshot.ReviewInput{ID: sub.ID, Reasons: []string{"Face the window.", "Take off the hat."}, Note: "for colleagues"})
	must(t, err)
	a := b.wantView("/s/"+token, "retake", http.StatusOK, "Another photo, please, Ada", "<li>Face the window.</li>", "<li>Take off the hat.</li>", `id="form"`)
	b.wantNot(a, "for colleagues")
	b.want(b.upload(token, photo(t, 300, 400), true), http.StatusOK, `"id":"sub_`)
	b.wantView("/s/"+token, "progress", http.StatusOK)
	s.work()
	second := s.Client.StudioSession.GetX(s.ctx, row.ID).QuerySubmissions().AllX(s.ctx)[1]
	_, err = s.Reject(s.ctx, headshot.ReviewInput{ID: second.ID, Reasons: []string{"This is somebody else."}})
	must(t, err)
	a = b.wantView("/s/"+token, "rejected", http.StatusOK, "This is somebody else.")
	b.wantNot(a, `id="form"`)
}

func TestCaptureLeadsOn(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	onward := "https://intranet.example.com/next?a=1&b=2"
	row, err := s.CreateSession(s.ctx, headshot.SessionInput{
		StudioID: s.account.Studio.ID, RedirectURL: &onward, Contact: &headshot.ContactInput{FirstName: "Ada", Email: "ada@acme.example"},
	})
	must(t, err)
	s.submitted(row)
	s.work()
	b := s.browser()
	b.want(b.get(strings.TrimPrefix(s.SessionURL(row), s.url)), http.StatusOK, `href="https://intranet.example.com/next?a=1&amp;b=2"`, "Continue to intranet.example.com")
}

func TestCaptureLinksThatAreOver(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.browser()
	b.wantView("/s/cs_0000000000000000000000", "unknown", http.StatusNotFound, "This link does not work")
	b.wantView("/s/%22%3E%3Cscript%3E", "unknown", http.StatusNotFound)
	row, token := s.session("Ada")
	_, err := s.RevokeSession(s.ctx, row.ID)
	must(t, err)
	b.wantView("/s/"+token, "unknown", http.StatusNotFound)
	b.wantView(strings.TrimPrefix(s.SessionURL(s.Client.StudioSession.GetX(s.ctx, row.ID)), s.url), "revoked", http.StatusGone, "called back")
	row, token = s.session("Grace")
	s.forward(400 * 24 * time.Hour)
	a := b.wantView("/s/"+token, "expired", http.StatusGone, "This link has expired")
	b.wantNot(a, "Grace", `id="form"`)
	must(t, s.ExpireSessions(s.ctx))
	if got := s.Client.StudioSession.GetX(s.ctx, row.ID).State; got != studiosession.StateExpired {
		t.Fatalf("the session is %s", got)
	}
	b.wantView("/s/"+token, "expired", http.StatusGone)
}
