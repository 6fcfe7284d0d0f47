"""Inference in LiteRT (TensorFlow Lite with XNNPACK) of MLPerf Tiny's own files, which pad as TensorFlow
does. A contestant of compare.py; takes the arguments of infer_bench, and --models, the archive
mlperf-tiny.tar.gz."""
import argparse
import tarfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from contestant import serve

FILES = {
    ("resnet8_32", "fp32"): "pretrainedResnet.tflite",
    ("resnet8_32", "int8"): "pretrainedResnet_quant.tflite",
    ("mobilenet_v1_025_96", "fp32"): "vww_96_float.tflite",
    ("mobilenet_v1_025_96", "int8"): "vww_96_int8.tflite",
    ("ds_cnn_49x10", "fp32"): "kws_ref_model_float32.tflite",
    ("ds_cnn_49x10", "int8"): "kws_ref_model.tflite",
    ("autoencoder_640", "int8"): "ad01_int8.tflite",
    ("autoencoder_640", "fp32"): "ad01_fp32.tflite",
}

parser = argparse.ArgumentParser()
parser.add_argument("network")
parser.add_argument("--dtype", choices=("fp32", "int8"), default="fp32")
parser.add_argument("--batch", type=int, choices=(1,), default=1)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--models", required=True)
parser.add_argument("--tensorflow-padding", action="store_true", help="always so here")
args = parser.parse_args()

with tarfile.open(args.models) as archive:
    member = next(m for m in archive.getmembers() if m.name.endswith("/" + FILES[args.network, args.dtype]))
    model = archive.extractfile(member).read()
net = Interpreter(model_content=model, num_threads=args.threads)
net.allocate_tensors()
info = net.get_input_details()[0]
net.set_tensor(info["index"], (np.random.rand(*info["shape"]) * 100).astype(info["dtype"]))
for _ in range(20):
    net.invoke()
serve(net.invoke)
