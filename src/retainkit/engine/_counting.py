"""What new events change of the projections, in their own commit; counting itself is `signals`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, cast

from retainkit.core import (
    STANDING,
    Bucket,
    Event,
    EventState,
    Member,
    Wanted,
    content_hash,
)
from retainkit.errors import ConfigurationError
from retainkit.ids import CustomerId
from retainkit.rules import Condition, Rulebook, Signal, Signals, declared, signal_data
from retainkit.signals import ZONE_METRIC, Measures
from retainkit.stores import Appended, Transaction


if TYPE_CHECKING:
    from retainkit.health import HealthModels

Moves: TypeAlias = "tuple[Sequence[Member], Sequence[tuple[str, CustomerId]]]"

_MARK = "counted"
# Raise it when the same set of signals comes to be counted otherwise.
_SCHEMA = 3
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class Counting:
    """
    Keeps buckets and groups in step with the timeline.

    A standing bucket, the mark, tells up to which counter a customer was counted, and by what set
    of signals. Where that is not all of them by this set alone, buckets would tell too little:
    signals were declared later, or another process counts others, or none. Then the timeline is
    read instead.

    Args:
        measures: What is counted.

        tolerance: How far ahead of now an event that is counted may lie.

        moves: Who enters and who leaves a group by events; None when there are no groups.
    """

    def __init__(
        self,
        measures: Measures,
        *,
        tolerance: timedelta,
        moves: Callable[[Iterable[Event]], Moves] | None = None,
    ) -> None:
        self.measures: Measures = measures
        self.tolerance: timedelta = tolerance
        self._moves = moves
        metrics = " ".join(sorted(measures.wanted(_ANY_DAY).metrics))
        self._set: str = content_hash(
            {"metrics": metrics, "zone": measures.zone, "schema": _SCHEMA}
        )[:16]

    def asked(self, wanted: Wanted) -> Wanted:
        """The same buckets, and the mark."""
        return Wanted(metrics=wanted.metrics | {_MARK}, since=wanted.since)

    def is_whole(self, found: Iterable[Bucket], counter: int) -> bool:
        """Whether all events up to this counter were counted, and by this set of signals alone."""
        marks = [(each.part, each.count) for each in found if each.metric == _MARK]
        return marks == ([(self._set, counter)] if counter else [])

    def lags(self, tx: Transaction, customer: CustomerId, found: Iterable[Bucket]) -> bool:
        """Whether what was found of a customer, mark included, tells less than its timeline."""
        marks = [each for each in found if each.metric == _MARK]
        counted = sum(each.count for each in marks)
        return not self.is_whole(marks, counted) or bool(
            tx.timeline.of(customer, after=counted, limit=1)
        )

    def read(self, tx: Transaction, customer: CustomerId, wanted: Wanted) -> Sequence[Bucket]:
        """What these buckets hold, or the timeline where they tell too little; writes nothing."""
        found = tx.projections.buckets(customer, self.asked(wanted))
        return self.completed(tx, customer, found)

    def completed(
        self, tx: Transaction, customer: CustomerId, found: Sequence[Bucket]
    ) -> Sequence[Bucket]:
        """What was found of a customer, mark included, or the timeline, as :meth:`read`."""
        if self.lags(tx, customer, found):
            return self.measures.recount(tx.timeline.of(customer))
        return found

    def ahead(self, events: Iterable[Event], now: datetime) -> tuple[Event, ...]:
        """Those that would be counted on a day that is too far ahead to be true."""
        latest = now + self.tolerance
        return tuple(
            event
            for event in events
            if event.occurred_at > latest and self.measures.touched([event.name])
        )

    def fold(self, tx: Transaction, appended: Appended) -> None:
        """Count new events; who changed its zone, or had events tagged anew, is counted anew."""
        events, recounts = appended.new, self.measures.recounts
        anew = {event.customer for event in events if event.name in recounts and event.customer}
        if anew:
            self.recount(tx, anew)
        counted = [event for event in events if event.customer and event.customer not in anew]
        marks = [
            self._mark(customer, number)
            for customer, number in appended.taken.items()
            if customer and customer not in anew
        ]
        if counted:
            zones = tx.projections.latest(ZONE_METRIC, {event.customer for event in counted})
            marks += self.measures.count(counted, cast("dict[CustomerId, str]", zones))
        tx.projections.add(marks)
        if self._moves is not None:
            entered, left = self._moves(events)
            if entered or left:
                tx.projections.move(entered, left)

    def recount(self, tx: Transaction, customers: Collection[CustomerId]) -> None:
        """Count customers anew, from their whole timeline."""
        for customer in sorted(customers):
            counter = tx.records.lock(customer)
            buckets = self.measures.recount(tx.timeline.of(customer))
            if counter:
                buckets.append(self._mark(customer, counter))
            tx.projections.replace(customer, buckets, since=STANDING)

    def rebuild(self, tx: Transaction, customer: CustomerId) -> None:
        """Put buckets and groups back to what the timeline says; the customer is locked."""
        self.recount(tx, [customer])
        if self._moves is None:
            return
        known = tx.timeline.of(customer)
        members, _ = self._moves(
            recorded.event for recorded in known if recorded.state is EventState.ACCEPTED
        )
        wrong = [each for each in tx.projections.groups(customer) if each not in members]
        tx.projections.move((), [(each.group, customer) for each in wrong])
        tx.projections.move(members, ())

    def _mark(self, customer: CustomerId, number: int) -> Bucket:
        return Bucket(
            customer=customer,
            metric=_MARK,
            day=STANDING,
            part=self._set,
            count=number,
            first=0,
            last=0,
            last_id="",
        )


def measured(
    signals: type[Signals] | Mapping[str, Signal] | None,
    rules: Rulebook | None,
    health: HealthModels | None = None,
    *,
    zone: str,
) -> Measures:
    """
    All that a kit has to count: what is declared, and what its rules make of the timeline.

    Raises:
        ConfigurationError: ``signals.clash``.
        InvalidInput: ``rules.unknown_signal``, ``rules.signal_clash`` for what health models read.
    """
    sets = [] if signals is None else [declared(signals)]
    conditions: list[Condition] = []
    if rules is not None:
        sets.append(rules.signals)
        conditions += _conditions(rules)
    if health is not None:
        sets += [] if health.signals is None else [declared(health.signals)]
        conditions += health.conditions
    every = _together(sets)
    if health is not None:
        health.check(every)
    return Measures(every, conditions=conditions, zone=zone)


def _together(sets: Iterable[Mapping[str, Signal]]) -> dict[str, Signal]:
    every: dict[str, Signal] = {}
    for signals in sets:
        for name, signal in signals.items():
            known = every.setdefault(name, signal)
            if signal_data(known) != signal_data(signal):
                raise ConfigurationError(
                    "Two of the kit's parts declare a signal otherwise",
                    code="signals.clash",
                    field="signals",
                    value=name,
                    remedy="write rules and health models with the class that the kit is given",
                )
    return every


def _conditions(rules: Rulebook) -> Iterator[Condition]:
    for rule in rules.rules:
        yield rule.when
        if rule.clears_when is not None:
            yield rule.clears_when
    yield from rules.segments.values()
