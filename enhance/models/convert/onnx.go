package convert

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// ONNX messages are written field by field, in one fixed order, so that equal graphs are equal bytes.
// Numbers are those of onnx.proto (IR version 8).
const (
	irVersion = 8
	opset     = 14 // the first with HardSwish

	typeFloat = 1
	typeInt64 = 7

	attrInt    = 2
	attrString = 3
	attrInts   = 7
)

func appendString(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendMessage(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}

func appendInt(b []byte, field protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v)) //nolint:gosec // protobuf's own sign rule
}

// attr is an encoded AttributeProto.
type attr []byte

func ints(name string, v ...int) attr {
	a := appendString(nil, 1, name)
	for _, x := range v {
		a = appendInt(a, 8, x)
	}
	return appendInt(a, 20, attrInts)
}

func number(name string, v int) attr {
	return appendInt(appendInt(appendString(nil, 1, name), 3, v), 20, attrInt)
}

func text(name, v string) attr {
	return appendInt(appendString(appendString(nil, 1, name), 4, v), 20, attrString)
}

// writer collects the nodes and initializers of one graph. Values are named t1, w2, … by one counter, in
// the order of their making.
type writer struct {
	nodes, inits []byte
	made         int
}

func (w *writer) name(prefix string) string {
	w.made++
	return fmt.Sprintf("%s%d", prefix, w.made)
}

// node adds an operator and returns the name of its one output.
func (w *writer) node(op string, in []string, attrs ...attr) string {
	out := w.name("t")
	w.nodeTo(out, op, in, attrs...)
	return out
}

func (w *writer) nodeTo(out, op string, in []string, attrs ...attr) {
	var n []byte
	for _, i := range in {
		n = appendString(n, 1, i)
	}
	n = appendString(n, 2, out)
	n = appendString(n, 4, op)
	for _, a := range attrs {
		n = appendMessage(n, 5, a)
	}
	w.nodes = appendMessage(w.nodes, 1, n)
}

// floats adds a constant; no dims make a scalar.
func (w *writer) floats(dims []int, v []float32) string {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return w.constant(typeFloat, dims, raw)
}

func (w *writer) int64s(v ...int) string {
	raw := make([]byte, 0, 8*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x)) //nolint:gosec // two's complement is meant
	}
	return w.constant(typeInt64, []int{len(v)}, raw)
}

func (w *writer) constant(typ int, dims []int, raw []byte) string {
	name := w.name("w")
	var t []byte
	for _, d := range dims {
		t = appendInt(t, 1, d)
	}
	t = appendInt(t, 2, typ)
	t = appendString(t, 8, name)
	w.inits = appendMessage(w.inits, 5, appendMessage(t, 9, raw))
	return name
}

// valueInfo describes a float input or output of the graph.
func valueInfo(name string, dims []int) []byte {
	var shape []byte
	for _, d := range dims {
		shape = appendMessage(shape, 1, appendInt(nil, 1, d))
	}
	tensor := appendMessage(appendInt(nil, 1, typeFloat), 2, shape)
	return appendMessage(appendString(nil, 1, name), 2, appendMessage(nil, 1, tensor))
}

// model closes the graph.
func (w *writer) model(input []byte, outputs [][]byte) []byte {
	g := append([]byte(nil), w.nodes...)
	g = appendString(g, 2, "m")
	g = append(g, w.inits...)
	g = appendMessage(g, 11, input)
	for _, o := range outputs {
		g = appendMessage(g, 12, o)
	}
	m := appendInt(nil, 1, irVersion)
	m = appendString(m, 2, "tflite2onnx")
	m = appendMessage(m, 7, g)
	return appendMessage(m, 8, appendInt(appendString(nil, 1, ""), 2, opset))
}
