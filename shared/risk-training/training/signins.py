"""Sign-ins of the reference world: how often the median customer is asked again when 99 % of attackers are caught."""

import numpy as np

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
    for name, columns in (("glass box, the published signals", PUBLISHED), ("the same with round trips", PUBLISHED + ROUND_TRIPS), ("glass box, all signals", None)):
        rows = gather([train], "online", acts=("signin",), days=(0, 300), only=columns, leave_out=AS_HERS)
        booster = boost(rows, rows.x, seed, rounds=ROUNDS)
        score = np.full(len(test.ids), -np.inf)
        online = test.of("online")
        score[online] = booster.predict(test.columns(rows.names)[online], raw_score=True)
        found[name] = reauthentications(test, score)
    return found
