package models_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"headroom/enhance/models"
)

func TestOpenHandsOutWhatTheFolderHolds(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir := h.standard(t)
	set, err := h.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := set.Runtime(), filepath.Join(dir, h.libraryFile); got != want {
		t.Errorf("runtime %s, want %s", got, want)
	}
	m, err := set.Model(models.PersonMask)
	if err != nil {
		t.Fatal(err)
	}
	if m.Path != filepath.Join(dir, "selfie-256.onnx") || m.SHA256 != sum(h.mask) || m.Side != 256 || m.Layout != models.NHWC ||
		m.Std != [3]float32{1, 1, 1} || m.Source != "npm p@1 m" {
		t.Errorf("model %+v", m)
	}
	if got := set.Best(); got.Name != models.Standard || !slices.Equal(got.Matte, []string{models.PersonMask}) {
		t.Errorf("best profile %+v", got)
	}
	if _, err := set.Profile(models.Portrait); err == nil || !strings.Contains(err.Error(), "headroom models fetch portrait") {
		t.Errorf("absent portrait: %v", err)
	}
	if _, err := set.Profile("sepia"); err == nil || !strings.Contains(err.Error(), "standard, portrait and custom") {
		t.Errorf("unknown profile: %v", err)
	}
	if _, err := set.Model("nobody"); err == nil || !strings.Contains(err.Error(), models.PersonMask) {
		t.Errorf("unknown model: %v", err)
	}
}

func TestAlteredFileIsNamedWithBothHashesAndTheRepair(t *testing.T) {
	t.Parallel()
	h := build(t)
	for _, file := range []string{"selfie-256.onnx", h.libraryFile} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			dir := h.standard(t)
			path := filepath.Join(dir, file)
			want := sum(read(t, path))
			b := read(t, path)
			b[len(b)/2] ^= 1
			write(t, path, b)
			_, err := h.Open(dir)
			var fe *models.FileError
			if !errors.As(err, &fe) {
				t.Fatalf("error %v", err)
			}
			if fe.File != path || fe.Want != want || fe.Got != sum(b) || fe.Missing() {
				t.Errorf("error %+v", fe)
			}
			for _, part := range []string{path, want, sum(b), "headroom models fetch standard"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			list, err := h.Verify(dir)
			if !errors.As(err, &fe) || fe.File != path {
				t.Errorf("verify: %v", err)
			}
			if s := status(t, list, path); s.State != models.StateAltered || s.Found != sum(b) || s.Repair == "" {
				t.Errorf("status %+v", s)
			}
			if err := h.Fetch(t.Context(), dir, models.Standard, models.FetchOptions{From: h.packages}); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Open(dir); err != nil {
				t.Errorf("after the repair: %v", err)
			}
		})
	}
}

func TestAlteredPortraitIsAnErrorNotAStepDown(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir := h.standard(t)
	write(t, filepath.Join(dir, "slimnet-512.onnx"), []byte("something else"))
	if _, err := h.Open(dir); err == nil || !strings.Contains(err.Error(), "headroom models fetch portrait") {
		t.Errorf("error %v", err)
	}
}

func TestMissingFilesAreAllNamed(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir := filepath.Join(t.TempDir(), "nowhere")
	_, err := h.Open(dir)
	var fe *models.FileError
	if !errors.As(err, &fe) || !fe.Missing() {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"selfie-256.onnx is missing", h.libraryFile + " is missing"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	list, err := h.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.State != models.StateMissing || s.Repair == "" || s.SHA256 == "" {
			t.Errorf("status %+v", s)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("looking made the folder: %v", err)
	}
}

func TestVerifyAcceptsAnAbsentPortrait(t *testing.T) {
	t.Parallel()
	h := build(t)
	dir := h.standard(t)
	list, err := h.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		want := models.StateOK
		if s.Profile == models.Portrait {
			want = models.StateMissing
		}
		if s.State != want {
			t.Errorf("%s: %s, want %s", s.Name, s.State, want)
		}
	}
}

func TestInstallIsIdempotentAndRepairs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "models")
	if err := models.Install(dir); err != nil {
		t.Fatal(err)
	}
	first := snapshot(t, dir)
	for _, f := range []string{"selfie-256.onnx", "face-full-192.onnx", "face-short-128.onnx", "face-mesh-192.onnx", "NOTICE", "LICENSE-Apache-2.0", "manifest.json"} {
		if _, ok := first[f]; !ok {
			t.Errorf("no %s in %v", f, slices.Sorted(maps.Keys(first)))
		}
	}
	if _, ok := first["NOTICE-slimnet-512"]; ok {
		t.Error("the notice of a network that is not there")
	}
	if err := models.Install(dir); err != nil {
		t.Fatal(err)
	}
	if second := snapshot(t, dir); !maps.Equal(first, second) {
		t.Errorf("second install changed the folder: %v, then %v", first, second)
	}
	write(t, filepath.Join(dir, "face-mesh-192.onnx"), []byte("half a fi"))
	if err := models.Install(dir); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, filepath.Join(dir, "face-mesh-192.onnx")), read(t, "bundled/face-mesh-192.onnx"); sum(got) != sum(want) {
		t.Error("install left the altered file")
	}
}

func TestBundledFilesAreTheOnesPinned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := models.Install(dir); err != nil {
		t.Fatal(err)
	}
	list, err := models.Verify(dir)
	var fe *models.FileError
	if !errors.As(err, &fe) || !strings.Contains(fe.File, "onnxruntime") {
		t.Errorf("verify without a runtime: %v", err)
	}
	ok := 0
	for _, s := range list {
		if s.Kind == models.KindModel && s.State == models.StateOK {
			ok++
			if s.License != "Apache-2.0" {
				t.Errorf("%s is bundled under %q", s.Name, s.License)
			}
		}
	}
	if ok != 4 {
		t.Errorf("%d networks, want 4", ok)
	}
}

func status(t *testing.T, list []models.Status, path string) models.Status {
	t.Helper()
	for _, s := range list {
		if s.File == path {
			return s
		}
	}
	t.Fatalf("no status for %s", path)
	return models.Status{}
}
