package main_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"headroom/internal/config"
	"headroom/test/live"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(program.root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// A newcomer pastes the README's blocks one after the other into a shell, with what it says to put in.
func TestEveryBlockOfTheREADMERuns(t *testing.T) {
	t.Parallel()
	enhances(t)
	s := newSite(t, nil)
	server := s.serve(t)
	a, r := s.api(t, server), receive(t)

	blocks := shellBlock.FindAllStringSubmatch(readme(t), -1)
	if len(blocks) < 7 {
		t.Fatalf("the README has %d blocks to run, want 7 or more", len(blocks))
	}
	put := map[string]string{
		"HEADROOM=http://127.0.0.1:8080":     "HEADROOM=" + server.URL,
		"KEY=hr_live_…":                      "KEY=" + s.key,
		"PHOTO=me.jpg":                       "PHOTO=" + filepath.Join(program.root, "enhance/testdata/portraits", face),
		`"STUDIO_ID"`:                        `"` + a.studio() + `"`,
		"https://hooks.example.com/headroom": r.URL,
	}
	var script strings.Builder
	for i, block := range blocks {
		text := block[1]
		for old, with := range put {
			if strings.Contains(text, old) {
				text = strings.ReplaceAll(text, old, with)
				delete(put, old)
			}
		}
		// Each block's answers are kept for the test to look at.
		fmt.Fprintf(&script, "%s\nmkdir after%d; cp *.json after%d/ 2>/dev/null || true\n", text, i, i)
	}
	for old := range put {
		t.Errorf("the README's blocks do not hold %q, which the test puts a value for", old)
	}

	dir := t.TempDir()
	cmd := exec.CommandContext(lifetime(t), "bash", "-eu", "-o", "pipefail", "-c", script.String())
	cmd.Dir, cmd.Env = dir, live.Environ(nil)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\nthe script was\n%s", err, out, script.String())
	}
	answers, err := filepath.Glob(filepath.Join(dir, "after*/*.json"))
	if err != nil || len(answers) < 10 {
		t.Fatalf("%d answers are kept (%v)\n%s", len(answers), err, out)
	}
	for _, name := range answers {
		looksWell(t, name)
	}
	headshot, err := os.Open(filepath.Join(dir, "headshot.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = headshot.Close() }()
	if c, format, err := image.DecodeConfig(headshot); err != nil || format != "jpeg" || c.Width != 1600 {
		t.Errorf("headshot.jpg is %s, %d wide (%v)", format, c.Width, err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "null") && !strings.Contains(line, `"failure": null`) {
			t.Errorf("something that the README shows is null:\n%s", out)
		}
	}
}

// looksWell checks that an answer is neither a refusal nor holds GraphQL's errors or nothing.
func looksWell(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Errorf("%s: %v: %s", name, err, text)
	}
	for _, wrong := range []string{"errors", "code"} {
		if _, ok := answer[wrong]; ok {
			t.Errorf("%s: %s", name, text)
		}
	}
	data, _ := answer["data"].(map[string]any)
	if submissions, ok := data["submissions"].(map[string]any); ok {
		if nodes, ok := submissions["nodes"].([]any); !ok || len(nodes) == 0 {
			t.Errorf("%s has no submission: %s", name, text)
		}
	}
}

func TestTheREADMEsTableIsTheProgramsSettings(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| `(HEADROOM_[A-Z_]+)` \\| (.*?) \\| (.*) \\|$")
	var got []config.Setting
	for _, m := range row.FindAllStringSubmatch(readme(t), -1) {
		got = append(got, config.Setting{Name: m[1], Default: strings.TrimPrefix(strings.Trim(m[2], "`"), "–"), Meaning: m[3]})
	}
	want := config.Settings()
	for i := range max(len(got), len(want)) {
		var g, w config.Setting
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("row %d is\n| `%s` | `%s` | %s |\nwant\n| `%s` | %s | %s |", i+1, g.Name, g.Default, g.Meaning,
				w.Name, cmp.Or("`"+w.Default+"`", "–"), w.Meaning)
		}
	}
}
