package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The codes this package answers with by itself; the executor's pass through. See status.
const (
	badUserInput     = "BAD_USER_INPUT"
	unauthenticated  = "UNAUTHENTICATED"
	forbidden        = "FORBIDDEN"
	notFound         = "NOT_FOUND"
	methodNotAllowed = "METHOD_NOT_ALLOWED"
	payloadTooLarge  = "PAYLOAD_TOO_LARGE"
	unsupportedMedia = "UNSUPPORTED_MEDIA_TYPE"
	validationFailed = "VALIDATION_FAILED"
	versionMismatch  = "VERSION_MISMATCH"
	internal         = "INTERNAL"
)

// status is the one table from the contract's codes to HTTP. Codes it does not know are faults of ours.
func status(code string) (int, string) {
	switch code {
	case badUserInput:
		return http.StatusBadRequest, "The request is not understood"
	case "QUERY_TOO_COMPLEX":
		return http.StatusBadRequest, "The request asks for too much at once"
	case unauthenticated:
		return http.StatusUnauthorized, "Credentials are missing or not valid"
	case forbidden:
		return http.StatusForbidden, "The credentials do not allow this"
	case notFound:
		return http.StatusNotFound, "Not found"
	case methodNotAllowed:
		return http.StatusMethodNotAllowed, "The method is not allowed here"
	case "CONFLICT":
		return http.StatusConflict, "It exists already"
	case "FAILED_PRECONDITION":
		return http.StatusConflict, "Not allowed in this state"
	case versionMismatch:
		return http.StatusPreconditionFailed, "It was changed meanwhile"
	case payloadTooLarge:
		return http.StatusRequestEntityTooLarge, "The body is too large"
	case unsupportedMedia:
		return http.StatusUnsupportedMediaType, "The type of the body is not supported"
	case validationFailed:
		return http.StatusUnprocessableEntity, "A value is not valid"
	case "IDEMPOTENCY_KEY_REUSED":
		return http.StatusUnprocessableEntity, "The idempotency key belongs to another request"
	case "RATE_LIMITED":
		return http.StatusTooManyRequests, "Too many requests"
	case "UNAVAILABLE":
		return http.StatusServiceUnavailable, "Not available at the moment"
	case "STORAGE_FULL":
		return http.StatusInsufficientStorage, "The storage is full"
	}
	return http.StatusInternalServerError, "Something went wrong here"
}

// refusal is why a request is not done. It becomes the problem that is answered.
type refusal struct {
	code   string
	detail string
	faults []fault
	header map[string]string
	err    error // for the log only
}

// fault is one thing wrong with a request: with the body's value at Pointer (RFC 6901), with a query
// parameter, or with the request as a whole.
type fault struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`

	inPath bool // it is about the path's id
}

func (r *refusal) Error() string {
	s := r.code + ": " + r.detail
	if r.err != nil {
		s += ": " + r.err.Error()
	}
	return s
}

func (r *refusal) Unwrap() error { return r.err }

// at says which part of the body is at fault; the refusal's detail is the fault's.
func (r *refusal) at(pointer, code string) *refusal {
	r.faults = []fault{{Pointer: pointer, Code: code, Detail: r.detail}}
	r.detail = summary(r.faults)
	return r
}

// problem is the body of every answer that is not a success (RFC 9457).
type problem struct {
	Type      string  `json:"type"` // relative to the address of the API
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	Instance  string  `json:"instance"`
	Code      string  `json:"code"`
	RequestID string  `json:"request_id"`
	Errors    []fault `json:"errors"`
}

// write answers with the refusal.
func (r *refusal) write(w http.ResponseWriter, req *http.Request, requestID string) {
	code := r.code
	httpStatus, title := status(code)
	p := problem{
		Title: title, Status: httpStatus, Detail: r.detail, Instance: req.URL.EscapedPath(),
		RequestID: requestID, Errors: r.faults,
	}
	if httpStatus == http.StatusInternalServerError {
		code = internal
		p.Detail, p.Errors = "An internal error; the log tells more under the request id "+requestID+".", nil
	}
	p.Code, p.Type = code, "/docs/errors#"+code
	if p.Errors == nil {
		p.Errors = []fault{}
	}
	body, err := json.Marshal(p)
	if err != nil { // texts and numbers only
		panic(fmt.Sprintf("rest: write a problem: %v", err))
	}
	h := w.Header()
	for name, v := range r.header {
		h.Set(name, v)
	}
	switch {
	case httpStatus == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "":
		h.Set("WWW-Authenticate", `Bearer realm="headroom"`)
	case httpStatus == http.StatusServiceUnavailable && h.Get("Retry-After") == "":
		h.Set("Retry-After", "5")
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(httpStatus)
	_, _ = w.Write(body)
}

// snake writes a GraphQL name as REST does: firstName becomes first_name.
func snake(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
