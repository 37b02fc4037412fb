package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"headroom/internal/database"
	"headroom/internal/database/dbtest"
)

// The seven routes of the compatible service, one after another, on both databases.
func TestCompatibleRoutes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouseOn(t, db)
		made := h.post("/contacts", `{"first_name":"Ada","last_name":"Lovelace","email":"Ada@Example.com","phone":"+44 1","external_id":"e1",
			"custom_attributes":{"team":"blue","n":1.50},"list_ids":[],"studio_ids":["`+h.account.Studio.ID+`"]}`).want(http.StatusCreated)
		id := made.str("id")
		if made.header.Get("Location") != "/api/v2/contacts/"+id || made.str("email") != "ada@example.com" || made.str("studio_ids.0") != h.account.Studio.ID {
			t.Errorf("created %v %s", made.header, made.raw)
		}
		if got := h.get("/contacts/" + id).want(http.StatusOK); !reflect.DeepEqual(got.body, made.body) { // PostgreSQL spaces its JSON
			t.Errorf("GET gives %s, POST gave %s", got.raw, made.raw)
		}
		one := h.get("/contacts/" + id).raw
		if got := h.get("/contacts").want(http.StatusOK); got.raw != `{"data":[`+one+`],"pagination":{"next_cursor":null,"previous_cursor":null,"has_more":false}}` {
			t.Errorf("the list is %s", got.raw)
		}
		put := h.json(http.MethodPut, "/contacts/"+id, `{"phone":null,"custom_attributes":{"team":null,"site":"Paris"}}`).want(http.StatusOK)
		if put.at("phone") != nil || put.str("external_id") != "e1" || put.str("custom_attributes.site") != "Paris" || put.at("custom_attributes.team") != nil ||
			put.at("custom_attributes.n") != 1.5 || put.at("version") != 2.0 {
			t.Errorf("PUT merged to %s", put.raw)
		}
		ses := h.post("/studio_sessions", fmt.Sprintf(`{"studio_id":%q,"contact_id":%q,"expires_in":3600,"metadata":{"a":1}}`, h.account.Studio.ID, id)).
			want(http.StatusCreated)
		if !strings.Contains(ses.str("url"), "/s/cs_") || ses.str("state") != "OPEN" || ses.str("contact_id") != id {
			t.Errorf("the session is %s", ses.raw)
		}
		sub := h.form("/submissions", "photo", portrait(t), "studio_session_id", ses.str("id")).want(http.StatusCreated)
		h.work()
		got := h.get("/submissions/" + sub.str("id")).want(http.StatusOK)
		if got.at("complete") != true || got.str("images.1.kind") != "HEADSHOT" || got.str("images.0.content_type") != "image/jpeg" ||
			got.at("quality.score") != 0.9 || got.at("revision.number") != 1.0 || got.at("failure") != nil {
			t.Errorf("the submission is %s", got.raw)
		}
		list := h.get("/submissions?complete=true&state=ACCEPTED&processing_state=COMPLETE&sort=-completed_at&contact_id=" + id).want(http.StatusOK)
		if list.str("data.0.id") != sub.str("id") || list.str("data.0.images.1.kind") != "HEADSHOT" {
			t.Errorf("the list is %s", list.raw)
		}
		if n := h.get("/submissions?complete=false").want(http.StatusOK); len(n.at("data").([]any)) != 0 { //nolint:forcetypeassert // the contract
			t.Errorf("complete=false gives %s", n.raw)
		}
		for _, odd := range []string{"x", "%00", "ctn_%00", "%ff", "..%2f", strings.Repeat("a", 5_000)} { // PostgreSQL takes no NUL
			h.get("/contacts/"+odd).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
			h.json(http.MethodPut, "/contacts/"+odd, `{}`).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
		}
		h.post("/contacts", `{"first_name":"A","email":"a@example.com","custom_attributes":{"a":1e999}}`).want(http.StatusUnprocessableEntity)
		moved := h.get("/images/" + got.str("images.1.id")).want(http.StatusFound)
		if !strings.HasPrefix(moved.header.Get("Location"), "https://headroom.example.com/blobs/") {
			t.Errorf("the image is at %s", moved.header.Get("Location"))
		}
	})
}

