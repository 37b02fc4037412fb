package npm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"headroom/enhance/models/npm"
)

func TestCopyTakesOneMemberWithinItsLimit(t *testing.T) {
	t.Parallel()
	path := packed(t)
	var b bytes.Buffer
	if err := npm.Copy(&b, path, "package/b.txt", 5); err != nil || b.String() != "world" {
		t.Errorf("%q, %v", b.String(), err)
	}
	b.Reset()
	if err := npm.Copy(&b, path, "package/b.txt", 4); err == nil || b.Len() > 0 {
		t.Errorf("beyond the limit: %q, %v", b.String(), err)
	}
	if err := npm.Copy(&b, path, "package/c.txt", 9); !errors.Is(err, npm.ErrNoMember) {
		t.Errorf("absent member: %v", err)
	}
	if err := npm.Copy(&b, path, "package/link", 9); !errors.Is(err, npm.ErrNoMember) {
		t.Errorf("a link was followed: %v", err)
	}
}

func TestPackFromAFolderChecksTheTarball(t *testing.T) {
	t.Parallel()
	path := packed(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(content)
	right := npm.Package{Name: "@scope/name", Version: "1.0.0", SHA256: hex.EncodeToString(h[:])}
	if got, err := right.Pack(t.Context(), t.TempDir(), filepath.Dir(path)); err != nil || got != path {
		t.Errorf("%s, %v", got, err)
	}
	wrong := right
	wrong.SHA256 = strings.Repeat("0", 64)
	if _, err := wrong.Pack(t.Context(), t.TempDir(), filepath.Dir(path)); err == nil ||
		!strings.Contains(err.Error(), right.SHA256) || !strings.Contains(err.Error(), wrong.SHA256) {
		t.Errorf("error %v", err)
	}
	if _, err := right.Pack(t.Context(), t.TempDir(), t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent tarball: %v", err)
	}
}

// packed writes a tarball with a.txt, b.txt and a link under the name npm would give it.
func packed(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range []tar.Header{
		{Name: "package/a.txt", Mode: 0o644, Size: 5}, {Name: "package/b.txt", Mode: 0o644, Size: 5},
		{Name: "package/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(map[string]string{"package/a.txt": "hello", "package/b.txt": "world"}[h.Name])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "scope-name-1.0.0.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
