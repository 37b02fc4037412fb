package headshot

import (
	"errors"
	"fmt"
)

// Kind decides what an error becomes at each edge: a GraphQL code, an HTTP status.
type Kind string

// The kinds of error; the contract's table of codes in Go.
const (
	BadUserInput         Kind = "BAD_USER_INPUT"
	Unauthenticated      Kind = "UNAUTHENTICATED"
	Forbidden            Kind = "FORBIDDEN"
	NotFound             Kind = "NOT_FOUND"
	Conflict             Kind = "CONFLICT"
	FailedPrecondition   Kind = "FAILED_PRECONDITION"
	VersionMismatch      Kind = "VERSION_MISMATCH"
	PayloadTooLarge      Kind = "PAYLOAD_TOO_LARGE"
	UnsupportedMediaType Kind = "UNSUPPORTED_MEDIA_TYPE"
	ValidationFailed     Kind = "VALIDATION_FAILED"
	RateLimited          Kind = "RATE_LIMITED"
	Unavailable          Kind = "UNAVAILABLE"
	StorageFull          Kind = "STORAGE_FULL"
	Internal             Kind = "INTERNAL"
)

// Error is what callers of this package get. Kind decides; Msg is for people; Field is the GraphQL
// path of the input at fault, such as "email" or "contact.firstName", or empty.
type Error struct {
	Kind  Kind
	Field string
	Code  string // finer than Kind where the contract names one: "invalid_cursor", "duplicate", "insufficient_scope"
	Msg   string
	Err   error
	More  []*Error // further faults of the same request, each with its field
}

func (e *Error) Error() string {
	s := string(e.Kind) + ": " + e.Msg
	if e.Field != "" {
		s = string(e.Kind) + ": " + e.Field + ": " + e.Msg
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fail makes an error of kind with a message for people.
func Fail(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// Invalid makes a ValidationFailed error for field.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Kind: ValidationFailed, Field: field, Code: "invalid", Msg: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of err, or Internal when it has none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}