func TestSessionForAnInlineContact(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := `{"studio_id":"` + h.account.Studio.ID + `","contact":{"first_name":"Ada","email":"ada@example.com","external_id":"e1"}}`
	first, again := h.post("/studio_sessions", body).want(http.StatusCreated), h.post("/studio_sessions", body).want(http.StatusCreated)
	if first.str("contact_id") != again.str("contact_id") || first.str("url") == again.str("url") {
		t.Errorf("got %s, then %s", first.raw, again.raw)
	}
	if got := h.post("/studio_sessions/"+first.str("id")+"/revoke", ``).want(http.StatusOK); got.str("state") != "REVOKED" {
		t.Errorf("revoked: %s", got.raw)
	}
	h.get("/studio_sessions?state=REVOKED").want(http.StatusOK).str("data.0.id")
}

// next follows a list from page to page and gives the ids in order.
func (h *house) walk(path, cursor, parameter string) []string {
	h.t.Helper()
	var ids []string
	for page := h.get(path + cursor); ; page = h.get(path + cursor) {
		page.want(http.StatusOK)
		var row []string
		for _, r := range page.at("data").([]any) { //nolint:forcetypeassert // the contract
			row = append(row, r.(map[string]any)["last_name"].(string)) //nolint:forcetypeassert // the contract
		}
		next, more := "next_cursor", "after"
		if parameter == "before" {
			slices.Reverse(row)
			next, more = "previous_cursor", "before"
		}
		ids = append(ids, row...)
		if page.at("pagination.has_more") == false {
			return ids
		}
		cursor = "&" + more + "=" + page.str("pagination."+next)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var want []string
	for n := range 7 {
		h.contact(n)
		want = append(want, fmt.Sprintf("Lovelace %02d", n))
	}
	if got := h.walk("/contacts?limit=2&sort=last_name", "", "after"); !slices.Equal(got, want) {
		t.Errorf("forward: %v", got)
	}
	last := h.get("/contacts?limit=1&sort=-last_name").str("data.0.last_name")
	if last != want[6] {
		t.Errorf("sorted backwards the first is %s", last)
	}
	page := h.get("/contacts?limit=5&sort=last_name")
	end := h.get("/contacts?limit=5&sort=last_name&after=" + page.str("pagination.next_cursor")).want(http.StatusOK)
	if end.at("pagination.next_cursor") != nil || end.at("pagination.has_more") != false {
		t.Errorf("the end is %s", end.raw)
	}
	before := h.get("/contacts?limit=2&sort=last_name&before=" + end.str("pagination.previous_cursor")).want(http.StatusOK)
	if before.str("data.0.last_name") != want[3] || before.str("data.1.last_name") != want[4] || before.at("data.2") != nil {
		t.Errorf("the page before is %s", before.raw)
	}
	back := h.walk("/contacts?limit=2&sort=last_name", "&before="+end.str("pagination.previous_cursor"), "before")
	slices.Reverse(back)
	if !slices.Equal(back, want[:5]) {
		t.Errorf("backwards: %v", back)
	}
	if got := h.walk("/contacts?custom_attributes%5Bteam%5D=t1&sort=last_name&limit=1", "", "after"); !slices.Equal(got, []string{want[1], want[3], want[5]}) {
		t.Errorf("by attribute: %v", got)
	}
	if got := h.walk("/contacts?custom_attributes[team]=t1&email=ADA3@example.com&q=love&created_after=2020-01-01T00:00:00Z", "", "after"); !slices.Equal(got, want[3:4]) {
		t.Errorf("by several: %v", got)
	}
	cursor := page.str("pagination.next_cursor")
	for _, bad := range []string{
		"/contacts?sort=last_name&after=x", "/contacts?sort=last_name&after=" + cursor + "x", "/contacts?after=" + cursor,
		"/contacts?sort=last_name&q=love&after=" + cursor,
	} {
		if got := h.get(bad).wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "after"); got.str("errors.0.code") != "invalid_cursor" {
			t.Errorf("%s: %s", bad, got.raw)
		}
	}
	h.neighbour().get("/contacts?sort=last_name&after="+cursor).wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "after")
}

func TestListsTakeWhatTheContractNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, good := range []string{
		"/contacts?limit=100&studio_id=x&list_id=y&email=a&external_id=b&q=abc&custom_attributes[a]=b&created_after=2026-01-01T00:00:00Z&created_before=2026-01-01T00:00:00.5%2B01:00&updated_after=2026-01-01T00:00:00Z&sort=-updated_at",
		"/submissions?limit=1&studio_id=x&contact_id=y&state=PENDING&processing_state=QUEUED&complete=true&created_after=2026-01-01T00:00:00Z&created_before=2026-01-01T00:00:00Z&updated_after=2026-01-01T00:00:00Z&completed_after=2026-01-01T00:00:00Z&sort=completed_at",
		"/contacts?sort=created_at", "/contacts?sort=-created_at", "/contacts?sort=last_name", "/contacts?sort=-last_name", "/contacts?sort=updated_at",
		"/submissions?sort=created_at", "/submissions?sort=-updated_at", "/lists", "/studios?sort=created_at", "/studio_sessions?state=OPEN",
		"/webhook_endpoints", "/deliveries?state=FAILED",
	} {
		h.get(good).want(http.StatusOK)
	}
	for bad, parameter := range map[string]string{
		"/contacts?nope=1":                                        "nope",
		"/contacts?Limit=1":                                       "Limit",
		"/contacts?limit=0":                                       "limit",
		"/contacts?limit=101":                                     "limit",
		"/contacts?limit=-1":                                      "limit",
		"/contacts?limit=ten":                                     "limit",
		"/contacts?limit=":                                        "limit",
		"/contacts?limit=1.5":                                     "limit",
		"/contacts?limit=99999999999999999999":                    "limit",
		"/contacts?limit=1&limit=2":                               "limit",
		"/contacts?sort=email":                                    "sort",
		"/contacts?sort=CREATED_AT_DESC":                          "sort",
		"/contacts?created_after=yesterday":                       "created_after",
		"/contacts?created_after=2026-01-01":                      "created_after",
		"/contacts?created_after=2026-13-01T00:00:00Z":            "created_after",
		"/contacts?created_after=":                                "created_after",
		"/contacts?after=":                                        "after",
		"/contacts?after=a&before=b":                              "before",
		"/contacts?email=":                                        "email",
		"/contacts?email=a%00b":                                   "email",
		"/contacts?email=a%ffb":                                   "email",
		"/contacts?q=ab":                                          "q",
		"/contacts?custom_attributes=x":                           "custom_attributes",
		"/contacts?custom_attributes[]=x":                         "custom_attributes[]",
		"/contacts?custom_attributes[a=x":                         "custom_attributes[a",
		"/contacts?custom_attributes[a]=x&custom_attributes[a]=y": "custom_attributes[a]",
		"/contacts?email[a]=x":                                    "email[a]",
		"/contacts?filter=x":                                      "filter",
		"/submissions?state=pending":                              "state",
		"/submissions?state=NOPE":                                 "state",
		"/submissions?complete=1":                                 "complete",
		"/submissions?sort=last_name":                             "sort",
		"/studios?state=OPEN":                                     "state",
		"/studios/" + h.account.Studio.ID + "?limit=1":            "limit",
	} {
		h.get(bad).wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", parameter)
	}
	for _, bad := range []string{"/contacts?a=%zz", "/contacts?a=b;c=d", "/contacts?%ff=1"} {
		h.get(bad).want(http.StatusBadRequest)
	}
	h.post("/contacts?dry_run=1", `{}`).wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "dry_run")
}

