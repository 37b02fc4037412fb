package models

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"headroom/enhance/models/convert"
)

const (
	// githubRaw serves the files of public repositories by commit.
	githubRaw = "https://raw.githubusercontent.com"

	fetchTimeout = 20 * time.Second
	fetchLimit   = 16 << 20 // bytes; the largest file we fetch so has 1.5 MB
)

// FetchOptions says where files may come from. The zero value is usable: the publisher, silently.
type FetchOptions struct {
	// From is a folder with the files to take instead of asking the network: the publisher's .tflite or
	// the converted .onnx, the runtime's tarball or library. Empty means the publisher.
	From string
	// Mirror replaces the scheme and host of the publisher's raw files. Default: GitHub's.
	Mirror string
	// Log hears one line per file, for people. Default: nobody.
	Log func(string)
}

func (o FetchOptions) log(format string, args ...any) {
	if o.Log != nil {
		o.Log(fmt.Sprintf(format, args...))
	}
}

// Fetch makes a profile usable in dir: for standard the bundled networks and the runtime library, for
// portrait its network, fetched from the publisher, checked and converted on the spot, with its notice
// beside it (and the bundled networks; the runtime stays standard's part). Nothing is fetched for custom.
//
// On an error dir holds what it held before: a fetched file is checked before anything is written.
func Fetch(ctx context.Context, dir, profile string, opts FetchOptions) error {
	cat, err := bundledCatalog()
	if err != nil {
		return err
	}
	return cat.fetch(ctx, dir, profile, opts)
}

func (c *catalog) fetch(ctx context.Context, dir, profile string, opts FetchOptions) error {
	switch profile {
	case Standard:
		if err := c.fetchRuntime(ctx, dir, opts); err != nil {
			return err
		}
		return c.install(dir)
	case Portrait:
		return c.fetchPortrait(ctx, dir, opts)
	case Custom:
		return errors.New("profile custom is the operator's own network: nothing is fetched for it; docs/models.md shows how to bring one")
	}
	return fmt.Errorf("no profile %q; there are %s, %s and %s", profile, Standard, Portrait, Custom)
}

func (c *catalog) fetchPortrait(ctx context.Context, dir string, opts FetchOptions) error {
	e, err := c.model(PortraitMatte)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, e.File)
	if checkFile(path, e.SHA256, "") == nil {
		opts.log("%s: already there", path)
		return c.install(dir)
	}
	onnx, err := c.obtain(ctx, e, opts)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", e.Name, err)
	}
	if err := c.install(dir); err != nil {
		return err
	}
	notices, err := c.notices()
	if err != nil {
		return err
	}
	for _, it := range notices {
		if it.file == e.Notice {
			if err := c.installFile(dir, it); err != nil {
				return err
			}
		}
	}
	if err := putBytes(path, onnx); err != nil {
		return err
	}
	opts.log("%s: %s, licence %s; see %s", path, e.Source, e.License, e.Notice)
	return nil
}

// obtain returns the network's ONNX bytes with the pinned hash, from a folder or from the publisher.
func (c *catalog) obtain(ctx context.Context, e *entry, opts FetchOptions) ([]byte, error) {
	base := filepath.Base(e.Source.Member)
	if opts.From == "" {
		b, err := download(ctx, opts, e.Source)
		if err != nil {
			return nil, err
		}
		return toONNX(e, b)
	}
	for _, name := range []string{e.File, base} {
		path := filepath.Join(opts.From, name)
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if name == base {
			return toONNX(e, b)
		}
		if got := sum(b); got != e.SHA256 {
			return nil, &FileError{File: path, Want: e.SHA256, Got: got, Repair: "give a folder with the right file"}
		}
		return b, nil
	}
	return nil, fmt.Errorf("folder %s holds neither %s nor %s", opts.From, e.File, base)
}

// toONNX checks the publisher's bytes, converts them, and checks that the result is the network measured.
func toONNX(e *entry, tflite []byte) ([]byte, error) {
	if got := sum(tflite); got != e.Source.SHA256 {
		return nil, fmt.Errorf("the publisher's file (%s) has sha256 %s, expected %s", e.Source, got, e.Source.SHA256)
	}
	onnx, err := convert.ONNX(tflite)
	if err != nil {
		return nil, err
	}
	if got := sum(onnx); got != e.SHA256 {
		return nil, fmt.Errorf("the conversion of %s has sha256 %s, expected %s", e.Source, got, e.SHA256)
	}
	return onnx, nil
}

// download gets a repository's file as it was at the pinned commit.
func download(ctx context.Context, opts FetchOptions, s Source) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	u, err := url.JoinPath(cmp.Or(opts.Mirror, githubRaw), s.Repository, s.Commit, s.Member)
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", s, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", s, err)
	}
	opts.log("fetching %s", u)
	client := &http.Client{Timeout: fetchTimeout}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w (without a network: --from DIR with %s)", err, filepath.Base(s.Member))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", u, resp.Status)
	}
	var b bytes.Buffer
	if n, err := io.Copy(&b, io.LimitReader(resp.Body, fetchLimit+1)); err != nil {
		return nil, fmt.Errorf("read %s: %w", u, err)
	} else if n > fetchLimit {
		return nil, fmt.Errorf("%s is larger than %d bytes", u, fetchLimit)
	}
	return b.Bytes(), nil
}
