"""Events become buckets: the one loop over what happened; what they mean is read elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Final, TypeAlias, cast

from retainkit.core import STANDING, Bucket, Event, JsonObject, JsonValue, Origin
from retainkit.ids import CustomerId
from retainkit.rules import EventPattern
from retainkit.signals._facts import FACT_EVENT, fact_metric
from retainkit.signals._metric import Metric, Per
from retainkit.signals._zones import Zones, zones_of
from retainkit.timing import to_micros


TIMELINE_METRIC = "timeline"
"""Standing bucket of every event of the customer: since when anything is known."""

LEFT_OUT = "?"
"""The value of rows of events whose number could not be summed up; they are rows of their own."""

COUNTED = (Origin.REAL, Origin.BACKFILL)
_LONGEST_PART = 120
_MILLION = 1_000_000
_MOST_NAMES = 10_000
_ABSENT: Final = object()

_Path: TypeAlias = "tuple[str, ...]"


class Counter:
    """The metrics by the events that change them; made once, used for every event."""

    __slots__ = ("_facts", "_metrics", "_named", "_zone")

    def __init__(self, metrics: Iterable[Metric], facts: Iterable[str], zone: str) -> None:
        self._facts = {name: fact_metric(name) for name in facts}
        self._zone = zone
        some = {metric.name: metric for metric in metrics}.values()
        self._metrics = {
            origin: tuple(m for m in some if origin in _origins(m.pattern)) for origin in Origin
        }
        self._named: dict[Origin, dict[str, tuple[_Plan, ...]]] = {o: {} for o in Origin}

    def count(self, events: Iterable[Event], zones: Mapping[CustomerId, str]) -> list[Bucket]:
        """One bucket for each customer, metric, part and day."""
        kept: dict[CustomerId, _Tally] = {}
        for event in events:
            tally = kept.get(event.customer)
            if tally is None:
                zone = zones_of(zones.get(event.customer) or self._zone)
                tally = kept[event.customer] = _Tally(zone)
            self._one(event, event.origin, tally)
        return [bucket for customer, tally in kept.items() for bucket in tally.buckets(customer)]

    def count_as(
        self, events: Iterable[tuple[Event, Origin]], zones: Mapping[CustomerId, Zones]
    ) -> list[Bucket]:
        """The same, with the origin that each event has by now."""
        kept: dict[CustomerId, _Tally] = {}
        default = zones_of(self._zone)
        for event, origin in events:
            tally = kept.get(event.customer)
            if tally is None:
                tally = kept[event.customer] = _Tally(zones.get(event.customer, default))
            self._one(event, origin, tally)
        return [bucket for customer, tally in kept.items() for bucket in tally.buckets(customer)]

    def _one(self, event: Event, origin: Origin, tally: _Tally) -> None:
        at = to_micros(event.occurred_at)
        if origin is Origin.REAL or origin is Origin.BACKFILL:
            tally.add(TIMELINE_METRIC, "", STANDING, at, event.id)
            if event.name == FACT_EVENT:
                self._facts_told(event, at, tally)
        plans = self._named[origin].get(event.name)
        if plans is None:
            plans = self._plans(origin, event.name)
        for plan in plans:
            plan.count(event, at, tally)

    def _plans(self, origin: Origin, name: str) -> tuple[_Plan, ...]:
        """What an event of this name changes; kept, as long as names are not without number."""
        found = tuple(_Plan(m) for m in self._metrics[origin] if m.pattern.takes(name))
        if len(self._named[origin]) < _MOST_NAMES:
            self._named[origin][name] = found
        return found

    def _facts_told(self, event: Event, at: int, tally: _Tally) -> None:
        facts, source = event.data.get("signals"), event.data.get("source")
        if not isinstance(facts, Mapping):
            return
        for name, value in facts.items():
            metric = self._facts.get(name)
            if metric is not None:
                told: JsonObject = {"value": value}
                if source is not None:
                    told = {"value": value, "source": source}
                tally.add(metric, "", STANDING, at, event.id, value=told)


class _Row:
    """A bucket that is still being added to."""

    __slots__ = ("count", "first", "last", "last_id", "total", "value")

    def __init__(self, at: int, id: str, total: int, value: JsonValue) -> None:
        self.count = 1
        self.total = total
        self.first = self.last = at
        self.last_id = id
        self.value = value

    def add(self, at: int, id: str, total: int, value: JsonValue) -> None:
        self.count += 1
        self.total += total
        last = self.last
        if at > last or (at == last and id > self.last_id):
            self.last, self.last_id, self.value = at, id, value
        elif at < self.first:
            self.first = at


class _Tally:
    """The rows of one customer, and the day that the last event fell on."""

    __slots__ = ("day", "end", "rows", "start", "zones")

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.day, self.start, self.end = 0, 0, 0
        self.rows: dict[tuple[str, str, int], _Row] = {}

    def day_of(self, at: int) -> int:
        """The day of an instant, kept for the next one."""
        if not self.start <= at < self.end:
            self.day, self.start, self.end = self.zones.day(at)
        return self.day

    def add(
        self,
        metric: str,
        part: str,
        day: int,
        at: int,
        id: str,
        *,
        total: int = 0,
        value: JsonValue = None,
    ) -> None:
        """One more event of a row."""
        key = (metric, part, day)
        row = self.rows.get(key)
        if row is None:
            self.rows[key] = _Row(at, id, total, value)
        else:
            row.add(at, id, total, value)

    def buckets(self, customer: CustomerId) -> list[Bucket]:
        """What was counted."""
        return [
            Bucket(
                customer=customer,
                metric=metric,
                part=part,
                day=day,
                count=row.count,
                total=row.total,
                first=row.first,
                last=row.last,
                last_id=row.last_id,
                value=row.value,
            )
            for (metric, part, day), row in self.rows.items()
        ]


class _Plan:
    """How the events of a name change one metric."""

    __slots__ = (
        "currency",
        "is_any",
        "is_plain",
        "metric",
        "per",
        "split",
        "total",
        "value",
        "where",
    )

    def __init__(self, metric: Metric) -> None:
        self.metric = metric.name
        self.where = tuple((key_path(key), value) for key, value in metric.pattern.where)
        self.is_any = metric.pattern.is_any
        self.per = metric.per
        self.split = None if metric.split is None else key_path(metric.split)
        self.total = None if metric.total is None else key_path(metric.total)
        self.currency = metric.currency
        self.value = tuple(map(key_path, metric.value))
        self.is_plain = (
            self.per is Per.DAY
            and not self.where
            and not self.is_any
            and not self.value
            and self.split is None
            and self.total is None
        )

    def count(self, event: Event, at: int, tally: _Tally) -> None:
        """Count the event, if it is one of them."""
        if self.is_plain:
            tally.add(self.metric, "", tally.day_of(at), at, event.id)
            return
        if not self._is_meant(event):
            return
        part = "" if self.split is None else _part(_at(event.data, self.split))
        said = _values(event.data, self.value) if self.value else None
        if part is None or (said is None and self.value):
            return
        amount = 0
        if self.total is not None:
            read = millionths(_at(event.data, self.total), self.currency)
            if read is None:
                part = said = LEFT_OUT
            else:
                amount = read
        if self.per is Per.EVENT:
            part = event.id
        day = STANDING if self.per is Per.EVER else tally.day_of(at)
        tally.add(self.metric, part, day, at, event.id, total=amount, value=said)

    def _is_meant(self, event: Event) -> bool:
        if self.is_any and event.because:
            return False  # what retainkit decided is no sign of life
        return not self.where or _fits(event.data, self.where)


def millionths(value: object, currency: str | None = None) -> int | None:
    """The number in millionths; None when it is none, or can't be told in them."""
    if currency is not None and isinstance(value, Mapping):
        if value.get("currency") != currency:
            return None
        value = value.get("amount")
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        scaled = Decimal(value * _MILLION) if abs(value) <= _MOST else None
    elif isinstance(value, str):
        scaled = _scaled(value)
    else:
        return None
    return None if scaled is None else int(scaled)


