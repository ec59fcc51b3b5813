"""CPU of importing and building a first kit with a policy, over importing attrs and moneyed."""

from __future__ import annotations

import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median


OURS = """
from datetime import timedelta
from retainkit import DunningPolicy, RetainKit, Stage
from retainkit.stores.memory import MemoryStore
RetainKit(
    store=MemoryStore(),
    dunning=DunningPolicy(
        retries=(timedelta(days=1), timedelta(days=3), timedelta(days=7)),
        stages=(
            Stage(after=timedelta(0), message="payment_failed", tone="friendly"),
            Stage(after=timedelta(days=7), message="payment_failed", access="limited"),
            Stage(after=timedelta(days=14), message="last_notice", tone="firm"),
            Stage(after=timedelta(days=21), end="cancel"),
        ),
    ),
)
"""
ANCHOR = "import attrs, moneyed"
EMPTY = "pass"
REPEATS = 31
BOUND = 1.5


def run(name: str) -> dict[str, object]:
    """At most 1.5 times the anchor."""
    del name
    ours, anchor, empty = [], [], []
    for _ in range(REPEATS):
        ours.append(_cpu(OURS))
        anchor.append(_cpu(ANCHOR))
        empty.append(_cpu(EMPTY))
    # The interpreter's own start is no import of ours or of the anchor's.
    value, base = median(ours) - median(empty), median(anchor) - median(empty)
    return {
        "value": round(value * 1000, 2),
        "anchor": round(base * 1000, 2),
        "unit": "ms CPU over a bare interpreter",
        "ratio": round(value / base, 3),
        "bound": f"at most {BOUND}",
        "met": value / base <= BOUND,
    }


def _cpu(code: str) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
