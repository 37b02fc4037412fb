package admit_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"testing"

	"headroom/enhance/admit"
)

const (
	jpegFile = "../testdata/portraits/01-street-short-curly-hair.jpg"
)

func check(b []byte) (admit.Info, error) { return admit.Check(bytes.NewReader(b), int64(len(b))) }

func TestAdmitsWholePictures(t *testing.T) {
	t.Parallel()
	photo := read(t, jpegFile)
	for name, c := range map[string]struct {
		file []byte
		want admit.Info
	}{
		"jpeg":                       {photo, admit.Info{Format: admit.JPEG, Width: 1080, Height: 1080}},
		"jpeg with a film behind it": {append(bytes.Clone(photo), "ftypmp42 and more"...), admit.Info{Format: admit.JPEG, Width: 1080, Height: 1080}},
		"png":                        {pngOf(640, 480), admit.Info{Format: admit.PNG, Width: 640, Height: 480}},
		"webp lossy":                 {webpOf("VP8 ", []byte{0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1}), admit.Info{Format: admit.WebP, Width: 640, Height: 480}},
		"webp lossless":              {webpOf("VP8L", []byte{0x2f, 0x7f, 0xc2, 0x77, 0}), admit.Info{Format: admit.WebP, Width: 640, Height: 480}},
		"heic":                       {heifOf("heic", "mif1", 640, 480), admit.Info{Format: admit.HEIC, Width: 640, Height: 480}},
		"heif by its general brand":  {heifOf("mif1", "heic", 640, 480), admit.Info{Format: admit.HEIC, Width: 640, Height: 480}},
		"avif":                       {heifOf("avif", "mif1", 640, 480), admit.Info{Format: admit.AVIF, Width: 640, Height: 480}},
		"avif by its general brand":  {heifOf("mif1", "avif", 640, 480), admit.Info{Format: admit.AVIF, Width: 640, Height: 480}},
	} {
		got, err := check(c.file)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	photo := read(t, jpegFile)
	png, heic := pngOf(640, 480), heifOf("heic", "mif1", 640, 480)
	webp := webpOf("VP8L", []byte{0x2f, 0x7f, 0xc2, 0x77, 0})
	for name, c := range map[string]struct {
		file []byte
		want admit.Kind
	}{
		"nothing":                  {nil, admit.Broken},
		"text":                     {[]byte("hello, this is not a picture at all"), admit.Unsupported},
		"one byte":                 {[]byte{0xff}, admit.Unsupported},
		"svg":                      {[]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`), admit.Unsupported},
		"xml":                      {[]byte(`<?xml version="1.0"?><svg/>`), admit.Unsupported},
		"pdf":                      {[]byte("%PDF-1.7\n1 0 obj"), admit.Unsupported},
		"postscript":               {[]byte("%!PS-Adobe-3.0 EPSF-3.0"), admit.Unsupported},
		"mvg":                      {[]byte("push graphic-context\nviewbox 0 0 1 1"), admit.Unsupported},
		"gif":                      {[]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00"), admit.Unsupported},
		"bmp":                      {[]byte("BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00"), admit.Unsupported},
		"tiff":                     {[]byte("II*\x00\x08\x00\x00\x00\x00\x00\x00\x00"), admit.Unsupported},
		"a film":                   {heifOf("isom", "mp42", 640, 480), admit.Unsupported},
		"lossless jpeg":            {bytes.Replace(photo, []byte{0xff, 0xc2}, []byte{0xff, 0xc3}, 1), admit.Unsupported},
		"half a jpeg":              {photo[:len(photo)/2], admit.Broken},
		"a jpeg's first bytes":     {photo[:3], admit.Broken},
		"jpeg without a picture":   {[]byte("\xff\xd8\xff\xd9"), admit.Broken},
		"jpeg of 1000 scans":       {jpegOfScans(1000), admit.Broken},
		"png of 50,000²":           {pngHeader(50_000, 50_000), admit.TooLarge},
		"whole png of 50,000²":     {pngOf(50_000, 50_000), admit.TooLarge},
		"jpeg of 65,535²":          {jpegOfSize(65_535, 65_535), admit.TooLarge},
		"heic of 50,000²":          {heifOf("heic", "mif1", 50_000, 50_000), admit.TooLarge},
		"heic of 4 Gi²":            {heifOf("heic", "mif1", 1<<32-1, 1<<32-1), admit.TooLarge},
		"half a png":               {png[:len(png)-12], admit.Broken},
		"png with a broken header": {append(append(bytes.Clone(png[:16]), 9), png[17:]...), admit.Broken},
		"png without pixels":       {append(pngHeader(4, 4), chunk("IEND", nil)...), admit.Broken},
		"webp cut short":           {webp[:len(webp)-2], admit.Broken},
		"webp that says less":      {append(bytes.Clone(webp[:4]), append([]byte{4, 0, 0, 0}, webp[8:]...)...), admit.Broken},
		"heic cut short":           {heic[:len(heic)-1], admit.Broken},
		"heic without extents":     {heifOf("heic", "mif1", 0, 0), admit.Broken},
		"box of length zero":       {append(bytes.Clone(heic), 0, 0, 0, 4, 'f', 'r', 'e', 'e'), admit.Broken},
	} {
		info, err := check(c.file)
		if kind, ok := admit.KindOf(err); !ok || kind != c.want {
			t.Errorf("%s: got %+v, %v; want kind %d", name, info, err, c.want)
		}
	}
}

func TestHostileFilesCostLittle(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{
		"jpeg of markers":        append([]byte("\xff\xd8"), bytes.Repeat([]byte("\xff\xd0"), 1<<20)...),
		"jpeg of fill bytes":     append([]byte("\xff\xd8"), bytes.Repeat([]byte{0xff}, 2<<20)...),
		"jpeg of empty segments": append([]byte("\xff\xd8"), bytes.Repeat([]byte("\xff\xfe\x00\x02"), 1<<19)...),
		"png of empty chunks":    append(pngHeader(4, 4), bytes.Repeat(chunk("tEXt", nil), 150_000)...),
		"heic of empty boxes":    append(heifOf("heic", "mif1", 4, 4), bytes.Repeat([]byte("\x00\x00\x00\x08free"), 1<<17)...),
	} {
		r := &counter{r: bytes.NewReader(file)}
		if _, err := admit.Check(r, int64(len(file))); err == nil {
			t.Errorf("%s: was let through", name)
		}
		if most := len(file)/(32<<10) + 16; r.n > most {
			t.Errorf("%s: %d reads for %d bytes, want at most %d", name, r.n, len(file), most)
		}
		if r.largest > 1<<20 {
			t.Errorf("%s: read %d bytes at once", name, r.largest)
		}
	}
}

func TestReadErrorIsNoRefusal(t *testing.T) {
	t.Parallel()
	lost := errors.New("disk lost")
	_, err := admit.Check(failing{lost}, 1000)
	if _, refused := admit.KindOf(err); refused || !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
}

func FuzzCheck(f *testing.F) {
	for _, b := range [][]byte{
		jpegOfSize(64, 64), jpegOfScans(3), pngOf(64, 64), heifOf("heic", "mif1", 64, 64), heifOf("avif", "mif1", 64, 64),
		webpOf("VP8L", []byte{0x2f, 0x7f, 0xc2, 0x77, 0}), webpOf("VP8 ", []byte{0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1}),
		webpOf("VP8X", make([]byte, 10)), []byte("<svg/>"), nil,
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := check(b)
		if err != nil {
			if _, ok := admit.KindOf(err); !ok {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if info.Width <= 0 || info.Height <= 0 || info.Width*info.Height > admit.MaxPixels || info.Format == "" {
			t.Fatalf("let through: %+v", info)
		}
	})
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func chunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func pngHeader(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = append(binary.BigEndian.AppendUint32(ihdr, h), 8, 2, 0, 0, 0)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", ihdr)...)
}

func pngOf(w, h uint32) []byte {
	return append(append(pngHeader(w, h), chunk("IDAT", []byte("pixels"))...), chunk("IEND", nil)...)
}

// jpegOf has a frame header and then scans of two bytes.
func jpegOf(w, h uint16, scans int) []byte {
	b := []byte("\xff\xd8\xff\xc2\x00\x0b\x08")
	b = binary.BigEndian.AppendUint16(b, h)
	b = append(binary.BigEndian.AppendUint16(b, w), 1, 1, 0x11, 0)
	b = append(b, strings.Repeat("\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\xff\x00\x34", scans)...)
	return append(b, 0xff, 0xd9)
}

func jpegOfSize(w, h uint16) []byte { return jpegOf(w, h, 1) }

func jpegOfScans(n int) []byte { return jpegOf(64, 64, n) }

func webpOf(name string, data []byte) []byte {
	body := binary.LittleEndian.AppendUint32([]byte("WEBP"+name), uint32(len(data)))
	if body = append(body, data...); len(data)%2 == 1 {
		body = append(body, 0)
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func box(name string, data ...[]byte) []byte {
	body := bytes.Join(data, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), name...), body...)
}

// heifOf has a tile's extents beside the picture's. With width 0 it has none.
func heifOf(major, other string, w, h uint32) []byte {
	var ispe []byte
	for _, s := range [][2]uint32{{w / 2, h / 2}, {w, h}} {
		if w > 0 {
			ispe = append(ispe, box("ispe", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 4), s[0]), s[1]))...)
		}
	}
	return bytes.Join([][]byte{
		box("ftyp", []byte(major), make([]byte, 4), []byte(other)),
		box("meta", make([]byte, 4), box("iprp", box("ipco", ispe))),
		box("mdat", []byte("coded pixels")),
	}, nil)
}

type counter struct {
	r          io.ReaderAt
	n, largest int
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	c.n++
	c.largest = max(c.largest, len(p))
	return c.r.ReadAt(p, off)
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }
