"""One transaction of one tenant on one cursor: timeline, records and schedule in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from retainkit.core import (
    Event,
    EventState,
    Intent,
    Item,
    JsonObject,
    Lease,
    Record,
    RecordedEvent,
    Timer,
    dumps,
    loads,
)
from retainkit.errors import Conflict, InvalidInput, NotFound
from retainkit.ids import CaseId, CustomerId, EffectId, EventId, TenantId
from retainkit.stores import Appended
from retainkit.stores.sql import _rows as rows
from retainkit.stores.sql._statement import Cursor, Row, Statement, Value
from retainkit.stores.sql._statements import (
    DamageStatements,
    RecordStatements,
    ScheduleStatements,
    Statements,
    TimelineStatements,
)
from retainkit.timing import to_micros


_ALL = 1 << 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqlTransaction:
    """Implements :class:`retainkit.stores.Transaction`; whoever made it commits or rolls back."""

    def __init__(self, cursor: Cursor, statements: Statements, tenant: TenantId) -> None:
        bound = _Bound(cursor, tenant)
        self.timeline: SqlTimeline = SqlTimeline(bound, statements.timeline)
        self.records: SqlRecords = SqlRecords(bound, statements.records)
        self.schedule: SqlSchedule = SqlSchedule(bound, statements.schedule, statements.damage)


class _Bound:
    """A cursor whose statements all carry the tenant."""

    __slots__ = ("cursor", "tenant")

    def __init__(self, cursor: Cursor, tenant: TenantId) -> None:
        self.cursor = cursor
        self.tenant = tenant

    def write(self, statement: Statement, **values: Value) -> int:
        return statement.one(
            self.cursor, {"tenant": self.tenant, "w_tenant": self.tenant, **values}
        )

    def write_rows(self, statement: Statement, written: Sequence[dict[str, Value]]) -> int:
        return statement.many(self.cursor, written)

    def all(self, statement: Statement, **values: Value) -> Sequence[Row]:
        return statement.all(
            self.cursor, {"tenant": self.tenant, "w_tenant": self.tenant, **values}
        )

    def first(self, statement: Statement, **values: Value) -> Row | None:
        found = self.all(statement, **values)
        return found[0] if found else None


class SqlTimeline:
    """The past in SQL."""

    def __init__(self, bound: _Bound, statements: TimelineStatements) -> None:
        self._bound = bound
        self._sql = statements

    def append(
        self,
        events: Sequence[Event],
        *,
        recorded_at: datetime,
        state: EventState = EventState.ACCEPTED,
    ) -> Appended:
        """Add events; see :meth:`retainkit.stores.Timeline.append`."""
        if not events:
            return Appended(new=())
        if state is not EventState.ACCEPTED:
            return self._append_aside(events, recorded_at, state)
        counts = Counter(event.customer for event in events)
        first, written, appended = self._append(events, counts, recorded_at)
        if appended == len(written):
            return Appended(new=tuple(events), first=first)
        return self._sorted_out(events, written, recorded_at)

    def _append(
        self, events: Sequence[Event], counts: Counter[CustomerId], recorded_at: datetime
    ) -> tuple[dict[CustomerId, int], list[dict[str, Value]], int]:
        """Number and write the events: each customer's first number, the rows, how many are new."""
        if self._sql.append_numbered is None:
            first = self._number(counts)
            written = self._rows(events, recorded_at, first)
            return first, written, self._bound.write_rows(self._sql.append, written)
        written = self._rows(events, recorded_at, {})
        found = self._bound.all(
            self._sql.append_numbered, counts=_counts(counts), rows=dumps(written)
        )
        first = _first(found, counts)
        for row in written:
            start = first[CustomerId(str(row["customer"]))]
            row["sequence"] = rows.integer(row["sequence"]) + start - 1
        return first, written, rows.integer(found[0][2])

    def _rows(
        self, events: Sequence[Event], recorded_at: datetime, first: Mapping[CustomerId, int]
    ) -> list[dict[str, Value]]:
        """The rows of events, numbered for each customer from its first number, or from 1."""
        at = to_micros(recorded_at)
        following = dict(first)
        written = []
        for event in events:
            sequence = following.get(event.customer, 1)
            following[event.customer] = sequence + 1
            written.append(
                rows.event_row(
                    self._bound.tenant,
                    event,
                    id=event.id,
                    sequence=sequence,
                    recorded_at=at,
                    state=EventState.ACCEPTED,
                )
            )
        return written

    def _number(self, counts: Counter[CustomerId]) -> dict[CustomerId, int]:
        """Lock the customers and reserve a number for each event; the first number of each."""
        return _first(self._bound.all(self._sql.number, counts=_counts(counts)), counts)

    def _sorted_out(
        self, events: Sequence[Event], written: Sequence[dict[str, Value]], recorded_at: datetime
    ) -> Appended:
        """Which of the events are new, now that some were not."""
        ids = dumps([event.id for event in events])
        known = {id: tuple(kept) for id, *kept in self._bound.all(self._sql.known, ids=ids)}
        new, duplicates, conflicts = [], [], []
        first: dict[CustomerId, int] = {}
        for event, row in zip(events, written, strict=True):
            said, sequence = row["fingerprint"], row["sequence"]
            if known[event.id] == (said, event.customer, sequence):
                new.append(event)
                first.setdefault(event.customer, rows.integer(sequence))
            elif known[event.id][0] != said and self._in_conflict(event, recorded_at):
                conflicts.append(event.id)
            else:
                duplicates.append(event.id)
        return Appended(
            new=tuple(new), duplicates=tuple(duplicates), conflicts=tuple(conflicts), first=first
        )

    def _append_aside(
        self, events: Sequence[Event], recorded_at: datetime, state: EventState
    ) -> Appended:
        new, duplicates, conflicts = [], [], []
        for event in events:
            if self._keep_aside(event, event.id, recorded_at, state):
                new.append(event)
                continue
            known = self._bound.all(self._sql.known, ids=dumps([event.id]))
            if known[0][1] != event.fingerprint and self._in_conflict(event, recorded_at):
                conflicts.append(event.id)
            else:
                duplicates.append(event.id)
        return Appended(new=tuple(new), duplicates=tuple(duplicates), conflicts=tuple(conflicts))

    def _in_conflict(self, event: Event, recorded_at: datetime) -> bool:
        """Keep an event beside the one that has its id; whether it was not there yet."""
        beside = f"{event.id}#{event.fingerprint[:16]}"
        return self._keep_aside(event, beside, recorded_at, EventState.CONFLICT)

    def _keep_aside(self, event: Event, id: str, recorded_at: datetime, state: EventState) -> bool:
        row = rows.event_row(
            self._bound.tenant,
            event,
            id=id,
            sequence=0,
            recorded_at=to_micros(recorded_at),
            state=state,
        )
        return self._bound.write_rows(self._sql.append, [row]) == 1

    def get(self, event: EventId) -> RecordedEvent | None:
        """The event of that id, in whatever state it is."""
        row = self._bound.first(self._sql.event, w_id=event)
        return None if row is None else rows.recorded_event(row)

    def of(
        self,
        customer: CustomerId,
        *,
        after: int = 0,
        names: frozenset[str] | None = None,
        limit: int | None = None,
    ) -> tuple[RecordedEvent, ...]:
        """The customer's accepted events, oldest first."""
        most = _ALL if limit is None else limit
        if names is None:
            found = self._bound.all(self._sql.events, w_customer=customer, after=after, limit=most)
        else:
            found = self._bound.all(
                self._sql.events_named,
                w_customer=customer,
                after=after,
                limit=most,
                ids=dumps(sorted(names)),
            )
        return tuple(map(rows.recorded_event, found))

    def listed(self, state: EventState, *, limit: int = 100) -> tuple[RecordedEvent, ...]:
        """Parked events or conflicts, oldest first."""
        return tuple(
            map(
                rows.recorded_event,
                self._bound.all(self._sql.listed, w_state=state.value, limit=limit),
            )
        )

    def release(self, event: EventId, customer: CustomerId, *, recorded_at: datetime) -> int:
        """Accept a parked event as the customer's; returns its counter."""
        sequence = self._number(Counter([customer]))[customer]
        at = to_micros(recorded_at)
        if not self._bound.write(
            self._sql.release, w_id=event, customer=customer, sequence=sequence, recorded_at=at
        ):
            raise NotFound(
                "No parked event has this id",
                code="event.not_parked",
                field="event",
                value=event,
                remedy="list the parked events; it may have been released already",
            )
        return sequence


