"""Makes operators.tflite: a toy network with random weights (seeded) that uses every operator of SlimNet
and selfie segmentation, and most of the face networks' too, so that the converter's cover is tested without either file.

    pip install ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19
    python operators.py operators.tflite

Its ONNX form was compared with the original runtime (ai-edge-litert 2.3.0) on random pictures: largest
difference 1.2e-6. The converter's test pins the sha256 of that form.
"""

import sys

import ai_edge_litert.schema_py_generated as S
import flatbuffers
import numpy as np

B, O = S.BuiltinOperator, S.BuiltinOptions
SAME, VALID = S.Padding.SAME, S.Padding.VALID
rng = np.random.default_rng(3)

graph = S.SubGraphT()
graph.tensors, graph.operators = [], []
model = S.ModelT()
model.version, model.description = 3, "every operator SlimNet and selfie segmentation use"
model.subgraphs, model.buffers, model.operatorCodes = [graph], [S.BufferT()], []
codes = {}


def tensor(shape, data=None, kind=S.TensorType.FLOAT32):
    t = S.TensorT()
    t.shape, t.type, t.name, t.buffer = list(shape), kind, f"t{len(graph.tensors)}".encode(), 0
    if data is not None:
        b = S.BufferT()
        b.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), dtype=np.uint8)
        model.buffers.append(b)
        t.buffer = len(model.buffers) - 1
    graph.tensors.append(t)
    return len(graph.tensors) - 1


def value(*shape):
    return tensor(shape)


def weights(*shape):
    return tensor(shape, (rng.standard_normal(shape) * 0.5).astype(np.float32))


def half_weights(*shape):
    h = tensor(shape, (rng.standard_normal(shape) * 0.5).astype(np.float16), S.TensorType.FLOAT16)
    return op(B.DEQUANTIZE, [h], value(*shape))


def ints(*v):
    return tensor([len(v)], np.array(v, np.int32), S.TensorType.INT32)


def op(code, inputs, out, kind=0, options=None, custom=None, extra=None):
    key = (code, custom)
    if key not in codes:
        c = S.OperatorCodeT()
        c.deprecatedBuiltinCode, c.builtinCode, c.version = min(code, 127), code, 1
        if custom:
            c.customCode = custom.encode()
        model.operatorCodes.append(c)
        codes[key] = len(model.operatorCodes) - 1
    o = S.OperatorT()
    o.opcodeIndex, o.inputs, o.outputs = codes[key], inputs, [out]
    o.builtinOptionsType, o.builtinOptions = kind, options
    if extra is not None:
        o.customOptions = list(extra)
    graph.operators.append(o)
    return out


def options(cls, **fields):
    o = cls()
    for k, v in fields.items():
        setattr(o, k, v)
    return o


def conv(x, k, c_in, c_out, shape, stride=1, dilation=1, activation=0, w=weights):
    o = options(S.Conv2DOptionsT, padding=SAME, strideH=stride, strideW=stride, dilationHFactor=dilation,
                dilationWFactor=dilation, fusedActivationFunction=activation)
    return op(B.CONV_2D, [x, w(c_out, k, k, c_in), weights(c_out)], value(*shape), O.Conv2DOptions, o)


def pool(code, x, k, padding, shape):
    o = options(S.Pool2DOptionsT, padding=padding, strideH=k, strideW=k, filterHeight=k, filterWidth=k)
    return op(code, [x], value(*shape), O.Pool2DOptions, o)


def resize(x, **how):
    o = options(S.ResizeBilinearOptionsT, **how)
    return op(B.RESIZE_BILINEAR, [x, ints(8, 8)], value(1, 8, 8, 8), O.ResizeBilinearOptions, o)


def add(a, b, *shape):
    return op(B.ADD, [a, b], value(*shape), O.AddOptions, S.AddOptionsT())


picture = value(1, 16, 16, 3)
a = conv(picture, 2, 3, 8, [1, 8, 8, 8], stride=2, w=half_weights)
a = op(B.PRELU, [a, weights(1, 1, 8)], value(1, 8, 8, 8))
o = options(S.DepthwiseConv2DOptionsT, padding=SAME, strideH=1, strideW=1, depthMultiplier=1, fusedActivationFunction=3)
b = op(B.DEPTHWISE_CONV_2D, [a, weights(1, 3, 3, 8), weights(8)], value(1, 8, 8, 8), O.DepthwiseConv2DOptions, o)
b = op(B.HARD_SWISH, [b], value(1, 8, 8, 8))
c = pool(B.AVERAGE_POOL_2D, b, 8, VALID, [1, 1, 1, 8])
c = conv(c, 1, 8, 8, [1, 1, 1, 8], activation=1)
c = op(B.LOGISTIC, [c], value(1, 1, 1, 8))
b = op(B.MUL, [b, c], value(1, 8, 8, 8), O.MulOptions, S.MulOptionsT())
d = pool(B.MAX_POOL_2D, b, 2, SAME, [1, 4, 4, 8])
d = conv(d, 3, 8, 8, [1, 4, 4, 8], dilation=2)
o = options(S.TransposeConvOptionsT, strideH=2, strideW=2, padding=SAME)
e = op(B.TRANSPOSE_CONV, [ints(1, 8, 8, 4), weights(4, 3, 3, 8), d], value(1, 8, 8, 4), O.TransposeConvOptions, o)
e = add(e, weights(4), 1, 8, 8, 4)
f = add(resize(d, alignCorners=True), resize(d, halfPixelCenters=True), 1, 8, 8, 8)
g = op(B.CONCATENATION, [e, f], value(1, 8, 8, 12), O.ConcatenationOptions, options(S.ConcatenationOptionsT, axis=3))
g = op(B.RELU, [g], value(1, 8, 8, 12))
same_2_2 = np.array([1, 2, 2], np.int32).tobytes()  # padding, stride width, stride height
g = op(B.CUSTOM, [g, weights(2, 2, 2, 12), weights(2)], value(1, 16, 16, 2), custom="Convolution2DTransposeBias", extra=same_2_2)
g = op(B.SOFTMAX, [g], value(1, 16, 16, 2), O.SoftmaxOptions, options(S.SoftmaxOptionsT, beta=1.0))
y = op(B.STRIDED_SLICE, [g, ints(0, 0, 0, 1), ints(1, 16, 16, 2), ints(1, 1, 1, 1)], value(1, 16, 16, 1),
       O.StridedSliceOptions, S.StridedSliceOptionsT())
z = op(B.RESHAPE, [y, ints(1, 256)], value(1, 256), O.ReshapeOptions, options(S.ReshapeOptionsT, newShape=[1, 256]))

graph.inputs, graph.outputs = [picture], [z, y]
out = flatbuffers.Builder(1 << 16)
out.Finish(model.Pack(out), b"TFL3")
with open(sys.argv[1], "wb") as file:
    file.write(bytes(out.Output()))
