package enhance

import (
	"math"
	"sync"
)

// tap is one output sample's weights over the input samples from at on.
type tap struct {
	at int
	w  []float32
}

// filter is a resampling kernel: its half width in input samples when not shrinking, and its value.
type filter struct {
	support float64
	at      func(x float64) float64
}

// triangle is bilinear when growing and an area-like mean when shrinking: never rings, for masks and network inputs.
func triangle() filter {
	return filter{1, func(x float64) float64 { return max(0, 1-math.Abs(x)) }}
}

// lanczos3 keeps detail, for what is looked at.
func lanczos3() filter {
	return filter{3, func(x float64) float64 {
		switch {
		case x == 0:
			return 1
		case math.Abs(x) >= 3:
			return 0
		}
		p := math.Pi * x
		return 3 * math.Sin(p) * math.Sin(p/3) / (p * p)
	}}
}

// taps maps [from, from+span) of n input samples onto out samples. Weights that would fall outside
// the input go to its edge sample.
func taps(n int, from, span float64, out int, f filter) []tap {
	scale := span / float64(out)
	wide := max(1, scale)
	ts := make([]tap, out)
	for i := range ts {
		c := from + (float64(i)+0.5)*scale - 0.5
		lo, hi := int(math.Ceil(c-f.support*wide)), int(math.Floor(c+f.support*wide))
		a, b := min(max(lo, 0), n-1), min(max(hi, 0), n-1)
		w := make([]float32, b-a+1)
		var sum float32
		for k := lo; k <= hi; k++ {
			v := float32(f.at((float64(k) - c) / wide))
			w[min(max(k, a), b)-a] += v
			sum += v
		}
		for k := range w {
			w[k] /= sum
		}
		ts[i] = tap{a, w}
	}
	return ts
}

// resize resamples the whole plane. With a ringing filter the result is clamped to 0..1.
func (m *plane) resize(w, h int, f filter) *plane {
	if w == m.w && h == m.h {
		return m
	}
	tx, ty := taps(m.w, 0, float64(m.w), w, f), taps(m.h, 0, float64(m.h), h, f)
	tmp := newPlane(w, m.h)
	bands(m.h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			resizeRow(tmp.row(y), m.row(y), tx)
		}
	})
	out := newPlane(w, h)
	bands(h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			tmp.mixRows(out.row(y), ty[y], f.support > 1)
		}
	})
	return out
}

func resizeRow(dst, src []float32, tx []tap) {
	for x, t := range tx {
		var s float32
		part := src[t.at : t.at+len(t.w)]
		for k, wt := range t.w {
			s += wt * part[k]
		}
		dst[x] = s
	}
}

// mixRows adds up the rows of a tap.
func (m *plane) mixRows(dst []float32, t tap, clamp bool) {
	for k, wt := range t.w {
		for x, v := range m.row(t.at + k) {
			dst[x] += wt * v
		}
	}
	if clamp {
		for x, v := range dst {
			dst[x] = clamp01(v)
		}
	}
}

func (m picture) resize(w, h int, f filter) picture {
	return picture{m[0].resize(w, h, f), m[1].resize(w, h, f), m[2].resize(w, h, f)}
}

// rect is a rectangle in pixels; it may reach outside the picture.
type rect struct{ x, y, w, h int }

// in cuts the rectangle to a picture of w × h.
func (r rect) in(w, h int) rect {
	x0, y0 := min(max(r.x, 0), w), min(max(r.y, 0), h)
	x1, y1 := min(max(r.x+r.w, 0), w), min(max(r.y+r.h, 0), h)
	return rect{x0, y0, x1 - x0, y1 - y0}
}

// window resamples rectangle b to w × h floats. Outside the picture it is black. It goes straight
// from the 8-bit rows, so a 24-megapixel source never exists as floats.
func (r *raster) window(b rect, w, h int, f filter) picture {
	out := newPicture(w, h)
	tx := taps(r.w, float64(b.x), float64(b.w), w, f)
	ty := taps(r.h, float64(b.y), float64(b.h), h, f)
	inX := func(x int) bool { return inside(b.x, b.w, w, x, r.w) }
	from, to := 0, w
	for from < w && !inX(from) {
		from++
	}
	for to > from && !inX(to-1) {
		to--
	}
	bands(h, func(y0, y1 int) {
		rows := newRowCache(r, tx, w)
		for y := y0; y < y1; y++ {
			if inside(b.y, b.h, h, y, r.h) {
				rows.mix(out, y, ty[y], from, to, f.support > 1)
			}
		}
	})
	return out
}

// mix adds up the rows of a tap into row y of out, columns from to to.
func (c *rowCache) mix(out picture, y int, t tap, from, to int, clamp bool) {
	c.forget(t.at)
	for k, wt := range t.w {
		line := c.line(t.at + k)
		for i := range out {
			d := out[i].row(y)[from:to]
			for x, v := range line[i*c.w+from : i*c.w+to] {
				d[x] += wt * v
			}
		}
	}
	if !clamp {
		return
	}
	for i := range out {
		d := out[i].row(y)
		for x, v := range d {
			d[x] = clamp01(v)
		}
	}
}

// inside tells whether output sample i of n, over [from, from+span), lies in a picture of size limit.
func inside(from, span, n, i, limit int) bool {
	c := float64(from) + (float64(i)+0.5)*float64(span)/float64(n)
	return c >= 0 && c <= float64(limit)
}

