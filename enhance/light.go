package enhance

import (
	"math"
	"slices"
)

// reading is what the light step measures on the framed picture.
type reading struct {
	skin  [3]float32 // median of likely skin in the face, linear light
	face  float32    // median luma of the face, encoded
	high  float32    // 95th percentile of the face's luma, encoded: tells a dark photo from dark skin
	top   float32    // 98th percentile of the person's luma, encoded
	noise float32    // standard deviation of the noise in the face, encoded
	white float32    // part of the frame that is bright and neutral
	sharp float32    // detail in the face; see sharpness
}

// tone is what will be done to each pixel: gains in linear light, then a curve on luma.
type tone struct {
	gain  [3]float32
	curve [1026]float32
	plain bool // nothing to do
}

// The usual band of skin in linear sRGB, of all tones: log2 of red by green and of blue by green.
const (
	skinRedLow, skinRedHigh   = 0.42, 1.10
	skinBlueLow, skinBlueHigh = -0.95, -0.18
)

// light measures the face and decides. It is gentle by design: a right photo stays as it is, and
// skin is never judged by how light it is, since well-lit darker skin measures what lighter skin
// does in a dark photo; what is bright elsewhere on the person tells the two apart.
func (j *job) light() error {
	j.reading = j.read()
	s := *j.opts.Look.Light.Strength
	gain := whiteBalance(j.reading, 0.9*s)
	exposure := float32(math.Exp2(j.exposure(j.reading) * s))
	t := tone{plain: s == 0}
	for c := range gain {
		t.gain[c] = gain[c] * exposure
	}
	contrast := float32(0.18 * s)
	for i := range t.curve {
		x := min(float32(i)/1024, 1)
		t.curve[i] = x + (x*x*(3-2*x)-x)*contrast
	}
	j.tone = t
	j.denoise(exposure)
	return nil
}

// read measures the ellipse between eyes and mouth, where hair, glasses and beard matter least.
func (j *job) read() reading {
	d := &j.faces[0]
	eyes, lips := j.crop.toFrame(d.eyes()), j.crop.toFrame(d.key[mouth])
	cx, cy := (eyes.x+lips.x)/2, eyes.y*0.45+lips.y*0.55
	rad := d.unit() / j.crop.step * 0.85
	var luma, r, g, b []float32
	box := rect{int(cx - rad), int(cy - rad), int(2*rad) + 1, int(2*rad) + 1}.in(j.crop.pw, j.crop.ph)
	m := j.view
	stride := max(1, int(rad)/150)
	for y := box.y; y < box.y+box.h; y += stride {
		for x := box.x; x < box.x+box.w; x += stride {
			dx, dy := (float64(x)-cx)/(rad*0.8), (float64(y)-cy)/rad
			if dx*dx+dy*dy > 1 {
				continue
			}
			i := y*j.crop.pw + x
			p := [3]float32{m[0].p[i], m[1].p[i], m[2].p[i]}
			l := 0.2126*p[0] + 0.7152*p[1] + 0.0722*p[2]
			luma = append(luma, l)
			if p[0] > 0.98 || l < 0.02 {
				continue
			}
			r, g, b = append(r, j.e.tones.linear(p[0])), append(g, j.e.tones.linear(p[1])), append(b, j.e.tones.linear(p[2]))
		}
	}
	body, white := j.readBody()
	return reading{
		white: white,
		skin:  [3]float32{quantile(r, 0.5), quantile(g, 0.5), quantile(b, 0.5)},
		face:  quantile(luma, 0.5), high: quantile(luma, 0.95), top: quantile(body, 0.98),
		noise: noise(m, box), sharp: j.sharpness(),
	}
}

// readBody samples the whole person's luma, and what part of the frame is bright and neutral: a
// shirt, teeth, a wall. Where the photo is as white as can be nothing is known of its colour.
func (j *job) readBody() (body []float32, white float32) {
	m := j.view
	every := max(1, len(j.cover.p)/100_000)
	seen := 0
	for i := 0; i < len(j.cover.p); i += every {
		if j.inside.p[i] == 0 {
			continue
		}
		seen++
		r, g, b := m[0].p[i], m[1].p[i], m[2].p[i]
		if luma := 0.2126*r + 0.7152*g + 0.0722*b; j.cover.p[i] > 0.95 {
			body = append(body, luma)
		}
		high, low := max(r, g, b), min(r, g, b)
		if low > 0.55 && high < 0.98 && high-low < 0.05 {
			white++
		}
	}
	return body, white / float32(max(1, seen))
}

// quantile sorts v. 0 of nothing.
func quantile(v []float32, q float64) float32 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}

