// Command enhance measures the enhancer in its worker process, profile by profile: what becomes of a
// folder of portraits, how far its mattes are from known ones, how near a headshot's face stays to
// the photo's, and what time, processor and memory a photo of 1024 px takes.
//
// The pictures are the caller's; only the timed photo is in the repository. It builds the program and
// writes bench/results/enhance-YYYY-MM-DD.md. Linux only: the peak is read from /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"headroom/bench/host"
	"headroom/enhance"
	"headroom/test/live"
)

// settings are the flags.
type settings struct {
	portraits, pairs, faceID, sheet, out, photo string
	profiles                                    []string
	runs                                        int
}

func main() {
	var s settings
	flag.StringVar(&s.portraits, "portraits", "", "a folder of photos to make headshots of")
	flag.StringVar(&s.pairs, "pairs", "", "a folder of NAME.jpg with NAME.png, its 8-bit alpha, to measure mattes by")
	profiles := flag.String("profile", "standard,portrait", "the profiles, with commas between")
	flag.StringVar(&s.faceID, "faceid", "", "an ONNX file (150 px RGB in, 128 numbers out) to measure identity by")
	flag.StringVar(&s.sheet, "sheet", "", "write a contact sheet of photos and headshots to this .jpg or .png")
	flag.StringVar(&s.out, "out", "", "the report; default bench/results/enhance-DATE.md")
	flag.StringVar(&s.photo, "photo", "enhance/testdata/portraits/01-street-short-curly-hair.jpg", "the photo that is timed, brought to 1024 px")
	flag.IntVar(&s.runs, "n", 10, "how many times it is timed")
	flag.Parse()
	s.profiles = strings.Split(*profiles, ",")
	if err := run(context.Background(), s); err != nil {
		fmt.Fprintln(os.Stderr, "enhance:", err)
		os.Exit(1)
	}
}

// command is the call in words that hold on any machine.
func (s settings) command() string {
	words := []string{"go run ./bench/enhance"}
	for _, f := range []struct{ flag, value, word string }{
		{"portraits", s.portraits, "PORTRAITS"}, {"pairs", s.pairs, "PAIRS"}, {"faceid", s.faceID, "FACEID"}, {"sheet", s.sheet, "SHEET"},
	} {
		if f.value != "" {
			words = append(words, "--"+f.flag, f.word)
		}
	}
	return strings.Join(append(words, "--profile", strings.Join(s.profiles, ",")), " ")
}

func run(ctx context.Context, s settings) error {
	root, err := live.Root(ctx)
	if err != nil {
		return err
	}
	models, err := live.Models(root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "headroom-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := live.Build(ctx, root, dir)
	if err != nil {
		return err
	}
	b := &bench{settings: s, binary: binary, models: models}
	if !filepath.IsAbs(s.photo) {
		b.photo = filepath.Join(root, s.photo)
	}
	if s.faceID != "" {
		if b.identity, err = openIdentity(models, s.faceID); err != nil {
			return err
		}
		defer b.identity.close()
	}
	r := &report{settings: s, revision: host.Revision(ctx, root), load: host.Load(), date: time.Now().Format(time.DateOnly)}
	for _, profile := range s.profiles {
		m, err := b.profile(ctx, profile)
		if err != nil {
			return fmt.Errorf("profile %s: %w", profile, err)
		}
		r.measured = append(r.measured, m)
	}
	if s.sheet != "" {
		if err := writeSheet(s.sheet, r.measured); err != nil {
			return err
		}
	}
	if s.out == "" {
		s.out = filepath.Join(root, "bench/results", "enhance-"+r.date+".md")
	}
	return r.write(s.out)
}

// bench is what all profiles share.
type bench struct {
	settings
	binary, models string
	identity       *identity // nil when not asked for
}

// measured is what was found for one profile.
type measured struct {
	profile   string
	timing    timing
	portraits []portrait
	pairs     []pair
	peak      int64 // resident bytes of the worker, after everything
}

// profile measures one, in a worker process of its own.
func (b *bench) profile(ctx context.Context, name string) (m measured, err error) {
	w, err := b.worker(ctx, name)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	m.profile = name
	if m.timing, err = b.time(ctx, w); err != nil {
		return m, err
	}
	photos, err := files(b.portraits, ".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif")
	if err != nil {
		return m, err
	}
	for _, path := range photos {
		p, err := b.portrait(ctx, w, path)
		if err != nil {
			return m, fmt.Errorf("%s: %w", path, err)
		}
		fmt.Printf("%s %-36s %-9s %5.0f ms\n", name, filepath.Base(path), p.outcome(), p.ms)
		m.portraits = append(m.portraits, p)
	}
	photos, err = files(b.pairs, ".jpg")
	if err != nil {
		return m, err
	}
	for _, path := range photos {
		p, err := w.pair(ctx, path)
		if err != nil {
			return m, fmt.Errorf("%s: %w", path, err)
		}
		fmt.Printf("%s %-36s MAD %.4f\n", name, p.name, p.mad)
		m.pairs = append(m.pairs, p)
	}
	m.peak, err = w.peak(ctx)
	return m, err
}

// files are those in a folder with one of the endings, sorted; none of no folder.
func files(dir string, endings ...string) ([]string, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if slices.Contains(endings, strings.ToLower(filepath.Ext(e.Name()))) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no pictures in %s", dir)
	}
	return paths, nil
}

// worker is a pool of one enhancer process, as the server and `headroom enhance` run it.
type worker struct {
	*enhance.Pool
	stop  context.CancelFunc
	ended chan error
}

func (b *bench) worker(ctx context.Context, profile string) (*worker, error) {
	pool, err := enhance.NewPool(enhance.PoolConfig{
		Command: []string{b.binary, "enhance-worker"}, Engine: enhance.Config{ModelsDir: b.models, Profile: profile}, Idle: -1,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	w := &worker{Pool: pool, stop: stop, ended: make(chan error, 1)}
	go func() { w.ended <- pool.Run(ctx) }()
	return w, nil
}

func (w *worker) end() error {
	w.stop()
	return <-w.ended
}

// peak is the most memory the worker's process has had.
func (w *worker) peak(ctx context.Context) (int64, error) {
	pids, err := (&live.Server{PID: os.Getpid()}).Enhancers(ctx)
	if err != nil {
		return 0, err
	}
	if len(pids) != 1 {
		return 0, fmt.Errorf("%d enhancer processes, expected one", len(pids))
	}
	return host.Peak(pids[0])
}