def key_path(key: str) -> tuple[str, ...]:
    """The keys that lead to a value: ``payment.id`` is ``id`` inside of ``payment``."""
    return tuple(key.split("."))


def part_of(value: object) -> str | None:
    """The text by which rows are split; None for what is no single value."""
    return _part(value)


def _scaled(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > _MOST:
        return None
    scaled = number * _MILLION
    return scaled if scaled == scaled.to_integral_value() else None


def _part(value: object) -> str | None:
    if isinstance(value, str):
        if len(value) <= _LONGEST_PART:
            return value
        return f"{value[: _LONGEST_PART - 17]}~{sha256(value.encode()).hexdigest()[:16]}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else None


def _at(data: object, path: _Path) -> object:
    for key in path:
        if not isinstance(data, Mapping):
            return _ABSENT
        data = data.get(key, _ABSENT)
    return data


def _values(data: JsonObject, paths: tuple[_Path, ...]) -> JsonValue:
    """What stands under the keys, a list for several; None unless each has something."""
    found = [_at(data, path) for path in paths]
    if any(value is None or value is _ABSENT for value in found):
        return None
    values = cast("list[JsonValue]", found)
    return values[0] if len(values) == 1 else values


def _fits(data: JsonObject, where: tuple[tuple[_Path, object], ...]) -> bool:
    for path, wanted in where:
        found = _at(data, path)
        if type(found) is not type(wanted) or found != wanted:
            return False
    return True


def _origins(pattern: EventPattern) -> Sequence[Origin]:
    return tuple(map(Origin, pattern.origins)) or COUNTED


_MOST = 10**12
