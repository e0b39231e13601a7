"""Sign-ins of the reference world: how often the median customer is asked again when 99 % of attackers are caught."""

import numpy as np

from . import parallel
from .baselines import from_events
from .evidence import Evidence
from .fit import ROUND_TRIPS, boost, gather

FIRST = 12
# What the published algorithm reads: address and browser.
PUBLISHED = ("network", "asn", "country", "network_rarity", "hosting", "browser", "agent", "model")
# At a sign-in these look like the customer in what the published algorithm reads, or are at home there already.
AS_HERS = ("very_targeted", "stolen_session", "slow_poison")
ROUNDS = 60


def reauthentications(world: Evidence, score: np.ndarray) -> float:
    """Of a customer's first twelve sign-ins, the median of those above what 99 % of targeted attackers score."""
    signin = world.act == world.acts.index("signin")
    caught = np.quantile(score[signin & world.attack & (world.kind == "targeted")], 0.01)
    rows = np.flatnonzero(signin & ~world.attack)
    rows = rows[np.argsort(world.ids[rows], kind="stable")]
    by_line = {}
    for row in rows:
        by_line.setdefault(world.line[row], []).append(score[row] >= caught)
    return float(np.median([sum(asked[:FIRST]) for asked in by_line.values() if len(asked) >= FIRST]))


def compare(train: Evidence, test: Evidence, events, seed: int) -> dict[str, float]:
    found = {}
    for name, score in from_events(test, events).items():
        if name.startswith("Freeman"):
            found[name] = reauthentications(test, score)
    names = ("glass box, the published signals", "the same with round trips", "glass box, all signals")
    return found | dict(zip(names, three(train, test, seed)))


def three(train: Evidence, test: Evidence, seed: int, published=PUBLISHED, leave_out=AS_HERS, rounds=ROUNDS, **other) -> list[float]:
    """By the published signals, with round trips, by all: trees of depth two with directions, which sum into tables."""
    found = []
    for columns in (published, published + ROUND_TRIPS, None):
        rows = gather([train], "online", acts=("signin",), days=(0, 300), only=columns, leave_out=leave_out)
        booster = boost(rows, rows.x, seed, rounds=rounds, **other)
        score = np.full(len(test.ids), -np.inf)
        online = test.of("online")
        score[online] = booster.predict(test.columns(rows.names)[online], raw_score=True)
        found.append(reauthentications(test, score))
    return found


# Name and settings of `three`.
TRIED = [
    ("as in the report", {}),
    ("without the browser's version", dict(published=tuple(name for name in PUBLISHED if name != "agent"))),
    ("with the place", dict(published=(*PUBLISHED, "place"))),
    ("with how long things are known", dict(published=(*PUBLISHED, "asn_days", "prefix_days", "asn_novelty", "prefix_novelty", "tenure", "visits"))),
    ("trained on every class", dict(leave_out=())),
    ("300 rounds", dict(rounds=300)),
]


def variants(train: Evidence, test: Evidence, seed: int) -> list[list[str]]:
    found = parallel.each(lambda tried: three(train, test, seed, **tried[1]), TRIED)
    return [[name, *(f"{count:g}" for count in counts)] for (name, _), counts in zip(TRIED, found)]
