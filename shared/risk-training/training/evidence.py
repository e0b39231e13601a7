"""Reads what `risk-eval evidence` writes. No evidence is ever worked out here."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

DAY = 86_400
TRAIN, CALIBRATE, TEST = (30, 180), (180, 220), (220, 300)  # days of a world
PRIVILEGED = ("email_change", "passkey_add", "lock_remove", "sim_swap", "port_pin", "port_out")
TEN_CLASSES = ("naive", "vpn_city", "targeted", "very_targeted", "stolen_session", "insider", "se_care", "email_first", "port_burst", "slow_poison")


@dataclass
class Evidence:
    """A world's scored events: `columns[name]` is one f32 a row, NaN where missing."""

    world: str
    names: list[str]
    directions: dict[str, int]
    reasons: dict[str, str]
    channels: list[str]
    acts: list[str]
    matrix: np.ndarray
    ids: np.ndarray
    day: np.ndarray
    channel: np.ndarray
    act: np.ndarray
    line: np.ndarray
    # The truth, of which the carrier sees nothing at the time.
    attack: np.ndarray = field(default=None)
    kind: np.ndarray = field(default=None)  # why a genuine person asks, or the attacker's class
    campaign: np.ndarray = field(default=None)

    def of(self, channel: str) -> np.ndarray:
        return self.channel == self.channels.index(channel)

    def between(self, days: tuple[int, int]) -> np.ndarray:
        return (self.day >= days[0]) & (self.day < days[1])

    def columns(self, names: list[str]) -> np.ndarray:
        return self.matrix[:, [self.names.index(name) for name in names]]

    def column(self, name: str) -> np.ndarray:
        return self.matrix[:, self.names.index(name)]


def read(directory: Path, events: Path, truth: Path, world: str) -> Evidence:
    about = json.loads((directory / "evidence.json").read_text())
    rows, names = about["rows"], about["columns"]
    matrix = np.fromfile(directory / "columns.f32", "<f4").reshape(len(names), rows).T.copy()
    ids = np.fromfile(directory / "ids.u64", "<u8")
    seconds = np.fromfile(directory / "ts.i64", "<i8")
    with open(events) as file:
        first_midnight = json.loads(file.readline())["ts"] // DAY * DAY
    sign = {"up": 1, "down": -1, "free": 0}
    evidence = Evidence(
        world, names, {name: sign[word] for name, word in zip(names, about["directions"])}, dict(zip(names, about["reasons"])),
        about["channels"], about["acts"], matrix, ids, (seconds - first_midnight) / DAY, np.fromfile(directory / "channel.u8", "u1"),
        np.fromfile(directory / "act.u8", "u1"), np.fromfile(directory / "line.u64", "<u8"),
    )  # fmt: skip
    label(evidence, truth)
    return evidence


def label(evidence: Evidence, truth: Path):
    """Joins the truth file."""
    wanted = {int(event): row for row, event in enumerate(evidence.ids)}
    count = len(evidence.ids)
    evidence.attack = np.zeros(count, bool)
    evidence.kind = np.full(count, "", dtype="<U16")
    evidence.campaign = np.full(count, "", dtype="<U24")
    with open(truth) as file:
        for text in file:
            row = wanted.get(int(text[6 : text.index(",")]))
            if row is None:
                continue
            told = json.loads(text)
            evidence.attack[row] = bool(told["y"])
            evidence.kind[row] = told["cls"]
            evidence.campaign[row] = told.get("camp", "")
