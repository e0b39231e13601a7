"""Trains a channel: trees of depth two, directions kept, boosted from what is known before; then averages and sums the
trees into tables.

A tree of depth two asks for `a`, then for `b` on one side and `c` on the other. It is split into a curve of `a`, a
grid of (a, b) and one of (a, c), each of which keeps the directions by itself: see `_take_apart`.
"""

from collections import defaultdict
from dataclasses import dataclass

import lightgbm
import numpy as np

from . import parallel
from .evidence import PRIVILEGED, TRAIN, Evidence
from .model import MICRO, ChannelModel, Curve, Pair

ROUND_TRIPS = (
    "round_trip", "round_trip_network", "round_trip_distance", "round_trip_plain", "pin_round_trip", "pin_round_trip_distance",
)  # fmt: skip
# Sums in which the round trip has a part.
MIXTURES = ("surprise", "pin_surprise", "odd_past", "odd_recent")
PAIRS = 200  # at most, a channel
ROUNDS = 1_200
BAGS = 3  # boosted that often by other chances, and averaged: sums of tables stay tables
# What every care desk and fraud team knows before any case is confirmed, in log-odds for each cut that a value passes in
# the riskier direction. The trees go on from here and can add to it, not take from it: so that it holds for attackers whom
# the training has never met.
PRIOR = {
    "care_failed": {0.5: 0.5, 1.5: 0.5, 2.5: 0.5},
    "care_own": {0.5: 0.4},
    "care_alone": {0.5: 0.3, 1.5: 0.3},
    "lost_but_attached": {0.5: 0.8},
    "since_failed_contact": {0.7: 0.8},  # a day
    "questions": {0.9: 0.4, 2.5: 0.4},
    "pin_care_failed": {0.5: 0.5, 1.5: 0.5},
    "pin_care_own": {0.5: 0.4},
}
# A genuine request of somebody who lost the phone counts for so many, so that the unlucky do not bear the false alarms.
LOST = 2.5
SETTINGS = dict(
    objective="binary", learning_rate=0.07, max_bin=31, num_leaves=4, max_depth=2, min_child_samples=20, feature_fraction=0.6,
    bagging_fraction=0.8, bagging_freq=1, lambda_l2=3.0, monotone_constraints_method="intermediate", verbose=-1,
    deterministic=True, force_row_wise=True, num_threads=1,
)  # fmt: skip


@dataclass
class Rows:
    """What one channel is trained on, of all worlds."""

    names: list[str]
    directions: dict[str, int]
    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    medians: np.ndarray  # of genuine rows where present; NaN where a column never is


def gather(worlds: list[Evidence], channel: str, leave_out=(), without_columns=(), only=None, days=TRAIN, acts=PRIVILEGED, lost=LOST, even=0.0) -> Rows:
    """`leave_out`: without these classes; `only`: of these columns; `even`: 1 gives every class of attackers the same weight,
    0 every request. Household attackers are near their victims in everything and only blur."""
    names = [name for name in worlds[0].names if name not in without_columns and (only is None or name in only)]
    xs, ys, kinds = [], [], []
    for world in worlds:
        wanted = [world.acts.index(act) for act in acts]
        rows = world.between(days) & world.of(channel) & np.isin(world.act, wanted) & ~np.isin(world.kind, ["household", *leave_out])
        xs.append(world.columns(names)[rows])
        ys.append(world.attack[rows])
        kinds.append(world.kind[rows])
    x, y, kinds = np.concatenate(xs), np.concatenate(ys), np.concatenate(kinds)
    weights = np.where(kinds == "lost", lost, 1.0)
    classes, counts = np.unique(kinds[y], return_counts=True)
    for kind, count in zip(classes, counts):
        weights[kinds == kind] = (counts.mean() / count) ** even
    used = [i for i in range(len(names)) if np.unique(x[:, i][~np.isnan(x[:, i])]).size > 1]
    x, names = x[:, used], [names[i] for i in used]
    genuine = x[~y]
    medians = np.array([_median_present(genuine[:, i]) for i in range(x.shape[1])], np.float32)
    return Rows(names, worlds[0].directions, x, y, weights, medians)


