package enhance_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"slices"
	"testing"

	"github.com/h2non/bimg"

	"headroom/enhance"
)

// Photos made from the portraits, and measures of headshots.

// coarse is the mean difference of two 256 px pictures' 32 px blocks, of 255: blind to a pixel's
// shift, not to a wrong turn or colour.
func coarse(a, b image.Image) float64 {
	const n, block = 8, 32
	var sum float64
	for y := range n {
		for x := range n {
			var d [3]float64
			for i := range block * block {
				px, py := x*block+i%block, y*block+i/block
				r0, g0, b0, _ := a.At(px, py).RGBA()
				r1, g1, b1, _ := b.At(px, py).RGBA()
				d[0], d[1], d[2] = d[0]+float64(r0)-float64(r1), d[1]+float64(g0)-float64(g1), d[2]+float64(b0)-float64(b1)
			}
			for _, v := range d {
				sum += math.Abs(v) / (block * block * 257)
			}
		}
	}
	return sum / (3 * n * n)
}

// skin is the mean colour of a small patch where the cheek and nose are.
func skin(t *testing.T, r *enhance.Result) [3]float64 {
	t.Helper()
	m := decodeImage(t, r.Images[1].Data)
	var c [3]float64
	for y := 118; y < 138; y++ {
		for x := 118; x < 138; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			c[0], c[1], c[2] = c[0]+float64(r>>8)/400, c[1]+float64(g>>8)/400, c[2]+float64(b>>8)/400
		}
	}
	return c
}

// recolored changes a photo in linear light.
func recolored(t *testing.T, file []byte, fn func(r, g, b float64) (float64, float64, float64)) []byte {
	t.Helper()
	src := decodeImage(t, file)
	out := image.NewRGBA(src.Bounds())
	lin := func(v uint32) float64 { return math.Pow(float64(v)/0xffff, 2.2) }
	enc := func(v float64) uint8 { return uint8(255*math.Pow(min(max(v, 0), 1), 1/2.2) + 0.5) }
	for y := range src.Bounds().Dy() {
		for x := range src.Bounds().Dx() {
			r, g, b, _ := src.At(x, y).RGBA()
			lr, lg, lb := fn(lin(r), lin(g), lin(b))
			out.SetRGBA(x, y, color.RGBA{enc(lr), enc(lg), enc(lb), 255})
		}
	}
	return jpegOf(t, out)
}

func beside(t *testing.T, a, b []byte) []byte {
	t.Helper()
	l, r := decodeImage(t, a), decodeImage(t, b)
	out := image.NewRGBA(image.Rect(0, 0, l.Bounds().Dx()+r.Bounds().Dx(), l.Bounds().Dy()))
	for y := range out.Bounds().Dy() {
		for x := range out.Bounds().Dx() {
			if x < l.Bounds().Dx() {
				out.Set(x, y, l.At(x, y))
			} else {
				out.Set(x, y, r.At(x-l.Bounds().Dx(), y))
			}
		}
	}
	return jpegOf(t, out)
}

func jpegOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func shrunk(t *testing.T, file []byte, width int) []byte {
	t.Helper()
	b, err := bimg.Resize(file, bimg.Options{Width: width, Height: width, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// scrambled has a right header and end and no sense between: a WebP, whose decoder minds.
func scrambled(t *testing.T, file []byte) []byte {
	t.Helper()
	b, err := bimg.Resize(file, bimg.Options{Type: bimg.WEBP})
	if err != nil {
		t.Fatal(err)
	}
	for i := 40; i < len(b); i++ {
		b[i] = byte(i * 7)
	}
	return b
}

// turnedBy stores the photo so that its EXIF orientation has to be obeyed to see it upright.
func turnedBy(t *testing.T, file []byte, orientation int) []byte {
	t.Helper()
	src := decodeImage(t, file)
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	ow, oh := w, h
	if orientation >= 5 {
		ow, oh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range h {
		for x := range w {
			// where the upright pixel lies in the stored picture (EXIF 2.32, table of orientations)
			p := map[int]image.Point{2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y}, 5: {y, x}, 6: {y, w - 1 - x}, 7: {h - 1 - y, w - 1 - x}, 8: {h - 1 - y, x}}[orientation]
			out.Set(p.X, p.Y, src.At(x, y))
		}
	}
	b := jpegOf(t, out)
	exif := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(orientation)) + "\x00\x00\x00\x00\x00\x00\x00")
	seg := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return slices.Concat(b[:2], seg, exif, b[2:])
}

func pngHeader(w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		panic(err)
	}
	out := b.Bytes()
	binary.BigEndian.PutUint32(out[16:], uint32(w))
	binary.BigEndian.PutUint32(out[20:], uint32(h))
	binary.BigEndian.PutUint32(out[29:], crcOf(out[12:29]))
	return out
}
