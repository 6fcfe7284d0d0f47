#!/usr/bin/env python3
"""Plants mistakes in the CUDA backend, one at a time, and shows what finds each on the stand-in.

    tests/cuda/mutants.py build/release                the table of all mutants
    tests/cuda/mutants.py build/release cudnn guard    those whose names have such a part
    tests/cuda/mutants.py --check                      only whether all texts are still there

The build is one by Ninja; ops_test_cuda and cuda_test_cuda are brought up to date in it first, and
no mutant changes anything there or in the sources: the changed file goes into a folder of its own
that the compiler looks into first, and only the objects that read it are compiled and linked again.
The exit status is 1 if a mutant was not found, and 2 if one can no longer be planted.
"""
import argparse
import concurrent.futures
import functools
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True  # nothing goes into the sources
from mutants_list import MUTANTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BACKEND = "devices/cuda/"
PROGRAMS = {"ops": "tests/ops/ops_test_cuda", "cuda": "tests/cuda/cuda_test_cuda"}
OBJECTS = "tests/cuda_stand_in/CMakeFiles/tuco_cuda_on_stand_in.dir/"
LIMIT_S = 300


class Broken(Exception):
    """A mutant that cannot be planted, or a build that cannot be used."""


def mutated(mutant):
    """The text of the mutant's file with its changes made."""
    path = ROOT / BACKEND / mutant.file
    if not path.is_file():
        raise Broken(f"{mutant.name}: there is no file {BACKEND}{mutant.file}")
    text = path.read_text()
    spans = []
    for old, new in mutant.changes:
        count = text.count(old)
        if count != 1:
            raise Broken(f"{mutant.name}: {BACKEND}{mutant.file} should have this text once, "
                         f"it has it {count} times:\n{old}")
        if old == new:
            raise Broken(f"{mutant.name}: changes nothing:\n{old}")
        spans.append((text.index(old), old, new))
    for at, old, new in sorted(spans, reverse=True):
        text = text[:at] + new + text[at + len(old):]
    return text


class Build:
    """What Ninja knows of the build: the commands, and which object reads which file."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        if not (self.folder / "build.ninja").is_file():
            raise Broken(f"{folder}: expected a build by Ninja, there is no build.ninja")
        self.ninja(*PROGRAMS.values())
        self.readers = {}
        obj = None
        for line in self.ninja("-t", "deps").splitlines():
            if line.startswith("    "):
                at = line.rfind("/" + BACKEND)
                if at >= 0 and obj.startswith(OBJECTS):
                    self.readers.setdefault(line[at + 1 + len(BACKEND):], []).append(obj)
            elif ": #deps" in line:
                obj = line.split(": #deps")[0]

    def ninja(self, *args):
        done = subprocess.run(["ninja", "-C", str(self.folder), *args], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Broken(f"ninja {' '.join(args)}: {done.stdout[-400:]}")
        return done.stdout

    @functools.cache
    def command(self, target):
        """The words of the command that makes a target, without what runs before and after it."""
        lines = [l for l in self.ninja("-t", "commands", "-s", target).splitlines() if " -o " in l]
        if not lines:
            raise Broken(f"{self.folder}: no command makes {target}")
        steps = [step for step in lines[-1].split(" && ") if " -o " in step]
        return tuple(shlex.split(steps[0]))

    def run(self, words):
        done = subprocess.run(words, cwd=self.folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Broken(f"does not build:\n{done.stdout[-1500:]}")

    def compile(self, obj, mutant, overlay, result):
        # It runs for a moment only, so it is optimised for one.
        words = ["-O1" if re.fullmatch("-O[0-9s]", w) else w for w in self.command(obj)]
        words[words.index("-o") + 1] = str(result)
        words[words.index("-MF") + 1] = str(result) + ".d"
        first = next(i for i, word in enumerate(words) if word.startswith("-I"))
        words.insert(first, f"-I{overlay}")
        if words[-1].endswith("/" + BACKEND + mutant.file):
            words[-1] = str(overlay / "tuco" / BACKEND / mutant.file)
        self.run(words)

    def link(self, program, replaced, result):
        words = [str(replaced.get(word, word)) for word in self.command(program)]
        words[words.index("-o") + 1] = str(result)
        self.run(words)


def first_sign(output, status):
    """What found the mutant, in a line."""
    def tidy(text):
        return re.sub(r"\s+", " ", text).strip()[:150]

    lines = output.splitlines()
    for line in lines:
        if line.startswith("stand-in: "):
            return "the stand-in: " + tidy(line[len("stand-in: "):])
    for line in lines:
        thrown = re.search(r'C\+\+ exception with description "(.*?)"?( thrown in.*)?$', line)
        if thrown:
            return "an error: " + tidy(thrown.group(1))
    for i, line in enumerate(lines):
        if re.search(r": Failure$", line):
            where = re.sub(r".*/tests/", "", line.split(": Failure")[0])
            what = tidy(" ".join(lines[i + 1:i + 9]).split("Google Test trace")[0])
            kind = "NaN" if re.search(r"\bnan\b", what) else "a check"
            return f"{kind}, {where}: {what}"[:190]
    if status is None:
        return f"it did not end in {LIMIT_S} s"
    last = [l for l in lines if l.strip()]
    return f"exit status {status}: {tidy(last[-1]) if last else 'no output'}"


def run_tests(program, test, env):
    """The status (None: no end) and the output of a test program."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STANDIN_")}
    environment.update({"TUCO_TEST_DEVICE": "cuda", "TUCO_CUDA_CACHE": "0"}, **env)
    try:
        done = subprocess.run([str(program), f"--gtest_filter={test}", "--gtest_fail_fast"],
                              env=environment, text=True, timeout=LIMIT_S, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b"").decode(errors="replace")


