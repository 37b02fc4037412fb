package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"headroom/enhance/models/npm"
)

// FetchRuntime puts the ONNX Runtime library for this machine into dir and does nothing, within the time
// to hash 45 MB, when it is already there and right. It comes out of the publisher's npm package, whose
// tarball (114 MB) and library are both pinned; opts.From names a folder that holds either instead.
//
// Errors leave dir as it was: no library for this platform, no npm, a checksum other than the pinned one.
func FetchRuntime(ctx context.Context, dir string, opts FetchOptions) error {
	cat, err := bundledCatalog()
	if err != nil {
		return err
	}
	return cat.fetchRuntime(ctx, dir, opts)
}

func (c *catalog) fetchRuntime(ctx context.Context, dir string, opts FetchOptions) error {
	lib, err := c.library()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, lib.File)
	if checkFile(path, lib.SHA256, "") == nil {
		opts.log("%s: already there", path)
		return nil
	}
	pkg := npm.Package{Name: c.Runtime.Package, Version: c.Runtime.Version, SHA256: c.Runtime.Tarball}
	if opts.From != "" {
		if loose := filepath.Join(opts.From, lib.File); exists(loose) {
			return c.putRuntime(dir, lib, opts, loose, func(w io.Writer) error { return copyFile(w, loose) })
		}
		if !exists(filepath.Join(opts.From, pkg.Tarball())) {
			return fmt.Errorf("folder %s holds neither %s nor %s", opts.From, lib.File, pkg.Tarball())
		}
	}
	tmp, err := os.MkdirTemp("", "headroom-runtime-")
	if err != nil {
		return fmt.Errorf("fetch runtime: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if opts.From == "" {
		opts.log("fetching %s by npm pack (114 MB, once)", pkg)
	}
	tarball, err := pkg.Pack(ctx, tmp, opts.From)
	if err != nil {
		return fmt.Errorf("fetch runtime: %w", err)
	}
	return c.putRuntime(dir, lib, opts, tarball, func(w io.Writer) error {
		return npm.Copy(w, tarball, lib.Member, lib.Bytes)
	})
}

func (c *catalog) putRuntime(dir string, lib library, opts FetchOptions, from string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // models are public files
		return fmt.Errorf("models folder: %w", err)
	}
	path := filepath.Join(dir, lib.File)
	if err := put(path, lib.SHA256, fill); err != nil {
		return fmt.Errorf("runtime from %s: %w", from, err)
	}
	opts.log("%s: from %s", path, filepath.Base(from))
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, f.Close())
}
