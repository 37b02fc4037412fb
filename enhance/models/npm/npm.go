// Package npm brings files out of published npm packages, pinned by checksum, without running anything
// of theirs: the ordinary client packs the tarball as published (`npm pack`, scripts off), its sha256 is
// compared, and single members are read straight from it.
package npm

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Package is one pinned release.
type Package struct {
	Name, Version string
	SHA256        string // of the published tarball
}

func (p Package) String() string { return p.Name + "@" + p.Version }

// Tarball is the file name that npm gives the package: scope-name-version.tgz.
func (p Package) Tarball() string {
	return strings.ReplaceAll(strings.TrimPrefix(p.Name, "@"), "/", "-") + "-" + p.Version + ".tgz"
}

// Pack brings the tarball and returns its path: from the folder from when that is not empty (no network
// then), else by npm into the folder dir, which the caller owns and removes.
//
// Errors: no npm on this machine, npm's own words when it fails, or a checksum other than the pinned one.
func (p Package) Pack(ctx context.Context, dir, from string) (string, error) {
	path := filepath.Join(from, p.Tarball())
	if from == "" {
		path = filepath.Join(dir, p.Tarball())
		if err := p.download(ctx, dir); err != nil {
			return "", err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("npm package %s: %w", p, err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("npm package %s: read %s: %w", p, path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != p.SHA256 {
		return "", fmt.Errorf("npm package %s: tarball %s has sha256 %s, expected %s", p, path, got, p.SHA256)
	}
	return path, nil
}

func (p Package) download(ctx context.Context, dir string) error {
	// --prefix keeps npm from reading or writing the package.json of the folder we were started in.
	//nolint:gosec // name and version come from our own manifest
	cmd := exec.CommandContext(ctx, "npm", "pack", "--ignore-scripts", "--silent", "--prefix", dir, "--pack-destination", dir, p.String())
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("npm package %s: npm is not installed; install Node.js, or give a folder that holds %s", p, p.Tarball())
	}
	if err != nil {
		return fmt.Errorf("npm pack %s: %w: %s", p, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// ErrNoMember says that a tarball lacks the member asked for.
var ErrNoMember = errors.New("no such member in the tarball")

// Copy writes one member of a tarball to w. More than limit bytes is an error: the hash is checked by
// the caller, the limit keeps a wrong file from filling the disk first.
func Copy(w io.Writer, tarball, member string, limit int64) error {
	f, err := os.Open(tarball)
	if err != nil {
		return fmt.Errorf("read tarball: %w", err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("read tarball %s: %w", tarball, err)
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %s: %w", tarball, member, ErrNoMember)
		}
		if err != nil {
			return fmt.Errorf("read tarball %s: %w", tarball, err)
		}
		if h.Name != member || h.FileInfo().Mode()&fs.ModeType != 0 {
			continue
		}
		if h.Size > limit {
			return fmt.Errorf("%s: %s has %d bytes, more than the %d expected", tarball, member, h.Size, limit)
		}
		if _, err := io.CopyN(w, t, h.Size); err != nil {
			return fmt.Errorf("%s: copy %s: %w", tarball, member, err)
		}
		return nil
	}
}
