"""100,000 events, 5 % of them duplicates, in batches of 1,000 into SQLite.

Ours builds the events, checks, fingerprints, numbers and appends them, and tells duplicates from
conflicts. The anchor runs `executemany` of the same rows, ready-made, on the same schema and
durability, in the same batches.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measure import in_turns

from retainkit import CustomerId, Event, RetainKit
from retainkit.ids import EventId
from retainkit.stores.sql import SqlStore


EVENTS = 100_000
BATCH = 1_000
CUSTOMERS = 2_000
BOUND = 0.45
START = datetime(2026, 1, 1, tzinfo=UTC)
INSERT = (
    "INSERT OR IGNORE INTO rk_event (tenant, id, customer, sequence, name, occurred_at,"
    " recorded_at, origin, state, schema, fingerprint, data, because, actor)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def run(name: str) -> dict[str, object]:
    """At least 0.45 of bare `executemany`."""
    del name
    with tempfile.TemporaryDirectory() as folder:
        files = (Path(folder) / f"{number}.db" for number in range(1000))

        def ours() -> int:
            return _ours(next(files))

        def by_hand() -> int:
            return _by_hand(next(files))

        result = in_turns(ours, by_hand, repeats=5, bound=BOUND, unit="events a second")
        return {**result, "durability": "journal_mode=wal synchronous=2"}


def _numbers() -> Iterator[list[int]]:
    """Which events a batch reports: every twentieth is one of the batch before."""
    for start in range(0, EVENTS, BATCH):
        yield [
            number - BATCH + 1 if number % 20 == 0 and start else number
            for number in range(start, start + BATCH)
        ]


def _ours(path: Path) -> int:
    store = SqlStore(f"sqlite:///{path}")
    store.migrate()
    kit = RetainKit(store=store)
    for batch in _numbers():
        kit.record(
            *[
                Event(
                    id=EventId(f"usage-{number}"),
                    name="report.exported",
                    customer=CustomerId(f"customer-{number % CUSTOMERS}"),
                    occurred_at=START + timedelta(seconds=number),
                    data={"report": f"r-{number}", "rows": number},
                    actor="host",
                )
                for number in batch
            ]
        )
    store.close()
    return EVENTS


_ROWS: list[list[tuple[object, ...]]] = []


def _by_hand(path: Path) -> int:
    if not _ROWS:
        _ROWS.extend([[_row(number) for number in batch] for batch in _numbers()])
    store = SqlStore(f"sqlite:///{path}")
    store.migrate()
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    for batch in _ROWS:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT, batch)
        connection.execute("COMMIT")
    connection.close()
    return EVENTS


def _row(number: int) -> tuple[object, ...]:
    data = json.dumps({"report": f"r-{number}", "rows": number})
    customer = f"customer-{number % CUSTOMERS}"
    return (
        "main",
        f"usage-{number}",
        customer,
        number // CUSTOMERS + 1,
        "report.exported",
        1_767_225_600_000_000 + number * 1_000_000,
        1_767_225_600_000_000,
        "real",
        "accepted",
        1,
        f"{number:064x}",
        data,
        "[]",
        "host",
    )
