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
    attacks: dict[float, float]  # the same, an attack being caught with any of its requests
    auc: float


def test_rows(world: Evidence) -> np.ndarray:
    return world.between(TEST)


def threshold(score: np.ndarray, genuine: np.ndarray, share: float) -> float:
    """Above it lies at most this share of genuine requests."""
    return float(np.quantile(score[genuine], 1 - share))


def attack_names(world: Evidence) -> np.ndarray:
    return np.char.add(np.char.add(world.campaign, "|"), world.line.astype(str))


def judge(world: Evidence, score: np.ndarray, classes=TEN_CLASSES) -> Judged:
    rows = test_rows(world)
    score, attack, kind, name = score[rows], world.attack[rows], world.kind[rows], attack_names(world)[rows]
    by_class, mean, attacks = {}, {}, {}
    for share in STEP_UPS:
        cut = threshold(score, ~attack, share)
        by_class[share] = {c: float((score[kind == c] > cut).mean()) for c in (*classes, "household") if (kind == c).any()}
        mean[share] = float(np.mean([by_class[share][c] for c in classes if c in by_class[share]]))
        caught = []
        for c in classes:
            any_request = defaultdict(bool)
            for who, above in zip(name[kind == c], score[kind == c] > cut):
                any_request[who] |= bool(above)
            if any_request:
                caught.append(np.mean(list(any_request.values())))
        attacks[share] = float(np.mean(caught))
    counted = ~attack | np.isin(kind, classes)
    return Judged(by_class, mean, attacks, auc(score[counted], attack[counted]))


def auc(score: np.ndarray, attack: np.ndarray) -> float:
    order = np.argsort(score, kind="stable")
    values, ranks = score[order], np.empty(len(score))
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    hits = int(attack.sum())
    return float((ranks[attack].sum() - hits * (hits + 1) / 2) / max(1, hits * (len(score) - hits)))


def intervals(world: Evidence, score: np.ndarray, seed: int) -> dict[float, tuple[float, float]]:
    """95 % of the class mean when campaigns and genuine lines are drawn again."""
    rng = np.random.default_rng(seed)
    rows = test_rows(world)
    score, attack, kind = score[rows], world.attack[rows], world.kind[rows]
    group = np.where(attack, world.campaign[rows], world.line[rows].astype(str))
    genuine = _by_group(np.flatnonzero(~attack), group)
    of_class = {c: _by_group(np.flatnonzero(kind == c), group) for c in TEN_CLASSES}
    found = {share: [] for share in STEP_UPS}
    for _ in range(RESAMPLES):
        honest = score[_drawn(genuine, rng)]
        attackers = {c: score[_drawn(groups, rng)] for c, groups in of_class.items() if groups}
        for share in STEP_UPS:
            cut = np.quantile(honest, 1 - share)
            found[share].append(np.mean([(s > cut).mean() for s in attackers.values()]))
    return {share: tuple(float(x) for x in np.percentile(values, [2.5, 97.5])) for share, values in found.items()}


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
    return {why: (len(s), {share: float((s > cut).mean()) for share, cut in cuts.items()}) for why, s in found.items()}


def calibration(world: Evidence, log_odds: np.ndarray, window_prevalence: float) -> dict[str, float]:
    """Errors of the probability. `log_odds`: micro, at the prevalence of the window that was calibrated on.

    "here": shifted to this world's prevalence; "real": to the real one, with attacks weighted down to it.
    """
    rows = test_rows(world) & (world.kind != "household")
    attack, x = world.attack[rows], log_odds[rows] / MICRO
    own = float(attack.mean())
    down = PREVALENCE / (1 - PREVALENCE) * (1 - own) / own
    found = {}
    for name, prevalence, weight in (("here", own, np.ones(len(x))), ("real", PREVALENCE, np.where(attack, down, 1.0))):
        p = 1 / (1 + np.exp(-(x + logit(prevalence) - logit(window_prevalence))))
        found[f"error_{name}"] = expected_error(p, attack, weight)
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
