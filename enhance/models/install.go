package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Install writes the bundled networks with their notices and a copy of the manifest into dir, making the
// folder when needed. Files that are already right are left alone, so it costs a few milliseconds the
// second time; an altered one is replaced whole. The runtime library is [FetchRuntime]'s part.
func Install(dir string) error {
	cat, err := bundledCatalog()
	if err != nil {
		return err
	}
	return cat.install(dir)
}

func (c *catalog) install(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // models are public files
		return fmt.Errorf("models folder: %w", err)
	}
	items, err := c.notices()
	if err != nil {
		return err
	}
	for i := range c.Models {
		if c.Models[i].Bundled {
			items = append(items, c.Models[i].item(Standard))
		}
	}
	for _, it := range items {
		if it.profile != Standard {
			continue // a notice comes with the network it speaks of
		}
		if err := c.installFile(dir, it); err != nil {
			return err
		}
	}
	return nil
}

// installFile writes one embedded file unless it is there already.
func (c *catalog) installFile(dir string, it item) error {
	path := filepath.Join(dir, it.file)
	err := checkFile(path, it.sha256, "")
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*FileError](err); !ok {
		return fmt.Errorf("install models: %w", err)
	}
	b, err := fs.ReadFile(c.files, it.file)
	if err != nil {
		return fmt.Errorf("install models: %w", err)
	}
	if got := sum(b); got != it.sha256 {
		return fmt.Errorf("install models: this binary holds a %s with sha256 %s, its manifest says %s", it.file, got, it.sha256)
	}
	return putBytes(path, b)
}
