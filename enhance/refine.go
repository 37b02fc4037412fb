package enhance

import "math"

// edges is a cleaned matte with what it takes to evaluate it at the picture's own pixels.
type edges struct {
	alpha *plane // on the grid
	soft  *plane // on the grid: 1 where the guided answer counts, 0 where the network was sure
	fine  guided // on the grid
}

// refined cleans the grid's matte: one connected person, and a guided filter along its edge.
func (j *job) refined() edges {
	a := j.alpha
	r := max(3, a.w/150)
	soft := each(a.w, a.h, func(i int) float32 {
		if a.p[i] > 0.02 && a.p[i] < 0.98 {
			return 1
		}
		return 0
	}).box(max(1, r/2))
	for i, v := range soft.p {
		soft.p[i] = clamp01(v * 4)
	}
	return edges{a, soft, momentsOf(j.guide, r, 1e-5).filter(a)}
}

// blend is the matte at one pixel of colour r, g, b, from the values of planes() there.
func blend(v []float32, r, g, b float32) float32 {
	fine := clamp01(v[2]*r + v[3]*g + v[4]*b + v[5])
	return clamp01(v[0] + (fine-v[0])*v[1])
}

func (e edges) planes() []*plane { return append([]*plane{e.alpha, e.soft}, e.fine.planes()...) }

// refine cleans the matte and turns picture and matte into the frame together.
func (j *job) refine() error {
	e := j.refined()
	c := j.crop
	scale := float64(j.wide.w) / float64(e.alpha.w)
	at, inside := c.turn(j.wide, scale).bilinear(c.pw, c.ph, e.planes())
	part := c.bounds(4*c.step).in(j.src.w, j.src.h)
	pic := j.src.window(part, max(1, int(float64(part.w)/c.step)), max(1, int(float64(part.h)/c.step)), lanczos3())
	colors, covered := c.turn(part, float64(part.w)/float64(pic[0].w)).sample(c.pw, c.ph, pic[:])
	j.view = picture{colors[0], colors[1], colors[2]}
	j.inside = each(c.pw, c.ph, func(i int) float32 { return min(inside.p[i], covered.p[i]) })
	j.cover = newPlane(c.pw, c.ph)
	bands(c.ph, func(y0, y1 int) {
		v := make([]float32, len(at))
		for i := y0 * c.pw; i < y1*c.pw; i++ {
			for k, m := range at {
				v[k] = m.p[i]
			}
			j.cover.p[i] = blend(v, j.lifted(j.view[0].p[i]), j.lifted(j.view[1].p[i]), j.lifted(j.view[2].p[i])) * j.inside.p[i]
		}
	})
	j.guide, j.alpha = picture{}, nil
	return nil
}

// refineWhole evaluates the matte at each pixel of the source, as 8-bit grey.
func (j *job) refineWhole() error {
	e := j.refined()
	planes := e.planes()
	out := newRaster(j.src.w, j.src.h, 1)
	tx := taps(e.alpha.w, 0, float64(e.alpha.w), out.w, triangle())
	ty := taps(e.alpha.h, 0, float64(e.alpha.h), out.h, triangle())
	bands(out.h, func(y0, y1 int) {
		line := newLine(planes)
		for y := y0; y < y1; y++ {
			line.mix(ty[y])
			for x, t := range tx {
				i := y*out.w + x
				p := j.src.pix[i*3 : i*3+3]
				out.pix[i] = to8(blend(line.at(t), j.lifted(float32(p[0])/255), j.lifted(float32(p[1])/255), j.lifted(float32(p[2])/255)), 0.5)
			}
		}
	})
	j.master = out
	return nil
}

// line is one row through several planes, resampled in height.
type line struct {
	planes []*plane
	rows   [][]float32
	v      []float32
}

func newLine(planes []*plane) *line {
	l := &line{planes: planes, rows: make([][]float32, len(planes)), v: make([]float32, len(planes))}
	for k, m := range planes {
		l.rows[k] = make([]float32, m.w)
	}
	return l
}

// mix moves the line to a row.
func (l *line) mix(t tap) {
	for k, m := range l.planes {
		row := l.rows[k]
		clear(row)
		for n, wt := range t.w {
			for x, s := range m.row(t.at + n) {
				row[x] += wt * s
			}
		}
	}
}

