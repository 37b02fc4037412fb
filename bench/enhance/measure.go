package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/h2non/bimg"

	"headroom/enhance"
)

// timing is a portrait of 1024 px run again and again, warm.
type timing struct {
	photo     string // its name and size
	wall, cpu []time.Duration
	steps     map[string][]enhance.StepTime
	peak      int64 // resident bytes of the worker after these runs alone
}

const timedSide = 1024

// time runs the timed photo once to warm up and then n times.
func (b *bench) time(ctx context.Context, w *worker) (timing, error) {
	t := timing{steps: map[string][]enhance.StepTime{}}
	file, err := os.ReadFile(b.photo)
	if err != nil {
		return t, err
	}
	size, err := bimg.Size(file)
	if err != nil {
		return t, fmt.Errorf("%s: %w", b.photo, err)
	}
	k := timedSide / float64(max(size.Width, size.Height))
	width, height := int(math.Round(float64(size.Width)*k)), int(math.Round(float64(size.Height)*k))
	photo, err := bimg.Resize(file, bimg.Options{Width: width, Height: height, Force: true, Type: bimg.JPEG, Quality: 90})
	if err != nil {
		return t, fmt.Errorf("%s: %w", b.photo, err)
	}
	t.photo = fmt.Sprintf("%s at %d × %d, %d kB", filepath.Base(b.photo), width, height, len(photo)/1000)
	for i := range b.runs + 1 {
		start := time.Now()
		r, err := w.Enhance(ctx, photo, enhance.Options{}, nil)
		if err != nil {
			return t, err
		}
		if i == 0 {
			continue
		}
		t.wall = append(t.wall, time.Since(start))
		t.cpu = append(t.cpu, cpu(r))
		for name, s := range r.Steps {
			t.steps[name] = append(t.steps[name], s)
		}
	}
	t.peak, err = w.peak(ctx)
	return t, err
}

// cpu is the processor time of all steps.
func cpu(r *enhance.Result) time.Duration {
	var sum float64
	for _, s := range r.Steps {
		sum += s.CPUMS
	}
	return time.Duration(sum * float64(time.Millisecond))
}

// portrait is what became of one photo.
type portrait struct {
	path     string
	failure  *enhance.Failure
	warnings []enhance.Warning
	ms       float64
	cpu      time.Duration
	quality  float64
	headshot []byte
	identity float64 // NaN when not measured
}

func (p portrait) outcome() string {
	if p.failure != nil {
		return p.failure.Code
	}
	return "ok"
}

func (b *bench) portrait(ctx context.Context, w *worker, path string) (portrait, error) {
	p := portrait{path: path, identity: math.NaN()}
	photo, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	start := time.Now()
	r, err := w.Enhance(ctx, photo, enhance.Options{}, nil)
	p.ms = float64(time.Since(start).Microseconds()) / 1000
	if errors.As(err, &p.failure) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.warnings, p.cpu, p.quality, p.headshot = r.Warnings, cpu(r), r.Quality.Score, r.Images[0].Data
	if b.identity != nil {
		p.identity, err = b.identity.change(ctx, w, photo, r)
	}
	return p, err
}

// pair is a matte held against the known one.
type pair struct {
	name     string
	mad, mse float64 // of alpha in 0..1, over all of the picture
}

func (w *worker) pair(ctx context.Context, path string) (pair, error) {
	p := pair{name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	photo, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	known, err := os.ReadFile(strings.TrimSuffix(path, filepath.Ext(path)) + ".png")
	if err != nil {
		return p, err
	}
	want, err := grey(known)
	if err != nil {
		return p, err
	}
	alpha, err := w.Alpha(ctx, photo, enhance.Options{}, nil)
	if err != nil {
		return p, err
	}
	got, err := grey(alpha)
	if err != nil {
		return p, err
	}
	if got.Rect != want.Rect {
		return p, fmt.Errorf("the matte is %v, the known one %v", got.Rect, want.Rect)
	}
	for i, v := range got.Pix {
		d := (float64(v) - float64(want.Pix[i])) / 255
		p.mad += math.Abs(d)
		p.mse += d * d
	}
	n := float64(len(got.Pix))
	p.mad, p.mse = p.mad/n, p.mse/n
	return p, nil
}

// grey decodes a PNG whose colours are all grey.
func grey(file []byte) (*image.Gray, error) {
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	g := image.NewGray(image.Rectangle{Max: m.Bounds().Size()})
	draw.Draw(g, g.Rect, m, m.Bounds().Min, draw.Src)
	return g, nil
}

// means are the mean MAD and MSE of the pairs whose name begins so, and the worst MAD.
func means(pairs []pair, prefix string) (n int, mad, mse, worst float64) {
	for _, p := range pairs {
		if strings.HasPrefix(p.name, prefix) {
			n++
			mad, mse, worst = mad+p.mad, mse+p.mse, max(worst, p.mad)
		}
	}
	return n, mad / float64(max(1, n)), mse / float64(max(1, n)), worst
}

// identities are the measured distances, smallest first.
func identities(ps []portrait) []float64 {
	var out []float64
	for _, p := range ps {
		if !math.IsNaN(p.identity) {
			out = append(out, p.identity)
		}
	}
	slices.Sort(out)
	return out
}
