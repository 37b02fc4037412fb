// Package enhance turns a photo of a person into a finished headshot that is still unmistakably
// that person: it finds the face, frames it, cuts the person out, corrects light and colour, and
// lays the person on the studio's background. No part of a face is ever made up.
//
// The order of work is the list in pipeline, one file a step. [Engine] does the work in this
// process; [Pool] gives it to child processes running [Worker], so that a photo that crashes a
// native library takes down that photo only, and is what a server should use.
package enhance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/h2non/bimg"

	"headroom/enhance/models"
)

// Config is what an Engine needs. The zero value but for ModelsDir is usable.
type Config struct {
	// ModelsDir is the folder with the networks and the ONNX Runtime library.
	ModelsDir string `json:"models_dir"`
	// Profile names the networks to use where a photo's Options do not. Default: the best present.
	Profile string `json:"profile,omitempty"`
	// Threads is how many processors a network may use. Default 2.
	Threads int `json:"threads,omitempty"`
}

// Options are one photo's.
type Options struct {
	// Look; its zero values mean the defaults.
	Look Look `json:"look"`
	// Profile overrides the engine's.
	Profile string `json:"profile,omitempty"`
	// ForbidMany makes more than one face a Failure instead of a Warning.
	ForbidMany bool `json:"forbid_many,omitempty"`
}

// Progress hears which step begins and how much of the whole is done, 0 to 1, never falling; the
// last call is ("done", 1). It is called from the goroutine that runs the photo and must not block.
type Progress func(step string, fraction float64)

// Engine holds the networks. One photo at a time runs; others wait.
type Engine struct {
	cfg     Config
	set     *models.Set
	tones   *tones
	faces   faceNets
	profile models.Profile

	one  sync.Mutex      // held while a photo runs
	nets map[string]*net // matte networks opened so far, by name; under one
}

// Open verifies and loads the models. Errors: *models.FileError and what ONNX Runtime says.
func Open(cfg Config) (*Engine, error) {
	cfg.Threads = cmp.Or(cfg.Threads, 2)
	set, err := models.Open(cfg.ModelsDir)
	if err != nil {
		return nil, fmt.Errorf("open models: %w", err)
	}
	if err := startRuntime(set.Runtime()); err != nil {
		return nil, err
	}
	bimg.VipsCacheSetMax(0) // photos do not repeat; a cache would only hold memory
	e := &Engine{cfg: cfg, set: set, tones: newTones(), nets: map[string]*net{}}
	if e.profile, err = set.Profile(cfg.Profile); err != nil {
		return nil, err
	}
	for name, n := range map[string]**net{models.FaceFull: &e.faces.full, models.FaceShort: &e.faces.short, models.FaceMesh: &e.faces.mesh} {
		if *n, err = e.net(name); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	for _, name := range e.profile.Matte {
		if _, err := e.net(name); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// Close frees the networks. The engine must be idle and is of no use afterwards.
func (e *Engine) Close() error {
	for _, n := range e.nets {
		n.close()
	}
	clear(e.nets)
	return nil
}

// net returns an opened network.
func (e *Engine) net(name string) (*net, error) {
	if n, ok := e.nets[name]; ok {
		return n, nil
	}
	m, err := e.set.Model(name)
	if err != nil {
		return nil, err
	}
	n, err := openNet(m, e.cfg.Threads)
	if err != nil {
		return nil, err
	}
	e.nets[name] = n
	return n, nil
}

// step is one stage of the work. share is its part of the usual time, for progress.
type step struct {
	name  string
	share float64
	run   func(*job) error
}

// pipeline is the way from a photo to its headshot.
func pipeline() []step {
	return []step{
		{"admit", 0.01, (*job).admit},           // refuse what is no whole photo
		{"decode", 0.05, (*job).decode},         // upright sRGB pixels
		{"face", 0.03, (*job).face},             // find faces, choose one
		{"matte", 0.25, (*job).matte},           // networks: who is person, who is ground
		{"frame", 0.01, (*job).frame},           // where the finished picture's edges are
		{"refine", 0.15, (*job).refine},         // one clean person with hair-fine edges
		{"light", 0.06, (*job).light},           // judge exposure, white balance and noise
		{"foreground", 0.12, (*job).foreground}, // colours of hair without the old background
		{"upscale", 0.12, (*job).upscale},       // to the master's size, sharpened
		{"compose", 0.05, (*job).compose},       // onto the studio's background
		{"quality", 0.01, (*job).quality},       // judge the photo
		{"encode", 0.14, (*job).encode},         // master, renditions, cutout
	}
}

// alphaPipeline is the way to the alpha of a whole photo.
func alphaPipeline() []step {
	return []step{
		{"admit", 0.02, (*job).admit},
		{"decode", 0.13, (*job).decode},
		{"face", 0.05, (*job).wholePerson},
		{"matte", 0.4, (*job).matte},
		{"refine", 0.2, (*job).refineWhole},
		{"encode", 0.2, (*job).encodeAlpha},
	}
}

// Run makes the headshot of a photo. progress may be nil.
//
// Errors: *Failure when the photo is at fault, ctx's error, or what broke.
func (e *Engine) Run(ctx context.Context, photo []byte, opts Options, progress Progress) (*Result, error) {
	if err := opts.Look.Validate(); err != nil {
		return nil, err
	}
	opts.Look = opts.Look.withDefaults()
	j, err := e.do(ctx, pipeline(), photo, opts, progress)
	if err != nil {
		return nil, err
	}
	return j.result, nil
}

// Alpha returns who is person in a whole photo: an 8-bit grey PNG of the upright photo's size. With
// faces it is the person of the largest, else the largest person. Options' look is not used.
//
// Errors: as Run, but NO_FACE never.
func (e *Engine) Alpha(ctx context.Context, photo []byte, opts Options, progress Progress) ([]byte, error) {
	j, err := e.do(ctx, alphaPipeline(), photo, opts, progress)
	if err != nil {
		return nil, err
	}
	return j.alphaPNG, nil
}

// do runs the steps over one photo.
func (e *Engine) do(ctx context.Context, steps []step, photo []byte, opts Options, progress Progress) (*job, error) {
	e.one.Lock()
	defer e.one.Unlock()
	j, err := e.newJob(photo, opts)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string, float64) {}
	}
	done := 0.0
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		progress(s.name, min(done, 0.99))
		start, cpu := time.Now(), cpuTime()
		if err := s.run(j); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		j.result.Steps[s.name] = StepTime{MS: ms(time.Since(start)), CPUMS: ms(cpuTime() - cpu)}
		done += s.share
	}
	progress("done", 1)
	return j, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
