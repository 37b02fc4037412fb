package enhance

import (
	"math"
)

// Limits of the checks. They are permissive: a photo that fails one still gives a headshot.
const (
	limitHead      = 300.0 // crown to chin in source pixels
	limitSharpness = 0.060
	limitLight     = 0.36 // 95th percentile of the face's luma, encoded
	limitPixels    = 480.0
	limitEyes      = 0.12
	limitTurn      = 35.0 // degrees
)

// quality judges the source photo by what the steps measured.
func (j *job) quality() error {
	d := &j.faces[0]
	head := d.unit() * headPerUnit
	r := j.reading
	side := float64(min(j.src.w, j.src.h))
	turned := max(math.Abs(j.result.Face.Yaw), math.Abs(j.result.Face.Pitch))
	rivals := float64(j.rivals())
	cut := 0.0
	for _, w := range j.result.Warnings {
		if w.Code == WarnHairCut {
			cut = 1
		}
	}
	checks := []struct {
		Check
		weight    float64
		good, bad string
	}{
		{Check{Code: CheckFaceSize, Passed: head >= limitHead, Value: math.Round(head), Limit: limitHead}, 2,
			"The face is large enough.", "The face is small in the photo. Come closer to the camera."},
		{Check{Code: CheckSharpness, Passed: r.sharp >= limitSharpness, Value: round3(float64(r.sharp)), Limit: limitSharpness}, 2,
			"The face is sharp.", "The face is blurred. Hold still, clean the lens and take it again."},
		{Check{Code: CheckLight, Passed: r.high >= limitLight, Value: round3(float64(r.high)), Limit: limitLight}, 2,
			"There is enough light on the face.", "The face is dark. Turn towards a window or a lamp."},
		{Check{Code: CheckResolution, Passed: side >= limitPixels, Value: side, Limit: limitPixels}, 1,
			"The photo has enough pixels.", "The photo is small. Send it in its full size."},
		{Check{Code: CheckHairInside, Passed: cut == 0, Value: cut, Limit: 0}, 1,
			"The whole head is in the photo.", "The top of the head is outside the photo. Leave some room above the hair."},
		{Check{Code: CheckOneFace, Passed: rivals == 0, Value: rivals + 1, Limit: 1}, 1,
			"There is one person in the photo.", "There is more than one person in the photo. Take one of yourself alone."},
		{Check{Code: CheckEyesOpen, Passed: j.result.Face.EyesOpen >= limitEyes, Value: j.result.Face.EyesOpen, Limit: limitEyes}, 1,
			"The eyes are open.", "The eyes seem to be closed. Take it again with open eyes."},
		{Check{Code: CheckFacing, Passed: turned <= limitTurn, Value: turned, Limit: limitTurn}, 1,
			"The face looks towards the camera.", "The face is turned away. Look into the camera."},
	}
	var got, all float64
	for _, c := range checks {
		all += c.weight
		c.Message = c.bad
		if c.Passed {
			got += c.weight
			c.Message = c.good
		}
		j.result.Quality.Checks = append(j.result.Quality.Checks, c.Check)
	}
	j.result.Quality.Score = round3(got / all)
	for _, w := range []struct {
		check int
		code  string
	}{{0, WarnSmallFace}, {2, WarnDark}, {6, WarnEyesClosed}} {
		if c := checks[w.check]; !c.Passed {
			j.warn(w.code, c.bad)
		}
	}
	return nil
}

// sharpness is the detail of the face at a fixed size, so that it does not depend on the photo's:
// the root of the mean squared Laplacian of luma with the face 256 px high, by the face's contrast.
func (j *job) sharpness() float32 {
	d := &j.faces[0]
	const side = 256
	b := rect{int(d.x), int(d.y), max(1, int(d.w)), max(1, int(d.h))}
	l := j.src.window(b, side, side, triangle()).luma()
	var sum, mean, square float64
	for y := side / 8; y < side*7/8; y++ {
		for x := side / 8; x < side*7/8; x++ {
			i := y*side + x
			v := float64(4*l.p[i] - l.p[i-1] - l.p[i+1] - l.p[i-side] - l.p[i+side])
			sum += v * v
			mean += float64(l.p[i])
			square += float64(l.p[i]) * float64(l.p[i])
		}
	}
	n := float64(side*3/4) * float64(side*3/4)
	contrast := math.Sqrt(max(square/n-(mean/n)*(mean/n), 1e-6))
	return float32(math.Sqrt(sum/n) / contrast)
}
