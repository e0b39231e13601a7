"""What the model is compared with, on the same events in the same order: each is scored before it is learnt from.

Freeman et al. 2016 as Wiefling et al. 2022 run it; a known-device cookie; hand-written rules; the untrained sum of the
evidence; a logistic regression and boosted trees on the same evidence.
"""

import json
import math
from collections import Counter, defaultdict, deque
from pathlib import Path

import numpy as np

from . import parallel
from .evidence import Evidence
from .fit import boost, gather

ADDRESS = (("ip", 0.6), ("asn", 0.3), ("cc", 0.1))
BROWSER = (("ua", 0.53867), ("br", 0.26805), ("os", 0.18818), ("dt", 0.00511))
VISIT = 6 * 3_600  # seconds after which an event is learnt: a visit must not vouch for itself
UNSEEN = 4  # a value new to the user has its share among all, divided by this


class Freeman:
    """p(x) / p(x | user), for address and browser, of everything seen so far; optionally over p(user)."""

    def __init__(self):
        self.everyone = defaultdict(Counter)
        self.users = defaultdict(lambda: defaultdict(Counter))
        self.visits, self.total = Counter(), 0

    def score(self, event: dict) -> tuple[float, float]:
        """The log of the score without and with the user prior; 0 for an event that has neither part."""
        if event["ip"] is None or self.total == 0:
            return 0.0, -math.log(self.visits[event["line"]] + 1)
        user, seen = self.users[event["line"]], self.visits[event["line"]]
        log = 0.0
        for features in (ADDRESS, BROWSER):
            everyone = own = 0.0
            for name, weight in features:
                share = (self.everyone[name][event[name]] + 1) / (self.total + 1)
                count = user[name][event[name]]
                everyone += weight * share
                own += weight * (count / seen if count else share / UNSEEN)
            log += math.log(everyone / own)
        return log, log - math.log(seen + 1)

    def learn(self, event: dict):
        user = self.users[event["line"]]
        for name, _ in ADDRESS + BROWSER:
            self.everyone[name][event[name]] += 1
            user[name][event[name]] += 1
        self.visits[event["line"]] += 1
        self.total += 1


def from_events(world: Evidence, events: Path) -> dict[str, np.ndarray]:
    """Freeman's score and the known device, for the world's rows."""
    row_of = {int(event): row for row, event in enumerate(world.ids)}
    freeman, devices, waiting = Freeman(), defaultdict(set), deque()
    plain, prior, unknown = (np.zeros(len(world.ids)) for _ in range(3))
    with open(events) as file:
        for text in file:
            event = json.loads(text)
            while waiting and waiting[0]["ts"] <= event["ts"] - VISIT:
                known = waiting.popleft()
                freeman.learn(known)
                devices[known["line"]].add(known["did"])
            row = row_of.get(event["id"])
            if row is not None:
                plain[row], prior[row] = freeman.score(event)
                unknown[row] = event["did"] is not None and event["did"] not in devices[event["line"]]
            if event["ip"] is not None and event["ok"]:
                waiting.append(event)
    # Cookies tie: a hair of Freeman's score parts them.
    return {"Freeman/Wiefling": plain, "Freeman/Wiefling with user prior": prior, "known device": unknown + 1e-6 * plain}


def rules(world: Evidence) -> np.ndarray:
    """Points as a fraud team would give them by hand."""

    def have(name):
        return np.nan_to_num(world.column(name), nan=0.0)

    def has(name):
        return ~np.isnan(world.column(name))

    points = 2.0 * (has("device_days") & (have("device_days") == 0)) + 2.0 * (have("asn") > 0.3) + 2.0 * (have("country") > 0.5)
    points += 2.0 * (have("hosting") > 0) + 1.0 * (have("zone") > 0.5) + 1.0 * (have("night") > 1)
    points += 3.0 * (have("since_reset") < math.log1p(1)) + 1.0 * (have("since_unlock") < math.log1p(1))
    points += 3.0 * (have("handset_week") > 0) + 2.0 * (have("carrier_hours") >= math.log1p(3)) + 2.0 * (have("address_day") >= math.log1p(3))
    points += 2.0 * (have("care_failed") >= 2) + 2.0 * (has("care_inbound") & (have("care_inbound") == 0)) + 3.0 * (have("lost_but_attached") > 0)
    return points + 1e-6 * have("surprise")


def untrained_sum(world: Evidence) -> np.ndarray:
    """The matches added up; for a port-out those of its PIN request."""
    return np.nan_to_num(world.column("surprise"), nan=0.0) + np.nan_to_num(world.column("pin_surprise"), nan=0.0)


class Logistic:
    """Ridge logistic regression on standardised evidence, a column of its own for "missing"."""

    def __init__(self, x: np.ndarray, y: np.ndarray, ridge: float = 10.0):
        self.mean, self.spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0) + 1e-6
        z = self._prepare(x)
        self.weights = np.zeros(z.shape[1])
        for _ in range(12):
            p = 1 / (1 + np.exp(-np.clip(z @ self.weights, -30, 30)))
            slope = z.T @ (y - p) - ridge * self.weights
            curvature = (z * (p * (1 - p) + 1e-6)[:, None]).T @ z + ridge * np.eye(z.shape[1])
            self.weights += np.linalg.solve(curvature, slope)

    def _prepare(self, x):
        missing = np.isnan(x)
        z = np.clip(np.where(missing, 0.0, (x - self.mean) / self.spread), -8, 8)
        return np.hstack([z, missing, np.ones((len(x), 1))]).astype(np.float64)

    def score(self, x):
        return self._prepare(x) @ self.weights


def trained(worlds: list[Evidence], tests: list[Evidence], seed: int, tick=lambda: None) -> dict[str, list[np.ndarray]]:
    """Logistic regression and boosted trees, free and with the model's own directions, one score array a test world."""
    names = ("logistic regression", "boosted trees, same directions", "boosted trees, free")
    found = {name: [np.zeros(len(test.ids)) for test in tests] for name in names}
    channels = worlds[0].channels

    def of(channel):
        rows = gather(worlds, channel, lost=1.0)
        models = Logistic(rows.x, rows.y).score, *(_booster(rows, seed, free) for free in (False, True))
        return [[score(test.columns(rows.names)[test.of(channel)]) if test.of(channel).any() else None for test in tests] for score in models]

    for channel, by_model in zip(channels, parallel.each(of, channels, tick)):
        for name, by_test in zip(names, by_model):
            for test, out, score in zip(tests, found[name], by_test):
                if score is not None:
                    out[test.of(channel)] = score
    return found


def _booster(rows, seed, free):
    booster = boost(rows, rows.x, seed, rounds=400, free=free, num_leaves=15, max_depth=-1, max_bin=127)
    return lambda x: booster.predict(x, raw_score=True)
