package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"headroom/ent/apikey"
	"headroom/internal/headshot"
)

func TestSubmissionsGallery(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.member()
	done, _ := s.session("Ada")
	sub := s.submitted(done)
	s.work()
	waiting, _ := s.session("Grace")
	s.submitted(waiting)

	a := b.get("/submissions")
	b.want(a, http.StatusOK, "Ada Lovelace", "Grace Lovelace", "Accepted", "To review", "Queued")
	checkPage(t, s, a)
	thumb := regexp.MustCompile(`<img src="([^"]+)" alt="" width="256" height="256"`).FindStringSubmatch(a.body)
	if thumb == nil {
		t.Fatalf("no thumbnail of 256 pixels:\n%s", a.body)
	}
	picture := b.get(strings.TrimPrefix(strings.ReplaceAll(thumb[1], "&amp;", "&"), s.url))
	b.want(picture, http.StatusOK)
	if got := picture.Header.Get("Content-Type"); got != "image/jpeg" {
		t.Errorf("the thumbnail is %s", got)
	}
	a = b.get("/submissions?state=ACCEPTED&studio=" + s.account.Studio.ID)
	b.want(a, http.StatusOK, "Ada Lovelace", `<option value="ACCEPTED" selected>`)
	b.wantNot(a, "Grace")
	a = b.get("/submissions?processing=QUEUED")
	b.want(a, http.StatusOK, "Grace Lovelace")
	b.wantNot(a, "Ada")

	a = b.get("/submissions/" + sub.ID)
	checkPage(t, s, a)
	b.want(a, http.StatusOK, "The photo as it was sent", "The finished headshot", "Square 256", "256 × 256", "400 × 500", "640 × 800",
		"83 of 100", "The face is blurred", "Not good: ", "There is more than one face", "by the studio itself", "profile standard")
	b.wantNot(a, "/retake", "/accept") // what the rules would refuse is not offered
}

