package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FileError says that a file of the models folder is missing or not the one that was pinned.
type FileError struct {
	File   string // its path
	Want   string // pinned sha256
	Got    string // sha256 found; empty when the file is missing
	Repair string // the command that puts it right
}

// Missing tells an absent file from an altered one.
func (e *FileError) Missing() bool { return e.Got == "" }

func (e *FileError) Error() string {
	if e.Missing() {
		return fmt.Sprintf("%s is missing (expected sha256 %s); repair: %s", e.File, e.Want, e.Repair)
	}
	return fmt.Sprintf("%s is altered: expected sha256 %s, found %s; repair: %s", e.File, e.Want, e.Got, e.Repair)
}

func repairFetch(profile string) string { return "headroom models fetch " + profile }

// sumFile returns the sha256 of a file in hex and its size.
func sumFile(path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("hash %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// checkFile returns nil when path has the pinned hash, else a *FileError.
func checkFile(path, want, repair string) error {
	got, _, err := sumFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &FileError{File: path, Want: want, Repair: repair}
	}
	if err != nil {
		return err
	}
	if got != want {
		return &FileError{File: path, Want: want, Got: got, Repair: repair}
	}
	return nil
}

// put writes a file whole or not at all: beside its place, flushed, then renamed over it. Readers, and
// processes that have the old library mapped, keep the old bytes. fill must write all of it, and what it
// wrote must have the hash want; otherwise nothing changes.
func put(path, want string, fill func(io.Writer) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
		}
	}()
	h := sha256.New()
	if err := fill(io.MultiWriter(tmp, h)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("write %s: the source has sha256 %s, expected %s", path, got, want)
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Sync()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return tmp.Close()
}

func putBytes(path string, b []byte) error {
	return put(path, sum(b), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}
