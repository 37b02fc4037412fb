package enhance

import (
	"math"
	"runtime"
	"sync"
)

// plane is one channel of float32 samples, row by row; 0..1 unless said otherwise.
type plane struct {
	w, h int
	p    []float32
}

// picture is three planes of one size: red, green, blue, sRGB-encoded, 0..1.
type picture [3]*plane

func newPlane(w, h int) *plane { return &plane{w, h, make([]float32, w*h)} }

func newPicture(w, h int) picture { return picture{newPlane(w, h), newPlane(w, h), newPlane(w, h)} }

func (m *plane) row(y int) []float32 { return m.p[y*m.w : (y+1)*m.w] }

// bands runs fn over [0,n) cut into one piece a processor.
func bands(n int, fn func(from, to int)) {
	k := min(runtime.GOMAXPROCS(0), max(1, n/16))
	if k <= 1 {
		fn(0, n)
		return
	}
	var wg sync.WaitGroup
	for i := range k {
		wg.Go(func() { fn(n*i/k, n*(i+1)/k) })
	}
	wg.Wait()
}

// each sets every sample of a new plane from its index.
func each(w, h int, fn func(i int) float32) *plane {
	o := newPlane(w, h)
	bands(h, func(y0, y1 int) {
		for i := y0 * w; i < y1*w; i++ {
			o.p[i] = fn(i)
		}
	})
	return o
}

// luma is Rec. 709 luma of the encoded values.
func (m picture) luma() *plane {
	r, g, b := m[0].p, m[1].p, m[2].p
	return each(m[0].w, m[0].h, func(i int) float32 { return 0.2126*r[i] + 0.7152*g[i] + 0.0722*b[i] })
}

func clamp01(v float32) float32 { return min(max(v, 0), 1) }

// box is the mean over (2r+1)², and near the edge over what there is of it. Its time does not
// depend on r. Sums are float64: guided filters subtract means of squares.
func (m *plane) box(r int) *plane {
	if r < 1 {
		return &plane{m.w, m.h, append([]float32(nil), m.p...)}
	}
	across := newPlane(m.w, m.h)
	bands(m.h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			boxRow(across.row(y), m.row(y), r)
		}
	})
	out := newPlane(m.w, m.h)
	bands(m.w, func(x0, x1 int) { boxColumns(out, across, x0, x1, r) })
	return out
}

func boxRow(dst, src []float32, r int) {
	w := len(src)
	var sum float64
	n := min(r, w)
	for _, v := range src[:n] {
		sum += float64(v)
	}
	for x := range src {
		if x+r < w {
			sum += float64(src[x+r])
			n++
		}
		if x-r-1 >= 0 {
			sum -= float64(src[x-r-1])
			n--
		}
		dst[x] = float32(sum / float64(n))
	}
}

func boxColumns(out, m *plane, x0, x1, r int) {
	sum := make([]float64, x1-x0)
	n := min(r, m.h)
	add := func(y int, sign float64) {
		for i, v := range m.row(y)[x0:x1] {
			sum[i] += sign * float64(v)
		}
	}
	for y := range n {
		add(y, 1)
	}
	for y := range m.h {
		if y+r < m.h {
			add(y+r, 1)
			n++
		}
		if y-r-1 >= 0 {
			add(y-r-1, -1)
			n--
		}
		k := 1 / float64(n)
		for i, d := 0, out.row(y)[x0:x1]; i < len(d); i++ {
			d[i] = float32(sum[i] * k)
		}
	}
}

// flip is the mirror image, left for right.
func (m *plane) flip() *plane {
	o := newPlane(m.w, m.h)
	for y := range m.h {
		s, d := m.row(y), o.row(y)
		for x, v := range s {
			d[m.w-1-x] = v
		}
	}
	return o
}

// tones converts between sRGB-encoded and linear light, by table.
type tones struct{ lin, enc [tableSize + 2]float32 }

const tableSize = 4096

// newTones fills the tables; IEC 61966-2-1.
func newTones() *tones {
	t := &tones{}
	for i := range t.lin {
		v := float64(i) / tableSize
		t.lin[i] = float32(linear(v))
		// the encoded curve is steep near black: index by the square root
		t.enc[i] = float32(encoded(v * v))
	}
	return t
}

func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func encoded(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

func (t *tones) linear(v float32) float32 {
	f := clamp01(v) * tableSize
	i := int(f)
	return t.lin[i] + (t.lin[i+1]-t.lin[i])*(f-float32(i))
}

func (t *tones) encoded(v float32) float32 {
	f := float32(math.Sqrt(float64(clamp01(v)))) * tableSize
	i := int(f)
	return t.enc[i] + (t.enc[i+1]-t.enc[i])*(f-float32(i))
}
