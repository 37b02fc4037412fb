package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"headroom/bench/host"
	"headroom/enhance"
)

// report is the page that is written.
type report struct {
	settings
	date, revision, load string
	measured             []measured
}

func (r *report) write(path string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Enhancer, %s\n\nThe enhancer in its worker process: default look (master 1600 × 2000, three renditions, cutout), two threads.\n\n", r.date)
	fmt.Fprintf(&b, "- command: `%s`, revision %s\n- machine: %s; load before: %s\n- timed photo: %s; %d times after one that does not count\n\n",
		r.command(), r.revision, host.Machine(), r.load, r.measured[0].timing.photo, len(r.measured[0].timing.wall))
	r.summary(&b)
	r.steps(&b)
	r.portraitTable(&b)
	r.pairTable(&b)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	fmt.Printf("\n%s\nwritten to %s\n", b.String(), path)
	return nil
}

// row writes one line: a name and a value for each profile.
func (r *report) row(b *strings.Builder, name string, value func(m measured) string) {
	fmt.Fprintf(b, "| %s |", name)
	for _, m := range r.measured {
		fmt.Fprintf(b, " %s |", value(m))
	}
	fmt.Fprintln(b)
}

func (r *report) head(b *strings.Builder, name string) {
	r.row(b, name, func(m measured) string { return m.profile })
	r.row(b, "---", func(measured) string { return "---" })
}

func (r *report) summary(b *strings.Builder) {
	r.head(b, "")
	r.row(b, "a photo of 1024 px, warm: time, median (worst)", func(m measured) string { return middle(m.timing.wall) })
	r.row(b, "the same: processor time, median (worst)", func(m measured) string { return middle(m.timing.cpu) })
	r.row(b, "peak memory of the worker, 1024 px photos only", func(m measured) string { return mib(m.timing.peak) })
	if r.portraits != "" || r.pairs != "" {
		r.row(b, "peak memory of the worker, all pictures", func(m measured) string { return mib(m.peak) })
	}
	if r.portraits != "" {
		r.row(b, "headshots made", func(m measured) string {
			n := 0
			for _, p := range m.portraits {
				if p.failure == nil {
					n++
				}
			}
			return fmt.Sprintf("%d of %d", n, len(m.portraits))
		})
	}
	if r.faceID != "" && r.portraits != "" {
		r.row(b, fmt.Sprintf("identity, photo to headshot: median (worst); at most %.2f wanted", goalIdentity), func(m measured) string {
			d := identities(m.portraits)
			if len(d) == 0 {
				return "–"
			}
			return fmt.Sprintf("%.3f (%.3f)", d[len(d)/2], d[len(d)-1])
		})
	}
	r.matteRows(b)
}

func (r *report) matteRows(b *strings.Builder) {
	for _, group := range []struct{ name, prefix string }{{"a-*", "a-"}, {"b-*", "b-"}, {"all", ""}} {
		n, _, _, _ := means(r.measured[0].pairs, group.prefix)
		if n == 0 {
			continue
		}
		r.row(b, fmt.Sprintf("matte, %s (%d pairs): MAD (worst), MSE", group.name, n), func(m measured) string {
			_, mad, mse, worst := means(m.pairs, group.prefix)
			return fmt.Sprintf("%.4f (%.4f), %.4f", mad, worst, mse)
		})
	}
}

// steps is where the timed photo's time goes, what takes longest first.
func (r *report) steps(b *strings.Builder) {
	fmt.Fprint(b, "\n## Steps of the timed photo\n\nMedian ms by the clock / of the processors.\n\n")
	r.head(b, "step")
	median := func(s []enhance.StepTime, of func(enhance.StepTime) float64) float64 {
		v := make([]float64, 0, len(s))
		for _, t := range s {
			v = append(v, of(t))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	wall := func(t enhance.StepTime) float64 { return t.MS }
	first := r.measured[0].timing.steps
	names := slices.SortedFunc(maps.Keys(first), func(x, y string) int {
		return cmp.Compare(median(first[y], wall), median(first[x], wall))
	})
	for _, name := range names {
		r.row(b, name, func(m measured) string {
			s := m.timing.steps[name]
			return fmt.Sprintf("%.0f / %.0f", median(s, wall), median(s, func(t enhance.StepTime) float64 { return t.CPUMS }))
		})
	}
}

func (r *report) portraitTable(b *strings.Builder) {
	if r.portraits == "" {
		return
	}
	fmt.Fprint(b, "\n## Portraits\n\nQuality is the photo's, 0 to 1. Identity is the distance of the face from photo to headshot;\n"+
		"it moves by 0.1 when an eye is found 3 % of the eyes' distance beside where it is, as happens with faces turned aside.\n")
	for _, m := range r.measured {
		fmt.Fprintf(b, "\n### %s\n\n| photo | result | warnings | quality | ms | processor ms | identity |\n| --- | --- | --- | --- | --- | --- | --- |\n", m.profile)
		for _, p := range m.portraits {
			var warnings []string
			for _, w := range p.warnings {
				warnings = append(warnings, w.Code)
			}
			quality, spent, id := "–", "–", "–"
			if p.failure == nil {
				quality, spent = fmt.Sprintf("%.2f", p.quality), fmt.Sprint(p.cpu.Milliseconds())
			}
			if !math.IsNaN(p.identity) {
				id = fmt.Sprintf("%.3f", p.identity)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %.0f | %s | %s |\n",
				filepath.Base(p.path), p.outcome(), cmp.Or(strings.Join(warnings, ", "), "–"), quality, p.ms, spent, id)
		}
	}
}

func (r *report) pairTable(b *strings.Builder) {
	if r.pairs == "" {
		return
	}
	fmt.Fprint(b, "\n## Mattes\n\nMAD / MSE of alpha, 0 to 1, over the whole picture.\n\n")
	r.head(b, "pair")
	for i, p := range r.measured[0].pairs {
		r.row(b, p.name, func(m measured) string { return fmt.Sprintf("%.4f / %.4f", m.pairs[i].mad, m.pairs[i].mse) })
	}
}

func middle(d []time.Duration) string {
	return fmt.Sprintf("%d ms (%d ms)", host.Median(d).Milliseconds(), slices.Max(d).Milliseconds())
}

func mib(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
