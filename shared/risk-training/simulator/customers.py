"""Genuine life: sign-ins, care contacts, new phones, lost phones, eSIMs, leaving for another carrier."""

from .chance import DAY, hexadecimal, pause, poisson, weighted
from .device import MODELS, Device
from .pack import Network, fixed_network
from .population import Customer, event_of, pause_before_port, web_fields

REPS, CARRIERS = 180, 60
# Networks on which a phone without service cannot be.
CELLULAR_ASNS = (21928, 6167, 22394, 20057, 10507)


def representative(rng) -> str:
    return f"R{rng.randrange(REPS):03d}"


class Life:
    """Plays one customer's life into the world's events."""

    def __init__(self, customer: Customer):
        self.customer, self.world, self.rng = customer, customer.world, customer.rng

    def play(self):
        c = self.customer
        if c.until - c.since < DAY:
            return
        for at, kind, line in self._plan():
            if at > c.leaves[line] or at < c.since:
                continue
            c.live_until(at)
            match kind:
                case "signin":
                    self._visit(at, line)
                case "pwreset":
                    device = c.device()
                    network = c.network(at, device)
                    self._reset(at, line, device, network)
                    self._sign_in(at + pause(self.rng, 80, 0.7), line, device, network)
                case "emailchg":
                    self._change(at, line, "email_change")
                case "passkey":
                    self._change(at, line, "passkey_add")
                case "care":
                    self._care_contact(at, line)
                case "churn":
                    self._leave(at, line)
                case _:
                    self._new_sim(at, line, kind)

    def _plan(self):
        """(time, kind, line) of everything she will do, in order."""
        c, rng, yearly = self.customer, self.rng, self.world.parameters
        span = c.until - c.since
        years = span / DAY / 365
        plan = []
        for _ in range(poisson(rng, c.rate * span)):
            plan.append((c.moment(c.since, c.until), "signin", rng.choice(c.lines)))
        plan.append((c.since + 600, "signin", c.lines[0]))
        for line in c.lines:
            for kind, mean in (
                ("upgrade", yearly["upgrade"] * 12 * years),
                ("lost", yearly["lost"] * years),
                ("esim", yearly["esim"] * years),
                ("pwreset", yearly["pwreset"] * years / len(c.lines)),
                ("emailchg", yearly["emailchg"] * years / len(c.lines)),
                ("passkey", yearly["passkey"] * years / len(c.lines)),
                ("care", yearly["care"] * years / len(c.lines)),
            ):
                plan += [(c.moment(c.since, c.until), kind, line) for _ in range(poisson(rng, mean))]
            leaves = c.since + rng.expovariate(yearly["churn"]) * 30 * DAY
            if leaves < c.until:
                plan.append((leaves, "churn", line))
        return sorted(plan)

    # One event each.

    def _emit(self, at, line, act, channel, ok=True, auth="password", why="genuine", web=None, net=None, care=None, tgt=None):
        event = event_of(line, channel, act, ok, auth, self.customer.tenure_at(at), web, net, care, tgt)
        self.world.emit(at, event, dict(y=0, cls=why))

    def _web(self, at, device: Device, network: Network | None = None):
        c, rng = self.customer, self.rng
        network = network or c.network(at, device)
        tunnel = rng.uniform(5, 60) if c.vpn and any(network.prefix == prefix[0] for prefix in c.vpn) else 0
        return web_fields(self.world, rng, at, device, network, c.zone(at), c.lang, c.position(at), extra_rtt=tunnel)

    def _sign_in(self, at, line, device, network=None, new=False, may_be_open=False):
        """A sign-in, perhaps after wrong passwords, or a visit on a session that is still open. What the edge saw."""
        c, rng = self.customer, self.rng
        network = network or c.network(at, device)
        if may_be_open and not new and rng.random() < 0.35:
            web = self._web(at, device, network)
            self._emit(at, line, "view", device.channel, auth="session", web=web)
            return web
        auth = "password" if rng.random() < 0.75 else rng.choice(["passkey", "session", "session"])
        web = self._web(at, device, network)
        wrong, chance = 0, 0.22 if new else self.world.parameters["fail"]
        while rng.random() < chance and wrong < 4:
            earlier = sum(pause(rng, 30, 0.6) for _ in range(wrong + 1))
            self._emit(at - earlier, line, "signin", device.channel, ok=False, auth="password", web=web)
            wrong += 1
        self._emit(at, line, "signin", device.channel, auth=auth, web=web)
        return web

    def _reset(self, at, line, device, network):
        auth = "otp_email" if self.rng.random() < 0.6 else "otp_sms"
        self._emit(at, line, "password_reset", device.channel, auth=auth, web=self._web(at, device, network))

    def _unlock(self, at, line, device, why) -> None:
        before = pause(self.rng) + 60
        web = self._sign_in(at - before - pause(self.rng), line, device, may_be_open=True)
        self._emit(at - before, line, "lock_remove", device.channel, auth="session", web=web, net=self._state, why=why)

    # What she does.

    def _visit(self, at, line):
        device = self.customer.device()
        web = self._sign_in(at, line, device)
        if self.rng.random() < 0.55:
            later = at + pause(self.rng, 60)
            self._emit(later, line, self.rng.choice(["view", "view", "pay", "plan"]), device.channel, auth="session", web=web)

    def _change(self, at, line, act):
        c = self.customer
        web = self._sign_in(at, line, c.device(), may_be_open=True)
        later = at + pause(self.rng)
        self._emit(later, line, act, "app", auth="session", web=web, net=c.net(at, c.phone_age(at)))

    def _care_contact(self, at, line):
        c, rng = self.customer, self.rng
        auth = "pin" if rng.random() < 0.6 else "kba"
        care = dict(
            rep=representative(rng), reason=rng.choice(["billing", "billing", "coverage", "plan", "device"]),
            kba_fail=int(rng.random() < 0.12), inbound=True, own=rng.random() < 0.72,
        )  # fmt: skip
        self._emit(at, line, "care_contact", "care", auth=auth, care=care, net=c.net(at, c.phone_age(at)))

    def _new_sim(self, at, line, why):
        """A SIM for a new phone (upgrade), after a loss (lost), or an eSIM for the phone she has (esim)."""
        c, rng, world = self.customer, self.rng, self.world
        lost = why == "lost"
        tgt = dict(imei=hexadecimal(rng, 8), iccid=hexadecimal(rng, 8), spid=None)
        old_age = c.phone_age(at)
        new = c.phone
        if why != "esim":
            new = Device(rng, world.pack, world.parameters, "phone", at, c.phone.clear)
            if why == "upgrade" and rng.random() < 0.7:
                new.os, new.browser = c.phone.os, c.phone.browser
                new.model = rng.choice(MODELS[new.os])
        tgt["imei"] = new.imei
        if why == "upgrade" and rng.random() < 0.18:  # she moves the card herself: no request at all
            if line == c.lines[0]:
                c.phone = new
            return
        sim_works = not (lost and rng.random() < 0.8)
        net = self._state = c.net(at, old_age, sim_works, off=0.3 if why == "esim" else 0.04)
        if c.locked[line] and rng.random() < 0.95:
            self._unlock(at, line, c.laptop or c.phone, why)
        by_care = {"lost": world.parameters["care_share_lost"], "upgrade": world.parameters["care_share_up"], "esim": 0.1}[why]
        if rng.random() < by_care:
            self._new_sim_by_care(at, line, why, net, tgt)
        else:
            self._new_sim_online(at, line, why, net, tgt, new)
        if why != "esim" and line == c.lines[0]:
            c.phone = new

    def _new_sim_by_care(self, at, line, why, net, tgt):
        rng, lost = self.rng, why == "lost"
        auth = "rep_override" if rng.random() < 0.04 else "pin" if rng.random() < 0.45 else "kba"
        care = dict(
            rep=representative(rng), reason={"lost": "lost", "upgrade": "upgrade", "esim": "sim"}[why],
            kba_fail=poisson(rng, 0.35 if lost else 0.15), inbound=rng.random() < 0.95, own=(rng.random() < 0.6 and not lost),
        )  # fmt: skip
        if rng.random() < 0.9:
            self._emit(at, line, "care_contact", "care", auth="kba" if auth == "rep_override" else auth, care=care, net=net)
        self._emit(at + pause(rng, 240), line, "sim_swap", "care", auth=auth, care=care, net=net, tgt=tgt, why=why)

    def _new_sim_online(self, at, line, why, net, tgt, new: Device):
        c, rng, world = self.customer, self.rng, self.world
        x = rng.random()
        match why:
            case "lost" if c.laptop and x < 0.7:
                device = c.laptop
            case "lost":  # somebody else's device
                device = Device(rng, world.pack, world.parameters, "phone" if rng.random() < 0.6 else "pc", at, True)
            case "upgrade":
                device = new if x < 0.5 else c.phone if x < 0.8 or not c.laptop else c.laptop
            case _:
                device = c.phone if x < 0.7 or not c.laptop else c.laptop
        network = c.network(at, device)
        at_home = c.place(at) == ("m", c.metro)
        if device.kind == "phone" and device is not c.phone and network.asn in CELLULAR_ASNS:
            # A phone without service is on Wi-Fi, never on its own cellular data.
            network = c.home if at_home or not c.laptop else c.network(at, c.laptop)
        if why == "lost" and not c.vpn and rng.random() < 0.25:
            kind, where = c.place(at)
            network = fixed_network(rng, world.pack, where if kind == "m" else c.metro)[0]
        unknown = device is not c.phone and device is not c.laptop
        before = pause(rng)
        if unknown and rng.random() < 0.25:
            self._reset(at - before - pause(rng, 80, 0.7), line, device, network)
        web = self._sign_in(at - before, line, device, network, new=unknown, may_be_open=True)
        auth = "passkey" if rng.random() < (0.04 if unknown else 0.12) else rng.choice(["session", "password"])
        self._emit(at, line, "sim_swap", device.channel, auth=auth, web=web, net=net, tgt=tgt, why=why)

    def _leave(self, at, line):
        """A number transfer PIN, then the port-out that the gaining carrier asks for."""
        c, rng = self.customer, self.rng
        spid = f"S{weighted(rng, range(CARRIERS), [1 / (i + 1) for i in range(CARRIERS)]):03d}"
        device = c.device()
        age = c.phone_age(at)
        net = self._state = c.net(at, age)
        if c.locked[line]:
            self._unlock(at, line, device, "port")
        if rng.random() < 0.8:
            web = self._sign_in(at - pause(rng), line, device, may_be_open=True)
            self._emit(at, line, "port_pin", device.channel, auth="session", web=web, net=net, why="port")
        else:
            auth = "rep_override" if rng.random() < 0.03 else "pin" if rng.random() < 0.5 else "kba"
            care = dict(rep=representative(rng), reason="port", kba_fail=poisson(rng, 0.12), inbound=rng.random() < 0.96, own=rng.random() < 0.7)
            self._emit(at, line, "port_pin", "care", auth=auth, care=care, net=net, why="port")
        out = at + (pause_before_port(rng) if rng.random() < 0.6 else rng.expovariate(1 / (1.1 * DAY)) + 600)
        tgt = dict(imei=None, iccid=None, spid=spid)
        self._emit(out, line, "port_out", "partner", auth="pin", net=c.net(out, age), tgt=tgt, why="port")
        c.leaves[line] = out + 3_600
