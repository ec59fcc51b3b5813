"""The store in memory, for tests, simulations and a first try; nothing here is durable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from heapq import heappop, heappush
from itertools import count, islice
from threading import RLock
from typing import Final, NamedTuple, NoReturn, TypeVar

from attrs import evolve

from retainkit.core import (
    Answer,
    Because,
    EffectState,
    Event,
    EventState,
    Intent,
    Item,
    JsonObject,
    JsonValue,
    Lease,
    Outcome,
    Record,
    RecordedEvent,
    Timer,
)
from retainkit.errors import ConfigurationError, Conflict, InvalidInput, NotFound, StoreError
from retainkit.ids import CaseId, CustomerId, EffectId, EventId, TenantId
from retainkit.stores import Appended, TenantStore, Transaction
from retainkit.timing import utc


__all__ = ["MemoryStore"]

# What a timer at rest shows as its time.
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

K = TypeVar("K")
V = TypeVar("V")


class MemoryStore:
    """
    A whole store in plain dicts: one transaction at a time, rolled back through an undo journal.

    It keeps every promise of `retainkit.stores.Store` but two: nothing is durable, and no host
    transaction can be joined. Leases run by the ``now`` that `claim` is given. Safe across
    threads; not across processes. JSON objects that come out can't be changed.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._busy = False
        self._agenda = _Agenda()
        self._tenants: dict[TenantId, _Tables] = {}

    def migrate(self) -> None:
        """Do nothing: there is no schema."""

    def for_tenant(self, tenant: TenantId) -> TenantStore:
        """The store of one tenant."""
        return _MemoryTenant(self, tenant, self._tables(tenant))

    def claim(self, lease: Lease, *, now: datetime, limit: int) -> tuple[Item, ...]:
        """
        Take up to ``limit`` items that are due at ``now``, or whose lease has run out by then.

        Raises:
            InvalidInput: ``now`` is naive.

            StoreError: ``store.nested``: this thread has a transaction open.
        """
        now = _utc(now, "now")
        with self._alone():
            due = list(islice(self._agenda.due(now), limit))
            # Put back only now, or a lease of no length would be due again at once.
            taken = tuple(_claimed(tables, key, item, lease, now) for tables, key, item in due)
            for tables, _, _ in due:
                tables.journal.clear()
            return taken

    def tenants(self) -> Iterable[TenantId]:
        """Every tenant that has anything in the store."""
        with self._alone():
            return tuple(tenant for tenant, tables in self._tenants.items() if tables)

    def close(self) -> None:
        """Do nothing: there are no connections."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            if self._busy:
                raise StoreError(
                    "A transaction of this store is open in this thread",
                    code="store.nested",
                    remedy="end it first; one step is one transaction",
                )
            self._busy = True
            try:
                yield
            finally:
                self._busy = False

    @contextmanager
    def _transaction(self, tables: _Tables) -> Iterator[Transaction]:
        with self._alone():
            try:
                yield tables.transaction
            except BaseException:
                tables.roll_back()
                raise
            finally:
                tables.journal.clear()

    def _tables(self, tenant: TenantId) -> _Tables:
        with self._lock:
            return self._tenants.setdefault(tenant, _Tables(tenant, self._agenda))


class _MemoryTenant:
    def __init__(self, store: MemoryStore, tenant: TenantId, tables: _Tables) -> None:
        self._store = store
        self._tenant = tenant
        self._tables = tables

    @property
    def tenant(self) -> TenantId:
        return self._tenant

    def transaction(self) -> AbstractContextManager[Transaction]:
        return self._store._transaction(self._tables)  # noqa: SLF001 - one thought, two classes

    def joined(self, connection: object) -> AbstractContextManager[Transaction]:
        raise ConfigurationError(
            "A store in memory can't be part of a host's transaction",
            code="join.unsupported",
            field="connection",
            value=type(connection).__name__,
            remedy="use SqlStore on the host's database",
        )


class _Row(NamedTuple):
    """A timer or an intent; its ticket names the one entry of the agenda that is still valid."""

    item: Item
    wake_at: datetime | None
    ticket: int


class _Agenda:
    """All tenants' rows by the time they wake; entries that are out of date are passed over."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, _Tables, str]] = []
        self._tickets = count()

    def enter(self, tables: _Tables, key: str, wake_at: datetime | None) -> int:
        """Note when a row wakes; the ticket makes its earlier entries void."""
        ticket = next(self._tickets)
        if wake_at is not None:
            heappush(self._heap, (wake_at, ticket, tables, key))
        return ticket

    def due(self, now: datetime) -> Iterator[tuple[_Tables, str, Item]]:
        """Take out what wakes by ``now``, soonest first."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            _, ticket, tables, key = heappop(heap)
            row = tables.rows.get(key)
            if row is not None and row.ticket == ticket:
                yield tables, key, row.item


class _Tables:
    """One tenant's data; whatever changes it tells the journal how to change it back."""

    def __init__(self, tenant: TenantId, agenda: _Agenda) -> None:
        self.tenant = tenant
        self.agenda = agenda
        self.journal: list[Callable[[], object]] = []
        self.transaction = _Transaction(self)
        self.events: dict[EventId, RecordedEvent] = {}
        self.aside: dict[EventId, None] = {}
        self.reported: dict[EventId, str] = {}
        self.histories: defaultdict[CustomerId, list[RecordedEvent]] = defaultdict(list)
        self.records: defaultdict[str, dict[CaseId, Record]] = defaultdict(dict)
        self.cases: defaultdict[tuple[str, CustomerId], dict[CaseId, None]] = defaultdict(dict)
        self.open: dict[tuple[str, CustomerId, str], CaseId] = {}
        self.definitions: dict[str, JsonObject] = {}
        self.rows: dict[str, _Row] = {}
        self.live: defaultdict[CustomerId, dict[str, None]] = defaultdict(dict)

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
        self.put(self.rows, key, _Row(item, wake_at, self.agenda.enter(self, key, wake_at)))
        live = self.live[item.customer]
        if isinstance(item, Intent) and item.state is EffectState.DONE:
            self.drop(live, key)
        elif key not in live:
            self.put(live, key, None)

    def unschedule(self, timer: Timer) -> None:
        """Remove a timer."""
        self.drop(self.rows, timer.id)
        self.drop(self.live[timer.customer], timer.id)


