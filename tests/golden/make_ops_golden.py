#!/usr/bin/env python3
"""Writes ops.safetensors: what PyTorch makes of small inputs, and the gradients it gives them.

  tests/golden/make_ops_golden.py            writes the file beside this script
  tests/golden/make_ops_golden.py --check    tells whether it would come out the same

Each case has float32 inputs CASE/in0, CASE/in1, ..., the gradient that comes in, CASE/seed, and in
float64, computed from these, CASE/out and CASE/grad0, CASE/grad1, ... All is in Tuco's layouts:
images NHWC, convolution weights OHWI. tests/ops/golden_test.cpp has the same names.

The packages go into a virtual environment in the system's temporary folder, made when it is not
there. The numbers are drawn from fixed seeds.
"""

import pathlib
import sys

from packages import ensure_packages

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["torch==2.13.0", "numpy", "safetensors"]


ensure_packages("tuco-golden-torch", PACKAGES)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

generator = torch.Generator().manual_seed(1)


def normal(*shape):
    return torch.randn(shape, generator=generator)


def positive(*shape):
    return torch.rand(shape, generator=generator) * 2 + 0.25


def whole(*shape):
    """Small whole numbers: there are ties."""
    return torch.randint(-2, 3, shape, generator=generator).float()


def images(f):
    """f on NCHW images and OIHW weights, given NHWC and OHWI ones."""

    def g(x, *parameters):
        turned = [p.permute(0, 3, 1, 2) if p.dim() == 4 else p for p in parameters]
        return f(x.permute(0, 3, 1, 2), *turned).permute(0, 2, 3, 1)

    return g


def conv(top=0, bottom=0, left=0, right=0, **options):
    return images(lambda x, w, b=None: F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, **options))


def batch_norm_train(x, gamma, beta, eps=1e-3):
    rows = x.reshape(-1, x.shape[-1])
    return F.batch_norm(rows, None, None, gamma, beta, True, 0.0, eps).reshape(x.shape)


def batch_norm_relu_pool(x, gamma, beta):
    y = F.relu(batch_norm_train(x, gamma, beta))
    return images(lambda t: F.max_pool2d(t, 2))(y)


def lstm(x, weight, recurrent, bias, hidden, cell):
    """All hidden states, and behind them the last hidden and cell: (n, t + 2, u)."""
    n, units = x.shape[0], hidden.shape[1]
    module = torch.nn.LSTM(x.shape[2], units, batch_first=True).double()
    parameters = {"weight_ih_l0": weight, "weight_hh_l0": recurrent, "bias_ih_l0": bias,
                  "bias_hh_l0": torch.zeros_like(bias)}
    states = tuple(s.expand(n, units)[None].contiguous() for s in (hidden, cell))
    y, (h, c) = torch.func.functional_call(module, parameters, (x, states))
    return torch.cat((y, h.transpose(0, 1), c.transpose(0, 1)), 1)


