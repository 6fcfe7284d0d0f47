"""One op in PyTorch: a convolution forward, its gradient of the images or of the weights (channels-last),
or a matrix product in oneDNN. A contestant of compare.py; takes the arguments of op_bench."""
import argparse

import torch
from contestant import serve

parser = argparse.ArgumentParser()
parser.add_argument("op", choices=("conv2d", "conv2d_grad_input", "conv2d_grad_weight", "product"))
parser.add_argument("sizes", help="in,out,size,kernel,stride,groups or m,n,k")
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--threads", type=int, default=1)
args = parser.parse_args()
torch.set_num_threads(args.threads)


def product():
    """a (m, k) times b (n, k) transposed, b packed as oneDNN likes it best."""
    m, n, k = sizes
    a = torch.randn(m, k)
    b = torch.ops.mkldnn._reorder_linear_weight(torch.randn(n, k), m)
    return lambda: torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")


def convolution():
    inputs, outputs, size, kernel, stride, groups = sizes
    layout = {"memory_format": torch.channels_last}
    x = torch.randn(args.batch, inputs, size, size).to(**layout)
    w = torch.randn(outputs, inputs // groups, kernel, kernel).to(**layout)
    rest = (stride, stride), (kernel // 2, kernel // 2), (1, 1), False, (0, 0), groups
    y = torch.ops.aten.convolution(x, w, None, *rest)
    dy = torch.randn(y.shape).to(**layout)
    if args.op == "conv2d":
        return lambda: torch.ops.aten.convolution(x, w, None, *rest)
    wanted = [args.op == "conv2d_grad_input", args.op == "conv2d_grad_weight", False]
    return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, *rest, wanted)


sizes = [int(size) for size in args.sizes.split(",")]
with torch.inference_mode():
    work = product() if args.op == "product" else convolution()
    work(), work()
    serve(work)
