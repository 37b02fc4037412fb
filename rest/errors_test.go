package rest_test

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	"headroom/ent"
	"headroom/internal/auth"
	"headroom/internal/headshot"
)

func TestBadBodies(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.contact(1)
	const bad, invalid = "BAD_USER_INPUT", "VALIDATION_FAILED"
	deep := `{"custom_attributes":{"a":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}}`
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		where  string
	}{
		"empty":                 {``, 400, bad, ""},
		"not JSON":              {`first_name=Ada`, 400, bad, ""},
		"array":                 {`[]`, 400, bad, ""},
		"null":                  {`null`, 400, bad, ""},
		"NaN":                   {`{"custom_attributes":{"a":NaN}}`, 400, bad, ""},
		"byte order mark":       {"\xef\xbb\xbf{}", 400, bad, ""},
		"trailing garbage":      {`{} {}`, 400, bad, ""},
		"duplicate":             {`{"email":"a@example.com","email":"b@example.com"}`, 400, bad, "/email"},
		"lone surrogate":        {`{"first_name":"\ud800","email":"a@example.com"}`, 400, bad, ""},
		"not UTF-8":             {"{\"first_name\":\"\xc3\x28\",\"email\":\"a@example.com\"}", 400, bad, ""},
		"nested too deep":       {deep, 400, bad, ""},
		"unknown field":         {`{"first_name":"A","email":"a@example.com","firstName":"B"}`, 400, bad, "/firstName"},
		"unknown field, escape": {`{"first_name":"A","email":"a@example.com","a/b~":1}`, 400, bad, "/a~1b~0"},
		"id in the body":        {`{"first_name":"A","email":"a@example.com","id":"ctn_1"}`, 400, bad, "/id"},
		"NUL":                   {`{"first_name":"A\u0000","email":"a@example.com"}`, 422, invalid, "/first_name"},
		"NUL in an attribute":   {`{"first_name":"A","email":"a@example.com","custom_attributes":{"a":["\u0000"]}}`, 422, invalid, "/custom_attributes/a/0"},
		"number too large":      {`{"first_name":"A","email":"a@example.com","custom_attributes":{"a":1e999}}`, 422, invalid, "/custom_attributes/a"},
		"missing":               {`{"email":"a@example.com"}`, 422, invalid, "/first_name"},
		"null for required":     {`{"first_name":null,"email":"a@example.com"}`, 422, invalid, "/first_name"},
		"number for a text":     {`{"first_name":1,"email":"a@example.com"}`, 422, invalid, "/first_name"},
		"text for a list":       {`{"first_name":"A","email":"a@example.com","list_ids":"lst_1"}`, 422, invalid, "/list_ids"},
		"null in a list":        {`{"first_name":"A","email":"a@example.com","list_ids":["a",null]}`, 422, invalid, "/list_ids/1"},
		"array for an object":   {`{"first_name":"A","email":"a@example.com","custom_attributes":[]}`, 422, invalid, "/custom_attributes"},
		"deep attribute":        {`{"first_name":"A","email":"a@example.com","custom_attributes":{"a":{"b":1}}}`, 422, invalid, "/custom_attributes"},
		"empty name":            {`{"first_name":" ","email":"a@example.com"}`, 422, invalid, "/first_name"},
		"no e-mail":             {`{"first_name":"A","email":"nobody"}`, 422, invalid, "/email"},
		"unknown list":          {`{"first_name":"A","email":"a@example.com","list_ids":["lst_x"]}`, 422, invalid, "/list_ids"},
		"taken e-mail":          {`{"first_name":"A","email":"ADA1@example.com"}`, 409, "CONFLICT", "/email"},
		"too large":             {`{"first_name":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "PAYLOAD_TOO_LARGE", ""},
	} {
		t.Log(name) // shown on failure
		h.post("/contacts", c.body).wantProblem(c.status, c.code, c.where)
	}
	if n, err := h.service.Client.Contact.Query().Count(h.admin()); n != 1 || err != nil {
		t.Errorf("%d contacts are stored, want the first only (%v)", n, err)
	}
}

func TestUpdatesRefuse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.contact(1)
	path := "/contacts/" + h.contact(2)
	for body, want := range map[string]struct {
		status int
		where  string
	}{
		`{"first_name":null}`:                     {422, "/first_name"},
		`{"email":null}`:                          {422, "/email"},
		`{"email":"ada1@example.com"}`:            {409, "/email"},
		`{"version":1}`:                           {400, "/version"},
		`{"id":"ctn_00000000000000000000000000"}`: {400, "/id"},
		`{"studio_ids":["stu_x"]}`:                {422, "/studio_ids"},
	} {
		got := h.json(http.MethodPatch, path, body).want(want.status)
		got.wantProblem(want.status, got.str("code"), want.where)
	}
	if got := h.get(path).want(http.StatusOK); got.at("version") != 1.0 {
		t.Errorf("changed to %s", got.raw)
	}
	if got := h.json(http.MethodPut, path, `{}`).want(http.StatusOK); got.str("email") != "ada2@example.com" || got.str("custom_attributes.team") != "t0" {
		t.Errorf("an empty PUT changed it to %s", got.raw)
	}
	if got := h.json(http.MethodPut, path, `{"last_name":null,"custom_attributes":null}`).want(http.StatusOK); got.str("last_name") != "" || got.at("custom_attributes.team") != nil {
		t.Errorf("null cleared to %s", got.raw)
	}
}

func TestFaultsWithinAnInlineContactHavePointers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	studio := h.account.Studio.ID
	for body, want := range map[string]string{
		`{"contact":{"email":"x"}}`: "/contact/first_name",
		`{"studio_id":"` + studio + `","contact":{"first_name":"A","email":"x"}}`:                       "/contact/email",
		`{"studio_id":"` + studio + `","contact":{"first_name":" ","email":"a@example.com"}}`:           "/contact/first_name",
		`{"studio_id":"` + studio + `","contact":{"first_name":"A","email":"a@b.c","list_ids":["l"]}}`:  "/contact/list_ids",
		`{"studio_id":"` + studio + `","expires_in":1,"contact":{"first_name":"A","email":"a@b.c"}}`:    "/expires_in",
		`{"studio_id":"` + studio + `","expires_in":1.5,"contact":{"first_name":"A","email":"a@b.c"}}`:  "/expires_in",
		`{"studio_id":"` + studio + `","expires_in":1e12,"contact":{"first_name":"A","email":"a@b.c"}}`: "/expires_in",
		`{"studio_id":"` + studio + `"}`:                                                           "/contact_id",
		`{"studio_id":"stu_x","contact_id":"ctn_x"}`:                                               "/studio_id",
		`{"studio_id":"` + studio + `","contact_id":"ctn_x"}`:                                      "/contact_id",
		`{"studio_id":"` + studio + `","contact_id":"ctn_x","redirect_url":"javascript:alert(1)"}`: "/redirect_url",
		`{"studio_id":"` + studio + `","contact_id":"ctn_x","metadata":[1]}`:                       "/metadata",
	} {
		t.Log(body)
		h.post("/studio_sessions", body).wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", want)
	}
	h.post("/studio_sessions", `{"studio_id":"`+studio+`","contact":{"firstName":"A"}}`).
		wantProblem(http.StatusBadRequest, "BAD_USER_INPUT", "/contact/email")
	for _, url := range []string{"ftp://x.example", "https://10.0.0.1/", "https://localhost/", "https://hooks.example.com:25/", "nonsense", ""} {
		h.post("/webhook_endpoints", `{"url":"`+url+`"}`).wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "/url")
	}
	h.post("/webhook_endpoints", `{"url":"https://hooks.example.com/","topics":["NOPE"]}`).
		wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "/topics")
}

// bigPNG is the beginning of a PNG of 50,000 × 50,000 pixels.
func bigPNG() string {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), 50_000)
	chunk = append(binary.BigEndian.AppendUint32(chunk, 50_000), 8, 2, 0, 0, 0)
	png := append(binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13), chunk...)
	return string(binary.BigEndian.AppendUint32(png, crc32.ChecksumIEEE(chunk)))
}

func TestBadPhotosAreRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	contact, photo := h.contact(1), portrait(t)
	for name, c := range map[string]struct {
		photo  string
		status int
		code   string
	}{
		"not an image": {"hello", 415, "UNSUPPORTED_MEDIA_TYPE"},
		"SVG":          {`<svg xmlns="http://www.w3.org/2000/svg"/>`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"half a JPEG":  {photo[:len(photo)/2], 422, "VALIDATION_FAILED"},
		"huge PNG":     {bigPNG(), 413, "PAYLOAD_TOO_LARGE"},
		"empty":        {"", 422, "VALIDATION_FAILED"},
	} {
		t.Log(name)
		h.form("/submissions", "photo", c.photo, "studio_id", h.account.Studio.ID, "contact_id", contact).wantProblem(c.status, c.code, "/photo")
	}
	foreign := h.neighbour()
	for _, c := range [][]string{
		{"studio_id", h.account.Studio.ID, "contact_id", foreign.contact(1), "/contact_id"},
		{"studio_id", foreign.account.Studio.ID, "contact_id", contact, "/studio_id"},
		{"studio_id", h.account.Studio.ID, "contact_id", contact, "replaces_id", foreign.submit(2), "/replaces_id"},
	} {
		last := len(c) - 1
		h.form("/submissions", append([]string{"photo", photo}, c[:last]...)...).
			wantProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", c[last])
	}
	if n, err := h.service.Client.Submission.Query().Count(h.admin()); n != 0 || err != nil {
		t.Errorf("%d submissions are stored (%v)", n, err)
	}
	if n, err := h.service.Client.Event.Query().Count(h.admin()); n != 1 || err != nil { // CONTACT_CREATED
		t.Errorf("%d events are stored (%v)", n, err)
	}
	h.get("/contacts").want(http.StatusOK)
}

func TestForeignAndUnknownIDsAreAnsweredAlike(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.neighbour()
	ses := other.post("/studio_sessions", `{"studio_id":"`+other.account.Studio.ID+`","contact_id":"`+other.contact(1)+`"}`)
	end := other.post("/webhook_endpoints", `{"url":"https://hooks.example.com/in"}`)
	sub := other.submit(2)
	image := other.get("/submissions/" + sub).str("images.0.id")
	list := other.post("/lists", `{"name":"x"}`).str("id")
	for path, id := range map[string]string{
		"GET /contacts/": ses.str("contact_id"), "PUT /contacts/": ses.str("contact_id"), "GET /lists/": list, "PATCH /lists/": list,
		"GET /studios/": other.account.Studio.ID, "PUT /studios/": other.account.Studio.ID, "GET /studio_sessions/": ses.str("id"),
		"POST /studio_sessions/+/revoke": ses.str("id"), "GET /submissions/": sub, "POST /submissions/+/accept": sub,
		"POST /submissions/+/reject": sub, "POST /submissions/+/request_retake": sub, "POST /submissions/+/reprocess": sub, "GET /images/": image,
		"GET /webhook_endpoints/": end.str("id"), "PATCH /webhook_endpoints/": end.str("id"), "DELETE /webhook_endpoints/": end.str("id"),
		"POST /webhook_endpoints/+/rotate_secret": end.str("id"), "POST /webhook_endpoints/+/test": end.str("id"),
		"POST /webhook_endpoints/+/pause": end.str("id"), "POST /webhook_endpoints/+/resume": end.str("id"),
	} {
		method, path, _ := strings.Cut(path, " ")
		if !strings.Contains(path, "+") {
			path += "+"
		}
		unknown := id[:4] + strings.Repeat("0", 26)
		ask := func(id string) string {
			t.Log(method, path, id)
			body := "{}"
			if method == http.MethodGet || method == http.MethodDelete {
				body = ""
			}
			a := h.json(method, strings.Replace(path, "+", id, 1), body).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
			return strings.NewReplacer(a.str("request_id"), "", id, "").Replace(a.raw)
		}
		if a, b := ask(id), ask(unknown); a != b {
			t.Errorf("another account's id: %s\nan unknown id: %s", a, b)
		}
	}
	for _, id := range []string{"ctn_", ses.str("contact_id") + "0", list} {
		h.get("/contacts/"+id).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
	}
	h.get("/images/"+h.contact(3)).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row, revoked, err := h.service.CreateKey(h.admin(), headshot.KeyInput{Name: "gone", Scopes: []string{"admin"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.RevokeKey(h.admin(), row.ID); err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{
		"none": "", "broken checksum": h.key[:len(h.key)-1] + "!", "revoked": revoked, "nonsense": "x", "unknown capture link": "cs_" + strings.Repeat("a", 22),
	} {
		t.Log(name)
		for _, a := range []answer{
			(&house{t: t, url: h.url, key: key}).get("/contacts"),
			(&house{t: t, url: h.url, key: key}).post("/contacts", `not JSON`),
			(&house{t: t, url: h.url, key: key}).form("/submissions", "photo", "x"),
		} {
			a.wantProblem(http.StatusUnauthorized, "UNAUTHENTICATED", "")
			if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("WWW-Authenticate: %s", a.header.Get("WWW-Authenticate"))
			}
		}
	}
	reader := &house{t: t, url: h.url, key: h.keyWith("contacts:read")}
	reader.get("/contacts").want(http.StatusOK)
	for _, a := range []answer{
		reader.post("/contacts", `{"first_name":"A","email":"a@example.com"}`), reader.get("/submissions"), reader.get("/webhook_endpoints"),
		reader.post("/studio_sessions", `{"studio_id":"x","contact_id":"y"}`), reader.get("/images/img_" + strings.Repeat("0", 26)),
	} {
		a.wantProblem(http.StatusForbidden, "FORBIDDEN", "")
		if a.str("errors.0.code") != "insufficient_scope" || !strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_scope") {
			t.Errorf("refused with %v %s", a.header, a.raw)
		}
	}
	if n, err := h.service.Client.Contact.Query().Count(h.admin()); n != 0 || err != nil {
		t.Errorf("%d contacts are stored (%v)", n, err)
	}
}

// Who is logged in to the portal may use the API from the portal's own pages.
func TestPortalCookie(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made, err := h.service.CreateAccount(t.Context(), headshot.AccountInput{Name: "B", Email: "owner@b.example", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := h.auth.LogIn(t.Context(), "owner@b.example", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	portal, cookie := &house{t: t, url: h.url}, auth.Cookie+"="+token
	if got := portal.send(http.MethodGet, "/studios", nil, "Cookie", cookie).want(http.StatusOK); got.str("data.0.id") != made.Studio.ID {
		t.Errorf("the portal sees %s", got.raw)
	}
	body := `{"name":"x"}`
	portal.send(http.MethodPost, "/lists", strings.NewReader(body), "Cookie", cookie, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site").
		wantProblem(http.StatusForbidden, "FORBIDDEN", "")
	portal.send(http.MethodPost, "/lists", strings.NewReader(body), "Cookie", cookie, "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin").
		want(http.StatusCreated)
	portal.send(http.MethodGet, "/studios", nil, "Cookie", cookie+"x").wantProblem(http.StatusUnauthorized, "UNAUTHENTICATED", "")
}

func TestPathsMethodsAndMediaTypes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{"/", "/nope", "/contacts/", "/contacts/a/b", "/Contacts", "/images", "/submissions/a/nope"} {
		h.get(path).wantProblem(http.StatusNotFound, "NOT_FOUND", "")
	}
	for path, allow := range map[string]string{
		"DELETE /contacts": "GET, HEAD, POST", "POST /contacts/a": "GET, HEAD, PATCH, PUT", "GET /submissions/a/accept": "POST",
		"PUT /webhook_endpoints": "GET, HEAD, POST", "TRACE /deliveries": "GET, HEAD", "OPTIONS /contacts": "GET, HEAD, POST",
	} {
		method, path, _ := strings.Cut(path, " ")
		if a := h.send(method, path, nil).wantProblem(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", ""); a.header.Get("Allow") != allow {
			t.Errorf("%s %s allows %q, want %q", method, path, a.header.Get("Allow"), allow)
		}
	}
	good := `{"first_name":"A","email":"a@example.com"}`
	for _, header := range [][]string{
		{}, {"Content-Type", "text/plain"}, {"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", "application/json; charset=utf-16"},
		{"Content-Type", ";"}, {"Content-Type", "application/json", "Content-Encoding", "gzip"},
	} {
		h.send(http.MethodPost, "/contacts", strings.NewReader(good), header...).
			wantProblem(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "")
	}
	h.send(http.MethodPost, "/contacts", strings.NewReader(good), "Content-Type", "Application/JSON; charset=UTF-8").want(http.StatusCreated)
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if id := h.send(http.MethodGet, "/contacts", nil, "X-Request-Id", "caller-4711").header.Get("X-Request-Id"); id != "caller-4711" {
		t.Errorf("the caller's id became %q", id)
	}
	for _, mad := range []string{"", "a b", "<script>", strings.Repeat("a", 1000)} {
		if id := h.send(http.MethodGet, "/nope", nil, "X-Request-Id", mad).header.Get("X-Request-Id"); !strings.HasPrefix(id, "req_") {
			t.Errorf("%q became %q", mad, id)
		}
	}
}

// A fault of ours tells the caller nothing but the id to ask about.
func TestInternalErrorsAreMasked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.service.Client.Contact.Intercept(ent.InterceptFunc(func(ent.Querier) ent.Querier {
		return ent.QuerierFunc(func(context.Context, ent.Query) (ent.Value, error) { return nil, errors.New("disk secrets") })
	}))
	a := h.get("/contacts").wantProblem(http.StatusInternalServerError, "INTERNAL", "")
	if strings.Contains(a.raw, "secrets") || !strings.Contains(a.str("detail"), a.str("request_id")) || !strings.Contains(h.logged(), "disk secrets") || !strings.Contains(h.logged(), a.str("request_id")) {
		t.Errorf("answered %s, logged %s", a.raw, h.logged())
	}
}
