"""The timing audit: the same world with the gaps inside visits dealt out anew."""

import json
import random
from pathlib import Path

VISIT = 5_400  # seconds; longer gaps are between visits


def shuffle_gaps(events: Path, out: Path, seed: int):
    """Writes the events with every gap inside a visit replaced by somebody else's. Ids and order within a line stay."""
    last, gaps, times = {}, [], []
    with open(events) as file:
        for text in file:
            event = json.loads(text)
            line, at = event["line"], event["ts"]
            gap = at - last[line] if line in last else None
            if gap is not None and gap <= VISIT:
                gaps.append(gap)
            times.append((line, at, gap))
            last[line] = at
    random.Random(seed).shuffle(gaps)
    dealt, moved, new_times = iter(gaps), {}, []
    for line, at, gap in times:
        new = moved[line] + next(dealt) if gap is not None and gap <= VISIT else max(at, moved.get(line, at))
        moved[line] = new
        new_times.append(new)
    order = sorted(range(len(new_times)), key=lambda i: (new_times[i], i))
    texts = open(events).read().splitlines()
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "w") as file:
        for i in order:
            event = json.loads(texts[i])
            event["ts"] = new_times[i]
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
