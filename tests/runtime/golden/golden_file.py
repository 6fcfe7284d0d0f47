"""The file format of the golden cases, and TFLite's derivation of integers from scales.

A file is a row of cases, all numbers little-endian, everything aligned to 4 bytes:
  int32 mark ("TGC1"), size of the whole case in bytes, operation, counts of parameters, scales, blobs
  int32 parameters, float32 scales
  for each blob: int32 length in bytes, the bytes, zeros up to the next multiple of 4
The first blob is the case's name, the last one the expected output. golden_run.c says what the
parameters and blobs of each operation are.
"""

import math
import struct

import numpy as np

OPERATIONS = {
    name: number
    for number, name in enumerate(
        "conv2d depthwise fully_connected max_pool average_pool add mean softmax logistic tanh "
        "concat pad rescale clamp lookup add_broadcast sub mul maximum minimum copy_strided "
        "resize_nearest".split(),
        start=1,
    )
}


def case_bytes(operation, name, parameters, scales, blobs):
    """One case; blobs are arrays (int8, int32) in the order that the runner expects."""
    body = struct.pack(f"<{len(parameters)}i", *map(int, parameters))
    body += np.asarray(scales, "<f4").tobytes()
    for blob in [np.frombuffer(name.encode(), np.int8), *blobs]:
        blob = np.asarray(blob)
        data = blob.astype(blob.dtype.newbyteorder("<")).tobytes()
        body += struct.pack("<i", len(data)) + data + bytes(-len(data) % 4)
    head = struct.pack("<4s5i", b"TGC1", 24 + len(body), OPERATIONS[operation], len(parameters),
                       len(scales), len(blobs) + 1)
    return head + body


def quantize_multiplier(factor):
    """(multiplier, shift) of TFLite's QuantizeMultiplier."""
    if factor == 0:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    value = math.floor(mantissa * 2**31 + 0.5)
    if value == 2**31:
        value, shift = value // 2, shift + 1
    return (0, 0) if shift < -31 else (value, shift)


def product_factor(in_scale, weight_scale, out_scale):
    return float(in_scale) * float(weight_scale) / float(out_scale)


def bound(real, scale, zero_point):
    """A real bound of an activation in int8 steps, as float32 gives it."""
    quotient = float(np.float32(real) / np.float32(scale))
    return zero_point + int(math.copysign(math.floor(abs(quotient) + 0.5), quotient))


NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)


def activation_range(activation, scale, zero_point):
    low = {RELU: 0.0, RELU6: 0.0, RELU_N1_TO_1: -1.0}.get(activation)
    high = {RELU6: 6.0, RELU_N1_TO_1: 1.0}.get(activation)
    return (-128 if low is None else max(-128, bound(low, scale, zero_point)),
            127 if high is None else min(127, bound(high, scale, zero_point)))
