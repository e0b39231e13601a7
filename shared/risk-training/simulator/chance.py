"""Drawing: the few laws that everything else is made of."""

import math
from random import Random

DAY = 86_400
START = 1_767_225_600  # 2026-01-01T00:00:00Z


def hexadecimal(rng: Random, digits: int = 10) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def weighted(rng: Random, items, weights):
    return rng.choices(items, weights)[0]


def poisson(rng: Random, mean: float) -> int:
    if mean <= 0:
        return 0
    if mean > 30:
        return max(0, int(rng.gauss(mean, math.sqrt(mean)) + 0.5))
    limit, count, product = math.exp(-mean), 0, 1.0
    while True:
        product *= rng.random()
        if product <= limit:
            return count
        count += 1


def pause(rng: Random, median: float = 150.0, spread: float = 0.95, least: float = 15, most: float = 5_400) -> float:
    """Seconds between two steps of a visit: one law for everybody, so that timing gives nobody away."""
    return min(most, max(least, rng.lognormvariate(math.log(median), spread)))


def kilometres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle distance between two positions in degrees."""
    rad = math.pi / 180
    x = math.sin((lat_b - lat_a) * rad / 2) ** 2 + math.cos(lat_a * rad) * math.cos(lat_b * rad) * math.sin((lon_b - lon_a) * rad / 2) ** 2
    return 12742 * math.asin(min(1, math.sqrt(x)))


def clock_distance(a: float, b: float) -> float:
    """Hours between two hours of the day."""
    return min(abs(a - b), 24 - abs(a - b))
