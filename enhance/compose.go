package enhance

// compose lays the person on the look's background and rounds to 8 bits.
func (j *job) compose() error {
	w, h := j.opts.Look.Framing.Width, j.opts.Look.Framing.Height
	bg := j.opts.Look.Background
	if *j.opts.Look.Cutout || bg.Kind == BackgroundTransparent {
		j.cutout = j.cut()
	}
	if bg.Kind == BackgroundTransparent {
		j.master = j.cutout
		return nil
	}
	ground, err := j.ground(bg)
	if err != nil {
		return err
	}
	out := newRaster(w, h, 3)
	gradient := bg.Kind == BackgroundGradient
	bands(h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			for x := range w {
				i := y*w + x
				v := j.cover.p[i]
				r, g, b := ground(x, y)
				d := out.pix[i*3 : i*3+3]
				s := dither(x, y)
				if gradient {
					s += (grain(x, y) - 0.5) * 2 * (1 - v)
				}
				d[0] = to8(v*j.person[0].p[i]+(1-v)*r, s)
				d[1] = to8(v*j.person[1].p[i]+(1-v)*g, s)
				d[2] = to8(v*j.person[2].p[i]+(1-v)*b, s)
			}
		}
	})
	j.master = out
	return nil
}

// dither is half a step up or down in a fixed 4 × 4 pattern: a soft gradient in 8 bits shows bands without it.
func dither(x, y int) float32 {
	const pattern = "\x00\x08\x02\x0a\x0c\x04\x0e\x06\x03\x0b\x01\x09\x0f\x07\x0d\x05"
	return (float32(pattern[(y&3)*4+x&3]) + 0.5) / 16
}

// grain is even noise, 0 to 1, the same in every run: the pattern alone is finer than what JPEG
// keeps, so that each step of a gradient would be a line across the picture.
func grain(x, y int) float32 {
	n := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77 //nolint:gosec // a pixel's place
	n ^= n >> 15
	n *= 0x2c1b3c6d
	n ^= n >> 12
	n *= 0x297a2d39
	n ^= n >> 15
	return float32(n>>8) / (1 << 24)
}

// to8 rounds 0..1 to 8 bits; s is where between two values the rounding turns up.
func to8(v, s float32) byte { return byte(min(max(v*255+s, 0), 255)) }

// ground returns the background's colour at a pixel of the master.
func (j *job) ground(bg Background) (func(x, y int) (r, g, b float32), error) {
	w, h := j.opts.Look.Framing.Width, j.opts.Look.Framing.Height
	switch bg.Kind {
	case BackgroundKeep, BackgroundBlur:
		own := j.oldGround(bg.Kind == BackgroundBlur)
		return func(x, y int) (float32, float32, float32) {
			i := y*w + x
			return own[0].p[i], own[1].p[i], own[2].p[i]
		}, nil
	case BackgroundColor:
		c, err := parseColor(bg.Color)
		return func(int, int) (float32, float32, float32) { return c[0], c[1], c[2] }, err
	}
	top, err := parseColor(bg.Color)
	if err != nil {
		return nil, err
	}
	low, err := parseColor(bg.Color2)
	return func(_, y int) (float32, float32, float32) {
		t := float32(y) / float32(h)
		t = t * t * (3 - 2*t)
		return top[0] + (low[0]-top[0])*t, top[1] + (low[1]-top[1])*t, top[2] + (low[2]-top[2])*t
	}, err
}

// oldGround is the photo's own background in the frame, in the same light as the person, with the
// mean of it where the photo does not reach. Blurred, it is a mean that leaves the person out.
func (j *job) oldGround(blurred bool) picture {
	w, h := j.inside.w, j.inside.h
	lit := newPicture(w, h)
	bands(h, func(y0, y1 int) {
		for i := y0 * w; i < y1*w; i++ {
			lit[0].p[i], lit[1].p[i], lit[2].p[i] = j.tone.lit(j.e.tones, j.view[0].p[i], j.view[1].p[i], j.view[2].p[i])
		}
	})
	weight := each(w, h, func(i int) float32 { return (1-j.cover.p[i])*j.inside.p[i] + 1e-4 })
	small := weight.resize(max(1, w/4), max(1, h/4), triangle())
	r := max(2, small.w/24)
	spread := func(m *plane, r int) *plane {
		s := each(w, h, func(i int) float32 { return m.p[i] * weight.p[i] }).resize(small.w, small.h, triangle())
		s, k := s.box(r).box(r).box(r), small.box(r).box(r).box(r)
		return each(s.w, s.h, func(i int) float32 { return s.p[i] / k.p[i] }).resize(w, h, triangle())
	}
	for c := range lit {
		soft := spread(lit[c], r)
		if blurred {
			lit[c] = soft
			continue
		}
		own := lit[c].p
		lit[c] = each(w, h, func(i int) float32 { return soft.p[i] + (own[i]-soft.p[i])*j.inside.p[i] })
	}
	return lit
}

// cut is the person alone, RGB and straight alpha.
func (j *job) cut() *raster {
	w, h := j.cover.w, j.cover.h
	out := newRaster(w, h, 4)
	bands(h, func(y0, y1 int) {
		for i := y0 * w; i < y1*w; i++ {
			a := to8(j.cover.p[i], 0.5)
			if a == 0 {
				continue // black under nothing compresses best
			}
			d := out.pix[i*4 : i*4+4]
			d[0], d[1], d[2], d[3] = to8(j.person[0].p[i], 0.5), to8(j.person[1].p[i], 0.5), to8(j.person[2].p[i], 0.5), a
		}
	})
	return out
}
