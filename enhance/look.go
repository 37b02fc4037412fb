package enhance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Look is how a studio's headshots are to appear. It is stored and compared as JSON, so a field
// that is absent, and the zero value, both mean the default named beside it.
type Look struct {
	// Version is the version of this shape; 1 (or 0, the same) is the only one yet.
	Version    int        `json:"version,omitempty"`
	Background Background `json:"background"`
	Framing    Framing    `json:"framing"`
	Light      Light      `json:"light"`
	// Outputs are the RENDITIONs. Null means squares of 1024, 512 and 256 px; an empty list means none.
	Outputs []Output `json:"outputs"`
	// Cutout also makes the CUTOUT, the person on nothing. Null means yes.
	Cutout *bool `json:"cutout"`
}

// Background kinds.
const (
	BackgroundGradient    = "gradient"
	BackgroundColor       = "color"
	BackgroundTransparent = "transparent"
	BackgroundKeep        = "keep"
	BackgroundBlur        = "blur"
)

// Background is what is behind the person.
type Background struct {
	// Kind is gradient (default), color, transparent, keep or blur (the photo's own, out of focus).
	Kind string `json:"kind"`
	// Color is #rrggbb: the plain colour, or the gradient's upper colour. Default #e4eaf0.
	Color string `json:"color"`
	// Color2 is #rrggbb: the gradient's lower colour. Default #b9c6d3.
	Color2 string `json:"color2"`
}

// Framing is the master's size and where the head is in it.
type Framing struct {
	// Width and Height of the master in pixels, 64 to 4096. Default 1600 × 2000.
	Width  int `json:"width"`
	Height int `json:"height"`
	// Head is the height of crown to chin as a part of the frame's height, 0.2 to 0.8. Default 0.50.
	Head float64 `json:"head"`
	// EyeLine is how far down the frame the eyes are, 0.25 to 0.6. Default 0.42.
	EyeLine float64 `json:"eye_line"`
}

// Light is how much light and colour are corrected.
type Light struct {
	// Strength is 0 (not at all) to 1 (default).
	Strength *float64 `json:"strength"`
}

