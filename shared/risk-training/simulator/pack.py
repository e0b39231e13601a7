"""The data pack: real prefixes, what a public database says of them, and shares of browsers. See ATTRIBUTIONS.md."""

import gzip
import json
from pathlib import Path
from random import Random
from typing import NamedTuple

from .chance import kilometres, weighted

UTC_OFFSET = {
    "America/New_York": -5, "America/Detroit": -5, "America/Chicago": -6, "America/Denver": -7, "America/Boise": -7,
    "America/Phoenix": -7, "America/Los_Angeles": -8, "America/Anchorage": -9, "Pacific/Honolulu": -10,
}  # fmt: skip
FOREIGN_OFFSET = {
    "RO": 2, "NG": 1, "BR": -3, "RU": 3, "IN": 5.5, "GB": 0, "CA": -5, "MX": -6, "VN": 7, "PH": 8, "ID": 7, "DE": 1, "FR": 1,
    "ES": 1, "IT": 1, "JP": 9, "DO": -4, "CO": -5, "JM": -5, "PK": 5, "UA": 2, "TR": 3,
}  # fmt: skip

# A prefix: [/24 as a number, ASN, country, region, city, latitude, longitude].
LAT, LON = 5, 6


class Pack:
    """The pack, with what is looked up often worked out once."""

    def __init__(self, path: Path):
        with gzip.open(path, "rt") as file:
            data = json.load(file)
        self.metros = data["metros"]
        self.mobile = data["mobile"]
        self.hosting = data["hosting"]
        self.foreign = data["foreign"]
        for metro in self.metros:
            metro["offset"] = UTC_OFFSET.get(metro["tz"], -6)
            metro["isps"] = list(metro["w"])
            metro["isp_weights"] = [metro["w"][isp] for isp in metro["isps"]]
        self.populations = [metro["pop"] for metro in self.metros]

        phones = [row for row in data["ua"] if row[0] == "mobile" and row[1] in ("iOS", "Android") and row[4] > 0.1]
        desktops = [row for row in data["ua"] if row[0] == "desktop" and row[4] > 0.1]
        self.phone_browsers = [(row[1], row[2]) for row in phones], [row[4] for row in phones]
        self.desktop_browsers = [(row[1], row[2]) for row in desktops], [row[4] for row in desktops]

        self.us_hosting = [prefix for prefix in self.hosting if prefix[2] == "US"]
        self.foreign_hosting = [prefix for prefix in self.hosting if prefix[2] != "US"]
        # By metro: mobile prefixes by carrier, near and further off; hosting near.
        self.near, self.regional, self.hosting_near = {}, {}, {}
        for index, metro in enumerate(self.metros):
            def from_metro(prefix, metro=metro):
                return kilometres(metro["lat"], metro["lon"], prefix[LAT], prefix[LON])

            for carrier, prefixes in self.mobile.items():
                by_distance = sorted(prefixes, key=from_metro)
                self.near[index, carrier] = by_distance[:25]
                self.regional[index, carrier] = by_distance[25:260]
            self.hosting_near[index] = sorted(self.us_hosting, key=from_metro)[:60]


class Network(NamedTuple):
    """Where a visit comes from: an address, and what the database says of it."""

    prefix: int
    asn: int
    ip: str
    country: str
    region: str
    city: str
    lat: float
    lon: float

    @classmethod
    def within(cls, rng: Random, prefix) -> "Network":
        address = (prefix[0] << 8) | rng.randrange(1, 255)
        ip = f"{address >> 24}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}"
        return cls(prefix[0], prefix[1], ip, *prefix[2:7])


def fixed_network(rng: Random, pack: Pack, metro_index: int, isp: str | None = None) -> tuple[Network, str]:
    """A home or office address in a metro, from this provider if it is there."""
    metro = pack.metros[metro_index]
    if isp is None or isp not in metro["fixed"]:
        isp = weighted(rng, metro["isps"], metro["isp_weights"])
    return Network.within(rng, rng.choice(metro["fixed"][isp])), isp
