package webhooks

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Class says in one word how an attempt ended. The words are stored and shown.
type Class string

// What an attempt can end as.
const (
	ClassOK       Class = "ok"              // 2xx
	ClassGone     Class = "gone"            // 410: the receiver wants no more of this
	Class1xx      Class = "http_1xx"        // 101, which was not asked for
	Class3xx      Class = "http_3xx"        // never followed
	Class4xx      Class = "http_4xx"        // but 410
	Class5xx      Class = "http_5xx"        //
	ClassTimeout  Class = "timeout"         // nothing, or too little, within [Config.Timeout]
	ClassDNS      Class = "dns"             // the name does not resolve
	ClassRefused  Class = "refused_address" // by the guard: the URL, or the address it led to
	ClassConnect  Class = "connect"         // no connection to the address
	ClassTLS      Class = "tls"             // certificate or handshake
	ClassReset    Class = "reset"           // the connection ended before an answer
	ClassTooLarge Class = "too_large"       // the answer's headers exceed [Config.MaxHeader]
	ClassProtocol Class = "protocol"        // the answer is not HTTP
	ClassInvalid  Class = "invalid"         // could not be signed: ours to mend
	ClassCanceled Class = "canceled"        // by us, before there was an answer
)

// Attempt is the record of one attempt. Class decides; the rest is for people.
type Attempt struct {
	StartedAt  time.Time
	Duration   time.Duration
	Status     int         // 0 when there was no answer
	Class      Class       //
	Header     http.Header // as sent, the endpoint's own values hidden; nil when nothing was sent
	Excerpt    []byte      // start of the answer's body, decompressed; any bytes, not only UTF-8
	Truncated  bool        // the answer went on, or broke off, after Excerpt
	RetryAfter time.Duration
	Err        error // why there was no answer; nil when Status is set
}

// OK says that the receiver took the delivery.
func (a Attempt) OK() bool { return a.Class == ClassOK }

func classOfStatus(status int) Class {
	switch {
	case status < 200:
		return Class1xx
	case status < 300:
		return ClassOK
	case status < 400:
		return Class3xx
	case status == http.StatusGone:
		return ClassGone
	case status < 500:
		return Class4xx
	default:
		return Class5xx
	}
}

// classOf finds out why a round trip failed; ctx is the caller's, without our time-out.
func classOf(ctx context.Context, err error, otherwise Class) Class {
	var dns *net.DNSError
	var netErr net.Error
	var op *net.OpError
	switch {
	case asTargetError(err) != nil:
		return ClassRefused
	case ctx.Err() != nil:
		return ClassCanceled
	case errors.As(err, &netErr) && netErr.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ClassTimeout
	case errors.As(err, &dns):
		return ClassDNS
	case isTLS(err):
		return ClassTLS
	case errors.As(err, &op) && op.Op == "dial":
		return ClassConnect
	case endedEarly(err):
		return ClassReset
	case headersTooLarge(err):
		return ClassTooLarge
	default:
		return otherwise
	}
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var op *net.OpError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) ||
		// crypto/tls reports an alert of the other side as an OpError of its own.
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

func endedEarly(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || isEOF(err)
}

// isEOF and headersTooLarge read the message where net/http exports no value. The class
// is what people see in the log of attempts, and decides nothing.
func isEOF(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "server closed idle connection")
}

func headersTooLarge(err error) bool {
	message := err.Error()
	return strings.Contains(message, "response headers exceeded") || strings.Contains(message, "header list larger than")
}