class Judge:
    def __init__(self, build, scratch):
        self.build, self.scratch = build, scratch
        self.lock = threading.Lock()
        self.sound = {}  # tests that pass without a mistake: what finds one must be its doing

    def require_sound(self, mutant, program, test):
        key = (program, test, tuple(sorted(mutant.env.items())))
        with self.lock:
            if key not in self.sound:
                status, output = run_tests(self.build.folder / PROGRAMS[program], test, mutant.env)
                passed = re.search(r"\[  PASSED  \] ([1-9]\d*) test", output)
                self.sound[key] = status == 0 and passed is not None
                if not self.sound[key]:
                    print(f"without a mutant, {program} {test}: {output[-800:]}", file=sys.stderr)
            if not self.sound[key]:
                raise Broken(f"{mutant.name}: {program} {test} does not pass without it, or runs "
                             "no test")

    def judge(self, mutant):
        """What found the mutant; None if nothing did."""
        text = mutated(mutant)
        for program, test in mutant.tests:
            self.require_sound(mutant, program, test)
        folder = self.scratch / re.sub(r"\W+", "_", mutant.name)
        overlay = folder / "include"
        changed = overlay / "tuco" / BACKEND / mutant.file
        changed.parent.mkdir(parents=True)
        changed.write_text(text)
        replaced = {}
        for obj in self.build.readers.get(mutant.file, []):
            if mutant.only and not any(part in obj for part in mutant.only):
                continue
            replaced[obj] = folder / pathlib.Path(obj).name
            self.build.compile(obj, mutant, overlay, replaced[obj])
        if not replaced:
            raise Broken(f"{mutant.name}: no object of the build reads {mutant.file}")
        found = None
        for program, test in mutant.tests:
            binary = folder / program
            self.build.link(PROGRAMS[program], replaced, binary)
            status, output = run_tests(binary, test, mutant.env)
            binary.unlink()
            if status != 0:
                found = first_sign(output, status)
                break
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", help="the folder of a build by Ninja")
    parser.add_argument("names", nargs="*", help="parts of the names of mutants; without, all")
    parser.add_argument("--check", action="store_true", help="only look whether all can be planted")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at a time")
    options = parser.parse_args()
    wanted = [m for m in MUTANTS
              if not options.names or any(part in m.name for part in options.names)]
    broken = []
    for mutant in wanted:
        try:
            mutated(mutant)
        except Broken as error:
            broken.append(str(error))
    if len({m.name for m in MUTANTS}) != len(MUTANTS):
        broken.append("two mutants have one name")
    if options.check or broken:
        print("\n".join(broken) or f"{len(wanted)} mutants can be planted")
        return 2 if broken else 0
    if not options.build:
        parser.error("expected the folder of a build")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="tuco-mutants-") as scratch:
        judge = Judge(Build(options.build), pathlib.Path(scratch))

        def one(mutant):
            try:
                return mutant, judge.judge(mutant), None
            except Broken as error:
                return mutant, None, str(error)

        print("| mutant | found by |\n|---|---|", flush=True)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for mutant, found, error in pool.map(one, wanted):
                if error:
                    broken.append(f"{mutant.name}: {error}")
                missed += not error and not found
                sign = "does not build" if error else found or "NOT FOUND"
                print(f"| {mutant.name} | {sign.replace('|', '/')} |", flush=True)
    print(f"\n{len(wanted)} mutants, {missed} not found, {len(broken)} that cannot be planted")
    print("\n".join(broken))
    return 2 if broken else 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(f"mutants.py: {error}")
