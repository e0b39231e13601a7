"""What was tried to come nearer to the goals: the same training with one thing changed, on the same worlds."""

from pathlib import Path

from . import calibrate, fit, judge, parallel, report, signins
from .evidence import Evidence
from .report import MODEL, short, table, two

# Name, what it is about, settings of `fit.train_channel`. All but the first are trained once, not averaged: compare them with "once".
TRIED = [
    (MODEL, f"as committed: {fit.BAGS} averaged", {}),
    ("once", "not averaged", dict(bags=1)),
    ("every pair", "no limit to pairs", dict(bags=1, most=None)),
    ("64 pairs", "fewer pairs", dict(bags=1, most=64)),
    ("finer bins", "127 bins a curve instead of 31", dict(bags=1, boosting=dict(max_bin=127))),
    ("from nothing", "nothing known before training", dict(bags=1, prior=None)),
    ("slower", "2,000 rounds at .045", dict(bags=1, boosting=dict(rounds=2_000, learning_rate=0.045))),
    ("classes even", "every class of attackers has the same weight", dict(bags=1, even=1.0)),
    ("lost phones as others", "no weight for people who lost their phone", dict(bags=1, lost=1.0)),
    ("no directions", "breaks the laws, no candidate: what they cost", dict(bags=1, boosting=dict(free=True))),
]
HIDDEN = "round trips hidden in two training worlds"
LEFT_OUT = (("as committed", {}), ("from nothing", dict(prior=None)), ("from nothing, 32 pairs", dict(prior=None, most=32)), ("from nothing, classes even", dict(prior=None, even=1.0)))  # fmt: skip
HARDEST = ("se_care", "slow_poison", "insider")


def run(out: Path, about: str, worlds: list[Evidence], hidden: list[Evidence], tests: list[Evidence], hidden_tests: list[Evidence], reference, seed: int, tick):
    """`hidden`: the worlds as if no round trip had ever been measured; of the training worlds the last two or more."""
    variants = [(name, what, worlds, settings) for name, what, settings in TRIED]
    variants.append((HIDDEN, "so that the model leans on them less", [*worlds[: -len(hidden)], *hidden], dict(bags=1)))

    def vary(variant):
        name, what, those, settings = variant
        models = {channel: fit.train_channel(those, channel, seed, **settings) for channel in worlds[0].channels}
        calibrate.calibrate(models, those)
        return models, _row(name, what, models, those, tests, hidden_tests)

    found = parallel.each(vary, variants, tick)
    models = found[0][0]

    def leave(case):
        (_, settings), kind = case
        return report.left_out(worlds, tests[0], models, seed, kind, **settings)

    cases = [(how, kind) for how in LEFT_OUT for kind in HARDEST]
    aucs = dict(zip([(how[0], kind) for how, kind in cases], parallel.each(leave, cases, tick)))
    left = [[name, *(short(aucs[name, kind]) for kind in HARDEST)] for name, _ in LEFT_OUT]
    head = ["", "what", "dev, a request", "dev, an attack", "other worlds, 1 %", "dev, no round trips", "lost phone, times the average at 1 %", "calibration error"]
    worlds_head = ["", *(t.world for t in tests)]
    (out / "TRIED.md").write_text(f"""# What was tried, in figures

By `{about}`, seed {seed}: each line trains the model anew with one thing changed. Detection at 1 % / 5 % as in
[REPORT.md](REPORT.md); worlds in the order {", ".join(t.world for t in tests)}. Differences of less than about .01 are chance.
What they mean: [EXPERIMENTS.md](EXPERIMENTS.md).

{table(head, [row for _, row in found])}
AUC on a class, on dev, of a model trained without it (once, {report.LEFT_OUT_ROUNDS} rounds):

{table(["", *HARDEST], left)}
Calibration of the committed model in other ways, expected error per world, at its own share of attacks:

{table(worlds_head, _calibrations(models, worlds, tests))}
Sign-ins of the reference world, re-authentications in 12:

{table(["", "published signals", "with round trips", "all"], signins.variants(*reference, seed))}""")


def _row(name, what, models, worlds, tests, hidden) -> list[str]:
    scores = [calibrate.score_all(models, test) for test in tests]
    judged = [judge.judge(test, score) for test, score in zip(tests, scores)]
    alarms = [judge.false_alarms(test, score) for test, score in zip(tests, scores)]
    times = [a["lost"][1][0.01] / max(1e-9, a["all"][1][0.01]) for a in alarms]
    errors = [f"{x:.4f}" for x in _errors(scores, worlds, tests)]
    without = judge.judge(hidden[0], calibrate.score_all(models, hidden[0]))
    return [name, what, two(judged[0].mean), two(judged[0].attacks), " ".join(short(j.mean[0.01]) for j in judged[1:]), two(without.mean), " ".join(f"{t:.1f}" for t in times), " ".join(errors)]  # fmt: skip


def _errors(scores, worlds, tests) -> list[float]:
    window = calibrate.window_prevalence(worlds)
    return [judge.calibration(test, score, window)["error_here"] for test, score in zip(tests, scores)]


def _calibrations(models, worlds, tests) -> list[list[str]]:
    """Larger and smaller pools, the first world alone, and each world's own window."""
    found = []
    ways = [(f"pools of {least} rows or more", worlds, least) for least in (15, 40, 100, 200, 400)]
    for name, those, least in [*ways, (f"pools of {calibrate.LEAST}, on the first world alone", worlds[:1], calibrate.LEAST)]:
        calibrate.calibrate(models, those, least=least)
        found.append([name, *(f"{x:.4f}" for x in _errors([calibrate.score_all(models, t) for t in tests], those, tests))])
    own = []
    for test in tests:
        calibrate.calibrate(models, [test], least=calibrate.LEAST)
        own += _errors([calibrate.score_all(models, test)], [test], [test])
    found.append([f"pools of {calibrate.LEAST}, on the world's own days {calibrate.CALIBRATE[0]}-{calibrate.CALIBRATE[1]}", *(f"{x:.4f}" for x in own)])
    calibrate.calibrate(models, worlds)
    chance = [judge.calibration(t, calibrate.score_all(models, t), calibrate.window_prevalence(worlds))["error_chance"] for t in tests]
    found.append(["if all probabilities were right", *(f"{x:.4f}" for x in chance)])
    return found
