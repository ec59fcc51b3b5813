"""When the rows of all tenants wake; what they say lives in _tables."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from retainkit.core import Item
    from retainkit.stores.memory._tables import Tables


class Agenda:
    """All tenants' rows by the time they wake; entries that are out of date are passed over."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Tables, str]] = []
        self._tickets = count()

    def enter(self, tables: Tables, key: str, wake_at: datetime | None) -> int:
        """Note when a row wakes; the ticket makes its earlier entries void."""
        ticket = next(self._tickets)
        if wake_at is not None:
            heappush(self._heap, (wake_at, ticket, tables, key))
        return ticket

    def due(self, now: datetime) -> Iterator[tuple[Tables, str, Item]]:
        """Take out what wakes by ``now``, soonest first."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            _, ticket, tables, key = heappop(heap)
            row = tables.rows.get(key)
            if row is not None and row.ticket == ticket:
                yield tables, key, row.item
