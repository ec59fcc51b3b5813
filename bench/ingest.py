"""100,000 events, 5 % of them duplicates, in batches of 1,000 into SQLite.

Ours builds the events, checks, fingerprints, numbers and appends them, and tells duplicates from
conflicts. The anchor runs `executemany` of the same rows, ready-made, on the same schema and
durability, in the same batches.
"""

from __future__ import annotations

from datetime import timedelta

from intake import CUSTOMERS, START, batches, compared, row

from retainkit import CustomerId, Event, RetainKit
from retainkit.ids import EventId
from retainkit.stores.sql import SqlStore


BOUND = 0.45


def run(name: str) -> dict[str, object]:
    """At least 0.45 of bare `executemany`."""
    del name
    rows = [
        [row(number, _event(number), sequence=number // CUSTOMERS + 1) for number in batch]
        for batch in batches()
    ]
    return compared(_ours, rows, bound=BOUND)


def _ours(store: SqlStore) -> None:
    kit = RetainKit(store=store)
    for batch in batches():
        kit.record(*map(_event, batch))


def _event(number: int) -> Event:
    return Event(
        id=EventId(f"usage-{number}"),
        name="report.exported",
        customer=CustomerId(f"customer-{number % CUSTOMERS}"),
        occurred_at=START + timedelta(seconds=number),
        data={"report": f"r-{number}", "rows": number},
        actor="host",
    )
