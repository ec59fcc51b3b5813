"""Simulated customer-days a second of the demo; a fall of over 20 % below the record fails.

The record stands in `bench/demo_record.json`: customer-days a second over the speed of a fixed
piece of plain Python in the same run, so that it means the same on another machine.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from retainkit.simulate import demo_policies, seeded_world, simulate


CUSTOMERS, DAYS, SEED = 200, 90, 7
REPEATS = 3
RECORD = Path(__file__).parent / "demo_record.json"
ALLOWED = 0.8


def run(name: str) -> dict[str, object]:
    """At least 0.8 of the recorded figure; the first run without a record makes it."""
    del name
    rates, bases = [], []
    for _ in range(REPEATS):
        rates.append(_simulated())
        bases.append(_plain())
    value, base = median(rates), median(bases)
    ratio = value / base
    recorded = json.loads(RECORD.read_text())["ratio"] if RECORD.exists() else None
    if recorded is None:
        RECORD.write_text(json.dumps({"ratio": ratio, "value": value}) + "\n")
    return {
        "value": round(value, 1),
        "anchor": round(base, 1),
        "unit": "customer-days a second; the anchor counts rounds of SHA-256 over JSON",
        "ratio": round(ratio, 4),
        "recorded": recorded,
        "bound": f"at least {ALLOWED} of the record",
        "met": recorded is None or ratio >= ALLOWED * recorded,
        "durability": "SQLite files, synchronous FULL",
    }


def _simulated() -> float:
    from retainkit.stores.sql import SqlStore

    world = seeded_world(customers=CUSTOMERS, days=DAYS, seed=SEED)
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(f"sqlite:///{Path(folder) / 'demo.db'}")
        store.migrate()
        started = perf_counter()
        simulate(world, next(iter(demo_policies().values())), store=store)
        took = perf_counter() - started
        store.close()
    return CUSTOMERS * DAYS / took


def _plain() -> float:
    rounds = 20_000
    started = perf_counter()
    for number in range(rounds):
        text = json.dumps({"number": number, "name": "customer", "list": [1, 2, 3]}, sort_keys=True)
        hashlib.sha256(text.encode()).hexdigest()
    return rounds / (perf_counter() - started)
