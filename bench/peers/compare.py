#!/usr/bin/env python3
"""Measures Tuco beside PyTorch, ONNX Runtime and LiteRT, taking turns within one run.

usage: compare.py {train,infer,layers,products,growth} [--threads 1 2] [--only NAME ...]
                  [--rounds 7] [--seconds 0.5] [--build build/release] [--json FILE]
Every contestant is a process that waits until it is its turn; a round gives each one so many seconds
(one step at least), in turns: ours, theirs, ours, theirs. The table has the medians over all rounds,
and the median of the rounds' ratios with their quartiles. Needs `pip install -r requirements.txt`
and a build with -DTUCO_BENCH=ON; LiteRT's models come from ../shared/data/models.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MODELS = os.path.join(ROOT, "..", "shared", "data", "models", "mlperf-tiny.tar.gz")


class Contestant:
    """A process that runs its workload when told to (contestant.h, contestant.py)."""

    def __init__(self, name, command):
        self.name = name
        self.times = []
        self.medians = []
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while True:  # what a library prints before is not for us
            line = self.process.stdout.readline()
            if line.strip() == "ready":
                break
            if not line:
                sys.exit(f"{name} did not start: {' '.join(map(str, command))}\n"
                         + self.process.stderr.read()[-2000:])

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def run(self, seconds):
        """Runs for about so long; returns the median in microseconds."""
        guess = statistics.median(self.times) if self.times else float(self.ask("run 1"))
        count = max(1, round(seconds * 1e6 / guess))
        times = [float(t) for t in self.ask(f"run {count}").split()]
        self.times += times
        self.medians.append(statistics.median(times))

    def median(self):
        return statistics.median(self.medians)

    def close(self):
        peak = int(self.ask("peak"))
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait()
        return peak


def compete(commands, rounds, seconds):
    """{name: command} -> {name: {median_us, peak_bytes, ratio to ours (above 1: ours is faster)}}."""
    contestants = [Contestant(name, command) for name, command in commands.items()]
    for _ in range(rounds):
        for contestant in contestants:
            time.sleep(0.02)  # the other's threads have gone to sleep
            contestant.run(seconds)
    ours, results = contestants[0], {}
    for one in contestants:
        ratios = sorted(b / a for a, b in zip(ours.medians, one.medians))
        results[one.name] = {
            "median_us": one.median(), "ratio": statistics.median(ratios),
            "ratio_quartiles": (ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]),
        }
    for one in contestants:
        results[one.name]["peak_bytes"] = one.close()
    return results


def ours(args, program):
    return [os.path.join(args.build, "bench", program)]


def python(script):
    return [sys.executable, os.path.join(HERE, script)]


def train_pair(args, rest):
    return {"Tuco": ours(args, "train_bench") + rest, "PyTorch": python("torch_train.py") + rest}


NETWORKS = {"catdog_128": 32, "resnet8_32": 128, "mobilenet_v1_025_96": 32, "resnet18_128": 16}


def train(args):
    """Whole training steps of the four networks."""
    for name, batch in NETWORKS.items():
        for threads in args.threads:
            yield (f"{name}, {threads} thr.", batch, train_pair(args, [name, "--threads", threads]))


def growth(args):
    """Training steps of catdog while one size grows."""
    for what, values in {"--size": (64, 96, 128, 192, 256), "--batch": (1, 4, 16, 64, 128),
                         "--width": (0.25, 0.5, 1, 2), "--depth": (1, 2, 3)}.items():
        for value in values:
            batch = value if what == "--batch" else 32
            for threads in args.threads:
                rest = ["catdog_128", what, value, "--threads", threads]
                yield f"{what[2:]} {value}, {threads} thr.", batch, train_pair(args, rest)


def infer(args):
    """One image, one result; the peers that have the network, padded as they pad."""
    for name in [*NETWORKS, "ds_cnn_49x10", "autoencoder_640"]:
        for dtype in ("fp32", "int8"):
            for threads in args.threads:
                rest = [name, "--dtype", dtype, "--threads", threads]
                label = f"{name}, {dtype}, {threads} thr."
                if name in NETWORKS:
                    yield label, 1, {"Tuco": ours(args, "infer_bench") + rest,
                                     "ONNX Runtime": python("onnxruntime_infer.py") + rest}
                if name not in ("catdog_128", "resnet18_128"):
                    same = rest + ["--tensorflow-padding"]
                    lite = python("litert_infer.py") + same + ["--models", args.models]
                    yield label, 1, {"Tuco": ours(args, "infer_bench") + same, "LiteRT": lite}


LAYERS = {  # in, out, size, kernel, stride, groups; batch
    "catdog_128": (32, ["3,32,128,3,1,1", "32,64,64,3,1,1", "64,128,32,3,1,1", "128,128,16,3,1,1"]),
    "resnet8_32": (128, ["3,16,32,3,1,1", "16,16,32,3,1,1", "16,32,32,3,2,1", "32,32,16,3,1,1",
                         "32,64,16,3,2,1", "64,64,8,3,1,1", "16,32,32,1,2,1"]),
    "resnet18_128": (16, ["3,64,128,7,2,1", "64,64,32,3,1,1", "64,128,32,3,2,1", "128,128,16,3,1,1",
                          "128,256,16,3,2,1", "256,256,8,3,1,1", "256,512,8,3,2,1", "512,512,4,3,1,1"]),
    "mobilenet_v1_025_96": (32, ["3,8,96,3,2,1", "8,8,48,3,1,8", "8,16,48,1,1,1", "16,16,48,3,2,16",
                                 "16,32,24,1,1,1", "32,32,24,3,1,32", "32,32,24,1,1,1",
                                 "64,64,12,3,1,64", "64,64,12,1,1,1", "128,128,6,3,1,128",
                                 "128,128,6,1,1,1", "256,256,3,1,1,1"]),
}


def layers(args):
    """Each convolution of the four networks, forward and both gradients."""
    for network, (batch, shapes) in LAYERS.items():
        for shape in shapes:
            for op in ("conv2d", "conv2d_grad_input", "conv2d_grad_weight"):
                if op == "conv2d_grad_input" and shape.startswith("3,"):
                    continue  # pictures need no gradient
                for threads in args.threads:
                    rest = [op, shape, "--batch", batch, "--threads", threads]
                    yield (f"{network} {shape} {op}, {threads} thr.", batch,
                           {"Tuco": ours(args, "op_bench") + rest,
                            "PyTorch": python("torch_op.py") + rest})


def products(args):
    """Matrix products beside oneDNN's, the second operand packed before."""
    for sizes in ("256,256,256", "512,512,512", "1024,1024,1024", "8192,128,1152", "18432,128,64",
                  "131072,64,288", "1,256,1024", "32,10,128"):
        for threads in args.threads:
            rest = ["product", sizes, "--threads", threads]
            yield f"{sizes}, {threads} thr.", 1, {"Tuco": ours(args, "op_bench") + rest,
                                                  "oneDNN": python("torch_op.py") + rest}


