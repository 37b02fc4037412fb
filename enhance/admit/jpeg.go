package admit

import (
	"bytes"
	"encoding/binary"
)

// maxScans bounds the decoder's work: each scan of a progressive JPEG goes over all pixels again.
// Encoders write about ten, optimisers up to thirty.
const maxScans = 100

// jpeg walks the segments and the coded data to the end marker: libvips decodes half a file
// without an error, so the end has to be seen here. Anything after it is left alone; phones append
// depth maps and films.
func (f *file) jpeg() (Info, error) {
	info := Info{Format: JPEG}
	scans := 0
	var err error
	for at := int64(2); ; {
		m, next, ok := f.marker(at)
		if !ok || f.err != nil {
			return info, broken("the JPEG is cut short")
		}
		at = next
		switch {
		case m == 0xd9: // end of image
			if info.Width == 0 || scans == 0 {
				return info, broken("the JPEG holds no picture")
			}
			return info, nil
		case m == 0x01 || m >= 0xd0 && m <= 0xd8: // no length follows
			continue
		}
		if at, scans, err = f.segment(at, m, scans, &info); err != nil {
			return info, err
		}
	}
}

// segment reads the segment of marker m at at, and the coded data after it when it starts a scan.
// It returns what follows and the number of scans so far.
func (f *file) segment(at int64, m byte, scans int, info *Info) (int64, int, error) {
	n := int64(binary.BigEndian.Uint16(f.bytes(at, 2)))
	if n < 2 || at+n > f.size {
		return at, scans, broken("the JPEG is cut short")
	}
	switch {
	case m == 0xc4 || m == 0xc8 || m == 0xcc: // tables, not frames
	case m >= 0xc0 && m <= 0xcf:
		return at + n, scans, f.frame(at, n, m, info)
	case m == 0xda:
		if scans++; scans > maxScans {
			return at, scans, broken("the JPEG has more than %d scans", maxScans)
		}
		return f.coded(at + n), scans, nil
	}
	return at + n, scans, nil
}

// frame reads the size from a start-of-frame segment.
func (f *file) frame(at, n int64, marker byte, info *Info) error {
	if n < 8 {
		return broken("the JPEG's frame header is too short")
	}
	if info.Width != 0 {
		return broken("the JPEG has two frames")
	}
	switch marker {
	case 0xc0, 0xc1, 0xc2, 0xc9, 0xca:
	default: // lossless and hierarchical: no decoder here reads them
		return &Error{Unsupported, "this kind of JPEG (lossless or hierarchical) is not supported"}
	}
	b := f.bytes(at, 8)
	info.Height = int(binary.BigEndian.Uint16(b[3:]))
	info.Width = int(binary.BigEndian.Uint16(b[5:]))
	if info.Width == 0 || info.Height == 0 {
		return broken("the JPEG has no size")
	}
	return nil
}

// marker finds the marker that has to stand at at, after any fill bytes; next is what follows it.
func (f *file) marker(at int64) (m byte, next int64, ok bool) {
	if at >= f.size || f.bytes(at, 1)[0] != 0xff {
		return 0, at, false
	}
	for ; at < f.size; at++ {
		if m = f.bytes(at, 1)[0]; m != 0xff {
			return m, at + 1, m != 0
		}
	}
	return 0, at, false
}

// coded skips entropy-coded data and returns where the next marker begins, or the file's size.
func (f *file) coded(at int64) int64 {
	for at < f.size {
		n := int(min(window/2, f.size-at))
		b := f.bytes(at, n)
		i := bytes.IndexByte(b, 0xff)
		if i < 0 {
			at += int64(n)
			continue
		}
		at += int64(i)
		next := f.bytes(at, 2)[1]
		if next != 0 && (next < 0xd0 || next > 0xd7) && next != 0xff {
			return at
		}
		if next == 0xff {
			at++ // fill byte
		} else {
			at += 2
		}
	}
	return f.size
}
