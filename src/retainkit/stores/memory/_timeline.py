"""The past of one tenant, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from heapq import nsmallest
from itertools import islice

from attrs import evolve

from retainkit.core import Event, EventState, RecordedEvent
from retainkit.ids import CustomerId, EventId
from retainkit.stores import Appended
from retainkit.stores._refusals import not_parked
from retainkit.stores.memory._frozen import frozen_event
from retainkit.stores.memory._tables import Tables
from retainkit.timing import utc


class MemoryTimeline:
    """The past, as `retainkit.stores.Timeline` promises it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def append(
        self,
        events: Sequence[Event],
        *,
        recorded_at: datetime,
        state: EventState = EventState.ACCEPTED,
    ) -> Appended:
        tables, recorded_at = self._tables, utc(recorded_at, "recorded_at")
        new: list[Event] = []
        duplicates: list[EventId] = []
        conflicts: list[EventId] = []
        first: dict[CustomerId, int] = {}
        taken: Counter[CustomerId] = Counter()
        for event in events:
            if event.id not in tables.events:
                kept = frozen_event(event)
                if state is EventState.ACCEPTED:
                    first.setdefault(kept.customer, tables.number(kept, recorded_at))
                    taken[kept.customer] += 1
                else:
                    tables.set_aside(kept, recorded_at, state)
                new.append(kept)
            elif (beside := self._beside(event)) is None or beside in tables.events:
                duplicates.append(event.id)
            else:
                kept = evolve(frozen_event(event), id=beside)
                tables.set_aside(kept, recorded_at, EventState.CONFLICT)
                conflicts.append(event.id)
        return Appended(
            new=tuple(new),
            duplicates=tuple(duplicates),
            conflicts=tuple(conflicts),
            first=first,
            taken=taken,
        )

    def get(self, event: EventId) -> RecordedEvent | None:
        return self._tables.events.get(event)

    def of(
        self,
        customer: CustomerId,
        *,
        after: int = 0,
        names: frozenset[str] | None = None,
        limit: int | None = None,
    ) -> tuple[RecordedEvent, ...]:
        # The counter counts without gaps here, so it is also the place in the list.
        history = self._tables.histories.get(customer, [])[max(after, 0) :]
        if names is None:
            return tuple(history if limit is None else history[:limit])
        return tuple(islice((kept for kept in history if kept.event.name in names), limit))

    def customers(
        self, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[CustomerId, ...]:
        histories = self._tables.histories
        later = (id_ for id_ in histories if histories[id_] and id_ > (after or ""))
        return tuple(nsmallest(limit, later))

    def listed(self, state: EventState, *, limit: int = 100) -> tuple[RecordedEvent, ...]:
        tables = self._tables
        found = (kept for id_ in tables.aside if (kept := tables.events[id_]).state is state)
        return tuple(sorted(found, key=_learned)[:limit])

    def release(self, event: EventId, customer: CustomerId, *, recorded_at: datetime) -> int:
        tables = self._tables
        parked = tables.events.get(event)
        if parked is None or parked.state is not EventState.PARKED:
            raise not_parked(event)
        # Its customer is part of the fingerprint; the sender still sends it without one.
        tables.put(tables.reported, event, parked.event.fingerprint)
        tables.drop(tables.aside, event)
        released = evolve(parked.event, customer=customer)
        return tables.number(released, utc(recorded_at, "recorded_at"))

    def _beside(self, event: Event) -> EventId | None:
        """Where an event with a known id is kept; None if it says what the known one says."""
        known = self._tables.reported.get(event.id)
        if known is None:
            known = self._tables.events[event.id].event.fingerprint
        said = event.fingerprint
        return None if said == known else EventId(f"{event.id}#{said[:16]}")


def _learned(recorded: RecordedEvent) -> tuple[datetime, EventId]:
    return recorded.recorded_at, recorded.event.id
