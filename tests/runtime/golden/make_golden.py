#!/usr/bin/env python3
"""Writes the golden cases: single int8 operations with the outputs of TFLite Micro.

  tests/runtime/golden/make_golden.py            writes the *.golden files beside this script
  tests/runtime/golden/make_golden.py --check    tells whether they would come out the same

The packages it needs go into a virtual environment in the system's temporary folder, made when it
is not there. The cases are drawn from fixed seeds: the same package gives the same files.
"""

import pathlib
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["tflite-micro==0.dev20261023182759", "flatbuffers==25.12.19", "numpy==2.4.6"]


def ensure_packages():
    folder = pathlib.Path(tempfile.gettempdir()) / "tuco-golden"
    if pathlib.Path(sys.prefix) == folder:
        return
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "complete").touch()
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]]).returncode)


def main():
    ensure_packages()
    import cases

    differing, total = [], 0
    for stem, make in cases.FILES.items():
        content = b"".join(make())
        path = HERE / f"{stem}.golden"
        total += len(content)
        if not path.exists() or path.read_bytes() != content:
            differing.append(path.name)
        if "--check" not in sys.argv[1:]:
            path.write_bytes(content)
        print(f"{path.name}: {len(content)} bytes")
    print(f"{total} bytes in all; changed: {', '.join(differing) or 'none'}")
    return 1 if differing and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
