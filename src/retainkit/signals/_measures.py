"""A set of signals, and what it counts of the timeline: events to buckets, buckets to readings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from retainkit.core import (
    STANDING,
    Bucket,
    Event,
    EventState,
    JsonObject,
    RecordedEvent,
    Wanted,
)
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, EventId
from retainkit.rules import (
    NOBODY,
    Condition,
    Reading,
    Readings,
    Signal,
    Signals,
    declared,
    meant,
    readings,
    signals_of,
)
from retainkit.signals._count import TIMELINE_METRIC, Counter
from retainkit.signals._derived import days_of, facts_of, metrics_of, read_signal
from retainkit.signals._facts import FACT_EVENT, fact_data, fact_id, fact_metric, telling
from retainkit.signals._left_out import LeftOut, left_out
from retainkit.signals._metric import Metric
from retainkit.signals._seen import Seen
from retainkit.signals._tags import RETAG_EVENT, origin_of, told_origins
from retainkit.signals._zones import Zones, told_zone, zones_of
from retainkit.timing import to_micros, utc
from retainkit.timing import zone as zone_named


ZONE_METRIC: Final = "zone"
"""The standing bucket that tells a customer's zones; `Measures.zone_of` reads it."""

ZONE_EVENT: Final = "customer.zone_set"


