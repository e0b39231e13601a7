"""The additive model as tables of integers: the same sums here and in Rust, to the bit.

A value's bin is the number of cuts below it; NaN has a bin of its own. All terms are micro-log-odds.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MICRO = 1_000_000


def f32_text(cut: np.float32) -> float:
    """A float that prints as the shortest decimal of the f32."""
    return float(str(np.float32(cut)))


def bins(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Bin of each f32: the number of cuts below it; the one after the last for NaN."""
    found = np.searchsorted(cuts, values, side="left")
    return np.where(np.isnan(values), len(cuts) + 1, found)


@dataclass
class Curve:
    feature: str
    cuts: np.ndarray
    values: np.ndarray  # i64, one a bin, the last one for a missing value
    typical: int
    mean: int = 0

    def terms(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        return self.values[bins(columns[self.feature], self.cuts)]

    def as_json(self) -> dict:
        *present, missing = self.values.tolist()
        return dict(feature=self.feature, cuts=[f32_text(c) for c in self.cuts], values=present, missing=missing, typical=self.typical, mean=self.mean)


@dataclass
class Pair:
    features: tuple[str, str]
    cuts: tuple[np.ndarray, np.ndarray]
    values: np.ndarray  # i64, a grid with the missing row and column last
    typical: tuple[int, int]
    mean: int = 0

    def terms(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        rows, cols = (bins(columns[feature], cuts) for feature, cuts in zip(self.features, self.cuts))
        return self.values[rows, cols]

    def as_json(self) -> dict:
        return dict(
            features=list(self.features), cuts=[[f32_text(c) for c in cuts] for cuts in self.cuts], values=self.values.tolist(),
            typical=list(self.typical), mean=self.mean,
        )  # fmt: skip


@dataclass
class ChannelModel:
    base: int
    curves: list[Curve]
    pairs: list[Pair]
    at: np.ndarray = None  # calibration knots: raw score
    log_odds: np.ndarray = None
    bands: tuple[int, int, int] = None

    def features(self) -> list[str]:
        return sorted({c.feature for c in self.curves} | {f for p in self.pairs for f in p.features})

    def scores(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        total = np.full(len(next(iter(columns.values()))), self.base, np.int64)
        for term in [*self.curves, *self.pairs]:
            total += term.terms(columns)
        return total

    def calibrated(self, raw: np.ndarray) -> np.ndarray:
        """Piecewise linear between knots in integers, flat beyond them."""
        x = np.clip(raw, self.at[0], self.at[-1])
        i = np.clip(np.searchsorted(self.at, x, side="right") - 1, 0, len(self.at) - 2)
        x0, x1, y0, y1 = self.at[i], self.at[i + 1], self.log_odds[i], self.log_odds[i + 1]
        return y0 + (y1 - y0) * (x - x0) // (x1 - x0)

    def as_json(self) -> dict:
        return dict(
            base=self.base, curves=[c.as_json() for c in self.curves], pairs=[p.as_json() for p in self.pairs],
            calibration=dict(at=self.at.tolist(), log_odds=self.log_odds.tolist()), bands=list(self.bands),
        )  # fmt: skip


def write(path: Path, channels: dict[str, ChannelModel], background: dict, trained: dict, prior_shift: int) -> str:
    """Writes the model; its SHA-256 is that of the bytes of the inner object."""
    model = dict(
        format=1, version="ga2m-1", trained=trained, background=background, prior_shift=prior_shift,
        channels={name: channel.as_json() for name, channel in channels.items()},
    )  # fmt: skip
    text = json.dumps(model, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(f'{{"sha256":"{digest}","model":{text}}}\n')
    return digest
