// Package convert turns small convolutional TensorFlow Lite networks into ONNX.
//
// The problem: the networks we may bundle are published as .tflite only, and we want one runtime for all.
// The choice: own the conversion. It covers the operators of five networks (MediaPipe's selfie
// segmentation, face detection and face mesh; SlimNet) and refuses everything else by name; it needs no
// Python and no TensorFlow; and it is deterministic, so that a converted file is pinned by its sha256
// and anyone can make it again from the publisher's file.
//
// TensorFlow Lite keeps pictures channels-last (NHWC), ONNX Runtime's convolutions want channels-first.
// Inside the graph every rank-4 tensor is therefore NCHW, with one transpose after the input and one
// before each output: callers see the publisher's shapes. Weights stored in half precision become
// float32, which changes no value.
package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ONNX converts a .tflite file with one input. The graph's input is named "input", its outputs "output0",
// "output1", … in the publisher's order and shapes; all are float32. Equal input gives equal bytes.
//
// Errors: a damaged file, or an operator, type or option outside of what the package covers.
func ONNX(tflite []byte) ([]byte, error) {
	g, err := open(tflite)
	if err != nil {
		return nil, fmt.Errorf("convert to ONNX: %w", err)
	}
	b, err := g.convert()
	if err != nil {
		return nil, fmt.Errorf("convert to ONNX: %w", err)
	}
	return b, nil
}

// graph is a network half way: read from file, written to the writer.
type graph struct {
	writer
	file    *buffer
	buffers []table
	tensors []table
	codes   []table
	sub     table
	consts  map[int][]float32 // constant tensors, decoded
	names   map[int]string    // tensors that have a value in the ONNX graph
	err     error             // the first thing that was not as expected; later work is void
}

// The slots of the schema's tables that are read here (schema.fbs of TensorFlow Lite, version 3).
const (
	modelCodes, modelGraphs, modelBuffers = 1, 2, 4

	graphTensors, graphInputs, graphOutputs, graphOperators = 0, 1, 2, 3

	tensorShape, tensorType, tensorBuffer = 0, 1, 2

	opCode, opInputs, opOutputs, opOptions, opCustom = 0, 1, 2, 4, 5

	codeOld, codeCustom, codeNew = 0, 1, 3
)

// The element types that occur.
const (
	float32Type, float16Type, int32Type = 0, 1, 2
)

func open(b []byte) (*graph, error) {
	if len(b) < 8 || string(b[4:8]) != "TFL3" {
		return nil, errors.New("not a TensorFlow Lite file of schema version 3")
	}
	f := &buffer{b: b}
	root := f.root()
	subs := root.tables(modelGraphs)
	if len(subs) != 1 {
		return nil, errors.Join(fmt.Errorf("%d subgraphs instead of one", len(subs)), f.err)
	}
	return &graph{
		file: f, buffers: root.tables(modelBuffers), codes: root.tables(modelCodes), sub: subs[0],
		tensors: subs[0].tables(graphTensors), consts: map[int][]float32{}, names: map[int]string{},
	}, nil
}

func (g *graph) convert() ([]byte, error) {
	in := g.sub.ints(graphInputs)
	if len(in) != 1 {
		return nil, errors.Join(fmt.Errorf("%d inputs instead of one", len(in)), g.file.err)
	}
	g.shape4(in[0])
	g.names[in[0]] = g.node("Transpose", []string{"input"}, ints("perm", 0, 3, 1, 2))
	for i, o := range g.sub.tables(graphOperators) {
		g.operator(o)
		if err := errors.Join(g.err, g.file.err); err != nil {
			return nil, fmt.Errorf("operator %d: %w", i, err)
		}
	}
	var outputs [][]byte
	for i, t := range g.sub.ints(graphOutputs) {
		name := fmt.Sprintf("output%d", i)
		if len(g.shape(t)) == 4 {
			g.nodeTo(name, "Transpose", []string{g.value(t)}, ints("perm", 0, 2, 3, 1))
		} else {
			g.nodeTo(name, "Identity", []string{g.value(t)})
		}
		outputs = append(outputs, valueInfo(name, g.shape(t)))
	}
	if err := errors.Join(g.err, g.file.err); err != nil {
		return nil, err
	}
	return g.model(valueInfo("input", g.shape(in[0])), outputs), nil
}

