package rest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"headroom/internal/headshot"
	"headroom/internal/tenancy"
	"headroom/rest"
)

// links are what differs between two readings of the same row: image URLs are signed for each.
var links = regexp.MustCompile(`"url":"[^"]*"|"expires_at":"[^"]*"`)

func TestWebhookBodies(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sub := h.submit(1)
	h.work()
	ses := h.post("/studio_sessions", `{"studio_id":"`+h.account.Studio.ID+`","contact_id":"`+h.contact(2)+`"}`)
	end := h.post("/webhook_endpoints", `{"url":"https://hooks.example.com/in"}`).str("id")
	shown := h.get("/submissions/" + sub).want(http.StatusOK)
	contact, studio := shown.str("contact_id"), h.account.Studio.ID
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.FixedZone("", 3600))
	head := func(topic, submission, contact string) string {
		return `{"topic":"` + topic + `","submission_id":` + submission + `,"studio_id":"` + studio + `","contact_id":` + contact +
			`,"event_id":"evt_1","occurred_at":"2026-01-31T11:00:00.000Z","data":`
	}
	unknown := strings.Repeat("0", 26)
	r := rest.NewRenderer(h.graph)
	for _, c := range []struct {
		event rest.Event
		want  string
	}{
		{rest.Event{Topic: "SUBMISSION_COMPLETE", SubmissionID: sub, ContactID: contact, SubjectID: sub},
			head("SUBMISSION_COMPLETE", `"`+sub+`"`, `"`+contact+`"`) + `{"submission":` + shown.raw + `}}`},
		{rest.Event{Topic: "CONTACT_UPDATED", ContactID: contact, SubjectID: contact},
			head("CONTACT_UPDATED", "null", `"`+contact+`"`) + `{"contact":` + h.get("/contacts/"+contact).raw + `}}`},
		{rest.Event{Topic: "SESSION_OPENED", ContactID: contact, SubjectID: ses.str("id")},
			head("SESSION_OPENED", "null", `"`+contact+`"`) + `{"studio_session":` + h.get("/studio_sessions/"+ses.str("id")).raw + `}}`},
		{rest.Event{Topic: "ENDPOINT_DISABLED", SubjectID: end},
			head("ENDPOINT_DISABLED", "null", "null") + `{"webhook_endpoint":` + h.get("/webhook_endpoints/"+end).raw + `}}`},
		{rest.Event{Topic: "TEST", SubjectID: end, SubmissionID: sub}, head("TEST", `"`+sub+`"`, "null") + `{"submission":` + shown.raw + `}}`},
		{rest.Event{Topic: "TEST", SubjectID: end, Detail: json.RawMessage(`{"a":[1]}`)}, head("TEST", "null", "null") + `{"a":[1]}}`},
		{rest.Event{Topic: "TEST", SubjectID: end}, head("TEST", "null", "null") + `{}}`},
		{rest.Event{Topic: "SUBMISSION_CREATED", SubmissionID: "sub_" + unknown}, head("SUBMISSION_CREATED", `"sub_`+unknown+`"`, "null") + `null}`},
		{rest.Event{Topic: "CONTACT_ERASED", ContactID: "ctn_" + unknown}, head("CONTACT_ERASED", "null", `"ctn_`+unknown+`"`) + `null}`},
	} {
		c.event.EventID, c.event.OccurredAt, c.event.StudioID = "evt_1", at, studio
		got, err := r.Render(h.admin(), c.event)
		if err != nil || links.ReplaceAllString(string(got), "") != links.ReplaceAllString(c.want, "") {
			t.Errorf("%s: got %s (%v)\nwant %s", c.event.Topic, got, err, c.want)
		}
		if !json.Valid(got) {
			t.Errorf("%s: not JSON: %s", c.event.Topic, got)
		}
	}
}

func TestImagesInWebhooksLiveLonger(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sub := h.submit(1)
	body, err := rest.NewRenderer(h.graph).Render(headshot.WithURLLifetime(h.admin(), headshot.WebhookURLLifetime),
		rest.Event{Topic: "SUBMISSION_CREATED", SubmissionID: sub, OccurredAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data struct {
			Submission struct {
				Images []struct {
					ExpiresAt time.Time `json:"expires_at"`
				}
			}
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(got.Data.Submission.Images[0].ExpiresAt); left < 7*24*time.Hour-time.Minute {
		t.Errorf("the image's URL lives %s", left)
	}
}

func TestBodiesAreRenderedWithinTheAccountOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	sub, other := h.submit(1), h.neighbour()
	r, event := rest.NewRenderer(h.graph), rest.Event{Topic: "SUBMISSION_CREATED", SubmissionID: sub}
	got, err := r.Render(tenancy.AsWorker(t.Context(), other.account.Account.ID), event)
	if err != nil || !strings.HasSuffix(string(got), `"data":null}`) {
		t.Errorf("another account gets %s (%v)", got, err)
	}
	if got, err := r.Render(t.Context(), event); err == nil {
		t.Errorf("without an actor: %s", got)
	}
}
