#!/usr/bin/env python3
"""Fits the numbers by which instructions and code are estimated (deploy/device_cost.h) to what
mcu_bench measured.

    for each network:  tuco compile NET -o DIR/NAME --report DIR/NAME.json
    mcu_bench DIR/*.c --board mps2-an385-m0plus,mps2-an386,mps3-an547,riscv32-virt --json rows.json
    fit_costs.py rows.json ... > deploy/device_cost_table.inc

Networks in strips (tuco compile --ram) are to be among them, under names like NET_strips1:
their code is less than their layers make believe.

Every layer of one call that was measured is an equation: instructions = a * steps + b * bytes of
output + c * calls + d * gathered values, with a, b, c, d >= 0 for each kernel. The
error of a core is the largest of any network that takes half a million instructions or more,
fitted without that network and its strips. It needs nothing but Python.
"""

import json
import math
import pathlib
import sys

COLUMNS = {"cortex-m0plus": "kM0Plus", "cortex-m4": "kSimd32", "cortex-m55": "kM55", "rv32imac": "kRv32"}
LARGE = 500_000


def descend(rows, targets, sweeps=4000):
    """The x >= 0 with the least sum of squares of row . x - target."""
    columns = list(zip(*rows))
    squares = [sum(v * v for v in column) for column in columns]
    x = [0.0] * len(columns)
    rest = list(targets)
    for _ in range(sweeps):
        moved = 0.0
        for k, column in enumerate(columns):
            if squares[k] == 0:
                continue
            step = sum(v * r for v, r in zip(column, rest)) / squares[k]
            new = max(0.0, x[k] + step)
            if new != x[k]:
                change = new - x[k]
                rest = [r - v * change for r, v in zip(rest, column)]
                moved = max(moved, abs(change) / (abs(new) + 1e-9))
                x[k] = new
        if moved < 1e-9:
            break
    return x


