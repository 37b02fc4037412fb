package enhance

import "math"

// noisy is the noise from which on the picture is smoothed. Under it one only loses skin.
const noisy = 0.010

// denoise smooths what was measured as noise and keeps edges: luma by a small guided filter,
// colour, where noise is blotchy and detail is not seen, by a wider one. What counts is the noise as
// it will be seen, after the exposure.
func (j *job) denoise(exposure float32) {
	sigma := j.reading.noise
	if sigma*exposure < noisy {
		return
	}
	m := j.view
	w, h := m[0].w, m[0].h
	eps := sigma * sigma * 6
	l := m.luma()
	smooth := momentsOf(m, 3, eps).filter(l).apply(m)
	wide := momentsOf(m, 8, eps*4)
	for c := range m {
		p := m[c].p
		color := wide.filter(each(w, h, func(i int) float32 { return p[i] - l.p[i] })).apply(m)
		m[c] = each(w, h, func(i int) float32 { return clamp01(smooth.p[i] + color.p[i]) })
	}
	j.view = m
}

// upscale brings person and matte to the master's size and sharpens the person a little. A frame
// with more pixels than the master was shrunk already when it was cut.
func (j *job) upscale() error {
	w, h := j.opts.Look.Framing.Width, j.opts.Look.Framing.Height
	j.cover = j.cover.resize(w, h, lanczos3())
	j.person = j.person.resize(w, h, lanczos3())
	if k := j.opts.Look.Background.Kind; k == BackgroundKeep || k == BackgroundBlur {
		j.view = j.view.resize(w, h, lanczos3())
		j.inside = j.inside.resize(w, h, triangle())
	} else {
		j.view, j.inside = picture{}, nil
	}
	j.sharpen()
	return nil
}

// sharpen is an unsharp mask on luma, not where the matte is soft, nor on differences as small as
// noise, and with a limit so that no edge gets a seam.
func (j *job) sharpen() {
	const amount, floor, limit = 0.5, 0.008, 0.06
	m := j.person
	w, h := m[0].w, m[0].h
	r := max(1, int(math.Round(float64(h)/1400)))
	l := m.luma()
	b := l.box(r).box(r)
	bands(h, func(y0, y1 int) {
		for i := y0 * w; i < y1*w; i++ {
			d := l.p[i] - b.p[i]
			if d > -floor && d < floor {
				continue
			}
			d = min(max(d, -limit), limit) * amount * j.cover.p[i]
			m[0].p[i], m[1].p[i], m[2].p[i] = clamp01(m[0].p[i]+d), clamp01(m[1].p[i]+d), clamp01(m[2].p[i]+d)
		}
	})
}
