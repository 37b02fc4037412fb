package models_test

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"headroom/enhance/models"
)

// ownNet is a right custom.json for a file with these bytes.
func ownNet(b []byte) object {
	return object{
		"name": "birefnet", "file": "birefnet.onnx", "sha256": sum(b), "side": 1024, "mean": []float64{0.485, 0.456, 0.406},
		"std": []float64{0.229, 0.224, 0.225}, "input": "input_image", "outputs": []string{"output_image"}, "layout": "NCHW",
		"sigmoid": true, "license": "MIT", "source": object{"text": "from a friend"},
	}
}

func TestCustomNetworkBecomesTheBestProfile(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir := h.standard(t)
	net := []byte("the operator's own")
	putCustom(t, dir, ownNet(net))
	write(t, filepath.Join(dir, "birefnet.onnx"), net)
	set, err := h.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p := set.Best(); p.Name != models.Custom || !slices.Equal(p.Matte, []string{models.PersonMask, "birefnet"}) {
		t.Errorf("best profile %+v", p)
	}
	m, err := set.Model("birefnet")
	if err != nil {
		t.Fatal(err)
	}
	if m.Side != 1024 || m.Layout != models.NCHW || !m.Sigmoid || m.Mean[0] != 0.485 || m.Std[2] != 0.225 ||
		m.Input != "input_image" || m.Outputs[0] != "output_image" || m.Source != "from a friend" {
		t.Errorf("model %+v", m)
	}
	if p, err := set.Profile(models.Standard); err != nil || p.Name != models.Standard {
		t.Errorf("standard beside custom: %+v, %v", p, err)
	}
	list, err := h.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := status(t, list, filepath.Join(dir, "birefnet.onnx")); s.State != models.StateOK || s.Profile != models.Custom {
		t.Errorf("status %+v", s)
	}
}

func TestWrongCustomEntryIsRefused(t *testing.T) {
	t.Parallel()
	h := build(t)
	net := []byte("the operator's own")
	cases := map[string]struct {
		change object
		says   string
	}{
		"misspelt field":     {object{"sigmiod": true}, "sigmiod"},
		"name of ours":       {object{"name": models.PersonMask}, "taken"},
		"path out of folder": {object{"file": "../../etc/passwd"}, "plain file name"},
		"short hash":         {object{"sha256": "abc"}, "64 lower-case hex digits"},
		"no side":            {object{"side": 0}, "side 0"},
		"zero std":           {object{"std": []int{1, 0, 1}}, "divide by zero"},
		"unknown layout":     {object{"layout": "CHWN"}, "CHWN"},
		"no outputs":         {object{"outputs": []string{}}, "outputs"},
		"another hash":       {object{"sha256": strings.Repeat("0", 64)}, sum(net)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := h.standard(t)
			entry := ownNet(net)
			maps.Copy(entry, c.change)
			putCustom(t, dir, entry)
			write(t, filepath.Join(dir, "birefnet.onnx"), net)
			if _, err := h.Open(dir); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one with %q", err, c.says)
			}
		})
	}
}

func TestCustomEntryWithoutItsFileIsAnError(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir := h.standard(t)
	putCustom(t, dir, ownNet([]byte("never copied")))
	_, err := h.Open(dir)
	var fe *models.FileError
	if !errors.As(err, &fe) || !fe.Missing() || !strings.Contains(err.Error(), "custom.json") {
		t.Errorf("error %v", err)
	}
}

func TestDocumentedEntriesAreAccepted(t *testing.T) {
	t.Parallel()
	h := build(t)
	page := string(read(t, filepath.Join("..", "..", "docs", "models.md")))
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 3 {
		t.Fatalf("%d entries in docs/models.md, want three at least", len(blocks))
	}
	for _, b := range blocks {
		var entry object
		if err := json.Unmarshal([]byte(b[1]), &entry); err != nil {
			t.Fatalf("%v in %s", err, b[1])
		}
		dir, net := h.standard(t), []byte("a network")
		entry["sha256"] = sum(net)
		putCustom(t, dir, entry)
		write(t, filepath.Join(dir, entry["file"].(string)), net) //nolint:forcetypeassert // a panic names the page's mistake well enough
		if _, err := h.Open(dir); err != nil {
			t.Errorf("%v for %s", err, b[1])
		}
	}
}

func putCustom(t *testing.T, dir string, entry object) {
	t.Helper()
	b, err := json.MarshalIndent(entry, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "custom.json"), b)
}
