"""The numbers a simulated world is made of.

A model that holds in one world only has learnt the simulator. So every number that matters is here, and beside the
two main worlds there are others, in which some of them are moved; nothing is ever trained on the `test-` ones.
In the `varied-` ones all are drawn anew: a carrier that nobody has met.

Rates a year are per line (resets, changes of contact and care contacts: per account); shares are 0..1; times are in the unit their comment names.
"""

import math
from random import Random

DEV = {
    # Customers.
    "login_med": 1.7,  # sign-ins a month, median
    "login_sig": 1.05,  # spread of its logarithm
    "newcust": 0.28,  # join during the simulated span
    "multi": 0.38,  # accounts of more than one line
    "clear_cookie": 0.07,  # browsers that keep no cookie
    "dbk": 0.45,  # devices that prove a device-bound key
    "fail": 0.06,  # chance of a wrong password
    "vpn_user": 0.09,
    "trip_dom": 2.6,  # trips a year in the country
    "trip_int": 0.45,  # and abroad
    "move": 0.08,  # moves of home a year
    # Networks.
    "ip_days": 55,  # mean life of a home address, days
    "mobile_share": 0.42,  # of a phone's visits, over the cellular network
    "mobile_near": 0.60,  # of these, located near the truth
    "browser_lag": 1.0,  # how far browsers trail their releases; 1 = 18 days
    "ua_speed": 1.0,  # how fast releases come; 1 = the real cadence
    # What is known of an event.
    "cell_feed": 0.72,  # accounts with a feed from the carrier's network
    "null_geo": 0.012,
    "null_rtt": 0.35,
    "null_tz": 0.06,
    # Genuine requests, a year; upgrade is a month's.
    "upgrade": 1 / 30,
    "lost": 0.045,
    "esim": 0.06,
    "churn": 0.009,  # a month
    "pwreset": 0.09,
    "emailchg": 0.035,
    "passkey": 0.10,
    "lock": 0.10,  # lines with a lock
    "care": 0.6,
    "care_share_up": 0.16,  # upgrades done by the care desk
    "care_share_lost": 0.30,
    # Attackers.
    "proxy_res": 0.6,  # residential rather than hosting proxies
    "proxy_mobile": 0.22,  # residential proxies that are phones
    "tz_spoof": 0.7,  # set the victim's time zone
    "attack_rtt": 1.0,  # scale of the extra round trip of a proxy
    "imei_shared": 0.4,  # requests of a campaign that name the same handset
    "insider_inbound": 0.35,  # insiders' requests with a call on record
    "pin_first": 0.55,  # port bursts that fetch the PIN themselves
    "mix": None,  # relative frequency of attacker classes; 1 if absent
}

# Desktops on fixed lines that sign in often: the world of the published algorithm, where it should do about as
# published (Wiefling et al. 2022). To check the baseline and the sign-in model, not to tune.
REFERENCE = DEV | {
    "login_med": 4.0, "login_sig": 1.0, "newcust": 0.25, "multi": 0.0, "clear_cookie": 0.03, "dbk": 0.0, "fail": 0.05,
    "vpn_user": 0.02, "trip_dom": 1.0, "trip_int": 0.3, "move": 0.03, "ip_days": 400, "mobile_share": 0.12,
    "mobile_near": 0.7, "browser_lag": 3.0, "ua_speed": 0.12, "cell_feed": 0.0, "null_geo": 0.0, "null_rtt": 0.3,
    "null_tz": 0.03, "upgrade": 1 / 36, "lost": 0.03, "esim": 0.03, "churn": 0.003, "pwreset": 0.05, "emailchg": 0.02,
    "passkey": 0.05, "lock": 0.05, "care": 0.3,
}  # fmt: skip

WORLDS = {
    "dev": DEV,
    "reference": REFERENCE,
    # Moved for training: what a model meets here it must not lean on.
    "phones": DEV | {"mobile_share": 0.6, "mobile_near": 0.45, "null_rtt": 0.5, "dbk": 0.3, "attack_rtt": 0.6, "tz_spoof": 0.85, "cell_feed": 0.4, "imei_shared": 0.25},
    "proxies": DEV | {"vpn_user": 0.15, "clear_cookie": 0.11, "proxy_res": 0.8, "proxy_mobile": 0.3, "attack_rtt": 0.8, "tz_spoof": 0.9, "cell_feed": 0.6, "insider_inbound": 0.5, "pin_first": 0.8, "lost": 0.07},
    # Moved for tests only.
    "test-no-feed": DEV | {"cell_feed": 0.0, "dbk": 0.3, "login_med": 1.2, "null_rtt": 0.5, "proxy_res": 0.75, "newcust": 0.35},
    "test-mobile": DEV | {"mobile_share": 0.7, "mobile_near": 0.35, "ip_days": 30, "trip_dom": 4.0, "tz_spoof": 0.9},
    "test-vpn": DEV | {"vpn_user": 0.22, "clear_cookie": 0.15, "proxy_res": 0.85, "proxy_mobile": 0.4, "attack_rtt": 0.7, "dbk": 0.55},
    "test-habits": DEV | {"attack_rtt": 0.5, "imei_shared": 0.1, "insider_inbound": 0.65, "pin_first": 0.9, "tz_spoof": 0.95, "proxy_res": 0.95, "care_share_up": 0.3, "care_share_lost": 0.5, "lost": 0.09, "lock": 0.25},
}  # fmt: skip


def varied(number: int) -> dict:
    """Shares and rates drawn around those of dev: their odds and sizes by a factor of about two, either way."""
    rng = Random(f"world {number}")
    world = dict(DEV)
    for name, usual in DEV.items():
        if not isinstance(usual, (int, float)):
            continue
        factor = math.exp(rng.gauss(0, 0.6))
        if name in SHARES:
            odds = usual / (1 - usual) * factor
            world[name] = odds / (1 + odds)
        elif name != "login_sig":
            world[name] = usual * factor**0.7
    return world


SHARES = {
    "newcust", "multi", "clear_cookie", "dbk", "fail", "vpn_user", "mobile_share", "mobile_near", "cell_feed", "null_geo",
    "null_rtt", "null_tz", "lock", "care_share_up", "care_share_lost", "proxy_res", "proxy_mobile", "tz_spoof", "imei_shared",
    "insider_inbound", "pin_first",
}  # fmt: skip
WORLDS |= {f"varied-{number}": varied(number) for number in range(1, 7)}
