"""Simulates or reads events, trains, calibrates, exports and reports. Started by `train.py`, which makes its environment."""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from subprocess import run

import numpy as np

from . import calibrate, evidence, experiments, fit, gaps, judge, model, report, signins
from .rust import ROOT, RiskEval

HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class World:
    name: str
    seed: int
    lines: int
    attacks: int

    @property
    def directory(self) -> str:
        return f"{self.name}-s{self.seed}-{self.lines}-a{self.attacks}"


def worlds_of(seed: int, size: int) -> tuple[list[World], list[World], list[World]]:
    """To train on (the first also makes the population tables), to test on (dev first), and for sign-ins."""
    attacks = 600
    train = [World("dev", seed + 10, 2 * size, attacks)]
    train += [World(name, seed + 11 + i, size, attacks) for i, name in enumerate(("phones", "proxies", "varied-1", "varied-2"))]
    names = ("test-no-feed", "test-habits", "test-mobile", "test-vpn")
    test = [World("dev", seed + 1, size, 160), *(World(name, seed + 20 + i, size, 160) for i, name in enumerate(names))]
    reference = [World("reference", seed + 4, size // 4, 160), World("reference", seed + 5, size // 4, 160)]
    return train, test, reference


class Progress:
    """A bar on stderr."""

    def __init__(self, steps: int):
        self.steps, self.done, self.started, self.what = steps, 0, time.monotonic(), ""

    def __call__(self, what: str | None = None, steps: int = 1):
        self.done = min(self.steps, self.done + steps)
        self.what = what or self.what
        filled = 30 * self.done // self.steps
        seconds = int(time.monotonic() - self.started)
        print(f"\r[{'#' * filled}{'.' * (30 - filled)}] {seconds // 60:2}:{seconds % 60:02} {self.what:<40}", end="", file=sys.stderr, flush=True)


def simulate(work: Path, worlds: list[World], progress: Progress):
    """Makes the worlds that are not there yet, two at a time."""

    def one(world: World):
        out = work / world.directory
        if not (out / "complete").exists():
            run(
                [sys.executable, "-m", "simulator", "--world", world.name, "--seed", str(world.seed), "--lines", str(world.lines),
                 "--attacks", str(world.attacks), "--out", str(out)],
                cwd=HERE, check=True, capture_output=True,
            )  # fmt: skip
            (out / "complete").touch()
        progress(f"simulated {world.directory}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, worlds))


def main():
    parser = argparse.ArgumentParser(prog="train.py", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=20_000, help="lines of a test world; the training worlds have six times as many")
    parser.add_argument("--work", type=Path, default=ROOT / ".local" / "risk", help="for worlds and evidence; may be thrown away")
    parser.add_argument("--out", type=Path, default=HERE / "model", help="for the model and its report")
    parser.add_argument("--events", type=Path, help="a carrier's own history instead of a simulation: DIR/events.jsonl and DIR/truth.jsonl")
    parser.add_argument("--risk-eval", type=Path, help="a built risk-eval, if not this workspace's")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--no-report", action="store_true", help="the model alone")
    what.add_argument("--experiments", action="store_true", help="no model: what was tried beside it, to TRIED.md")
    args = parser.parse_args()
    command = "python3 shared/risk-training/train.py" + (f" --seed {args.seed}" if args.seed != 1 else "")
    command += f" --size {args.size}" if args.size != 20_000 else ""

    progress = Progress(60)
    progress("building risk-eval", 0)
    rust = RiskEval(args.risk_eval)
    train, test, reference = worlds_of(args.seed, args.size)
    args.out.mkdir(parents=True, exist_ok=True)

    if args.events:
        paths = {"own": args.events}
        names_train = names_test = ["own"]
        reference = []
        background_from = args.events / "events.jsonl"
    else:
        wanted = train + ([] if args.no_report else test + reference)
        simulate(args.work, wanted, progress)
        paths = {w.directory: args.work / w.directory for w in wanted}
        names_train, names_test = [w.directory for w in train], [w.directory for w in test]
        background_from = paths[names_train[0]] / "events.jsonl"
    events = {name: path / "events.jsonl" for name, path in paths.items()}

    usual = args.work / "background.json"
    args.work.mkdir(parents=True, exist_ok=True)
    rust.background(background_from, usual, evidence.TRAIN[1])

    def weigh(name: str, *flags: str, source: Path | None = None) -> evidence.Evidence:
        out = args.work / "evidence" / "".join([name, *flags, "-shuffled" if source else ""])
        rust.evidence(source or events[name], usual, out, *flags)
        found = evidence.read(out, source or events[name], paths[name] / "truth.jsonl", name.split("-s")[0])
        progress(f"evidence of {name}")
        return found

    def weigh_all(names: list[str], *flags: str) -> list[evidence.Evidence]:
        # One after the other: risk-eval itself uses every core.
        return [weigh(name, *flags) for name in names]

    worlds = weigh_all(names_train)
    if args.experiments:
        tests, hidden_tests = weigh_all(names_test), weigh_all(names_test[:1], "--without-round-trips")
        hidden = weigh_all(names_train[-2:], "--without-round-trips")
        asked = weigh_all([w.directory for w in reference], "--sign-ins")
        experiments.run(args.out, command + " --experiments", worlds, hidden, tests, hidden_tests, asked, args.seed, lambda: progress("experiments"))
        progress("done", progress.steps)
        return
    models = fit.train(worlds, args.seed, lambda: progress("training"))
    calibrate.calibrate(models, worlds)
    trained = dict(command=command, seed=args.seed, on=names_train, days=list(evidence.TRAIN), calibrated=list(evidence.CALIBRATE))
    file = args.out / "model.json"
    digest = model.write(file, models, json.loads(usual.read_text()), trained, calibrate.prior_shift(worlds))
    progress(f"model {digest[:12]}")

    if not args.no_report:
        tests, hidden = weigh_all(names_test), weigh_all(names_test, "--without-round-trips")
        for test_world, name in zip(tests, names_test):
            events[test_world.world] = events[name]
        score = calibrate.score_all(models, tests[0])
        agreement = disagreements(rust, file, events[names_test[0]], args.work / "scores.jsonl", models, tests[0])
        shuffled_events = args.work / "shuffled.jsonl"
        gaps.shuffle_gaps(events[names_test[0]], shuffled_events, args.seed)
        shuffled = weigh(names_test[0], source=shuffled_events)
        aucs = judge.judge(tests[0], score).auc, judge.judge(shuffled, calibrate.score_all(models, shuffled)).auc
        asked = None
        if reference:
            first, second = weigh_all([w.directory for w in reference], "--sign-ins")
            asked = signins.compare(first, second, events[reference[1].directory], args.seed)
        about = report.About(command, args.seed, digest, file.stat().st_size, names_train, agreement, aucs, asked)
        report.write(args.out, about, worlds=worlds, tests=tests, hidden=hidden, events=events, models=models, tick=lambda: progress("report"))
    progress("done", progress.steps)
    spent = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    seconds, mebibytes = sum(u.ru_utime + u.ru_stime for u in spent), max(u.ru_maxrss for u in spent) / 1024
    print(f"\n{seconds:.0f} CPU seconds; the largest process {mebibytes:.0f} MiB\n{digest}", file=sys.stderr)


def disagreements(rust: RiskEval, file: Path, events: Path, out: Path, models, world: evidence.Evidence) -> str:
    """How many scores differ between Rust, from the events, and Python, from the evidence."""
    rust.score(events, file, out)
    raw = np.zeros(len(world.ids), np.int64)
    for name, channel in models.items():
        rows = world.of(name)
        raw[rows] = channel.scores(calibrate.columns_of(world, channel, rows))
    mine = dict(zip(world.ids.tolist(), raw.tolist()))
    differ = compared = 0
    with open(out) as scores:
        for text in scores:
            told = json.loads(text)
            if told.get("score") is None:
                continue
            compared += 1
            differ += told["score"] != mine[told["id"]]
    return f"{differ} of {compared}"


if __name__ == "__main__":
    main()
