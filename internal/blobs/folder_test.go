package blobs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/blobs"
)

var (
	signingKey = bytes.Repeat([]byte("k"), 32)
	pngBytes   = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0, 1, 2, 3}, 4096)...)
)

func openFolder(t *testing.T, dir string, config blobs.Config) *blobs.Store {
	t.Helper()
	if config.SigningKey == nil {
		config.SigningKey = signingKey
	}
	if config.BaseURL == "" {
		config.BaseURL = "https://headroom.example"
	}
	store, err := blobs.Open(t.Context(), "file://"+dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func keyOf(account, submission string, data []byte) string {
	sum := sha256.Sum256(data)
	return account + "/" + submission + "/" + hex.EncodeToString(sum[:])
}

func listed(t *testing.T, store *blobs.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for object, err := range store.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprintf("%s %d", object.Key, object.Size))
	}
	slices.Sort(keys)
	return keys
}

// testStore is what any store must do, whatever it is made of.
func testStore(t *testing.T, store *blobs.Store) {
	t.Helper()
	ctx := t.Context()
	key := keyOf("acc_1", "sub_1", pngBytes)
	if _, err := store.Get(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get before put: %v", err)
	}
	for range 2 { // again is no error
		if err := store.Put(ctx, key, "image/png", pngBytes); err != nil {
			t.Fatal(err)
		}
	}
	got, err := store.Get(ctx, key)
	if err != nil || !bytes.Equal(got, pngBytes) {
		t.Errorf("get: %d bytes, %v", len(got), err)
	}
	for name, data := range map[string]string{"acc_1/sub_1/a": "1", "acc_1/sub_2/b": "22", "acc_10/sub_1/c": "333", "top": ""} {
		if err := store.Put(ctx, name, "application/octet-stream", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{
		"":             {key + " 16392", "acc_1/sub_1/a 1", "acc_1/sub_2/b 2", "acc_10/sub_1/c 3", "top 0"},
		"acc_1":        {key + " 16392", "acc_1/sub_1/a 1", "acc_1/sub_2/b 2", "acc_10/sub_1/c 3"},
		"acc_1/":       {key + " 16392", "acc_1/sub_1/a 1", "acc_1/sub_2/b 2"},
		"acc_1/sub_2/": {"acc_1/sub_2/b 2"},
		"acc_1/sub_9/": nil,
		"nobody":       nil,
		"../":          nil,
		"/":            nil,
		".tmp":         nil,
	} {
		slices.Sort(want)
		if got := listed(t, store, prefix); !slices.Equal(got, want) {
			t.Errorf("list %q:\ngot  %q\nwant %q", prefix, got, want)
		}
	}
	for range 2 {
		if err := store.Delete(ctx, key); err != nil {
			t.Error(err)
		}
	}
	if _, err := store.Reader(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after delete: %v", err)
	}
	for _, bad := range []string{"", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/../b", "a/.b", "a b", "a%2fb", `a\b`, "a\x00", "ä", strings.Repeat("a", 513)} {
		for what, err := range map[string]error{
			"put": store.Put(ctx, bad, "image/png", nil), "delete": store.Delete(ctx, bad), "get": second(store.Get(ctx, bad)),
			"link": third(store.SignedURL(ctx, bad, "image/png", "", time.Hour)),
		} {
			if !errors.Is(err, blobs.ErrKey) {
				t.Errorf("%s %q: %v", what, bad, err)
			}
		}
	}
	if err := store.Check(ctx); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func third[T, U any](_ T, _ U, err error) error { return err }

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "photos")
	store := openFolder(t, dir, blobs.Config{})
	testStore(t, store)
	for _, name := range []string{"acc_1/sub_1/a", "acc_1/sub_2/b", "acc_10/sub_1/c", "top"} {
		if err := store.Delete(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	// Erasure leaves nothing, not even the folders named after what was erased.
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != ".tmp" {
		t.Errorf("left behind: %v, %v", left, err)
	}
	temps, err := os.ReadDir(filepath.Join(dir, ".tmp"))
	if err != nil || len(temps) != 0 {
		t.Errorf("temporary files: %v, %v", temps, err)
	}
}

func TestFolderPutsAndDeletesSideBySide(t *testing.T) {
	t.Parallel()
	store := openFolder(t, t.TempDir(), blobs.Config{})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for range 20 { // all in one folder, which every delete tries to take away
				key := fmt.Sprintf("acc/sub/%d", worker)
				if err := store.Put(t.Context(), key, "", []byte("x")); err != nil {
					t.Error(err)
				}
				if got, err := store.Get(t.Context(), key); err != nil || string(got) != "x" {
					t.Errorf("%s: %q, %v", key, got, err)
				}
				if err := store.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if left := listed(t, store, ""); left != nil {
		t.Errorf("left: %q", left)
	}
}

func TestAReaderKeepsTheOldBytesWhileNewOnesAreWritten(t *testing.T) {
	t.Parallel()
	store := openFolder(t, t.TempDir(), blobs.Config{})
	for _, data := range []string{"old", "new"} {
		if err := store.Put(t.Context(), "a/b", "", []byte(data)); err != nil {
			t.Fatal(err)
		}
		if data == "new" {
			break
		}
		r, err := store.Reader(t.Context(), "a/b")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if got, err := io.ReadAll(r); err != nil || string(got) != "old" {
				t.Errorf("the open reader: %q, %v", got, err)
			}
			_ = r.Close()
		}()
	}
}

func TestFolderSweepsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openFolder(t, dir, blobs.Config{})
	for name, age := range map[string]time.Duration{"stale": 2 * time.Hour, "fresh": time.Minute} {
		path := filepath.Join(dir, ".tmp", name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	openFolder(t, dir, blobs.Config{})
	left, err := os.ReadDir(filepath.Join(dir, ".tmp"))
	if err != nil || len(left) != 1 || left[0].Name() != "fresh" {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestFolderDoesNotFollowLinksOut(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	store := openFolder(t, dir, blobs.Config{})
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "acc")); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Get(t.Context(), "acc/secret"); err == nil {
		t.Errorf("read %q", got)
	}
	if err := store.Put(t.Context(), "acc/new", "", []byte("x")); err == nil {
		t.Error("wrote outside")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := blobs.Config{SigningKey: signingKey, BaseURL: "https://headroom.example"}
	for name, c := range map[string]struct {
		url    string
		config blobs.Config
	}{
		"no scheme":         {"/tmp/x", good},
		"memory":            {"mem://", good},
		"host":              {"file://data/photos", good},
		"no path":           {"file://", good},
		"parameters":        {"file://" + t.TempDir() + "?metadata=x", good},
		"short key":         {"file://" + t.TempDir(), blobs.Config{SigningKey: signingKey[:31], BaseURL: good.BaseURL}},
		"relative base URL": {"file://" + t.TempDir(), blobs.Config{SigningKey: signingKey, BaseURL: "/x"}},
		"unknown option":    {"s3://bucket?colour=red", good},
	} {
		if store, err := blobs.Open(t.Context(), c.url, c.config); err == nil {
			t.Errorf("%s: opened", name)
			_ = store.Close()
		}
	}
}

func BenchmarkFolderPut(b *testing.B) {
	store, err := blobs.Open(b.Context(), "file://"+b.TempDir(), blobs.Config{SigningKey: signingKey, BaseURL: "http://x"})
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 300<<10)
	for i := 0; b.Loop(); i++ {
		if err := store.Put(b.Context(), fmt.Sprintf("acc/sub%d/x", i), "", data); err != nil {
			b.Fatal(err)
		}
	}
}
