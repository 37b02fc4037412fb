package enhance

import (
	"fmt"
	"math"
	"slices"
)

// point is a position in pixels.
type point struct{ x, y float64 }

func (p point) sub(q point) point { return point{p.x - q.x, p.y - q.y} }
func (p point) length() float64   { return math.Hypot(p.x, p.y) }
func middle(p, q point) point     { return point{(p.x + q.x) / 2, (p.y + q.y) / 2} }
func (p point) rotate(a float64) point {
	s, c := math.Sincos(a)
	return point{p.x*c - p.y*s, p.x*s + p.y*c}
}

// Key points of a detection. Left and right are as the viewer sees them.
const (
	leftEye = iota
	rightEye
	nose
	mouth
	leftEar
	rightEar
	keyPoints
)

// detection is one face found, in pixels of the source.
type detection struct {
	x, y, w, h float64
	score      float64
	key        [keyPoints]point
}

// anchor is the centre of cell i, 0..1, which the network's answers are relative to.
type anchor func(i int) (x, y float64)

// fullAnchors: 48 × 48 cells of one.
func fullAnchors(i int) (x, y float64) {
	return (float64(i%48) + 0.5) / 48, (float64(i/48) + 0.5) / 48
}

// shortAnchors: 16 × 16 cells of two, then 8 × 8 cells of six.
func shortAnchors(i int) (x, y float64) {
	if i < 512 {
		i /= 2
		return (float64(i%16) + 0.5) / 16, (float64(i/16) + 0.5) / 16
	}
	i = (i - 512) / 6
	return (float64(i%8) + 0.5) / 8, (float64(i/8) + 0.5) / 8
}

// detect looks for faces in a square of the source; what is outside the source is black.
func (n *net) detect(src *raster, sq rect, at anchor, threshold float64) ([]detection, error) {
	out, err := n.run(src.window(sq, n.Side, n.Side, triangle()))
	if err != nil {
		return nil, err
	}
	boxes, scores := out[0], out[1]
	if len(boxes) != 16*len(scores) {
		return nil, fmt.Errorf("run %s: %d box values for %d scores", n.Name, len(boxes), len(scores))
	}
	var found []detection
	side, size := float64(n.Side), float64(sq.w)
	for i, s := range scores {
		score := float64(sigmoid(s))
		if score < threshold {
			continue
		}
		ax, ay := at(i)
		place := func(k int) point {
			return point{float64(sq.x) + (ax+float64(boxes[i*16+k])/side)*size, float64(sq.y) + (ay+float64(boxes[i*16+k+1])/side)*size}
		}
		d := detection{w: float64(boxes[i*16+2]) / side * size, h: float64(boxes[i*16+3]) / side * size, score: score}
		c := place(0)
		d.x, d.y = c.x-d.w/2, c.y-d.h/2
		for k := range d.key {
			d.key[k] = place(4 + 2*k)
		}
		found = append(found, d)
	}
	return merge(found), nil
}

// overlap is the area two boxes share by the area they cover.
func overlap(a, b detection) float64 {
	w := min(a.x+a.w, b.x+b.w) - max(a.x, b.x)
	h := min(a.y+a.h, b.y+b.h) - max(a.y, b.y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (a.w*a.h + b.w*b.h - w*h)
}

// merge joins detections that overlap into their mean, weighted by score; best first.
func merge(ds []detection) []detection {
	slices.SortStableFunc(ds, func(a, b detection) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	used := make([]bool, len(ds))
	var out []detection
	for i := range ds {
		if used[i] {
			continue
		}
		var m detection
		var sum float64
		for j := i; j < len(ds); j++ {
			if used[j] || overlap(ds[i], ds[j]) < 0.3 {
				continue
			}
			used[j] = true
			m.add(ds[j])
			sum += ds[j].score
		}
		m.divide(sum)
		m.score = ds[i].score
		out = append(out, m)
	}
	return out
}

func (d *detection) add(o detection) {
	k := o.score
	d.x, d.y, d.w, d.h = d.x+k*o.x, d.y+k*o.y, d.w+k*o.w, d.h+k*o.h
	for i := range d.key {
		d.key[i].x += k * o.key[i].x
		d.key[i].y += k * o.key[i].y
	}
}

func (d *detection) divide(sum float64) {
	d.x, d.y, d.w, d.h = d.x/sum, d.y/sum, d.w/sum, d.h/sum
	for i := range d.key {
		d.key[i].x /= sum
		d.key[i].y /= sum
	}
}

// eyes is the point between the eyes; eyeDistance and eyeToMouth measure the face without its
// hair, and the larger of them without its turn: a head turned aside brings the eyes together, one
// that nods brings the mouth up.
func (d *detection) eyes() point          { return middle(d.key[leftEye], d.key[rightEye]) }
func (d *detection) eyeDistance() float64 { return d.key[rightEye].sub(d.key[leftEye]).length() }
func (d *detection) eyeToMouth() float64  { return d.key[mouth].sub(d.eyes()).length() }
func (d *detection) unit() float64        { return max(d.eyeDistance(), d.eyeToMouth()) }

// roll is how far the line of the eyes leans, in radians.
func (d *detection) roll() float64 {
	e := d.key[rightEye].sub(d.key[leftEye])
	return math.Atan2(e.y, e.x)
}
