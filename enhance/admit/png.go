package admit

import (
	"encoding/binary"
	"hash/crc32"
)

// maxChunks bounds the walk: an encoder writes one chunk in 8 KiB or more.
const maxChunks = 100_000

// png walks the chunks to IEND.
func (f *file) png() (Info, error) {
	info := Info{Format: PNG}
	if f.size < 8+25 {
		return info, broken("the PNG is cut short")
	}
	ihdr := f.bytes(8, 25)
	if string(ihdr[4:8]) != "IHDR" || binary.BigEndian.Uint32(ihdr) != 13 || crc32.ChecksumIEEE(ihdr[4:21]) != binary.BigEndian.Uint32(ihdr[21:]) {
		return info, broken("the PNG's header is damaged")
	}
	w, h := binary.BigEndian.Uint32(ihdr[8:]), binary.BigEndian.Uint32(ihdr[12:])
	if w == 0 || h == 0 || w > 1<<31-1 || h > 1<<31-1 {
		return info, broken("the PNG has no size")
	}
	info.Width, info.Height = int(w), int(h)
	if int64(w)*int64(h) > MaxPixels {
		return info, nil // refused by Check; the rest may not even have been sent
	}
	data := false
	at := int64(8 + 25)
	for range maxChunks {
		if at+12 > f.size {
			return info, broken("the PNG is cut short")
		}
		b := f.bytes(at, 8)
		n, name := int64(binary.BigEndian.Uint32(b)), string(b[4:8])
		if at += 12 + n; at > f.size || f.err != nil {
			return info, broken("the PNG is cut short")
		}
		switch name {
		case "IDAT":
			data = true
		case "IEND":
			if !data {
				return info, broken("the PNG holds no picture")
			}
			return info, nil
		}
	}
	return info, broken("the PNG is in more than %d pieces", maxChunks)
}
