"""Opens what `python_files write` wrote, and writes for `python_files read`, with the packages that
Python users have. The tensors are those of tensors() in python_files.cpp."""
import json
import pathlib
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

folder = pathlib.Path(sys.argv[1])
ramp = np.arange(24)
expected = {
    "conv.weight": (ramp * 0.5 - 3).astype(np.float32).reshape(2, 3, 4),
    "double": np.array(1e300),
    "bytes": ramp.astype(np.uint8).reshape(4, 6),
    "signed": (ramp - 128).astype(np.int8),
    "ints": (ramp * -100000).astype(np.int32).reshape(24, 1),
    "longs": ramp.astype(np.int64) * 2**40,
    "flags": ramp % 3 == 0,
    "empty": np.zeros((0, 5), np.float32),
    "transposed": ramp.astype(np.float32).reshape(4, 6).T,
}
metadata = {"tuco.layout": "ohwi", "names": 'cat\n"dog" \u00e9'}


def check(where, actual, wanted):
    assert actual.dtype == wanted.dtype, f"{where}: {actual.dtype}, expected {wanted.dtype}"
    assert actual.shape == wanted.shape, f"{where}: {actual.shape}, expected {wanted.shape}"
    assert np.array_equal(actual, wanted), f"{where}: other values: {actual}"


loaded = load_file(folder / "ours.safetensors")
assert sorted(loaded) == sorted(expected), sorted(loaded)
with safe_open(folder / "ours.safetensors", framework="numpy") as file:
    assert file.metadata() == metadata, file.metadata()
for name, array in expected.items():
    check(f"ours.safetensors: {name}", loaded[name], array)
    check(f"ours-{name}.npy", np.load(folder / f"ours-{name}.npy"), array)

# A network with its graph: the constants under their own names, the ops as JSON.
weights = load_file(folder / "graph.safetensors")
with safe_open(folder / "graph.safetensors", framework="numpy") as file:
    about = file.metadata()
assert about["tuco.layout"] == "OHWI", about["tuco.layout"]
graph = json.loads(about["tuco.graph"])
constants = {value["name"]: value for value in graph["values"] if value["constant"]}
assert sorted(constants) == sorted(weights), sorted(weights)
for name, value in constants.items():
    assert list(weights[name].shape) == value["shape"], f"{name}: {weights[name].shape}"
    assert str(weights[name].dtype) == value["dtype"], f"{name}: {weights[name].dtype}"
    assert np.isfinite(weights[name]).all(), name
assert weights["stem.weight"].shape == (8, 3, 3, 3)
assert [node["op"] for node in graph["nodes"]].count("conv2d") == 5

save_file({name: np.array(array, order="C") for name, array in expected.items()},
          folder / "python.safetensors", metadata=metadata)
for name, array in expected.items():
    np.save(folder / f"python-{name}.npy", array)  # the transposed one is in Fortran's order
    with open(folder / f"python-{name}-2.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=(2, 0))
print(f"Python opened {len(expected)} tensors in both formats, and {len(constants)} of a graph")
