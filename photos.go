package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"headroom/enhance"
	"headroom/enhance/models"
	"headroom/internal/config"
)

func enhanceFlags(f *pflag.FlagSet) {
	f.StringP("output", "o", "", "a file, or a folder for many (required); headshots are JPEG, on a transparent background PNG")
	f.String("profile", "", "standard, portrait or custom; default the best present")
	f.String("look", "", "a JSON file with the look, as in docs/look.md")
	f.Bool("alpha", false, "write the alpha of the whole source instead: 8-bit grey PNG of the same size")
	f.String("models", "", "folder of the models; default models/ beside bin/")
}

// enhanced is one photo's line of `enhance --json`.
type enhanced struct {
	In      string                      `json:"in"`
	Out     string                      `json:"out,omitempty"`
	MS      float64                     `json:"ms"`
	CPUMS   float64                     `json:"cpu_ms"`
	Steps   map[string]enhance.StepTime `json:"steps,omitempty"`
	Face    *enhance.Face               `json:"face,omitempty"`
	Quality *enhance.Quality            `json:"quality,omitempty"`
	Warn    []enhance.Warning           `json:"warnings,omitempty"`
	Failure *enhance.Failure            `json:"failure,omitempty"`
}

// enhanceCommand works like the server: in a worker process, so that a photo that crashes a native
// library costs that photo only.
func enhanceCommand(ctx context.Context, p *program, f *pflag.FlagSet) error {
	out, _ := f.GetString("output")
	if f.NArg() == 0 || out == "" {
		return usage("enhance takes photos and -o OUT")
	}
	opts, err := enhanceOptions(f)
	if err != nil {
		return err
	}
	if err := distinct(f.Args()); err != nil {
		return err
	}
	folder, err := outputFolder(out, f.NArg())
	if err != nil {
		return err
	}
	dir, _ := f.GetString("models")
	if dir == "" {
		dir = config.Models(p.getenv, p.executable)
	}
	pool, err := enhance.NewPool(enhance.PoolConfig{
		Command: []string{p.executable, "enhance-worker"}, Engine: enhance.Config{ModelsDir: dir, Profile: opts.Profile}, Logger: p.log,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(ctx) }()
	alpha, _ := f.GetBool("alpha")
	var results []enhanced
	failed := 0
	for _, in := range f.Args() {
		target := out
		if folder {
			target = filepath.Join(out, stem(in))
		}
		r, err := p.enhanceOne(ctx, pool, in, target, folder, alpha, opts)
		if ctx.Err() != nil {
			break
		}
		if err != nil { // it costs this photo only
			r.Failure = &enhance.Failure{Code: "INTERNAL", Message: err.Error()}
		}
		if r.Failure != nil {
			failed++
		}
		results = append(results, r)
		_, _ = fmt.Fprintln(p.stderr, r.line())
	}
	interrupted := ctx.Err()
	stop()
	err = errors.Join(interrupted, <-ended)
	if p.json {
		err = errors.Join(err, p.print(results, ""))
	}
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d photos failed", failed, len(results)))
	}
	return err
}

func (r enhanced) line() string {
	if r.Failure != nil {
		return fmt.Sprintf("%s: %s: %s", r.In, r.Failure.Code, r.Failure.Message)
	}
	return fmt.Sprintf("%s → %s (%.0f ms)", r.In, r.Out, r.MS)
}

func enhanceOptions(f *pflag.FlagSet) (enhance.Options, error) {
	opts := enhance.Options{Look: enhance.DefaultLook()}
	opts.Profile, _ = f.GetString("profile")
	path, _ := f.GetString("look")
	if path == "" {
		return opts, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return opts, err
	}
	if opts.Look, err = enhance.ParseLook(raw); err != nil {
		return opts, fmt.Errorf("%s: %w", path, err)
	}
	return opts, nil
}

// stem is the name of a file without folder and ending.
func stem(path string) string { return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) }

// distinct refuses photos of which one headshot would overwrite another.
func distinct(photos []string) error {
	by := map[string]string{}
	for _, photo := range photos {
		if other, ok := by[stem(photo)]; ok {
			return usage("%s and %s would both become %s: enhance them into folders of their own", other, photo, stem(photo))
		}
		by[stem(photo)] = photo
	}
	return nil
}