// Output is one RENDITION, cut from the master.
type Output struct {
	Name   string `json:"name"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	// Format is jpeg (default; png when the background is transparent), png, webp or avif.
	Format string `json:"format"`
	// Quality is 1 to 100. Default 88 for jpeg, 85 for webp, 60 for avif; png has none.
	Quality int `json:"quality"`
}

// maxOutputs bounds the work that one photo can cause.
const maxOutputs = 20

// DefaultLook returns the look of a studio that has set none.
func DefaultLook() Look { return Look{}.withDefaults() }

// ParseLook reads a look and fills what is absent with the defaults. Unknown fields, wrong types
// and values out of range are errors that name the field.
func ParseLook(data []byte) (Look, error) {
	var l Look
	if len(bytes.TrimSpace(data)) == 0 {
		return DefaultLook(), nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return Look{}, lookError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Look{}, errors.New("look: more than one JSON value")
	}
	if err := l.Validate(); err != nil {
		return Look{}, err
	}
	return l.withDefaults(), nil
}

// lookError rewords what encoding/json says in the terms of the look.
func lookError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fmt.Errorf("look: %s: is a %s, expected %s", wrong.Field, wrong.Value, wrong.Type)
	}
	return fmt.Errorf("look: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func (l Look) withDefaults() Look {
	l.Version = 1
	l.Background.Kind = or(l.Background.Kind, BackgroundGradient)
	l.Background.Color = or(l.Background.Color, "#e4eaf0")
	l.Background.Color2 = or(l.Background.Color2, "#b9c6d3")
	l.Framing.Width = or(l.Framing.Width, 1600)
	l.Framing.Height = or(l.Framing.Height, 2000)
	l.Framing.Head = or(l.Framing.Head, 0.50)
	l.Framing.EyeLine = or(l.Framing.EyeLine, 0.42)
	if l.Light.Strength == nil {
		l.Light.Strength = new(1.0)
	}
	if l.Cutout == nil {
		l.Cutout = new(true)
	}
	if l.Outputs == nil {
		l.Outputs = []Output{{Name: "1024", Width: 1024, Height: 1024}, {Name: "512", Width: 512, Height: 512}, {Name: "256", Width: 256, Height: 256}}
	}
	outputs := make([]Output, len(l.Outputs))
	for i, o := range l.Outputs {
		format := FormatJPEG
		if l.Background.Kind == BackgroundTransparent {
			format = FormatPNG
		}
		o.Format = or(o.Format, format)
		o.Quality = or(o.Quality, defaultQuality(o.Format))
		outputs[i] = o
	}
	l.Outputs = outputs
	return l
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Validate reports the first value that is out of range, naming its field. Zero values are fine.
func (l Look) Validate() error {
	if l.Version != 0 && l.Version != 1 {
		return fmt.Errorf("look: version: %d is not known, expected 1", l.Version)
	}
	if err := l.Background.validate(); err != nil {
		return err
	}
	for _, f := range []struct {
		field  string
		v      float64
		lo, hi float64
	}{
		{"framing.width", float64(l.Framing.Width), 64, 4096},
		{"framing.height", float64(l.Framing.Height), 64, 4096},
		{"framing.head", l.Framing.Head, 0.2, 0.8},
		{"framing.eye_line", l.Framing.EyeLine, 0.25, 0.6},
	} {
		if err := inRange(f.field, f.v, f.lo, f.hi); err != nil {
			return err
		}
	}
	if s := l.Light.Strength; s != nil && !(*s >= 0 && *s <= 1) {
		return fmt.Errorf("look: light.strength: %v is outside 0 to 1", *s)
	}
	if len(l.Outputs) > maxOutputs {
		return fmt.Errorf("look: outputs: %d are too many, at most %d", len(l.Outputs), maxOutputs)
	}
	seen := map[string]bool{}
	for i, o := range l.Outputs {
		field := "outputs[" + strconv.Itoa(i) + "]"
		if err := o.validate(field, l.Background.Kind); err != nil {
			return err
		}
		if seen[o.Name] {
			return fmt.Errorf("look: %s.name: %q is there twice", field, o.Name)
		}
		seen[o.Name] = true
	}
	return nil
}

func (b Background) validate() error {
	switch b.Kind {
	case "", BackgroundGradient, BackgroundColor, BackgroundTransparent, BackgroundKeep, BackgroundBlur:
	default:
		return fmt.Errorf("look: background.kind: %q is not one of gradient, color, transparent, keep, blur", b.Kind)
	}
	for field, v := range map[string]string{"background.color": b.Color, "background.color2": b.Color2} {
		if v == "" {
			continue
		}
		if _, err := parseColor(v); err != nil {
			return fmt.Errorf("look: %s: %w", field, err)
		}
	}
	return nil
}

func (o Output) validate(field, background string) error {
	if ok, _ := regexp.MatchString(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`, o.Name); !ok {
		return fmt.Errorf("look: %s.name: %q is not 1 to 64 letters, digits, dots, dashes or underscores", field, o.Name)
	}
	for name, v := range map[string]int{".width": o.Width, ".height": o.Height} {
		if v < 16 || v > 4096 {
			return fmt.Errorf("look: %s%s: %d is outside 16 to 4096", field, name, v)
		}
	}
	switch o.Format {
	case "", FormatPNG, FormatWebP, FormatAVIF:
	case FormatJPEG:
		if background == BackgroundTransparent {
			return fmt.Errorf("look: %s.format: jpeg cannot be transparent, expected png, webp or avif", field)
		}
	default:
		return fmt.Errorf("look: %s.format: %q is not one of jpeg, png, webp, avif", field, o.Format)
	}
	if o.Quality < 0 || o.Quality > 100 {
		return fmt.Errorf("look: %s.quality: %d is outside 1 to 100", field, o.Quality)
	}
	return nil
}

// inRange lets zero through: it means the default.
func inRange(field string, v, lo, hi float64) error {
	if v == 0 || v >= lo && v <= hi {
		return nil
	}
	if math.IsNaN(v) {
		return fmt.Errorf("look: %s: is not a number", field)
	}
	return fmt.Errorf("look: %s: %v is outside %v to %v", field, v, lo, hi)
}

// parseColor reads #rrggbb into 0..1, as encoded.
func parseColor(s string) ([3]float32, error) {
	var c [3]float32
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return c, fmt.Errorf("%q is not a colour like #e4eaf0", s)
	}
	for i := range c {
		c[i] = float32(v>>(16-8*i)&0xff) / 255
	}
	return c, nil
}
