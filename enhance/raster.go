package enhance

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// bimg gives and takes encoded files only. Between it and the float planes goes an uncompressed
// TIFF in memory, both ways: lossless, and a third of the time PNG takes. Read is what libvips
// writes (little-endian, chunky strips of 8 bits), write is the smallest file libvips takes.

// raster is an 8-bit picture: rows of w pixels of n interleaved samples, sRGB.
// n is 1 (grey), 3 (RGB) or 4 (RGB and straight alpha).
type raster struct {
	w, h, n int
	pix     []byte
}

func newRaster(w, h, n int) *raster { return &raster{w, h, n, make([]byte, w*h*n)} }

// at returns the offset of a pixel.
func (r *raster) at(x, y int) int { return (y*r.w + x) * r.n }

// TIFF tags used here.
const (
	tagWidth           = 256
	tagHeight          = 257
	tagBits            = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagStripOffsets    = 273
	tagSamples         = 277
	tagRowsPerStrip    = 278
	tagStripBytes      = 279
	tagPlanar          = 284
	tagExtraSamples    = 338
	tiffShort          = 3
	tiffLong           = 4
	photometricGrey    = 1
	photometricRGB     = 2
	straightAlpha      = 2
	maxTIFFDirectoryIn = 1 << 16
)

var errTIFF = errors.New("libvips wrote a TIFF that is not plain 8-bit strips")

// parseTIFF reads what libvips wrote as RGB. Grey becomes RGB; alpha is laid on white. When the
// strips lie end to end, as they do, RGB pixels are b's own bytes and nothing is copied.
func parseTIFF(b []byte) (*raster, error) {
	tags, err := tiffTags(b)
	if err != nil {
		return nil, err
	}
	one := func(tag uint16, fallback int) int {
		if v := tags[tag]; len(v) > 0 {
			return int(v[0])
		}
		return fallback
	}
	w, h, n := one(tagWidth, 0), one(tagHeight, 0), one(tagSamples, 1)
	if w <= 0 || h <= 0 || n < 1 || n > 4 || one(tagCompression, 1) != 1 || one(tagBits, 1) != 8 || one(tagPlanar, 1) != 1 {
		return nil, fmt.Errorf("%w: %d × %d, %d samples of %d bits, compression %d", errTIFF, w, h, n, one(tagBits, 1), one(tagCompression, 1))
	}
	pix, err := strips(b, tags[tagStripOffsets], tags[tagStripBytes], w*h*n)
	if err != nil {
		return nil, err
	}
	r := &raster{w, h, n, pix}
	if n != 3 {
		r = r.onWhite(one(tagPhotometric, photometricRGB) == 0)
	}
	return r, nil
}

func tiffTags(b []byte) (map[uint16][]uint32, error) {
	le := binary.LittleEndian
	if len(b) < 8 || string(b[:4]) != "II*\x00" {
		return nil, errTIFF
	}
	at := int(le.Uint32(b[4:]))
	if at < 8 || at+2 > len(b) {
		return nil, errTIFF
	}
	n := int(le.Uint16(b[at:]))
	if at+2+12*n > len(b) {
		return nil, errTIFF
	}
	tags := make(map[uint16][]uint32, n)
	for i := range n {
		e := b[at+2+12*i:]
		size := map[uint16]int{1: 1, tiffShort: 2, tiffLong: 4}[le.Uint16(e[2:])]
		count := int(le.Uint32(e[4:]))
		if size == 0 || count > maxTIFFDirectoryIn {
			continue
		}
		d := e[8:12]
		if size*count > 4 {
			off := int(le.Uint32(d))
			if off+size*count > len(b) {
				return nil, errTIFF
			}
			d = b[off : off+size*count]
		}
		v := make([]uint32, count)
		for j := range v {
			switch size {
			case 1:
				v[j] = uint32(d[j])
			case 2:
				v[j] = uint32(le.Uint16(d[2*j:]))
			default:
				v[j] = le.Uint32(d[4*j:])
			}
		}
		tags[le.Uint16(e)] = v
	}
	return tags, nil
}

// strips joins the strips to want bytes.
func strips(b []byte, offsets, lengths []uint32, want int) ([]byte, error) {
	if len(offsets) == 0 || len(offsets) != len(lengths) {
		return nil, errTIFF
	}
	joined := true
	total := 0
	for i, o := range offsets {
		if int(o)+int(lengths[i]) > len(b) {
			return nil, errTIFF
		}
		joined = joined && int(o) == int(offsets[0])+total
		total += int(lengths[i])
	}
	if total < want {
		return nil, errTIFF
	}
	if joined {
		return b[offsets[0] : int(offsets[0])+want], nil
	}
	pix := make([]byte, 0, total)
	for i, o := range offsets {
		pix = append(pix, b[o:o+lengths[i]]...)
	}
	return pix[:want], nil
}

// onWhite makes RGB of grey and of pictures with alpha.
//
//nolint:gosec // a mean of bytes is a byte
func (r *raster) onWhite(inverted bool) *raster {
	o := newRaster(r.w, r.h, 3)
	colors := 1
	if r.n >= 3 {
		colors = 3
	}
	for i := range r.w * r.h {
		s, d := r.pix[i*r.n:(i+1)*r.n], o.pix[i*3:i*3+3]
		a := 255
		if r.n > colors {
			a = int(s[r.n-1])
		}
		for c := range d {
			v := int(s[c%colors])
			if inverted {
				v = 255 - v
			}
			d[c] = byte((v*a + 255*(255-a) + 127) / 255)
		}
	}
	return o
}

// tiff writes the raster for libvips to read.
//
//nolint:gosec // pictures of at most 4096² fit 32 bits
func (r *raster) tiff() []byte {
	le := binary.LittleEndian
	photometric := uint32(photometricRGB)
	if r.n == 1 {
		photometric = photometricGrey
	}
	type field struct {
		id, kind uint16
		n, v     uint32
	}
	fields := []field{
		{tagWidth, tiffLong, 1, uint32(r.w)},
		{tagHeight, tiffLong, 1, uint32(r.h)},
		{tagBits, tiffShort, uint32(r.n), 8}, // for more than two samples an offset, set below
		{tagCompression, tiffShort, 1, 1},
		{tagPhotometric, tiffShort, 1, photometric},
		{tagStripOffsets, tiffLong, 1, 0},
		{tagSamples, tiffShort, 1, uint32(r.n)},
		{tagRowsPerStrip, tiffLong, 1, uint32(r.h)},
		{tagStripBytes, tiffLong, 1, uint32(len(r.pix))},
		{tagPlanar, tiffShort, 1, 1},
	}
	if r.n == 4 {
		fields = append(fields, field{tagExtraSamples, tiffShort, 1, straightAlpha})
	}
	bits := 8 + 2 + 12*len(fields) + 4
	data := bits + 2*r.n
	if r.n > 2 {
		fields[2].v = uint32(bits)
	}
	fields[5].v = uint32(data)
	b := make([]byte, 0, data+len(r.pix))
	b = append(b, "II*\x00"...)
	b = le.AppendUint32(b, 8)
	b = le.AppendUint16(b, uint16(len(fields)))
	for _, f := range fields {
		b = le.AppendUint16(b, f.id)
		b = le.AppendUint16(b, f.kind)
		b = le.AppendUint32(b, f.n)
		b = le.AppendUint32(b, f.v)
	}
	b = le.AppendUint32(b, 0)
	for range r.n {
		b = le.AppendUint16(b, 8)
	}
	return append(b, r.pix...)
}
