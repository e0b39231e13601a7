"""Writes a world: DIR/events.jsonl, what a carrier sees, and DIR/truth.jsonl, what it does not."""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from .attackers import CLASSES, attack
from .chance import START
from .customers import Life
from .pack import Pack
from .population import Customer, World
from .worlds import WORLDS

PACK = Path(__file__).parent / "pack.json.gz"


def simulate(parameters: dict, seed: int, lines: int, days: int, attacks: int) -> tuple[World, list[Customer], int]:
    """The world's events, in order of time, its customers and the number of their lines."""
    world = World(parameters, Pack(PACK), seed, days)
    people, made = [], 0
    while made < lines:
        people.append(Customer(world, len(people)))
        made += len(people[-1].lines)
    for customer in people:
        Life(customer).play()
    campaigns, mix = 0, parameters["mix"] or {}
    for kind in CLASSES:
        campaigns = attack(world, kind, int(attacks * mix.get(kind, 1.0)), people, campaigns)
    world.events.sort(key=lambda event: event[:2])
    return world, people, made


def write(world: World, out: Path) -> tuple[int, str]:
    """Writes both files; the number of events and the SHA-256 of what the carrier sees."""
    out.mkdir(parents=True, exist_ok=True)
    digest, count = hashlib.sha256(), 0
    with open(out / "events.jsonl", "w") as events, open(out / "truth.jsonl", "w") as truths:
        for at, _, event, truth in world.events:
            if not START <= at < world.end:
                continue
            count += 1
            line = json.dumps({"id": count, "ts": int(at), **event}, separators=(",", ":"))
            events.write(line + "\n")
            digest.update(line.encode())
            truths.write(json.dumps({"id": count, **truth}, separators=(",", ":")) + "\n")
    return count, digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(prog="python3 -m simulator", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=300)
    parser.add_argument("--world", default="dev", choices=WORLDS)
    parser.add_argument("--attacks", type=int, default=160, help="of each class")
    args = parser.parse_args()
    world, people, lines = simulate(WORLDS[args.world], args.seed, args.lines, args.days, args.attacks)
    count, digest = write(world, args.out)
    summary = dict(events=count, lines=lines, accounts=len(people), world=args.world, seed=args.seed, sha256=digest)
    print(json.dumps(summary), file=sys.stderr)


if __name__ == "__main__":
    main()
