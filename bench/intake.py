"""What the benches of intake share: the batches, and the anchor that inserts their rows alone."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from measure import in_turns

from retainkit import Event
from retainkit.stores.sql import SqlStore


EVENTS = 100_000
CUSTOMERS = 2_000
START = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[object, ...]
_BATCH = 1_000
_STARTED = 1_767_225_600_000_000
_INSERT = (
    "INSERT OR IGNORE INTO rk_event (tenant, id, customer, sequence, name, occurred_at,"
    " recorded_at, origin, state, schema, fingerprint, data, because, actor)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def batches() -> Iterator[list[int]]:
    """Which events a batch reports: every twentieth is one of the batch before."""
    for start in range(0, EVENTS, _BATCH):
        yield [
            number - _BATCH + 1 if number % 20 == 0 and start else number
            for number in range(start, start + _BATCH)
        ]


def row(number: int, event: Event, *, sequence: int) -> Row:
    """The row of an event as the anchor has it in hand."""
    return (
        "main",
        event.id,
        event.customer,
        sequence,
        event.name,
        _STARTED + number * 1_000_000,
        _STARTED,
        "real",
        "accepted",
        1,
        f"{number:064x}",
        json.dumps(event.data),
        "[]",
        "host",
    )


def compared(
    ours: Callable[[SqlStore], None], rows: Sequence[Sequence[Row]], *, bound: float
) -> dict[str, object]:
    """Recording all batches in a new store, and `executemany` of their rows."""
    with tempfile.TemporaryDirectory() as folder:
        files = (Path(folder) / f"{number}.db" for number in range(1000))

        def recorded() -> int:
            store = _migrated(next(files))
            ours(store)
            store.close()
            return EVENTS

        def inserted() -> int:
            path = next(files)
            _migrated(path).close()
            _insert(path, rows)
            return EVENTS

        result = in_turns(recorded, inserted, repeats=5, bound=bound, unit="events a second")
        return {**result, "durability": "journal_mode=wal synchronous=2"}


def _migrated(path: Path) -> SqlStore:
    store = SqlStore(f"sqlite:///{path}")
    store.migrate()
    return store


def _insert(path: Path, rows: Sequence[Sequence[Row]]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    for batch in rows:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, batch)
        connection.execute("COMMIT")
    connection.close()
