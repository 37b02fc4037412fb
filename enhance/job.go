package enhance

import (
	"bytes"

	"headroom/enhance/admit"
	"headroom/enhance/models"
)

// job is one photo on its way through the steps: what each leaves for the next.
type job struct {
	e       *Engine
	opts    Options
	whole   bool // the alpha of all of the photo is wanted
	profile models.Profile
	photo   []byte // as sent; nil after decode
	result  *Result

	info admit.Info // admit
	src  *raster    // decode: upright RGB

	faces []detection // face: largest first
	mesh  mesh        // face: of faces[0]

	crop crop // frame

	wide  rect    // matte: the part of the source the networks saw
	lift  float32 // matte: the gain the networks saw a dark photo with; 0 for none
	guide picture // matte: that part, at the size masks are handled in
	alpha *plane  // matte, refined by refine: its alpha

	view    picture // refine: the framed picture, at most at the master's size
	cover   *plane  // refine: its alpha
	inside  *plane  // refine: 1 where the photo reaches, else 0
	reading reading // light: what was measured
	tone    tone    // light: what will be done about it
	person  picture // foreground: the framed picture's colours free of the old ground, lit

	master   *raster // compose: RGB, or RGBA when the background is transparent
	cutout   *raster // compose: RGBA
	alphaPNG []byte  // encode of the alpha pipeline
}

func (e *Engine) newJob(photo []byte, opts Options) (*job, error) {
	j := &job{e: e, opts: opts, photo: photo, profile: e.profile, result: &Result{
		Steps: map[string]StepTime{}, Models: map[string]string{}, Warnings: []Warning{}}}
	if opts.Profile != "" {
		p, err := e.set.Profile(opts.Profile)
		if err != nil {
			return nil, err
		}
		j.profile = p
	}
	j.result.Profile = j.profile.Name
	for _, name := range append([]string{models.FaceFull, models.FaceShort, models.FaceMesh}, j.profile.Matte...) {
		m, err := e.set.Model(name)
		if err != nil {
			return nil, err
		}
		j.result.Models[name] = m.SHA256
	}
	return j, nil
}

func (j *job) warn(code, message string) {
	j.result.Warnings = append(j.result.Warnings, Warning{code, message})
}

// admit refuses what is not a whole photo on the allow list, before any decoder sees it.
func (j *job) admit() error {
	info, err := admit.Check(bytes.NewReader(j.photo), int64(len(j.photo)))
	if err != nil {
		return unreadable(err)
	}
	j.info = info
	return nil
}
