package enhance

import "math"

// crop is where the finished picture's edges lie in the source: a rectangle of w × h source pixels,
// turned by roll about the point between the eyes, which is eyeLine down the frame and aside to the
// right of its middle (as a part of its width).
type crop struct {
	eyes    point
	roll    float64
	w, h    float64
	eyeLine float64
	aside   float64
	// pw × ph is the size the frame is worked on: its own pixels, or the master's if those are fewer.
	pw, ph int
	step   float64 // source pixels a worked pixel
}

const (
	// A tilt up to smallRoll is the camera's and goes; of more, which is the person's way of
	// standing, restRoll goes: setting the head upright would make the shoulders crooked.
	smallRoll = 4 * math.Pi / 180
	restRoll  = 0.4
	maxRoll   = 20 * math.Pi / 180
	// tightestHead is the largest part of the frame's height the head may fill to keep the photo's
	// own edges out of it: a portrait that was tight already stays as tight.
	tightestHead = 0.95
	// above is the room wanted over the hair, as a part of the frame's height.
	above = 0.045
)

// frame chooses the crop, now that it is known where the person is. Where the photo cuts the person
// off (chest, an arm, the top of the hair), the frame has to cut there too or closer: a person that
// ends inside the picture floats. So of all crops near the wanted one, it takes the nearest that has
// none of those cuts inside.
func (j *job) frame() error {
	d, look := &j.faces[0], j.opts.Look.Framing
	head := d.unit() * headPerUnit
	wanted := crop{eyes: d.eyes(), roll: straighten(d.roll()), eyeLine: look.EyeLine, h: head / look.Head}
	wanted.w = wanted.h * float64(look.Width) / float64(look.Height)
	s := j.silhouette(wanted, head)
	wanted.aside = s.aside / wanted.w
	c := s.nearest(wanted, head, look)
	c.step = max(1, c.h/float64(look.Height))
	c.pw, c.ph = max(16, int(math.Round(c.w/c.step))), max(16, int(math.Round(c.h/c.step)))
	j.crop = c
	j.warnOfCuts(s, head)
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

// silhouette is what the frame has to know of the person, in source pixels from the eyes, upright as in the source.
type silhouette struct {
	cuts    []point // where the photo's edge goes through the person
	hair    float64 // how far over the eyes the hair goes, along the wanted roll
	aside   float64 // how far right of the frame's middle the eyes should be
	topCut  bool    // the photo's upper edge is among the cuts
	sideCut bool    // a side edge is, above the mouth
}

// silhouette reads the matte's grid.
func (j *job) silhouette(c crop, head float64) silhouette {
	const person = 0.5
	a := j.alpha
	kx, ky := float64(j.wide.w)/float64(a.w), float64(j.wide.h)/float64(a.h)
	at := func(x, y int) point {
		return point{float64(j.wide.x) + (float64(x)+0.5)*kx, float64(j.wide.y) + (float64(y)+0.5)*ky}.sub(c.eyes)
	}
	var s silhouette
	// with its own background kept, the photo must fill the frame: all of its edge is a cut
	all := j.opts.Look.Background.Kind == BackgroundKeep
	edge := func(x, y int, p point) bool {
		in := a.p[y*a.w+x] > person
		if in || all {
			s.cuts = append(s.cuts, p)
		}
		return in
	}
	left, top := float64(j.wide.x)-c.eyes.x, float64(j.wide.y)-c.eyes.y
	right, low := left+float64(j.wide.w), top+float64(j.wide.h)
	for x := range a.w {
		s.topCut = edge(x, 0, point{at(x, 0).x, top}) && j.wide.y == 0 || s.topCut
		edge(x, a.h-1, point{at(x, 0).x, low})
	}
	for y := range a.h {
		v := at(0, y).y
		l, r := edge(0, y, point{left, v}), edge(a.w-1, y, point{right, v})
		s.sideCut = s.sideCut || (l || r) && v < 0.1*head
	}
	var sum, weight float64
	for y := range a.h {
		for x, v := range a.row(y) {
			if v <= person {
				continue
			}
			p := at(x, y).rotate(-c.roll)
			if math.Abs(p.x) > 0.6*head || p.y > 0.25*head {
				continue
			}
			s.hair = max(s.hair, -p.y)
			sum += p.x
			weight++
		}
	}
	if weight > 0 {
		// between the eyes' middle and the head's: a head turned aside has both in balance then
		s.aside = -0.6 * min(max(sum/weight, -0.25*head), 0.25*head)
	}
	return s
}

// nearest searches crops round the wanted one: smaller, turned less, eyes higher, lower or aside.
func (s silhouette) nearest(wanted crop, head float64, look Framing) crop {
	best, lowest := wanted, math.Inf(1)
	for _, turned := range []float64{1, 0.5, 0} {
		c := wanted
		c.roll = wanted.roll * turned
		cuts := make([]point, 0, len(s.cuts))
		for _, p := range s.cuts {
			cuts = append(cuts, p.rotate(-c.roll))
		}
		for h := wanted.h; h >= 0.98*head/max(tightestHead, look.Head); h *= 0.98 {
			c.h, c.w = h, h*wanted.w/wanted.h
			cost := sq(math.Log(wanted.h/h)) + 0.05*sq(1-turned)*min(1, math.Abs(wanted.roll)/0.05)
			if at, total := s.place(c, wanted, cuts, cost, lowest); total < lowest {
				best, lowest = at, total
			}
		}
	}
	return best
}

// place moves a crop of given size and turn up, down and aside to where it costs least. cost is what
// its size and turn cost already; from lowest on it does not look.
func (s silhouette) place(c, wanted crop, cuts []point, cost, lowest float64) (crop, float64) {
	best := c
	for line := -10; line <= 8; line++ {
		c.eyeLine = min(max(wanted.eyeLine+float64(line)*0.015, 0.25), 0.56)
		for step := -8; step <= 8; step++ {
			c.aside = wanted.aside + float64(step)*0.02
			total := cost + 6*sq(c.eyeLine-wanted.eyeLine) + 3*sq(c.aside-wanted.aside)
			if over := s.hair + above*c.h - c.eyeLine*c.h; over > 0 && !s.topCut {
				total += 8 * over / c.h
			}
			if total < lowest {
				total += c.inside(cuts)
			}
			if total < lowest {
				best, lowest = c, total
			}
		}
	}
	return best, lowest
}

func sq(v float64) float64 { return v * v }

// inside is how much of the cuts (offsets from the eyes along the frame) lies inside the frame: for
// each, how deep, relative to the frame.
func (c crop) inside(cuts []point) float64 {
	left, right := -c.w*(0.5+c.aside), c.w*(0.5-c.aside)
	top, low := -c.h*c.eyeLine, c.h*(1-c.eyeLine)
	var sum float64
	for _, p := range cuts {
		depth := min(p.x-left, right-p.x, p.y-top, low-p.y)
		if depth > 0.001*c.h {
			sum += 0.02 + depth/c.h
		}
	}
	return sum
}

// toSource takes an offset from the eyes in the turned frame to the source.
func (c crop) toSource(p point) point {
	q := p.rotate(c.roll)
	return point{c.eyes.x + q.x, c.eyes.y + q.y}
}

// toFrame takes a source position to worked pixels of the frame.
func (c crop) toFrame(p point) point {
	q := p.sub(c.eyes).rotate(-c.roll)
	return point{q.x/c.step + float64(c.pw)*(0.5+c.aside), q.y/c.step + float64(c.ph)*c.eyeLine}
}

// bounds is the upright rectangle round the frame, grown by a margin.
func (c crop) bounds(margin float64) rect {
	left, right := -c.w*(0.5+c.aside), c.w*(0.5-c.aside)
	top, low := -c.h*c.eyeLine, c.h*(1-c.eyeLine)
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range []point{{left, top}, {right, top}, {left, low}, {right, low}} {
		p = c.toSource(p)
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
	origin := c.toSource(point{-float64(c.pw) * (0.5 + c.aside) * c.step, -float64(c.ph) * c.eyeLine * c.step})
	t.x0, t.y0 = (origin.x-float64(part.x))/scale, (origin.y-float64(part.y))/scale
	return t
}

// warnOfCuts tells what the photo itself has cut off.
func (j *job) warnOfCuts(s silhouette, head float64) {
	switch {
	case s.topCut || j.crop.eyes.y < head/2*0.85:
		j.warn(WarnHairCut, "The top of the head is outside the photo. Please leave some room above the hair.")
	case s.sideCut:
		j.warn(WarnHairCut, "The photo's edge cuts through the hair. Please leave some room beside the head.")
	}
}
