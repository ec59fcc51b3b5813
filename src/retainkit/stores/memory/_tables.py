"""One tenant's rows, and the journal that undoes changes; the protocols over them are beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeAlias, TypeVar

from attrs import evolve

from retainkit.core import (
    Bucket,
    EffectState,
    Event,
    EventState,
    Intent,
    Item,
    JsonObject,
    Lease,
    Member,
    Record,
    RecordedEvent,
    Timer,
)
from retainkit.ids import CaseId, CustomerId, EventId, TenantId
from retainkit.stores.memory._agenda import Agenda


K = TypeVar("K")
V = TypeVar("V")

# A metric's buckets of one customer and day, by part; those of each day; and those of each metric.
Parts: TypeAlias = dict[str, Bucket]
Days: TypeAlias = defaultdict[int, Parts]
Metrics: TypeAlias = defaultdict[str, Days]


class Row(NamedTuple):
    """A timer or an intent; its ticket names the one entry of the agenda that is still valid."""

    item: Item
    wake_at: datetime | None
    ticket: int


def _metrics() -> Metrics:
    return defaultdict(partial(defaultdict, dict))


class Tables:
    """One tenant's data; whatever changes it tells the journal how to change it back."""

    def __init__(self, tenant: TenantId, agenda: Agenda) -> None:
        self.tenant = tenant
        self.agenda = agenda
        self.journal: list[Callable[[], object]] = []
        self.events: dict[EventId, RecordedEvent] = {}
        self.aside: dict[EventId, None] = {}
        self.reported: dict[EventId, str] = {}
        self.histories: defaultdict[CustomerId, list[RecordedEvent]] = defaultdict(list)
        self.records: defaultdict[str, dict[CaseId, Record]] = defaultdict(dict)
        self.cases: defaultdict[tuple[str, CustomerId], dict[CaseId, None]] = defaultdict(dict)
        self.open: dict[tuple[str, CustomerId, str], CaseId] = {}
        self.definitions: dict[str, JsonObject] = {}
        self.rows: dict[str, Row] = {}
        self.live: defaultdict[CustomerId, dict[str, None]] = defaultdict(dict)
        self.buckets: defaultdict[CustomerId, Metrics] = defaultdict(_metrics)
        self.members: defaultdict[str, dict[CustomerId, Member]] = defaultdict(dict)

    def __bool__(self) -> bool:
        return bool(self.events or self.rows or self.definitions or any(self.records.values()))

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        """Write one entry."""
        if key in table:
            self.journal.append(partial(table.__setitem__, key, table[key]))
        else:
            self.journal.append(partial(table.__delitem__, key))
        table[key] = value

    def drop(self, table: dict[K, V], key: K) -> None:
        """Remove one entry, if it is there."""
        if key in table:
            self.journal.append(partial(table.__setitem__, key, table.pop(key)))

    def roll_back(self) -> None:
        """Undo all since the journal was empty, latest first."""
        while self.journal:
            self.journal.pop()()

    def number(self, event: Event, recorded_at: datetime) -> int:
        """Make the event its customer's latest; returns its counter."""
        history = self.histories[event.customer]
        recorded = RecordedEvent(event=event, sequence=len(history) + 1, recorded_at=recorded_at)
        self.put(self.events, event.id, recorded)
        history.append(recorded)
        self.journal.append(history.pop)
        return recorded.sequence

    def set_aside(self, event: Event, recorded_at: datetime, state: EventState) -> None:
        """Keep an event that is not part of any customer's past."""
        recorded = RecordedEvent(event=event, sequence=0, recorded_at=recorded_at, state=state)
        self.put(self.events, event.id, recorded)
        self.put(self.aside, event.id, None)

    def schedule(self, key: str, item: Item, wake_at: datetime | None) -> None:
        """Write a timer or an intent, and when it is claimed next."""
        self.put(self.rows, key, Row(item, wake_at, self.agenda.enter(self, key, wake_at)))
        live = self.live[item.customer]
        if isinstance(item, Intent) and item.state is EffectState.DONE:
            self.drop(live, key)
        elif key not in live:
            self.put(live, key, None)

    def unschedule(self, timer: Timer) -> None:
        """Remove a timer."""
        self.drop(self.rows, timer.id)
        self.drop(self.live[timer.customer], timer.id)

    def claim(self, key: str, item: Item, lease: Lease, now: datetime) -> Item:
        """Put an item under the lease; returns it as it was, but for the lease."""
        until = now + lease.length
        kept: Item
        if isinstance(item, Timer):
            kept = evolve(item, due=until, lease=lease.id)
        else:
            kept = evolve(item, wake_at=until, lease=lease.id)
        self.schedule(key, kept, until)
        return evolve(item, lease=lease.id)
