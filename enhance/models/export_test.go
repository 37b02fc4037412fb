package models

import (
	"context"
	"io/fs"
)

// Catalog lets the tests pin small files of their own instead of the bundled ones.
type Catalog struct{ c *catalog }

// ReadCatalog reads a manifest and its files.
func ReadCatalog(files fs.FS) (Catalog, error) {
	c, err := readCatalog(files)
	return Catalog{c}, err
}

// Open is [Open] with this catalogue.
func (c Catalog) Open(dir string) (*Set, error) { return c.c.open(dir) }

// Install is [Install] with this catalogue.
func (c Catalog) Install(dir string) error { return c.c.install(dir) }

// List is [List] with this catalogue.
func (c Catalog) List(dir string) ([]Status, error) { return c.c.list(dir) }

// Verify is [Verify] with this catalogue.
func (c Catalog) Verify(dir string) ([]Status, error) { return c.c.verify(dir) }

// Fetch is [Fetch] with this catalogue.
func (c Catalog) Fetch(ctx context.Context, dir, profile string, opts FetchOptions) error {
	return c.c.fetch(ctx, dir, profile, opts)
}