// rowCache keeps the rows of a raster that have been resampled across.
type rowCache struct {
	src   *raster
	tx    []tap
	w     int
	lines map[int][]float32
	free  [][]float32
}

func newRowCache(src *raster, tx []tap, w int) *rowCache {
	return &rowCache{src: src, tx: tx, w: w, lines: map[int][]float32{}}
}

// forget gives back rows above y, which are not asked for again.
func (c *rowCache) forget(y int) {
	for k, v := range c.lines {
		if k < y {
			c.free = append(c.free, v)
			delete(c.lines, k)
		}
	}
}

// line returns row y of the source resampled: w reds, w greens, w blues.
func (c *rowCache) line(y int) []float32 {
	if l, ok := c.lines[y]; ok {
		return l
	}
	var l []float32
	if n := len(c.free); n > 0 {
		l, c.free = c.free[n-1], c.free[:n-1]
	} else {
		l = make([]float32, 3*c.w)
	}
	c.lines[y] = l
	row := c.src.pix[y*c.src.w*3 : (y+1)*c.src.w*3]
	for x, t := range c.tx {
		var r, g, b float32
		i := t.at * 3
		for _, wt := range t.w {
			r += wt * float32(row[i])
			g += wt * float32(row[i+1])
			b += wt * float32(row[i+2])
			i += 3
		}
		l[x], l[c.w+x], l[2*c.w+x] = r/255, g/255, b/255
	}
	return l
}

// turn is a rotation with scale: output pixel (x, y) shows input point (x0 + cos·x − sin·y, y0 + sin·x + cos·y),
// in pixels with centres at .5.
type turn struct{ x0, y0, cos, sin float64 }

// sample turns planes together onto w × h: bicubic (Catmull-Rom), the input's edge going on outside it.
// The second result is 1 inside the input, 0 outside.
func (t turn) sample(w, h int, in []*plane) ([]*plane, *plane) {
	out := make([]*plane, len(in))
	for i := range out {
		out[i] = newPlane(w, h)
	}
	mask := newPlane(w, h)
	bands(h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			t.sampleRow(y, w, in, out, mask)
		}
	})
	return out, mask
}

func (t turn) sampleRow(y, w int, in, out []*plane, mask *plane) {
	iw, ih := in[0].w, in[0].h
	var wx, wy [4]float32
	var xs, ys [4]int
	for x := range w {
		u, v := float64(x)+0.5, float64(y)+0.5
		fx := t.x0 + t.cos*u - t.sin*v - 0.5
		fy := t.y0 + t.sin*u + t.cos*v - 0.5
		ix, iy := math.Floor(fx), math.Floor(fy)
		catmullRom(float32(fx-ix), &wx)
		catmullRom(float32(fy-iy), &wy)
		for k := range 4 {
			xs[k] = min(max(int(ix)+k-1, 0), iw-1)
			ys[k] = min(max(int(iy)+k-1, 0), ih-1) * iw
		}
		i := y*w + x
		for c, m := range in {
			var s float32
			for k := range 4 {
				p := m.p[ys[k]:]
				s += wy[k] * (wx[0]*p[xs[0]] + wx[1]*p[xs[1]] + wx[2]*p[xs[2]] + wx[3]*p[xs[3]])
			}
			out[c].p[i] = clamp01(s)
		}
		if fx >= -0.5 && fy >= -0.5 && fx <= float64(iw)-0.5 && fy <= float64(ih)-0.5 {
			mask.p[i] = 1
		}
	}
}

// bilinear is sample with the softer, cheaper filter and no clamping: for masks and filter coefficients.
func (t turn) bilinear(w, h int, in []*plane) ([]*plane, *plane) {
	out := make([]*plane, len(in))
	for i := range out {
		out[i] = newPlane(w, h)
	}
	mask := newPlane(w, h)
	iw, ih := in[0].w, in[0].h
	bands(h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			for x := range w {
				u, v := float64(x)+0.5, float64(y)+0.5
				fx := t.x0 + t.cos*u - t.sin*v - 0.5
				fy := t.y0 + t.sin*u + t.cos*v - 0.5
				ix, iy := math.Floor(fx), math.Floor(fy)
				ax, ay := float32(fx-ix), float32(fy-iy)
				x0, x1 := min(max(int(ix), 0), iw-1), min(max(int(ix)+1, 0), iw-1)
				r0, r1 := min(max(int(iy), 0), ih-1)*iw, min(max(int(iy)+1, 0), ih-1)*iw
				w00, w10, w01, w11 := (1-ax)*(1-ay), ax*(1-ay), (1-ax)*ay, ax*ay
				i := y*w + x
				for c, m := range in {
					out[c].p[i] = w00*m.p[r0+x0] + w10*m.p[r0+x1] + w01*m.p[r1+x0] + w11*m.p[r1+x1]
				}
				if fx >= -0.5 && fy >= -0.5 && fx <= float64(iw)-0.5 && fy <= float64(ih)-0.5 {
					mask.p[i] = 1
				}
			}
		}
	})
	return out, mask
}

func catmullRom(t float32, w *[4]float32) {
	w[0] = t * (-0.5 + t*(1-0.5*t))
	w[1] = 1 + t*t*(-2.5+1.5*t)
	w[2] = t * (0.5 + t*(2-1.5*t))
	w[3] = t * t * (-0.5 + 0.5*t)
}

// together runs the functions at the same time.
func together(fns ...func()) {
	var wg sync.WaitGroup
	for _, fn := range fns {
		wg.Go(fn)
	}
	wg.Wait()
}
