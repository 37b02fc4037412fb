// Package admit judges a stranger's file before anything decodes it: is it a photo of a format we
// take, is all of it there, and how large is the picture it claims to be.
//
// It trusts only the bytes, never a name or a content type, and reads headers in Go, without cgo:
// the server may call it on a request, while the decoders, which have had their share of memory
// bugs, run in a child process on what was let through. Formats that can name other files or run
// programs (SVG, PDF, PostScript, MVG) never get that far.
//
// Time is bounded by the file's size (one pass) and memory by a few kilobytes (1 MiB for HEIC and
// AVIF), whatever the file says of itself.
package admit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxPixels is the largest picture let through: width × height.
const MaxPixels = 60_000_000

// Format is a picture format on the allow list.
type Format string

// The allow list.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	WebP Format = "webp"
	HEIC Format = "heic"
	AVIF Format = "avif"
)

// ContentType is the registered media type, such as image/jpeg.
func (f Format) ContentType() string { return "image/" + string(f) }

// Info is what the header says. Width and Height are as stored: a photo to be turned by its EXIF
// orientation has them the other way round.
type Info struct {
	Format Format
	Width  int
	Height int
}

// Kind is why a file was refused.
type Kind int

// Kinds of refusal, with the HTTP status each one is.
const (
	// Unsupported: not on the allow list (415).
	Unsupported Kind = iota + 1
	// TooLarge: more than MaxPixels by its own header (413).
	TooLarge
	// Broken: a format we take, but empty, cut short or contradicting itself (422).
	Broken
)

// Error is a refusal. Msg is for the person who sent the file.
type Error struct {
	Kind Kind
	Msg  string
}

// Error returns Msg.
func (e *Error) Error() string { return e.Msg }

// KindOf tells why err refused a file; false when err is no refusal (a read failed).
func KindOf(err error) (Kind, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind, true
	}
	return 0, false
}

func broken(format string, a ...any) error { return &Error{Broken, fmt.Sprintf(format, a...)} }

// Check judges the file of size bytes that r reads. A refusal is an *Error; any other error is r's own.
func Check(r io.ReaderAt, size int64) (Info, error) {
	if size <= 0 {
		return Info{}, broken("the file is empty")
	}
	f := &file{r: r, size: size}
	head := f.bytes(0, int(min(size, 64)))
	var info Info
	var err error
	switch {
	case f.err != nil:
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")) || bytes.Equal(head, []byte("\xff\xd8")):
		info, err = f.jpeg()
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		info, err = f.png()
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		info, err = f.webp()
	case len(head) >= 12 && string(head[4:8]) == "ftyp":
		info, err = f.heif()
	default:
		err = &Error{Unsupported, "this is not a JPEG, PNG, WebP, HEIC or AVIF picture"}
	}
	if f.err != nil {
		return Info{}, f.err
	}
	if err != nil {
		return Info{}, err
	}
	if info.Width <= 0 || info.Height <= 0 {
		return Info{}, broken("the picture has no size")
	}
	if int64(info.Width)*int64(info.Height) > MaxPixels {
		return Info{}, &Error{TooLarge, fmt.Sprintf("the picture is %d × %d pixels, over %d million in all", info.Width, info.Height, MaxPixels/1_000_000)}
	}
	return info, nil
}

// window is how much of the file is held at a time.
const window = 64 << 10

// file reads forward through a window. The first read error sticks in err, and all bytes read
// after it are zero, so that the parsers need no check at each step.
type file struct {
	r    io.ReaderAt
	size int64
	err  error
	buf  []byte
	at   int64 // offset of buf in the file
}

// bytes returns n bytes from off; what lies past the end of the file is zero. The slice is good
// until the next call.
func (f *file) bytes(off int64, n int) []byte {
	if off < f.at || off+int64(n) > f.at+int64(len(f.buf)) {
		f.fill(off, max(n, window))
	}
	i := off - f.at
	return f.buf[i : i+int64(n)]
}

func (f *file) fill(off int64, n int) {
	if cap(f.buf) < n {
		f.buf = make([]byte, n)
	}
	f.buf, f.at = f.buf[:n], off
	clear(f.buf)
	if f.err != nil || off < 0 || off >= f.size {
		return
	}
	want := min(int64(n), f.size-off)
	got, err := f.r.ReadAt(f.buf[:want], off)
	if err != nil && (!errors.Is(err, io.EOF) || int64(got) != want) {
		f.err = fmt.Errorf("read the picture at %d: %w", off, err)
	}
}
