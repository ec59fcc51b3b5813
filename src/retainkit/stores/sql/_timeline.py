"""The past in SQL: events appended, numbered, found and released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import cast

from attrs import evolve

from retainkit.core import Event, EventState, JsonObject, RecordedEvent, dumps
from retainkit.ids import CustomerId, EventId
from retainkit.stores import Appended
from retainkit.stores._refusals import not_parked
from retainkit.stores.sql import _rows as rows
from retainkit.stores.sql._bound import Bound
from retainkit.stores.sql._statement import Part, Row, Value
from retainkit.stores.sql._statements import TimelineStatements
from retainkit.timing import to_micros


_ALL = 1 << 62

# Where these are in the row of an event.
_ID, _CUSTOMER, _SEQUENCE, _FINGERPRINT = 1, 2, 3, 10
# What the statement `known` selects.
_claim = itemgetter(_ID, _FINGERPRINT, _CUSTOMER, _SEQUENCE)


class SqlTimeline:
    """The past, as `retainkit.stores.Timeline` promises it."""

    def __init__(self, bound: Bound, statements: TimelineStatements) -> None:
        self._bound = bound
        self._sql = statements

    def append(
        self,
        events: Sequence[Event],
        *,
        recorded_at: datetime,
        state: EventState = EventState.ACCEPTED,
    ) -> Appended:
        if not events:
            return Appended(new=())
        if state is not EventState.ACCEPTED:
            return self._append_aside(events, recorded_at, state)
        telling = self.telling(events, recorded_at)
        if telling is not None:
            return self.told(events, recorded_at, self._bound.all_of(telling))
        taken = Counter([event.customer for event in events])
        first = self._number(taken)
        written = self._rows(events, recorded_at, first)
        number = self._bound.write_lines(self._sql.append, written)
        if number == len(events):
            return Appended(new=tuple(events), first=first, taken=taken)
        # SQLite has but one writer, us: the newest rows are those that were written just now.
        found = self._bound.all(self._sql.before, ids=_ids(events), written=number)
        known = {row[0]: row[1] for row in found}
        return evolve(self._sorted_out(events, written, known, recorded_at), taken=taken)

    def telling(self, events: Sequence[Event], recorded_at: datetime) -> Part | None:
        """The part of a change that numbers and appends events, where one statement does both."""
        if not events or self._sql.append_numbered is None:
            return None
        return self._bound.part(
            self._sql.append_numbered,
            counts=_counts(Counter([event.customer for event in events])),
            rows=dumps([self._named(row) for row in self._rows(events, recorded_at, {})]),
        )

    def told(
        self, events: Sequence[Event], recorded_at: datetime, found: Sequence[Row]
    ) -> Appended:
        """What became of the events, by the rows that :meth:`telling` gave."""
        taken = Counter([event.customer for event in events])
        first = _first(found, taken)
        if found[0][2] == len(events):
            return Appended(new=tuple(events), first=first, taken=taken)
        written = self._rows(events, recorded_at, first)
        known = self._known(events, mine=map(_claim, written))
        return evolve(self._sorted_out(events, written, known, recorded_at), taken=taken)

    def _rows(
        self, events: Sequence[Event], recorded_at: datetime, first: Mapping[CustomerId, int]
    ) -> list[Row]:
        """The rows of events, numbered for each customer from its first number, or from 1."""
        tenant, at, row = self._bound.tenant, to_micros(recorded_at), rows.event_row
        accepted = EventState.ACCEPTED.value
        following = dict(first)
        written: list[Row] = []
        for event in events:
            customer = event.customer
            sequence = following.get(customer, 1)
            following[customer] = sequence + 1
            written.append(
                row(
                    tenant,
                    event,
                    id=event.id,
                    sequence=sequence,
                    recorded_at=at,
                    state=accepted,
                )
            )
        return written

    def _named(self, row: Row) -> dict[str, Value]:
        return dict(zip(self._sql.columns, row, strict=True))

    def _number(self, counts: Counter[CustomerId]) -> dict[CustomerId, int]:
        """Lock the customers and reserve a number for each event; the first number of each."""
        return _first(self._bound.all(self._sql.number, counts=_counts(counts)), counts)

    def _known(self, events: Sequence[Event], *, mine: Iterable[Row]) -> dict[Value, Value]:
        """The fingerprints of those that are in the table, by id, but for what is mine there."""
        found = self._bound.all(self._sql.known, ids=_ids(events))
        written = set(mine)
        return {row[0]: row[1] for row in found if tuple(row) not in written}

    def _sorted_out(
        self,
        events: Sequence[Event],
        written: Sequence[Row],
        known: dict[Value, Value],
        recorded_at: datetime,
    ) -> Appended:
        """Which of the events are new, by the fingerprints of those that were there before."""
        new, duplicates, conflicts = [], [], []
        first: dict[CustomerId, Value] = {}
        for event, row in zip(events, written, strict=True):
            id, said = event.id, row[_FINGERPRINT]
            if id not in known:
                known[id] = said
                new.append(event)
                first.setdefault(event.customer, row[_SEQUENCE])
            elif known[id] != said and self._in_conflict(event, recorded_at):
                conflicts.append(id)
            else:
                duplicates.append(id)
        return Appended(
            new=tuple(new),
            duplicates=tuple(duplicates),
            conflicts=tuple(conflicts),
            first=cast("dict[CustomerId, int]", first),
        )

    def _append_aside(
        self, events: Sequence[Event], recorded_at: datetime, state: EventState
    ) -> Appended:
        new, duplicates, conflicts = [], [], []
        for event in events:
            if self._keep_aside(event, event.id, recorded_at, state):
                new.append(event)
                continue
            known = self._bound.all(self._sql.known, ids=_ids([event]))
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
        at = to_micros(recorded_at)
        row = rows.event_row(
            self._bound.tenant, event, id=id, sequence=0, recorded_at=at, state=state.value
        )
        return self._bound.write_rows(self._sql.append, [self._named(row)]) == 1

    def get(self, event: EventId) -> RecordedEvent | None:
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

    def customers(
        self, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[CustomerId, ...]:
        found = self._bound.all(self._sql.customers, after=after or "", limit=limit)
        return tuple(CustomerId(str(row[0])) for row in found)

    def listed(self, state: EventState, *, limit: int = 100) -> tuple[RecordedEvent, ...]:
        return tuple(
            map(
                rows.recorded_event,
                self._bound.all(self._sql.listed, w_state=state.value, limit=limit),
            )
        )

    def release(self, event: EventId, customer: CustomerId, *, recorded_at: datetime) -> int:
        sequence = self._number(Counter([customer]))[customer]
        at = to_micros(recorded_at)
        if not self._bound.write(
            self._sql.release, w_id=event, customer=customer, sequence=sequence, recorded_at=at
        ):
            raise not_parked(event)
        return sequence


def _first(found: Sequence[Row], counts: Counter[CustomerId]) -> dict[CustomerId, int]:
    """Each customer's first new number, from its counter after the new ones."""
    numbered = cast("Sequence[tuple[CustomerId, int]]", found)  # and what else a row tells
    return {row[0]: row[1] - counts[row[0]] + 1 for row in numbered}


def _ids(events: Sequence[Event]) -> str:
    return dumps([event.id for event in events])


def _counts(counts: Counter[CustomerId]) -> str:
    return dumps(cast("JsonObject", counts))
