package enhance

import (
	"fmt"

	"headroom/enhance/admit"
)

// Kinds of Image.
const (
	KindHeadshot  = "HEADSHOT"
	KindRendition = "RENDITION"
	KindCutout    = "CUTOUT"
)

// Image is one finished picture, encoded, in sRGB, free of metadata.
type Image struct {
	// Kind is HEADSHOT, RENDITION or CUTOUT.
	Kind string `json:"kind"`
	// Name is the output's name in the look; "headshot" and "cutout" for the others.
	Name        string `json:"name"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	ContentType string `json:"content_type"`
	Data        []byte `json:"-"`
}

// Result is what became of one photo.
type Result struct {
	// Images begin with the HEADSHOT, then the RENDITIONs in the look's order, the CUTOUT last.
	Images []Image `json:"images"`
	Face   Face    `json:"face"`
	// Faces is how many faces were seen; the largest was taken.
	Faces    int       `json:"faces"`
	Warnings []Warning `json:"warnings"`
	Quality  Quality   `json:"quality"`
	// Steps is the time each step took, by its name.
	Steps   map[string]StepTime `json:"steps"`
	Profile string              `json:"profile"`
	// Models are the SHA-256 sums (hex) of the networks used, by name.
	Models map[string]string `json:"models"`
}

// Face is where the chosen face is, in pixels of the upright source.
type Face struct {
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
	// Score is the detector's certainty, 0 to 1.
	Score float64 `json:"score"`
	// Roll, Yaw and Pitch are degrees. Roll is positive when the head leans to the viewer's right,
	// yaw when it looks to the viewer's right, pitch when it looks up.
	Roll  float64 `json:"roll"`
	Yaw   float64 `json:"yaw"`
	Pitch float64 `json:"pitch"`
	// EyesOpen is the smaller of both eyes' opening, height by width: about 0.3 when open, under 0.1 when shut.
	EyesOpen float64 `json:"eyes_open"`
	// Eyes are the viewer's left and right one, Mouth is its middle.
	Eyes  [2]Point `json:"eyes"`
	Mouth Point    `json:"mouth"`
}

// Point is a position in pixels of the upright source.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Warning is something the person or a reviewer may want to know; the headshot was made all the same.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Codes of Warning.
const (
	WarnManyFaces  = "MANY_FACES"
	WarnSmallFace  = "SMALL_FACE"
	WarnHairCut    = "HAIR_CUT"
	WarnShoulders  = "SHOULDERS_CUT"
	WarnDark       = "DARK"
	WarnEyesClosed = "EYES_CLOSED"
)

// Quality judges the source photo.
type Quality struct {
	// Score is 0 to 1: the weighted mean of the checks.
	Score  float64 `json:"score"`
	Checks []Check `json:"checks"`
}

// Check is one measurement held against its limit.
type Check struct {
	Code   string  `json:"code"`
	Passed bool    `json:"passed"`
	Value  float64 `json:"value"`
	Limit  float64 `json:"limit"`
	// Message is for the person photographed: what to do when the check did not pass, else what was fine.
	Message string `json:"message"`
}

// Codes of Check.
const (
	CheckFaceSize   = "face_size"
	CheckSharpness  = "sharpness"
	CheckLight      = "light"
	CheckResolution = "resolution"
	CheckHairInside = "hair_inside"
	CheckOneFace    = "one_face"
	CheckEyesOpen   = "eyes_open"
	CheckFacing     = "facing"
)

// StepTime is the time of one step: by the clock, and of all processors together.
type StepTime struct {
	MS    float64 `json:"ms"`
	CPUMS float64 `json:"cpu_ms"`
}

// Codes of Failure: reasons that lie in the photo, so trying again with the same photo is useless.
const (
	NoFace     = "NO_FACE"
	ManyFaces  = "MANY_FACES"
	TooSmall   = "TOO_SMALL"
	Unreadable = "UNREADABLE"
)

// Failure says why a photo cannot become a headshot, in words its person can act on.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error gives code and message.
func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// unreadable turns what admit or the decoder said into a Failure.
func unreadable(err error) error {
	if kind, ok := admit.KindOf(err); ok && kind == admit.TooLarge {
		return &Failure{Unreadable, fmt.Sprintf("The picture has more than %d million pixels. Please send a smaller one.", admit.MaxPixels/1_000_000)}
	} else if ok && kind == admit.Unsupported {
		return &Failure{Unreadable, "This is not a photo we can read. Please send a JPEG, PNG, WebP, HEIC or AVIF picture."}
	}
	return &Failure{Unreadable, "The picture file is damaged or incomplete. Please send it again, or take a new photo."}
}