func TestGalleryPages(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for i := range 30 {
		row, _ := s.session(fmt.Sprintf("Person%02d", i))
		s.submitted(row)
	}
	b := s.member()
	names := func(a answer) []string { return regexp.MustCompile(`Person\d\d`).FindAllString(a.body, -1) }
	first := b.get("/submissions?processing=QUEUED")
	if got := names(first); len(got) != 24 || got[0] != "Person29" {
		t.Fatalf("the first page has %v", got)
	}
	link := func(a answer, rel string) string {
		m := regexp.MustCompile(`href="([^"]+)" rel="` + rel + `"`).FindStringSubmatch(a.body)
		if m == nil {
			return ""
		}
		return strings.ReplaceAll(m[1], "&amp;", "&")
	}
	if link(first, "prev") != "" {
		t.Error("the first page has one before it")
	}
	second := b.get(link(first, "next"))
	if got := names(second); len(got) != 6 || got[0] != "Person05" || link(second, "next") != "" {
		t.Fatalf("the second page has %v, then %q", got, link(second, "next"))
	}
	b.want(second, http.StatusOK, `<option value="QUEUED" selected>`)
	if got := names(b.get(link(second, "prev"))); len(got) != 24 || got[0] != "Person29" {
		t.Errorf("back leads to %v", got)
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	_, err := s.UpdateStudio(s.ctx, s.account.Studio.ID, headshot.StudioPatch{AutoAccept: headshot.To(false)}, nil)
	must(t, err)
	b := s.member()
	pending := func(name string) (id, at string) {
		row, _ := s.session(name)
		sub := s.submitted(row)
		s.work()
		return sub.ID, "/submissions/" + sub.ID
	}
	version := func(at string) string {
		return regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(b.get(at).body)[1]
	}

	_, at := pending("Ada")
	b.want(b.get(at), http.StatusOK, at+"/accept", at+"/reject", at+"/retake", at+"/reprocess")
	seen := version(at)
	b.want(b.to(b.post(at+"/accept", url.Values{"version": {seen}})), http.StatusOK, "The submission is accepted.", "by a reviewer", "Complete")
	stale := b.post(at+"/reject", url.Values{"version": {seen}})
	b.want(stale, http.StatusPreconditionFailed, "Somebody else has changed this", `role="alert"`, "Accepted")
	b.want(b.to(b.post(at+"/reject", url.Values{"version": {version(at)}, "reason": {"The photo is blurred."}, "reasons": {" Not you. \n\n"}, "note": {"odd"}})),
		http.StatusOK, "The submission is rejected.", "The photo is blurred.; Not you.", "odd")
	b.want(b.post(at+"/retake", nil), http.StatusConflict, "cannot become")

	id, at := pending("Grace")
	b.want(b.to(b.post(at+"/retake", url.Values{"reasons": {"Face the window."}})), http.StatusOK, "Another photo was asked for.", "Face the window.")
	b.want(b.to(b.post(at+"/reprocess", url.Values{"notify": {"1"}})), http.StatusOK, "processed again", "Queued")
	b.want(b.post(at+"/reprocess", nil), http.StatusConflict, "being processed")
	if n, err := s.Client.Submission.GetX(s.ctx, id).QueryRevisions().Count(s.ctx); err != nil || n != 2 {
		t.Errorf("%d revisions, %v", n, err)
	}
}

func TestContactsAndCaptureLinks(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.member()
	ada := url.Values{"firstName": {"Ada"}, "lastName": {"Lovelace"}, "email": {"ada@acme.example"}, "externalId": {"E-1"}}
	a := b.to(b.post("/contacts", ada))
	b.want(a, http.StatusOK, "The contact was added.", "Ada Lovelace", "your id E-1")
	checkPage(t, s, a)
	at := a.Request.URL.Path
	b.want(b.post("/contacts", ada), http.StatusConflict, `role="alert"`, `value="ada@acme.example"`)
	b.want(b.post("/contacts", url.Values{"firstName": {"Bob"}, "email": {"not an address"}}), http.StatusUnprocessableEntity, "E-mail address", `value="Bob"`)
	b.want(b.get("/contacts?q=lovel"), http.StatusOK, "Ada Lovelace")
	b.want(b.get("/contacts?q=xyz"), http.StatusOK, "Nobody found")

	a = b.to(b.post(at+"/links", url.Values{"studio": {s.account.Studio.ID}, "expires": {"86400"}}))
	b.want(a, http.StatusOK, "The capture link was made.", `class="new"`)
	link := regexp.MustCompile(`value="(http[^"]+/s/cs_\w+)"`).FindStringSubmatch(a.body)
	if link == nil {
		t.Fatalf("no link:\n%s", a.body)
	}
	capture := strings.TrimPrefix(link[1], s.url)
	b.want(b.get(capture), http.StatusOK, "Welcome, Ada")
	b.want(b.post(at+"/links", url.Values{"studio": {"stu_none"}}), http.StatusUnprocessableEntity, "there is no studio")
	revoke := regexp.MustCompile(`action="([^"]+/revoke)"`).FindStringSubmatch(a.body)[1]
	a = b.to(b.post(revoke, nil))
	b.want(a, http.StatusOK, "called back", "Called back")
	b.wantNot(a, link[1])
	b.want(b.get(capture), http.StatusNotFound, "This link does not work")
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.member()
	const at = "/account/developers"
	b.want(b.post(at+"/keys", url.Values{"form": {"key"}, "name": {"Robot"}}), http.StatusUnprocessableEntity, `value="Robot"`, "<details class=\"fold\" open>")
	a := b.post(at+"/keys", url.Values{"name": {"Robot"}, "scope": {"contacts:read", "submissions:write"}, "days": {"30"}})
	b.want(a, http.StatusOK, "Robot", "it is not shown again")
	checkPage(t, s, a)
	key := regexp.MustCompile(`hr_live_[0-9A-Za-z]{36}`).FindString(a.body)
	ask := func() answer {
		return b.do(http.MethodPost, "/graphql", "application/json", `{"query":"{viewer{scopes}}"}`, map[string]string{"Authorization": "Bearer " + key})
	}
	b.want(ask(), http.StatusOK, `["contacts:read","submissions:write"]`)
	a = b.get(at)
	b.want(a, http.StatusOK, "contacts:read, submissions:write")
	b.wantNot(a, key)
	id := s.Client.APIKey.Query().Where(apikey.Name("Robot")).OnlyX(s.ctx).ID
	b.want(b.to(b.post(at+"/keys/"+id+"/revoke", nil)), http.StatusOK, "The API key was revoked.", "Revoked")
	s.forward(3 * time.Second) // keys are cached for two seconds
	b.want(ask(), http.StatusUnauthorized, "UNAUTHENTICATED")
}

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.member()
	const at = "/account/developers"
	b.want(b.post(at+"/webhooks", url.Values{"form": {"hook"}, "url": {"http://plain.example"}, "topic": {"CONTACT_CREATED"}}),
		http.StatusUnprocessableEntity, `value="http://plain.example"`, `value="CONTACT_CREATED" checked`)
	a := b.post(at+"/webhooks", url.Values{"url": {"https://hooks.example.com/in"}, "topic": {"CONTACT_CREATED"}, "studio": {s.account.Studio.ID}, "description": {"for the tests"}})
	secret := regexp.MustCompile(`whsec_[0-9A-Za-z+/=&#;]{44,}`)
	b.want(a, http.StatusOK, "https://hooks.example.com/in", "it is not shown again", "for the tests", "CONTACT_CREATED")
	first := secret.FindString(a.body)
	b.wantNot(b.get(at), first)
	endpoint := at + "/webhooks/" + s.Client.WebhookEndpoint.Query().OnlyX(s.ctx).ID
	second := secret.FindString(b.post(endpoint+"/rotate", url.Values{"revoke": {"1"}}).body)
	if first == "" || second == "" || first == second {
		t.Errorf("secrets %q, then %q", first, second)
	}
	b.want(b.to(b.post(endpoint+"/pause", nil)), http.StatusOK, "The endpoint is paused.", "Paused", endpoint+"/resume")
	b.want(b.to(b.post(endpoint+"/resume", nil)), http.StatusOK, "gets events again", "Enabled", endpoint+"/pause")

	s.deliver()
	b.want(b.to(b.post(endpoint+"/test", nil)), http.StatusOK, "A test event is on its way.")
	a = s.until(b, at, "Failed")
	b.want(a, http.StatusOK, "TEST", "HTTP 500", "the answer was not 2xx", "&lt;b&gt;sorry&lt;/b&gt;", "12 ms")
	checkPage(t, s, a)
	replay := regexp.MustCompile(`action="([^"]+/replay)"`).FindStringSubmatch(a.body)[1]
	b.want(b.to(b.post(replay, nil)), http.StatusOK, "sent again")
	s.until(b, at+"?endpoint="+endpoint[strings.LastIndexByte(endpoint, '/')+1:], "Delivered")

	b.want(b.to(b.post(endpoint+"/delete", nil)), http.StatusOK, "The endpoint was deleted.", "No endpoint yet", "Nothing was sent yet")
	b.want(b.post(endpoint+"/pause", nil), http.StatusNotFound)
}

// until loads a page again and again until it says text: what it waits for happens in the dispatch.
func (s *stack) until(b *browser, path, text string) answer {
	s.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.After(20 * time.Second); ; {
		a := b.get(path)
		if strings.Contains(a.body, text) {
			return a
		}
		select {
		case <-again.C:
		case <-end:
			s.t.Fatalf("%s never says %q:\n%s\nlog: %s", path, text, a.body, s.log)
		}
	}
}
