package webhooks_test

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/webhooks"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

// The secrets of the vectors are the base64 of 32 times 'a' and 32 times 'b'.
const (
	secretA = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	secretB = "whsec_YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
)

// vector is one line of testdata/vectors.json: what was signed when, the headers that
// come out, and what a receiver must say to them at a time and with a secret.
type vector struct {
	Name    string   `json:"name"`
	Secrets []secret `json:"secrets"`
	Message message  `json:"message"`
	Time    int64    `json:"time"`
	Headers headers  `json:"headers"`
	Checks  []check  `json:"verify"`
}

type secret struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

type message struct {
	ID       string `json:"id"`
	Topic    string `json:"topic"`
	Subject  string `json:"subject"`
	Endpoint string `json:"endpoint"`
	Issuer   string `json:"issuer"`
	Attempt  int    `json:"attempt"`
	Body     string `json:"body"`
}

type headers map[string]string

// check is one verification. Headers and Body, when set, replace what was signed; a
// header that is "" is taken away. Result is "ok" or the name of an error.
type check struct {
	Name     string  `json:"name"`
	Secret   string  `json:"secret"`
	Time     int64   `json:"time"`
	Headers  headers `json:"headers,omitempty"`
	Body     *string `json:"body,omitempty"`
	Token    string  `json:"token_result"`
	Standard string  `json:"standard_webhooks_result"`
}

func (m message) message() webhooks.Message {
	return webhooks.Message{
		ID: m.ID, Topic: m.Topic, Subject: m.Subject, Endpoint: m.Endpoint,
		Issuer: m.Issuer, Attempt: m.Attempt, Body: []byte(m.Body),
	}
}

func (h headers) header() http.Header {
	header := make(http.Header)
	for name, value := range h {
		header.Set(name, value)
	}
	return header
}

func resultName(err error) string {
	names := map[error]string{
		webhooks.ErrMissingHeader: "missing_header",
		webhooks.ErrMalformed:     "malformed",
		webhooks.ErrBadSignature:  "bad_signature",
		webhooks.ErrExpired:       "expired",
		webhooks.ErrNotYetValid:   "not_yet_valid",
		webhooks.ErrHashMismatch:  "hash_mismatch",
		webhooks.ErrIDMismatch:    "id_mismatch",
		webhooks.ErrIssuer:        "issuer",
		webhooks.ErrSecret:        "secret",
	}
	if err == nil {
		return "ok"
	}
	for sentinel, name := range names {
		if errors.Is(err, sentinel) {
			return name
		}
	}
	return "unnamed: " + err.Error()
}

func TestVectors(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "vectors.json")
	vectors := makeVectors(t)
	got, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make it with: go test ./webhooks -run TestVectors -update)", err)
	}
	if string(got) != string(want) {
		t.Errorf("signing no longer gives %s:\n%s", path, got)
	}
	// What the file promises is checked from the file, as a receiver would.
	var filed []vector
	if err := json.Unmarshal(want, &filed); err != nil {
		t.Fatal(err)
	}
	for _, v := range filed {
		for _, c := range v.Checks {
			checkVector(t, v, c)
		}
	}
}

func checkVector(t *testing.T, v vector, c check) {
	t.Helper()
	all := maps.Clone(v.Headers)
	maps.Copy(all, c.Headers)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	body := v.Message.Body
	if c.Body != nil {
		body = *c.Body
	}
	clock := webhooks.WithClock(func() time.Time { return time.Unix(c.Time, 0) })
	claims, err := webhooks.Verify(all.header(), []byte(body), c.Secret, clock)
	if got := resultName(err); got != c.Token {
		t.Errorf("%s, %s: token: %s (%v), want %s", v.Name, c.Name, got, err, c.Token)
	}
	if err == nil && (claims.Webhook.ID != v.Message.ID || claims.Subject != v.Message.Subject || claims.Webhook.Attempt != v.Message.Attempt) {
		t.Errorf("%s, %s: claims %+v", v.Name, c.Name, claims)
	}
	err = webhooks.VerifyStandard(all.header(), []byte(body), c.Secret, clock)
	if got := resultName(err); got != c.Standard {
		t.Errorf("%s, %s: standard: %s (%v), want %s", v.Name, c.Name, got, err, c.Standard)
	}
}

