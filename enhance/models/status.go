package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Kinds of file in a models folder.
const (
	KindRuntime = "runtime"
	KindModel   = "model"
	KindNotice  = "notice" // licence texts and the manifest's copy: for people, never read back
)

// States of a file. List says present or missing; Verify, which hashes, says ok, altered or missing.
const (
	StatePresent = "present"
	StateOK      = "ok"
	StateAltered = "altered"
	StateMissing = "missing"
)

// Status is one file of a models folder as found. It encodes to the JSON of `headroom models list`.
type Status struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Profile  string `json:"profile"`  // the first profile that needs it
	Required bool   `json:"required"` // nothing works without it
	File     string `json:"file"`     // absolute path
	State    string `json:"state"`
	Bytes    int64  `json:"bytes,omitempty"` // size found
	SHA256   string `json:"sha256"`          // pinned
	Found    string `json:"found,omitempty"` // sha256 found when altered
	License  string `json:"license"`
	Source   string `json:"source"`
	Repair   string `json:"repair,omitempty"` // command, when missing or altered
}

// item is one file a folder should or may hold.
type item struct {
	name, kind, profile, file, sha256, license, source string
	required                                           bool
	model                                              *entry // of kind model
}

func (it *item) repair() string {
	if it.profile == Custom {
		return "put the right file there or correct " + customFile
	}
	return repairFetch(it.profile)
}

func (it *item) check(dir string) error {
	return checkFile(filepath.Join(dir, it.file), it.sha256, it.repair())
}

// items lists all that dir should or may hold, the runtime first.
func (c *catalog) items(dir string) ([]item, error) {
	lib, err := c.library()
	if err != nil {
		return nil, err
	}
	out := []item{{
		name: "onnxruntime", kind: KindRuntime, profile: Standard, required: true,
		file: lib.File, sha256: lib.SHA256, license: c.Runtime.License,
		source: fmt.Sprintf("npm %s@%s %s", c.Runtime.Package, c.Runtime.Version, lib.Member),
	}}
	for i := range c.Models {
		e := &c.Models[i]
		out = append(out, e.item(map[bool]string{true: Standard, false: Portrait}[e.Bundled]))
	}
	notices, err := c.notices()
	if err != nil {
		return nil, err
	}
	out = append(out, notices...)
	own, err := c.custom(dir)
	if err != nil {
		return nil, err
	}
	if own != nil {
		it := own.item(Custom)
		it.required = true // an entry without its file is a mistake to tell, not a wish to ignore
		out = append(out, it)
	}
	return out, nil
}

func (e *entry) item(profile string) item {
	return item{
		name: e.Name, kind: KindModel, profile: profile, required: e.Bundled, file: e.File, sha256: e.SHA256,
		license: e.License, source: e.Source.String(), model: e,
	}
}

// notices lists the bundled files that are no networks.
func (c *catalog) notices() ([]item, error) {
	names, err := fs.Glob(c.files, "*")
	if err != nil {
		return nil, fmt.Errorf("bundled models: %w", err)
	}
	owner := map[string]string{}
	for _, e := range c.Models {
		owner[e.File] = ""
		if !e.Bundled {
			owner[e.Notice] = Portrait
		}
	}
	var out []item
	for _, n := range names {
		profile, known := owner[n]
		if known && profile == "" {
			continue
		}
		if !known {
			profile = Standard
		}
		b, err := fs.ReadFile(c.files, n)
		if err != nil {
			return nil, fmt.Errorf("bundled models: %w", err)
		}
		out = append(out, item{name: n, kind: KindNotice, profile: profile, file: n, sha256: sum(b), source: "bundled"})
	}
	return out, nil
}

// List tells what the folder holds and lacks, without hashing. It works on an empty or absent folder.
func List(dir string) ([]Status, error) {
	cat, err := bundledCatalog()
	if err != nil {
		return nil, err
	}
	return cat.list(dir)
}

func (c *catalog) list(dir string) ([]Status, error) {
	return c.statuses(dir, func(_ *item, path string) (string, string, error) {
		_, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return StateMissing, "", nil
		case err != nil:
			return "", "", fmt.Errorf("list models: %w", err)
		}
		return StatePresent, "", nil
	})
}

// Verify tells what the folder holds and lacks, hashing every file. The error joins a *FileError for
// each file that is altered, or missing and required; the list is complete in any case.
func Verify(dir string) ([]Status, error) {
	cat, err := bundledCatalog()
	if err != nil {
		return nil, err
	}
	return cat.verify(dir)
}

func (c *catalog) verify(dir string) ([]Status, error) {
	var bad []error
	list, err := c.statuses(dir, func(it *item, path string) (string, string, error) {
		err := checkFile(path, it.sha256, it.repair())
		var fe *FileError
		if err != nil && !errors.As(err, &fe) {
			return "", "", err
		}
		switch {
		case fe == nil:
			return StateOK, "", nil
		case !fe.Missing():
			bad = append(bad, err)
			return StateAltered, fe.Got, nil
		case it.required:
			bad = append(bad, err)
		}
		return StateMissing, "", nil
	})
	return list, errors.Join(append(bad, err)...)
}

func (c *catalog) statuses(dir string, state func(it *item, path string) (state, found string, err error)) ([]Status, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("models folder %q: %w", dir, err)
	}
	items, err := c.items(dir)
	if err != nil {
		return nil, err
	}
	out := make([]Status, 0, len(items))
	for i := range items {
		it := &items[i]
		s := Status{
			Name: it.name, Kind: it.kind, Profile: it.profile, Required: it.required,
			File: filepath.Join(dir, it.file), SHA256: it.sha256, License: it.license, Source: it.source,
		}
		if s.State, s.Found, err = state(it, s.File); err != nil {
			return nil, err
		}
		if info, err := os.Stat(s.File); err == nil {
			s.Bytes = info.Size()
		}
		if s.State == StateMissing || s.State == StateAltered {
			s.Repair = it.repair()
		}
		out = append(out, s)
	}
	return out, nil
}