class _Transaction:
    def __init__(self, tables: _Tables) -> None:
        self.timeline = _Timeline(tables)
        self.records = _Records(tables)
        self.schedule = _Schedule(tables)


class _Timeline:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    def append(
        self,
        events: Sequence[Event],
        *,
        recorded_at: datetime,
        state: EventState = EventState.ACCEPTED,
    ) -> Appended:
        tables, recorded_at = self._tables, _utc(recorded_at, "recorded_at")
        new: list[Event] = []
        duplicates: list[EventId] = []
        conflicts: list[EventId] = []
        first: dict[CustomerId, int] = {}
        for event in events:
            if event.id not in tables.events:
                kept = _frozen_event(event)
                if state is EventState.ACCEPTED:
                    first.setdefault(kept.customer, tables.number(kept, recorded_at))
                else:
                    tables.set_aside(kept, recorded_at, state)
                new.append(kept)
            elif (beside := self._beside(event)) is None or beside in tables.events:
                duplicates.append(event.id)
            else:
                kept = evolve(_frozen_event(event), id=beside)
                tables.set_aside(kept, recorded_at, EventState.CONFLICT)
                conflicts.append(event.id)
        return Appended(
            new=tuple(new), duplicates=tuple(duplicates), conflicts=tuple(conflicts), first=first
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

    def listed(self, state: EventState, *, limit: int = 100) -> tuple[RecordedEvent, ...]:
        tables = self._tables
        found = (kept for id_ in tables.aside if (kept := tables.events[id_]).state is state)
        return tuple(sorted(found, key=_learned)[:limit])

    def release(self, event: EventId, customer: CustomerId, *, recorded_at: datetime) -> int:
        tables = self._tables
        parked = tables.events.get(event)
        if parked is None or parked.state is not EventState.PARKED:
            raise NotFound(
                "No parked event has this id",
                code="event.not_parked",
                field="event",
                value=event,
                remedy="list the parked events; this one may have been released before",
            )
        # Its customer is part of the fingerprint; the sender still sends it without one.
        tables.put(tables.reported, event, parked.event.fingerprint)
        tables.drop(tables.aside, event)
        released = evolve(parked.event, customer=customer)
        return tables.number(released, _utc(recorded_at, "recorded_at"))

    def _beside(self, event: Event) -> EventId | None:
        """Where an event with a known id is kept; None if it says what the known one says."""
        known = self._tables.reported.get(event.id)
        if known is None:
            known = self._tables.events[event.id].event.fingerprint
        said = event.fingerprint
        return None if said == known else EventId(f"{event.id}#{said[:16]}")


class _Records:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    def lock(self, customer: CustomerId) -> int:
        # The transaction has the store to itself: there is nobody to serialise with.
        return len(self._tables.histories.get(customer, ()))

    def get(self, feature: str, case: CaseId) -> Record | None:
        return self._tables.records[feature].get(case)

    def open(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        found = (record for record in self._ordered(feature, customer, after) if record.open)
        return tuple(islice(found, limit))

    def all(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        return tuple(islice(self._ordered(feature, customer, after), limit))

    def put(self, record: Record) -> None:
        tables = self._tables
        records = tables.records[record.feature]
        stored = records.get(record.id)
        slot = (record.feature, record.customer, record.key)
        current = record.version == (1 if stored is None else stored.version + 1)
        if not current or (record.open and tables.open.get(slot, record.id) != record.id):
            raise Conflict(
                "The case was changed by somebody else, or its key has an open case",
                code="record.version",
                field="version",
                value=record.version,
                remedy="read the case again and decide again",
            )
        if stored is not None and stored.open:
            tables.drop(tables.open, (stored.feature, stored.customer, stored.key))
        if record.open:
            tables.put(tables.open, slot, record.id)
        tables.put(tables.cases[record.feature, record.customer], record.id, None)
        tables.put(records, record.id, evolve(record, body=_frozen(record.body)))

    def define(self, definition: str, body: JsonObject) -> None:
        if definition not in self._tables.definitions:
            self._tables.put(self._tables.definitions, definition, _frozen(body))

    def definition(self, definition: str) -> JsonObject | None:
        return self._tables.definitions.get(definition)

    def _ordered(
        self, feature: str, customer: CustomerId | None, after: CaseId | None
    ) -> Iterator[Record]:
        records = self._tables.records[feature]
        ids: Iterable[CaseId] = records
        if customer is not None:
            ids = self._tables.cases.get((feature, customer), ())
        for case in sorted(id_ for id_ in ids if after is None or id_ > after):
            if customer is None or records[case].customer == customer:
                yield records[case]


class _Schedule:
    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    def wake(self, timers: Sequence[Timer]) -> None:
        for timer in timers:
            self._check_tenant(timer)
            row = self._tables.rows.get(timer.id)
            if row is None:
                self.plan(timer)
            elif row.wake_at is None and isinstance(row.item, Timer):
                self._tables.schedule(timer.id, evolve(row.item, due=timer.due), timer.due)

    def rest(self, timer: Timer, *, since: int) -> bool:
        stored = self.timer(timer.id)
        if stored is None or stored.lease != timer.lease:
            return False
        asleep = evolve(stored, due=_NEVER, since=since, lease=None)
        self._tables.schedule(timer.id, asleep, None)
        return True

    def missed(self, feature: str, names: frozenset[str], *, limit: int = 100) -> tuple[Timer, ...]:
        found = (
            Timer(
                tenant=self._tables.tenant,
                feature=feature,
                customer=customer,
                due=_NEVER,
                since=since,
            )
            for customer in sorted(self._tables.histories)
            if (since := self._undecided(feature, customer, names)) is not None
        )
        return tuple(islice(found, limit))

    def recount(self) -> tuple[CustomerId, ...]:
        # The counter is the length of the history here: it can't lie below.
        return ()

    def plan(self, timer: Timer) -> None:
        self._check_tenant(timer)
        free = timer if timer.lease is None else evolve(timer, lease=None)
        self._tables.schedule(timer.id, free, free.due)

    def drop(self, feature: str, case: CaseId) -> None:
        timer = self.timer(f"{feature}:{case}")
        if timer is not None:
            self._tables.unschedule(timer)

    def finish(self, timer: Timer, *, next_due: datetime | None = None) -> bool:
        stored = self.timer(timer.id)
        if stored is None or stored.lease != timer.lease:
            return False
        if next_due is None:
            self._tables.unschedule(stored)
        else:
            self.plan(evolve(stored, due=next_due))
        return True

    def intend(self, intents: Sequence[Intent], lease: Lease | None, *, now: datetime) -> None:
        now = _utc(now, "now")
        for intent in intents:
            self._check_tenant(intent)
            if (key := intent.id) in self._tables.rows:
                raise Conflict(
                    "An effect of this attempt exists: its key can't be used again",
                    code="effect.exists",
                    field="attempt",
                    value=intent.effect.attempt,
                    remedy="read again: the step was taken before, or needs an attempt of its own",
                )
            kept = evolve(
                intent,
                effect=evolve(intent.effect, data=_frozen(intent.effect.data)),
                state=EffectState.READY if lease is None else EffectState.SENT,
                sent_at=None if lease is None else now,
                wake_at=now if lease is None else now + lease.length,
                lease=None if lease is None else lease.id,
            )
            self._tables.schedule(key, kept, kept.wake_at)
            lease = None

    def settle(self, intent: Intent, *, lease: str | None) -> bool:
        key = intent.id
        stored = self.intent(key)
        if stored is None or stored.lease != lease:
            return False
        kept = evolve(
            stored,
            state=intent.state,
            tries=intent.tries,
            sent_at=None if intent.sent_at is None else _utc(intent.sent_at, "sent_at"),
            outcome=_frozen_outcome(intent.outcome),
            wake_at=None if intent.wake_at is None else _utc(intent.wake_at, "wake_at"),
            lease=None,
        )
        self._tables.schedule(key, kept, kept.wake_at)
        return True

    def begin(self, intent: Intent, *, now: datetime) -> bool:
        key = intent.id
        stored = self.intent(key)
        if stored is None or (stored.lease, stored.state) != (intent.lease, EffectState.READY):
            return False
        sent = evolve(stored, state=EffectState.SENT, sent_at=_utc(now, "now"))
        self._tables.schedule(key, sent, sent.wake_at)
        return True

    def timer(self, id: str) -> Timer | None:  # noqa: A002 - the protocol's name
        row = self._tables.rows.get(id)
        return row.item if row is not None and isinstance(row.item, Timer) else None

    def intent(self, effect: EffectId) -> Intent | None:
        row = self._tables.rows.get(effect)
        return row.item if row is not None and isinstance(row.item, Intent) else None

    def of(self, customer: CustomerId) -> tuple[Item, ...]:
        rows = ((key, self._tables.rows[key]) for key in self._tables.live[customer])
        ahead = ((row.wake_at, key, row.item) for key, row in rows if row.wake_at is not None)
        return tuple(item for _, _, item in sorted(ahead))

    def unclear(self, *, limit: int = 100) -> tuple[Intent, ...]:
        found = (
            row.item
            for row in self._asleep()
            if isinstance(row.item, Intent) and row.item.state is EffectState.UNCLEAR
        )
        return tuple(sorted(found, key=_id)[:limit])

    def orphans(self, feature: str, *, limit: int = 100) -> tuple[Record, ...]:
        records = self._tables.records[feature]
        lost = (
            records[case]
            for case in sorted(records)
            if records[case].open and not self._has_step(records[case])
        )
        return tuple(islice(lost, limit))

    def strays(self, *, limit: int = 100) -> tuple[Item, ...]:
        found = (row.item for row in self._asleep() if _is_stray(row.item))
        return tuple(sorted(found, key=_id)[:limit])

    def _asleep(self) -> Iterator[_Row]:
        """What is not done, and has no time to wake."""
        for keys in self._tables.live.values():
            for key in keys:
                if (row := self._tables.rows[key]).wake_at is None:
                    yield row

    def _has_step(self, record: Record) -> bool:
        items = (self._tables.rows[key].item for key in self._tables.live[record.customer])
        return any(item.case == record.id and item.feature == record.feature for item in items)

    def _undecided(self, feature: str, customer: CustomerId, names: frozenset[str]) -> int | None:
        """The first counter a feature will not see by itself; 0 if its wake-up is gone."""
        row = self._tables.rows.get(f"{feature}:{customer}")
        if row is not None and row.wake_at is not None:
            return None
        since = 1 if row is None or not isinstance(row.item, Timer) else row.item.since
        history = self._tables.histories[customer]
        for recorded in islice(history, max(since - 1, 0), None):
            if recorded.event.name in names:
                return 0 if row is None else recorded.sequence
        return None

    def _check_tenant(self, item: Item) -> None:
        if item.tenant != self._tables.tenant:
            raise InvalidInput(
                "This item belongs to another tenant",
                code="tenant.foreign",
                field="tenant",
                value=item.tenant,
                remedy="use the store of that tenant",
            )


def _claimed(tables: _Tables, key: str, item: Item, lease: Lease, now: datetime) -> Item:
    """Put the item under the lease; returns it as it was, but for the lease."""
    until = now + lease.length
    kept: Item
    if isinstance(item, Timer):
        kept = evolve(item, due=until, lease=lease.id)
    else:
        kept = evolve(item, wake_at=until, lease=lease.id)
    tables.schedule(key, kept, until)
    return evolve(item, lease=lease.id)


def _is_stray(item: Item) -> bool:
    """Whether a sleeping item should not sleep: a wake-up may, and what a person has to answer."""
    if isinstance(item, Timer):
        return item.case is not None
    return item.state is not EffectState.UNCLEAR


def _id(item: Item) -> str:
    return item.id


def _learned(recorded: RecordedEvent) -> tuple[datetime, EventId]:
    return recorded.recorded_at, recorded.event.id


def _utc(value: datetime, field: str) -> datetime:
    return value if value.tzinfo is UTC else utc(value, field)


# What is stored is shared with whoever reads it, so its JSON is copied once, into these.

_SCALARS: Final = frozenset({str, int, bool, type(None)})


class _FrozenObject(dict[str, JsonValue]):
    """A JSON object that can't be changed; equal to a dict, and read by json like one."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return dict, (dict(self),)


class _FrozenArray(list[JsonValue]):
    """A JSON array that can't be changed; equal to a list, and read by json like one."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return list, (list(self),)


def _refuse(_self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError("What is stored can't be changed: copy it first")


_CHANGES: Final[Mapping[type, str]] = {
    _FrozenObject: "__delitem__ __ior__ __setitem__ clear pop popitem setdefault update",
    _FrozenArray: (
        "__delitem__ __iadd__ __imul__ __setitem__ append clear extend insert pop remove reverse"
        " sort"
    ),
}
for _kind, _names in _CHANGES.items():
    for _name in _names.split():
        setattr(_kind, _name, _refuse)


def _frozen(value: JsonObject) -> JsonObject:
    if type(value) is _FrozenObject:
        return value
    return _FrozenObject(
        {k: v if type(v) in _SCALARS else _frozen_value(v) for k, v in value.items()}
    )


def _frozen_value(value: JsonValue) -> JsonValue:
    if isinstance(value, Mapping):
        return _frozen(value)
    if isinstance(value, (list, tuple)) and type(value) is not _FrozenArray:
        return _FrozenArray([_frozen_value(item) for item in value])
    return value


def _frozen_event(event: Event) -> Event:
    because = tuple(Because(key=why.key, values=_frozen(why.values)) for why in event.because)
    return evolve(event, data=_frozen(event.data), because=because)


def _frozen_outcome(outcome: Outcome | None) -> Outcome | None:
    return Answer(data=_frozen(outcome.data)) if isinstance(outcome, Answer) else outcome
