package enhance

import (
	"fmt"
	"math"
)

// Points of the 468-point face mesh used here (numbering as published with MediaPipe).
const (
	meshForehead = 10
	meshChin     = 152
	meshLeftEdge = 234
	meshRgtEdge  = 454
	meshPoints   = 468
)

// mesh is what the face mesh says of a face.
type mesh struct {
	presence float64 // 0..1
	chin     point   // in pixels of the source
	// yaw and pitch in radians, signed as in Face; eyesOpen as in Face.
	yaw, pitch, eyesOpen float64
}

// meshMargin is how much larger than the face box the network wants its window.
const meshMargin = 1.5

// meshOf runs the mesh on the face, turned upright.
func (n *net) meshOf(src *raster, d *detection) (mesh, error) {
	roll := d.roll()
	center := point{d.x + d.w/2, d.y + d.h/2}
	side := max(d.w, d.h) * meshMargin
	// the turned square lies inside a square √2 as large
	wide := side * math.Sqrt2
	px := int(math.Ceil(float64(n.Side) * math.Sqrt2))
	sq := rect{int(center.x - wide/2), int(center.y - wide/2), max(1, int(wide)), max(1, int(wide))}
	w := src.window(sq, px, px, triangle())
	scale := float64(sq.w) / float64(px) // source pixels a window pixel
	step := side / float64(n.Side)       // source pixels a network pixel
	sin, cos := math.Sincos(roll)
	half := float64(n.Side) / 2
	t := turn{cos: cos * step / scale, sin: sin * step / scale}
	t.x0 = (center.x-float64(sq.x))/scale - t.cos*half + t.sin*half
	t.y0 = (center.y-float64(sq.y))/scale - t.sin*half - t.cos*half
	in, _ := t.sample(n.Side, n.Side, w[:])
	out, err := n.run(picture{in[0], in[1], in[2]})
	if err != nil {
		return mesh{}, err
	}
	pts := out[0]
	if len(pts) != meshPoints*3 || len(out[1]) != 1 {
		return mesh{}, fmt.Errorf("run %s: %d coordinates, %d scores", n.Name, len(pts), len(out[1]))
	}
	at := func(i int) (x, y, z float64) {
		return float64(pts[3*i]), float64(pts[3*i+1]), float64(pts[3*i+2])
	}
	cx, cy, cz := at(meshChin)
	fx, fy, fz := at(meshForehead)
	lx, _, lz := at(meshLeftEdge)
	rx, _, rz := at(meshRgtEdge)
	m := mesh{
		presence: float64(sigmoid(out[1][0])),
		yaw:      math.Atan2(rz-lz, rx-lx),
		pitch:    math.Atan2(cz-fz, math.Hypot(cx-fx, cy-fy)),
		eyesOpen: min(opening(at, 33, 133, 159, 145), opening(at, 362, 263, 386, 374)),
	}
	p := point{cx - half, cy - half}.rotate(roll)
	m.chin = point{center.x + p.x*step, center.y + p.y*step}
	return m, nil
}

// opening is an eye's height by its width, from its corners, upper and lower lid.
func opening(at func(int) (x, y, z float64), c0, c1, upper, lower int) float64 {
	x0, y0, _ := at(c0)
	x1, y1, _ := at(c1)
	ux, uy, _ := at(upper)
	lx, ly, _ := at(lower)
	return math.Hypot(ux-lx, uy-ly) / max(math.Hypot(x0-x1, y0-y1), 1e-6)
}
