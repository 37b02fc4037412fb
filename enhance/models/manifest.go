package models

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

//go:embed bundled
var bundled embed.FS

const (
	manifestFile = "manifest.json"
	customFile   = "custom.json"
)

// entry is one network in manifest.json or custom.json.
type entry struct {
	Name    string     `json:"name"`
	File    string     `json:"file"`
	SHA256  string     `json:"sha256"`
	Bytes   int64      `json:"bytes,omitempty"`
	Bundled bool       `json:"bundled,omitempty"`
	Side    int        `json:"side"`
	Mean    [3]float32 `json:"mean"`
	Std     [3]float32 `json:"std"`
	Input   string     `json:"input"`
	Outputs []string   `json:"outputs"`
	Layout  string     `json:"layout"`
	Sigmoid bool       `json:"sigmoid"`
	License string     `json:"license"`
	Notice  string     `json:"notice,omitempty"` // file with the licence text that lies beside it
	Source  Source     `json:"source"`
}

// Source says where the publisher's file of a network is to be had: in an npm package (Package, Version,
// Tarball, Member, and Offset and Length when it is packed inside the member), or in a public GitHub
// repository (Repository, Commit, Member).
type Source struct {
	Package    string `json:"package,omitempty"`
	Version    string `json:"version,omitempty"`
	Tarball    string `json:"tarball_sha256,omitempty"`
	Repository string `json:"repository,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Member     string `json:"member,omitempty"`
	Offset     int64  `json:"offset,omitempty"`
	Length     int64  `json:"length,omitempty"`
	SHA256     string `json:"sha256,omitempty"` // of the publisher's file
	Text       string `json:"text,omitempty"`   // custom.json: free words
}

func (s Source) String() string {
	switch {
	case s.Package != "":
		return fmt.Sprintf("npm %s@%s %s", s.Package, s.Version, s.Member)
	case s.Repository != "":
		return fmt.Sprintf("github %s@%s %s", s.Repository, s.Commit, s.Member)
	}
	return s.Text
}

// library is the runtime's file for one platform.
type library struct {
	Member string `json:"member"`
	File   string `json:"file"` // its soname: what the loader would look for
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// catalog is the manifest: what this build of the program trusts.
type catalog struct {
	Models  []entry `json:"models"`
	Runtime struct {
		Package   string             `json:"package"`
		Version   string             `json:"version"`
		Tarball   string             `json:"tarball_sha256"`
		License   string             `json:"license"`
		Libraries map[string]library `json:"libraries"` // by GOOS/GOARCH
	} `json:"runtime"`
	Profiles []struct {
		Name  string   `json:"name"`
		Matte []string `json:"matte"`
	} `json:"profiles"`

	files fs.FS // the bundled files
}

func bundledCatalog() (*catalog, error) {
	files, err := fs.Sub(bundled, "bundled")
	if err != nil {
		return nil, fmt.Errorf("bundled models: %w", err)
	}
	return readCatalog(files)
}

func readCatalog(files fs.FS) (*catalog, error) {
	b, err := fs.ReadFile(files, manifestFile)
	if err != nil {
		return nil, fmt.Errorf("bundled models: %w", err)
	}
	c := &catalog{files: files}
	if err := decodeStrict(b, c); err != nil {
		return nil, fmt.Errorf("bundled %s: %w", manifestFile, err)
	}
	for _, e := range c.Models {
		if err := e.validate(); err != nil {
			return nil, fmt.Errorf("bundled %s: model %q: %w", manifestFile, e.Name, err)
		}
	}
	return c, nil
}

// decodeStrict refuses unknown fields: a misspelt "sigmiod" would otherwise give a wrong matte.
func decodeStrict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one JSON document")
	}
	return nil
}

var (
	isSHA256   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	isFileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

func (e *entry) validate() error {
	switch {
	case !isFileName.MatchString(e.Name):
		return fmt.Errorf("name %q: letters, digits, dot, dash and underscore only", e.Name)
	case !isFileName.MatchString(e.File):
		return fmt.Errorf("file %q must be a plain file name in the models folder", e.File)
	case !isSHA256.MatchString(e.SHA256):
		return fmt.Errorf("sha256 %q is not 64 lower-case hex digits", e.SHA256)
	case e.Side < 32 || e.Side > 4096:
		return fmt.Errorf("side %d is not within 32 and 4096", e.Side)
	case slices.Contains(e.Std[:], 0):
		return fmt.Errorf("std %v: a zero would divide by zero; [1,1,1] leaves values as they are", e.Std)
	case e.Input == "" || len(e.Outputs) == 0 || slices.Contains(e.Outputs, ""):
		return errors.New("input and outputs must name the network's tensors")
	case e.Layout != NHWC && e.Layout != NCHW:
		return fmt.Errorf("layout %q is neither %s nor %s", e.Layout, NHWC, NCHW)
	}
	return nil
}

func (e *entry) public(dir string) Model {
	return Model{
		Name: e.Name, Path: filepath.Join(dir, e.File), SHA256: e.SHA256, Bytes: e.Bytes, Side: e.Side,
		Mean: e.Mean, Std: e.Std, Input: e.Input, Outputs: e.Outputs, Layout: e.Layout,
		Sigmoid: e.Sigmoid, License: e.License, Source: e.Source.String(),
	}
}

// model returns the catalogue's entry by name.
func (c *catalog) model(name string) (*entry, error) {
	for i := range c.Models {
		if c.Models[i].Name == name {
			return &c.Models[i], nil
		}
	}
	return nil, fmt.Errorf("no model %q in the manifest", name)
}

// library returns the runtime for the machine the program runs on.
func (c *catalog) library() (library, error) {
	at := runtime.GOOS + "/" + runtime.GOARCH
	l, ok := c.Runtime.Libraries[at]
	if !ok {
		return library{}, fmt.Errorf("%s %s has no library for %s; there are %s", c.Runtime.Package, c.Runtime.Version,
			at, strings.Join(sortedKeys(c.Runtime.Libraries), ", "))
	}
	return l, nil
}

// custom reads the operator's entry; nil without one.
func (c *catalog) custom(dir string) (*entry, error) {
	path := filepath.Join(dir, customFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no entry is the usual case, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("custom model: %w", err)
	}
	e := &entry{Name: Custom, Std: [3]float32{1, 1, 1}}
	if err := decodeStrict(b, e); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := e.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := c.model(e.Name); err == nil {
		return nil, fmt.Errorf("%s: the name %q is taken by a model of ours", path, e.Name)
	}
	return e, nil
}

// profilesWith lists the profiles whose networks are all in present, worst first. A network that the
// catalogue does not know is the custom one.
func (c *catalog) profilesWith(present map[string]Model) []Profile {
	var out []Profile
	for _, p := range c.Profiles {
		if !slices.ContainsFunc(p.Matte, func(n string) bool { _, ok := present[n]; return !ok }) {
			out = append(out, Profile{Name: p.Name, Matte: p.Matte})
		}
	}
	for name := range present {
		if _, err := c.model(name); err != nil {
			out = append(out, Profile{Name: Custom, Matte: []string{PersonMask, name}})
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
