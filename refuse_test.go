package main_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"headroom/test/live"
)

// submitDocument hands a photo in over GraphQL.
const submitDocument = `mutation($input: SubmitPhotoInput!) { submitPhoto(input: $input) { submission { id processingState } } }`

// badPhoto is a file that is refused at once.
type badPhoto struct {
	name, file string
	data       []byte
	status     int
	code       string
}

func badPhotos(t *testing.T) []badPhoto {
	t.Helper()
	whole := photo(t, face).Data
	svg := `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="800" height="800"><image href="file:///etc/passwd"/></svg>`
	const (
		media, large, broken = http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity
	)
	return []badPhoto{
		{"not an image", "notes.jpg", []byte("Dear Sir or Madam,\n"), media, "UNSUPPORTED_MEDIA_TYPE"},
		{"an SVG", "me.svg", []byte(svg), media, "UNSUPPORTED_MEDIA_TYPE"},
		{"an SVG by another name", "me.jpg", []byte(svg), media, "UNSUPPORTED_MEDIA_TYPE"},
		{"half a JPEG", "me.jpg", whole[:len(whole)/2], broken, "VALIDATION_FAILED"},
		{"an empty file", "me.jpg", nil, broken, "VALIDATION_FAILED"},
		{"a PNG of 50,000 × 50,000", "me.png", hugePNG(), large, "PAYLOAD_TOO_LARGE"},
	}
}

// hugePNG is a whole PNG by its chunks, whose header claims 2.5 thousand megapixels.
func hugePNG() []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		body := append([]byte(name), data...)
		out = append(out, body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	header := binary.BigEndian.AppendUint32(nil, 50_000)
	header = binary.BigEndian.AppendUint32(header, 50_000)
	chunk("IHDR", append(header, 8, 2, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01})
	chunk("IEND", nil)
	return out
}

func TestRefusedPhotosLeaveNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		server := s.serve(t)
		a := s.api(t, server)
		studio, contact := a.studio(), a.contact()
		for _, bad := range badPhotos(t) {
			file := live.Photo{Name: bad.file, Data: bad.data}
			answer, err := a.Submit(t.Context(), map[string]string{"studio_id": studio, "contact_id": contact}, file)
			if err != nil {
				t.Fatal(err)
			}
			p := problemOf(t, answer)
			if answer.Status != bad.status || p.Code != bad.code || len(p.Errors) != 1 || p.Errors[0].Pointer != "/photo" {
				t.Errorf("REST: %s: %d %+v, want %d %s at /photo", bad.name, answer.Status, p, bad.status, bad.code)
			}
			data, errs, err := a.GraphQLUpload(t.Context(), submitDocument, map[string]any{"studioId": studio, "contactId": contact}, file)
			if err != nil {
				t.Fatal(err)
			}
			if len(errs) != 1 || errs[0].Extensions.Code != bad.code || strings.Contains(string(data), "sub_") {
				t.Errorf("GraphQL: %s: %s %+v, want %s", bad.name, data, errs, bad.code)
			}
		}
		nothingStored(s, a, server)
	})
}

func TestRefusedRequestsLeaveNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		server := s.serve(t)
		a := s.api(t, server)
		form := map[string]string{"studio_id": a.studio(), "contact_id": a.contact()}
		input := func() map[string]any {
			return map[string]any{"studioId": form["studio_id"], "contactId": form["contact_id"]}
		}

		// An unknown field, and those that callers do not set.
		for _, field := range []string{"colour", "account_id", "state"} {
			bad := map[string]string{"studio_id": form["studio_id"], "contact_id": form["contact_id"], field: "ACCEPTED"}
			answer, err := a.Submit(t.Context(), bad, photo(t, face))
			if err != nil {
				t.Fatal(err)
			}
			if p := problemOf(t, answer); answer.Status != http.StatusBadRequest || p.Code != "BAD_USER_INPUT" || len(p.Errors) != 1 || p.Errors[0].Pointer != "/"+field {
				t.Errorf("REST: field %s: %d %+v, want 400 at /%s", field, answer.Status, p, field)
			}
			badInput := input()
			badInput[field] = "ACCEPTED"
			_, errs, err := a.GraphQLUpload(t.Context(), submitDocument, badInput, photo(t, face))
			if err != nil {
				t.Fatal(err)
			}
			if len(errs) == 0 || errs[0].Extensions.Code != "BAD_USER_INPUT" {
				t.Errorf("GraphQL: field %s: %+v, want BAD_USER_INPUT", field, errs)
			}
			refused(a, http.MethodPost, "/api/v2/contacts", map[string]string{"first_name": "A", "email": "a@example.com", field: "x"}, http.StatusBadRequest, "BAD_USER_INPUT")
		}

		// Nothing where a body should be, or another kind of body.
		refused(a, http.MethodPost, "/api/v2/submissions", nil, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
		refused(a, http.MethodPost, "/api/v2/submissions", map[string]any{}, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
		refused(a, http.MethodPost, "/api/v2/contacts", []byte{}, http.StatusBadRequest, "BAD_USER_INPUT")
		refused(a, http.MethodPost, "/api/v2/contacts", []byte(`{"first_name":"A"`), http.StatusBadRequest, "BAD_USER_INPUT")
		if answer, err := a.Do(t.Context(), http.MethodPost, "/graphql", []byte{}); err != nil || answer.Status != http.StatusBadRequest {
			t.Errorf("GraphQL: an empty body is answered %d %s (%v)", answer.Status, answer.Body, err)
		}

		// A key that was revoked a moment ago, and none.
		var made struct {
			CreateAPIKey struct {
				Secret string
				APIKey struct{ ID string }
			} `json:"createApiKey"`
		}
		a.graphql(`mutation { createApiKey(input: {name: "short-lived", scopes: ["submissions:write", "contacts:write"]}) { secret apiKey { id } } }`, nil, &made)
		revoked := api{t, live.Client{URL: server.URL, Key: made.CreateAPIKey.Secret}}
		revoked.call(http.MethodGet, "/submissions", nil, nil)
		a.graphql(`mutation($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { revokedAt } } }`, map[string]any{"id": made.CreateAPIKey.APIKey.ID}, &struct{}{})
		for who, c := range map[string]api{"a revoked key": revoked, "no key": {t, live.Client{URL: server.URL}}} {
			answer, err := c.Submit(t.Context(), form, photo(t, face))
			if err != nil {
				t.Fatal(err)
			}
			if p := problemOf(t, answer); answer.Status != http.StatusUnauthorized || p.Code != "UNAUTHENTICATED" || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("REST: %s: %d %+v %v", who, answer.Status, p, answer.Header)
			}
			_, errs, err := c.GraphQLUpload(t.Context(), submitDocument, input(), photo(t, face))
			if err != nil {
				t.Fatal(err)
			}
			if len(errs) != 1 || errs[0].Extensions.Code != "UNAUTHENTICATED" {
				t.Errorf("GraphQL: %s: %+v", who, errs)
			}
			refused(c, http.MethodPost, "/api/v2/contacts", map[string]string{"first_name": "A", "email": "a@example.com"}, http.StatusUnauthorized, "UNAUTHENTICATED")
		}
		nothingStored(s, a, server)
	})
}

