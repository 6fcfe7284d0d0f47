"""Training steps in PyTorch, channels-last, its faster layout here: zero_grad, forward, cross entropy,
backward, SGD with momentum. A contestant of compare.py; takes the arguments of train_bench."""
import argparse

import torch
from contestant import serve
from networks import NETWORKS, make

parser = argparse.ArgumentParser()
parser.add_argument("network")
parser.add_argument("--batch", type=int, default=0)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--size", type=int, default=0)
parser.add_argument("--width", type=float, default=1)
parser.add_argument("--depth", type=int, default=1)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(1)

net, shape = make(args.network, args.size, args.width, args.depth)
_, _, batch, classes = NETWORKS[args.network]
batch = args.batch or batch
net = net.to(memory_format=torch.channels_last)
x = torch.randn(batch, *shape).to(memory_format=torch.channels_last)
y = torch.arange(batch) % classes
sgd = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)


def step():
    sgd.zero_grad()
    torch.nn.functional.cross_entropy(net(x), y).backward()
    sgd.step()


step(), step()
serve(step)
