package enhance

// foreground frees the person's colours of the old background: a half-covering hair pixel shows a
// mix of hair and wall, and on a new ground the wall would stay as a halo. Two passes of blurred
// fusion (Forte and Pitié 2021), the first with a wide radius on a quarter of the size, where only
// means are wanted. The light is applied on the way out.
func (j *job) foreground() error {
	w, h := j.crop.pw, j.crop.ph
	wide, narrow := max(4, w/24), max(2, w/200)

	const q = 4
	sw, sh := max(1, w/q), max(1, h/q)
	small, a := j.view.resize(sw, sh, triangle()), j.cover.resize(sw, sh, triangle())
	f, b := means(small, small, a, max(1, wide/q))
	f = unmixed(small, f, b, a)
	// the second pass wants the first one's colours, again as means: half the size will do
	hw, hh := max(1, w/2), max(1, h/2)
	a = j.cover.resize(hw, hh, triangle())
	f, b = f.resize(hw, hh, triangle()), b.resize(hw, hh, triangle())
	// where the person covers wholly the photo itself is the colour
	half := j.view.resize(hw, hh, triangle())
	for c := range f {
		own, est := half[c].p, f[c].p
		f[c] = each(hw, hh, func(i int) float32 { return est[i] + (own[i]-est[i])*a.p[i]*a.p[i] })
	}
	f, b = means(f, b, a, max(1, narrow/2))
	f, b = f.resize(w, h, triangle()), b.resize(w, h, triangle())
	j.person = j.litPerson(f, b)
	return nil
}

// means are the local means of foreground colours weighted by alpha, and of background colours by what is left.
func means(f, b picture, a *plane, r int) (mf, mb picture) {
	w, h := a.w, a.h
	cover := a.box(r)
	for c := range f {
		fp, bp := f[c].p, b[c].p
		sf := each(w, h, func(i int) float32 { return a.p[i] * fp[i] }).box(r)
		sb := each(w, h, func(i int) float32 { return (1 - a.p[i]) * bp[i] }).box(r)
		mf[c] = each(w, h, func(i int) float32 { return sf.p[i] / (cover.p[i] + 1e-5) })
		mb[c] = each(w, h, func(i int) float32 { return clamp01(sb.p[i] / (1 - cover.p[i] + 1e-5)) })
	}
	return mf, mb
}

// unmixed adds to the mean foreground what the mix of means does not explain of the picture.
func unmixed(m, f, b picture, a *plane) picture {
	var o picture
	for c := range m {
		p, fp, bp := m[c].p, f[c].p, b[c].p
		o[c] = each(a.w, a.h, func(i int) float32 {
			v := a.p[i]
			return clamp01(fp[i] + v*(p[i]-v*fp[i]-(1-v)*bp[i]))
		})
	}
	return o
}

// litPerson is unmixed and the tone in one pass.
func (j *job) litPerson(f, b picture) picture {
	w, h := j.crop.pw, j.crop.ph
	o := newPicture(w, h)
	bands(h, func(y0, y1 int) {
		for i := y0 * w; i < y1*w; i++ {
			v := j.cover.p[i]
			var p [3]float32
			for c := range p {
				fp := f[c].p[i]
				p[c] = clamp01(fp + v*(j.view[c].p[i]-v*fp-(1-v)*b[c].p[i]))
			}
			o[0].p[i], o[1].p[i], o[2].p[i] = j.tone.lit(j.e.tones, p[0], p[1], p[2])
		}
	})
	return o
}
