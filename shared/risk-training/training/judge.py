"""The protocol's figures. Thresholds come from genuine requests alone."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .calibrate import PREVALENCE, logit
from .evidence import TEN_CLASSES, TEST, Evidence
from .model import MICRO

STEP_UPS = (0.01, 0.05)
RESAMPLES = 200


@dataclass
class Judged:
    """Detection at each share of genuine requests stepped up."""

    by_class: dict[float, dict[str, float]]  # requests
    mean: dict[float, float]  # of the ten classes
    attacks_by_class: dict[float, dict[str, float]]  # the same, an attack being caught with any of its requests
    attacks: dict[float, float]
    auc: float


def test_rows(world: Evidence) -> np.ndarray:
    return world.between(TEST)


def threshold(score: np.ndarray, genuine: np.ndarray, share: float) -> float:
    """Above it lies at most this share of genuine requests."""
    return float(np.quantile(score[genuine], 1 - share))


def attack_names(world: Evidence) -> np.ndarray:
    return np.char.add(np.char.add(world.campaign, "|"), world.line.astype(str))


def judge(world: Evidence, score: np.ndarray, only: np.ndarray | None = None) -> Judged:
    """`only`: on these rows alone."""
    rows = test_rows(world) if only is None else test_rows(world) & only
    score, attack, kind, name = score[rows], world.attack[rows], world.kind[rows], attack_names(world)[rows]
    kinds = [c for c in (*TEN_CLASSES, "household") if (kind == c).any()]
    by_class, attacks_by_class = {}, {}
    for share in STEP_UPS:
        cut = threshold(score, ~attack, share)
        by_class[share] = {c: float((score[kind == c] > cut).mean()) for c in kinds}
        attacks_by_class[share] = {c: _caught(name[kind == c], score[kind == c] > cut) for c in kinds}
    counted = ~attack | (kind != "household")
    return Judged(by_class, _means(by_class), attacks_by_class, _means(attacks_by_class), auc(score[counted], attack[counted]))


def _caught(names: np.ndarray, above: np.ndarray) -> float:
    """The share of attacks with any request above."""
    return len(set(names[above])) / len(set(names))


def _means(by_class: dict[float, dict[str, float]]) -> dict[float, float]:
    return {share: float(np.mean([x for c, x in found.items() if c != "household"])) for share, found in by_class.items()}


def auc(score: np.ndarray, attack: np.ndarray) -> float:
    order = np.argsort(score, kind="stable")
    values, ranks = score[order], np.empty(len(score))
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    hits = int(attack.sum())
    return float((ranks[attack].sum() - hits * (hits + 1) / 2) / max(1, hits * (len(score) - hits)))


def intervals(world: Evidence, score: np.ndarray, seed: int) -> dict:
    """95 % of the class mean and of each class when campaigns and genuine lines are drawn again."""
    rng = np.random.default_rng(seed)
    rows = test_rows(world)
    score, attack, kind = score[rows], world.attack[rows], world.kind[rows]
    group = np.where(attack, world.campaign[rows], world.line[rows].astype(str))
    genuine = _by_group(np.flatnonzero(~attack), group)
    of_class = {c: _by_group(np.flatnonzero(kind == c), group) for c in TEN_CLASSES if (kind == c).any()}
    found = {share: [] for share in STEP_UPS}
    for _ in range(RESAMPLES):
        honest = score[_drawn(genuine, rng)]
        attackers = [score[_drawn(groups, rng)] for groups in of_class.values()]
        for share in STEP_UPS:
            cut = np.quantile(honest, 1 - share)
            found[share].append([(s > cut).mean() for s in attackers])

    def middle(values) -> tuple[float, float]:
        low, high = np.percentile(values, [2.5, 97.5])
        return float(low), float(high)

    drawn = {share: np.array(values) for share, values in found.items()}
    classes = {c: {share: middle(values[:, i]) for share, values in drawn.items()} for i, c in enumerate(of_class)}
    return dict(mean={share: middle(values.mean(axis=1)) for share, values in drawn.items()}, classes=classes)


def _by_group(rows: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
    found = defaultdict(list)
    for row in rows:
        found[group[row]].append(row)
    return [np.array(members) for members in found.values()]


def _drawn(groups: list[np.ndarray], rng) -> np.ndarray:
    return np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])


def false_alarms(world: Evidence, score: np.ndarray) -> dict[str, tuple[int, dict[float, float]]]:
    """By why a genuine person asks: how many there are and the shares stepped up."""
    rows = test_rows(world) & ~world.attack
    everyone = score[rows]
    cuts = {share: np.quantile(everyone, 1 - share) for share in STEP_UPS}
    found = {"all": everyone} | {why: score[rows & (world.kind == why)] for why in ("upgrade", "lost", "esim", "port", "genuine")}
    return {why: (len(s), {share: float((s > cut).mean()) if len(s) else 0.0 for share, cut in cuts.items()}) for why, s in found.items()}


def calibration(world: Evidence, log_odds: np.ndarray, window_prevalence: float) -> dict[str, float]:
    """Errors of the probability. `log_odds`: micro, at the prevalence of the window that was calibrated on.

    "here": shifted to this world's prevalence; "real": to the real one, with attacks weighted down to it; "chance": what
    the error "here" would be if every probability were right, for there are only so many rows.
    """
    rows = test_rows(world) & (world.kind != "household")
    attack, x = world.attack[rows], log_odds[rows] / MICRO
    own = float(attack.mean())
    down = PREVALENCE / (1 - PREVALENCE) * (1 - own) / own
    found = {}
    for name, prevalence, weight in (("here", own, np.ones(len(x))), ("real", PREVALENCE, np.where(attack, down, 1.0))):
        p = 1 / (1 + np.exp(-(x + logit(prevalence) - logit(window_prevalence))))
        found[f"error_{name}"] = expected_error(p, attack, weight)
        if name == "here":
            rng = np.random.default_rng(0)
            found["error_chance"] = float(np.mean([expected_error(p, rng.random(len(p)) < p, weight) for _ in range(50)]))
        found[f"brier_{name}"] = float(np.average((p - attack) ** 2, weights=weight))
    return found


def expected_error(p: np.ndarray, attack: np.ndarray, weight: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error over bins of equal weight."""
    order = np.argsort(p, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    index = np.minimum((share * bins).astype(int), bins - 1)
    total = 0.0
    for b in range(bins):
        members = order[index == b]
        if len(members):
            w = weight[members]
            total += w.sum() * abs(np.average(p[members], weights=w) - np.average(attack[members], weights=w))
    return float(total / weight.sum())


def detection_curve(world: Evidence, score: np.ndarray, shares: np.ndarray) -> np.ndarray:
    rows = test_rows(world)
    score, attack, kind = score[rows], world.attack[rows], world.kind[rows]
    cuts = np.quantile(score[~attack], 1 - shares)
    return np.mean([[(score[kind == c] > cut).mean() for cut in cuts] for c in TEN_CLASSES if (kind == c).any()], axis=0)
