package admit

import "encoding/binary"

// webp checks the container's size against the file's and reads the canvas.
func (f *file) webp() (Info, error) {
	info := Info{Format: WebP}
	end := int64(binary.LittleEndian.Uint32(f.bytes(4, 4))) + 8
	if end > f.size || end < 12+8 {
		return info, broken("the WebP is cut short")
	}
	at := int64(12)
	for range maxChunks {
		if at+8 > end {
			return info, broken("the WebP holds no picture")
		}
		b := f.bytes(at, 18)
		name, n := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		if at+8+n > end || f.err != nil {
			return info, broken("the WebP is cut short")
		}
		switch name {
		case "VP8X":
			if n < 10 {
				return info, broken("the WebP's header is damaged")
			}
			info.Width = 1 + int(uint32(b[12])|uint32(b[13])<<8|uint32(b[14])<<16)
			info.Height = 1 + int(uint32(b[15])|uint32(b[16])<<8|uint32(b[17])<<16)
			if int64(info.Width)*int64(info.Height) > MaxPixels {
				return info, nil
			}
		case "VP8 ":
			if n < 10 || b[11] != 0x9d || b[12] != 0x01 || b[13] != 0x2a {
				return info, broken("the WebP's picture is damaged")
			}
			return info.canvas(int(binary.LittleEndian.Uint16(b[14:])&0x3fff), int(binary.LittleEndian.Uint16(b[16:])&0x3fff))
		case "VP8L":
			if n < 5 || b[8] != 0x2f {
				return info, broken("the WebP's picture is damaged")
			}
			v := binary.LittleEndian.Uint32(b[9:])
			return info.canvas(1+int(v&0x3fff), 1+int(v>>14&0x3fff))
		case "ANMF": // an animation: its first frame is taken, its canvas was in VP8X
			return info, nil
		}
		at += 8 + n + n&1
	}
	return info, broken("the WebP is in more than %d pieces", maxChunks)
}

// canvas keeps the extended header's size where there was one.
func (i Info) canvas(w, h int) (Info, error) {
	if i.Width == 0 {
		i.Width, i.Height = w, h
	}
	return i, nil
}