// at is the planes' values at one place of the line; good until the next call.
func (l *line) at(t tap) []float32 {
	for k, row := range l.rows {
		var s float32
		for n, wt := range t.w {
			s += wt * row[t.at+n]
		}
		l.v[k] = s
	}
	return l.v
}

// reach is how far, in grid pixels, a doubtful place looks for the colours of person and ground:
// about a sixth of the chosen face's width, a little more than the networks' smears are wide.
func (j *job) reach(w, h int) int {
	if len(j.faces) == 0 {
		return max(4, w/32)
	}
	return max(4, j.faceBox(w, h).w/6)
}

// byColour settles what the networks left half open. Where a soft pixel has the colour of the sure
// ground near it and not of the sure person, its log odds fall by the ratio of the two likelihoods
// (a normal distribution each); the other way round they rise, but only as far as the networks were
// for it, since a ground can have the colour of skin. Where both look alike nothing moves.
func (j *job) byColour(a *plane) *plane {
	const (
		low, high = 0.01, 0.99 // outside of these the networks were sure
		most      = 4          // what colour may say against the networks, in log odds
		enough    = 0.002      // share of the neighbourhood that a class needs to be known
	)
	r := j.reach(a.w, a.h)
	person := colorsOf(j.guide, each(a.w, a.h, func(i int) float32 { return one(a.p[i] > 0.95) }), r)
	ground := colorsOf(j.guide, each(a.w, a.h, func(i int) float32 { return one(a.p[i] < 0.05) }), r)
	vote := each(a.w, a.h, func(i int) float32 {
		if v := a.p[i]; v < low || v > high || person.share.p[i] < enough || ground.share.p[i] < enough {
			return 0
		}
		return min(max(ground.distance(j.guide, i)-person.distance(j.guide, i), -most), most)
	}).box(1) // of grain
	return each(a.w, a.h, func(i int) float32 {
		v, k := a.p[i], vote.p[i]
		if v < low || v > high {
			return v
		}
		if k > 0 {
			k *= v
		}
		return sigmoid(logit(v) + k)
	})
}

// attached drops what hangs together with the person nowhere: crumbs that colour left of a smear.
func attached(a *plane) *plane {
	labels, sizes := pieces(a.w, a.h, func(i int) bool { return a.p[i] > 0.25 })
	keep := largest(sizes)
	near := each(a.w, a.h, func(i int) float32 { return one(labels[i] > 0 && labels[i] != keep) }).box(2)
	return each(a.w, a.h, func(i int) float32 {
		if labels[i] == keep {
			return a.p[i]
		}
		return a.p[i] * (1 - clamp01(near.p[i]*25))
	})
}

// colors is how the colours of some pixels are spread near each place of the grid.
type colors struct {
	share    *plane // how much of the neighbourhood these pixels are
	mean     picture
	variance *plane // of one channel, the three's mean
}

// colorsOf looks at the pixels where member is 1, over a soft window of about 2r each way. It works
// on a quarter of the size: only means are wanted.
func colorsOf(guide picture, member *plane, r int) colors {
	const q = 4
	w, h := member.w/q, member.h/q // the grid has 8 px each way at least
	r = max(1, r/q)
	spread := func(fn func(i int) float32) *plane {
		return each(w, h, func(i int) float32 {
			var sum float32
			at := i/w*q*member.w + i%w*q
			for k := range q * q {
				sum += fn(at + k/q*member.w + k%q)
			}
			return sum / (q * q)
		}).box(r).box(r)
	}
	c := colors{share: spread(func(i int) float32 { return member.p[i] }), variance: newPlane(w, h)}
	for k := range guide {
		g := guide[k].p
		sum := spread(func(i int) float32 { return g[i] * member.p[i] })
		squares := spread(func(i int) float32 { return g[i] * g[i] * member.p[i] })
		c.mean[k] = each(w, h, func(i int) float32 { return sum.p[i] / (c.share.p[i] + 1e-6) })
		m := c.mean[k].p
		for i, v := range squares.p {
			c.variance.p[i] += max(0, v/(c.share.p[i]+1e-6)-m[i]*m[i]) / 3
		}
		c.mean[k] = c.mean[k].resize(member.w, member.h, triangle())
	}
	c.share, c.variance = c.share.resize(member.w, member.h, triangle()), c.variance.resize(member.w, member.h, triangle())
	return c
}

