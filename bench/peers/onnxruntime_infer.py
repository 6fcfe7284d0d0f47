"""Inference in ONNX Runtime, fp32 or static int8 (QDQ, per channel). A contestant of compare.py; takes
the arguments of infer_bench."""
import argparse
import os
import tempfile
import warnings

import numpy as np
import onnxruntime
import torch
from contestant import serve
from networks import make
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

warnings.filterwarnings("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("network")
parser.add_argument("--dtype", choices=("fp32", "int8"), default="fp32")
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--size", type=int, default=0)
args = parser.parse_args()


class RandomImages(CalibrationDataReader):
    def __init__(self, shape):
        self.batches = iter([{"x": np.random.randn(args.batch, *shape).astype("f")} for _ in range(8)])

    def get_next(self):
        return next(self.batches, None)


net, shape = make(args.network, args.size)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "fp32.onnx")
    torch.onnx.export(net.eval(), (torch.randn(args.batch, *shape),), path, input_names=["x"],
                      dynamo=False, opset_version=17)
    if args.dtype == "int8":
        quantized = os.path.join(folder, "int8.onnx")
        quantize_static(path, quantized, RandomImages(shape), quant_format=QuantFormat.QDQ,
                        per_channel=True, activation_type=QuantType.QUInt8,
                        weight_type=QuantType.QInt8)
        path = quantized
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
feed = {"x": np.random.randn(args.batch, *shape).astype("f")}
for _ in range(20):
    session.run(None, feed)
serve(lambda: session.run(None, feed))
