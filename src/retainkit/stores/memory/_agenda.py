"""When the rows of all tenants wake; what they say lives in _tables."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from datetime import datetime

    from retainkit.core import Item, Skills
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

    def take(
        self, now: datetime, limit: int, skills: Skills | None
    ) -> list[tuple[Tables, str, Item]]:
        """Take out what wakes by ``now`` and the skills cover, soonest first."""
        heap = self._heap
        taken: list[tuple[Tables, str, Item]] = []
        left: list[tuple[datetime, int, Tables, str]] = []
        while len(taken) < limit and heap and heap[0][0] <= now:
            entry = heappop(heap)
            _, ticket, tables, key = entry
            row = tables.rows.get(key)
            if row is None or row.ticket != ticket:
                continue
            if skills is None or skills.cover(row.item):
                taken.append((tables, key, row.item))
            else:
                left.append(entry)
        for entry in left:
            heappush(heap, entry)
        return taken
