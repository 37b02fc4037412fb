// Package models knows the networks and the runtime library the enhancer stands on: which files they
// are, where they come from, under which licence, and that the bytes on disk are the ones we measured.
//
// A models folder holds the bundled networks (Apache-2.0, embedded in the binary and written out by
// [Install]), the ONNX Runtime library ([FetchRuntime]), and what the operator added: the portrait
// network ([Fetch]) or a network of their own (custom.json, see docs/models.md). Every file is pinned
// by sha256. The pins are compiled in, so altering a file and its manifest together is noticed too.
//
// The package has no cgo and no package state. It reads, verifies and fetches; it never runs a network.
package models

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// The networks by name. Inputs are square RGB pictures, one at a time, float32; see [Model] for scaling.
const (
	// PersonMask: in [1,256,256,3]; out [1,256,256,1], the probability of "person".
	PersonMask = "selfie-256"
	// FaceFull finds faces in the whole photo: in [1,192,192,3]; outputs [1,2304,16] (box and six key
	// points in input pixels, relative to a 48 × 48 grid of cell centres) and [1,2304,1] (score logits).
	FaceFull = "face-full-192"
	// FaceShort refines a face that fills its window: in [1,128,128,3]; outputs [1,896,16] and [1,896,1]
	// as FaceFull, with 16 × 16 cells of two anchors, then 8 × 8 cells of six.
	FaceShort = "face-short-128"
	// FaceMesh: in [1,192,192,3], the face with a quarter of its size as margin on each side; outputs
	// [1,1,1,1404] (468 points x, y, z in input pixels) and [1,1,1,1] (presence logit).
	FaceMesh = "face-mesh-192"
	// PortraitMatte (SlimNet): in [1,512,512,3]; out [1,262144], 512 rows of the probability of "person".
	PortraitMatte = "slimnet-512"
)

// The profiles by name, worst first.
const (
	Standard = "standard" // person mask alone; always there
	Portrait = "portrait" // person mask fused with PortraitMatte
	Custom   = "custom"   // person mask fused with the operator's network of custom.json
)

// The two orders of a network's input.
const (
	NHWC = "NHWC" // [1, side, side, 3]
	NCHW = "NCHW" // [1, 3, side, side]
)

// Model is one network: where it lies and how to feed it.
type Model struct {
	Name   string
	Path   string // of the verified .onnx file
	SHA256 string // of that file, lower-case hex
	Bytes  int64  // its size; 0 when the manifest does not say (custom)
	Side   int    // width and height of the input in pixels

	// Mean and Std scale the input: x = (rgb/255 − Mean) / Std, per channel in the order R, G, B.
	Mean, Std [3]float32

	Input   string   // name of the input tensor
	Outputs []string // names of the outputs, in the order the constants above describe
	Layout  string   // NHWC or NCHW

	// Sigmoid says that a matte's values are logits: put them through the logistic function.
	// It is false for the face networks, whose score outputs are logits by nature.
	Sigmoid bool

	License string // SPDX identifier, or the operator's words
	Source  string // publisher's package or repository, version and file
}

// Profile is a choice of networks for the matte. The face networks are the same in every profile.
type Profile struct {
	Name  string
	Matte []string // model names, the person mask first
}

// Set is an opened models folder: everything it hands out was there and had the right checksum when
// [Open] read it. It is immutable and safe for concurrent use.
type Set struct {
	dir      string
	runtime  string
	models   map[string]Model
	profiles []Profile // those whose networks are all present, worst first
}

// Open verifies the folder: all that the standard profile needs and the runtime library must be present
// and unaltered (about 50 MB are hashed); the portrait network and custom.json may be absent, but when
// present must be right too, so that an altered file never turns into a silently worse headshot.
//
// Errors: *FileError for a missing or altered file, naming it, both hashes and the command that repairs
// it; errors.Join of all of them when there are several.
func Open(dir string) (*Set, error) {
	cat, err := bundledCatalog()
	if err != nil {
		return nil, err
	}
	return cat.open(dir)
}

func (c *catalog) open(dir string) (*Set, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("models folder %q: %w", dir, err)
	}
	items, err := c.items(dir)
	if err != nil {
		return nil, err
	}
	s := &Set{dir: dir, models: map[string]Model{}}
	var bad []error
	for _, it := range items {
		if it.kind == KindNotice {
			continue // a changed notice changes no pixel; Verify reports it
		}
		err := it.check(dir)
		var fe *FileError
		switch {
		case err == nil && it.kind == KindRuntime:
			s.runtime = filepath.Join(dir, it.file)
		case err == nil:
			s.models[it.model.Name] = it.model.public(dir)
		case !it.required && errors.As(err, &fe) && fe.Missing():
		default:
			bad = append(bad, err)
		}
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	s.profiles = c.profilesWith(s.models)
	return s, nil
}

// Model returns a network of the folder by name; the error lists the names there are.
func (s *Set) Model(name string) (Model, error) {
	m, ok := s.models[name]
	if !ok {
		return Model{}, fmt.Errorf("no model %q in %s; present: %v", name, s.dir, sortedKeys(s.models))
	}
	m.Outputs = slices.Clone(m.Outputs)
	return m, nil
}

// Profile returns a profile by name. One whose network is not in the folder is an error that says how
// to get it. The empty name means [Set.Best].
func (s *Set) Profile(name string) (Profile, error) {
	if name == "" {
		return s.Best(), nil
	}
	for _, p := range s.profiles {
		if p.Name == name {
			return p.clone(), nil
		}
	}
	switch name {
	case Portrait:
		return Profile{}, fmt.Errorf("profile %q: its network is not in %s; run: %s", name, s.dir, repairFetch(Portrait))
	case Custom:
		return Profile{}, fmt.Errorf("profile %q: there is no %s in %s; docs/models.md shows one", name, customFile, s.dir)
	}
	return Profile{}, fmt.Errorf("no profile %q; there are %s, %s and %s", name, Standard, Portrait, Custom)
}

// Best returns the best profile present: custom when the operator brought a network, else portrait,
// else standard.
func (s *Set) Best() Profile { return s.profiles[len(s.profiles)-1].clone() }

// Runtime returns the absolute path of the ONNX Runtime library.
func (s *Set) Runtime() string { return s.runtime }

func (p Profile) clone() Profile {
	p.Matte = slices.Clone(p.Matte)
	return p
}
