package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"headroom/internal/tenancy"
)

// fault is the first error of a GraphQL answer, or one that a page makes in the same form.
type fault struct {
	code    string // extensions.code
	field   string // the input at fault: the last part of its path, or empty
	message string // for people
}

func (f *fault) Error() string { return f.code + ": " + f.message }

func faultOf(e *gqlerror.Error) *fault {
	f := &fault{code: fmt.Sprint(e.Extensions["code"]), message: e.Message}
	if path, ok := e.Extensions["field"].([]string); ok && len(path) > 0 {
		f.field = path[len(path)-1]
	}
	return f
}

// status is the HTTP status of an error code; the contract's table, as far as pages can meet it.
func status(code string) int {
	switch code {
	case "BAD_USER_INPUT", "QUERY_TOO_COMPLEX":
		return http.StatusBadRequest
	case "UNAUTHENTICATED":
		return http.StatusUnauthorized
	case "FORBIDDEN":
		return http.StatusForbidden
	case "NOT_FOUND":
		return http.StatusNotFound
	case "CONFLICT", "FAILED_PRECONDITION":
		return http.StatusConflict
	case "VERSION_MISMATCH":
		return http.StatusPreconditionFailed
	case "VALIDATION_FAILED":
		return http.StatusUnprocessableEntity
	case "RATE_LIMITED":
		return http.StatusTooManyRequests
	case "UNAVAILABLE":
		return http.StatusServiceUnavailable
	case "STORAGE_FULL":
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// missing is the answer to an id that nothing is found by.
func missing() error { return &fault{code: "NOT_FOUND", message: "There is nothing at this address."} }

// ofForm says whether err is the form's fault, so that the form is shown again with words and status.
func ofForm(err error) (words string, code int, ok bool) {
	f, ok := errors.AsType[*fault](err)
	if !ok {
		return "", 0, false
	}
	switch f.code {
	case "VERSION_MISMATCH":
		return "Somebody else has changed this meanwhile. Look at it again, then decide.", http.StatusPreconditionFailed, true
	case "BAD_USER_INPUT", "CONFLICT", "FAILED_PRECONDITION", "VALIDATION_FAILED":
		return f.sentence(), status(f.code), true
	}
	return "", 0, false
}

// sentence is the message for people, beginning with the input at fault.
func (f *fault) sentence() string {
	msg := f.message
	if f.field != "" && !strings.HasPrefix(msg, f.field) {
		msg = fieldLabel(f.field) + ": " + msg
	}
	if msg == "" {
		return "That did not work."
	}
	msg = strings.ToUpper(msg[:1]) + msg[1:]
	if !strings.HasSuffix(msg, ".") && !strings.HasSuffix(msg, "?") {
		msg += "."
	}
	return msg
}

// fieldLabel turns the name of an input, such as "firstName", into the words of its label.
func fieldLabel(name string) string {
	if label, ok := map[string]string{
		"email": "E-mail address", "url": "Address", "externalId": "Your own id", "expiresIn": "How long it works",
	}[name]; ok {
		return label
	}
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte(' ')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// problem is what an error page says.
type problem struct {
	Status    int
	Text      string
	RequestID string
	Back      string // where the way on leads
	BackText  string
}

func (wb *Web) notFound(http.ResponseWriter, *http.Request) error { return missing() }

// fail answers an error with its page. What is not the caller's fault is logged, not shown.
func (wb *Web) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problem{Status: http.StatusInternalServerError, Text: "Something broke on our side. It was noted. Please try again.", Back: "/", BackText: "To the start"}
	title := "Something went wrong"
	f, ok := errors.AsType[*fault](err)
	if ok {
		p.Status = status(f.code)
	}
	if p.Status < http.StatusInternalServerError {
		p.Text = f.sentence()
	}
	switch p.Status {
	case http.StatusUnauthorized:
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case http.StatusNotFound:
		title, p.Text = "Page not found", "There is nothing at this address. Perhaps the link is incomplete."
	case http.StatusForbidden:
		title = "Not allowed"
	case http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		p.Text = f.sentence()
		fallthrough
	case http.StatusInternalServerError:
		p.RequestID = w.Header().Get("X-Request-Id")
		wb.Log.ErrorContext(r.Context(), "page failed", "method", r.Method, "pattern", r.Pattern, "request_id", p.RequestID, "error", err)
	}
	v := view{Title: title, Page: &p}
	if actor, err := wb.actor(r); err == nil {
		p.Back, p.BackText = "/submissions", "To the submissions"
		if v.User, err = wb.user(tenancy.With(r.Context(), actor)); err != nil {
			v.User = nil
		}
	}
	if err := wb.write(w, r, p.Status, "error", v); err != nil {
		wb.Log.ErrorContext(r.Context(), "error page failed", "error", err)
		http.Error(w, http.StatusText(p.Status), p.Status)
	}
}
