package models_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"

	"headroom/enhance/models"
	"headroom/enhance/models/convert"
)

type object = map[string]any

// house is a catalogue of small files with the shape of the real one: one bundled network, one to
// fetch (the converter's toy network), and a runtime library inside a tarball.
type house struct {
	models.Catalog
	mask, library  []byte
	tflite, onnx   []byte
	packages       string // folder that holds the runtime's tarball
	libraryFile    string
	publishedPath  string // where the publisher serves the network
	publishedFile  string
	publishedNotes string
}

func build(t *testing.T) *house {
	t.Helper()
	h := &house{
		mask: []byte("a person mask"), library: bytes.Repeat([]byte("runtime "), 500),
		packages: t.TempDir(), libraryFile: "libonnxruntime.so.1",
		publishedFile: "net.tflite", publishedPath: "/someone/nets/abc123/dir/net.tflite", publishedNotes: "NOTICE-slimnet-512",
	}
	h.tflite = read(t, filepath.Join("convert", "testdata", "operators.tflite"))
	var err error
	if h.onnx, err = convert.ONNX(h.tflite); err != nil {
		t.Fatal(err)
	}
	tarball := tarball(t, "package/lib.so", h.library)
	write(t, filepath.Join(h.packages, "some-runtime-1.2.3.tgz"), tarball)
	manifest, err := json.Marshal(h.manifest(sum(tarball)))
	if err != nil {
		t.Fatal(err)
	}
	h.Catalog, err = models.ReadCatalog(fstest.MapFS{
		"manifest.json":    {Data: manifest},
		"selfie-256.onnx":  {Data: h.mask},
		"NOTICE":           {Data: []byte("thanks")},
		h.publishedNotes:   {Data: []byte("consent is not documented")},
		"face-x.onnx.note": {Data: []byte("not a network")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) manifest(tarballSum string) object {
	network := func(name, hash string, bundled bool, notice string, source object) object {
		return object{
			"name": name, "file": name + ".onnx", "sha256": hash, "bundled": bundled, "side": 256, "mean": [3]int{}, "std": [3]int{1, 1, 1},
			"input": "input", "outputs": []string{"output0"}, "layout": "NHWC", "sigmoid": false, "license": "MIT", "notice": notice, "source": source,
		}
	}
	return object{
		"models": []object{
			network(models.PersonMask, sum(h.mask), true, "NOTICE", object{"package": "p", "version": "1", "member": "m"}),
			network(models.PortraitMatte, sum(h.onnx), false, h.publishedNotes, object{
				"repository": "someone/nets", "commit": "abc123", "member": "dir/" + h.publishedFile, "sha256": sum(h.tflite),
			}),
		},
		"profiles": []object{
			{"name": models.Standard, "matte": []string{models.PersonMask}},
			{"name": models.Portrait, "matte": []string{models.PersonMask, models.PortraitMatte}},
		},
		"runtime": object{
			"package": "@some/runtime", "version": "1.2.3", "tarball_sha256": tarballSum, "license": "MIT",
			"libraries": object{runtime.GOOS + "/" + runtime.GOARCH: object{
				"member": "package/lib.so", "file": h.libraryFile, "sha256": sum(h.library), "bytes": len(h.library),
			}},
		},
	}
}

// standard gives a complete folder for the standard profile.
func (h *house) standard(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "models")
	if err := h.Fetch(t.Context(), dir, models.Standard, models.FetchOptions{From: h.packages}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func tarball(t *testing.T, member string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range []struct {
		name string
		body []byte
	}{{"package/README.md", []byte("hello")}, {member, content}} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// snapshot maps every file of a folder, hidden ones too, to its hash and time of change. An absent
// folder is empty.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = sum(read(t, filepath.Join(dir, f.Name()))) + info.ModTime().String()
	}
	return out
}
