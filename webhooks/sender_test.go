package webhooks_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"headroom/webhooks"
)

func newSender(t *testing.T, config webhooks.Config) *webhooks.Sender {
	t.Helper()
	s := webhooks.NewSender(config)
	t.Cleanup(s.CloseIdle)
	return s
}

func receiver(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func request(url string) webhooks.Request {
	return webhooks.Request{
		URL: url,
		Message: webhooks.Message{
			ID: "evt_1", Topic: "SUBMISSION_COMPLETE", Subject: "sub_1", Endpoint: "whe_1",
			Issuer: "https://headroom.example", Attempt: 1, Body: []byte(`{"topic":"SUBMISSION_COMPLETE"}`),
		},
		Secrets: []webhooks.Secret{{ID: "whs_1", Value: secretA}},
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestSendDeliversWhatVerifyAccepts(t *testing.T) {
	t.Parallel()
	type got struct {
		method, contentType, agent, custom string
		standard, token                    error
		claims                             *webhooks.Claims
		body                               string
	}
	received := make(chan got, 1)
	server := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g := got{method: r.Method, contentType: r.Header.Get("Content-Type"), agent: r.UserAgent(), custom: r.Header.Get("X-Api-Key"), body: string(body)}
		g.claims, g.token = webhooks.Verify(r.Header, body, secretA)
		g.standard = webhooks.VerifyStandard(r.Header, body, secretA)
		received <- g
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "thanks")
	})
	r := request(server.URL + "/hook?tenant=1")
	r.Header = http.Header{"X-Api-Key": {"hush"}}
	a := newSender(t, webhooks.Config{AllowPrivate: true}).Send(t.Context(), r)
	g := <-received
	if g.token != nil || g.standard != nil || g.claims.Webhook.ID != "evt_1" {
		t.Errorf("the receiver says %v, %v, %+v", g.token, g.standard, g.claims)
	}
	if g.method != "POST" || g.contentType != "application/json" || g.agent != "headroom-webhooks/1" || g.custom != "hush" || g.body != string(r.Message.Body) {
		t.Errorf("received %+v", g)
	}
	if !a.OK() || a.Status != 202 || string(a.Excerpt) != "thanks" || a.Truncated || a.Err != nil || a.Duration <= 0 || a.StartedAt.IsZero() {
		t.Errorf("attempt %+v", a)
	}
	if a.Header.Get("X-Api-Key") != "[hidden]" || a.Header.Get("Webhook-Id") != "evt_1" || a.Header.Get("X-Authenticity-Token") == "" {
		t.Errorf("shown headers %v", a.Header)
	}
}

func TestSendClassifiesAnswers(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]webhooks.Class{
		200: "ok", 201: "ok", 204: "ok", 299: "ok", 304: "http_3xx", 400: "http_4xx", 401: "http_4xx", 404: "http_4xx", 410: "gone",
		429: "http_4xx", 500: "http_5xx", 502: "http_5xx", 503: "http_5xx", 599: "http_5xx",
	} {
		server := receiver(t, answer(status, ""))
		a := newSender(t, webhooks.Config{AllowPrivate: true}).Send(t.Context(), request(server.URL))
		if a.Status != status || a.Class != class || a.OK() != (class == "ok") || a.Err != nil {
			t.Errorf("%d: %+v", status, a)
		}
	}
}

func TestSendDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := receiver(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{other.URL, "http://[bad", ""} {
			server := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(status)
			})
			a := newSender(t, webhooks.Config{AllowPrivate: true}).Send(t.Context(), request(server.URL))
			if a.Class != webhooks.Class3xx || a.Status != status {
				t.Errorf("%d to %q: %+v", status, location, a)
			}
		}
	}
	if elsewhere.Load() != 0 {
		t.Errorf("%d redirects followed", elsewhere.Load())
	}
}

func TestSendReadsRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status int
		value  string
		want   time.Duration
	}{
		{429, "120", 2 * time.Minute},
		{503, " 7 ", 7 * time.Second},
		{503, "Mon, 23 Nov 2026 12:10:00 GMT", 10 * time.Minute},
		{503, "Mon, 23 Nov 2026 11:00:00 GMT", 0},
		{503, "Mon, 23 Nov 2093 11:00:00 GMT", 24 * time.Hour},
		{429, "999999999999", 24 * time.Hour},
		{429, "9999999999999999999999", 0},
		{429, "-5", 0},
		{429, "soon", 0},
		{429, "", 0},
		{500, "120", 0},
		{200, "120", 0},
	} {
		server := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.value)
			w.WriteHeader(c.status)
		})
		sender := newSender(t, webhooks.Config{AllowPrivate: true, Now: func() time.Time { return now }})
		if a := sender.Send(t.Context(), request(server.URL)); a.RetryAfter != c.want {
			t.Errorf("%d, %q: %s, want %s", c.status, c.value, a.RetryAfter, c.want)
		}
	}
}

func TestSendUsesAConnectionAgainWhenTheAnswerWasReadToItsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body  string
		conns int64
	}{
		"short answer": {"thanks", 1},
		"full excerpt": {strings.Repeat("x", 16<<10), 1},
		"long answer":  {strings.Repeat("x", 1<<20), 5},
	} {
		var conns atomic.Int64
		server := httptest.NewUnstartedServer(answer(200, c.body))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				conns.Add(1)
			}
		}
		server.Start()
		t.Cleanup(server.Close)
		sender := newSender(t, webhooks.Config{AllowPrivate: true})
		for range 5 {
			a := sender.Send(t.Context(), request(server.URL))
			if !a.OK() || len(a.Excerpt) != min(len(c.body), 16<<10) || a.Truncated != (len(c.body) > 16<<10) {
				t.Errorf("%s: %s, %d bytes, truncated %t, %v", name, a.Class, len(a.Excerpt), a.Truncated, a.Err)
			}
		}
		if conns.Load() != c.conns {
			t.Errorf("%s: %d connections, want %d", name, conns.Load(), c.conns)
		}
	}
}

func TestSendOverTLSAndHTTP2(t *testing.T) {
	t.Parallel()
	var proto atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto.Store(r.Proto) }))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	a := newSender(t, webhooks.Config{AllowPrivate: true, RootCAs: roots}).Send(t.Context(), request(server.URL))
	if !a.OK() || proto.Load() != "HTTP/2.0" {
		t.Errorf("%+v over %v", a, proto.Load())
	}
	a = newSender(t, webhooks.Config{AllowPrivate: true}).Send(t.Context(), request(server.URL))
	if a.Class != webhooks.ClassTLS || a.Status != 0 || a.Err == nil {
		t.Errorf("unknown authority: %+v", a)
	}
	plain := receiver(t, answer(200, ""))
	a = newSender(t, webhooks.Config{AllowPrivate: true}).Send(t.Context(), request(strings.Replace(plain.URL, "http:", "https:", 1)))
	if a.Class != webhooks.ClassTLS && a.Class != webhooks.ClassProtocol {
		t.Errorf("TLS to a plain server: %+v", a)
	}
}

func TestSendSaysWhatIsOursToMend(t *testing.T) {
	t.Parallel()
	server := receiver(t, answer(200, ""))
	sender := newSender(t, webhooks.Config{AllowPrivate: true})
	noSecret := request(server.URL)
	noSecret.Secrets = nil
	if a := sender.Send(t.Context(), noSecret); a.Class != webhooks.ClassInvalid || a.Err == nil || a.Header != nil {
		t.Errorf("no secret: %+v", a)
	}
	crlf := request(server.URL)
	crlf.Header = http.Header{"X-A": {"a\r\nHost: b"}}
	if a := sender.Send(t.Context(), crlf); a.Class != webhooks.ClassRefused || a.Status != 0 {
		t.Errorf("header with a line break: %+v", a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := sender.Send(ctx, request(server.URL)); a.Class != webhooks.ClassCanceled || !errors.Is(a.Err, context.Canceled) {
		t.Errorf("canceled: %+v", a)
	}
}

func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(answer(204, ""))
	defer server.Close()
	sender := webhooks.NewSender(webhooks.Config{AllowPrivate: true})
	defer sender.CloseIdle()
	r := request(server.URL)
	r.Message.Body = []byte(strings.Repeat("x", 4<<10))
	for b.Loop() {
		if a := sender.Send(b.Context(), r); !a.OK() {
			b.Fatal(a.Err)
		}
	}
}
