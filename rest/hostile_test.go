package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAnUnknownDeliveryInThePathIsNotFound(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := "dlv_" + strings.Repeat("0", 26)
	h.get("/deliveries/"+id).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
	h.post("/deliveries/"+id+"/replay", ``).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
}

func TestProblemsNameFieldsAsBodiesDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	contact := `{"first_name":"A","email":"%s","external_id":"e1"}`
	h.post("/contacts", fmt.Sprintf(contact, "a@example.com")).want(http.StatusCreated)
	for name, a := range map[string]answer{
		"a taken id": h.post("/contacts", fmt.Sprintf(contact, "b@example.com")),
		"nobody":     h.post("/studio_sessions", `{"studio_id":"`+h.account.Studio.ID+`"}`),
		"no target":  h.form("/submissions", "photo", portrait(t)),
	} {
		if strings.ContainsAny(a.str("detail")+a.str("errors.0.detail"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	// What the caller wrote is not the name of a field.
	if a := h.post("/contacts", `{"first_name":"A","email":"c@example.com","list_ids":["lstX"]}`); !strings.Contains(a.str("detail"), "lstX") {
		t.Errorf("an id was written anew: %s", a.raw)
	}
	if a := h.form("/submissions", "nope", "1"); a.str("detail") != "/nope: there is no such field" || a.str("errors.0.detail") != "there is no such field" {
		t.Errorf("a form's fault: %s", a.raw)
	}
	if a := h.post("/contacts", `{"first_name":"A\u0000"}`); a.str("detail") != "/first_name: holds the character NUL" || a.str("errors.0.detail") != "holds the character NUL" {
		t.Errorf("a body's fault: %s", a.raw)
	}
}

func TestTimesThatNoDatabaseTakes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, at := range []string{"0000-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "2026-01-01", "2026-13-01T00:00:00Z"} {
		h.get("/contacts?created_after="+at).wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "created_after")
	}
}

func TestConditionsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var query strings.Builder
	for i := range 21 {
		fmt.Fprintf(&query, "&custom_attributes[k%d]=1", i)
	}
	h.get("/contacts?limit=1"+query.String()).wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "custom_attributes")
}

func TestACaptureLinkGetsWhatTheContractShowsAndNoNote(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ses := h.post("/studio_sessions", fmt.Sprintf(`{"studio_id":%q,"contact_id":%q}`, h.account.Studio.ID, h.contact(1)))
	_, token, _ := strings.Cut(ses.str("url"), "/s/")
	link := &house{t: t, url: h.url, key: token}
	sub := link.form("/submissions", "photo", portrait(t), "consent", "true").want(http.StatusCreated)
	if sub.at("revision.number") != 1.0 || sub.str("revision.processing_state") != "QUEUED" {
		t.Errorf("handing in answers %s", sub.raw)
	}
	h.work()
	path := "/submissions/" + sub.str("id")
	h.post(path+"/reject", `{"reasons":["tie"],"note":"wears that tie again"}`).want(http.StatusOK)
	if got := link.get(path).want(http.StatusOK); strings.Contains(got.raw, "again") || got.str("review_reasons.0") != "tie" || got.at("review_note") != nil {
		t.Errorf("the link sees %s", got.raw)
	}
	if got := h.get(path); got.str("review_note") != "wears that tie again" {
		t.Errorf("a colleague sees %s", got.raw)
	}
}

func TestListsCanBeDeleted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.post("/lists", `{"name":"Berlin"}`).want(http.StatusCreated).str("id")
	if got := h.send(http.MethodDelete, "/lists/"+id, nil).want(http.StatusNoContent); got.raw != "" {
		t.Errorf("deleted with %q", got.raw)
	}
	h.send(http.MethodDelete, "/lists/"+id, nil).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
	h.get("/lists/"+id).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
}
