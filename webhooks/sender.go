package webhooks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Config is how a [Sender] behaves. The zero value is fit for production.
type Config struct {
	// AllowPrivate lifts the rules about address, scheme and port, for development.
	AllowPrivate bool
	// Timeout ends a whole attempt, from the look-up of the name to the last byte that is
	// read of the answer. Default 15 s.
	Timeout time.Duration
	// AnswerTimeout is how much of Timeout may go into reading the body of an answer whose
	// status is known, so that a dripping receiver does not hold a worker. Default 2 s.
	AnswerTimeout time.Duration
	// MaxAnswer is how many bytes of the answer's body, decompressed, are read and kept.
	// Default 16 KiB.
	MaxAnswer int64
	// MaxHeader is how many bytes the answer's headers may have. Default 64 KiB.
	MaxHeader int64
	// MaxIdlePerHost is how many unused connections are kept open to one host. Default 16.
	MaxIdlePerHost int
	// UserAgent names us to receivers. Default "headroom-webhooks/1".
	UserAgent string
	// Resolver looks names up. Default: the system's.
	Resolver *net.Resolver
	// RootCAs are the certificate authorities receivers are checked against. Default: the
	// system's.
	RootCAs *x509.CertPool
	// Logger gets one line per attempt at debug level: no secrets, headers or bodies.
	// Default: none.
	Logger *slog.Logger
	// Now is the clock. Default: the system's.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, 15*time.Second)
	c.AnswerTimeout = cmp.Or(c.AnswerTimeout, 2*time.Second)
	c.MaxAnswer = cmp.Or(c.MaxAnswer, 16<<10)
	c.MaxHeader = cmp.Or(c.MaxHeader, 64<<10)
	c.MaxIdlePerHost = cmp.Or(c.MaxIdlePerHost, 16)
	c.UserAgent = cmp.Or(c.UserAgent, "headroom-webhooks/1")
	c.Resolver = cmp.Or(c.Resolver, net.DefaultResolver)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = wall
	}
	return c
}

// Sender makes delivery attempts. It may be used from many goroutines at once.
type Sender struct {
	config    Config
	transport *http.Transport
}

// NewSender prepares a sender; it opens nothing until the first attempt. Close it with
// [Sender.CloseIdle].
func NewSender(config Config) *Sender {
	config = config.withDefaults()
	dialer := &net.Dialer{
		Timeout:  config.Timeout,
		Resolver: config.Resolver,
		Control:  dialGuard(config.AllowPrivate),
	}
	return &Sender{config: config, transport: &http.Transport{
		// No Proxy: a proxy from the environment would dial for us, behind the guard.
		DialContext:       dialer.DialContext,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs},
		ForceAttemptHTTP2: true,
		// A shared HTTP/2 connection that died silently would fail attempt after attempt.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: config.Timeout, PingTimeout: 5 * time.Second},
		MaxResponseHeaderBytes: config.MaxHeader,
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    config.MaxIdlePerHost,
		// Node's default is to close an idle connection after 5 s. Being first avoids the
		// race in which we post into a connection that is just being closed.
		IdleConnTimeout: 4 * time.Second,
	}}
}

// CloseIdle closes connections that are not in use.
func (s *Sender) CloseIdle() { s.transport.CloseIdleConnections() }

// CheckTarget is [CheckURL] with this sender's rules, and refuses a host that resolves to
// an address that is not public as well. A name that does not resolve now passes: the
// attempt will say so. Look-ups take at most two seconds.
func (s *Sender) CheckTarget(ctx context.Context, raw string) (*url.URL, error) {
	u, err := CheckURL(raw, s.config.AllowPrivate)
	if err != nil || s.config.AllowPrivate {
		return u, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	addrs, err := s.config.Resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return u, nil // not resolvable at this moment is not refused
	}
	for _, addr := range addrs {
		if err := checkAddress(addr.Unmap(), false); err != nil {
			return nil, refuse("The host %s leads to %s, which is not a public address.", u.Hostname(), netip.Addr.Unmap(addr))
		}
	}
	return u, nil
}

