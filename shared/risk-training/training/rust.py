"""Calls the production code: population tables, evidence, scores."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class RiskEval:
    """`risk-eval`, built once."""

    def __init__(self, program: Path | None = None):
        if program is None:
            subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "risk-eval"], cwd=ROOT, check=True)
            about = subprocess.run(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT, check=True, capture_output=True)
            program = Path(json.loads(about.stdout)["target_directory"]) / "release" / "risk-eval"
        self.program = program

    def _run(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"risk-eval {arguments[0]}: {done.stderr.strip()}")
        return done.stderr

    def background(self, events: Path, out: Path, until: int):
        self._run("background", "--events", events, "--out", out, "--until", until)

    def evidence(self, events: Path, background: Path, out: Path, *flags: str):
        """`flags`: `--sign-ins`, `--without-round-trips`."""
        self._run("evidence", "--events", events, "--background", background, "--out", out, *flags)

    def score(self, events: Path, model: Path, out: Path) -> str:
        return self._run("score", "--events", events, "--model", model, "--out", out)
