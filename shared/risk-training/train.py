#!/usr/bin/env python3
"""Trains the risk model from nothing: makes an environment with pinned packages, then runs `training` in it.

`--check` runs the tests of simulator and tables instead.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parents[1] / ".local" / "risk-env"
PINNED = HERE / "requirements.txt"


def main():
    python = ENVIRONMENT / "bin" / "python"
    made_for = ENVIRONMENT / "requirements.txt"
    if not made_for.exists() or made_for.read_text() != PINNED.read_text():
        print("making the environment", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", PINNED], check=True)
        made_for.write_text(PINNED.read_text())
    # Sums in another order would give another model, and threads that wait for each other burn a busy machine.
    settings = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    what = ["unittest", "discover", "-s", "tests"] if sys.argv[1:] == ["--check"] else ["training", *sys.argv[1:]]
    sys.exit(subprocess.run([python, "-m", *what], cwd=HERE, env=settings).returncode)


if __name__ == "__main__":
    main()