// Request is one attempt to be made.
type Request struct {
	URL     string
	Header  http.Header // the endpoint's own, see [CheckHeader]
	Message Message
	Secrets []Secret // in the order they were made, see [Sign]
}

// Send makes one attempt and says how it went; it does not fail otherwise. It ends within
// [Config.Timeout], or when ctx does (ClassCanceled: not the receiver's fault, so it
// should not count). Redirects are not followed.
//
// The receiver has answered once its status and headers are in: if the body after them
// breaks off, the attempt is still what the status says.
func (s *Sender) Send(ctx context.Context, r Request) Attempt {
	started := s.config.Now()
	begin := wall() // monotonic, whatever the injected clock does
	attempt := s.attempt(ctx, r, started)
	attempt.StartedAt = started
	attempt.Duration = time.Since(begin)
	s.config.Logger.LogAttrs(ctx, slog.LevelDebug, "webhook attempt",
		slog.String("event_id", r.Message.ID), slog.String("endpoint_id", r.Message.Endpoint),
		slog.Int("attempt", r.Message.Attempt), slog.String("class", string(attempt.Class)),
		slog.Int("status", attempt.Status), slog.Duration("duration", attempt.Duration))
	return attempt
}

func (s *Sender) attempt(ctx context.Context, r Request, now time.Time) Attempt {
	timed, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	request, sent, err := s.newRequest(timed, r, now)
	if err != nil {
		return Attempt{Class: classOf(ctx, err, ClassInvalid), Err: err}
	}
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return Attempt{Class: classOf(ctx, err, ClassProtocol), Header: sent, Err: err}
	}
	var excerpt []byte
	complete := false
	if response.StatusCode == http.StatusSwitchingProtocols {
		// This body is the naked connection, which no context ends: reading it could hang.
		_ = response.Body.Close()
	} else {
		stop := time.AfterFunc(s.config.AnswerTimeout, cancel) // ends a body that drips
		defer stop.Stop()
		excerpt, complete = readAnswer(response.Body, s.config.MaxAnswer)
	}
	return Attempt{
		Status:     response.StatusCode,
		Class:      classOfStatus(response.StatusCode),
		Header:     sent,
		Excerpt:    excerpt,
		Truncated:  !complete,
		RetryAfter: retryAfterOf(response.StatusCode, response.Header, s.config.Now()),
	}
}

// newRequest also gives the headers as they may be shown: the endpoint's own, which often
// are credentials, have their values hidden.
func (s *Sender) newRequest(ctx context.Context, r Request, now time.Time) (*http.Request, http.Header, error) {
	target, err := CheckURL(r.URL, s.config.AllowPrivate)
	if err != nil {
		return nil, nil, err
	}
	if err := CheckHeader(r.Header); err != nil {
		return nil, nil, err
	}
	signed, err := Sign(r.Message, now, r.Secrets...)
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(r.Message.Body))
	if err != nil {
		return nil, nil, err
	}
	shown := make(http.Header, len(signed)+len(r.Header)+2)
	for name, values := range r.Header {
		for _, value := range values {
			request.Header.Add(name, value)
			shown.Add(name, "[hidden]")
		}
	}
	maps.Copy(request.Header, signed)
	maps.Copy(shown, signed)
	for _, header := range []http.Header{request.Header, shown} {
		header.Set("Content-Type", "application/json")
		header.Set("User-Agent", s.config.UserAgent)
	}
	return request, shown, nil
}

// readAnswer keeps up to limit bytes. complete says that this was all of it, cleanly
// ended; only then can the connection be used again.
func readAnswer(body io.ReadCloser, limit int64) (excerpt []byte, complete bool) {
	defer func() { _ = body.Close() }()
	var kept bytes.Buffer
	_, err := io.CopyN(&kept, body, limit)
	if err == nil { // limit reached; is there more?
		_, err = body.Read(make([]byte, 1))
	}
	return slices.Clip(kept.Bytes()), err == io.EOF //nolint:errorlint // io.EOF is returned bare by contract
}
