"""The simulated population: account owners, where they are, what they use, and what the carrier sees of them."""

import bisect
import math
from random import Random

from .chance import DAY, START, clock_distance, kilometres, pause, poisson, weighted
from .device import Device
from .pack import FOREIGN_OFFSET, LAT, LON, Network, Pack, fixed_network

WEB_FIELDS = ("ip", "asn", "cc", "rg", "city", "lat", "lon", "ua", "os", "br", "dt", "model", "did", "dbk", "tz", "lang", "rtt")
NO_WEB = dict.fromkeys(WEB_FIELDS)
OTHER_LANGUAGES = ["es-US", "es-MX", "zh-CN", "vi-VN", "en-GB", "pt-BR", "ko-KR"]
HOUR = 3_600


class World:
    """A world's parameters and what has happened in it so far."""

    def __init__(self, parameters: dict, pack: Pack, seed: int, days: int):
        self.parameters, self.pack, self.seed, self.days = parameters, pack, seed, days
        self.end = START + days * DAY
        self.events = []  # (time, order, event, truth)

    def emit(self, at: float, event: dict, truth: dict):
        self.events.append((at, len(self.events) + 1, event, truth))


def web_fields(world: World, rng: Random, at: float, device: Device, network: Network, tz, lang, truth_at, extra_rtt=0.0, did=None, dbk=None) -> dict:
    """What the edge sees of a visit; some of it is lost at the world's rates. `truth_at`: where the visitor really is."""
    share = world.parameters
    ua, system, browser, kind = device.user_agent(at)
    if did is None:
        # A browser that keeps no cookie shows a new one every time.
        did = f"{rng.getrandbits(40):010x}" if device.clear else device.did
    web = dict(
        ip=network.ip, asn=network.asn, cc=network.country, rg=network.region, city=network.city, lat=network.lat, lon=network.lon,
        ua=ua, os=system, br=browser, dt=kind, model=device.model, did=did, dbk=device.dbk if dbk is None else dbk, tz=tz, lang=lang,
    )  # fmt: skip
    rtt = 14 + 0.02 * kilometres(*truth_at, network.lat, network.lon) * 0.6 + rng.lognormvariate(2.2, 0.7) + extra_rtt
    web["rtt"] = None if rng.random() < share["null_rtt"] else int(rtt)
    if rng.random() < share["null_geo"]:
        web.update(cc=None, rg=None, city=None, lat=None, lon=None)
    if rng.random() < share["null_tz"]:
        web["tz"] = None
    return web


def event_of(line: str, channel: str, act: str, ok: bool, auth, tenure: int, web, net, care, tgt) -> dict:
    head = dict(line=line, ch=channel, act=act, ok=ok, auth=auth, ten=tenure)
    return head | (web or NO_WEB) | dict(net=net, care=care, tgt=tgt)


