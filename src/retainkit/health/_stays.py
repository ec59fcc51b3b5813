"""What a back-test is made of: who stayed until when, and what was known then; no judgement."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from attrs import field, frozen

from retainkit.core import Bucket, Event, EventState, Origin, RecordedEvent
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId
from retainkit.rules import Reading, Readings, Signal, Signals, anything, declared, readings
from retainkit.signals import FACT_EVENT, Measures, as_tagged
from retainkit.timing import utc


COUNTED: Final = (Origin.REAL, Origin.BACKFILL)
"""The origins of what really happened."""

_CANCELLED: Final = "subscription.cancelled"
_TELLING: Final = (FACT_EVENT, _CANCELLED)
_LIFE: Final = anything()

ReadingsAt: TypeAlias = Callable[[CustomerId, datetime], Readings]
"""What was known of a customer at an instant, and nothing that was learned later."""


@frozen(kw_only=True)
class Stay:
    """
    How long a customer was there.

    Args:
        customer: Who.

        since: Since when.

        until: When they left; or, when they did not, up to when it is known that they were there.

        left: Whether they left.

        attributes: What they are told apart by, such as ``industry``, ``size`` or ``icp_fit``.

    Raises:
        InvalidInput: ``health.stay``: it ends before it begins, or a time is naive.
    """

    customer: CustomerId
    since: datetime = field(converter=utc)
    until: datetime = field(converter=utc)
    left: bool = False
    attributes: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.until < self.since:
            raise InvalidInput(
                "A stay ends after it begins",
                code="health.stay",
                field=str(self.customer),
                value=self.until.isoformat(),
                remedy=f"pass an end after {self.since.isoformat()}",
            )


@frozen(kw_only=True)
class KnownValue:
    """
    A value of a signal, and when it was learned.

    Args:
        customer: Of whom.

        signal: The signal's name.

        value: The value; None when it was looked for and not found.

        at: As of when it is true.

        known_at: When it was learned, such as when a warehouse loaded it: never before `at`.
    """

    customer: CustomerId
    signal: str
    value: object
    at: datetime = field(converter=utc)
    known_at: datetime = field(converter=utc)


def known_values(
    signals: type[Signals] | Mapping[str, Signal], values: Iterable[KnownValue]
) -> ReadingsAt:
    """
    A history of values as what was known at any instant.

    Of several values of a signal that were known then, the one that is true of the latest instant
    counts; of two of the same instant, the one learned last.

    Raises:
        InvalidInput: ``health.known_early``: a value that was known before it was true; later, when
            a value is asked for, what `retainkit.rules.readings` raises.
    """
    known = declared(signals)
    learned: dict[CustomerId, list[KnownValue]] = {}
    for value in values:
        if value.known_at < value.at:
            raise InvalidInput(
                "A value can't be known before it is true",
                code="health.known_early",
                field=f"{value.customer}.{value.signal}",
                value=value.known_at.isoformat(),
                remedy="pass when it was learned as known_at",
            )
        learned.setdefault(value.customer, []).append(value)
    for history in learned.values():
        history.sort(key=lambda value: value.known_at)

    def at(customer: CustomerId, instant: datetime) -> Readings:
        history = learned.get(customer, [])
        end = bisect_right(history, instant, key=lambda value: value.known_at)
        latest: dict[str, KnownValue] = {}
        for value in history[:end]:
            other = latest.get(value.signal)
            if other is None or value.at >= other.at:
                latest[value.signal] = value
        return readings(
            known,
            {name: Reading(value=v.value, at=v.at) for name, v in latest.items()},  # type: ignore[arg-type] # checked there
        )

    return at


def known_events(
    measures: Measures,
    history_of: Callable[[CustomerId], Iterable[RecordedEvent]],
    *,
    trust_backfill: bool = False,
) -> ReadingsAt:
    """
    The timelines as what was known at any instant: what was recorded by then, and no more.

    Args:
        measures: What is counted.

        history_of: A customer's timeline, in order of sequence; asked once for each customer.

        trust_backfill: Whether what was imported counts as known since it occurred. Without it
            nothing was known before the import; with it a history that was corrected with
            hindsight tells more than anybody knew then.
    """
    known: _Known | None = None

    def at(customer: CustomerId, instant: datetime) -> Readings:
        nonlocal known
        if known is None or known.customer != customer:
            history = [
                (_learned(each, trust_backfill=trust_backfill), each)
                for each in history_of(customer)
                if each.state is EventState.ACCEPTED
            ]
            known = _Known(measures, customer, history)
        return measures.read(known.at(instant), instant)

    return at


def _learned(recorded: RecordedEvent, *, trust_backfill: bool) -> datetime:
    if trust_backfill and recorded.event.origin is Origin.BACKFILL:
        return recorded.event.occurred_at
    return recorded.recorded_at


class _Known:
    """One customer's timeline, counted on from instant to instant."""

    def __init__(
        self,
        measures: Measures,
        customer: CustomerId,
        history: list[tuple[datetime, RecordedEvent]],
    ) -> None:
        self.customer = customer
        self._measures = measures
        self._history = sorted(history, key=lambda each: each[0])
        # What changes how earlier events count can't be added to them.
        self._adds_up = measures.recounts.isdisjoint(each.event.name for _, each in history)
        self._done = 0
        self._buckets: dict[tuple[str, int, str], Bucket] = {}

    def at(self, instant: datetime) -> Collection[Bucket]:
        end = bisect_right(self._history, instant, key=lambda each: each[0])
        if not self._adds_up:
            return self._measures.recount(each for _, each in self._history[:end])
        if end < self._done:
            self._done, self._buckets = 0, {}
        news = [each.event for _, each in self._history[self._done : end]]
        for bucket in self._measures.count(news, {}):
            key = (bucket.metric, bucket.day, bucket.part)
            before = self._buckets.get(key)
            self._buckets[key] = bucket if before is None else before.plus(bucket)
        self._done = end
        return self._buckets.values()