func TestEverythingElseOfTheTable(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	list := h.post("/lists", `{"name":"Berlin"}`).want(http.StatusCreated)
	h.json(http.MethodPatch, "/lists/"+list.str("id"), `{"description":"the office"}`).want(http.StatusOK).str("description")
	h.post("/lists", `{"name":"Berlin"}`).wantProblem(http.StatusConflict, "CONFLICT", "/name")
	studio := h.post("/studios", `{"name":"Second","auto_accept":false,"brand":{"company":"Acme","logo_url":"https://a.example/l.png"}}`).want(http.StatusCreated)
	if got := h.json(http.MethodPut, "/studios/"+studio.str("id"), `{"min_quality":0.5,"session_ttl_seconds":600}`).want(http.StatusOK); got.at("min_quality") != 0.5 ||
		got.str("brand.logo_url") == "" {
		t.Errorf("the studio is %s", got.raw)
	}

	sub := h.form("/submissions", "photo", portrait(t), "studio_id", studio.str("id"), "contact_id", h.contact(1)).want(http.StatusCreated).str("id")
	h.post("/submissions/"+sub+"/reprocess", ``).wantProblem(http.StatusConflict, "FAILED_PRECONDITION", "")
	h.work()
	if got := h.post("/submissions/"+sub+"/accept", `{"note":"good"}`).want(http.StatusOK); got.at("complete") != true || got.str("review_note") != "good" {
		t.Errorf("accepted: %s", got.raw)
	}
	if got := h.post("/submissions/"+sub+"/reject", `{"reasons":["tie"],"note":null}`).want(http.StatusOK); got.str("review_reasons.0") != "tie" {
		t.Errorf("rejected: %s", got.raw)
	}
	h.post("/submissions/"+sub+"/request_retake", ``).wantProblem(http.StatusConflict, "FAILED_PRECONDITION", "")
	if got := h.post("/submissions/"+sub+"/reprocess", `{"notify":true}`).want(http.StatusOK); got.str("processing_state") != "QUEUED" || got.at("revision.number") != 2.0 {
		t.Errorf("reprocessed: %s", got.raw)
	}

	made := h.post("/webhook_endpoints", `{"url":"https://hooks.example.com/in","topics":["SUBMISSION_COMPLETE","TEST"],"description":"crm"}`).want(http.StatusCreated)
	id := made.str("id")
	if !strings.HasPrefix(made.str("secret"), "whsec_") || made.header.Get("Cache-Control") != "no-store" {
		t.Errorf("created %v %s", made.header, made.raw)
	}
	if got := h.get("/webhook_endpoints/" + id).want(http.StatusOK); strings.Contains(got.raw, "secret") || made.raw != got.raw[:len(got.raw)-1]+`,"secret":"`+made.str("secret")+`"}` {
		t.Errorf("read %s", got.raw)
	}
	if got := h.post("/webhook_endpoints/"+id+"/rotate_secret", `{"revoke":true}`).want(http.StatusOK); got.str("secret") == made.str("secret") {
		t.Error("the secret stayed")
	}
	h.post("/webhook_endpoints/"+id+"/test", `{"payload":{"a":1}}`).want(http.StatusOK)
	if got := h.post("/webhook_endpoints/"+id+"/pause", ``).want(http.StatusOK); got.str("state") != "PAUSED" {
		t.Errorf("paused: %s", got.raw)
	}
	if got := h.post("/webhook_endpoints/"+id+"/resume", `{}`).want(http.StatusOK); got.str("state") != "ENABLED" {
		t.Errorf("resumed: %s", got.raw)
	}
	h.json(http.MethodPatch, "/webhook_endpoints/"+id, `{"description":null}`).want(http.StatusOK)
	h.get("/webhook_endpoints").want(http.StatusOK).str("data.0.id")
	if got := h.send(http.MethodDelete, "/webhook_endpoints/"+id, nil).want(http.StatusNoContent); got.raw != "" {
		t.Errorf("deleted with %q", got.raw)
	}
	h.send(http.MethodDelete, "/webhook_endpoints/"+id, nil).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
	h.get("/deliveries").want(http.StatusOK)
}

