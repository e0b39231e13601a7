"""Two processes at a time: forked, so that they share what is in memory. Each job is the same by itself or beside another."""

from multiprocessing import get_context

PROCESSES = 2
_work = None


def each(work, items, tick=lambda: None) -> list:
    """`work` of each item, in the order of the items. `tick` is called here as each is done."""
    global _work
    _work, found = work, []
    with get_context("fork").Pool(PROCESSES) as pool:
        for result in pool.imap(_call, items, chunksize=1):
            found.append(result)
            tick()
    return found


def _call(item):
    return _work(item)
