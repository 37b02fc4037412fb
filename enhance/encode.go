package enhance

import (
	"cmp"
	"fmt"
	"math"

	"github.com/h2non/bimg"
)

// Formats of Output.
const (
	FormatJPEG = "jpeg"
	FormatPNG  = "png"
	FormatWebP = "webp"
	FormatAVIF = "avif"
)

// masterQuality is the JPEG quality of the HEADSHOT.
const masterQuality = 90

func defaultQuality(format string) int {
	return map[string]int{FormatJPEG: 88, FormatWebP: 85, FormatAVIF: 60}[format]
}

// encode writes master, renditions and cutout, each once, the master first.
func (j *job) encode() error {
	format := FormatJPEG
	if j.opts.Look.Background.Kind == BackgroundTransparent {
		format = FormatPNG
	}
	if err := j.put(KindHeadshot, "headshot", j.master, format, masterQuality); err != nil {
		return err
	}
	made := make([]*raster, 0, len(j.opts.Look.Outputs))
	for _, o := range j.opts.Look.Outputs {
		r := j.rendition(o, made)
		if err := j.put(KindRendition, o.Name, r, o.Format, o.Quality); err != nil {
			return err
		}
		made = append(made, r)
	}
	if *j.opts.Look.Cutout {
		return j.put(KindCutout, "cutout", j.cutout, FormatPNG, 0)
	}
	return nil
}

// rendition cuts an output from the master, or shrinks one made before that has its shape and at
// least twice its size, which shows the same part and has fewer pixels to go through.
func (j *job) rendition(o Output, made []*raster) *raster {
	for _, r := range made {
		if r.w*o.Height == r.h*o.Width && r.w >= 2*o.Width {
			return r.shrink(rect{0, 0, r.w, r.h}, o.Width, o.Height)
		}
	}
	return j.master.rendition(o.Width, o.Height, j.opts.Look.Framing.EyeLine)
}

func (j *job) encodeAlpha() error {
	b, err := encode(j.master, FormatPNG, 0)
	j.alphaPNG = b
	return err
}

func (j *job) put(kind, name string, r *raster, format string, quality int) error {
	b, err := encode(r, format, quality)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, name, err)
	}
	j.result.Images = append(j.result.Images, Image{Kind: kind, Name: name, Width: r.w, Height: r.h, ContentType: "image/" + format, Data: b})
	return nil
}

// encode writes a raster without metadata but for the mark of its colour space.
func encode(r *raster, format string, quality int) ([]byte, error) {
	opts := bimg.Options{Quality: cmp.Or(quality, defaultQuality(format)), StripMetadata: true}
	switch format {
	case FormatJPEG:
		opts.Type = bimg.JPEG
	case FormatPNG:
		// level 6 takes four times as long as level 2 and saves a tenth
		opts.Type, opts.Compression = bimg.PNG, 2
		if r.n == 1 {
			opts.Interpretation = bimg.InterpretationBW
		}
	case FormatWebP:
		opts.Type = bimg.WEBP
	case FormatAVIF:
		opts.Type, opts.Speed = bimg.AVIF, 8 // unset, bimg's 0 is the slowest: six seconds for 512 px
	default:
		return nil, fmt.Errorf("format %q is not known", format)
	}
	b, err := bimg.Resize(r.tiff(), opts)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", format, err)
	}
	switch format {
	case FormatJPEG:
		return markJPEG(b), nil
	case FormatPNG:
		if r.n > 1 {
			return markPNG(b), nil
		}
	}
	return b, nil
}

// rendition cuts the largest part of the wanted shape out of the master and shrinks it. In height
// the part is placed so that the eyes come as near to eyeLine as the master allows: a square of a
// tall master loses a little above the hair and the rest below the chest.
func (r *raster) rendition(w, h int, eyeLine float64) *raster {
	pw, ph := float64(r.w), float64(r.w)*float64(h)/float64(w)
	if ph > float64(r.h) {
		pw, ph = float64(r.h)*float64(w)/float64(h), float64(r.h)
	}
	b := rect{w: min(r.w, max(1, int(math.Round(pw)))), h: min(r.h, max(1, int(math.Round(ph))))}
	b.x = (r.w - b.w) / 2
	b.y = min(max(int(float64(r.h)*eyeLine-float64(b.h)*min(eyeLine, 0.42)), 0), r.h-b.h)
	if b == (rect{0, 0, r.w, r.h}) && w == r.w && h == r.h {
		return r
	}
	return r.shrink(b, w, h)
}

// shrink resamples a part. With alpha, colours are weighted by it, or the black under nothing would show at the edges.
func (r *raster) shrink(b rect, w, h int) *raster {
	tx := taps(b.w, 0, float64(b.w), w, lanczos3())
	ty := taps(b.h, 0, float64(b.h), h, lanczos3())
	across := make([]float32, w*b.h*r.n)
	bands(b.h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			r.shrinkRow(across[y*w*r.n:(y+1)*w*r.n], r.pix[r.at(b.x, b.y+y):], tx)
		}
	})
	out := newRaster(w, h, r.n)
	bands(h, func(y0, y1 int) {
		sum := make([]float32, w*r.n)
		for y := y0; y < y1; y++ {
			clear(sum)
			for k, wt := range ty[y].w {
				row := across[(ty[y].at+k)*w*r.n:]
				for i := range sum {
					sum[i] += wt * row[i]
				}
			}
			out.store(y, sum)
		}
	})
	return out
}

func (r *raster) shrinkRow(dst []float32, src []byte, tx []tap) {
	n := r.n
	for x, t := range tx {
		d := dst[x*n : (x+1)*n]
		for k, wt := range t.w {
			s := src[(t.at+k)*n:]
			if n == 4 {
				wt *= float32(s[3]) / 255
				d[3] += wt * 255
			}
			for c := range min(n, 3) {
				d[c] += wt * float32(s[c])
			}
		}
	}
}

// store rounds a row of sums; with alpha, colours are divided by it again.
func (r *raster) store(y int, sum []float32) {
	d := r.pix[y*r.w*r.n : (y+1)*r.w*r.n]
	if r.n == 4 {
		for i := 0; i < len(sum); i += 4 {
			if a := sum[i+3]; a >= 0.5 {
				k := 255 / a
				sum[i], sum[i+1], sum[i+2] = sum[i]*k, sum[i+1]*k, sum[i+2]*k
			} else {
				clear(sum[i : i+4])
			}
		}
	}
	for i, v := range sum {
		d[i] = byte(min(max(v+0.5, 0), 255))
	}
}