CASES = {
    "add": (lambda a, b: a + b, normal(2, 3, 4), normal(3, 1)),
    "sub": (lambda a, b: a - b, normal(4), normal(3, 1)),
    "mul": (lambda a, b: a * b, normal(2, 3, 4), normal(3, 1)),
    "div": (lambda a, b: a / b, normal(2, 3, 4), positive(3, 1)),
    "maximum_ties": (torch.maximum, whole(4, 5), whole(5)),
    "minimum_ties": (torch.minimum, whole(4, 5), whole(4, 1)),
    "where": (lambda a, b: torch.where(a < b, a, b * 2), normal(3, 4), normal(4)),
    "pow": (lambda x: x**1.7, positive(3, 5)),
    "abs": (torch.abs, whole(3, 5)),
    "exp": (torch.exp, normal(3, 5)),
    "log": (torch.log, positive(3, 5)),
    "sqrt": (torch.sqrt, positive(3, 5)),
    "tanh": (torch.tanh, normal(3, 5) * 3),
    "sigmoid": (torch.sigmoid, normal(3, 5) * 5),
    "relu": (torch.relu, whole(3, 5)),
    "relu6": (F.relu6, normal(3, 5) * 6),
    "clamp": (lambda x: torch.clamp(x, -0.5, 0.75), normal(3, 5)),
    "sum": (lambda x: x.sum((0, 2)), normal(3, 4, 2)),
    "mean": (lambda x: x.mean((0, 2), keepdim=True), normal(3, 4, 2)),
    "max_ties": (lambda x: x.amax((0, 2)), whole(3, 4, 3)),
    "permute": (lambda x: x.permute(2, 0, 1), normal(2, 3, 4)),
    "slice": (lambda x: x[:, 1:6:2], normal(2, 7, 2)),
    "expand": (lambda x: x.expand(2, 3, 4), normal(3, 1)),
    "concat": (lambda a, b: torch.cat((a, b), 1), normal(2, 3), normal(2, 1)),
    "pad": (lambda x: F.pad(x, (0, 2, 1, 0), value=-1.5), normal(2, 3)),
    "matmul": (torch.matmul, normal(2, 1, 3, 4), normal(3, 4, 2)),
    "linear": (F.linear, normal(2, 3, 5), normal(4, 5), normal(4)),
    "conv2d": (conv(1, 1, 1, 1), normal(2, 5, 6, 3), normal(4, 3, 3, 3), normal(4)),
    "conv2d_uneven": (conv(1, 0, 2, 1, stride=(2, 3), dilation=(1, 2)),
                      normal(2, 7, 9, 2), normal(3, 3, 4, 2), normal(3)),
    "conv2d_point": (conv(stride=2), normal(1, 5, 4, 6), normal(3, 1, 1, 6), normal(3)),
    "conv2d_groups": (conv(1, 1, 1, 1, groups=2), normal(1, 5, 4, 4), normal(6, 3, 3, 2), normal(6)),
    "conv2d_depthwise": (conv(0, 1, 0, 1, stride=2, groups=5), normal(2, 6, 7, 5),
                         normal(5, 3, 3, 1), normal(5)),
    "max_pool2d_ties": (images(lambda x: F.max_pool2d(x, 3, 2, 1)), whole(2, 7, 6, 3)),
    "max_pool2d_ceil": (images(lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True)), normal(1, 5, 7, 2)),
    "avg_pool2d": (images(lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
                   normal(2, 7, 6, 3)),
    "avg_pool2d_include_pad": (images(lambda x: F.avg_pool2d(x, 3, 2, 1)), normal(2, 7, 6, 3)),
    "avg_pool2d_ceil": (images(lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)),
                        normal(1, 6, 8, 2)),
    "avg_pool2d_ceil_exclude": (images(lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True,
                                                              count_include_pad=False)),
                                normal(1, 6, 8, 2)),
    "global_avg_pool2d": (lambda x: x.mean((1, 2), keepdim=True), normal(2, 3, 4, 5)),
    "batch_norm": (lambda x, g, b, m, v: (x - m) / torch.sqrt(v + 1e-3) * g + b,
                   normal(2, 3, 4, 5), positive(5), normal(5), normal(5), positive(5)),
    "batch_norm_train": (batch_norm_train, normal(4, 3, 2, 5) * 2 + 1, positive(5), normal(5)),
    "batch_norm_relu_pool": (batch_norm_relu_pool, normal(2, 5, 4, 3) * 2 + 1, positive(3), normal(3)),
    "softmax": (lambda x: F.softmax(x, -1), normal(3, 7) * 4),
    "softmax_dim": (lambda x: F.softmax(x, 1), normal(2, 5, 3) * 4),
    "log_softmax": (lambda x: F.log_softmax(x, -1), normal(3, 7) * 20),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), normal(3, 5)),
    "hard_swish": (F.hardswish, normal(4, 9) * 3),
    "elu": (F.elu, normal(4, 9) * 2),
    "prelu": (lambda x, s: torch.where(x > 0, x, x * s), normal(2, 3, 4), normal(3, 1)),
    "resize_nearest": (images(lambda x: F.interpolate(x, (7, 5), mode="nearest")),
                       normal(2, 3, 4, 2)),
    "resize_nearest_exact": (images(lambda x: F.interpolate(x, (3, 8), mode="nearest-exact")),
                             normal(1, 5, 3, 2)),
    "lstm": (lstm, normal(5, 6, 3), normal(28, 3), normal(28, 7), normal(28), normal(5, 7),
             normal(5, 7)),
    "lstm_one_sequence": (lstm, normal(1, 4, 2), normal(20, 2), normal(20, 5), normal(20),
                          normal(1, 5), normal(1, 5)),
    "lstm_shared_states": (lstm, normal(4, 3, 2), normal(12, 2), normal(12, 3), normal(12),
                           normal(1, 3), normal(1, 3)),
}


def main():
    tensors = {}
    for name, (f, *inputs) in CASES.items():
        leaves = [x.double().requires_grad_() for x in inputs]
        out = f(*leaves)
        seed = torch.randn(out.shape, generator=generator)
        gradients = torch.autograd.grad(out, leaves, seed.double())
        tensors[f"{name}/seed"] = seed
        tensors[f"{name}/out"] = out.detach().contiguous()
        for i, (x, gradient) in enumerate(zip(inputs, gradients)):
            tensors[f"{name}/in{i}"] = x.contiguous()
            tensors[f"{name}/grad{i}"] = gradient.contiguous()
    path = HERE / "ops.safetensors"
    if "--check" in sys.argv[1:]:
        old = load_file(path)
        same = old.keys() == tensors.keys() and all(
            torch.allclose(old[k], tensors[k], rtol=1e-12, atol=1e-14) for k in old)
        print("the same" if same else "DIFFERENT")
        return 0 if same else 1
    save_file(tensors, path, {"made_by": "make_ops_golden.py with PyTorch 2.13.0"})
    print(f"{len(CASES)} cases, {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
