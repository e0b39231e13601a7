"""From raw scores to probabilities at real prevalence, and to bands."""

import math

import numpy as np

from .evidence import CALIBRATE, Evidence
from .model import MICRO, ChannelModel

PREVALENCE = 5e-4  # attacks among privileged requests, as carriers report (3e-4 to 1e-3)
BANDS = (0.05, 0.01, 0.001)  # of genuine requests: elevated, high, severe or above
TAIL = 12 * MICRO  # beyond the last knots scores go on at half their slope, so that the top does not run together
MOST = 20 * MICRO
LEAST = 300  # rows that a point of the calibration stands for; with fewer the points are chance


def isotonic(score: np.ndarray, attack: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Knots (score, log-odds), both rising: pools of at least `least` rows whose shares of attacks rise."""
    order = np.argsort(score, kind="stable")
    pools = []  # (rows, attacks, sum of scores)
    for chunk in np.array_split(order, max(2, len(order) // least)):
        pools.append([len(chunk), int(attack[chunk].sum()), float(score[chunk].sum())])
        while len(pools) > 1 and _log_odds(pools[-2]) >= _log_odds(pools[-1]) - 1e-9:
            last = pools.pop()
            pools[-1] = [x + y for x, y in zip(pools[-1], last)]
    at = np.array([round(total / rows) for rows, _, total in pools], np.int64)
    log_odds = np.array([round(_log_odds(pool) * MICRO) for pool in pools], np.int64)
    at = np.concatenate([[at[0] - TAIL], at, [at[-1] + TAIL]])
    log_odds = np.concatenate([[log_odds[0] - TAIL // 2], log_odds, [log_odds[-1] + TAIL // 2]])
    rising = np.append(True, np.diff(at) > 0)
    return at[rising], np.clip(log_odds[rising], -MOST, MOST)


def _log_odds(pool) -> float:
    rows, attacks, _ = pool
    return math.log((attacks + 0.5) / (rows - attacks + 0.5))


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def window_prevalence(worlds: list[Evidence]) -> float:
    """The share of attacks in what was calibrated on."""
    return float(np.concatenate([world.attack[_rows(world)] for world in worlds]).mean())


def prior_shift(worlds: list[Evidence]) -> int:
    """From that to the real prevalence, in micro-log-odds."""
    return round((logit(PREVALENCE) - logit(window_prevalence(worlds))) * MICRO)


def _rows(world: Evidence, leave_out=()) -> np.ndarray:
    return world.between(CALIBRATE) & ~np.isin(world.kind, ["household", *leave_out])


def calibrate(models: dict[str, ChannelModel], worlds: list[Evidence], leave_out=(), least=LEAST):
    """Fits each channel's curve, then one threshold a band over all channels, on genuine requests alone."""
    genuine = []
    for name, model in models.items():
        scores, attacks = [], []
        for world in worlds:
            rows = _rows(world, leave_out) & world.of(name)
            scores.append(model.scores(columns_of(world, model, rows)))
            attacks.append(world.attack[rows])
        scores, attacks = np.concatenate(scores), np.concatenate(attacks)
        model.at, model.log_odds = isotonic(scores, attacks, least)
        genuine.append(model.calibrated(scores[~attacks]))
    genuine = np.concatenate(genuine)
    cuts = [int(np.quantile(genuine, 1 - share)) for share in BANDS]
    for model in models.values():
        model.bands = tuple(_first_at_least(model, cut) for cut in cuts)


def _first_at_least(model: ChannelModel, cut: int) -> int:
    """The lowest raw score that is calibrated to at least `cut`."""
    low, high = int(model.at[0]), int(model.at[-1])
    if int(model.calibrated(np.array([high]))[0]) < cut:
        return high + 1
    while low < high:
        middle = (low + high) // 2
        if int(model.calibrated(np.array([middle]))[0]) >= cut:
            high = middle
        else:
            low = middle + 1
    return low


def columns_of(world: Evidence, model: ChannelModel, rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: world.column(name)[rows] for name in model.features()}


def score_all(models: dict[str, ChannelModel], world: Evidence) -> np.ndarray:
    """Calibrated log-odds of every row, before the prior shift."""
    total = np.zeros(len(world.ids), np.int64)
    for name, model in models.items():
        rows = world.of(name)
        if rows.any():
            total[rows] = model.calibrated(model.scores(columns_of(world, model, rows)))
    return total
