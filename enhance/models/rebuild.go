package models

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"headroom/enhance/models/convert"
	"headroom/enhance/models/npm"
)

// Rebuild makes the bundled networks anew from the publisher's npm packages and writes them into dir. It
// is how the committed files came to be, and how anyone can check that they are what they claim:
// tarball, publisher's file and result must each have the pinned sha256, or nothing of it is written.
func Rebuild(ctx context.Context, dir string, opts FetchOptions) error {
	cat, err := bundledCatalog()
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "headroom-rebuild-")
	if err != nil {
		return fmt.Errorf("rebuild models: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	for i := range cat.Models {
		e := &cat.Models[i]
		if !e.Bundled {
			continue
		}
		tflite, err := published(ctx, tmp, e.Source, opts.From)
		if err != nil {
			return fmt.Errorf("rebuild %s: %w", e.Name, err)
		}
		onnx, err := toONNX(e, tflite)
		if err != nil {
			return fmt.Errorf("rebuild %s: %w", e.Name, err)
		}
		if err := putBytes(filepath.Join(dir, e.File), onnx); err != nil {
			return fmt.Errorf("rebuild %s: %w", e.Name, err)
		}
		opts.log("%s: %d bytes, sha256 %s", e.File, len(onnx), e.SHA256)
	}
	return nil
}

// published reads the publisher's file out of its npm package; toONNX checks its hash.
func published(ctx context.Context, tmp string, s Source, from string) ([]byte, error) {
	pkg := npm.Package{Name: s.Package, Version: s.Version, SHA256: s.Tarball}
	tarball, err := pkg.Pack(ctx, tmp, from)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := npm.Copy(&b, tarball, s.Member, fetchLimit); err != nil {
		return nil, err
	}
	if s.Length == 0 {
		return b.Bytes(), nil
	}
	if int64(b.Len()) < s.Offset+s.Length {
		return nil, fmt.Errorf("%s has %d bytes, the network should be at %d, %d bytes long", s.Member, b.Len(), s.Offset, s.Length)
	}
	return b.Bytes()[s.Offset : s.Offset+s.Length], nil
}

// Convert makes ONNX of a .tflite file on disk, for networks that are not in the manifest.
func Convert(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	onnx, err := convert.ONNX(b)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return putBytes(to, onnx)
}
