"""Two ways of doing the same, in turns; the medians and their ratio."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter


def in_turns(
    ours: Callable[[], int],
    anchor: Callable[[], int],
    *,
    repeats: int,
    bound: float,
    unit: str,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, object]:
    """
    Run both in turns, each returning how much it did; our rate over the anchor's.

    One round of each goes first and does not count. The clock can be that of the thread, for what
    waits for nobody.
    """
    ours(), anchor()
    rates: list[float] = []
    bases: list[float] = []
    for _ in range(repeats):
        rates.append(_rate(ours, clock))
        bases.append(_rate(anchor, clock))
    value, base = median(rates), median(bases)
    return {
        "value": round(value, 1),
        "anchor": round(base, 1),
        "unit": unit,
        "ratio": round(value / base, 3),
        "bound": f"at least {bound}",
        "met": value / base >= bound,
    }


def _rate(work: Callable[[], int], clock: Callable[[], float]) -> float:
    gc.collect()
    started = clock()
    done = work()
    return done / (clock() - started)
