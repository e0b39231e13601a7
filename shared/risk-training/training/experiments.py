"""What was tried to come nearer to the goals: the same training with one thing changed, on the same worlds."""

from pathlib import Path

from . import calibrate, fit, judge
from .evidence import Evidence
from .report import MODEL, short, table, two

# Name, what it is about, settings of `fit.train_channel`.
TRIED = [
    (MODEL, "as committed", {}),
    ("32 pairs", "fewer pairs, smoother", dict(most=32)),
    ("every pair", "no limit", dict(most=10_000)),
    ("600 rounds", "smoother curves", dict(boosting=dict(rounds=600))),
    ("2,400 rounds", "finer curves", dict(boosting=dict(rounds=2_400))),
    ("stiffer", "leaves of at least 60 rows, ridge 10", dict(boosting=dict(min_child_samples=60, lambda_l2=10.0))),
    ("classes even", "every class of attackers has the same weight", dict(even=1.0)),
    ("lost phones as others", "no weight for people who lost their phone", dict(lost=1.0)),
    ("no directions", "breaks the laws, no candidate: what they cost", dict(boosting=dict(free=True))),
]
DEV_ONLY = "dev and its two neighbours"


def run(out: Path, about: str, worlds: list[Evidence], tests: list[Evidence], seed: int, tick):
    rows = []
    variants = [(name, what, worlds, settings) for name, what, settings in TRIED]
    variants.insert(1, (DEV_ONLY, "three training worlds, none drawn anew", worlds[:3], {}))
    for name, what, those, settings in variants:
        models = {channel: fit.train_channel(those, channel, seed, **settings) for channel in worlds[0].channels}
        calibrate.calibrate(models, those)
        rows.append(_row(name, what, models, those, tests))
        if name == MODEL:
            calibrations = _calibrations(models, worlds, tests)
        tick()
    head = ["", "what", "dev, a request", "dev, an attack", "other worlds, 1 %", "lost phone, times the average at 1 %", "calibration error"]
    found = ["calibration", *(t.world for t in tests)]
    (out / "EXPERIMENTS.md").write_text(f"""# What was tried

By `{about}`, seed {seed}: each line trains the model anew with one thing changed. Detection at 1 % / 5 % as in
[REPORT.md](REPORT.md); worlds in the order {", ".join(t.world for t in tests)}. Differences of less than about .01 are chance.

{table(head, rows)}
Calibration of the same model in other ways, expected error per world, at its own share of attacks:

{table(found, calibrations)}""")


def _row(name, what, models, worlds, tests) -> list[str]:
    scores = [calibrate.score_all(models, test) for test in tests]
    judged = [judge.judge(test, score) for test, score in zip(tests, scores)]
    alarms = [judge.false_alarms(test, score) for test, score in zip(tests, scores)]
    times = [a["lost"][1][0.01] / max(1e-9, a["all"][1][0.01]) for a in alarms]
    errors = [f"{x:.4f}" for x in _errors(scores, worlds, tests)]
    return [name, what, two(judged[0].mean), two(judged[0].attacks), " ".join(short(j.mean[0.01]) for j in judged[1:]), " ".join(f"{t:.1f}" for t in times), " ".join(errors)]  # fmt: skip


def _errors(scores, worlds, tests) -> list[float]:
    window = calibrate.window_prevalence(worlds)
    return [judge.calibration(test, score, window)["error_here"] for test, score in zip(tests, scores)]


def _calibrations(models, worlds, tests) -> list[list[str]]:
    """Larger and smaller pools, and the first world alone."""
    found = []
    for name, those, least in (
        ("pools of 40 rows or more", worlds, 40),
        ("of 15", worlds, 15),
        ("of 200", worlds, 200),
        ("of 40, on the first world alone", worlds[:1], 40),
    ):
        calibrate.calibrate(models, those, least=least)
        found.append([name, *(f"{x:.4f}" for x in _errors([calibrate.score_all(models, t) for t in tests], those, tests))])
    calibrate.calibrate(models, worlds)
    chance = [judge.calibration(t, calibrate.score_all(models, t), calibrate.window_prevalence(worlds))["error_chance"] for t in tests]
    found.append(["if all probabilities were right", *(f"{x:.4f}" for x in chance)])
    return found
