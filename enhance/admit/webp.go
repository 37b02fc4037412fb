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
		done, err := info.webpChunk(name, n, b[8:])
		if done || err != nil {
			return info, err
		}
		at += 8 + n + n&1
	}
	return info, broken("the WebP is in more than %d pieces", maxChunks)
}

// webpChunk reads the first ten bytes of a chunk of n. done when the size is known for certain.
func (i *Info) webpChunk(name string, n int64, b []byte) (done bool, err error) {
	switch name {
	case "VP8X":
		if n < 10 {
			return false, broken("the WebP's header is damaged")
		}
		i.Width = 1 + int(uint32(b[4])|uint32(b[5])<<8|uint32(b[6])<<16)
		i.Height = 1 + int(uint32(b[7])|uint32(b[8])<<8|uint32(b[9])<<16)
		return int64(i.Width)*int64(i.Height) > MaxPixels, nil
	case "VP8 ":
		if n < 10 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
			return false, broken("the WebP's picture is damaged")
		}
		i.canvas(int(binary.LittleEndian.Uint16(b[6:])&0x3fff), int(binary.LittleEndian.Uint16(b[8:])&0x3fff))
		return true, nil
	case "VP8L":
		if n < 5 || b[0] != 0x2f {
			return false, broken("the WebP's picture is damaged")
		}
		v := binary.LittleEndian.Uint32(b[1:])
		i.canvas(1+int(v&0x3fff), 1+int(v>>14&0x3fff))
		return true, nil
	}
	return name == "ANMF", nil // an animation: its first frame is taken, its canvas was in VP8X
}

// canvas keeps the extended header's size where there was one.
func (i *Info) canvas(w, h int) {
	if i.Width == 0 {
		i.Width, i.Height = w, h
	}
}
