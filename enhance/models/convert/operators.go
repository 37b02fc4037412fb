package convert

import "encoding/binary"

// The operators covered, by their number in the schema.
const (
	opAdd           = 0
	opAveragePool   = 1
	opConcat        = 2
	opConv          = 3
	opDepthwiseConv = 4
	opDequantize    = 6
	opLogistic      = 14
	opMaxPool       = 17
	opMul           = 18
	opRelu          = 19
	opReshape       = 22
	opResize        = 23
	opSoftmax       = 25
	opCustomCode    = 32
	opPad           = 34
	opStridedSlice  = 45
	opPRelu         = 54
	opTransposeConv = 67
	opHardSwish     = 117
)

// transposeBias is MediaPipe's own operator: a transposed convolution with bias.
const transposeBias = "Convolution2DTransposeBias"

// operation is one operator with its operands, checked to exist.
type operation struct {
	code    int
	custom  string
	in, out []int
	options table
	extra   []byte // options of a custom operator
}

func (g *graph) operation(o table) operation {
	i := o.int(opCode, 0)
	if i < 0 || i >= len(g.codes) {
		g.fail("no operator code %d", i)
		return operation{}
	}
	c := g.codes[i]
	op := operation{
		code: max(c.byte(codeOld), c.int(codeNew, 0)), custom: string(c.bytes(codeCustom)),
		in: o.ints(opInputs), out: o.ints(opOutputs), options: o.table(opOptions), extra: o.bytes(opCustom),
	}
	need := 1
	switch op.code {
	case opAdd, opConv, opDepthwiseConv, opMul, opPad, opPRelu:
		need = 2
	case opTransposeConv, opStridedSlice, opCustomCode:
		need = 3
	}
	if len(op.in) < need || len(op.out) != 1 {
		g.fail("operator code %d (%s): %d inputs and %d outputs", op.code, op.custom, len(op.in), len(op.out))
	}
	return op
}

// operator converts one operator; what it gives is named in g.names.
func (g *graph) operator(o table) {
	op := g.operation(o)
	if g.err != nil {
		return
	}
	in, out := op.in, op.out[0]
	switch op.code {
	case opDequantize: // half-precision weights
		g.keep(out, g.data(in[0]))
		return
	case opConv:
		g.names[out] = g.conv(op)
	case opDepthwiseConv:
		g.names[out] = g.depthwise(op)
	case opTransposeConv, opCustomCode:
		g.names[out] = g.transposed(op)
	case opAdd:
		g.names[out] = g.activated(g.node("Add", []string{g.value(in[0]), g.value(in[1])}), op.options.byte(0))
	case opMul:
		g.names[out] = g.activated(g.node("Mul", []string{g.value(in[0]), g.value(in[1])}), op.options.byte(0))
	case opHardSwish:
		g.names[out] = g.node("HardSwish", []string{g.value(in[0])})
	case opLogistic:
		g.names[out] = g.node("Sigmoid", []string{g.value(in[0])})
	case opRelu:
		g.names[out] = g.node("Relu", []string{g.value(in[0])})
	case opPRelu:
		g.names[out] = g.node("PRelu", []string{g.value(in[0]), g.value(in[1])})
	case opAveragePool:
		g.names[out] = g.pool("AveragePool", op)
	case opMaxPool:
		g.names[out] = g.pool("MaxPool", op)
	case opSoftmax: // over the channels
		g.shape4(in[0])
		g.names[out] = g.node("Softmax", []string{g.value(in[0])}, number("axis", 1))
	case opResize:
		g.names[out] = g.resize(op)
	case opPad:
		g.names[out] = g.pad(op)
	case opReshape:
		g.names[out] = g.reshape(op)
	case opConcat:
		g.names[out] = g.concat(op)
	case opStridedSlice:
		g.names[out] = g.channel(op)
	default:
		g.fail("operator code %d %s is not supported", op.code, op.custom)
	}
}

// activated applies the activation fused into an operator.
func (g *graph) activated(x string, code int) string {
	switch code {
	case 0:
		return x
	case 1:
		return g.node("Relu", []string{x})
	case 3:
		return g.node("Clip", []string{x, g.floats(nil, []float32{0}), g.floats(nil, []float32{6})})
	}
	g.fail("fused activation %d is not supported", code)
	return x
}

// padding gives the begin and end pads of one dimension: SAME (0) keeps ceil(in/stride) positions and
// puts the odd one at the end; VALID (1) pads nothing.
func padding(kind, in, kernel, stride, dilation int) (begin, end int) {
	if kind == 1 || stride < 1 {
		return 0, 0
	}
	positions := (in + stride - 1) / stride
	total := max(0, (positions-1)*stride+(kernel-1)*dilation+1-in)
	return total / 2, total - total/2
}

// convolution writes a Conv with weights already in ONNX order. Slots of the options table differ
// between the two kinds by one from the activation on.
func (g *graph) convolution(op operation, w []float32, kernel []int, slot int, attrs ...attr) string {
	in := g.shape4(op.in[0])
	o := op.options
	strideW, strideH := o.int(1, 1), o.int(2, 1)
	dilationW, dilationH := o.int(slot+1, 1), o.int(slot+2, 1)
	top, bottom := padding(o.byte(0), in[1], kernel[2], strideH, dilationH)
	left, right := padding(o.byte(0), in[2], kernel[3], strideW, dilationW)
	attrs = append(attrs, ints("kernel_shape", kernel[2], kernel[3]), ints("strides", strideH, strideW),
		ints("dilations", dilationH, dilationW), ints("pads", top, left, bottom, right))
	x := []string{g.value(op.in[0]), g.floats(kernel, w)}
	return g.activated(g.node("Conv", g.bias(x, op.in, 2), attrs...), o.byte(slot))
}