def _median_present(column: np.ndarray) -> np.float32:
    """The lower median, so that it is a value that occurs."""
    present = np.sort(column[~np.isnan(column)])
    return present[(len(present) - 1) // 2] if len(present) else np.float32(np.nan)


def prior_of(name: str, direction: int, values: np.ndarray, prior=PRIOR) -> np.ndarray:
    """What is known of these values before training; of a missing one nothing."""
    found = np.zeros(len(values))
    for cut, step in prior.get(name, {}).items():
        found += step * (values > np.float32(cut) if direction > 0 else values <= np.float32(cut))
    return found


def boost(rows: Rows, x: np.ndarray, seed: int, pairs: list[tuple[str, str]] | None = None, rounds=ROUNDS, free=False, prior=None, **other) -> lightgbm.Booster:
    settings = SETTINGS | dict(seed=seed) | other
    if not free:
        settings["monotone_constraints"] = [rows.directions[name] for name in rows.names]
    if pairs is not None:
        index = {name: i for i, name in enumerate(rows.names)}
        settings["interaction_constraints"] = [[index[a], index[b]] for a, b in pairs if a in index and b in index] + [[i] for i in range(len(rows.names))]
    known = None
    if prior:
        known = sum(prior_of(name, rows.directions[name], x[:, i], prior) for i, name in enumerate(rows.names))
    data = lightgbm.Dataset(x, rows.y.astype(np.float32), weight=rows.weights, init_score=known, feature_name=rows.names)
    return lightgbm.train(settings, data, rounds)


def choose_pairs(booster: lightgbm.Booster, most: int = PAIRS) -> list[tuple[str, str]]:
    """The pairs with the largest gain at the second question, best first."""
    gains = defaultdict(float)
    names = booster.feature_name()
    for tree in booster.dump_model()["tree_info"]:
        root = tree["tree_structure"]
        for side in ("left_child", "right_child"):
            child = root.get(side, {})
            if "split_feature" in child and child["split_feature"] != root["split_feature"]:
                gains[tuple(sorted((names[root["split_feature"]], names[child["split_feature"]])))] += child["split_gain"]
    return [pair for pair, _ in sorted(gains.items(), key=lambda item: (-item[1], item[0]))[:most]]


def train(worlds: list[Evidence], seed: int, tick=lambda: None, **settings) -> dict[str, ChannelModel]:
    """A model of each channel, by the settings of `train_channel`."""
    channels = worlds[0].channels
    return dict(zip(channels, parallel.each(lambda channel: train_channel(worlds, channel, seed, **settings), channels, tick)))


def train_channel(worlds: list[Evidence], channel: str, seed: int, most=PAIRS, bags=BAGS, prior=PRIOR, boosting=None, **those) -> ChannelModel:
    """`most`: pairs; `boosting`: other settings, as `boost` takes them; `those`: which rows and columns, as `gather` takes them."""
    rows, boosting = gather(worlds, channel, **those), boosting or {}
    if boosting.get("free"):
        rows.directions = dict.fromkeys(rows.directions, 0)
    x = rows.x.copy()
    pairs = None if most is None else choose_pairs(boost(rows, x, seed, **boosting), most)
    # Missing must not count less than the median of present. Where it would, it is trained as the median.
    as_median: set[str] = set()
    for _ in range(4):
        boosters = [boost(rows, x, 100 * bag + seed, pairs, prior=prior, **boosting) for bag in range(bags)]
        model, broken = to_tables(boosters, rows, as_median, prior)
        if not broken:
            break
        as_median |= broken
        for name in broken:
            column = x[:, rows.names.index(name)]
            column[np.isnan(column)] = rows.medians[rows.names.index(name)]
    enforce_missing(model)
    means(model, rows)
    return model


def to_tables(boosters, rows: Rows, as_median: set[str], prior=None) -> tuple[ChannelModel, set[str]]:
    """The mean of the trees, and what was known before them, as tables; and the features whose missing value would count
    less than their median."""
    cuts, trees = defaultdict(set), []
    for booster in boosters:
        names = booster.feature_name()
        for tree in booster.dump_model()["tree_info"]:
            trees.append(_node(tree["tree_structure"], names, cuts, 1 / len(boosters)))
    prior = {name: steps for name, steps in (prior or {}).items() if name in rows.names}
    for name, steps in prior.items():
        cuts[name].update(np.float32(cut) for cut in steps)
    cuts = {name: np.array(sorted(found), np.float32) for name, found in cuts.items()}
    used_in_pair: dict[tuple[str, str], np.ndarray] = {}
    curves = {name: np.zeros(len(cut) + 2) for name, cut in cuts.items()}
    base = 0.0
    for name in prior:
        # One value a bin: the last of those that belong to it.
        values = np.append(cuts[name], np.float32(np.inf))
        curves[name][:-1] += prior_of(name, rows.directions[name], values, prior)
    for tree in trees:
        base += _take_apart(tree, rows.directions, cuts, curves, used_in_pair)

    median = dict(zip(rows.names, rows.medians))
    typical = {name: int(np.searchsorted(cut, median[name], side="left")) for name, cut in cuts.items()}
    broken = set()
    for name, values in curves.items():
        if name in as_median:
            values[-1] = values[typical[name]]
    for (a, b), grid in used_in_pair.items():
        if a in as_median:
            grid[-1, :] = grid[typical[a], :]
        if b in as_median:
            grid[:, -1] = grid[:, typical[b]]
    for name in cuts:
        if name in as_median:
            continue
        # What missing adds over the median, at worst, over all terms together.
        gap = curves[name][-1] - curves[name][typical[name]]
        for (a, b), grid in used_in_pair.items():
            if a == name:
                gap += (grid[-1, :] - grid[typical[a], :]).min()
            elif b == name:
                gap += (grid[:, -1] - grid[:, typical[b]]).min()
        if gap < -0.02:
            broken.add(name)

    model, directions = ChannelModel(0, [], []), rows.directions
    for name in sorted(curves):
        values = _rounded(curves[name], [directions[name]])
        base += values[typical[name]] / MICRO
        values -= values[typical[name]]
        if values.any():
            model.curves.append(_thin(Curve(name, cuts[name], values, typical[name]), median[name]))
    for (a, b), grid in sorted(used_in_pair.items()):
        values = _rounded(grid, [directions[a], directions[b]])
        base += values[typical[a], typical[b]] / MICRO
        values -= values[typical[a], typical[b]]
        if values.any():
            model.pairs.append(_thin_pair(Pair((a, b), (cuts[a], cuts[b]), values, (typical[a], typical[b])), median[a], median[b]))
    model.base = int(round(base * MICRO))
    return model, broken


def _rounded(table: np.ndarray, directions: list[int]) -> np.ndarray:
    """As integers, with the directions kept to the last unit."""
    values = np.rint(table * MICRO).astype(np.int64)
    for axis, direction in enumerate(directions):
        present = np.moveaxis(values, axis, 0)[:-1]
        if direction > 0:
            np.maximum.accumulate(present, axis=0, out=present)
        elif direction < 0:
            np.minimum.accumulate(present, axis=0, out=present)
    return values


@dataclass
class Split:
    """`value <= cut` goes left; a missing value where `missing_left` says."""

    name: str
    cut: np.float32
    missing_left: bool
    left: "Split | float"
    right: "Split | float"

    def goes_left(self, cuts: np.ndarray) -> np.ndarray:
        """By bin, the missing one last."""
        left = np.arange(len(cuts) + 1) <= np.searchsorted(cuts, self.cut, side="left")
        return np.append(left, self.missing_left)


def _node(tree: dict, names: list[str], cuts: dict, share: float) -> "Split | float":
    """`share`: what its leaves count."""
    if "split_feature" not in tree:
        return share * tree["leaf_value"]
    name, threshold = names[tree["split_feature"]], tree["threshold"]
    cut = np.float32(min(threshold, float(np.finfo(np.float32).max)))  # "present or missing" asks with the largest float
    if float(cut) > threshold:  # the largest f32 that is not above
        cut = np.nextafter(cut, np.float32(-np.inf))
    cuts[name].add(cut)
    # Without a missing value in training a missing value reads as 0.
    missing_left = tree["default_left"] if tree["missing_type"] == "NaN" else 0.0 <= threshold
    return Split(name, cut, missing_left, _node(tree["left_child"], names, cuts, share), _node(tree["right_child"], names, cuts, share))


def _leaves(node) -> tuple[float, float]:
    return (node, node) if not isinstance(node, Split) else (node.left, node.right)


def _take_apart(tree, directions, cuts, curves, grids) -> float:
    """Adds a tree to the tables and returns its constant.

    With direction up in `a`, no leaf on the left is above one on the right. So the curve takes the largest left and
    the smallest right leaf, the left grid what is below that and the right grid what is above: each goes up by itself.
    """
    if not isinstance(tree, Split):
        return tree
    a = tree.name
    goes_left = tree.goes_left(cuts[a])
    direction = directions[a]
    for node, side, here in ((tree.left, "left", goes_left), (tree.right, "right", ~goes_left)):
        low, high = min(_leaves(node)), max(_leaves(node))
        anchor = {0: (low + high) / 2, 1: high if side == "left" else low, -1: low if side == "left" else high}[direction]
        if isinstance(node, Split) and node.name == a:
            curves[a] += np.where(here, np.where(node.goes_left(cuts[a]), node.left, node.right), 0.0)
            continue
        curves[a] += np.where(here, anchor, 0.0)
        if isinstance(node, Split):
            b = node.name
            term = np.where(node.goes_left(cuts[b]), node.left, node.right) - anchor
            key = (a, b) if a < b else (b, a)
            grid = grids.setdefault(key, np.zeros((len(cuts[key[0]]) + 2, len(cuts[key[1]]) + 2)))
            grid += np.outer(here, term) if key == (a, b) else np.outer(term, here)
    return 0.0


def _thin(curve: Curve, median) -> Curve:
    """Without cuts at which nothing changes."""
    present = curve.values[:-1]
    keep = np.flatnonzero(present[1:] != present[:-1])
    cuts = curve.cuts[keep]
    values = np.append(present[np.append(keep, len(present) - 1)], curve.values[-1])
    return Curve(curve.feature, cuts, values, int(np.searchsorted(cuts, median, side="left")))


def _thin_pair(pair: Pair, median_a, median_b) -> Pair:
    grid, cuts = pair.values, list(pair.cuts)
    for axis in (0, 1):
        lines = np.moveaxis(grid, axis, 0)
        present = lines[:-1]
        keep = np.flatnonzero((present[1:] != present[:-1]).any(axis=1))
        cuts[axis] = cuts[axis][keep]
        grid = np.moveaxis(np.concatenate([present[np.append(keep, len(present) - 1)], lines[-1:]]), 0, axis)
    typical = tuple(int(np.searchsorted(cut, median, side="left")) for cut, median in zip(cuts, (median_a, median_b)))
    return Pair(pair.features, tuple(cuts), np.ascontiguousarray(grid), typical)


def enforce_missing(model: ChannelModel):
    """The law, term by term: missing is never below the median of present."""
    for curve in model.curves:
        curve.values[-1] = max(curve.values[-1], curve.values[curve.typical])
    for pair in model.pairs:
        grid, (a, b) = pair.values, pair.typical
        grid[-1, :] = np.maximum(grid[-1, :], grid[a, :])
        grid[:, -1] = np.maximum(grid[:, -1], grid[:, b])


def means(model: ChannelModel, rows: Rows):
    """What each term is on average among genuine requests: a reason weighs a term by what it is above that."""
    columns = {name: rows.x[~rows.y][:, i] for i, name in enumerate(rows.names)}
    for term in [*model.curves, *model.pairs]:
        term.mean = int(round(float(term.terms(columns).mean())))


