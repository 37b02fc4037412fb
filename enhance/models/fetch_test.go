package models_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"headroom/enhance/models"
)

// publisher serves body at the network's address and counts other requests as misses.
func publisher(t *testing.T, h *house, code int, body []byte) models.FetchOptions {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+h.publishedPath, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write(body) // the client may hang up on a body that is too large
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return models.FetchOptions{Mirror: s.URL}
}

func TestFetchPortraitConvertsThePublishersFile(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir := h.standard(t)
	opts := publisher(t, h, http.StatusOK, h.tflite)
	if err := h.Fetch(t.Context(), dir, models.Portrait, opts); err != nil {
		t.Fatal(err)
	}
	wantPortrait(t, h, dir)
	before := snapshot(t, dir)
	if err := h.Fetch(t.Context(), dir, models.Portrait, models.FetchOptions{Mirror: "http://127.0.0.1:1"}); err != nil {
		t.Errorf("a second fetch went to the network: %v", err)
	}
	if after := snapshot(t, dir); !maps.Equal(before, after) {
		t.Error("a second fetch changed the folder")
	}
}

func TestFetchPortraitFromAFolder(t *testing.T) {
	t.Parallel()
	h := build(t)
	for name, content := range map[string][]byte{h.publishedFile: h.tflite, "slimnet-512.onnx": h.onnx} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, from := h.standard(t), t.TempDir()
			write(t, filepath.Join(from, name), content)
			if err := h.Fetch(t.Context(), dir, models.Portrait, models.FetchOptions{From: from}); err != nil {
				t.Fatal(err)
			}
			wantPortrait(t, h, dir)
		})
	}
}

func wantPortrait(t *testing.T, h *house, dir string) {
	t.Helper()
	set, err := h.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Best(); got.Name != models.Portrait || !slices.Equal(got.Matte, []string{models.PersonMask, models.PortraitMatte}) {
		t.Errorf("best profile %+v", got)
	}
	if got := read(t, filepath.Join(dir, "slimnet-512.onnx")); !bytes.Equal(got, h.onnx) {
		t.Error("the network is not the one pinned")
	}
	if got := read(t, filepath.Join(dir, h.publishedNotes)); !strings.Contains(string(got), "consent") {
		t.Errorf("notice %q", got)
	}
}

func TestFailedFetchLeavesTheFolderAsItWas(t *testing.T) {
	t.Parallel()
	h := build(t)
	wrong := slices.Clone(h.tflite)
	wrong[len(wrong)-1] ^= 1
	from := func(t *testing.T, name string, b []byte) models.FetchOptions {
		t.Helper()
		dir := t.TempDir()
		write(t, filepath.Join(dir, name), b)
		return models.FetchOptions{From: dir}
	}
	cases := []struct {
		name, profile string
		opts          models.FetchOptions
		says          []string
	}{
		{"altered at the publisher", models.Portrait, publisher(t, h, http.StatusOK, wrong), []string{sum(wrong), sum(h.tflite), "someone/nets"}},
		{"gone from the publisher", models.Portrait, publisher(t, h, http.StatusNotFound, nil), []string{"404"}},
		{"far too large", models.Portrait, publisher(t, h, http.StatusOK, make([]byte, 17<<20)), []string{"larger than"}},
		{"no network", models.Portrait, models.FetchOptions{Mirror: "http://127.0.0.1:1"}, []string{"--from DIR", h.publishedFile}},
		{"altered in the folder", models.Portrait, from(t, h.publishedFile, wrong), []string{sum(wrong), sum(h.tflite)}},
		{"altered ONNX in the folder", models.Portrait, from(t, "slimnet-512.onnx", wrong), []string{sum(wrong), sum(h.onnx)}},
		{"empty folder", models.Portrait, models.FetchOptions{From: t.TempDir()}, []string{h.publishedFile, "slimnet-512.onnx"}},
		{"altered runtime tarball", models.Standard, from(t, "some-runtime-1.2.3.tgz", wrong), []string{sum(wrong), "@some/runtime@1.2.3"}},
		{"altered runtime library", models.Standard, from(t, h.libraryFile, wrong), []string{sum(wrong), sum(h.library)}},
		{"no runtime in the folder", models.Standard, models.FetchOptions{From: t.TempDir()}, []string{h.libraryFile, "some-runtime-1.2.3.tgz"}},
		{"custom", models.Custom, models.FetchOptions{}, []string{"docs/models.md"}},
		{"unknown profile", "sepia", models.FetchOptions{}, []string{"standard, portrait and custom"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, h.libraryFile), []byte("an older library"))
			write(t, filepath.Join(dir, "slimnet-512.onnx"), []byte("an older network"))
			before := snapshot(t, dir)
			err := h.Fetch(t.Context(), dir, c.profile, c.opts)
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range c.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			if after := snapshot(t, dir); !maps.Equal(before, after) {
				t.Errorf("folder changed: %v, then %v", before, after)
			}
		})
	}
}

func TestFetchRuntimeFromALooseLibrary(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir, from := filepath.Join(t.TempDir(), "models"), t.TempDir()
	write(t, filepath.Join(from, h.libraryFile), h.library)
	var log []string
	opts := models.FetchOptions{From: from, Log: func(s string) { log = append(log, s) }}
	if err := h.Fetch(t.Context(), dir, models.Standard, opts); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(dir); err != nil {
		t.Error(err)
	}
	before := snapshot(t, dir)
	if err := h.Fetch(t.Context(), dir, models.Standard, models.FetchOptions{From: t.TempDir()}); err != nil {
		t.Errorf("a right library was asked for again: %v", err)
	}
	if after := snapshot(t, dir); !maps.Equal(before, after) {
		t.Error("a second fetch changed the folder")
	}
	if len(log) == 0 {
		t.Error("nothing was told")
	}
}

func TestRebuildChecksTheTarball(t *testing.T) {
	t.Parallel()
	dir, from := t.TempDir(), t.TempDir()
	b := tarball(t, "package/selfie_segmentation.tflite", []byte("not it"))
	write(t, filepath.Join(from, "mediapipe-selfie_segmentation-0.1.1675465747.tgz"), b)
	err := models.Rebuild(t.Context(), dir, models.FetchOptions{From: from})
	if err == nil || !strings.Contains(err.Error(), sum(b)) || !strings.Contains(err.Error(), "7767b33eaa68990ee06c28bbb89f39a13a47ebb07ff0f1fd4947d9e817bb9bf9") {
		t.Errorf("error %v", err)
	}
	if left := snapshot(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