// outputFolder says whether out is a folder, which it is for many photos or when it is one already.
func outputFolder(out string, photos int) (bool, error) {
	info, err := os.Stat(out)
	isDir := err == nil && info.IsDir()
	if photos == 1 && !isDir && !strings.HasSuffix(out, string(filepath.Separator)) {
		return false, os.MkdirAll(filepath.Dir(out), 0o755) //nolint:gosec // pictures for the user
	}
	return true, os.MkdirAll(out, 0o755) //nolint:gosec // pictures for the user
}

func (p *program) enhanceOne(ctx context.Context, pool *enhance.Pool, in, target string, folder, alpha bool, opts enhance.Options) (enhanced, error) {
	r := enhanced{In: in}
	photo, err := os.ReadFile(in)
	if err != nil {
		r.Failure = &enhance.Failure{Code: "UNREADABLE", Message: err.Error()}
		return r, nil //nolint:nilerr // the photo failed, not the run
	}
	start := time.Now()
	var data []byte
	ext := ".png"
	if alpha {
		data, err = pool.Alpha(ctx, photo, opts, nil)
	} else {
		var res *enhance.Result
		if res, err = pool.Enhance(ctx, photo, opts, nil); err == nil {
			data, ext = res.Images[0].Data, extension(res.Images[0].ContentType)
			r.Steps, r.Face, r.Quality, r.Warn = res.Steps, &res.Face, &res.Quality, res.Warnings
			for _, s := range res.Steps {
				r.CPUMS += s.CPUMS
			}
		}
	}
	r.MS = float64(time.Since(start).Microseconds()) / 1000
	if errors.As(err, &r.Failure) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if folder {
		target += ext
	}
	if err := os.WriteFile(target, data, 0o644); err != nil { //nolint:gosec // a picture for the user
		return r, err
	}
	r.Out = target
	return r, nil
}

func extension(contentType string) string {
	switch contentType {
	case "image/png":
		return ".png"
	case "image/webp":
		return ".webp"
	case "image/avif":
		return ".avif"
	}
	return ".jpg"
}

func enhanceWorker(ctx context.Context, p *program, _ *pflag.FlagSet) error {
	return enhance.Worker(ctx, p.stdin, p.stdout)
}

func modelsFlags(f *pflag.FlagSet) {
	f.String("from", "", "a folder with the files, instead of the network")
}

func (p *program) modelStates(list func(dir string) ([]models.Status, error)) error {
	states, err := list(config.Models(p.getenv, p.executable)) // complete even with an error
	if len(states) == 0 && err != nil {
		return err
	}
	var text strings.Builder
	broken := 0
	for _, s := range states {
		fmt.Fprintf(&text, "%-9s %-24s %s\n", s.State, s.Name, s.License)
		if s.State == models.StateAltered || (s.Required && s.State == models.StateMissing) {
			broken++
		}
	}
	if err := p.print(states, text.String()); err != nil {
		return err
	}
	if err == nil && broken > 0 {
		err = fmt.Errorf("%d files are missing or altered; `headroom models install` puts the bundled ones back", broken)
	}
	return err
}

func modelsList(_ context.Context, p *program, _ *pflag.FlagSet) error {
	return p.modelStates(models.List)
}

func modelsVerify(_ context.Context, p *program, _ *pflag.FlagSet) error {
	return p.modelStates(models.Verify)
}

func (p *program) fetchOptions(f *pflag.FlagSet) models.FetchOptions {
	from, _ := f.GetString("from")
	return models.FetchOptions{From: from, Log: func(line string) { _, _ = fmt.Fprintln(p.stderr, "models: "+line) }}
}

func modelsFetch(ctx context.Context, p *program, f *pflag.FlagSet) error {
	if f.NArg() != 1 {
		return usage("models fetch takes one PROFILE")
	}
	dir := config.Models(p.getenv, p.executable)
	if err := models.Fetch(ctx, dir, f.Arg(0), p.fetchOptions(f)); err != nil || !p.json {
		return err
	}
	return p.modelStates(models.List)
}

func modelsInstall(ctx context.Context, p *program, f *pflag.FlagSet) error {
	dir := config.Models(p.getenv, p.executable)
	if err := models.Install(dir); err != nil {
		return err
	}
	if err := models.FetchRuntime(ctx, dir, p.fetchOptions(f)); err != nil || !p.json {
		return err
	}
	return p.modelStates(models.List)
}