func (g *graph) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

func (g *graph) tensor(t int) table {
	if t < 0 || t >= len(g.tensors) {
		g.fail("no tensor %d", t)
		return table{}
	}
	return g.tensors[t]
}

func (g *graph) shape(t int) []int { return g.tensor(t).ints(tensorShape) }

// maxSide bounds each dimension of a tensor: far above what occurs, far below what overflows.
const maxSide = 1 << 20

// shape4 is the shape of a picture-like tensor: batch, height, width, channels, none of them empty.
func (g *graph) shape4(t int) [4]int {
	s := g.shape(t)
	if len(s) != 4 || slices.ContainsFunc(s, func(d int) bool { return d < 1 || d > maxSide }) {
		g.fail("tensor %d has shape %v, expected four dimensions", t, s)
		return [4]int{1, 1, 1, 1}
	}
	return [4]int(s)
}

// data returns the values of a constant tensor; as many as its shape says.
func (g *graph) data(t int) []float32 {
	if v, ok := g.consts[t]; ok {
		return v
	}
	tt := g.tensor(t)
	i := tt.int(tensorBuffer, 0)
	if i < 0 || i >= len(g.buffers) {
		g.fail("tensor %d: no buffer %d", t, i)
		return nil
	}
	raw := g.buffers[i].bytes(0)
	if len(raw) == 0 {
		g.fail("tensor %d is neither computed nor constant", t)
		return nil
	}
	var v []float32
	switch typ := tt.byte(tensorType); typ {
	case float32Type:
		for ; len(raw) >= 4; raw = raw[4:] {
			v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
	case float16Type:
		for ; len(raw) >= 2; raw = raw[2:] {
			v = append(v, half(binary.LittleEndian.Uint16(raw)))
		}
	case int32Type:
		for ; len(raw) >= 4; raw = raw[4:] {
			v = append(v, float32(int32(binary.LittleEndian.Uint32(raw)))) //nolint:gosec // two's complement is meant
		}
	default:
		g.fail("tensor %d: element type %d is not supported", t, typ)
		return nil
	}
	return g.keep(t, v)
}

// keep notes a constant's values, after comparing their number with the tensor's shape.
func (g *graph) keep(t int, v []float32) []float32 {
	n := 1
	for _, d := range g.shape(t) {
		if d < 1 || d > maxSide || n > maxSide {
			g.fail("tensor %d has shape %v", t, g.shape(t))
			return nil
		}
		n *= d
	}
	if n != len(v) {
		g.fail("tensor %d has %d values for shape %v", t, len(v), g.shape(t))
		return nil
	}
	g.consts[t] = v
	return v
}

// value names a tensor as operand of an element-wise operator. Constants take the shape that broadcasts
// over NCHW: a vector runs along the channels.
func (g *graph) value(t int) string {
	if n, ok := g.names[t]; ok {
		return n
	}
	v, s := g.data(t), g.shape(t)
	if g.err != nil {
		return ""
	}
	switch {
	case len(s) == 4:
		w, d := permute(v, s, 0, 3, 1, 2)
		g.names[t] = g.floats(d, w)
	case len(s) == 3:
		w, d := permute(v, s, 2, 0, 1)
		g.names[t] = g.floats([]int{1, d[0], d[1], d[2]}, w)
	case len(s) == 1 && s[0] > 1:
		g.names[t] = g.floats([]int{1, s[0], 1, 1}, v)
	default:
		g.names[t] = g.floats(s, v)
	}
	return g.names[t]
}

// half widens an IEEE 754 half-precision number, exactly.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exp {
	case 0:
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// permute transposes v of the given shape: dimension i of the result is dimension p[i] of v.
func permute(v []float32, shape []int, p ...int) ([]float32, []int) {
	dims := make([]int, len(p))
	for i, k := range p {
		dims[i] = shape[k]
	}
	stride := make([]int, len(shape))
	for i, k := len(shape)-1, 1; i >= 0; i-- {
		stride[i] = k
		k *= shape[i]
	}
	out := make([]float32, len(v))
	at := make([]int, len(p))
	for n := range out {
		src := 0
		for i, k := range p {
			src += at[i] * stride[k]
		}
		out[n] = v[src]
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < dims[i] {
				break
			}
			at[i] = 0
		}
	}
	return out, dims
}
