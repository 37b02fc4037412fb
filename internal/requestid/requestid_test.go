package requestid_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"headroom/internal/requestid"
)

func TestMiddlewareTakesSaneIDsOnly(t *testing.T) {
	t.Parallel()
	seen := ""
	h := requestid.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = requestid.From(r.Context()) }))
	for sent, kept := range map[string]bool{"": false, "abc": false, "trace-0123456789": true, "bad id with spaces": false, "<script>alert(1)": false} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(requestid.Header, sent)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get(requestid.Header)
		if got != seen || got == "" || (got == sent) != kept {
			t.Errorf("sent %q: answered %q, context %q", sent, got, seen)
		}
	}
}
