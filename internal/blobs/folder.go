package blobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	tempDir = ".tmp" // beside the blobs, so that a rename stays within one file system
	// A temporary file this old was left by a crash: no write takes so long.
	tempAge = time.Hour
)

// folder keeps each blob as a file under one directory. [os.Root] keeps it from following
// links out of there.
type folder struct {
	root   *os.Root
	signer signer
	now    func() time.Time
}

func openFolder(u *url.URL, config Config) (*folder, error) {
	dir := u.Path
	switch u.Host {
	case "", "localhost":
	case ".":
		dir = "." + dir
	default:
		return nil, fmt.Errorf("write file:///absolute/folder or file://./relative/folder (%q would be a host)", u.Host)
	}
	if dir == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("a file:// URL has a path and no parameters")
	}
	signer, err := newSigner(config)
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	if err := makeDurably(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, signer: signer, now: config.Now}
	if err := f.sweep(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

// makeDurably makes dir and what is missing above it, and syncs the folders that got a new
// entry: a blob is not safe in a folder whose own name is lost in a crash.
func makeDurably(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDurably(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sweep makes the folder for temporary files, or clears it of what a crash left.
func (f *folder) sweep() error {
	if err := f.root.Mkdir(tempDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := fs.ReadDir(f.root.FS(), tempDir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || f.now().Sub(info.ModTime()) < tempAge {
			continue // another process is writing it, or has finished
		}
		if err := f.root.Remove(path.Join(tempDir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (f *folder) put(ctx context.Context, key, _ string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	temp := path.Join(tempDir, rand.Text())
	if err := f.write(temp, data); err != nil {
		return full(errors.Join(err, f.forget(temp)))
	}
	if err := f.rename(temp, key); err != nil {
		return full(errors.Join(err, f.forget(temp)))
	}
	// The file's bytes are safe; now its name, and the names of folders on the way, which
	// somebody else may have made a moment ago without having synced them yet.
	return full(f.syncUp(path.Dir(key)))
}

// full marks the errors of a disk that has no room.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func (f *folder) forget(temp string) error {
	if err := f.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *folder) write(name string, data []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// rename tries again when a delete takes the empty folder away under it.
func (f *folder) rename(temp, key string) error {
	var err error
	for range 10 {
		if err = f.root.MkdirAll(path.Dir(key), 0o700); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err = f.root.Rename(temp, key); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// syncUp makes the entries of dir and of every folder above it durable.
func (f *folder) syncUp(dir string) error {
	for {
		if err := f.syncDir(dir); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
}

func (f *folder) syncDir(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *folder) open(key string) (*os.File, fs.FileInfo, error) {
	file, err := f.root.Open(key)
	if err != nil {
		if errors.Is(err, syscall.ENOTDIR) {
			err = fs.ErrNotExist
		}
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

func (f *folder) reader(_ context.Context, key string) (io.ReadCloser, error) {
	file, _, err := f.open(key)
	return file, err
}

func (f *folder) remove(_ context.Context, key string) error {
	if err := f.root.Remove(key); err != nil {
		return err
	}
	dir := path.Dir(key)
	for dir != "." && f.root.Remove(dir) == nil { // fails while something is in it
		dir = path.Dir(dir)
	}
	err := f.syncDir(dir)
	if errors.Is(err, fs.ErrNotExist) { // another delete took it away, and syncs above
		return f.syncDir(".")
	}
	return err
}

func (f *folder) list(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		start := path.Dir(prefix + "x") // the folder the last, perhaps partial, name is in
		if start != "." && checkKey(start) != nil {
			return // no key begins so
		}
		err := fs.WalkDir(f.root.FS(), start, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // deleted meanwhile, or nothing with this prefix
				return nil
			case err != nil:
				return err
			case name == tempDir:
				return fs.SkipDir
			case entry.IsDir():
				return ctx.Err()
			case !strings.HasPrefix(name, prefix):
				return nil
			}
			return yieldFile(yield, name, entry)
		})
		if err != nil {
			yield(Object{}, err)
		}
	}
}

// yieldFile yields one file of a walk, unless it was deleted meanwhile.
func yieldFile(yield func(Object, error) bool, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !yield(Object{Key: name, Size: info.Size(), Modified: info.ModTime()}, nil) {
		return fs.SkipAll
	}
	return err
}

func (f *folder) link(_ context.Context, l link) (string, error) { return f.signer.link(l), nil }

func (f *folder) handler() http.Handler { return http.HandlerFunc(f.serve) }

func (f *folder) check(_ context.Context) error {
	temp := path.Join(tempDir, rand.Text())
	return full(errors.Join(f.write(temp, []byte("check")), f.forget(temp)))
}

func (f *folder) close() error { return f.root.Close() }
