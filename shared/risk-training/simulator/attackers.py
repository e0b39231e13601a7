"""Eleven classes of attackers, after Wiefling et al. 2022, Lee et al. (SOUPS 2020) and what carriers report.

naive            stuffed passwords, foreign or hosting network, some popular device
vpn_city         the victim's metro, by VPN or residential proxy
targeted         the same, with the victim's system
very_targeted    her metro and provider, her exact browser, zone and language
stolen_session   her cookie and browser, by proxy
insider          a representative who acts without the customer
se_care          talks a representative into it
email_first      resets the password from a mailbox already taken, then asks
port_burst       many lines to one carrier within hours
slow_poison      harmless visits for weeks before
household        somebody at home; close to undetectable, and reported apart
"""

from random import Random

from .chance import DAY, START, hexadecimal, pause, poisson
from .customers import CARRIERS, representative
from .device import MODELS, Device
from .pack import FOREIGN_OFFSET, Network, fixed_network
from .population import HOUR, Customer, World, event_of, pause_before_port, web_fields

CLASSES = (
    "naive", "vpn_city", "targeted", "very_targeted", "stolen_session", "insider", "se_care", "email_first", "port_burst",
    "slow_poison", "household",
)  # fmt: skip
COUNTRIES = ["RO", "NG", "RU", "VN", "PK", "ID", "BR", "UA", "GB", "DO", "JM"]
# Lines attacked in one campaign: from, below.
CAMPAIGN = {"port_burst": (6, 22), "insider": (2, 9), "naive": (1, 6), "se_care": (1, 6), "vpn_city": (1, 4), "email_first": (1, 4)}


def disguised(rng: Random, world: World, victim: Device, at: float, how: str) -> Device:
    """An attacker's device: "popular", of the victim's "family" of systems, or "exact" to her user agent."""
    kind = victim.kind if how != "popular" else "phone" if rng.random() < 0.5 else "pc"
    device = Device(rng, world.pack, world.parameters, kind, at)
    device.dbk = False
    if how in ("family", "exact"):
        device.os, device.browser = victim.os, victim.browser
    if how == "family":
        rng.random()  # a draw that the published world makes and that changes nothing
    if how == "exact":
        device.lag, device.model = victim.lag, victim.model
    elif device.kind == "phone":
        device.model = rng.choice(MODELS[device.os])
    return device


class Campaign:
    """What the attacks of one campaign share."""

    def __init__(self, rng: Random, world: World, kind: str):
        pack = world.pack
        self.kind = kind
        self.size = rng.randrange(*CAMPAIGN[kind]) if kind in CAMPAIGN else 1
        self.start = START + DAY * (12 + rng.random() * (world.days - 16))
        self.rep, self.imei, self.spid = representative(rng), hexadecimal(rng, 8), f"S{rng.randrange(12, CARRIERS):03d}"
        self.country = rng.choice(COUNTRIES)
        self.foreign = Network.within(rng, rng.choice(pack.foreign[self.country]))
        self.host = rng.choice(pack.hosting)
        self.device = Device(rng, pack, world.parameters, rng.choice(["phone", "pc"]), self.start)
        self.device.dbk = False
        self.span = HOUR * (6 if kind == "port_burst" else 20)