// bias appends the optional bias operand.
func (g *graph) bias(x []string, in []int, i int) []string {
	if len(in) <= i || in[i] < 0 {
		return x
	}
	return append(x, g.floats(g.shape(in[i]), g.data(in[i])))
}

// weights returns a constant rank-4 tensor transposed.
func (g *graph) weights(t int, p ...int) ([]float32, []int) {
	v, s := g.data(t), g.shape4(t)
	if g.err != nil {
		return nil, []int{1, 1, 1, 1}
	}
	return permute(v, s[:], p...)
}

func (g *graph) conv(op operation) string {
	w, k := g.weights(op.in[1], 0, 3, 1, 2) // O,H,W,I → O,I,H,W
	return g.convolution(op, w, k, 3)
}

func (g *graph) depthwise(op operation) string {
	w, k := g.weights(op.in[1], 3, 0, 1, 2) // 1,H,W,C → C,1,H,W
	return g.convolution(op, w, k, 4, number("group", g.shape4(op.in[0])[3]))
}

func (g *graph) transposed(op operation) string {
	weights, x, bias := 1, 2, 3
	strideW, strideH := op.options.int(1, 1), op.options.int(2, 1)
	if op.code == opCustomCode {
		if op.custom != transposeBias || len(op.extra) < 12 {
			g.fail("custom operator %q is not supported", op.custom)
			return ""
		}
		weights, x, bias = 1, 0, 2
		strideW = int(binary.LittleEndian.Uint32(op.extra[4:]))
		strideH = int(binary.LittleEndian.Uint32(op.extra[8:]))
	}
	w, k := g.weights(op.in[weights], 3, 0, 1, 2) // O,H,W,I → I,O,H,W
	in, out := g.shape4(op.in[x]), g.shape4(op.out[0])
	cutH, cutW := (in[1]-1)*strideH+k[2]-out[1], (in[2]-1)*strideW+k[3]-out[2]
	if cutH < 0 || cutW < 0 {
		g.fail("transposed convolution to %v: larger than kernel %v and strides %d, %d give", out, k, strideH, strideW)
		return ""
	}
	operands := g.bias([]string{g.value(op.in[x]), g.floats(k, w)}, op.in, bias)
	return g.node("ConvTranspose", operands, ints("kernel_shape", k[2], k[3]), ints("strides", strideH, strideW),
		ints("pads", cutH/2, cutW/2, cutH-cutH/2, cutW-cutW/2))
}

func (g *graph) pool(kind string, op operation) string {
	o, in := op.options, g.shape4(op.in[0])
	strideW, strideH, kernelW, kernelH := o.int(1, 1), o.int(2, 1), o.int(3, 1), o.int(4, 1)
	top, bottom := padding(o.byte(0), in[1], kernelH, strideH, 1)
	left, right := padding(o.byte(0), in[2], kernelW, strideW, 1)
	return g.activated(g.node(kind, []string{g.value(op.in[0])}, ints("kernel_shape", kernelH, kernelW),
		ints("strides", strideH, strideW), ints("pads", top, left, bottom, right)), o.byte(5))
}

func (g *graph) resize(op operation) string {
	mode, out := "asymmetric", g.shape4(op.out[0])
	switch {
	case op.options.byte(3) == 1:
		mode = "half_pixel"
	case op.options.byte(2) == 1:
		mode = "align_corners"
	}
	x := []string{g.value(op.in[0]), "", "", g.int64s(1, out[3], out[1], out[2])}
	return g.node("Resize", x, text("mode", "linear"), text("coordinate_transformation_mode", mode))
}

func (g *graph) pad(op operation) string {
	p := g.data(op.in[1])
	if len(p) != 8 {
		g.fail("padding of %d numbers instead of 8", len(p))
		return ""
	}
	q := func(i int) int { return int(p[i]) }
	// pairs of N,H,W,C → begins, then ends, of N,C,H,W
	return g.node("Pad", []string{g.value(op.in[0]), g.int64s(q(0), q(6), q(2), q(4), q(1), q(7), q(3), q(5))})
}

func (g *graph) reshape(op operation) string {
	x, out := g.value(op.in[0]), g.shape(op.out[0])
	if len(g.shape(op.in[0])) == 4 {
		x = g.node("Transpose", []string{x}, ints("perm", 0, 2, 3, 1))
	}
	x = g.node("Reshape", []string{x, g.int64s(out...)})
	if len(out) == 4 {
		x = g.node("Transpose", []string{x}, ints("perm", 0, 3, 1, 2))
	}
	return x
}

func (g *graph) concat(op operation) string {
	var x []string
	for _, t := range op.in {
		x = append(x, g.value(t))
	}
	axis, rank := op.options.int(0, 0), len(g.shape(op.out[0]))
	if axis < -rank || axis >= rank {
		g.fail("concatenation along axis %d of %d", axis, rank)
		return ""
	}
	if rank == 4 {
		axis = [4]int{0, 2, 3, 1}[(axis+4)%4]
	}
	return g.node("Concat", x, number("axis", axis))
}

// channel is the one use of a strided slice here: a single channel of a picture. The shapes say so;
// begin says which.
func (g *graph) channel(op operation) string {
	in, out, begin := g.shape4(op.in[0]), g.shape4(op.out[0]), g.data(op.in[1])
	if out != [4]int{in[0], in[1], in[2], 1} || len(begin) != 4 || int(begin[3]) < 0 || int(begin[3]) >= in[3] {
		g.fail("slice of %v to %v from %v: only one channel is supported", in, out, begin)
		return ""
	}
	k := int(begin[3])
	return g.node("Slice", []string{g.value(op.in[0]), g.int64s(k), g.int64s(k + 1), g.int64s(1)})
}
