"""Devices, and what their browsers say of themselves as time goes by."""

from random import Random

from .chance import DAY, START, hexadecimal, weighted
from .pack import Pack

MODELS = {
    "iOS": ["iPhone13,2", "iPhone14,5", "iPhone14,7", "iPhone15,2", "iPhone15,4", "iPhone16,1", "iPhone16,2", "iPhone17,1",
            "iPhone17,3", "iPhone18,1"],
    "Android": ["SM-S911U", "SM-S921U", "SM-S928U", "SM-A156U", "SM-A546U", "Pixel 7", "Pixel 8", "Pixel 8a", "Pixel 9",
                "Pixel 10", "moto g power 5G", "SM-S938U", "OnePlus 12", "TCL 50"],
}  # fmt: skip
DESKTOP_PLATFORM = {
    "Windows": "Windows NT 10.0; Win64; x64", "Mac OS X": "Macintosh; Intel Mac OS X 10_15_7", "Linux": "X11; Linux x86_64",
    "Chrome OS": "X11; CrOS x86_64 14541.0.0",
}  # fmt: skip
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"


class Device:
    """A phone or a computer: `clear` ones keep no cookie, `dbk` ones prove a key that is bound to them."""

    def __init__(self, rng: Random, pack: Pack, world: dict, kind: str, born: float, clear: bool = False):
        self.kind, self.born, self.clear = kind, born, clear
        self.release_speed = world["ua_speed"]
        self.did = hexadecimal(rng)
        self.imei = hexadecimal(rng, 8)
        if kind == "phone":
            self.os, self.browser = weighted(rng, *pack.phone_browsers)
            self.model = rng.choice(MODELS[self.os])
        else:
            self.os, self.browser = weighted(rng, *pack.desktop_browsers)
            self.model = None
        self.dbk = rng.random() < world["dbk"] and not clear
        self.lag = rng.expovariate(1 / (18 * world["browser_lag"]))  # days behind the releases

    @property
    def channel(self) -> str:
        return "web" if self.kind == "pc" else "app"

    def user_agent(self, now: float) -> tuple[str, str, str, str]:
        """The text sent, the system and browser in it, and the type: versions follow the real release cadence."""
        days = (now - START) / DAY * self.release_speed - self.lag
        chrome, firefox, ios = 144 + int(days // 28), 147 + int(days // 28), f"26.{2 + int((days + 20) // 45)}"
        samsung = 29 + int(days // 90)
        if self.os == "iOS":
            return *self._ios(chrome, ios), "mobile"
        if self.os == "Android":
            return *self._android(chrome, firefox, samsung), "mobile"
        return *self._desktop(chrome, firefox, ios), "desktop"

    def _ios(self, chrome: int, ios: str) -> tuple[str, str, str]:
        start = f"Mozilla/5.0 (iPhone; CPU iPhone OS {ios.replace('.', '_')} like Mac OS X) {WEBKIT}"
        system = f"iOS {ios}"
        if self.browser.startswith("Chrome"):
            return f"{start} CriOS/{chrome}.0.0.0 Mobile/15E148 Safari/604.1", system, f"Chrome iOS {chrome}"
        if self.browser == "Google":
            return f"{start} GSA/{chrome + 250}.0 Mobile/15E148 Safari/604.1", system, f"Google {chrome + 250}"
        if self.browser.startswith("Edge"):
            return f"{start} EdgiOS/{chrome}.0 Mobile/15E148 Safari/605.1.15", system, f"Edge iOS {chrome}"
        return f"{start} Version/{ios} Mobile/15E148 Safari/604.1", system, f"Mobile Safari {ios}"

    def _android(self, chrome: int, firefox: int, samsung: int) -> tuple[str, str, str]:
        start = f"Mozilla/5.0 (Linux; Android 10; K) {BLINK}"
        if self.browser.startswith("Samsung"):
            ua = f"{start} SamsungBrowser/{samsung}.0 Chrome/{chrome - 8}.0.0.0 Mobile Safari/537.36"
            return ua, "Android 10", f"Samsung Internet {samsung}"
        if self.browser.startswith("Firefox"):
            ua = f"Mozilla/5.0 (Android 16; Mobile; rv:{firefox}.0) Gecko/{firefox}.0 Firefox/{firefox}.0"
            return ua, "Android 10", f"Firefox Mobile {firefox}"
        return f"{start} Chrome/{chrome}.0.0.0 Mobile Safari/537.36", "Android 10", f"Chrome Mobile {chrome}"

    def _desktop(self, chrome: int, firefox: int, ios: str) -> tuple[str, str, str]:
        platform = DESKTOP_PLATFORM.get(self.os, "X11; Linux x86_64")
        blink = f"Mozilla/5.0 ({platform}) {BLINK} Chrome/{chrome}.0.0.0 Safari/537.36"
        match self.browser:
            case "Edge":
                return f"{blink} Edg/{chrome}.0.0.0", self.os, f"Edge {chrome}"
            case "Safari":
                return f"Mozilla/5.0 ({platform}) {WEBKIT} Version/{ios} Safari/605.1.15", self.os, f"Safari {ios}"
            case "Firefox":
                ua = f"Mozilla/5.0 ({platform}; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0"
                return ua, self.os, f"Firefox {firefox}"
            case "Opera":
                return f"{blink} OPR/{chrome - 16}.0.0.0", self.os, f"Opera {chrome - 16}"
        return blink, self.os, f"Chrome {chrome}"