func makeVectors(t *testing.T) []vector {
	t.Helper()
	const now = 1764000000
	m := message{
		ID: "evt_01kaz6f8h0aaaaaaaaaaaaaaaa", Topic: "SUBMISSION_COMPLETE", Subject: "sub_01kaz6f8h0bbbbbbbbbbbbbbbb",
		Endpoint: "whe_01kaz6f8h0cccccccccccccccc", Issuer: "https://headroom.example", Attempt: 1,
		Body: `{"topic":"SUBMISSION_COMPLETE","submission_id":"sub_01kaz6f8h0bbbbbbbbbbbbbbbb","data":{"name":"Zoë"}}`,
	}
	empty := m
	empty.Body, empty.Attempt = "", 10
	older, newer := secret{"whs_1", secretA}, secret{"whs_2", secretB}
	changed := strings.Replace(m.Body, "Zoë", "Zoe", 1)
	vectors := []vector{
		{Name: "one secret", Secrets: []secret{older}, Message: m, Time: now},
		{Name: "empty body, tenth attempt", Secrets: []secret{older}, Message: empty, Time: now},
		{Name: "rotation overlap", Secrets: []secret{older, newer}, Message: m, Time: now},
	}
	for i := range vectors {
		vectors[i].Headers = signed(t, vectors[i])
	}
	plain := vectors[0].Headers
	token := plain["x-authenticity-token"]
	body, signature := token[:strings.LastIndexByte(token, '.')], token[strings.LastIndexByte(token, '.')+1:]
	vectors[0].Checks = []check{
		{"as received", secretA, now, nil, nil, "ok", "ok"},
		{"clock 30 s behind", secretA, now - 30, nil, nil, "ok", "ok"},
		{"clock 31 s behind", secretA, now - 31, nil, nil, "not_yet_valid", "ok"},
		{"299 s later", secretA, now + 299, nil, nil, "ok", "ok"},
		{"301 s later", secretA, now + 301, nil, nil, "expired", "expired"},
		{"301 s earlier", secretA, now - 301, nil, nil, "not_yet_valid", "not_yet_valid"},
		{"other secret", secretB, now, nil, nil, "bad_signature", "bad_signature"},
		{"no secret", "", now, nil, nil, "secret", "secret"},
		{"changed body", secretA, now, nil, &changed, "hash_mismatch", "bad_signature"},
		{"changed id", secretA, now, headers{"webhook-id": "evt_other"}, nil, "id_mismatch", "bad_signature"},
		{"changed timestamp", secretA, now, headers{"webhook-timestamp": "1764000001"}, nil, "ok", "bad_signature"},
		{"no signature headers", secretA, now, headers{"x-authenticity-token": "", "webhook-signature": ""}, nil, "missing_header", "missing_header"},
		{"token without signature", secretA, now, headers{"x-authenticity-token": body + "."}, nil, "bad_signature", "ok"},
		{"token of alg none", secretA, now, headers{"x-authenticity-token": "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" + body[strings.IndexByte(body, '.'):] + "."}, nil, "bad_signature", "ok"},
		{"token of alg HS512", secretA, now, headers{"x-authenticity-token": "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9" + body[strings.IndexByte(body, '.'):] + "." + signature}, nil, "bad_signature", "ok"},
		{"garbage", secretA, now, headers{"x-authenticity-token": "a.b.c", "webhook-signature": "v1,?? v2,x"}, nil, "malformed", "bad_signature"},
		{"unknown version beside", secretA, now, headers{"webhook-signature": "v1a,AAAA " + plain["webhook-signature"]}, nil, "ok", "ok"},
		{"bad timestamp", secretA, now, headers{"webhook-timestamp": "soon"}, nil, "ok", "malformed"},
	}
	vectors[1].Checks = []check{{"as received", secretA, now, nil, nil, "ok", "ok"}}
	vectors[2].Checks = []check{
		{"older secret", secretA, now, nil, nil, "ok", "ok"},
		{"newer secret", secretB, now, nil, nil, "ok", "ok"},
		{"newer secret, its token taken away", secretB, now, headers{"x-authenticity-token-next": ""}, nil, "bad_signature", "ok"},
		{"newer secret, expired", secretB, now + 301, nil, nil, "expired", "expired"},
	}
	return vectors
}

func signed(t *testing.T, v vector) headers {
	t.Helper()
	var secrets []webhooks.Secret
	for _, s := range v.Secrets {
		secrets = append(secrets, webhooks.Secret{ID: s.ID, Value: s.Value})
	}
	header, err := webhooks.Sign(v.Message.message(), time.Unix(v.Time, 0), secrets...)
	if err != nil {
		t.Fatal(err)
	}
	h := make(headers)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		h[strings.ToLower(name)] = header.Get(name)
	}
	return h
}