def non_negative(rows, targets):
    """The x >= 0 with about the least sum of |row . x - target| / target^0.6: compilers do away with
    the work of a layer here and there, which must not count for more than its one equation."""
    weights = [max(t, 1.0) ** -0.6 for t in targets]
    for _ in range(12):
        x = descend([[v * w for v in row] for row, w in zip(rows, weights)],
                    [t * w for t, w in zip(targets, weights)])
        errors = [abs(sum(a * b for a, b in zip(row, x)) - t) / max(t, 1.0) ** 0.6
                  for row, t in zip(rows, targets)]
        floor = 0.02 * sorted(max(t, 1.0) ** 0.4 for t in targets)[len(targets) // 2]
        weights = [max(t, 1.0) ** -0.6 / max(e, floor) ** 0.5 for t, e in zip(targets, errors)]
    return x


def read(paths):
    """Samples: (core, network, kernel, features, instructions), and networks' facts by core."""
    samples, networks = [], []
    for path in paths:
        for row in json.load(open(path)):
            if "instructions" not in row:
                continue
            report = json.load(open(pathlib.Path(row["path"]).with_suffix(".json")))
            works = []
            # By their order: of two layers that are the same to the byte a compiler keeps one.
            layers = [layer for layer in report["layers"] if layer["kernel"]]
            if len(layers) != len(row["layers"]):
                continue  # it found out that one of them changes nothing
            for layer, call in zip(layers, row["layers"]):
                features = [layer["steps"], layer["output_bytes"], layer["calls"], layer["gathered"]]
                if call["instructions"] < layer["steps"] * (0.1 if layer["products"] else 0.5):
                    continue  # its outputs cannot differ, and the compiler saw it
                samples.append((row["core"], row["model"], layer["kernel"], features, call["instructions"]))
                works.append((layer["kernel"], features))
            functions = {}  # the calls of each kernel that differ
            for layer in layers:
                if not layer["repeated"]:
                    functions[layer["kernel"]] = functions.get(layer["kernel"], 0) + layer["calls"]
            networks.append({"core": row["core"], "name": row["model"], "works": works,
                             "functions": functions,
                             "distinct": sum(not layer["repeated"] for layer in layers),
                             "instructions": row["instructions"], "stack": row["stack"],
                             "code": row["bytes"]["code"]})
    return samples, networks


def fit(samples):
    """By kernel, and under "" for any other: those that are no products, together."""
    kernels = {}
    for _, _, kernel, features, instructions in samples:
        kernels.setdefault(kernel, []).append((features, instructions))
        if features[0] == 0:
            kernels.setdefault("", []).append((features, instructions))
    costs = {kernel: non_negative(*zip(*rows)) for kernel, rows in kernels.items()}
    costs[""][0] = max([costs[""][0]] + [c[0] for c in costs.values()])
    return costs


def predicted(costs, works):
    return sum(sum(c * f for c, f in zip(costs.get(kernel, costs[""]), features))
               for kernel, features in works)


def fit_code(networks):
    """Bytes of code: of any network, for a layer that is like no other, of each kernel, and what it
    takes more where it is called with different arguments. Large networks count for many: of the
    small ones compilers simplify more."""
    networks = [n for n in networks for _ in range(30 if n["instructions"] >= LARGE else 1)]
    kernels = sorted({kernel for n in networks for kernel in n["functions"]})
    rows = [[1.0, float(n["distinct"])] + [float(k in n["functions"]) for k in kernels] +
            [float(n["functions"].get(k, 0) > 1) for k in kernels] for n in networks]
    x = descend(rows, [n["code"] for n in networks])
    errors = [abs(sum(a * b for a, b in zip(row, x)) - n["code"]) for row, n in zip(rows, networks)
              if n["instructions"] >= LARGE]
    kernel_code = zip(x[2:2 + len(kernels)], x[2 + len(kernels):])
    return x[0], x[1], dict(zip(kernels, kernel_code)), max(errors)


def base(name):
    """The network that one in strips was made of."""
    return name.split("_strips")[0]


def main(paths):
    samples, networks = read(paths)
    table, facts = {}, []
    for core in COLUMNS:
        # Strips would count the same layers again and again.
        own = [s for s in samples if s[0] == core and s[1] == base(s[1])]
        nets = [n for n in networks if n["core"] == core]
        worst = 0.0
        for n in nets:
            if n["instructions"] < LARGE:
                continue
            others = fit([s for s in own if s[1] != base(n["name"])])
            error = predicted(others, n["works"]) / n["instructions"] - 1
            print(f"{core:14} {n['name']:14} {n['instructions']:>12,} {100 * error:+.1f} %", file=sys.stderr)
            worst = max(worst, abs(error))
        code, layer_code, kernel_code, code_error = fit_code(nets)
        print(f"{core:14} code: at most {code_error:.0f} bytes off", file=sys.stderr)
        error = math.ceil(worst * 20 - 1e-9) / 20
        facts.append((code, layer_code, error, max(n["stack"] for n in nets)))
        for kernel, (step, output, call, gather) in fit(own).items():
            table.setdefault(kernel, {})[core] = (step, output, call, gather) + kernel_code.get(kernel, (0, 0))
    for core in COLUMNS:
        middle = [sorted(r[core][i] for k, r in table.items() if k)[len(table) // 2] for i in (4, 5)]
        table[""][core] = table[""][core][:4] + tuple(middle)

    print("// Written by bench/mcu/fit_costs.py. In each row: Cortex-M0+; Cortex-M4, M7 and M33;")
    print("// Cortex-M55; RV32.")
    print("// The first row is for kernels that are not here.")
    print("constexpr Row kRows[] = {")
    for kernel in sorted(table):
        costs = ["{%.3g, %.3g, %.0f, %.3g, %.0f, %.0f}" % tuple(round(v, 3) for v in table[kernel][core])
                 for core in COLUMNS]
        print(f'    {{"{kernel}",\n     {{{costs[0]}, {costs[1]},\n      {costs[2]}, {costs[3]}}}}},')
    print("};\nconstexpr ColumnFacts kFacts[kColumns] = {")
    for core, (code, layer_code, error, stack) in zip(COLUMNS, facts):
        print(f"    {{{code:.0f}, {layer_code:.0f}, {error:.2f}, {stack}}},  // {core}")
    print("};")


main(sys.argv[1:])
