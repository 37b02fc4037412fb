package enhance

import (
	"fmt"

	"github.com/h2non/bimg"

	"headroom/enhance/admit"
)

// maxDecoded is the number of pixels above which a source is halved while it is read (JPEG and
// WebP then decode to half the size at once). What is left is more than any master shows.
const maxDecoded = 24_000_000

// decode reads the photo upright, in sRGB, without alpha.
func (j *job) decode() error {
	src, err := decode(j.photo, j.info)
	if err != nil {
		// what libvips says stays in the chain for the log; the person is told what to do
		return fmt.Errorf("%w (%w)", unreadable(err), err)
	}
	j.src, j.photo = src, nil
	return nil
}

func decode(photo []byte, info admit.Info) (*raster, error) {
	photo = knownBrand(photo, info.Format)
	meta, err := bimg.Metadata(photo)
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	w, h := meta.Size.Width, meta.Size.Height
	if w*h > admit.MaxPixels || w < 1 || h < 1 {
		return nil, fmt.Errorf("the decoder sees %d × %d pixels, the header said %d × %d", w, h, info.Width, info.Height)
	}
	opts := bimg.Options{
		Type: bimg.TIFF,
		// bimg's own turning encodes the whole picture as a JPEG on the way
		NoAutoRotate: true,
		// without this bimg ignores an embedded profile: Display P3 phone photos come out pale
		OutputICC:      "srgb",
		Interpretation: bimg.InterpretationSRGB,
	}
	if w*h > maxDecoded {
		opts.Width, opts.Height, opts.Force = (w+1)/2, (h+1)/2, true
	}
	b, err := bimg.Resize(photo, opts)
	if err != nil {
		// a broken or mismatched profile is no reason to lose the photo
		opts.OutputICC = ""
		var again error
		if b, again = bimg.Resize(photo, opts); again != nil {
			return nil, fmt.Errorf("decode %s: %w", info.Format, err)
		}
	}
	r, err := parseTIFF(b)
	if err != nil {
		return nil, err
	}
	return r.upright(meta.Orientation), nil
}

// knownBrand renames the major brand of HEIC and AVIF files to the one bimg knows by name; libheif
// goes by the boxes inside.
func knownBrand(photo []byte, f admit.Format) []byte {
	brand := map[admit.Format]string{admit.HEIC: "heic", admit.AVIF: "avif"}[f]
	if brand == "" || string(photo[8:12]) == brand {
		return photo
	}
	b := append([]byte(nil), photo...)
	copy(b[8:12], brand)
	return b
}

// upright turns the picture as its EXIF orientation (1 to 8) asks.
func (r *raster) upright(orientation int) *raster {
	if orientation < 2 || orientation > 8 {
		return r
	}
	w, h := r.w, r.h
	if orientation >= 5 {
		w, h = h, w
	}
	o := newRaster(w, h, r.n)
	bands(h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			for x := range w {
				sx, sy := x, y
				switch orientation {
				case 2:
					sx = w - 1 - x
				case 3:
					sx, sy = w-1-x, h-1-y
				case 4:
					sy = h - 1 - y
				case 5:
					sx, sy = y, x
				case 6:
					sx, sy = y, w-1-x
				case 7:
					sx, sy = h-1-y, w-1-x
				case 8:
					sx, sy = h-1-y, x
				}
				copy(o.pix[o.at(x, y):o.at(x, y)+r.n], r.pix[r.at(sx, sy):])
			}
		}
	})
	return o
}
