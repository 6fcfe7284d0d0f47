"""Packages for the scripts here, in virtual environments in the system's temporary folder."""

import pathlib
import subprocess
import sys
import tempfile
import venv


def ensure_packages(name, packages):
    """Runs the script anew in the environment `name`, made when it is not there, unless it does already."""
    folder = pathlib.Path(tempfile.gettempdir()) / name
    if pathlib.Path(sys.prefix).resolve() == folder.resolve():
        return
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / "complete").touch()
    sys.exit(subprocess.run([python, *sys.argv]).returncode)