func TestForeignIDsAreLikeUnknownOnes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		server := s.serve(t)
		a := s.api(t, server)
		cmd := exec.CommandContext(t.Context(), program.binary, "account", "create", "Other", "--json")
		cmd.Env = live.Environ(s.settings)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var other struct {
			APIKey string `json:"api_key"`
		}
		if err := json.Unmarshal(out, &other); err != nil {
			t.Fatal(err)
		}
		b := api{t, live.Client{URL: server.URL, Key: other.APIKey}}
		foreign := map[string]string{"stu": b.studio(), "ctn": b.contact()}
		var session struct{ ID string }
		b.call(http.MethodPost, "/studio_sessions", map[string]any{"studio_id": foreign["stu"], "contact_id": foreign["ctn"]}, &session)
		foreign["ses"] = session.ID
		sub := b.submitFor(foreign["ctn"], noFace)
		foreign["sub"] = sub.ID
		b.reaches(sub.ID, "FAILED")
		stored := len(s.files(t))

		studio, contact := a.studio(), a.contact()
		bodies := func(id map[string]string) []map[string]string {
			return []map[string]string{
				{"studio_id": id["stu"], "contact_id": contact}, {"studio_id": studio, "contact_id": id["ctn"]},
				{"studio_session_id": id["ses"]}, {"studio_id": studio, "contact_id": contact, "replaces_id": id["sub"]},
			}
		}
		unknown := map[string]string{}
		for prefix := range foreign {
			unknown[prefix] = prefix + "_01aaaaaaaaaaaaaaaaaaaaaaaa"
		}
		// same checks that two answers differ in nothing but the ids that were asked for.
		same := func(what string, x, y live.Answer, status int) {
			t.Helper()
			of, other := masked(x.Body, foreign), masked(y.Body, unknown)
			if x.Status != status || y.Status != status || !bytes.Equal(of, other) {
				t.Errorf("%s: foreign %d %s, unknown %d %s, want %d", what, x.Status, of, y.Status, other, status)
			}
		}
		foreignBodies, unknownBodies := bodies(foreign), bodies(unknown)
		for i := range foreignBodies {
			x, err := a.Submit(t.Context(), foreignBodies[i], photo(t, face))
			if err != nil {
				t.Fatal(err)
			}
			y, err := a.Submit(t.Context(), unknownBodies[i], photo(t, face))
			if err != nil {
				t.Fatal(err)
			}
			same("submit", x, y, http.StatusUnprocessableEntity)
		}
		for prefix, path := range map[string]string{"sub": "/submissions/", "ctn": "/contacts/", "stu": "/studios/", "ses": "/studio_sessions/"} {
			x, err := a.Do(t.Context(), http.MethodGet, "/api/v2"+path+foreign[prefix], nil)
			if err != nil {
				t.Fatal(err)
			}
			y, err := a.Do(t.Context(), http.MethodGet, "/api/v2"+path+unknown[prefix], nil)
			if err != nil {
				t.Fatal(err)
			}
			same("get "+path, x, y, http.StatusNotFound)
			ask := map[string]any{"query": `query($id: ID!) { node(id: $id) { id } }`, "variables": map[string]any{"id": foreign[prefix]}}
			if x, err = a.Do(t.Context(), http.MethodPost, "/graphql", ask); err != nil {
				t.Fatal(err)
			}
			ask["variables"] = map[string]any{"id": unknown[prefix]}
			if y, err = a.Do(t.Context(), http.MethodPost, "/graphql", ask); err != nil {
				t.Fatal(err)
			}
			same("node", x, y, http.StatusOK)
			if !bytes.Contains(x.Body, []byte(`"node":null`)) {
				t.Errorf("GraphQL: a foreign %s is %s", prefix, x.Body)
			}
		}
		_, errs, err := a.GraphQLUpload(t.Context(), submitDocument, map[string]any{"studioSessionId": foreign["ses"]}, photo(t, face))
		if err != nil || len(errs) != 1 || errs[0].Extensions.Code != "VALIDATION_FAILED" {
			t.Errorf("GraphQL: a foreign session is answered %+v (%v)", errs, err)
		}

		var page struct{ Data []submission }
		b.call(http.MethodGet, "/submissions", nil, &page)
		if len(page.Data) != 1 || len(s.files(t)) != stored {
			t.Errorf("the other account has %d submissions, want 1; %d files are stored, want %d", len(page.Data), len(s.files(t)), stored)
		}
		a.call(http.MethodGet, "/submissions", nil, &page)
		if len(page.Data) != 0 {
			t.Errorf("submissions were stored: %+v", page.Data)
		}
	})
}

func TestAPhotoWithoutAFaceFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		a := s.api(t, s.serve(t))
		byREST := a.submit(noFace).ID
		data, errs, err := a.GraphQLUpload(t.Context(), submitDocument, map[string]any{"studioId": a.studio(), "contactId": a.contact()}, photo(t, noFace))
		if err != nil || len(errs) > 0 {
			t.Fatalf("%+v (%v)", errs, err)
		}
		var made struct {
			SubmitPhoto struct{ Submission submission }
		}
		if err := json.Unmarshal(data, &made); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{byREST, made.SubmitPhoto.Submission.ID} {
			got := a.reaches(id, "FAILED")
			if got.Failure == nil || got.Failure.Code != "NO_FACE" || got.Failure.Message == "" || got.Complete || len(got.Images) != 1 || got.Images[0].Kind != "ORIGINAL" {
				t.Errorf("%s: %+v", id, got)
			}
			var same struct {
				Submission struct {
					ProcessingState string
					Failure         struct{ Code string }
				}
			}
			a.graphql(`query($id: ID!) { submission(id: $id) { processingState failure { code } } }`, map[string]any{"id": id}, &same)
			if same.Submission.ProcessingState != "FAILED" || same.Submission.Failure.Code != "NO_FACE" {
				t.Errorf("GraphQL: %s: %+v", id, same)
			}
		}
	})
}

// masked is a body without its request id, and with the ids' prefixes for the ids.
func masked(body []byte, ids map[string]string) []byte {
	for prefix, id := range ids {
		body = bytes.ReplaceAll(body, []byte(id), []byte(prefix))
	}
	return requestID.ReplaceAll(body, nil)
}

var requestID = regexp.MustCompile(`req_[0-9a-z]+`)

// problem is the body of a refusal over REST.
type problem struct {
	Type, Title, Detail, Code string
	Status                    int
	RequestID                 string `json:"request_id"`
	Errors                    []struct{ Pointer, Code, Detail string }
}

func problemOf(t *testing.T, answer live.Answer) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(answer.Body, &p); err != nil {
		t.Fatalf("%d %s: %v", answer.Status, answer.Body, err)
	}
	if answer.Header.Get("Content-Type") != "application/problem+json" || p.Status != answer.Status || p.RequestID == "" ||
		p.RequestID != answer.Header.Get("X-Request-Id") {
		t.Errorf("%d is no problem as it should be: %v %s", answer.Status, answer.Header, answer.Body)
	}
	return p
}

func refused(a api, method, path string, in any, status int, code string) {
	a.Helper()
	answer, err := a.Do(a.Context(), method, path, in)
	if err != nil {
		a.Fatal(err)
	}
	if p := problemOf(a.T, answer); answer.Status != status || p.Code != code {
		a.Errorf("%s %s %s: %d %+v, want %d %s", method, path, in, answer.Status, p, status, code)
	}
}

// nothingStored checks that the one contact a test made is all there is, and that the server lives.
func nothingStored(s *site, a api, server *live.Server) {
	a.Helper()
	var page struct{ Data []struct{ ID string } }
	for path, rows := range map[string]int{"/submissions": 0, "/studio_sessions": 0, "/contacts": 1} {
		a.call(http.MethodGet, path, nil, &page)
		if len(page.Data) != rows {
			a.Errorf("%s: %d rows are stored, want %d", path, len(page.Data), rows)
		}
	}
	if files := s.files(a.T); len(files) > 0 {
		a.Errorf("files are stored: %v", files)
	}
	if answer, err := a.Do(a.Context(), http.MethodGet, "/healthz", nil); err != nil || answer.Status != http.StatusOK || !server.Running() {
		a.Errorf("the server does not live: %d (%v)", answer.Status, err)
	}
}