func TestForms(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	contact, studio := h.contact(1), h.account.Studio.ID
	h.form("/submissions", "studio_id", studio, "contact_id", contact).wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "/photo")
	h.form("/submissions").wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "/photo")
	h.form("/submissions", "photo", portrait(t)).want(http.StatusUnprocessableEntity)
	h.form("/submissions", "photo", portrait(t), "nope", "1").wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "/nope")
	h.form("/submissions", "photo", portrait(t), "photo", portrait(t)).wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "/photo")
	h.form("/submissions", "photo", portrait(t), "studio_id", studio, "contact_id", contact, "consent", "maybe").
		wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "/consent")
	h.form("/submissions", "photo", portrait(t), "studio_id", studio, "contact_id", contact, "consent", "true").want(http.StatusCreated)
	h.form("/submissions", "photo", portrait(t), "studio_id", "").wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "/studio_id")
	h.post("/submissions", `{}`).wantProblem(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "")
	h.send(http.MethodPost, "/submissions", strings.NewReader("x"), "Content-Type", "multipart/form-data").want(http.StatusBadRequest)
	h.send(http.MethodPost, "/submissions", strings.NewReader("x"), "Content-Type", "multipart/form-data; boundary=b").
		wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "/photo")
	cut := "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a\"\r\n\r\nabc"
	h.send(http.MethodPost, "/submissions", strings.NewReader(cut), "Content-Type", "multipart/form-data; boundary=b").want(http.StatusBadRequest)
	h.form("/submissions", "photo", strings.Repeat("x", 50<<20+1), "studio_id", studio, "contact_id", contact).
		wantProblem(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "/photo")
	h.form("/submissions", "studio_id", strings.Repeat("x", 100_000)).wantProblem(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "/studio_id")
	if got := h.get("/submissions"); len(got.at("data").([]any)) != 1 { //nolint:forcetypeassert // the contract
		t.Errorf("stored: %s", got.raw)
	}
}

func TestCaptureLinkHandsInAndSeesItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ses := h.post("/studio_sessions", fmt.Sprintf(`{"studio_id":%q,"contact_id":%q}`, h.account.Studio.ID, h.contact(1)))
	_, token, _ := strings.Cut(ses.str("url"), "/s/")
	other := h.submit(2)
	link := &house{t: t, url: h.url, key: token}
	sub := link.form("/submissions", "photo", portrait(t), "consent", "true").want(http.StatusCreated)
	if got := link.get("/submissions/" + sub.str("id")).want(http.StatusOK); got.str("images.0.kind") != "ORIGINAL" {
		t.Errorf("the link sees %s", got.raw)
	}
	link.get("/submissions/"+other).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
	link.get("/contacts").want(http.StatusForbidden)
}

func TestHead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	got := h.send(http.MethodHead, "/contacts", nil).want(http.StatusOK)
	if got.header.Get("Content-Length") == "" || got.raw != "" {
		t.Errorf("HEAD gives %v", got.header)
	}
}

// The JSON of a list is what the executor made, with our envelope and nothing decoded on the way.
func TestNumbersAndTextsKeepTheirForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.post("/contacts", `{"first_name":"A<&>\u2028\ud83d\ude00","email":"a@example.com","custom_attributes":{"big":12345678901234567890.5,"e":"\/"}}`).want(http.StatusCreated)
	if made.str("first_name") != "A<&>\u2028😀" || !strings.Contains(made.raw, "12345678901234567890.5") || !json.Valid([]byte(made.raw)) {
		t.Errorf("got %s", made.raw)
	}
}

func TestIfMatchGuardsWrites(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	path := "/contacts/" + h.contact(1)
	patch := func(match, name string) answer {
		return h.send(http.MethodPatch, path, strings.NewReader(`{"first_name":"`+name+`"}`), "Content-Type", "application/json", "If-Match", match)
	}
	for _, c := range []struct {
		match  string
		status int
	}{{`"1"`, 200}, {`"1"`, 412}, {`"2"`, 200}, {`"nonsense"`, 412}, {`W/"3"`, 412}, {`*`, 200}} {
		if got := patch(c.match, "Ada"); got.status != c.status {
			t.Errorf("If-Match %s: %d, want %d", c.match, got.status, c.status)
		}
	}
}