// noise is a robust deviation of the second difference both ways (Immerkær 1996), which flat skin
// and its gradients have none of.
func noise(m picture, b rect) float32 {
	var d []float32
	w := m[0].w
	luma := func(i int) float32 { return 0.2126*m[0].p[i] + 0.7152*m[1].p[i] + 0.0722*m[2].p[i] }
	stride := max(1, b.w/200)
	for y := b.y + 1; y < b.y+b.h-1; y += stride {
		if y < 1 || y >= m[0].h-1 {
			continue
		}
		for x := max(1, b.x+1); x < min(w-1, b.x+b.w-1); x += stride {
			i := y*w + x
			v := luma(i-w-1) - 2*luma(i-w) + luma(i-w+1) - 2*luma(i-1) + 4*luma(i) - 2*luma(i+1) + luma(i+w-1) - 2*luma(i+w) + luma(i+w+1)
			d = append(d, float32(math.Abs(float64(v))))
		}
	}
	return quantile(d, 0.5) / 0.6745 / 6
}

// whiteBalance returns gains in linear light that keep luminance. The face moves only when it lies
// outside the usual band of skin, and then only to its edge. Two things say that the light was
// right and the skin is simply so, and hold it back: whites in the picture that are white, and a
// face too red without being too little blue, which no lamp does.
func whiteBalance(s reading, strength float64) [3]float32 {
	r, g, b := float64(s.skin[0]), float64(s.skin[1]), float64(s.skin[2])
	if r <= 0 || g <= 0 || b <= 0 {
		return [3]float32{1, 1, 1}
	}
	strength *= 1 - 0.8*min(1, float64(s.white)/0.03)
	red, blue := math.Log2(r/g), math.Log2(b/g)
	moveRed := min(max(red, skinRedLow), skinRedHigh) - red
	moveBlue := min(max(blue, skinBlueLow), skinBlueHigh) - blue
	if moveRed < 0 && moveBlue <= 0 {
		moveRed *= 0.3
	}
	kr, kb := math.Exp2(moveRed*strength), math.Exp2(moveBlue*strength)
	k := (0.2126*r + 0.7152*g + 0.0722*b) / (0.2126*r*kr + 0.7152*g + 0.0722*b*kb)
	return [3]float32{float32(kr * k), float32(k), float32(kb * k)}
}

// exposure is the correction in stops.
func (j *job) exposure(s reading) float64 {
	const low, high = 0.42, 0.68 // band of face medians left alone
	if s.face <= 0 {
		return 0
	}
	lin := func(v float32) float64 { return linear(float64(v)) }
	target := s.face
	switch {
	case s.face < low:
		target = low - (low-s.face)*0.25
	case s.face > high:
		target = high + (s.face-high)*0.4
	}
	stops := math.Log2(lin(target) / lin(s.face))
	if s.top > 0 {
		// nothing on the person is bright: the photo is under-exposed, whatever the skin
		room := math.Log2(lin(0.93) / lin(s.top))
		switch {
		case room > 0.5:
			stops = max(stops, min(room*0.75, math.Log2(lin(0.56)/lin(s.face))))
		case stops > 0:
			// something is bright already: the face is dark for itself, do not bleach it
			stops = min(stops, 0.2+0.5*max(0, room))
		}
	}
	return min(3, max(-1.2, stops))
}

// shoulder is linear to 0.7 and rolls off above, so that lifted highlights keep their shape.
func shoulder(v float32) float32 {
	if v <= 0.7 {
		return v
	}
	x := v - 0.7
	return 0.7 + 0.354*x/(x+0.3)
}

// lit applies the tone to a pixel.
func (t *tone) lit(ts *tones, r, g, b float32) (float32, float32, float32) {
	if t.plain {
		return r, g, b
	}
	lr, lg, lb := ts.linear(r)*t.gain[0], ts.linear(g)*t.gain[1], ts.linear(b)*t.gain[2]
	if high := max(lr, lg, lb); high > 0.7 {
		// one factor for all three, or a bright shirt would change its colour
		f := shoulder(high) / high
		lr, lg, lb = lr*f, lg*f, lb*f
	}
	y := ts.encoded(0.2126*lr + 0.7152*lg + 0.0722*lb)
	f := y * 1024
	i := int(f)
	k := float32(1)
	if y > 1e-4 {
		k = (t.curve[i] + (t.curve[i+1]-t.curve[i])*(f-float32(i))) / y
	}
	return clamp01(ts.encoded(lr) * k), clamp01(ts.encoded(lg) * k), clamp01(ts.encoded(lb) * k)
}