class Measures:
    """
    What a set of signals counts of the timeline, and how it is read; made once and shared.

    Args:
        signals: The class that declares them, or the signals by name.

        conditions: Those of rules and segments: what they count beside declared signals.

        zone: That of customers whose zone nobody told; an IANA name.

    Raises:
        InvalidInput: ``time.unknown_zone``; ``rules.unknown_signal`` when a signal is computed
            of one that is not declared; ``rules.no_signal`` for what is no class of signals.
    """

    __slots__ = (
        "_counter",
        "_metrics",
        "_needs",
        "_sources",
        "events",
        "recounts",
        "signals",
        "zone",
    )

    signals: Mapping[str, Signal]
    zone: str
    events: frozenset[str]
    recounts: frozenset[str]

    def __init__(
        self,
        signals: type[Signals] | Mapping[str, Signal],
        *,
        conditions: Iterable[Condition] = (),
        zone: str = "UTC",
    ) -> None:
        known = dict(declared(signals))
        for condition in conditions:
            for signal in signals_of(condition):
                known.setdefault(signal.name, signal)
        self.signals = MappingProxyType(known)
        self.zone = zone_named(zone).key
        self._metrics: Mapping[str, tuple[Metric, ...]] = {
            name: metrics_of(signal.derivation)
            for name, signal in known.items()
            if signal.derivation is not None
        }
        self._sources = {
            name: signal.source or _source(self._metrics.get(name, ()))
            for name, signal in known.items()
        }
        patterns = [m.pattern for metrics in self._metrics.values() for m in metrics]
        self.events = frozenset(name for p in patterns for name in p.names) | {FACT_EVENT}
        self.recounts = frozenset({RETAG_EVENT, ZONE_EVENT})
        for name, signal in known.items():
            self._check_facts(name, signal)
        self._needs = {name: self._needed(name) for name in known}
        self._counter = Counter(
            (metric for metrics in self._metrics.values() for metric in metrics),
            (name for name, signal in known.items() if signal.derivation is None),
            self.zone,
        )

    def facts(self, values: Mapping[str, object], source: str | None = None) -> JsonObject:
        """
        The data of a ``signals.set``: facts that the host knows, checked.

        Args:
            values: By the signal's name; None is known to be missing.

            source: What made them known; that of the signal's declaration by default.

        Raises:
            InvalidInput: ``rules.unknown_signal`` with the nearest name; ``rules.value_type``,
                ``rules.not_a_choice``, ``rules.currency``, ``rules.not_finite``;
                ``signals.computed`` for one that is computed of the timeline.
        """
        return fact_data(self.signals, values, source)

    def fact_id(
        self, content: str, data: JsonObject, at: datetime, buckets: Iterable[Bucket]
    ) -> EventId:
        """
        The id of a ``signals.set``, such that what is told later of one instant holds.

        Of two facts of one instant the one with the greater id holds, in whatever order they are
        counted. So what contradicts the facts that are known gets a greater one.

        Args:
            content: An id that comes of the content: the same facts told again are the same event.

            data: What `facts` made.

            at: As of when they are true.

            buckets: Those of the customer's facts; none when nothing can be contradicted.
        """
        return fact_id(content, telling(buckets, data, to_micros(at)))

    def wanted(self, now: datetime, names: Collection[str] | None = None) -> Wanted:
        """
        The buckets that are needed to read these signals.

        Args:
            now: When they are read.

            names: The signals; None for all.
        """
        metrics = {TIMELINE_METRIC, ZONE_METRIC}
        days = 0
        for name in self.signals if names is None else names:
            needed, length = self._needs.get(name) or self._needed(name)
            metrics.update(needed)
            days = max(days, length)
        today = utc(now, "now").toordinal()
        # Two more days: the zone can be behind UTC, now or when it happened.
        return Wanted(metrics=frozenset(metrics), since=max(STANDING + 1, today - days - 2))

    def count(self, events: Iterable[Event], zones: Mapping[CustomerId, str]) -> list[Bucket]:
        """
        What these events add to what was counted: one bucket a customer, metric, part and day.

        Give it all events, whatever their names, each once: the earliest one tells since when a
        customer is known. Those in `recounts` ask for `recount` instead.

        Args:
            events: In any order; parked events are none.

            zones: As the bucket `ZONE_METRIC` of each customer tells; others have `zone`.
        """
        return self._counter.count(events, zones)

    def recount(
        self, history: Iterable[RecordedEvent], *, as_of: int | None = None
    ) -> list[Bucket]:
        """
        The whole history counted anew, as it was known at a time; of one customer or several.

        An event counts with the origin that it was given last, and on the day that it was in the
        zone in force when it happened.

        Args:
            history: All events of the customers, in any order.

            as_of: Only what was known by this number of the customer's counter; None for all.
        """
        known = [
            entry
            for entry in history
            if entry.state is EventState.ACCEPTED and (as_of is None or entry.sequence <= as_of)
        ]
        zones, told = _told_zones(known)
        origins = told_origins(known)
        events = ((entry.event, origin_of(entry, origins)) for entry in known)
        return [*self._counter.count_as(events, zones), *told]

    def read(
        self, buckets: Iterable[Bucket], now: datetime, names: Collection[str] | None = None
    ) -> Readings:
        """
        What is known of one customer.

        Args:
            buckets: Those of the customer that `wanted` names; more do no harm.

            now: The instant that it is asked at.

            names: The signals; None for all.

        Raises:
            InvalidInput: ``rules.unknown_signal``.
        """
        return self.read_in(self.seen(buckets, now), names)

    def read_in(self, seen: Seen, names: Collection[str] | None = None) -> Readings:
        """The same of what `seen` made, for whoever reads several times; inside this room only."""
        found: dict[str, Reading] = {}
        for name in self.signals if names is None else names:
            reading = seen.once(name, partial(self._reading, name, seen))
            if reading is not None:
                found[name] = reading
        known = seen.is_somebody or any(each.value is not None for each in found.values())
        return readings(self.signals, found) if known else NOBODY

    def left_out(self, buckets: Iterable[Bucket], now: datetime) -> tuple[LeftOut, ...]:
        """
        What could not be read of the events and facts of one customer: findings, not errors.

        Args:
            buckets: As for `read`.

            now: The instant that it is asked at.
        """
        return tuple(left_out(self.signals, self.seen(buckets, now)))

    def zone_of(self, buckets: Iterable[Bucket]) -> str:
        """The customer's zone by now: an IANA name."""
        return zones_of(self._zones_text(buckets)).latest()

    def touched(self, names: Iterable[str]) -> frozenset[str]:
        """The signals that events of these names can change."""
        happened = frozenset(names)
        if happened & self.recounts:
            return frozenset(self.signals)
        return frozenset(
            name
            for name, signal in self.signals.items()
            if self._is_touched(name, signal, happened)
        )

    def looks_at(self, name: str, day: date, today: date) -> bool:
        """Whether a signal that is read today can look at what happened on a day."""
        _, length = self._needs[name]
        return not length or (today - day).days <= length

    def reads_every_name(self, names: Iterable[str]) -> bool:
        """Whether one of these signals is of ``anything()``, so that any event can change it."""
        return any(m.pattern.is_any for name in names for m in self._metrics.get(name, ()))

    def _needed(self, name: str) -> tuple[tuple[str, ...], int]:
        """The metrics that a signal is read of, and how many days back."""
        derivation = self._signal(name).derivation
        if derivation is None:
            return (fact_metric(name),), 0
        metrics = (metric.name for metric in self._metrics[name])
        return (*metrics, *map(fact_metric, facts_of(derivation))), days_of(derivation)

    def _check_facts(self, name: str, signal: Signal) -> None:
        for fact in () if signal.derivation is None else facts_of(signal.derivation):
            found = self.signals.get(fact)
            if found is None or found.derivation is not None:
                raise InvalidInput(
                    f"The signal {name} is computed of one that is not declared",
                    code="rules.unknown_signal",
                    field=name,
                    value=fact,
                    remedy=_nearest(fact, self.signals),
                )

    def _is_touched(self, name: str, signal: Signal, happened: frozenset[str]) -> bool:
        if signal.derivation is None:
            return FACT_EVENT in happened
        if FACT_EVENT in happened and facts_of(signal.derivation):
            return True
        return any(
            metric.pattern.takes(event) for metric in self._metrics[name] for event in happened
        )

    def _reading(self, name: str, seen: Seen) -> Reading | None:
        reading = read_signal(self._signal(name), seen)
        source = None if reading is None else reading.source or self._sources[name]
        if reading is None or source == reading.source:
            return reading
        return Reading(value=reading.value, at=reading.at, source=source, until=reading.until)

    def _signal(self, name: str) -> Signal:
        signal = self.signals.get(name)
        if signal is None:
            raise InvalidInput(
                "There is no such signal",
                code="rules.unknown_signal",
                field=name,
                value=name,
                remedy=_nearest(name, self.signals),
            )
        return signal

    def seen(self, buckets: Iterable[Bucket], now: datetime) -> Seen:
        """The buckets of one customer, as they are looked at now; inside this room only."""
        rows: dict[str, list[Bucket]] = {}
        for metric, some in groupby(buckets, attrgetter("metric")):  # stores have them in order
            rows.setdefault(metric, []).extend(some)
        zones = zones_of(self._zones_text(rows.get(ZONE_METRIC, ())))
        return Seen(rows, zones, utc(now, "now"))

    def _zones_text(self, buckets: Iterable[Bucket]) -> str:
        for bucket in buckets:
            if bucket.metric == ZONE_METRIC and isinstance(bucket.value, str):
                return bucket.value
        return self.zone