// distance is minus the log likelihood of pixel i's colour, less what is the same for all classes.
func (c colors) distance(guide picture, i int) float32 {
	const noise = 0.04 * 0.04 // what grain and JPEG do to any colour
	var d float32
	for k := range guide {
		e := guide[k].p[i] - c.mean[k].p[i]
		d += e * e
	}
	v := c.variance.p[i] + noise
	return 0.5*d/v + 1.5*float32(math.Log(float64(v)))
}

func one(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// sure is the alpha from which on a network's answer counts as the person's core. The two networks
// were wrong about background with 0.3 to 0.8, over large areas; never yet connected and with more.
const sure = 0.9

// onePerson keeps the connected core that holds the chosen face (or the largest, without a face) and
// what is soft near it, as wide as hair flies, and fills small doubts inside it.
func (j *job) onePerson(a *plane) *plane {
	labels, sizes := pieces(a.w, a.h, func(i int) bool { return a.p[i] > sure })
	if len(sizes) == 1 {
		return a
	}
	keep := largest(sizes)
	if len(j.faces) > 0 {
		if l := j.pieceOfFace(labels, sizes, a.w, a.h); l > 0 {
			keep = l
		}
	}
	near := each(a.w, a.h, func(i int) float32 {
		if labels[i] == keep {
			return 1
		}
		return 0
	})
	doubts := a.doubts(labels, keep)
	near = near.box(max(3, a.w/30))
	return each(a.w, a.h, func(i int) float32 {
		if doubts[i] {
			return 1
		}
		return a.p[i] * clamp01(near.p[i]*12)
	})
}

// pieceOfFace is the label that most of the chosen face's box has; 0 when none has much.
func (j *job) pieceOfFace(labels []int32, sizes []int, w, h int) int32 {
	b := j.faceBox(w, h)
	count := make([]int, len(sizes))
	for y := b.y; y < b.y+b.h; y++ {
		for x := b.x; x < b.x+b.w; x++ {
			count[labels[y*w+x]]++
		}
	}
	count[0] = 0
	l := largest(count)
	if count[l]*5 < b.w*b.h {
		return 0
	}
	return l
}

// doubts finds what the kept piece encloses, that is small, and that the networks did not take for
// ground: a button or an ear ring is filled, a gap between arm and body or a lock of hair is not.
func (m *plane) doubts(labels []int32, keep int32) []bool {
	w, h := m.w, m.h
	ground, sizes := pieces(w, h, func(i int) bool { return labels[i] != keep })
	open := make([]bool, len(sizes))
	for x := range w {
		open[ground[x]], open[ground[(h-1)*w+x]] = true, true
	}
	for y := range h {
		open[ground[y*w]], open[ground[y*w+w-1]] = true, true
	}
	sum := make([]float32, len(sizes))
	for i, l := range ground {
		sum[l] += m.p[i]
	}
	out := make([]bool, w*h)
	for i, l := range ground {
		out[i] = l > 0 && !open[l] && sizes[l] < w*h/800 && sum[l] > 0.25*float32(sizes[l])
	}
	return out
}

// pieces labels the 4-connected pieces of the pixels that are in, from 1; sizes[0] is unused.
func pieces(w, h int, in func(i int) bool) (labels []int32, sizes []int) {
	labels = make([]int32, w*h)
	sizes = []int{0}
	var stack []int
	for start := range labels {
		if labels[start] != 0 || !in(start) {
			continue
		}
		l := int32(len(sizes)) //nolint:gosec // fewer than pixels
		n := 0
		labels[start] = l
		stack = append(stack[:0], start)
		for len(stack) > 0 {
			p := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			n++
			for _, q := range neighbours(p, w, h) {
				if q >= 0 && labels[q] == 0 && in(q) {
					labels[q] = l
					stack = append(stack, q)
				}
			}
		}
		sizes = append(sizes, n)
	}
	return labels, sizes
}

// neighbours are the four pixels next to p, -1 for one outside.
func neighbours(p, w, h int) [4]int {
	n := [4]int{p - 1, p + 1, p - w, p + w}
	x := p % w
	if x == 0 {
		n[0] = -1
	}
	if x == w-1 {
		n[1] = -1
	}
	if n[3] >= w*h {
		n[3] = -1
	}
	return n
}

// largest is the index of the largest value; 0 for none.
func largest(v []int) int32 {
	best := 0
	for i, n := range v {
		if n > v[best] {
			best = i
		}
	}
	return int32(best)
}
