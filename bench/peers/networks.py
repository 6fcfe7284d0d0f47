"""The networks of bench/networks.cpp as PyTorch modules: same layers, same shapes.

NETWORKS maps a name to (constructor, input shape (channels, height, width), training batch, classes).
"""
import torch
from torch import nn


def convolution(inputs, outputs, kernel=3, stride=1, groups=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs)]


def catdog(width=1.0, depth=1):
    layers, channels = [], 3
    for outputs in (32, 64, 128, 128):
        outputs = round(outputs * width)
        for _ in range(depth):
            layers += [*convolution(channels, outputs), nn.ReLU(True)]
            channels = outputs
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2))


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride, projected_norm):
        super().__init__()
        self.body = nn.Sequential(*convolution(inputs, outputs, stride=stride), nn.ReLU(True),
                                  *convolution(outputs, outputs))
        self.shortcut = nn.Identity()
        if stride > 1 and projected_norm:
            self.shortcut = nn.Sequential(*convolution(inputs, outputs, 1, stride))
        elif stride > 1:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet8():
    blocks = [Residual(i, o, s, False) for i, o, s in ((16, 16, 1), (16, 32, 2), (32, 64, 2))]
    return nn.Sequential(*convolution(3, 16), nn.ReLU(True), *blocks,
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def mobilenet():
    layers, channels = [*convolution(3, 8, stride=2), nn.ReLU(True)], 8
    blocks = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)] + [(128, 1)] * 5 + [(256, 2), (256, 1)]
    for outputs, stride in blocks:
        layers += [*convolution(channels, channels, 3, stride, channels), nn.ReLU(True),
                   *convolution(channels, outputs, 1), nn.ReLU(True)]
        channels = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2))


def resnet18():
    blocks = []
    for i, o, s in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        blocks += [Residual(i, o, s, True), Residual(o, o, 1, True)]
    return nn.Sequential(*convolution(3, 64, 7, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, 1), *blocks,
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 2))


NETWORKS = {
    "catdog_128": (catdog, (3, 128, 128), 32, 2),
    "resnet8_32": (resnet8, (3, 32, 32), 128, 10),
    "mobilenet_v1_025_96": (mobilenet, (3, 96, 96), 32, 2),
    "resnet18_128": (resnet18, (3, 128, 128), 16, 2),
}


def make(name, size=0, width=1.0, depth=1):
    """The module, and its input's shape without the batch."""
    constructor, shape, _, _ = NETWORKS[name]
    if size:
        shape = (shape[0], size, size)
    return (constructor(width, depth) if name == "catdog_128" else constructor()), shape
