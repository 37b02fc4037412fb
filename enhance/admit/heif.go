package admit

import (
	"encoding/binary"
	"slices"
)

const (
	// maxMeta is the largest meta box read. A 60-megapixel phone picture's is under 20 KiB.
	maxMeta = 1 << 20
	// maxBoxes bounds the walk over boxes side by side.
	maxBoxes = 10_000
)

// heif walks the top boxes of HEIC and AVIF, which have to end with the file, and takes the size
// from the largest image-spatial-extents property: tiles and thumbnails have theirs too.
func (f *file) heif() (Info, error) {
	info := Info{}
	var meta []byte
	media := false
	at := int64(0)
	for i := 0; at < f.size; i++ {
		if i == maxBoxes {
			return info, broken("the picture is in more than %d boxes", maxBoxes)
		}
		name, head, n := f.box(at)
		if n < head || at+n > f.size || f.err != nil {
			return info, broken("the picture is cut short")
		}
		switch {
		case i == 0:
			var err error
			if info.Format, err = brand(f.bytes(at+head, int(min(n-head, 4096)))); err != nil {
				return info, err
			}
		case name == "meta" && meta == nil:
			if n > maxMeta {
				return info, broken("the picture's description is larger than %d bytes", maxMeta)
			}
			meta = slices.Clone(f.bytes(at+head, int(n-head)))
		case name == "mdat":
			media = true
		}
		at += n
	}
	if len(meta) < 4 {
		return info, broken("the picture has no description")
	}
	width, height, inside := extents(meta[4:])
	if info.Width, info.Height = width, height; width == 0 {
		return info, broken("the picture has no size")
	}
	if !media && !inside {
		return info, broken("the picture is cut short")
	}
	return info, nil
}

// box reads a box header: its name, the header's length and the whole box's.
func (f *file) box(at int64) (name string, head, n int64) {
	if at+8 > f.size {
		return "", 8, 0
	}
	b := f.bytes(at, 16)
	n, head = int64(binary.BigEndian.Uint32(b)), 8
	switch n {
	case 0:
		n = f.size - at // to the end of the file
	case 1:
		v := binary.BigEndian.Uint64(b[8:])
		head, n = 16, int64(min(v, 1<<62))
	}
	return string(b[4:8]), head, n
}

// brand tells HEIC from AVIF by the ftyp box's major and compatible brands.
func brand(ftyp []byte) (Format, error) {
	var found Format
	for i := 0; i+4 <= len(ftyp); i += 4 {
		if i == 4 {
			continue // minor version
		}
		switch string(ftyp[i : i+4]) {
		case "avif", "avis":
			return AVIF, nil
		case "heic", "heix", "heim", "heis", "hevc", "hevx":
			return HEIC, nil
		case "mif1", "msf1":
			found = HEIC
		}
	}
	if found == "" {
		return "", &Error{Unsupported, "this is not a JPEG, PNG, WebP, HEIC or AVIF picture"}
	}
	return found, nil
}

// extents looks in meta / iprp / ipco for ispe boxes. inside tells of an idat box, which may hold the pixels.
func extents(meta []byte) (width, height int, inside bool) {
	var area int64
	boxes(meta, func(name string, body []byte) {
		inside = inside || name == "idat"
		if name != "iprp" {
			return
		}
		boxes(body, func(name string, body []byte) {
			if name != "ipco" {
				return
			}
			boxes(body, func(name string, body []byte) {
				if name != "ispe" || len(body) < 12 {
					return
				}
				w, h := int64(binary.BigEndian.Uint32(body[4:])), int64(binary.BigEndian.Uint32(body[8:]))
				if w <= 1<<24 && h <= 1<<24 && w*h > area {
					area, width, height = w*h, int(w), int(h)
				} else if w > 1<<24 || h > 1<<24 {
					area, width, height = 1<<62, 1<<24, 1<<24
				}
			})
		})
	})
	return width, height, inside
}

// boxes calls fn for each whole box in b.
func boxes(b []byte, fn func(name string, body []byte)) {
	for range maxBoxes {
		if len(b) < 8 {
			return
		}
		n := int(binary.BigEndian.Uint32(b))
		if n == 0 {
			n = len(b)
		}
		if n < 8 || n > len(b) {
			return
		}
		fn(string(b[4:8]), b[8:n])
		b = b[n:]
	}
}
