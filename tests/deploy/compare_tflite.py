"""Runs .tflite files with other executors and compares every byte with what Tuco's interpreter gave.

compare_tflite.py FOLDER [--litert]: NUMBER.tflite, NUMBER.in and NUMBER.out, as write_random_models
leaves them. The executor is TFLite Micro (package tflite-micro), whose reference kernels have to
give the same bytes, or LiteRT (package ai-edge-litert) with its reference kernels, whose softmax and
logistic are others and which only has to take the models.
"""

import argparse
import multiprocessing
import pathlib
import sys

import numpy


def run_micro(model, inputs):
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    shape = interpreter.get_input_details(0)["shape"]
    outputs = []
    for row in inputs.reshape(-1, *shape):
        # Every run is a first one.
        interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
        interpreter.set_input(row, 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).ravel())
    return numpy.concatenate(outputs)


def run_litert(model, inputs):
    from ai_edge_litert import interpreter as litert

    def make():
        resolvers = litert.OpResolverType
        try:
            interpreter = litert.Interpreter(
                model_content=model, experimental_op_resolver_type=resolvers.BUILTIN_REF
            )
        except ValueError:  # there is no reference kernel of ELU
            interpreter = litert.Interpreter(
                model_content=model,
                experimental_op_resolver_type=resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
        interpreter.allocate_tensors()
        return interpreter

    interpreter = make()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    outputs = []
    for row in inputs.reshape(-1, *source["shape"]):
        interpreter = make()
        interpreter.set_tensor(source["index"], row)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result["index"]).ravel())
    return numpy.concatenate(outputs)


def compare(run, path):
    """How the executor's bytes differ from the expected ones (or "" if they do not), and their number."""
    inputs = numpy.fromfile(path.with_suffix(".in"), numpy.int8)
    expected = numpy.fromfile(path.with_suffix(".out"), numpy.int8)
    try:
        outputs = run(path.read_bytes(), inputs)
    except Exception as error:  # whatever the executor finds wrong
        return f"refused: {error}", 0
    if outputs.size != expected.size:
        return f"{outputs.size} bytes, {expected.size} in Tuco", 0
    wrong = outputs != expected
    if not wrong.any():
        return "", outputs.size
    first = int(numpy.argmax(wrong))
    return (
        f"{int(wrong.sum())} of {wrong.size} bytes differ, the first is number {first}:"
        f" {outputs[first]} here, {expected[first]} in Tuco",
        outputs.size,
    )


def work(run, models, pipe):
    for path in models:
        pipe.send(compare(run, path))


def results_of(run, models):
    """The result of each model; the executor runs in a process of its own, since it may abort."""
    done = 0
    while done < len(models):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=work, args=(run, models[done:], theirs))
        process.start()
        theirs.close()
        try:
            while done < len(models):
                yield models[done], *ours.recv()
                done += 1
        except EOFError:
            yield models[done], "the executor aborted", 0
            done += 1
        process.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--litert", action="store_true")
    options = parser.parse_args()
    run = run_litert if options.litert else run_micro
    models = sorted(options.folder.glob("*.tflite"), key=lambda path: int(path.stem))
    different = failed = values = 0
    for path, difference, size in results_of(run, models):
        values += size
        # LiteRT's kernels round some sums differently; it only has to take the models.
        failed += bool(difference) and (size == 0 or not options.litert)
        if difference:
            different += 1
            print(f"{path.name}: {difference}")
    print(f"{len(models)} models, {values} bytes: {different} models differ")
    return 1 if failed or not models else 0


if __name__ == "__main__":
    sys.exit(main())
