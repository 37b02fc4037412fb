package enhance_test

import (
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"headroom/enhance"
)

// Tolerances, of 255: the networks' sums differ a little between processors, and libvips between
// versions; a step that works wrongly shows far more.
const (
	goldenMean = 1.5 // mean difference
	goldenMost = 24  // difference that 99.5 % of the samples stay under
)

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"01-street-short-curly-hair", "02-clothes-rack-looking-aside", "03-loose-hair-scarf", "08-spacesuit-512px"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look := enhance.Look{Outputs: []enhance.Output{{Name: "golden", Width: 256, Height: 256, Format: enhance.FormatPNG}}}
			got := run(t, photo(t, name), enhance.Options{Look: look}).Images[1].Data
			path := filepath.Join("testdata", "golden", name+".png")
			if *update {
				write(t, path, got)
				return
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v (make it with: go test ./enhance -run Golden -update)", err)
			}
			want, have := decodeImage(t, b), decodeImage(t, got)
			mean, most := difference(want, have)
			if mean <= goldenMean && most <= goldenMost {
				return
			}
			dir := filepath.Join(os.TempDir(), "headroom-golden")
			write(t, filepath.Join(dir, name+".got.png"), got)
			writeDifference(t, filepath.Join(dir, name+".diff.png"), want, have)
			t.Errorf("differs from %s by %.2f in the mean (at most %.1f) and %d at the 99.5th percentile (at most %d); see %s", path, mean, goldenMean, most, goldenMost, dir)
		})
	}
}

// difference is the mean absolute difference of two pictures' samples, of 255, and its 99.5th
// percentile. Pictures of different sizes differ by 255.
func difference(a, b image.Image) (mean float64, most int) {
	if a.Bounds() != b.Bounds() {
		return 255, 255
	}
	var all []int
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r0, g0, b0, _ := a.At(x, y).RGBA()
			r1, g1, b1, _ := b.At(x, y).RGBA()
			for _, d := range []int{int(r0>>8) - int(r1>>8), int(g0>>8) - int(g1>>8), int(b0>>8) - int(b1>>8)} {
				d = max(d, -d)
				all = append(all, d)
				mean += float64(d)
			}
		}
	}
	slices.Sort(all)
	return mean / float64(len(all)), all[len(all)*995/1000]
}

func writeDifference(t *testing.T, path string, a, b image.Image) {
	t.Helper()
	out := image.NewGray(a.Bounds())
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r0, g0, b0, _ := a.At(x, y).RGBA()
			r1, g1, b1, _ := b.At(x, y).RGBA()
			d := 0
			for _, v := range []int{int(r0) - int(r1), int(g0) - int(g1), int(b0) - int(b1)} {
				d = max(d, v, -v)
			}
			out.SetGray(x, y, color.Gray{Y: uint8(min(255, d>>8*8))})
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := png.Encode(f, out); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }
