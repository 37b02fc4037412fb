package enhance_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/h2non/bimg"

	"headroom/enhance"
)

func TestDefaultLookGivesAllImages(t *testing.T) {
	t.Parallel()
	r := run(t, photo(t, "01-street-short-curly-hair"), enhance.Options{})
	type want struct {
		kind, name    string
		width, height int
		contentType   string
	}
	var got []want
	for _, m := range r.Images {
		got = append(got, want{m.Kind, m.Name, m.Width, m.Height, m.ContentType})
		if s := decodeImage(t, m.Data).Bounds().Size(); s != image.Pt(m.Width, m.Height) {
			t.Errorf("%s is %v, not %d × %d", m.Name, s, m.Width, m.Height)
		}
		if bytes.Contains(m.Data, []byte("Exif\x00")) || bytes.Contains(m.Data, []byte("http://ns.adobe.com/xap")) {
			t.Errorf("%s holds metadata", m.Name)
		}
		if !bytes.Contains(m.Data, []byte("ICC_PROFILE")) && !bytes.Contains(m.Data, []byte("sRGB")) {
			t.Errorf("%s does not say that it is sRGB", m.Name)
		}
	}
	if expected := []want{
		{"HEADSHOT", "headshot", 1600, 2000, "image/jpeg"},
		{"RENDITION", "1024", 1024, 1024, "image/jpeg"}, {"RENDITION", "512", 512, 512, "image/jpeg"}, {"RENDITION", "256", 256, 256, "image/jpeg"},
		{"CUTOUT", "cutout", 1600, 2000, "image/png"},
	}; !slices.Equal(got, expected) {
		t.Errorf("images are %v, want %v", got, expected)
	}
	if r.Faces != 1 || r.Face.Width < 100 || len(r.Quality.Checks) < 6 || r.Quality.Score <= 0.8 || r.Profile != "standard" || len(r.Models) != 4 {
		t.Errorf("result is %+v", r)
	}
	for _, step := range []string{"admit", "decode", "face", "frame", "matte", "refine", "foreground", "light", "upscale", "compose", "encode"} {
		if _, ok := r.Steps[step]; !ok {
			t.Errorf("no time for step %s", step)
		}
	}
}

func TestHeadIsFramed(t *testing.T) {
	t.Parallel()
	// the headshot of a headshot is itself: the face is found where the look wants it
	r := run(t, photo(t, "08-spacesuit-512px"), enhance.Options{})
	again := run(t, r.Images[0].Data, enhance.Options{Look: small()})
	middle := again.Face.X + again.Face.Width/2
	if math.Abs(middle-800) > 120 {
		t.Errorf("the face is at %.0f of 1600", middle)
	}
	eyes, mouth := again.Face.Eyes, again.Face.Mouth
	if y := (eyes[0].Y + eyes[1].Y) / 2; math.Abs(y-840) > 120 {
		t.Errorf("the eyes are at %.0f of 2000, wanted 840", y)
	}
	if eyes[0].X >= mouth.X || mouth.X >= eyes[1].X || mouth.Y <= max(eyes[0].Y, eyes[1].Y) {
		t.Errorf("the mouth is at %v, the eyes at %v", mouth, eyes)
	}
}

func TestPersonIsOnTheBackground(t *testing.T) {
	t.Parallel()
	look := small()
	look.Background = enhance.Background{Kind: enhance.BackgroundColor, Color: "#00ff00"}
	m := decodeImage(t, run(t, photo(t, "01-street-short-curly-hair"), enhance.Options{Look: look}).Images[1].Data)
	for _, p := range []image.Point{{4, 4}, {251, 4}, {20, 100}, {236, 100}} {
		if r, g, b, _ := m.At(p.X, p.Y).RGBA(); r>>8 > 8 || g>>8 < 247 || b>>8 > 8 {
			t.Errorf("at %v there is %d %d %d, not the background", p, r>>8, g>>8, b>>8)
		}
	}
	if r, g, b, _ := m.At(128, 128).RGBA(); g > r || g < b {
		t.Errorf("in the middle there is %d %d %d, not skin", r>>8, g>>8, b>>8)
	}
}

func TestBackgroundKinds(t *testing.T) {
	t.Parallel()
	file := photo(t, "03-loose-hair-scarf")
	for _, kind := range []string{enhance.BackgroundTransparent, enhance.BackgroundKeep, enhance.BackgroundBlur} {
		look := small()
		look.Background.Kind = kind
		r := run(t, file, enhance.Options{Look: look})
		m := decodeImage(t, r.Images[1].Data)
		_, _, _, a := m.At(3, 3).RGBA()
		if transparent := kind == enhance.BackgroundTransparent; (a == 0) != transparent || (r.Images[0].ContentType == "image/png") != transparent {
			t.Errorf("%s: alpha %d in the corner, master is %s", kind, a>>8, r.Images[0].ContentType)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	look := small()
	look.Outputs = nil
	for _, f := range []string{"jpeg", "png", "webp", "avif"} {
		look.Outputs = append(look.Outputs, enhance.Output{Name: f, Width: 200, Height: 100, Format: f})
	}
	for _, m := range run(t, photo(t, "08-spacesuit-512px"), enhance.Options{Look: look}).Images[1:] {
		if got := bimg.DetermineImageTypeName(m.Data); got != m.Name || m.ContentType != "image/"+m.Name {
			t.Errorf("%s is %s, said to be %s", m.Name, got, m.ContentType)
		}
		if s, err := bimg.Size(m.Data); err != nil || s.Width != 200 || s.Height != 100 {
			t.Errorf("%s is %+v, %v", m.Name, s, err)
		}
	}
}

func TestFailuresSayWhatToDo(t *testing.T) {
	t.Parallel()
	face := photo(t, "08-spacesuit-512px")
	for name, c := range map[string]struct {
		file []byte
		code string
	}{
		"no face":       {photo(t, "15-no-face"), enhance.NoFace},
		"tiny face":     {shrunk(t, face, 80), enhance.TooSmall},
		"half a jpeg":   {face[:len(face)/2], enhance.Unreadable},
		"not a picture": {[]byte("<svg/>"), enhance.Unreadable},
		"nothing":       {nil, enhance.Unreadable},
		"huge":          {pngHeader(50_000, 50_000), enhance.Unreadable},
		"broken inside": {scrambled(t, face), enhance.Unreadable},
	} {
		_, err := engine(t).Run(t.Context(), c.file, enhance.Options{}, nil)
		var f *enhance.Failure
		if !errors.As(err, &f) || f.Code != c.code || len(f.Message) < 40 {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

func TestTwoPeople(t *testing.T) {
	t.Parallel()
	file := beside(t, photo(t, "01-street-short-curly-hair"), photo(t, "03-loose-hair-scarf"))
	r := run(t, file, enhance.Options{Look: small()})
	if r.Faces != 2 || !slices.ContainsFunc(r.Warnings, func(w enhance.Warning) bool { return w.Code == enhance.WarnManyFaces }) {
		t.Errorf("%d faces, warnings %v", r.Faces, r.Warnings)
	}
	_, err := engine(t).Run(t.Context(), file, enhance.Options{Look: small(), ForbidMany: true}, nil)
	var f *enhance.Failure
	if !errors.As(err, &f) || f.Code != enhance.ManyFaces {
		t.Errorf("forbidden: got %v", err)
	}
}

func TestSidewaysPhotoIsTurned(t *testing.T) {
	t.Parallel()
	file := photo(t, "01-street-short-curly-hair")
	upright := run(t, file, enhance.Options{Look: small()}).Images[1].Data
	for orientation := 2; orientation <= 8; orientation++ {
		turned := run(t, turnedBy(t, file, orientation), enhance.Options{Look: small()}).Images[1].Data
		if d := coarse(decodeImage(t, upright), decodeImage(t, turned)); d > 10 {
			t.Errorf("orientation %d: headshots differ by %.1f of 255", orientation, d)
		}
	}
}

func TestOtherFormatsGiveTheSameHeadshot(t *testing.T) {
	t.Parallel()
	file := photo(t, "01-street-short-curly-hair")
	want := decodeImage(t, run(t, file, enhance.Options{Look: small()}).Images[1].Data)
	for name, kind := range map[string]bimg.ImageType{"png": bimg.PNG, "webp": bimg.WEBP, "heic": bimg.HEIF, "avif": bimg.AVIF} {
		if !bimg.IsTypeSupportedSave(kind) {
			t.Fatalf("this libvips cannot write %s", name)
		}
		b, err := bimg.Resize(file, bimg.Options{Type: kind, Quality: 92, Speed: 8})
		if err != nil {
			t.Fatalf("make %s: %v", name, err)
		}
		r := run(t, b, enhance.Options{Look: small()})
		if d := coarse(want, decodeImage(t, r.Images[1].Data)); d > 10 {
			t.Errorf("%s: headshots differ by %.1f of 255", name, d)
		}
	}
}

func TestDarkPhotoIsLifted(t *testing.T) {
	t.Parallel()
	file := photo(t, "03-loose-hair-scarf")
	dark := recolored(t, file, func(r, g, b float64) (float64, float64, float64) { return r * 0.15, g * 0.15, b * 0.15 })
	look := small()
	lifted := skin(t, run(t, dark, enhance.Options{Look: look}))
	none := 0.0
	look.Light.Strength = &none
	left := skin(t, run(t, dark, enhance.Options{Look: look}))
	if l, n := lifted[0]+lifted[1]+lifted[2], left[0]+left[1]+left[2]; l < 1.8*n || l < 240 {
		t.Errorf("the face is %v, without light %v", lifted, left)
	}
}

func TestCastIsTakenAwayAndRightColourLeft(t *testing.T) {
	t.Parallel()
	file := photo(t, "08-spacesuit-512px")
	ratio := func(c [3]float64) float64 { return c[0] / c[2] }
	right := skin(t, run(t, file, enhance.Options{Look: small()}))
	tungsten := recolored(t, file, func(r, g, b float64) (float64, float64, float64) { return min(1, r*1.15), g * 0.82, b * 0.35 })
	none := 0.0
	look := small()
	look.Light.Strength = &none
	asWas, cast := skin(t, run(t, file, enhance.Options{Look: look})), skin(t, run(t, tungsten, enhance.Options{Look: look}))
	cured := skin(t, run(t, tungsten, enhance.Options{Look: small()}))
	if change := ratio(right)/ratio(asWas) - 1; math.Abs(change) > 0.06 {
		t.Errorf("a right picture's red by blue changed by %.0f %%", 100*change)
	}
	if ratio(cured) > ratio(cast)*0.85 {
		t.Errorf("red by blue is %.2f with the cast and %.2f after", ratio(cast), ratio(cured))
	}
}

func TestProgressRisesToOne(t *testing.T) {
	t.Parallel()
	last, name := -1.0, ""
	_, err := engine(t).Run(t.Context(), photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, func(step string, f float64) {
		if f < last || f > 1 {
			t.Errorf("%s: %v after %v", step, f, last)
		}
		last, name = f, step
	})
	if err != nil || last != 1 || name != "done" {
		t.Errorf("ended with %s %v, %v", name, last, err)
	}
}

func TestCancelEndsBetweenSteps(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var after []string
	_, err := engine(t).Run(ctx, photo(t, "08-spacesuit-512px"), enhance.Options{Look: small()}, func(step string, _ float64) {
		if ctx.Err() != nil {
			after = append(after, step)
		}
		if step == "face" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(after) > 0 {
		t.Errorf("got %v; went on with %v", err, after)
	}
}

func TestAlphaIsGreyAndOfTheSourcesSize(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]image.Point{"03-loose-hair-scarf": {1080, 1080}, "15-no-face": {600, 400}} {
		b, err := engine(t).Alpha(t.Context(), photo(t, name), enhance.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		m := decodeImage(t, b)
		if _, grey := m.(*image.Gray); !grey || m.Bounds().Size() != size {
			t.Errorf("%s: %T of %v", name, m, m.Bounds())
		}
		if name[:2] == "15" {
			continue
		}
		if c, ok := color.GrayModel.Convert(m.At(560, 500)).(color.Gray); !ok || c.Y < 250 {
			t.Errorf("%s: the face is not person: %v", name, c)
		}
		if c, ok := color.GrayModel.Convert(m.At(10, 10)).(color.Gray); !ok || c.Y > 5 {
			t.Errorf("%s: the corner is not ground: %v", name, c)
		}
	}
}
