"""Pictures for a fraud analyst."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402: the backend comes first
import numpy as np  # noqa: E402

from .calibrate import logit  # noqa: E402
from .judge import STEP_UPS, detection_curve, test_rows  # noqa: E402
from .model import MICRO  # noqa: E402

PER_ROW = 4
MOST_PAIRS = 24


def _save(figure, path: Path):
    figure.savefig(path, dpi=90, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def detection(world, scores: dict[str, np.ndarray], ours: str, path: Path):
    shares = np.geomspace(0.002, 0.2, 50)
    figure, axes = plt.subplots(figsize=(9, 5.5))
    drawn = {name: 100 * detection_curve(world, score, shares) for name, score in scores.items()}
    for name in sorted(drawn, key=lambda n: -drawn[n][20]):  # the legend in the order of the curves
        mine = name == ours
        axes.plot(shares * 100, drawn[name], label=name, lw=3 if mine else 1.4, color="black" if mine else None, ls="--" if "trees" in name else "-")
    for share in STEP_UPS:
        axes.axvline(share * 100, color="grey", lw=0.8, ls=":")
    axes.set(xscale="log", xlabel="genuine requests stepped up, %", ylabel="attackers' requests stepped up, %\n(mean of ten classes)", ylim=(0, 100), xlim=(0.2, 20))
    axes.set_xticks([0.2, 0.5, 1, 2, 5, 10, 20], ["0.2", "0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    _save(figure, path)


def calibration(tests, log_odds: dict[str, np.ndarray], window_prevalence: float, path: Path):
    """Each world's probabilities, shifted to its own share of attacks, against what came of them."""
    figure, axes = plt.subplots(figsize=(6, 5.5))
    axes.plot([1e-4, 1], [1e-4, 1], color="grey", lw=1)
    for world in tests:
        rows = test_rows(world) & (world.kind != "household")
        attack = world.attack[rows]
        shift = logit(float(attack.mean())) - logit(window_prevalence)
        p = 1 / (1 + np.exp(-(log_odds[world.world][rows] / MICRO + shift)))
        chunks = np.array_split(np.argsort(p, kind="stable"), 20)
        points = [(p[c].mean(), attack[c].mean()) for c in chunks]
        axes.plot(*np.maximum(np.array(points).T, 1e-4), "o-", ms=4, lw=2 if world.world == "dev" else 0.8, label=world.world, color="black" if world.world == "dev" else None)
    axes.set(xscale="log", yscale="log", xlabel="probability that the model gives", ylabel="share that were attacks (at the bottom: none)", xlim=(8e-5, 1.2), ylim=(8e-5, 1.2))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, path)


def curves(name: str, model, reasons: dict[str, str], path: Path):
    """Every curve of a channel: what a value adds, in log-odds, to that of the usual value."""
    terms = sorted(model.curves, key=lambda c: -np.ptp(c.values))
    rows = -(-len(terms) // PER_ROW)
    figure, grid = plt.subplots(rows, PER_ROW, figsize=(4 * PER_ROW, 2.3 * rows), squeeze=False)
    for axes in grid.flat[len(terms) :]:
        axes.axis("off")
    for axes, curve in zip(grid.flat, terms):
        cuts = curve.cuts[np.abs(curve.cuts) < 1e6]
        values = curve.values[: len(cuts) + 1] / MICRO
        if len(cuts):
            margin = 0.08 * (np.ptp(cuts) or 1)
            edges = np.concatenate([[cuts[0] - margin], cuts, [cuts[-1] + margin]])
            axes.stairs(values, edges, baseline=None, color="black", lw=1.6)
        axes.axhline(curve.values[-1] / MICRO, color="tab:red", lw=0.8, ls=":")
        axes.set_title(f"{curve.feature}  ({reasons[curve.feature]})", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.2)
    figure.suptitle(f"{name}: what each value adds to the log-odds (dotted red: missing)", y=1.0)
    figure.tight_layout()
    _save(figure, path)


def pairs(name: str, model, path: Path):
    """The pairs that move most."""
    terms = sorted(model.pairs, key=lambda p: -np.ptp(p.values))[:MOST_PAIRS]
    if not terms:
        return
    rows = -(-len(terms) // PER_ROW)
    figure, grid = plt.subplots(rows, PER_ROW, figsize=(4 * PER_ROW, 3 * rows), squeeze=False)
    most = max(np.abs(p.values).max() for p in terms) / MICRO
    for axes in grid.flat[len(terms) :]:
        axes.axis("off")
    for axes, pair in zip(grid.flat, terms):
        shown = axes.imshow(pair.values[:-1, :-1] / MICRO, aspect="auto", origin="lower", cmap="RdBu_r", vmin=-most, vmax=most)
        axes.set_ylabel(pair.features[0], fontsize=7)
        axes.set_xlabel(pair.features[1], fontsize=7)
        for set_ticks, cuts in ((axes.set_yticks, pair.cuts[0]), (axes.set_xticks, pair.cuts[1])):
            step = max(1, len(cuts) // 4)
            # Trees cut at "above zero" by the smallest number.
            set_ticks([i + 0.5 for i in range(0, len(cuts), step)], [f"{0 if abs(c) < 1e-30 else c:.3g}" for c in cuts[::step]], fontsize=6)
        axes.set_title(f"{pair.values.min() / MICRO:+.1f} to {pair.values.max() / MICRO:+.1f}", fontsize=7)
    figure.suptitle(f"{name}: what pairs add to the log-odds beyond their curves; the {len(terms)} that move most of {len(model.pairs)}", y=1.0)
    figure.tight_layout()
    figure.colorbar(shown, ax=grid, shrink=0.5, pad=0.01)
    _save(figure, path)
