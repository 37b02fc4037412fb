package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"headroom/test/live"
	"headroom/webhooks"
)

func TestDeliveriesAreVerifiedByAnybodysLibraries(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		server := s.serve(t)
		a, r := s.api(t, server), receive(t)
		endpoint, secret := a.endpoint(r)
		sub := a.submit(face)
		d := next(t, r)
		d.Answer(http.StatusNoContent)

		claims, err := webhooks.Verify(d.Header, d.Body, secret, webhooks.WithIssuer(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		if w := claims.Webhook; claims.Subject != sub.ID || w.Event != "SUBMISSION_COMPLETE" || w.Endpoint != endpoint || w.Attempt != 1 {
			t.Errorf("claims %+v", claims)
		}
		verified(t, d, secret, "X-Authenticity-Token")
		if err := webhooks.VerifyStandard(d.Header, d.Body, secret); err != nil {
			t.Error(err)
		}
		holdsSubmission(t, a, d, sub.ID)
		delivered(a, d.Header.Get("webhook-id"), 1)

		// While two secrets overlap, the old one goes on verifying, and the new one does already.
		var rotated struct{ Secret string }
		a.call(http.MethodPost, "/webhook_endpoints/"+endpoint+"/rotate_secret", map[string]any{}, &rotated)
		a.call(http.MethodPost, "/webhook_endpoints/"+endpoint+"/test", map[string]any{"submission_id": sub.ID}, nil)
		d = next(t, r)
		d.Answer(http.StatusNoContent)
		verified(t, d, secret, "X-Authenticity-Token")
		verified(t, d, rotated.Secret, "X-Authenticity-Token-Next")
	})
}

// verified lets customers' libraries verify a delivery with their default settings.
func verified(t *testing.T, d live.Delivery, secret, tokenHeader string) {
	t.Helper()
	in, err := json.Marshal(map[string]any{"headers": d.Header, "body": d.Body, "secret": secret, "token_header": tokenHeader})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"verify.mjs": {"jose", "jsonwebtoken", "standardwebhooks", "claims"},
		"verify.py":  {"pyjwt"},
	}
	for script, checks := range want {
		cmd := client(t, script)
		cmd.Stdin = bytes.NewReader(in)
		lines := must[struct {
			Check string
			OK    bool
		}](t, cmd)
		for i, check := range checks {
			if len(lines) != len(checks) || lines[i].Check != check || !lines[i].OK {
				t.Errorf("%s with %s: %+v, want %v ok", script, tokenHeader, lines, checks)
				break
			}
		}
	}
}

// signed are the parts of an image that differ between two readings: the URL's signature and its end.
var signed = regexp.MustCompile(`"(url|expires_at)":"[^"]*"`)

// holdsSubmission compares the submission in a webhook with the one REST shows, byte for byte.
func holdsSubmission(t *testing.T, a api, d live.Delivery, id string) {
	t.Helper()
	var body struct {
		Topic        string
		SubmissionID string `json:"submission_id"`
		StudioID     string `json:"studio_id"`
		ContactID    string `json:"contact_id"`
		EventID      string `json:"event_id"`
		OccurredAt   string `json:"occurred_at"`
		Data         struct{ Submission json.RawMessage }
	}
	if err := json.Unmarshal(d.Body, &body); err != nil {
		t.Fatal(err)
	}
	answer, err := a.Do(t.Context(), http.MethodGet, "/api/v2/submissions/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, want := signed.ReplaceAll(body.Data.Submission, []byte(`"$1":""`)), signed.ReplaceAll(answer.Body, []byte(`"$1":""`))
	if !bytes.Equal(got, bytes.TrimSpace(want)) {
		t.Errorf("the webhook holds\n%s\nand REST answers\n%s", got, want)
	}
	var sub struct {
		StudioID  string `json:"studio_id"`
		ContactID string `json:"contact_id"`
		Images    []struct{ Kind, URL string }
	}
	if err := json.Unmarshal(body.Data.Submission, &sub); err != nil {
		t.Fatal(err)
	}
	if body.SubmissionID != id || body.StudioID != sub.StudioID || body.ContactID != sub.ContactID || body.EventID != d.Header.Get("webhook-id") ||
		body.Topic != "SUBMISSION_COMPLETE" || body.OccurredAt == "" {
		t.Errorf("the webhook is about %+v", body)
	}
	for _, img := range sub.Images {
		if picture, err := live.Fetch(t.Context(), img.URL); err != nil || picture.Status != http.StatusOK || len(picture.Body) == 0 {
			t.Errorf("the webhook's URL of the %s answers %d (%v)", img.Kind, picture.Status, err)
		}
	}
}

// delivered waits until the event's one delivery is recorded as such, after so many attempts.
func delivered(a api, event string, attempts int) {
	a.Helper()
	var page struct {
		Data []struct {
			EventID  string `json:"event_id"`
			State    string
			Attempts int `json:"attempt_count"`
		}
	}
	until(a.T, event+" is DELIVERED", func() bool {
		a.call(http.MethodGet, "/deliveries?event_id="+event, nil, &page)
		return len(page.Data) == 1 && page.Data[0].State == "DELIVERED"
	})
	if page.Data[0].Attempts != attempts {
		a.Errorf("%s took %d attempts, want %d", event, page.Data[0].Attempts, attempts)
	}
}
