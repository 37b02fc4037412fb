package webhooks_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"headroom/webhooks"
)

func TestTokenSaysExactlyWhatTheContractSays(t *testing.T) {
	t.Parallel()
	at := time.Unix(1764000000, 987e6)
	msg := webhooks.Message{
		ID: "evt_1", Topic: "SUBMISSION_COMPLETE", Subject: "sub_1", Endpoint: "whe_1",
		Issuer: "https://headroom.example", Attempt: 3, Body: []byte("{}"),
	}
	header, err := webhooks.Sign(msg, at, webhooks.Secret{ID: "whs_1", Value: secretA})
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(header.Get("X-Authenticity-Token"), ".")
	wants := []map[string]any{
		{"alg": "HS256", "typ": "JWT", "kid": "whs_1"},
		{
			"iss": "https://headroom.example", "sub": "sub_1", "jti": "evt_1:3",
			"iat": 1763999970.0, "nbf": 1763999970.0, "exp": 1764000300.0,
			"webhook": map[string]any{
				"event": "SUBMISSION_COMPLETE", "id": "evt_1", "endpoint": "whe_1", "attempt": 3.0,
				"hash": "sha-256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
			},
		},
	}
	for i, want := range wants {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if a, b := mustJSON(t, got), mustJSON(t, want); a != b {
			t.Errorf("part %d of the token:\ngot  %s\nwant %s", i, a, b)
		}
	}
	if got := header.Get("webhook-timestamp"); got != "1764000000" {
		t.Errorf("webhook-timestamp %s", got)
	}
	if header.Get("X-Authenticity-Token-Next") != "" {
		t.Error("a second token without a rotation")
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestNewSecret(t *testing.T) {
	t.Parallel()
	a, err := webhooks.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := webhooks.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a == b || len(a) != len(secretA) {
		t.Errorf("secrets %q, %q", a, b)
	}
	fixed, err := webhooks.NewSecret(strings.NewReader(strings.Repeat("a", 32)))
	if err != nil || fixed != secretA {
		t.Errorf("secret of 32 a: %q, %v", fixed, err)
	}
	if _, err := webhooks.NewSecret(strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a secret: %v", err)
	}
}

func TestSignRefusesSecretsItCannotUse(t *testing.T) {
	t.Parallel()
	good := webhooks.Secret{ID: "a", Value: secretA}
	for name, secrets := range map[string][]webhooks.Secret{
		"none":      nil,
		"three":     {good, good, good},
		"empty":     {{ID: "a"}},
		"no prefix": {{ID: "a", Value: strings.TrimPrefix(secretA, "whsec_")}},
		"short":     {{ID: "a", Value: "whsec_YWFh"}},
		"newline":   {{ID: "a", Value: secretA + "\n"}},
		"second":    {good, {ID: "b", Value: "whsec_###"}},
	} {
		header, err := webhooks.Sign(webhooks.Message{ID: "evt_1"}, time.Unix(1, 0), secrets...)
		if err == nil || header != nil {
			t.Errorf("%s: signed", name)
			continue
		}
		for _, s := range secrets {
			if s.Value != "" && strings.Contains(err.Error(), s.Value) {
				t.Errorf("%s: the error quotes the secret: %v", name, err)
			}
		}
	}
}

func TestVerifyIssuerAndLeeway(t *testing.T) {
	t.Parallel()
	at := time.Unix(1764000000, 0)
	msg := webhooks.Message{ID: "evt_1", Issuer: "https://a.example", Body: []byte("x")}
	header, err := webhooks.Sign(msg, at, webhooks.Secret{ID: "a", Value: secretA})
	if err != nil {
		t.Fatal(err)
	}
	late := webhooks.WithClock(func() time.Time { return at.Add(6 * time.Minute) })
	if _, err := webhooks.Verify(header, msg.Body, secretA, late, webhooks.WithLeeway(2*time.Minute), webhooks.WithIssuer("https://a.example")); err != nil {
		t.Errorf("late, with leeway: %v", err)
	}
	if err := webhooks.VerifyStandard(header, msg.Body, secretA, late, webhooks.WithLeeway(2*time.Minute)); err != nil {
		t.Errorf("standard, late, with leeway: %v", err)
	}
	clock := webhooks.WithClock(func() time.Time { return at })
	if _, err := webhooks.Verify(header, msg.Body, secretA, clock, webhooks.WithIssuer("https://b.example")); !errors.Is(err, webhooks.ErrIssuer) {
		t.Errorf("other issuer: %v", err)
	}
}

// FuzzVerify sends what strangers send. Nothing may panic, and nothing may be accepted
// that was not signed: the only body the fuzzer has a valid signature for is "{}".
func FuzzVerify(f *testing.F) {
	at := time.Unix(1764000000, 0)
	msg := webhooks.Message{ID: "evt_1", Body: []byte("{}")}
	header, err := webhooks.Sign(msg, at, webhooks.Secret{ID: "a", Value: secretA})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(header.Get(webhooks.HeaderToken), "", "evt_1", "1764000000", header.Get(webhooks.HeaderSignature), msg.Body)
	f.Add("a.b.c", "..", "", "-1", "v1,", []byte("{}"))
	f.Add("eyJhbGciOm51bGx9.e30.", "eyJhbGciOiJIUzI1NiJ9.bnVsbA.", "x", "99999999999999999999", "v1, v1,= ,", []byte{0})
	f.Fuzz(func(t *testing.T, token, next, id, timestamp, signature string, body []byte) {
		h := http.Header{
			webhooks.HeaderToken: {token}, webhooks.HeaderTokenNext: {next}, webhooks.HeaderID: {id},
			webhooks.HeaderTimestamp: {timestamp}, webhooks.HeaderSignature: {signature},
		}
		clock := webhooks.WithClock(func() time.Time { return at })
		if claims, err := webhooks.Verify(h, body, secretA, clock); err == nil {
			if !bytes.Equal(body, msg.Body) || claims.Webhook.ID != "evt_1" {
				t.Errorf("accepted body %q, claims %+v", body, claims)
			}
		} else if strings.HasPrefix(resultName(err), "unnamed") {
			t.Errorf("error without a name: %v", err)
		}
		if err := webhooks.VerifyStandard(h, body, secretA, clock); err == nil && !bytes.Equal(body, msg.Body) {
			t.Errorf("standard: accepted body %q", body)
		}
	})
}
