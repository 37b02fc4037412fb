package enhance

import (
	"fmt"

	"headroom/enhance/models"
)

const (
	// gridSide is the longer side of the grid that masks are fused and guided on. The networks see
	// 256 to 512 px; the guided filter carries their answer to the picture's own pixels.
	gridSide = 1024
	// wideBy is how much more of the source than the frame the networks see: they know a person
	// better with shoulders and some surroundings.
	wideBy = 1.56
)

// matte asks the networks who is person, upright and without made-up pixels.
func (j *job) matte() error {
	j.wide = j.surroundings()
	scale := max(1, float64(max(j.wide.w, j.wide.h))/gridSide)
	j.guide = j.src.window(j.wide, max(8, int(float64(j.wide.w)/scale)), max(8, int(float64(j.wide.h)/scale)), triangle())
	j.brightenGuide()
	person, err := j.e.net(models.PersonMask)
	if err != nil {
		return err
	}
	mask, err := person.steadyMask(j.guide)
	if err != nil {
		return err
	}
	g := j.guide[0]
	mask = mask.resize(g.w, g.h, triangle())
	switch len(j.profile.Matte) {
	case 1:
		j.alpha, err = j.secondLook(person, mask, 0.5) // the same network, closer
	case 2:
		var n *net
		if n, err = j.e.net(j.profile.Matte[1]); err == nil {
			j.alpha, err = j.fused(n, mask)
		}
	default:
		return fmt.Errorf("profile %s: %d networks, expected one or two", j.profile.Name, len(j.profile.Matte))
	}
	if err != nil {
		return err
	}
	j.alpha = attached(j.byColour(j.onePerson(j.alpha)))
	if !j.whole && j.faceCover() < 0.5 {
		return &Failure{NoFace, "We could not make out the person in this photo. Please take one in good light, in front of a calm background."}
	}
	return nil
}

// faceBox is the chosen face on a w × h grid over the surroundings.
func (j *job) faceBox(w, h int) rect {
	d := j.faces[0]
	kx, ky := float64(w)/float64(j.wide.w), float64(h)/float64(j.wide.h)
	return rect{int((d.x - float64(j.wide.x)) * kx), int((d.y - float64(j.wide.y)) * ky), int(d.w * kx), int(d.h * ky)}.in(w, h)
}

// faceCover is the mean alpha of the chosen face: nearly 1, unless the networks took a face on a
// poster or a doll for what it is.
func (j *job) faceCover() float64 {
	b := j.faceBox(j.alpha.w, j.alpha.h)
	var sum float64
	for _, v := range j.alpha.cut(b).p {
		sum += float64(v)
	}
	return sum / float64(max(1, b.w*b.h))
}

const (
	// grow is how much larger than the person the second look's window is, each way.
	grow = 0.05
	// steepen makes up for what averaging log odds takes from their certainty.
	steepen = 1.4
)

// brightenGuide lifts a dark picture to usual light before the networks look at it: they have
// seldom seen any other. What is lifted is only their copy and the guided filter's.
func (j *job) brightenGuide() {
	const enough, wanted = 0.45, 0.8
	g := j.guide.luma()
	b := rect{0, 0, g.w, g.h}
	if len(j.faces) > 0 {
		b = j.faceBox(g.w, g.h)
	}
	high := quantile(g.cut(b).p, 0.95)
	if high >= enough || high < 0.01 {
		return
	}
	j.lift = float32(linear(wanted) / linear(float64(high)))
	for c := range j.guide {
		p := j.guide[c].p
		j.guide[c] = each(g.w, g.h, func(i int) float32 { return j.lifted(p[i]) })
	}
}

// lifted is a value of the source as the networks saw it.
func (j *job) lifted(v float32) float32 {
	if j.lift == 0 {
		return v
	}
	return j.e.tones.encoded(shoulder(j.e.tones.linear(v) * j.lift))
}