def describe(label, batch, results):
    """A line for each peer, of a Markdown table."""
    mine = results["Tuco"]
    for name, peer in results.items():
        if name == "Tuco":
            continue
        low, high = peer["ratio_quartiles"]
        columns = [label, name]
        for one in (mine, peer):
            columns.append(f"{one['median_us']:,.1f}")
            columns.append(f"{batch * 1e6 / one['median_us']:,.0f}")
        columns.append(f"**{peer['ratio']:.2f}** ({low:.2f} to {high:.2f})")
        columns.append(f"{mine['peak_bytes'] / 2**20:,.0f} / {peer['peak_bytes'] / 2**20:,.0f}")
        print("| " + " | ".join(columns) + " |", flush=True)


def main():
    kinds = {"train": train, "infer": infer, "layers": layers, "products": products, "growth": growth}
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", help="rows whose label holds one of these")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--json")
    args = parser.parse_args()
    print(f"| {args.kind} | peer | Tuco µs | a second | peer µs | a second "
          "| peer's time / Tuco's | peak MiB |\n|---|---|---|---|---|---|---|---|", flush=True)
    everything = {}
    for label, batch, commands in kinds[args.kind](args):
        if args.only and not any(word in label for word in args.only):
            continue
        results = compete(commands, args.rounds, args.seconds)
        everything.setdefault(label, {"batch": batch, "results": {}})["results"].update(
            {name if name != "Tuco" else "Tuco beside " + list(commands)[1]: r
             for name, r in results.items()})
        describe(label, batch, results)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(everything, file, indent=1)


if __name__ == "__main__":
    main()
