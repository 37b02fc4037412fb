package enhance

// guided is a guided filter's answer (He et al. 2010): at each pixel, the line a·RGB + b that maps
// the guide to the input best over its neighbourhood. Solved on a small grid, it is applied at any
// size: that is how a 512 px mask gets the edges of a 4,000 px photo.
type guided struct{ a0, a1, a2, b *plane }

// moments are the parts of the guided filter that depend on the guide alone.
type moments struct {
	guide picture
	r     int
	mean  [3]*plane
	inv   [6]*plane // inverse of covariance + eps: 00 01 02 11 12 22
}

// momentsOf prepares filters of radius r with regularisation eps.
func momentsOf(guide picture, r int, eps float32) *moments {
	w, h := guide[0].w, guide[0].h
	m := &moments{guide: guide, r: r}
	for c := range guide {
		m.mean[c] = guide[c].box(r)
	}
	pairs := [6][2]int{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}}
	for k, p := range pairs {
		x, y := guide[p[0]].p, guide[p[1]].p
		m.inv[k] = each(w, h, func(i int) float32 { return x[i] * y[i] }).box(r)
	}
	e := float64(eps)
	bands(h, func(y0, y1 int) {
		for i := y0 * w; i < y1*w; i++ {
			// float64: on a grey photo the three colours are one, and the determinant is eps² small
			a, b, c := float64(m.mean[0].p[i]), float64(m.mean[1].p[i]), float64(m.mean[2].p[i])
			rr, rg, rb := float64(m.inv[0].p[i])-a*a+e, float64(m.inv[1].p[i])-a*b, float64(m.inv[2].p[i])-a*c
			gg, gb, bb := float64(m.inv[3].p[i])-b*b+e, float64(m.inv[4].p[i])-b*c, float64(m.inv[5].p[i])-c*c+e
			i00, i01, i02 := gg*bb-gb*gb, gb*rb-rg*bb, rg*gb-gg*rb
			det := 1 / max(rr*i00+rg*i01+rb*i02, e*e*e/8)
			m.inv[0].p[i], m.inv[1].p[i], m.inv[2].p[i] = float32(i00*det), float32(i01*det), float32(i02*det)
			m.inv[3].p[i], m.inv[4].p[i], m.inv[5].p[i] = float32((rr*bb-rb*rb)*det), float32((rb*rg-rr*gb)*det), float32((rr*gg-rg*rg)*det)
		}
	})
	return m
}

// filter solves for one input.
func (m *moments) filter(p *plane) guided {
	w, h := p.w, p.h
	mean := p.box(m.r)
	var cross [3]*plane
	for c := range cross {
		g := m.guide[c].p
		cross[c] = each(w, h, func(i int) float32 { return g[i] * p.p[i] }).box(m.r)
	}
	o := guided{cross[0], cross[1], cross[2], mean}
	bands(h, func(y0, y1 int) {
		for i := y0 * w; i < y1*w; i++ {
			v := mean.p[i]
			m0, m1, m2 := m.mean[0].p[i], m.mean[1].p[i], m.mean[2].p[i]
			c0, c1, c2 := cross[0].p[i]-m0*v, cross[1].p[i]-m1*v, cross[2].p[i]-m2*v
			a0 := m.inv[0].p[i]*c0 + m.inv[1].p[i]*c1 + m.inv[2].p[i]*c2
			a1 := m.inv[1].p[i]*c0 + m.inv[3].p[i]*c1 + m.inv[4].p[i]*c2
			a2 := m.inv[2].p[i]*c0 + m.inv[4].p[i]*c1 + m.inv[5].p[i]*c2
			o.a0.p[i], o.a1.p[i], o.a2.p[i] = a0, a1, a2
			o.b.p[i] = v - a0*m0 - a1*m1 - a2*m2
		}
	})
	return guided{o.a0.box(m.r), o.a1.box(m.r), o.a2.box(m.r), o.b.box(m.r)}
}

func (g guided) planes() []*plane { return []*plane{g.a0, g.a1, g.a2, g.b} }

// apply evaluates the filter on its own guide.
func (g guided) apply(guide picture) *plane {
	r, gr, b := guide[0].p, guide[1].p, guide[2].p
	return each(g.b.w, g.b.h, func(i int) float32 {
		return g.a0.p[i]*r[i] + g.a1.p[i]*gr[i] + g.a2.p[i]*b[i] + g.b.p[i]
	})
}