class Attack:
    """One attack on one line."""

    def __init__(self, rng: Random, world: World, campaign: Campaign, name: str, victim: Customer, line: str, at: float):
        share = world.parameters
        self.rng, self.world, self.campaign, self.victim, self.line, self.at = rng, world, campaign, victim, line, at
        self.home_zone = victim.home_zone()
        if campaign.kind in ("se_care", "insider") and not 8 <= ((self.at / HOUR) + self.home_zone) % 24 < 22:
            self.at += 8 * HOUR
        self.net = victim.net(self.at, victim.phone_age(self.at), rng=rng)
        imei = campaign.imei if rng.random() < share["imei_shared"] else hexadecimal(rng, 8)
        self.target = dict(imei=imei, iccid=hexadecimal(rng, 8), spid=None)
        self.truth = dict(y=1, cls=campaign.kind, camp=name)
        self.zone = self.home_zone if rng.random() < share["tz_spoof"] else rng.choice([-8, -5, 0, 1, 3, 8])
        self.lang = victim.lang if rng.random() < 0.8 else "en-US"

    def play(self):
        getattr(self, f"_{self.campaign.kind}")()

    # Steps that attacks have in common.

    def _emit(self, at, act, channel, ok=True, auth=None, web=None, care=None, tgt=None, net=None, request=0):
        event = event_of(self.line, channel, act, ok, auth, self.victim.tenure_at(at), web, net, care, tgt)
        self.world.emit(at, event, self.truth | dict(req=request))

    def _web(self, at, device, network, extra, did=None, zone=None, lang=None):
        """Seen from where the proxy stands; `extra`: milliseconds to the attacker behind it."""
        zone = self.zone if zone is None else zone
        return web_fields(self.world, self.rng, at, device, network, zone, lang or self.lang, (network.lat, network.lon), extra, did, False)

    def _extra(self, least, most) -> float:
        return self.rng.uniform(least, most) * self.world.parameters["attack_rtt"]

    def _residential(self, same_isp: bool) -> Network:
        rng, pack, victim = self.rng, self.world.pack, self.victim
        if not same_isp and rng.random() < self.world.parameters["proxy_mobile"]:
            return Network.within(rng, rng.choice(pack.near[victim.metro, rng.choice(list(pack.mobile)[:3])]))
        return fixed_network(rng, pack, victim.metro, victim.isp if same_isp else None)[0]

    def _proxy(self) -> Network:
        if self.rng.random() < self.world.parameters["proxy_res"]:
            return self._residential(False)
        return Network.within(self.rng, self.rng.choice(self.world.pack.hosting_near[self.victim.metro]))

    def _victims_device(self, phone_share: float) -> Device:
        victim = self.victim
        return victim.phone if self.rng.random() < phone_share or not victim.laptop else victim.laptop

    def _session_or_password(self) -> str:
        return self.rng.choice(["session", "password"])

    def _wish(self) -> str:
        return "sim_swap" if self.rng.random() < 0.62 else "port_pin"

    def _port_out(self, after: float):
        rng = self.rng
        at = after + (pause_before_port(rng) if rng.random() < 0.85 else rng.expovariate(1 / DAY) + 600)
        self._emit(at, "port_out", "partner", auth="pin", net=self.net, tgt=self._carrier(), request=1)

    def _carrier(self) -> dict:
        return dict(imei=None, iccid=None, spid=self.campaign.spid)

    def _finish(self, at, web, channel, auth):
        """The request itself: a SIM swap, or a PIN and the port-out with it."""
        act = self._wish()
        if self.victim.locked[self.line]:
            self._emit(at, "lock_remove", channel, auth="session", web=web, net=self.net, request=1)
            at += pause(self.rng) + 60
        if act == "sim_swap":
            self._emit(at, "sim_swap", channel, auth=auth, web=web, net=self.net, tgt=self.target, request=1)
        else:
            self._emit(at, "port_pin", channel, auth=auth, web=web, net=self.net, request=1)
            self._port_out(at)

    # The classes.

    def _naive(self):
        rng, campaign = self.rng, self.campaign
        network = campaign.foreign if rng.random() < 0.5 else Network.within(rng, campaign.host)
        device = campaign.device
        extra = self._extra(0, 40)
        did = device.did if rng.random() < 0.5 else hexadecimal(rng)
        web = self._web(self.at, device, network, extra, did, FOREIGN_OFFSET.get(campaign.country, 0), "en-US")
        for k in range(poisson(rng, 0.8)):
            self._emit(self.at - sum(pause(rng, 30, 0.6) for _ in range(k + 1)), "signin", "web", ok=False, auth="password", web=web)
        self._emit(self.at, "signin", "web", auth="password", web=web)
        self._finish(self.at + pause(rng), web, "web", self._session_or_password())

    def _vpn_city(self):
        network = self._proxy()
        self._sign_in_and_finish(disguised(self.rng, self.world, self.victim.phone, self.at, "popular"), network)

    def _targeted(self):
        network = self._residential(False)
        self._sign_in_and_finish(disguised(self.rng, self.world, self.victim.phone, self.at, "family"), network)

    def _very_targeted(self):
        network = self._residential(True)
        like = self._victims_device(0.6)
        self._sign_in_and_finish(disguised(self.rng, self.world, like, self.at, "exact"), network, zone=self.home_zone)

    def _slow_poison(self):
        rng = self.rng
        network = self._proxy()
        device = disguised(rng, self.world, self.victim.phone, self.at, "popular")
        for k in range(rng.randrange(4, 9)):
            at = self.at - DAY * (3 + (k + 1) * rng.uniform(2, 5))
            if at < self.victim.since + DAY:
                break
            from_where = network if rng.random() < 0.75 else self._residential(False)
            web = self._web(at, device, from_where, self._extra(10, 90), device.did, self.home_zone)
            self._emit(at, "signin", "web", auth="password", web=web)
            self._emit(at + 60, "view", "web", auth="session", web=web)
        self._sign_in_and_finish(device, network, zone=self.home_zone, may_fail=False)

    def _sign_in_and_finish(self, device, network, zone=None, may_fail=True):
        rng = self.rng
        web = self._web(self.at, device, network, self._extra(10, 110), device.did, zone)
        if may_fail and rng.random() < 0.15:
            self._emit(self.at - pause(rng, 30, 0.6), "signin", "web", ok=False, auth="password", web=web)
        self._emit(self.at, "signin", device.channel, auth="password", web=web)
        self._finish(self.at + pause(rng), web, device.channel, self._session_or_password())

    def _stolen_session(self):
        rng, pack, share = self.rng, self.world.pack, self.world.parameters
        device = self._victims_device(0.35)
        if rng.random() < share["proxy_res"]:
            network = self._residential(rng.random() < 0.3)
        else:
            network = Network.within(rng, rng.choice(pack.hosting_near[self.victim.metro] if rng.random() < 0.6 else pack.hosting))
        extra = self._extra(15, 130)
        web = self._web(self.at, device, network, extra, device.did, self.home_zone if rng.random() < 0.8 else None)
        self._emit(self.at - pause(rng), "view", "web", auth="session", web=web)
        self._finish(self.at, web, "web", "session")

    def _insider(self):
        rng, share = self.rng, self.world.parameters
        care = dict(
            rep=self.campaign.rep, reason=rng.choice(["lost", "upgrade", "sim"]), kba_fail=0,
            inbound=rng.random() < share["insider_inbound"], own=rng.random() < 0.08,
        )  # fmt: skip
        if care["inbound"] or rng.random() < 0.2:
            self._emit(self.at - pause(rng, 240), "care_contact", "care", auth="kba", care=care, net=self.net)
        auth = rng.choices(["rep_override", "pin", "kba"], [0.3, 0.4, 0.3])[0]
        self._emit(self.at, "sim_swap", "care", auth=auth, care=care, net=self.net, tgt=self.target, request=1)

    def _se_care(self):
        rng = self.rng
        reason = "lost" if (rep := representative(rng)) and rng.random() < 0.7 else "upgrade"
        care = dict(rep=rep, reason=reason, kba_fail=poisson(rng, 1.1), inbound=True, own=rng.random() < 0.12)
        for _ in range(poisson(rng, 0.7)):
            at = self.at - rng.randrange(600, 20_000)
            failed = care | dict(kba_fail=1 + poisson(rng, 1))
            self._emit(at, "care_contact", "care", ok=False, auth="kba", care=failed, net=self.net)
        if rng.random() < 0.9:
            self._emit(self.at - pause(rng, 240), "care_contact", "care", auth="kba", care=care, net=self.net)
        act = self._wish()
        auth = "kba" if rng.random() < 0.8 else "pin"
        self._emit(self.at, act, "care", auth=auth, care=care, net=self.net, tgt=self.target if act == "sim_swap" else None, request=1)
        if act == "port_pin":
            self._port_out(self.at)

    def _email_first(self):
        rng, at = self.rng, self.at
        device = disguised(rng, self.world, self.victim.phone, at, "popular" if rng.random() < 0.6 else "family")
        network = self._proxy()
        web = self._web(at, device, network, self._extra(10, 100), device.did)
        self._emit(at, "password_reset", "web", auth="otp_email", web=web)
        at += pause(rng, 80, 0.7)
        self._emit(at, "signin", "web", auth="password", web=web)
        at += pause(rng)
        for act, chance in (("email_change", 0.4), ("passkey_add", 0.3)):
            if rng.random() < chance:
                self._emit(at, act, "web", auth="session", web=web, net=self.net, request=1)
                at += pause(rng)
        at += pause(rng) if rng.random() < 0.6 else rng.uniform(3_600, 50_000)
        self._finish(at, web, "web", self._session_or_password())

    def _port_burst(self):
        rng, campaign, at = self.rng, self.campaign, self.at
        if rng.random() < self.world.parameters["pin_first"]:
            network = Network.within(rng, campaign.host) if rng.random() < 0.5 else self._residential(False)
            extra = self._extra(10, 90)
            did = campaign.device.did if rng.random() < 0.4 else hexadecimal(rng)
            web = self._web(at, campaign.device, network, extra, did)
            self._emit(at, "signin", "web", auth="password", web=web)
            at += pause(rng)
            self._emit(at, "port_pin", "web", auth="session", web=web, net=self.net, request=1)
            at += pause_before_port(rng)
        self._emit(at, "port_out", "partner", auth="pin", net=self.net, tgt=self._carrier(), request=1)

    def _household(self):
        rng, victim = self.rng, self.victim
        device = Device(rng, self.world.pack, self.world.parameters, "phone" if rng.random() < 0.6 else "pc", self.at - 90 * DAY)
        web = self._web(self.at, device, victim.home, 0, device.did, self.home_zone)
        if rng.random() < 0.4:  # takes the victim's own device
            hers = victim.laptop or victim.phone
            there = victim.home.lat, victim.home.lon
            web |= web_fields(self.world, rng, self.at, hers, victim.home, self.home_zone, victim.lang, there, did=hers.did, dbk=hers.dbk)
        self._emit(self.at, "signin", "app", auth="password", web=web)
        self._finish(self.at + pause(rng), web, "app", self._session_or_password())


def attack(world: World, kind: str, count: int, people: list[Customer], campaigns: int) -> int:
    """Plays `count` attacks of a class. `campaigns`: how many there were before it; returns how many there are now."""
    rng = Random(f"{world.seed}/a/{kind}")
    made = tries = 0
    while made < count and tries < count * 50:
        tries += 1
        campaigns += 1
        campaign = Campaign(rng, world, kind)
        for _ in range(campaign.size):
            if made >= count:
                break
            victim = rng.choice(people)
            line = rng.choice(victim.lines)
            at = campaign.start + rng.random() * campaign.span
            if kind == "insider":
                at = campaign.start + rng.random() * DAY * 6
            if not victim.since + 2 * DAY < at < min(victim.leaves[line], victim.until) - 2 * DAY:
                continue
            victim.rewind(at)
            Attack(rng, world, campaign, f"{kind}-{campaigns}", victim, line, at).play()
            made += 1
    return campaigns
