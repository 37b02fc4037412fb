package convert

import (
	"encoding/binary"
	"fmt"
)

// buffer is a flatbuffer file. Reads outside of it give zeros and set err, so that a damaged file ends
// in one error instead of a check after every read (or a panic).
type buffer struct {
	b   []byte
	err error
}

// at returns n bytes at off, or zeros when they are not all inside.
func (f *buffer) at(off, n int) []byte {
	if off < 0 || n < 0 || off > len(f.b)-n {
		if f.err == nil {
			f.err = fmt.Errorf("damaged file: %d bytes at offset %d of %d", n, off, len(f.b))
		}
		return make([]byte, min(max(n, 0), 8))
	}
	return f.b[off : off+n]
}

func (f *buffer) u16(off int) int { return int(binary.LittleEndian.Uint16(f.at(off, 2))) }
func (f *buffer) u32(off int) int { return int(binary.LittleEndian.Uint32(f.at(off, 4))) }
func (f *buffer) i32(off int) int { return int(int32(binary.LittleEndian.Uint32(f.at(off, 4)))) } //nolint:gosec // two's complement is meant

// table is one flatbuffer table: fields by slot number, found through its vtable. The zero table has
// no fields.
type table struct {
	f   *buffer
	off int
}

func (f *buffer) root() table { return table{f, f.u32(0)} }

// field returns the offset of a slot; false when it is left at its default.
func (t table) field(slot int) (int, bool) {
	if t.f == nil {
		return 0, false
	}
	v := t.off - t.f.i32(t.off)
	if 4+2*slot >= t.f.u16(v) {
		return 0, false
	}
	rel := t.f.u16(v + 4 + 2*slot)
	return t.off + rel, rel != 0
}

func (t table) int(slot, def int) int {
	if o, ok := t.field(slot); ok {
		return t.f.i32(o)
	}
	return def
}

func (t table) byte(slot int) int {
	if o, ok := t.field(slot); ok {
		return int(t.f.at(o, 1)[0])
	}
	return 0
}

func (t table) table(slot int) table {
	o, ok := t.field(slot)
	if !ok {
		return table{}
	}
	return table{t.f, o + t.f.u32(o)}
}

// vector returns where the elements of a vector start and how many there are, all of them inside.
func (t table) vector(slot, size int) (start, n int) {
	o, ok := t.field(slot)
	if !ok {
		return 0, 0
	}
	p := o + t.f.u32(o)
	n = t.f.u32(p)
	if t.f.at(p+4, n*size); t.f.err != nil {
		return 0, 0
	}
	return p + 4, n
}

func (t table) bytes(slot int) []byte {
	p, n := t.vector(slot, 1)
	if n == 0 {
		return nil
	}
	return t.f.b[p : p+n]
}

func (t table) ints(slot int) []int {
	p, n := t.vector(slot, 4)
	out := make([]int, n)
	for i := range out {
		out[i] = t.f.i32(p + 4*i)
	}
	return out
}

func (t table) tables(slot int) []table {
	p, n := t.vector(slot, 4)
	out := make([]table, n)
	for i := range out {
		q := p + 4*i
		out[i] = table{t.f, q + t.f.u32(q)}
	}
	return out
}
