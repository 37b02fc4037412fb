package enhance

import "math"

// crop is where the finished picture's edges lie in the source: a rectangle of w × h source pixels,
// turned by roll about the point between the eyes, which is eyeLine down the frame and in the
// middle of its width.
type crop struct {
	eyes    point
	roll    float64
	w, h    float64
	eyeLine float64
	// pw × ph is the size the frame is worked on: its own pixels, or the master's if those are fewer.
	pw, ph int
	step   float64 // source pixels a worked pixel
}

const (
	// a tilt up to smallRoll is the camera's and goes; of more, which is the person's way of
	// standing, restRoll goes: setting the head upright would make the shoulders crooked
	smallRoll = 4 * math.Pi / 180
	restRoll  = 0.4
	maxRoll   = 20 * math.Pi / 180
	// limits to which the frame gives way when the photo ends too soon below
	tightestHead  = 0.72
	lowestEyeLine = 0.52
)

// frame chooses the crop. The frame has to end inside the photo at the bottom, or the body would
// float on the background: it shrinks round the head, then the eyes go lower.
func (j *job) frame() error {
	d, look := &j.faces[0], j.opts.Look.Framing
	c := crop{eyes: d.eyes(), roll: straighten(d.roll()), eyeLine: look.EyeLine}
	head := d.unit() * headPerUnit
	aspect := float64(look.Width) / float64(look.Height)
	c.h = head / look.Head
	reaches := func(width float64) bool {
		c.w = c.h * aspect
		below := c.h * (1 - c.eyeLine)
		return j.covers(c.toSource(point{-c.w * width, below})) && j.covers(c.toSource(point{c.w * width, below}))
	}
	for c.h > head/tightestHead && !reaches(0.42) {
		c.h *= 0.985
	}
	for c.eyeLine < lowestEyeLine && !reaches(0.3) {
		c.eyeLine += 0.01
	}
	c.w = c.h * aspect
	c.step = max(1, c.h/float64(look.Height))
	c.pw, c.ph = max(16, int(math.Round(c.w/c.step))), max(16, int(math.Round(c.h/c.step)))
	j.crop = c
	j.cutHair(head)
	return nil
}

// straighten says how much of a roll to undo.
func straighten(roll float64) float64 {
	r := math.Abs(roll)
	switch {
	case r > math.Pi/4: // lying down, or a false reading: leave it
		return 0
	case r > smallRoll:
		r = smallRoll + (min(r, maxRoll)-smallRoll)*restRoll
	}
	return math.Copysign(r, roll)
}

// toSource takes an offset from the eyes in the turned frame to the source.
func (c crop) toSource(p point) point {
	q := p.rotate(c.roll)
	return point{c.eyes.x + q.x, c.eyes.y + q.y}
}

// toFrame takes a source position to worked pixels of the frame.
func (c crop) toFrame(p point) point {
	q := p.sub(c.eyes).rotate(-c.roll)
	return point{q.x/c.step + float64(c.pw)/2, q.y/c.step + float64(c.ph)*c.eyeLine}
}

// corners are the frame's corners in the source.
func (c crop) corners() [4]point {
	up, down := -c.h*c.eyeLine, c.h*(1-c.eyeLine)
	return [4]point{c.toSource(point{-c.w / 2, up}), c.toSource(point{c.w / 2, up}), c.toSource(point{-c.w / 2, down}), c.toSource(point{c.w / 2, down})}
}

// bounds is the upright rectangle round the frame, grown by a margin.
func (c crop) bounds(margin float64) rect {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range c.corners() {
		x0, y0, x1, y1 = min(x0, p.x), min(y0, p.y), max(x1, p.x), max(y1, p.y)
	}
	r := rect{int(math.Floor(x0 - margin)), int(math.Floor(y0 - margin)), 0, 0}
	r.w, r.h = int(math.Ceil(x1+margin))-r.x, int(math.Ceil(y1+margin))-r.y
	return r
}

// turn maps the worked frame onto a part of the source that is held at scale source pixels a pixel.
func (c crop) turn(part rect, scale float64) turn {
	sin, cos := math.Sincos(c.roll)
	t := turn{cos: cos * c.step / scale, sin: sin * c.step / scale}
	origin := c.toSource(point{-float64(c.pw) / 2 * c.step, -float64(c.ph) * c.eyeLine * c.step})
	t.x0, t.y0 = (origin.x-float64(part.x))/scale, (origin.y-float64(part.y))/scale
	return t
}

// covers tells whether a position lies in the source.
func (j *job) covers(p point) bool {
	return p.x >= -1 && p.y >= -1 && p.x <= float64(j.src.w)+1 && p.y <= float64(j.src.h)+1
}

// cutHair warns when the photo's own upper edge goes through the head.
func (j *job) cutHair(head float64) {
	crown := j.crop.toSource(point{0, -head * 0.5})
	if crown.y < 0 {
		j.warn(WarnHairCut, "The top of the head is outside the photo. Please leave some room above the hair.")
	}
}
