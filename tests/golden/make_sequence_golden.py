#!/usr/bin/env python3
"""Writes what TFLite Micro makes of sequences, and a network with a state that TensorFlow converted.

  tests/golden/make_sequence_golden.py            writes the files beside this script
  tests/golden/make_sequence_golden.py --check    tells whether they would come out the same

stream.tflite and stream_int8.tflite keep the last four frames in a tf.Variable and look at five with a
convolution. sequences.safetensors has inputs and outputs of several runs, one after another, of these
two and of the LSTM networks in ../shared/data/models/tflite-extra.tar.gz, on digits of MNIST there.

The packages go into a virtual environment in the system's temporary folder, made when it is not
there (some 2 GB). The numbers are drawn from fixed seeds.
"""

import gzip
import os
import pathlib
import sys
import tarfile

from packages import ensure_packages

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
PACKAGES = ["tensorflow-cpu==2.21.0", "tflite-micro==0.dev20261023182759", "numpy", "safetensors"]


ensure_packages("tuco-golden-tensorflow", PACKAGES)

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy  # noqa: E402
import safetensors.numpy  # noqa: E402
import tensorflow as tf  # noqa: E402
from tflite_micro import runtime  # noqa: E402

RUNS = 6
random = numpy.random.default_rng(0)


class Stream(tf.Module):
    def __init__(self):
        super().__init__()
        self.frames = tf.Variable(tf.zeros([1, 4, 8]), name="frames")
        self.kernel = tf.constant(random.normal(size=(1, 5, 8, 6)).astype(numpy.float32) * 0.2)
        self.bias = tf.constant(random.normal(size=(6,)).astype(numpy.float32) * 0.1)
        self.weight = tf.constant(random.normal(size=(6, 3)).astype(numpy.float32) * 0.5)

    @tf.function(input_signature=[tf.TensorSpec([1, 1, 8], tf.float32)])
    def __call__(self, frame):
        frames = tf.concat([self.frames, frame], 1)
        self.frames.assign(frames[:, 1:, :])
        y = tf.nn.conv2d(frames[:, None], self.kernel, 1, "VALID") + self.bias
        return tf.matmul(tf.nn.relu(tf.reshape(y, [1, 6])), self.weight)


def converted(samples):
    """The network in .tflite: of float32, or, with samples, of int8."""
    stream = Stream()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [stream.__call__.get_concrete_function()], stream
    )
    if samples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([s] for s in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_variable_quantization = True
    converter.experimental_enable_resource_variables = True
    return converter.convert()


def shared_model(name):
    with tarfile.open(DATA / "models" / "tflite-extra.tar.gz") as archive:
        return archive.extractfile(f"tflite-extra/tflm/{name}.tflite").read()


def digits():
    images = gzip.open(DATA / "mnist-t10k-images-idx3-ubyte.gz").read()[16 : 16 + RUNS * 784]
    return numpy.frombuffer(images, numpy.uint8).reshape(RUNS, 28, 28)


def outputs_of(model, inputs):
    """The outputs of runs of batch 1, one after another."""
    interpreter = runtime.Interpreter.from_bytes(model)
    outputs = []
    for one in inputs:
        interpreter.set_input(one[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0].copy())
    return numpy.stack(outputs)


def make():
    frames = [random.normal(size=(1, 1, 8)).astype(numpy.float32) for _ in range(100)]
    state = random.bit_generator.state
    files = {"stream.tflite": converted(None)}
    random.bit_generator.state = state
    files["stream_int8.tflite"] = converted(frames)
    pixels = digits()
    cases = {
        "stream": (files["stream.tflite"], numpy.concatenate(frames[:RUNS])),
        "stream_int8": (
            files["stream_int8.tflite"],
            random.integers(-128, 128, size=(RUNS, 1, 8), dtype=numpy.int8),
        ),
        "trained_lstm": (shared_model("trained_lstm"), (pixels / 255).astype(numpy.float32)),
        "trained_lstm_int8": (
            shared_model("trained_lstm_int8"),
            (pixels.astype(numpy.int16) - 128).astype(numpy.int8),
        ),
    }
    tensors = {}
    for name, (model, inputs) in cases.items():
        tensors[f"{name}/in"] = inputs
        tensors[f"{name}/out"] = outputs_of(model, inputs)
    files["sequences.safetensors"] = safetensors.numpy.save(tensors)
    return files


def main():
    different = []
    for name, content in make().items():
        path = HERE / name
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_bytes() != content:
                different.append(name)
        else:
            path.write_bytes(content)
    if different:
        sys.exit(f"{', '.join(different)} would come out otherwise")


main()
