package enhance

import (
	"encoding/binary"
	"hash/crc32"
)

// libvips either keeps all metadata or strips it with the profile, so the mark that says "these
// numbers are sRGB" is put in afterwards. WebP and AVIF readers take unmarked pictures for sRGB.

// markJPEG puts an sRGB profile after the JPEG's start, or after its JFIF header.
//
//nolint:gosec // the profile has 500 bytes
func markJPEG(b []byte) []byte {
	at := 2
	if len(b) > 6 && b[2] == 0xff && b[3] == 0xe0 {
		at = 4 + int(binary.BigEndian.Uint16(b[4:]))
	}
	if at > len(b) {
		return b
	}
	body := append([]byte("ICC_PROFILE\x00\x01\x01"), sRGBProfile()...)
	seg := binary.BigEndian.AppendUint16([]byte{0xff, 0xe2}, uint16(len(body)+2))
	out := make([]byte, 0, len(b)+len(seg)+len(body))
	out = append(append(out, b[:at]...), seg...)
	return append(append(out, body...), b[at:]...)
}

// markPNG puts an sRGB chunk (perceptual intent) after the header.
func markPNG(b []byte) []byte {
	const header = 8 + 25
	if len(b) < header {
		return b
	}
	chunk := []byte{0, 0, 0, 1, 's', 'R', 'G', 'B', 0}
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	out := make([]byte, 0, len(b)+len(chunk))
	return append(append(append(out, b[:header]...), chunk...), b[header:]...)
}

// sRGBProfile builds an ICC v4 display profile of sRGB: primaries adapted to D50 as in the ICC's own
// profile, and the exact curve as a parametric function. About 500 bytes.
//
//nolint:gosec // constants of a few hundred
func sRGBProfile() []byte {
	be := binary.BigEndian
	fixed := func(tag string, vs ...float64) []byte {
		b := append([]byte(tag), 0, 0, 0, 0)
		for _, v := range vs {
			b = be.AppendUint32(b, uint32(int32(v*65536+0.5*sign(v))))
		}
		return b
	}
	text := func(s string) []byte {
		b := append([]byte("mluc"), 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 12, 'e', 'n', 'U', 'S')
		b = be.AppendUint32(b, uint32(2*len(s)))
		b = be.AppendUint32(b, 28)
		for _, c := range s {
			b = be.AppendUint16(b, uint16(c))
		}
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		return b
	}
	curve := append([]byte("para"), 0, 0, 0, 0, 0, 3, 0, 0)
	curve = append(curve, fixed("", 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)[4:]...)
	white := fixed("XYZ ", 0.9642, 1, 0.8249)
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", text("sRGB")}, {"cprt", text("No copyright, use freely")},
		{"wtpt", white},
		{"chad", fixed("sf32", 1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)},
		{"rXYZ", fixed("XYZ ", 0.43604, 0.22249, 0.01392)},
		{"gXYZ", fixed("XYZ ", 0.38512, 0.71690, 0.09706)},
		{"bXYZ", fixed("XYZ ", 0.14305, 0.06061, 0.71393)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	head := make([]byte, 128, 600)
	copy(head[8:], "\x04\x30\x00\x00mntrRGB XYZ ")
	copy(head[24:], "\x07\xea\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00acsp") // 2026-01-01
	copy(head[68:], white[8:])
	table := be.AppendUint32(nil, uint32(len(tags)))
	at := 128 + 4 + 12*len(tags)
	var data []byte
	curveAt := 0
	for _, t := range tags {
		where := at + len(data)
		if t.name == "gTRC" || t.name == "bTRC" {
			where = curveAt // all three share one curve
		} else {
			data = append(data, t.data...)
		}
		if t.name == "rTRC" {
			curveAt = where
		}
		table = append(table, t.name...)
		table = be.AppendUint32(table, uint32(where))
		table = be.AppendUint32(table, uint32(len(t.data)))
	}
	b := append(append(head, table...), data...)
	be.PutUint32(b, uint32(len(b)))
	return b
}

func sign(v float64) float64 {
	if v < 0 {
		return -1
	}
	return 1
}