class Customer:
    """An account owner with one to four lines: places, networks, devices and habits."""

    def __init__(self, world: World, number: int):
        self.world, self.number = world, number
        rng = self.rng = Random(f"{world.seed}/p/{number}")
        pack, share = world.pack, world.parameters
        self.metro = weighted(rng, range(len(pack.metros)), pack.populations)
        self.carrier = weighted(rng, list(pack.mobile), [0.42, 0.40, 0.18, 0.0][: len(pack.mobile)])
        joins = rng.random() < share["newcust"]
        self.since = START + (rng.random() * world.days * DAY * 0.95 if joins else 0)
        self.tenure = 0 if joins else int(rng.expovariate(1 / 700)) + 20  # days, at `since`
        self.until = world.end
        self.home, self.isp = fixed_network(rng, pack, self.metro)
        self.home_since = self.since
        self.work = fixed_network(rng, pack, self.metro)[0] if rng.random() < 0.45 else None
        self.vpn = None
        if rng.random() < share["vpn_user"]:
            pool = pack.hosting_near[self.metro] if rng.random() < 0.55 else pack.us_hosting if rng.random() < 0.8 else pack.foreign_hosting
            self.vpn = [rng.choice(pool) for _ in range(6)]
        clears = rng.random() < share["clear_cookie"]
        self.phone = Device(rng, pack, share, "phone", self.since - DAY * rng.randrange(5, 700), clears)
        self.laptop = Device(rng, pack, share, "pc", self.since, clears) if rng.random() < 0.55 else None
        # Sign-ins a second.
        self.rate = math.exp(math.log(share["login_med"]) + share["login_sig"] * rng.gauss(0, 1)) * 12 / 365 / DAY
        self.hours = rng.gauss(19, 2.5) % 24, rng.gauss(11, 2.5) % 24  # usual local hours
        self.first_hour_share, self.hour_spread = rng.uniform(0.45, 0.9), rng.uniform(1.2, 3.2)
        self.lang = "en-US" if rng.random() < 0.86 else rng.choice(OTHER_LANGUAGES)
        lines = weighted(rng, [2, 3, 4], [0.6, 0.25, 0.15]) if rng.random() < share["multi"] else 1
        self.lines = [f"L{number:06d}{j}" for j in range(lines)]
        self.locked = {line: rng.random() < share["lock"] for line in self.lines}
        self.leaves = dict.fromkeys(self.lines, self.until)
        self.has_feed = rng.random() < share["cell_feed"]
        self.trips = []
        for abroad, a_year in ((False, share["trip_dom"]), (True, share["trip_int"])):
            for _ in range(poisson(rng, a_year * world.days / 365)):
                start = START + rng.random() * world.days * DAY
                end = start + (2 + rng.expovariate(1 / 4)) * DAY
                metro = weighted(rng, range(len(pack.metros)), pack.populations)
                country = rng.choice(list(pack.foreign))
                self.trips.append((start, end, "i" if abroad else "d", metro, country))
        self.trips.sort()
        self.moves = [START + rng.random() * world.days * DAY] if rng.random() < share["move"] * world.days / 365 else []
        # What changes, so that an attack sees its victim as she was at that moment.
        self._states = [(self.since, self.metro, self.isp, self.home, self.phone)]

    # Where she is.

    def place(self, at: float):
        """("m", metro) or ("i", country)."""
        for start, end, kind, metro, country in self.trips:
            if start <= at < end:
                return ("i", country) if kind == "i" else ("m", metro)
        return ("m", self.metro)

    def position(self, at: float) -> tuple[float, float]:
        kind, where = self.place(at)
        if kind == "m":
            metro = self.world.pack.metros[where]
            return metro["lat"], metro["lon"]
        prefix = self.world.pack.foreign[where][0]
        return prefix[LAT], prefix[LON]

    def zone(self, at: float) -> float:
        """Hours from UTC where she is."""
        kind, where = self.place(at)
        return self.world.pack.metros[where]["offset"] if kind == "m" else FOREIGN_OFFSET.get(where, 0)

    def home_zone(self) -> float:
        return self.world.pack.metros[self.metro]["offset"]

    def live_until(self, at: float):
        """Moves home and changes addresses as time passes; called in order of time."""
        rng, pack = self.rng, self.world.pack
        while self.moves and self.moves[0] < at:
            self.moves.pop(0)
            if rng.random() < 0.55:
                self.metro = weighted(rng, range(len(pack.metros)), pack.populations)
            self.home, self.isp = fixed_network(rng, pack, self.metro)
            self.home_since = at
            self.work = fixed_network(rng, pack, self.metro)[0] if self.work else None
        lease = self.world.parameters["ip_days"] * DAY
        if at - self.home_since > 0 and rng.random() < 1 - math.exp(-(at - self.home_since) / lease):
            self.home, _ = fixed_network(rng, pack, self.metro, self.isp)
            self.home_since = at
        self._states.append((at, self.metro, self.isp, self.home, self.phone))

    def rewind(self, at: float):
        """Puts her back to what she was at a time."""
        index = bisect.bisect_right(self._states, at, key=lambda state: state[0]) - 1
        _, self.metro, self.isp, self.home, self.phone = self._states[max(0, index)]

    # What she uses.

    def mobile_network(self, metro: int) -> Network:
        # The look-up's error on mobile networks is as measured (arXiv 2605.21937: median 179-207 km) or harsher.
        rng, pack, near = self.rng, self.world.pack, self.world.parameters["mobile_near"]
        x = rng.random()
        if x < near:
            return Network.within(rng, rng.choice(pack.near[metro, self.carrier]))
        if x < near + 0.7 * (1 - near):
            return Network.within(rng, rng.choice(pack.regional[metro, self.carrier]))
        return Network.within(rng, rng.choice(pack.mobile[self.carrier]))

    def network(self, at: float, device: Device) -> Network:
        rng, pack = self.rng, self.world.pack
        kind, where = self.place(at)
        phone = device.kind == "phone"
        if self.vpn and rng.random() < 0.6:
            return Network.within(rng, rng.choice(self.vpn))
        if kind == "i":
            if phone and rng.random() < 0.45:
                return self.mobile_network(self.metro)  # roaming comes out at home
            return Network.within(rng, rng.choice(pack.foreign[where]))
        if where != self.metro:
            if phone and rng.random() < 0.55:
                return self.mobile_network(where)
            return fixed_network(rng, pack, where)[0]
        if phone and rng.random() < self.world.parameters["mobile_share"]:
            return self.mobile_network(self.metro)
        if self.work and rng.random() < 0.22:
            return self.work
        return self.home if rng.random() < 0.96 else fixed_network(rng, pack, self.metro)[0]

    def device(self) -> Device:
        return self.laptop if self.laptop and self.rng.random() < 0.33 else self.phone

    def moment(self, start: float, end: float) -> float:
        """A time in the span, by her habits of the hour."""
        offset = self.home_zone()
        for _ in range(60):
            at = start + self.rng.random() * (end - start)
            hour = (at / HOUR + offset) % 24
            first, second = (clock_distance(hour, usual) for usual in self.hours)
            spread = 2 * self.hour_spread**2
            p = self.first_hour_share * math.exp(-first * first / spread) + (1 - self.first_hour_share) * math.exp(-second * second / spread)
            p += 0.03 if 7 <= hour < 24 else 0.006
            if self.rng.random() < p:
                break
        return at

    # What the carrier's network knows of her phone.

    def phone_age(self, at: float) -> int:
        return int((at - self.phone.born) / DAY)

    def net(self, at: float, imei_age: int, sim_works: bool = True, off: float = 0.04, rng: Random | None = None):
        """State of the line in the network, or None without a feed. `off`: chance that a working phone is off."""
        if not self.has_feed:
            return None
        rng = rng or self.rng
        lat, lon = self.position(at)
        if not sim_works or rng.random() < off:
            return dict(att=False, idle=int(rng.expovariate(1 / 900)) + 20, clat=None, clon=None, imei_age=imei_age)
        idle = int(min(600, rng.expovariate(1 / 25)))
        return dict(att=True, idle=idle, clat=round(lat + rng.gauss(0, 0.12), 1), clon=round(lon + rng.gauss(0, 0.12), 1), imei_age=imei_age)

    def tenure_at(self, at: float) -> int:
        return int(self.tenure + (at - self.since) / DAY)


def pause_before_port(rng: Random) -> float:
    """Seconds from PIN to port-out of somebody who does it at once."""
    return pause(rng, 1_500, 1.1, 120, 6 * HOUR)