def _source(metrics: Iterable[Metric]) -> str | None:
    """The events that it is computed of."""
    names = sorted({name for m in metrics for name in m.pattern.names or ("timeline",)})
    return ", ".join(names) or None


def _nearest(name: str, known: Iterable[str]) -> str:
    return meant(name, known, "declare it in your class of Signals")


def _told_zones(known: Iterable[RecordedEvent]) -> tuple[dict[CustomerId, Zones], list[Bucket]]:
    told: dict[CustomerId, list[tuple[int, str, str]]] = {}
    for entry in known:
        event = entry.event
        if event.name == ZONE_EVENT and (name := told_zone(event)) is not None:
            said = (to_micros(event.occurred_at), event.id, name)
            told.setdefault(event.customer, []).append(said)
    zones: dict[CustomerId, Zones] = {}
    buckets: list[Bucket] = []
    for customer, changes in told.items():
        changes.sort()
        names = tuple(name for _, _, name in changes)
        found = zones[customer] = Zones(names, tuple(at for at, _, _ in changes[1:]))
        buckets.append(
            Bucket(
                customer=customer,
                metric=ZONE_METRIC,
                day=STANDING,
                count=len(changes),
                first=changes[0][0],
                last=changes[-1][0],
                last_id=changes[-1][1],
                value=found.text(),
            )
        )
    return zones, buckets
