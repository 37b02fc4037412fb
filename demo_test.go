package main_test

import (
	"encoding/json"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"headroom/test/live"
)

var (
	toldHeadshot = regexp.MustCompile(`(?m)^finished headshot +(\S+)$`)
	toldCurl     = regexp.MustCompile(`(?m)^  (curl (?:.*\\\n)*.*)$`)
)

func TestTheDemoTellsOfAFinishedHeadshotAtEachStart(t *testing.T) {
	t.Parallel()
	enhances(t)
	s := newSite(t, nil)
	delete(s.settings, "HEADROOM_BOOTSTRAP_KEY") // make run sets none of these
	delete(s.settings, "HEADROOM_WEBHOOKS_ALLOW_PRIVATE")
	delete(s.settings, "HEADROOM_SECRET_KEY")

	first := demo(t, s, 3*time.Minute)
	for _, line := range []string{"capture link ", "photo handed in ", "received and verified ", "portal ", "API key ", "GraphiQL "} {
		if !strings.Contains(first, line) {
			t.Errorf("the first start does not tell of %q:\n%s", line, first)
		}
	}
	second := demo(t, s, 15*time.Second)
	if strings.Contains(second, "photo handed in") {
		t.Errorf("the second start sends the portrait again:\n%s", second)
	}
}

// demo runs `headroom demo` until it tells of the headshot, within the time given, uses what it tells,
// and ends it.
func demo(t *testing.T, s *site, within time.Duration) string {
	t.Helper()
	began := time.Now()
	server, err := live.Start(lifetime(t), program.binary, s.settings, "demo")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Kill() })
	until(t, "the demo tells everything", func() bool {
		if !server.Running() {
			t.Fatalf("the demo ended:\n%s", server.Log())
		}
		return strings.Contains(server.Log(), "Ctrl-C stops the server")
	})
	if took := time.Since(began); took > within {
		t.Errorf("it took %s, want at most %s", took, within)
	}
	told := server.Log()
	file := toldHeadshot.FindStringSubmatch(told)
	if file == nil {
		t.Fatalf("no headshot is told of:\n%s", told)
	}
	f, err := os.Open(file[1])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if c, format, err := image.DecodeConfig(f); err != nil || format != "jpeg" || c.Width != 1600 {
		t.Errorf("the headshot is %s, %d wide (%v)", format, c.Width, err)
	}
	pastes(t, told)
	if err := server.Stop(); err != nil {
		t.Errorf("the demo did not end well: %v\n%s", err, server.Log())
	}
	return told
}

// pastes runs the curl line, from a folder with a me.jpg. The photo has no face, to be done soon.
func pastes(t *testing.T, told string) {
	t.Helper()
	line := toldCurl.FindStringSubmatch(told)
	if line == nil {
		t.Fatalf("no curl line is told of:\n%s", told)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "me.jpg"), photo(t, noFace).Data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", line[1])
	cmd.Dir, cmd.Env = dir, live.Environ(nil)
	out, err := cmd.Output()
	var sub submission
	if err != nil || json.Unmarshal(out, &sub) != nil || sub.ProcessingState != "QUEUED" {
		t.Errorf("%s\nanswers %s (%v)", line[1], out, err)
	}
}
