#!/usr/bin/env python3
"""Draws the roofline of Tuco's convolutions: each one's speed over its products for each byte, under
the machine's measured limits (Williams et al., 2009, doi:10.1145/1498765.1498785).

usage: roofline.py [--threads 1] [--seconds 0.2] [--build build/release] -o roofline.svg
Products are those of the direct convolution, so that Winograd's may stand above the roof; bytes are
images, weights and results, each once.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile

from compare import LAYERS, ROOT, Contestant

OPS = {"conv2d": ("forward", "#2563eb"), "conv2d_grad_input": ("gradient of the images", "#d97706"),
       "conv2d_grad_weight": ("gradient of the weights", "#059669")}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 860, 560, 70, 60, 40, 30


def measure(args):
    """[(op, label, flops for each byte, GFLOP/s)]"""
    points = []
    for network, (batch, shapes) in LAYERS.items():
        for shape in shapes:
            inputs, outputs, size, kernel, stride, groups = map(int, shape.split(","))
            out_size = (size - 1) // stride + 1
            products = batch * out_size**2 * outputs * kernel**2 * inputs // groups
            words = batch * (size**2 * inputs + out_size**2 * outputs) + outputs * kernel**2 * inputs // groups
            for op in OPS:
                if op == "conv2d_grad_input" and inputs == 3:
                    continue
                one = Contestant(op, [os.path.join(args.build, "bench", "op_bench"), op, shape,
                                      "--batch", batch, "--threads", args.threads])
                for _ in range(3):
                    one.run(args.seconds)
                one.close()
                points.append((op, f"{network} {shape}", 2 * products / (4 * words),
                               2e-3 * products / one.median()))
    return points


def draw(points, peak, bandwidth, title):
    """The picture as SVG."""
    low_x, high_x, low_y, high_y = 0.5, 512, 5, 2 * max([peak, *(p[3] for p in points)])

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / low_x) / math.log(high_x / low_x)

    def y(value):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(value / low_y) / math.log(high_y / low_y)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{title}</text>']
    for tick in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        out.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#e5e7eb"/>'
                   f'<text x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick}</text>')
    for tick in (5, 10, 20, 50, 100, 200, 500, 1000, 2000):
        if tick <= high_y:
            out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e5e7eb"/>'
                       f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>')
    knee = peak / bandwidth
    start = max(low_x, low_y / bandwidth)
    out.append(f'<polyline fill="none" stroke="#111827" stroke-width="2" points="{x(start):.1f},{y(start * bandwidth):.1f} '
               f'{x(knee):.1f},{y(peak):.1f} {x(high_x):.1f},{y(peak):.1f}"/>'
               f'<text x="{x(high_x):.1f}" y="{y(peak) - 6:.1f}" text-anchor="end">{peak:.0f} GFLOP/s, multiply-adds</text>'
               f'<text x="{x(knee / 2):.1f}" y="{y(peak / 2) + 34:.1f}">{bandwidth:.0f} GB/s from memory</text>')
    for op, label, intensity, speed in points:
        out.append(f'<circle cx="{x(intensity):.1f}" cy="{y(max(speed, low_y)):.1f}" r="4.5" fill="{OPS[op][1]}" '
                   f'fill-opacity="0.8"><title>{label} {op}: {speed:.0f} GFLOP/s</title></circle>')
    for i, (text, colour) in enumerate(OPS.values()):
        out.append(f'<circle cx="{WIDTH - 230}" cy="{HEIGHT - BOTTOM - 62 + 20 * i}" r="4.5" fill="{colour}"/>'
                   f'<text x="{WIDTH - 218}" y="{HEIGHT - BOTTOM - 58 + 20 * i}">{text}</text>')
    out.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 14}" text-anchor="middle">floating-point operations '
               'of the direct convolution for each byte</text>'
               f'<text transform="translate(20 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text></svg>')
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("-o", "--out", required=True)
    args = parser.parse_args()
    tuco = os.path.join(args.build, "tools", "tuco")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "machine.json")
        subprocess.run([tuco, "bench", "--machine", "--json", path], check=True,
                       stdout=subprocess.DEVNULL)
        with open(path) as file:
            machine = json.load(file)
    best = max((a for a in machine["arithmetic"] if a["threads"] == args.threads),
               key=lambda a: a["flops"])
    memory = next(m for m in machine["memory"] if m["threads"] == args.threads)
    points = measure(args)
    for op, label, intensity, speed in points:
        print(f"{label:40} {op:20} {intensity:8.1f} flop/byte {speed:8.0f} GFLOP/s")
    title = f"Tuco's float32 convolutions, {args.threads} thread{'s' * (args.threads > 1)}, {best['isa']}"
    with open(args.out, "w") as file:
        file.write(draw(points, best["flops"] / 1e9, memory["read"] / 1e9, title))


if __name__ == "__main__":
    main()
