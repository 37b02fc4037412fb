package enhance

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// faceNets find faces: full on the whole photo, short again on a window round each hit for steadier
// key points, mesh for what the face does.
type faceNets struct{ full, short, mesh *net }

const (
	fullThreshold  = 0.55
	shortThreshold = 0.5
	// headPerUnit is crown to chin by detection.unit, from a hundred official portraits.
	headPerUnit = 3.55
	// minHead is the head's height in pixels under which there is nothing to show.
	minHead = 80
)

// find returns the faces, largest first.
func (f faceNets) find(src *raster) ([]detection, error) {
	big := max(src.w, src.h)
	found, err := f.full.detect(src, rect{(src.w - big) / 2, (src.h - big) / 2, big, big}, fullAnchors, fullThreshold)
	if err != nil {
		return nil, err
	}
	for i, d := range found {
		side := max(1, int(max(d.w, d.h)*2))
		sq := rect{int(d.x+d.w/2) - side/2, int(d.y+d.h/2) - side/2, side, side}
		closer, err := f.short.detect(src, sq, shortAnchors, shortThreshold)
		if err != nil {
			return nil, err
		}
		for _, c := range closer {
			if overlap(c, d) > 0.3 {
				c.score = max(c.score, d.score)
				found[i] = c
				break
			}
		}
	}
	slices.SortStableFunc(found, func(a, b detection) int { return cmp.Compare(b.w*b.h, a.w*a.h) })
	return found, nil
}

// findFaces fills faces, perhaps with none.
func (j *job) findFaces() error {
	found, err := j.e.faces.find(j.src)
	if err != nil {
		return err
	}
	j.faces = found
	return nil
}

// wholePerson finds the faces for the alpha of a whole photo, where none is no failure.
func (j *job) wholePerson() error {
	j.whole = true
	return j.findFaces()
}

// face finds the faces and chooses the largest.
func (j *job) face() error {
	if err := j.findFaces(); err != nil {
		return err
	}
	if len(j.faces) == 0 {
		return &Failure{NoFace, "We could not find a face in this photo. Please take one from the front, with the whole face in the light."}
	}
	d := &j.faces[0]
	m, err := j.e.faces.mesh.meshOf(j.src, d)
	if err != nil {
		return err
	}
	j.mesh = m
	if head := d.unit() * headPerUnit; head < minHead {
		return &Failure{TooSmall, fmt.Sprintf("The face is too small in this photo: the head is %.0f pixels high, and %d are needed. Please come closer to the camera or send the photo in its full size.", head, minHead)}
	}
	j.result.Faces = len(j.faces)
	others := j.rivals()
	if others > 0 && j.opts.ForbidMany {
		return &Failure{ManyFaces, "There is more than one person in this photo. Please take one of yourself alone."}
	}
	if others > 0 {
		j.warn(WarnManyFaces, "There is more than one person in the photo; the one with the largest face was taken.")
	}
	deg := func(rad float64) float64 { return math.Round(rad*1800/math.Pi) / 10 }
	j.result.Face = Face{
		X: math.Round(d.x), Y: math.Round(d.y), Width: math.Round(d.w), Height: math.Round(d.h), Score: round3(d.score),
		Roll: deg(d.roll()), Yaw: deg(m.yaw), Pitch: deg(m.pitch), EyesOpen: round3(m.eyesOpen),
		Eyes: [2]Point{d.key[leftEye].public(), d.key[rightEye].public()}, Mouth: d.key[mouth].public(),
	}
	return nil
}

// rivals counts the other faces that are large enough to be in the picture on purpose: a face on a
// poster or far down the street is not a second person.
func (j *job) rivals() int {
	n := 0
	for _, d := range j.faces[1:] {
		if d.unit() > 0.4*j.faces[0].unit() {
			n++
		}
	}
	return n
}

func (p point) public() Point { return Point{math.Round(p.x*10) / 10, math.Round(p.y*10) / 10} }

func round3(v float64) float64 { return math.Round(v*1000) / 1000 }
