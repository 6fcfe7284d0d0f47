"""The golden cases themselves: which operations, shapes, scales and zero points."""

import math
import zlib

import numpy as np
from golden_file import (NONE, RELU, RELU6, RELU_N1_TO_1, activation_range, bound, case_bytes,
                         product_factor, quantize_multiplier)
from tflite_model import Model, schema

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID


class Draw:
    """Random tensors and scales of one case, seeded by its name."""

    def __init__(self, name):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def int8(self, *shape, low=-128, high=127):
        values = self.rng.integers(low, high, shape, np.int8, endpoint=True)
        extremes = self.rng.random(shape)
        values = np.where(extremes < 0.05, np.int8(low), values)
        return np.where(extremes > 0.95, np.int8(high), values).astype(np.int8)

    def scale(self, low=1e-3, high=0.1):
        return np.float32(math.exp(self.rng.uniform(math.log(low), math.log(high))))

    def zero_point(self):
        return int(self.rng.integers(-128, 127, endpoint=True))


def output_size(size, kernel, stride, dilation, padding):
    """(output size, padding before, padding after) of one axis."""
    reach = (kernel - 1) * dilation + 1
    if padding == VALID:
        return (size - reach) // stride + 1, 0, 0
    out = -(-size // stride)
    total = max((out - 1) * stride + reach - size, 0)
    return out, total // 2, total - total // 2


def window(x, out_c, kernel, stride, dilation, padding, groups=1):
    """The 17 numbers of a tuco_window."""
    _, h, w, c = x
    out_h, top, bottom = output_size(h, kernel[0], stride[0], dilation[0], padding)
    out_w, left, right = output_size(w, kernel[1], stride[1], dilation[1], padding)
    return [h, w, c, out_h, out_w, out_c, *kernel, *stride, *dilation, top, bottom, left, right,
            groups]


def weight_scales(draw, count, in_scale, in_zero_point, products, ties):
    """Scales that spread the outputs over int8: (weight scales, out scale)."""
    spread = math.sqrt(products) * 74 * math.hypot(74, in_zero_point) * float(in_scale)
    if ties:  # powers of two: many accumulators are ties
        scales = np.array([2.0 ** -draw.rng.integers(3, 7) for _ in range(count)], np.float32)
        return scales, np.float32(2.0 ** round(math.log2(spread * 2.0**-5 / 60)))
    scales = np.array([draw.scale(2e-3, 4e-2) for _ in range(count)], np.float32)
    spread *= float(np.exp(np.mean(np.log(scales))))
    return scales, np.float32(spread / draw.rng.uniform(30, 90))


def weighted(operation, name, x, out_c, kernel=(1, 1), stride=(1, 1), dilation=(1, 1),
             padding=VALID, activation=NONE, groups=1, bias=True, per_channel=True, ties=False,
             in_zero_point=None, out_zero_point=None, extra=None, pad=None, weight_low=-127):
    """A convolution, depthwise or fully connected case. extra: effective scales of the first
    channels, exact; pad: explicit (top, bottom, left, right), made by a PAD before it."""
    draw = Draw(f"{operation} {name}")
    batch, h, w, c = x
    depthwise, dense = operation == "depthwise", operation == "fully_connected"
    shape = ((1, *kernel, out_c) if depthwise else (out_c, c) if dense
             else (out_c, *kernel, c // groups))
    products = c if dense else kernel[0] * kernel[1] * (1 if depthwise else c // groups)
    channels = out_c if per_channel else 1
    in_zp = draw.zero_point() if in_zero_point is None else in_zero_point
    out_zp = draw.zero_point() if out_zero_point is None else out_zero_point
    in_scale = np.float32(0.5) if ties else draw.scale()
    scales, out_scale = weight_scales(draw, channels, in_scale, in_zp, products, ties)
    for i, effective in enumerate(extra or []):
        scales[i] = np.float32(effective * float(out_scale) / float(in_scale))
    weights = draw.int8(*shape, low=weight_low)
    for i, effective in enumerate(extra or []):
        if effective >= 0.25:  # a left shift: few and small weights, so that nothing overflows
            keep = (np.s_[..., i] if depthwise else np.s_[i])
            weights[keep] = np.clip(weights[keep], -1, 1)
    factors = [product_factor(in_scale, s, out_scale) for s in scales]
    multipliers = [quantize_multiplier(f) for f in factors]
    biases = draw.rng.integers(-4000, 4000, out_c, np.int32) if bias else np.zeros(0, np.int32)
    data = draw.int8(batch * h * w, c) if dense else draw.int8(*x)

    padded = (batch, h + pad[0] + pad[1], w + pad[2] + pad[3], c) if pad else x
    g = (window(padded, out_c, kernel, stride, dilation, padding, groups) if not dense
         else [1, 1, c, 1, 1, out_c, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1])
    model = Model()
    first = source = model.input(data.shape, in_scale, in_zp)
    if pad:
        paddings = model.tensor((4, 2), np.int32, data=[[0, 0], pad[:2], pad[2:], [0, 0]])
        source = model.tensor(padded, scale=in_scale, zero_point=in_zp)
        model.operator("PAD", [first, paddings], [source], "PadOptions")
        g[0], g[1], g[12:16] = h, w, pad
    inputs = [source, model.tensor(shape, scale=scales, data=weights, axis=3 if depthwise else 0)]
    if bias:
        bias_scale = [np.float32(in_scale * s) for s in scales]
        inputs.append(model.tensor((out_c,), np.int32, scale=bias_scale, data=biases))
    out_shape = (batch * h * w, out_c) if dense else (batch, g[3], g[4], out_c)
    output = model.output(out_shape, out_scale, out_zp)
    options = dict(fusedActivationFunction=activation)
    if dense:
        model.operator("FULLY_CONNECTED", inputs, [output], "FullyConnectedOptions", **options)
    else:
        options.update(padding=padding, strideH=stride[0], strideW=stride[1],
                       dilationHFactor=dilation[0], dilationWFactor=dilation[1])
        if depthwise:
            options["depthMultiplier"] = out_c // c
        model.operator("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", inputs, [output],
                       "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions", **options)
    low, high = activation_range(activation, out_scale, out_zp)
    parameters = [batch * h * w if dense else batch, *g, in_zp, out_zp, low, high,
                  int(per_channel), activation]
    return case_bytes(operation, name, parameters, [in_scale, out_scale, *scales],
                      [data, weights, biases, np.array([m for m, _ in multipliers], np.int32),
                       np.array([s for _, s in multipliers], np.int8), model.run(data)])


def conv2d():
    def case(name, *args, **kwargs):
        return weighted("conv2d", name, *args, **kwargs)

    edge = [1.0, 0.7, 3.0, 1.0 - 2.0**-30, 2.0**-9, 2.0**-30, 1e-11, 0.25]
    yield case("1x1", (1, 8, 8, 12), 13)
    yield case("3x3, many outputs", (1, 12, 12, 6), 16, (3, 3), padding=SAME)
    yield case("3x3 same", (1, 6, 7, 3), 8, (3, 3), padding=SAME)
    yield case("3x3 same stride 2 relu", (1, 9, 8, 5), 6, (3, 3), (2, 2), padding=SAME,
               activation=RELU)
    yield case("3x3 same stride 2, even size", (1, 8, 8, 4), 5, (3, 3), (2, 2), padding=SAME,
               in_zero_point=-128)
    yield case("5x3 valid, relu6", (1, 8, 7, 4), 7, (5, 3), activation=RELU6, out_zero_point=-128)
    yield case("10x4 stride 2 same", (1, 15, 9, 1), 9, (10, 4), (2, 2), padding=SAME)
    yield case("dilated 2x3", (1, 9, 11, 3), 5, (3, 3), dilation=(2, 3), padding=SAME)
    yield case("dilated, valid, stride 2x1", (1, 11, 8, 2), 4, (3, 2), (2, 1), (2, 2))
    yield case("3 groups", (1, 5, 6, 9), 15, (3, 3), padding=SAME, groups=3)
    yield case("2 groups, dilated", (1, 7, 7, 4), 6, (3, 3), dilation=(1, 2), padding=SAME, groups=2)
    yield case("batch of 3", (3, 4, 4, 3), 5, (2, 2), padding=SAME)
    yield case("no bias", (1, 5, 5, 6), 4, (3, 3), bias=False)
    yield case("one weight scale", (1, 5, 5, 6), 5, (3, 3), per_channel=False, padding=SAME)
    yield case("edge scales", (1, 4, 5, 8), 8, (1, 1), extra=edge)
    yield case("ties", (1, 6, 6, 8), 8, (3, 3), padding=SAME, ties=True, out_zero_point=3)
    yield case("ties, no padding", (1, 6, 6, 4), 8, ties=True, out_zero_point=-20)
    yield case("weights of -128", (1, 4, 4, 16), 6, (3, 3), padding=SAME, weight_low=-128)
    yield case("padding on four sides", (1, 5, 6, 3), 6, (3, 3), (2, 2), pad=(1, 0, 2, 3))
    yield case("padding wider than the window", (1, 3, 3, 2), 4, (2, 2), pad=(3, 4, 0, 5))
    for in_zp, out_zp in [(-128, -128), (127, 127), (-128, 127), (127, -128), (0, 0)]:
        yield case(f"zero points {in_zp} {out_zp}", (1, 4, 5, 3), 5, (3, 3), padding=SAME,
                   in_zero_point=in_zp, out_zero_point=out_zp, activation=RELU_N1_TO_1)
    for i in range(6):
        yield case(f"drawn {i}", (1, 5 + i, 9 - i, 1 + 3 * i), 4 + 3 * i, (1 + i % 3, 3 - i % 3),
                   (1 + i % 2, 1 + i // 3), padding=[SAME, VALID][i % 2], activation=i % 4)


def depthwise():
    def case(name, *args, **kwargs):
        return weighted("depthwise", name, *args, **kwargs)

    yield case("3x3 same", (1, 6, 7, 8), 8, (3, 3), padding=SAME)
    yield case("3x3 same, 7 channels, stride 2", (1, 7, 8, 7), 7, (3, 3), (2, 2), padding=SAME,
               activation=RELU)
    yield case("multiplier 2", (1, 5, 6, 5), 10, (3, 3), padding=SAME, activation=RELU6)
    yield case("multiplier 8 of one channel, 10x8 stride 2", (1, 17, 14, 1), 8, (10, 8), (2, 2),
               padding=SAME)
    yield case("multiplier 3, valid", (1, 6, 6, 3), 9, (2, 3))
    yield case("dilated", (1, 9, 9, 4), 4, (3, 3), dilation=(2, 2), padding=SAME)
    yield case("batch of 2", (2, 4, 5, 6), 6, (3, 3), padding=SAME)
    yield case("no bias", (1, 5, 5, 6), 6, (3, 3), bias=False)
    yield case("ties", (1, 6, 6, 8), 8, (3, 3), padding=SAME, ties=True)
    yield case("edge scales", (1, 4, 5, 8), 8, (2, 2),
               extra=[1.0, 0.6, 2.0, 2.0**-10, 1e-11, 2.0**-31, 0.3, 2.0**-8])
    yield case("padding on four sides", (1, 5, 6, 5), 5, (3, 3), (2, 1), pad=(0, 2, 1, 3))
    for zp in (-128, 127):
        yield case(f"zero points {zp}", (1, 4, 5, 5), 5, (3, 3), padding=SAME, in_zero_point=zp,
                   out_zero_point=zp)


def fully_connected():
    def case(name, rows, in_c, out_c, **kwargs):
        return weighted("fully_connected", name, (rows, 1, 1, in_c), out_c, **kwargs)

    for i in range(6):
        yield case(f"one weight scale {i}", 2 + 2 * (i % 3), 5 + 23 * i, 3 + 4 * i, per_channel=False,
                   activation=i % 4, bias=i != 2)
    for i in range(4):
        yield case(f"a scale for each channel {i}", 3 + i % 2, 7 + 19 * i, 2 + 5 * i,
                   activation=i % 4)
    yield case("ties", 4, 32, 12, per_channel=False, ties=True)
    yield case("zero points -128", 4, 40, 10, per_channel=False, in_zero_point=-128,
               out_zero_point=-128)
    yield case("zero points 127", 4, 40, 10, per_channel=False, in_zero_point=127,
               out_zero_point=127)


def pools():
    for operation, name in [("max_pool", "MAX_POOL_2D"), ("average_pool", "AVERAGE_POOL_2D")]:
        for i, (x, kernel, stride, padding, activation) in enumerate([
                ((1, 6, 6, 5), (2, 2), (2, 2), VALID, NONE),
                ((1, 7, 9, 3), (3, 3), (2, 2), SAME, RELU),
                ((1, 5, 6, 4), (3, 2), (1, 1), SAME, RELU6),
                ((1, 8, 5, 7), (8, 5), (1, 1), VALID, NONE),
                ((2, 4, 5, 6), (4, 3), (3, 2), SAME, RELU_N1_TO_1),
                ((1, 3, 4, 9), (5, 5), (1, 1), SAME, NONE)]):
            label = f"{operation} {i}"
            draw = Draw(label)
            scale, zp = draw.scale(0.02, 0.1), draw.zero_point()
            data = draw.int8(*x)
            g = window(x, x[3], kernel, stride, (1, 1), padding)
            model = Model()
            source = model.input(x, scale, zp)
            output = model.output((x[0], g[3], g[4], x[3]), scale, zp)
            model.operator(name, [source], [output], "Pool2DOptions", padding=padding,
                           strideH=stride[0], strideW=stride[1], filterHeight=kernel[0],
                           filterWidth=kernel[1], fusedActivationFunction=activation)
            low, high = activation_range(activation, scale, zp)
            yield case_bytes(operation, label, [x[0], *g, zp, low, high, activation], [scale],
                             [data, model.run(data)])


def add():
    for i in range(14):
        draw = Draw(f"add {i}")
        scales = [draw.scale(), draw.scale(), draw.scale(5e-3, 0.2)]
        if i == 0:
            scales = [np.float32(0.5)] * 3
        elif i == 1:
            scales = [np.float32(s) for s in (0.25, 0.5, 0.75)]
        elif i == 2:
            scales[1] = np.float32(float(scales[0]) * 1000)
        zps = [draw.zero_point() for _ in range(3)]
        if i >= 7:  # spread over int8, with a few that saturate
            wide = math.hypot(*(74 * float(s) for s in scales[:2])) / 74
            scales[2] = np.float32(wide * draw.rng.uniform(0.7, 1.3))
            center = sum(z * float(s) for z, s in zip(zps, scales[:2])) / float(scales[2])
            zps[2] = max(-128, min(127, round(center)))
        if 3 <= i < 7:
            zps = [[-128, 127][i % 2], [-128, 127][i // 5], [127, -128][i % 2]]
        size = 512 if i < 3 else 128
        a, b = draw.int8(1, size), draw.int8(1, size)
        activation = i % 4
        model = Model()
        inputs = [model.input((1, size), scales[k], zps[k]) for k in range(2)]
        output = model.output((1, size), scales[2], zps[2])
        model.operator("ADD", inputs, [output], "AddOptions", fusedActivationFunction=activation)
        common = 2 * float(max(scales[0], scales[1]))
        parameters = [size]
        for scale, zp in zip(scales[:2], zps[:2]):
            parameters += [zp, *quantize_multiplier(float(scale) / common)]
        parameters += [zps[2], *quantize_multiplier(common / (2**20 * float(scales[2])))]
        parameters += [*activation_range(activation, scales[2], zps[2]), activation]
        yield case_bytes("add", f"add {i}", parameters, scales, [a, b, model.run(a, b)])


def mean():
    for i, (shape, axes, folded) in enumerate([
            ((1, 7, 7, 10), (1, 2), (1, 49, 10)), ((2, 5, 4, 6), (1, 2), (2, 20, 6)),
            ((1, 6, 6, 8), (2, 1), (1, 36, 8)), ((1, 3, 4, 21), (3,), (12, 21, 1)),
            ((1, 1, 64, 5), (1, 2), (1, 64, 5)), ((3, 4, 5, 2), (1,), (3, 4, 10)),
            ((1, 1, 1, 12), (1, 2), (1, 1, 12))]):
        draw = Draw(f"mean {i}")
        in_scale = draw.scale()
        out_scale = in_scale if i == 4 else np.float32(float(in_scale) * draw.rng.uniform(0.1, 1.5))
        in_zp = draw.zero_point()
        center = round(in_zp * float(in_scale) / float(out_scale))  # of the outputs, below zero
        out_zp = max(-128, min(127, center + int(draw.rng.integers(-40, 40))))
        data = draw.int8(*shape)
        keep = i != 3
        out_shape = [1 if k in axes else n for k, n in enumerate(shape)] if keep else \
            [n for k, n in enumerate(shape) if k not in axes]
        model = Model()
        source = model.input(shape, in_scale, in_zp)
        axis = model.tensor((len(axes),), np.int32, data=axes)
        output = model.output(out_shape, out_scale, out_zp)
        model.operator("MEAN", [source, axis], [output], "ReducerOptions", keepDims=keep)
        multiplier, shift = quantize_multiplier(float(in_scale) / float(out_scale))
        fold = min(folded[1].bit_length() - 1, 32, 31 + shift)
        parameters = [*folded, in_zp, (multiplier << fold) // folded[1], shift - fold, out_zp]
        yield case_bytes("mean", f"mean {i}", parameters, [in_scale, out_scale],
                         [data, model.run(data)])


def softmax():
    for i, (rows, depth, scale, beta) in enumerate([
            (1, 2, 0.1, 1.0), (1, 10, 0.05, 1.0), (3, 12, 0.2, 1.0), (2, 100, 0.03, 1.0),
            (1, 10, 1.0, 1.0), (1, 256, 0.01, 1.0), (2, 35, 0.12, 0.5), (1, 7, 3.7, 1.0),
            (1, 256, 0.0647, 1.0), (1, 1, 0.1, 1.0), (1, 400, 0.0004, 1.0), (1, 16, 40.0, 1.0)]):
        draw = Draw(f"softmax {i}")
        scale = np.float32(scale)
        data = draw.int8(rows, depth)
        if depth == 256:
            data = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
        model = Model()
        source = model.input((rows, depth), scale, draw.zero_point())
        output = model.output((rows, depth), np.float32(1 / 256), -128)
        model.operator("SOFTMAX", [source], [output], "SoftmaxOptions", beta=beta)
        factor = min(float(np.float32(beta)) * float(scale) * 2**26, 2.0**31 - 1)
        multiplier, shift = quantize_multiplier(factor)
        parameters = [rows, depth, multiplier, shift, -math.floor(31 * 2**26 / 2**shift)]
        yield case_bytes("softmax", f"softmax {i}", parameters, [scale, beta],
                         [data, model.run(data)])


def sigmoids():
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    for operation, name, out_scale, out_zp in [("logistic", "LOGISTIC", 1 / 256, -128),
                                               ("tanh", "TANH", 1 / 128, 0)]:
        for i, (scale, zp) in enumerate([(0.05, 0), (0.1, -128), (0.1, 127), (0.02, 17),
                                         (0.0013, -5), (0.3, 40), (1.7, -3), (0.125, 1),
                                         (0.058823, -1)]):
            scale = np.float32(scale)
            model = Model()
            source = model.input((1, 256), scale, zp)
            output = model.output((1, 256), np.float32(out_scale), out_zp)
            model.operator(name, [source], [output])
            multiplier, shift = quantize_multiplier(float(scale) * 2**27)
            radius = math.floor(15 * 2**27 / 2**shift)
            yield case_bytes(operation, f"{operation} {i}", [256, zp, multiplier, shift, radius],
                             [scale], [every, model.run(every)])


def moves():
    for i, (shapes, axis) in enumerate([([(1, 3, 4, 2), (1, 3, 4, 5)], 3),
                                        ([(1, 2, 4, 3), (1, 3, 4, 3), (1, 1, 4, 3)], 1),
                                        ([(2, 3, 1, 2), (2, 3, 2, 2)], -2)]):
        draw = Draw(f"concat {i}")
        scale, zp = draw.scale(), draw.zero_point()
        parts = [draw.int8(*s) for s in shapes]
        expected_shape = np.concatenate(parts, axis).shape
        model = Model()
        inputs = [model.input(s, scale, zp) for s in shapes]
        output = model.output(expected_shape, scale, zp)
        model.operator("CONCATENATION", inputs, [output], "ConcatenationOptions", axis=axis)
        outer = math.prod(expected_shape[:axis % 4])
        sizes = [p.size // outer for p in parts]
        yield case_bytes("concat", f"concat {i}", [outer, len(parts), *sizes], [scale],
                         [*parts, model.run(*parts)])
    for i, (x, pads) in enumerate([((1, 3, 4, 2), (1, 2, 0, 3, 0, 0)),
                                   ((1, 4, 3, 3), (0, 0, 0, 0, 2, 1)),
                                   ((1, 2, 2, 4), (1, 1, 2, 0, 0, 4))]):
        draw = Draw(f"pad {i}")
        scale, zp = draw.scale(), draw.zero_point()
        data = draw.int8(*x)
        model = Model()
        source = model.input(x, scale, zp)
        table = [[0, 0], pads[:2], pads[2:4], pads[4:]]
        paddings = model.tensor((4, 2), np.int32, data=table)
        output = model.output([n + sum(p) for n, p in zip(x, table)], scale, zp)
        model.operator("PAD", [source, paddings], [output], "PadOptions")
        yield case_bytes("pad", f"pad {i}", [*x[1:], *pads, zp], [scale], [data, model.run(data)])


def pointwise():
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)

    def run(name, scales, zps, *options, **fields):
        model = Model()
        source = model.input((1, 256), scales[0], zps[0])
        output = model.output((1, 256), scales[1], zps[1])
        model.operator(name, [source], [output], *options, **fields)
        return model.run(every)

    for i in range(8):
        draw = Draw(f"pointwise {i}")
        scales = [draw.scale(0.02, 0.1), draw.scale(0.02, 0.1)]
        zps = [draw.zero_point(), draw.zero_point()]
        if i < 4:
            scales = [np.float32(s) for s in [(0.5, 1.0), (0.5, 2.0), (0.0625, 0.0625), (0.1, 0.02)][i]]
            zps = [(3, 0), (-128, -128), (7, -9), (127, -128)][i]
        kinds = [("rescale", "QUANTIZE", float(scales[0]) / float(scales[1]), -128, 0),
                 ("rescale", "RELU", float(scales[0]) / float(scales[1]), max(-128, zps[1]), 1)]
        for operation, name, factor, low, is_relu in kinds:
            parameters = [256, zps[0], *quantize_multiplier(factor), zps[1], low, 127, is_relu]
            yield case_bytes(operation, f"{name.lower()} {i}", parameters, scales,
                             [every, run(name, scales, zps)])
        slope = np.float32(draw.rng.uniform(0.01, 0.9))
        table = run("LEAKY_RELU", scales, zps, "LeakyReluOptions", alpha=slope)
        yield lookup(f"leaky relu {i}", LEAKY_RELU, scales, zps, table, slope)
        high = min(127, bound(6.0, scales[0], zps[0]))
        yield case_bytes("clamp", f"relu6 {i}", [256, zps[0], high], [scales[0]],
                         [every, run("RELU6", [scales[0]] * 2, [zps[0]] * 2)])


def functions():
    """Point-wise functions of TFLite Micro beside hard swish, as tables."""
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    for kind, name in (ELU, "ELU"), (ABS, "ABS"), (RSQRT, "RSQRT"):
        for i, (in_scale, in_zp, out_scale, out_zp) in enumerate([
                (0.03, 17, 0.02, -90), (0.1, -128, 0.1, -128), (0.25, -3, 0.125, -125),
                (0.0013, -5, 0.0013, 7), (1.7, 40, 0.9, -10), (0.7, 127, 0.3, 0)]):
            if kind == RSQRT:  # it stops below the zero point
                in_zp = -128
                out_scale = 1 / math.sqrt(in_scale) / (20, 100, 127, 250, 400, 3)[i]
            scales = [np.float32(in_scale), np.float32(out_scale)]
            model = Model()
            source = model.input((1, 256), scales[0], in_zp)
            output = model.output((1, 256), scales[1], out_zp)
            model.operator(name, [source], [output])
            yield lookup(f"{name.lower()} {i}", kind, scales, (in_zp, out_zp), model.run(every))


LEAKY_RELU, HARD_SWISH, ELU, ABS, RSQRT = range(5)


def lookup(name, kind, scales, zps, table, slope=0):
    """A point-wise function as the table that TFLite Micro gives for all inputs, and its use."""
    data = Draw(name).int8(1, 48)
    expected = np.asarray(table).reshape(256)[data.astype(int) + 128]
    return case_bytes("lookup", name, [data.size, kind, *zps], [*scales, slope],
                      [data, table, expected])


def hard_swish():
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    for i, (in_scale, in_zp, out_scale, out_zp) in enumerate([
            (0.05, 0, 0.03, -120), (0.1, -128, 0.1, -128), (0.02, 17, 0.011, -90),
            (0.25, -3, 0.125, -125), (0.4, 100, 0.01, 50), (0.0013, -5, 0.002, 7),
            (1.7, 40, 0.9, -10), (0.0234375, 0, 0.0234375, -110), (2.0, 0, 0.0157, 127),
            (0.03, 127, 0.0015, 127)]):
        scales = [np.float32(in_scale), np.float32(out_scale)]
        model = Model()
        source = model.input((1, 256), scales[0], in_zp)
        output = model.output((1, 256), scales[1], out_zp)
        model.operator("HARD_SWISH", [source], [output], "HardSwishOptions")
        yield lookup(f"hard swish {i}", HARD_SWISH, scales, (in_zp, out_zp), model.run(every))


def broadcast_parameters(a, b):
    """The 12 numbers of a tuco_broadcast for the shapes of two operands."""
    out = np.broadcast_shapes(a, b)

    def steps(shape):
        return np.broadcast_to(np.empty(shape, np.int8), out).strides

    return [*out, *steps(a), *steps(b)]


# Operands of one shape, then one for each channel, row and image, a number, both broadcast.
OPERANDS = [((1, 3, 4, 5), (1, 3, 4, 5)), ((1, 4, 5, 6), (1, 1, 1, 6)), ((1, 1, 5, 1), (1, 4, 5, 3)),
            ((1, 4, 3, 2), (1, 4, 1, 1)), ((1, 5, 4, 3), (1, 1, 1, 1)), ((1, 4, 1, 7), (1, 1, 3, 1))]


def operands():
    names = [("add_broadcast", "ADD", "AddOptions"), ("sub", "SUB", "SubOptions"),
             ("mul", "MUL", "MulOptions"), ("maximum", "MAXIMUM", "MaximumMinimumOptions"),
             ("minimum", "MINIMUM", "MaximumMinimumOptions")]
    for operation, name, options in names:
        for i, shapes in enumerate(OPERANDS + OPERANDS):
            label = f"{operation} {i}"
            draw = Draw(label)
            scales, zps = [draw.scale(0.01, 0.1) for _ in range(2)], [draw.zero_point() for _ in range(3)]
            data = [draw.int8(*shape) for shape in shapes]
            chooses = operation in ("maximum", "minimum")
            reals = [(d.astype(float) - z) * float(s) for d, z, s in zip(data, zps, scales)]
            if chooses:
                scales, zps = [scales[0]] * 3, [zps[0]] * 3
            else:  # spread over int8, with a few that saturate
                result = (reals[0] * reals[1] if operation == "mul" else
                          reals[0] + reals[1] * (-1 if operation == "sub" else 1))
                scales.append(np.float32(result.std() / draw.rng.uniform(50, 80)))
                zps[2] = max(-128, min(127, round(-result.mean() / float(scales[2]))))
            activation = NONE if chooses else [NONE, RELU, RELU6, NONE][i % 4]
            constant = i % 3 - 1  # none, the first, the second
            model = Model()
            inputs = [model.tensor(shape, scale=scales[k], zero_point=zps[k], data=data[k])
                      if k == constant else model.input(shape, scales[k], zps[k])
                      for k, shape in enumerate(shapes)]
            output = model.output(np.broadcast_shapes(*shapes), scales[2], zps[2])
            fields = {} if chooses else dict(fusedActivationFunction=activation)
            model.operator(name, inputs, [output], options, **fields)
            expected = model.run(*[d for k, d in enumerate(data) if k != constant])
            parameters = broadcast_parameters(*shapes)
            bounds = activation_range(activation, scales[2], zps[2])
            if operation == "mul":
                factor = float(scales[0]) * float(scales[1]) / float(scales[2])
                parameters += [*zps, *quantize_multiplier(factor), *bounds]
            elif not chooses:
                a, b, out = [float(s) for s in scales]
                common = 2 * max(a, b)
                factors = [a / common, b / common, common / (2**20 * out)]
                for zp, factor in zip(zps, factors):
                    parameters += [zp, *quantize_multiplier(factor)]
                parameters += bounds
            yield case_bytes(operation, label, parameters, scales, [*data, expected])


def copies():
    """Slices and transpositions: the offset, sizes of the output and steps in the input."""

    def steps(shape):
        return np.empty(shape, np.int8).strides

    for i, (shape, begin, end, stride) in enumerate([
            ((1, 4, 5, 3), (0, 1, 0, 0), (1, 3, 5, 3), (1, 1, 1, 1)),
            ((1, 4, 7, 3), (0, 0, 1, 0), (1, 4, 6, 3), (1, 1, 2, 1)),
            ((1, 6, 3, 8), (0, 1, 0, 1), (1, 6, 3, 8), (1, 3, 1, 2))]):
        draw = Draw(f"slice {i}")
        scale, zp, data = draw.scale(), draw.zero_point(), draw.int8(*shape)
        out = [-(-(e - b) // s) for b, e, s in zip(begin, end, stride)]
        model = Model()
        source = model.input(shape, scale, zp)
        corners = [model.tensor((4,), np.int32, data=v) for v in (begin, end, stride)]
        output = model.output(out, scale, zp)
        if i == 0:
            corners = [corners[0], model.tensor((4,), np.int32, data=out)]
            model.operator("SLICE", [source, *corners], [output], "SliceOptions")
        else:
            model.operator("STRIDED_SLICE", [source, *corners], [output], "StridedSliceOptions")
        offset = sum(b * s for b, s in zip(begin, steps(shape)))
        parameters = [offset, *out, *[s * t for s, t in zip(steps(shape), stride)]]
        yield case_bytes("copy_strided", f"slice {i}", parameters, [scale], [data, model.run(data)])
    for i, (shape, order) in enumerate([((1, 3, 4, 5), (0, 3, 1, 2)), ((1, 6, 1, 7), (0, 3, 2, 1)),
                                        ((2, 3, 4, 2), (2, 0, 3, 1)), ((1, 2, 3, 4, 2), (0, 4, 2, 1, 3))]):
        draw = Draw(f"transpose {i}")
        scale, zp, data = draw.scale(), draw.zero_point(), draw.int8(*shape)
        model = Model()
        source = model.input(shape, scale, zp)
        axes = model.tensor((len(order),), np.int32, data=order)
        output = model.output([shape[d] for d in order], scale, zp)
        model.operator("TRANSPOSE", [source, axes], [output], "TransposeOptions")
        parameters = [0, *[shape[d] for d in order][-4:], *[steps(shape)[d] for d in order][-4:]]
        yield case_bytes("copy_strided", f"transpose {i}", parameters, [scale],
                         [data, model.run(data)])


def resize():
    for i, (shape, h, w) in enumerate([((1, 3, 4, 2), 6, 8), ((1, 5, 7, 3), 3, 9),
                                       ((1, 4, 6, 1), 1, 5), ((1, 7, 3, 2), 11, 10)]):
        for flags in [(0, 0), (1, 0), (0, 1), (1, 1)]:
            label = f"resize {i} {flags}"
            draw = Draw(label)
            scale, zp, data = draw.scale(), draw.zero_point(), draw.int8(*shape)
            model = Model()
            source = model.input(shape, scale, zp)
            size = model.tensor((2,), np.int32, data=(h, w))
            output = model.output((1, h, w, shape[3]), scale, zp)
            model.operator("RESIZE_NEAREST_NEIGHBOR", [source, size], [output],
                           "ResizeNearestNeighborOptions", alignCorners=bool(flags[0]),
                           halfPixelCenters=bool(flags[1]))
            steps = [source_steps(a, b, *flags) for a, b in [(shape[1], h), (shape[2], w)]]
            yield case_bytes("resize_nearest", label, [*shape[1:], h, w, *flags], [scale],
                             [data, *steps, model.run(data)])


def source_steps(size, out, align, half):
    """How far each pixel's source is from the one before, along one dimension."""
    f = np.float32
    aligned = align and out > 1
    scale = f(size - 1 if aligned else size) / f(out - 1 if aligned else out)
    places = [(f(i) + f(0.5 if half else 0)) * scale for i in range(out)]
    sources = [min(size - 1, math.floor(p + f(0.5) if align else p)) for p in places]
    return np.diff([0, *sources]).astype(np.int8)


FILES = {
    "conv2d": conv2d, "depthwise": depthwise, "fully_connected": fully_connected, "pool": pools,
    "add": add, "mean": mean, "softmax": softmax, "sigmoid": sigmoids, "move": moves,
    "pointwise": pointwise, "hard_swish": hard_swish,
    "functions": functions, "operands": operands, "copy": copies, "resize": resize,
}
