package graph

import (
	"errors"
	"net/http"
	"strings"

	"headroom/internal/auth"
	"headroom/internal/headshot"
	"headroom/internal/requestid"
	"headroom/internal/tenancy"
)

// admit turns away requests whose credentials are not valid, whatever they ask for. Those without any
// are let in, as each field says what it needs; but not their uploads, which could only be refused
// when all of the photo had been read.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request) bool {
	if _, ok := tenancy.From(r.Context()); ok {
		return true
	}
	why := auth.Failure(r.Context())
	switch {
	case why == nil, errors.Is(why, auth.ErrNoCredentials):
		if !isMultipart(r) {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="headroom"`)
		h.refuse(w, r, http.StatusUnauthorized, headshot.Unauthenticated, "%s", auth.ErrNoCredentials)
	case refusedAgain(why):
		w.Header().Set("WWW-Authenticate", `Bearer realm="headroom", error="invalid_token"`)
		h.refuse(w, r, http.StatusUnauthorized, headshot.Unauthenticated, "%s", why)
	case http.NewCrossOriginProtection().Check(r) != nil: // the portal's cookie on a request from elsewhere
		h.refuse(w, r, http.StatusForbidden, headshot.Forbidden, "requests from other sites are refused")
	default:
		h.cfg.Log.ErrorContext(r.Context(), "credentials could not be checked", "request_id", requestid.From(r.Context()), "error", why)
		h.refuse(w, r, http.StatusInternalServerError, headshot.Internal, "internal error")
	}
	return false
}

// bearer is the Authorization header by which the actor of r was found; empty when it was by a cookie.
func bearer(r *http.Request) string {
	authorization := r.Header.Get("Authorization")
	if scheme, _, _ := strings.Cut(authorization, " "); strings.EqualFold(scheme, "Bearer") {
		return authorization
	}
	return ""
}
