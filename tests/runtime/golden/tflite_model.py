"""Small .tflite models made by hand, and their outputs from TFLite Micro's reference kernels."""

import flatbuffers
import numpy as np
from tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

TYPES = {np.dtype(np.int8): schema.TensorType.INT8, np.dtype(np.int32): schema.TensorType.INT32}


class Model:
    """Tensors are numbered in the order in which they are added."""

    def __init__(self):
        self.tensors, self.buffers, self.operators, self.codes = [], [schema.BufferT()], [], []
        self.inputs, self.outputs = [], []

    def tensor(self, shape, dtype=np.int8, scale=None, zero_point=0, data=None, axis=0):
        """A tensor; scale is one number, or an array along `axis`; data makes it a constant."""
        t = schema.TensorT()
        t.name = f"t{len(self.tensors)}"
        t.shape, t.type, t.buffer = list(shape), TYPES[np.dtype(dtype)], 0
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            q = schema.QuantizationParametersT()
            q.scale = [float(s) for s in scales]
            q.zeroPoint = [int(zero_point)] * len(scales)
            q.quantizedDimension = axis
            t.quantization = q
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            t.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(t)
        return len(self.tensors) - 1

    def input(self, shape, scale, zero_point):
        self.inputs.append(self.tensor(shape, scale=scale, zero_point=zero_point))
        return self.inputs[-1]

    def output(self, shape, scale, zero_point):
        self.outputs.append(self.tensor(shape, scale=scale, zero_point=zero_point))
        return self.outputs[-1]

    def operator(self, name, inputs, outputs, options=None, **fields):
        """An operator of the schema's name ("CONV_2D"), its options' class and their fields."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = len(self.codes), list(inputs), list(outputs)
        if options is not None:
            op.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            op.builtinOptions = getattr(schema, options + "T")()
            for field, value in fields.items():
                assert hasattr(op.builtinOptions, field), (options, field)
                setattr(op.builtinOptions, field, value)
        self.codes.append(code)
        self.operators.append(op)

    def run(self, *arrays):
        """The output of the model, int8, for its inputs."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = self.inputs, self.outputs
        model = schema.ModelT()
        model.version, model.operatorCodes = 3, self.codes
        model.subgraphs, model.buffers = [graph], self.buffers
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), b"TFL3")
        interpreter = runtime.Interpreter.from_bytes(bytes(builder.Output()), arena_size=1 << 20)
        for i, array in enumerate(arrays):
            interpreter.set_input(np.ascontiguousarray(array, np.int8), i)
        interpreter.invoke()
        return np.array(interpreter.get_output(0))