def stay_of(history: Iterable[RecordedEvent], *, until: datetime) -> Stay | None:
    """
    How long a customer was there, as the timeline tells it; None when nothing happened.

    They were there from the first thing on that happened or was told of them, what the kit decided
    and what is only written about them aside, and left when the last of the subscriptions that the
    timeline speaks of was cancelled (``subscription.cancelled``). A payment after that is one of an
    open invoice and brings nobody back: a new subscription does. Who has none that the timeline
    speaks of is taken to be there.

    Args:
        history: Of one customer, in order of sequence; samples and tests don't count, with the
            origin that each event was given last.

        until: Up to when the timeline is complete; what occurred later does not count.
    """
    counted = [
        event
        for event in as_tagged(history)
        if event.occurred_at <= until and event.origin in COUNTED
    ]
    there = [event for event in counted if _tells_of(event)]
    if not there:
        return None
    ended: dict[str, datetime] = {}
    known: set[str] = set()
    for event in counted:
        named = _subscription(event)
        if named is None:
            continue
        known.add(named)
        if event.name == _CANCELLED:
            ended[named] = max(event.occurred_at, ended.get(named, event.occurred_at))
    left = bool(known) and known == ended.keys()
    return Stay(
        customer=there[0].customer,
        since=min(event.occurred_at for event in there),
        until=max(ended.values()) if left else until,
        left=left,
    )


def _tells_of(event: Event) -> bool:
    """Whether it tells that there is a customer: what we decide or request of them does not."""
    return event.name in _TELLING or (_LIFE.takes(event.name) and not event.because)


def _subscription(event: Event) -> str | None:
    invoice = event.data.get("invoice")
    inner = invoice.get("subscription") if isinstance(invoice, Mapping) else None
    found = event.data.get("subscription", inner)
    return found if isinstance(found, str) else None
