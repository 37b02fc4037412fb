package webhooks

import (
	"net/http"
	"net/textproto"
	"strings"
)

const (
	maxCustomHeaders     = 20
	maxCustomHeaderBytes = 8 << 10
)

// CheckHeader refuses, with a [*TargetError], custom headers that an endpoint may not
// have: malformed names or values (line breaks above all), more than 20 of them or 8 KiB,
// and names that belong to HTTP or to the delivery itself. Values are visible ASCII.
func CheckHeader(header http.Header) error {
	count, size := 0, 0
	for name, values := range header {
		if !validHeaderName(name) {
			return refuse("The header name %q is not valid.", name)
		}
		if reservedHeader(name) {
			return refuse("The header %s is set by the delivery itself.", textproto.CanonicalMIMEHeaderKey(name))
		}
		for _, value := range values {
			if !validHeaderValue(value) {
				return refuse("The value of header %s may hold visible ASCII characters only.", textproto.CanonicalMIMEHeaderKey(name))
			}
			count++
			size += len(name) + len(value)
		}
	}
	if count > maxCustomHeaders || size > maxCustomHeaderBytes {
		return refuse("There may be up to %d custom headers of %d KiB together.", maxCustomHeaders, maxCustomHeaderBytes>>10)
	}
	return nil
}

func reservedHeader(name string) bool {
	name = strings.ToLower(name)
	for _, prefix := range []string{"webhook-", "x-authenticity-", "proxy-", "sec-", ":"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
		"host", "content-length", "content-type", "content-encoding", "expect", "accept-encoding", "user-agent", "date":
		return true
	case "idempotency-key", "x-idempotency-key":
		return true // net/http repeats a request that has one by itself, behind our attempts' back
	default:
		return false
	}
}

func validHeaderName(name string) bool {
	if name == "" || len(name) > 128 {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		letterOrDigit := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letterOrDigit && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}

func validHeaderValue(value string) bool {
	return strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
