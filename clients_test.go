package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"headroom/internal/database/dbtest"
	"headroom/test/live"
)

// The clients here are other people's programs, as customers use them: see test/clients.

// client is the command of one of them, set up by scripts/setup.sh.
func client(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir := filepath.Join(program.root, "test/clients")
	interpreter, installed := "node", filepath.Join(dir, "node_modules/.package-lock.json")
	if strings.HasSuffix(name, ".py") {
		interpreter = filepath.Join(program.root, ".cache/venv/bin/python")
		installed = interpreter
	}
	if _, err := os.Stat(installed); err != nil {
		t.Fatalf("the clients are not installed; run scripts/setup.sh test: %v", err)
	}
	cmd := exec.CommandContext(lifetime(t), interpreter, append([]string{filepath.Join(dir, name)}, args...)...)
	cmd.Env = live.Environ(map[string]string{"HEADROOM_TIMEOUT": strconv.Itoa(int(patience.Seconds()))})
	return cmd
}

// must runs a client that must succeed, and gives the JSON lines it printed.
func must[T any](t *testing.T, cmd *exec.Cmd) []T {
	t.Helper()
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(cmd.Args[1]), err, out, complaints.Bytes())
	}
	var lines []T
	for line := range bytes.Lines(out) {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%s printed %s: %v", filepath.Base(cmd.Args[1]), line, err)
		}
		lines = append(lines, v)
	}
	return lines
}

func TestAuditsOfGraphQLOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	server := s.serve(t)
	type line struct {
		ID, Status       string
		OK, Notice, Warn int
		Passed           bool
	}
	// The script itself fails with anything but 58 ok and the three audits that GET MAY be served.
	for _, l := range must[line](t, client(t, "audits.mjs", server.URL+"/graphql", s.key)) {
		if l.ID == "" && (!l.Passed || l.OK != 58 || l.Notice != 3 || l.Warn != 0) {
			t.Errorf("audits: %+v", l)
		}
	}
}

func TestThePlaygroundWorksInABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	server := s.serve(t)
	// A key typed in, the schema, a query; nothing from outside, and no complaint of the policy.
	for _, l := range must[struct{ OK, Introspected bool }](t, client(t, "graphiql.mjs", server.URL+"/developers/graphiql/", s.key)) {
		if !l.OK || !l.Introspected {
			t.Errorf("GraphiQL: %+v", l)
		}
	}
}

func TestNewmanRunsThePostmanCollections(t *testing.T) {
	t.Parallel()
	collections, err := filepath.Glob(filepath.Join(program.root, "rest/testdata/postman/*.json"))
	if err != nil || len(collections) == 0 {
		t.Fatalf("no collection in rest/testdata/postman (%v)", err)
	}
	enhances(t)
	for _, collection := range collections {
		t.Run(filepath.Base(collection), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil)
			server := s.serve(t)
			a := s.api(t, server)
			a.reaches(a.submit(face).ID, "COMPLETE")
			lines := must[struct{ Requests, Failed int }](t, client(t, "newman.mjs", collection, server.URL, s.key, "studio_id="+a.studio()))
			last := lines[len(lines)-1]
			if last.Requests < 7 || last.Failed != 0 {
				t.Errorf("newman: %+v", last)
			}
		})
	}
}

// update is a line of subscribe.mjs.
type update struct {
	Ready           bool
	Error           any
	ID              string
	ProcessingState string
	Progress        float64
	Complete        bool
	Images          []struct{ Kind, URL string }
}

// follow subscribes to a contact's submissions and returns once the server has taken the subscription
// up. The function it returns waits for the subscription's end and gives what came.
func follow(t *testing.T, transport, url, key, contact string) func() []update {
	t.Helper()
	cmd := client(t, "subscribe.mjs", transport, url+"/graphql", key, contact)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, done := make(chan struct{}), make(chan struct{})
	var updates []update
	var failed error
	go func() {
		defer close(done)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var u update
			switch err := json.Unmarshal(lines.Bytes(), &u); {
			case err != nil:
				failed = errors.Join(failed, err)
			case u.Ready:
				close(ready)
			default:
				updates = append(updates, u)
			}
		}
		failed = errors.Join(failed, lines.Err(), cmd.Wait())
	}()
	wait := func() []update {
		<-done // the client gives up by itself
		if failed != nil {
			t.Errorf("%s: %v %+v %s", transport, failed, updates, complaints.Bytes())
		}
		return updates
	}
	select {
	case <-ready:
	case <-done:
		wait()
		t.FailNow()
	}
	return wait
}

func TestSubscribersBeforeTheUploadSeeItThrough(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *site) {
		enhances(t)
		server := s.serve(t)
		followed(t, s.api(t, server), server)
	})
}

// On PostgreSQL the API and the work may be different processes, on different machines.
func TestSubscribersOnAnAPINodeSeeWhatAWorkerNodeDoes(t *testing.T) {
	t.Parallel()
	enhances(t)
	s := newSite(t, map[string]string{"HEADROOM_DATABASE_URL": dbtest.Postgres(t)})
	s.settings["HEADROOM_STORAGE_URL"] = "file://" + filepath.ToSlash(filepath.Join(s.data, "photos"))
	other := &site{settings: maps.Clone(s.settings), key: s.key, data: t.TempDir()}
	other.settings["HEADROOM_DATA"] = other.data
	front, worker := s.serve(t, "--role", "api"), other.serve(t, "--role", "worker")
	followed(t, s.api(t, front), front, worker)
}

// followed submits a photo to the first server and looks at what subscribers there are told.
func followed(t *testing.T, a api, servers ...*live.Server) {
	t.Helper()
	contact := a.contact()
	waits := map[string]func() []update{}
	for _, transport := range []string{"ws", "sse"} {
		waits[transport] = follow(t, transport, servers[0].URL, a.Key, contact)
	}
	a.submit(noFace)                   // somebody else's, which they must not hear of
	sub := a.submitFor(contact, large) // work on it takes long enough for progress to be told of
	for transport, wait := range waits {
		updates := wait()
		var states []string
		progress, last := 0, 0.0
		for _, u := range updates {
			if u.ID != sub.ID {
				t.Errorf("%s: told of %s, want %s only", transport, u.ID, sub.ID)
			}
			states = append(states, u.ProcessingState)
			if u.ProcessingState == "PROCESSING" && u.Progress > 0 && u.Progress < 1 {
				progress++
			}
			if u.Progress < last {
				t.Errorf("%s: progress went back from %g to %g", transport, last, u.Progress)
			}
			last = u.Progress
		}
		if got := slices.Compact(states); !slices.Equal(got, []string{"QUEUED", "PROCESSING", "COMPLETE"}) {
			t.Errorf("%s: %v, want QUEUED, PROCESSING, COMPLETE", transport, got)
			continue
		}
		if progress == 0 {
			t.Errorf("%s: no progress while PROCESSING: %+v", transport, updates)
		}
		end := updates[len(updates)-1]
		if !end.Complete || end.Progress != 1 || !slices.ContainsFunc(end.Images, func(i struct{ Kind, URL string }) bool { return i.Kind == "HEADSHOT" }) {
			t.Errorf("%s: ends with %+v", transport, end)
		}
	}
	for _, server := range servers {
		if !server.Running() {
			t.Errorf("server %d ended:\n%s", server.PID, server.Log())
		}
	}
}