// surroundings is the part of the source to look at: round the face, with room for the frame; all
// of it when the alpha of the whole photo is wanted.
func (j *job) surroundings() rect {
	if j.whole {
		return rect{0, 0, j.src.w, j.src.h}
	}
	d, look := &j.faces[0], j.opts.Look.Framing
	h := d.unit() * headPerUnit / min(look.Head, 0.5)
	half := max(h, h*float64(look.Width)/float64(look.Height)) * wideBy / 2
	x, y := d.eyes().x, d.eyes().y+h*(0.5-look.EyeLine)
	return rect{int(x - half), int(y - half), int(2 * half), int(2 * half)}.in(j.src.w, j.src.h)
}

// fused asks the second network about the person's surroundings, where it is at its best, and takes
// the weighted mean of both answers' log odds; the person mask keeps a veto.
func (j *job) fused(n *net, mask *plane) (*plane, error) {
	a, err := j.secondLook(n, mask, 0.2)
	if err != nil {
		return nil, err
	}
	return veto(a, mask, float64(min(mask.w, mask.h))*0.3), nil
}

// secondLook runs n on the window round what the mask took for person. own is the mask's weight there.
func (j *job) secondLook(n *net, mask *plane, own float32) (*plane, error) {
	b := mask.extent(0.5)
	gx, gy := int(float64(b.w)*grow), int(float64(b.h)*grow)
	b = rect{b.x - gx, b.y - gy, b.w + 2*gx, b.h + 2*gy}.in(mask.w, mask.h)
	near, err := n.steadyMask(j.guide.cut(b))
	if err != nil {
		return nil, err
	}
	near = near.resize(b.w, b.h, triangle())
	a := newPlane(mask.w, mask.h)
	bands(mask.h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			s, d := mask.row(y), a.row(y)
			for x, v := range s {
				l := logit(v)
				if x >= b.x && x < b.x+b.w && y >= b.y && y < b.y+b.h {
					l = own*l + (1-own)*logit(near.p[(y-b.y)*b.w+x-b.x])
				}
				d[x] = clamp01((sigmoid(steepen*l) - 0.006) / 0.988)
			}
		}
	})
	return a, nil
}

// veto drops from a what the person mask p has nothing of nearby, and fills what a has doubts
// about well inside the person. size is about a face's width.
func veto(a, p *plane, size float64) *plane {
	r := max(2, int(size*0.12))
	var near, core *plane
	together(func() { near = p.box(r).box(r) }, func() { core = p.box(max(1, r/3)) })
	return each(a.w, a.h, func(i int) float32 {
		v := a.p[i]
		fill := clamp01((core.p[i]-0.93)/0.06) * clamp01((v-0.10)/0.15)
		return max(v*clamp01((near.p[i]-0.02)/0.10), fill)
	})
}

// extent is the rectangle round all samples over t; rows with only a few of them do not count. The
// whole plane when there are none.
func (m *plane) extent(t float32) rect {
	x0, y0, x1, y1 := m.w, m.h, 0, 0
	for y := range m.h {
		n := 0
		for x, v := range m.row(y) {
			if v > t {
				n++
				x0, x1 = min(x0, x), max(x1, x+1)
			}
		}
		if n > m.w/100 {
			y0, y1 = min(y0, y), max(y1, y+1)
		}
	}
	if x1-x0 < 2 || y1-y0 < 2 {
		return rect{0, 0, m.w, m.h}
	}
	return rect{x0, y0, x1 - x0, y1 - y0}
}

// cut copies a rectangle that lies inside.
func (m *plane) cut(b rect) *plane {
	o := newPlane(b.w, b.h)
	for y := range b.h {
		copy(o.row(y), m.row(b.y + y)[b.x:b.x+b.w])
	}
	return o
}

func (m picture) cut(b rect) picture { return picture{m[0].cut(b), m[1].cut(b), m[2].cut(b)} }