class SqlRecords:
    """The present in SQL."""

    def __init__(self, bound: _Bound, statements: RecordStatements) -> None:
        self._bound = bound
        self._sql = statements

    def lock(self, customer: CustomerId) -> int:
        """Serialise with everybody who decides for this customer; returns the counter."""
        row = self._bound.first(self._sql.lock, w_id=customer)
        if row is None:
            self._bound.write(self._sql.enrol, id=customer, counter=0)
            row = self._bound.first(self._sql.lock, w_id=customer)
        return 0 if row is None else rows.integer(row[0])

    def get(self, feature: str, case: CaseId) -> Record | None:
        """The record of a case."""
        row = self._bound.first(self._sql.record, w_feature=feature, w_id=case)
        return None if row is None else rows.record(row)

    def open(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        """Open cases of a feature, in the order of their ids."""
        page: dict[str, Value] = {"w_feature": feature, "after": after or "", "limit": limit}
        if customer is None:
            return self._found(self._sql.open_records, page)
        return self._found(self._sql.open_of, {**page, "w_customer": customer})

    def all(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        """All cases of a feature, in the order of their ids."""
        page: dict[str, Value] = {"w_feature": feature, "after": after or "", "limit": limit}
        if customer is None:
            return self._found(self._sql.records, page)
        return self._found(self._sql.records_of, {**page, "w_customer": customer})

    def _found(self, statement: Statement, values: Mapping[str, Value]) -> tuple[Record, ...]:
        return tuple(map(rows.record, self._bound.all(statement, **values)))

    def put(self, record: Record) -> None:
        """Write a record whose version is one above the stored one."""
        statement = self._sql.put_new if record.version == 1 else self._sql.put
        row = rows.record_row(self._bound.tenant, record)
        try:
            written = self._bound.write_rows(statement, [row])
        except Conflict as exc:
            if exc.code != "store.duplicate":
                raise
            raise _not_current(record) from exc
        if written != 1:
            raise _not_current(record)

    def define(self, definition: str, body: JsonObject) -> None:
        """Keep a policy or definition under its content hash."""
        self._bound.write(self._sql.define, id=definition, body=dumps(body))

    def definition(self, definition: str) -> JsonObject | None:
        """The policy or definition of that content hash."""
        row = self._bound.first(self._sql.definition, w_id=definition)
        return None if row is None else loads(str(row[0]))


class SqlSchedule:
    """The future in SQL."""

    def __init__(
        self, bound: _Bound, statements: ScheduleStatements, damage: DamageStatements
    ) -> None:
        self._bound = bound
        self._sql = statements
        self._damage = damage

    def wake(self, timers: Sequence[Timer]) -> None:
        """Add wake-ups; one that is already pending is kept as it is."""
        self._check_tenant(*timers)
        if timers:
            self._bound.write_rows(self._sql.wake, [rows.timer_row(timer) for timer in timers])

    def rest(self, timer: Timer, *, since: int) -> bool:
        """Put a wake-up to rest; whether the claim still held it."""
        return (
            self._bound.write(self._sql.rest, w_id=timer.id, held=timer.lease or "", since=since)
            == 1
        )

    def missed(self, feature: str, names: frozenset[str], *, limit: int = 100) -> tuple[Timer, ...]:
        """Wake-ups at rest, or gone, although there are events to decide."""
        found = self._bound.all(
            self._damage.missed, feature=feature, ids=dumps(sorted(names)), limit=limit
        )
        return tuple(
            Timer(
                tenant=self._bound.tenant,
                feature=feature,
                customer=CustomerId(str(customer)),
                due=_EPOCH,
                since=rows.integer(since) if resting else 0,
            )
            for customer, since, resting in found
        )

    def recount(self) -> tuple[CustomerId, ...]:
        """Raise counters that lie below their customer's last event."""
        found = self._bound.all(self._damage.miscounted)
        for customer, last in found:
            self._bound.write(self._damage.recount, id=customer, counter=last)
        return tuple(CustomerId(str(customer)) for customer, _ in found)

    def plan(self, timer: Timer) -> None:
        """Set a case's next step, replacing the one it has."""
        self._check_tenant(timer)
        self._bound.write_rows(self._sql.plan, [rows.timer_row(timer)])

    def drop(self, feature: str, case: CaseId) -> None:
        """Remove a case's next step, if it has one."""
        self._bound.write(self._sql.drop, w_id=f"{feature}:{case}")

    def finish(self, timer: Timer, *, next_due: datetime | None = None) -> bool:
        """End a claimed timer, or move it; whether the claim still held it."""
        held = {"w_id": timer.id, "held": timer.lease or ""}
        if next_due is None:
            return self._bound.write(self._sql.finish, **held) == 1
        return self._bound.write(self._sql.move, wake_at=to_micros(next_due), **held) == 1

    def intend(self, intents: Sequence[Intent], lease: Lease | None, *, now: datetime) -> None:
        """Keep effects as intents; the first is leased and ``sent`` when a lease is given."""
        self._check_tenant(*intents)
        at = to_micros(now)
        ready = [{**rows.intent_row(intent), "state": "ready", "wake_at": at} for intent in intents]
        written = 0
        if lease is not None and ready:
            leased = {**ready.pop(0), "state": "sent", "sent_at": at, "lease": lease.id, "now": at}
            written += self._bound.write(
                self._sql.intend_leased, **leased, length=rows.micros(lease.length)
            )
        if ready:
            written += self._bound.write_rows(self._sql.intend, ready)
        if written != len(intents):
            raise Conflict(
                "An effect of this attempt exists already: its key can't be used again",
                code="effect.exists",
                field="attempt",
                value=[intent.effect.attempt for intent in intents],
                remedy="number the attempt anew",
            )

    def settle(self, intent: Intent, *, lease: str | None) -> bool:
        """Write an intent's state and give up its lease; whether the claim still held it."""
        row = rows.intent_row(intent)
        changed = {name: row[name] for name in ("state", "tries", "sent_at", "outcome", "wake_at")}
        return self._bound.write(self._sql.settle, w_id=intent.id, held=lease or "", **changed) == 1

    def begin(self, intent: Intent, *, now: datetime) -> bool:
        """Mark a claimed ``ready`` intent as ``sent``; whether the claim still held it."""
        return (
            self._bound.write(
                self._sql.begin, w_id=intent.id, held=intent.lease or "", now=to_micros(now)
            )
            == 1
        )

    def timer(self, id: str) -> Timer | None:
        """The timer of that id."""
        found = self._item(id)
        return found if isinstance(found, Timer) else None

    def intent(self, effect: EffectId) -> Intent | None:
        """The effect of that id, performed ones too."""
        found = self._item(effect)
        return found if isinstance(found, Intent) else None

    def _item(self, id: str) -> Item | None:
        row = self._bound.first(self._sql.item, w_id=id)
        return None if row is None else rows.item(row)

    def of(self, customer: CustomerId) -> tuple[Item, ...]:
        """What is still to come for a customer, soonest first."""
        return tuple(map(rows.item, self._bound.all(self._sql.items, w_customer=customer)))

    def unclear(self, *, limit: int = 100) -> tuple[Intent, ...]:
        """Effects that wait for a person."""
        found = map(rows.item, self._bound.all(self._sql.unclear, limit=limit))
        return tuple(item for item in found if isinstance(item, Intent))

    def orphans(self, feature: str, *, limit: int = 100) -> tuple[Record, ...]:
        """Open cases with neither a next step nor an effect that is not done."""
        return tuple(
            map(rows.record, self._bound.all(self._damage.orphans, w_feature=feature, limit=limit))
        )

    def strays(self, *, limit: int = 100) -> tuple[Item, ...]:
        """Rows that would never come due."""
        return tuple(map(rows.item, self._bound.all(self._damage.strays, limit=limit)))

    def _check_tenant(self, *items: Item) -> None:
        for item in items:
            if item.tenant != self._bound.tenant:
                raise InvalidInput(
                    "This item belongs to another tenant",
                    code="tenant.foreign",
                    field="tenant",
                    value=item.tenant,
                    remedy="use the store of that tenant",
                )


def _not_current(record: Record) -> Conflict:
    return Conflict(
        "The case was changed by somebody else, or its key has an open case",
        code="record.version",
        field="version",
        value=record.version,
        remedy="read the case again and decide again",
    )


def _first(found: Sequence[Row], counts: Counter[CustomerId]) -> dict[CustomerId, int]:
    """Each customer's first new number, from its counter after the new ones."""
    first: dict[CustomerId, int] = {}
    for row in found:
        customer = CustomerId(str(row[0]))
        first[customer] = rows.integer(row[1]) - counts[customer] + 1
    return first


def _counts(counts: Counter[CustomerId]) -> str:
    return dumps({str(customer): count for customer, count in counts.items()})
