"""Events become buckets: the one loop over what happened; what they mean is read elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Final, TypeAlias

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
"""The part of events whose number could not be summed up."""

COUNTED = (Origin.REAL, Origin.BACKFILL)
_LONGEST_PART = 120
_MILLION = 1_000_000
_MOST_NAMES = 10_000
_ABSENT: Final = object()

_Path: TypeAlias = "tuple[str, ...]"
_Where: TypeAlias = "tuple[tuple[_Path, object], ...]"
_Plan: TypeAlias = (
    "tuple[str, _Where, bool, Per, _Path | None, _Path | None, str | None, tuple[_Path, ...]]"
)
_Row: TypeAlias = "list[int | str | JsonValue]"


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
        name, data, id = event.name, event.data, event.id
        at = to_micros(event.occurred_at)
        plans = self._named[origin].get(name)
        if plans is None:
            plans = self._plans(origin, name)
        rows = tally.rows
        if origin in COUNTED:
            _add(rows, (TIMELINE_METRIC, "", STANDING), at, id, 0, None)
            if name == FACT_EVENT:
                self._fact(data, rows, at, id)
        for metric, where, needs_life, per, split, total, currency, value in plans:
            if where and not _fits(data, where):
                continue
            if needs_life and event.because:
                continue
            part = ""
            if split is not None:
                found = _part(_at(data, split))
                if found is None:
                    continue
                part = found
            amount = 0
            if total is not None:
                read = millionths(_at(data, total), currency)
                if read is None:
                    part = LEFT_OUT
                else:
                    amount = read
            said = None if not value else _values(data, value)
            if per is Per.EVER:
                day = STANDING
            else:
                day = tally.day if tally.start <= at < tally.end else tally.turn(at)
                if per is Per.EVENT and part is not LEFT_OUT:
                    part = id
            _add(rows, (metric, part, day), at, id, amount, said)

    def _plans(self, origin: Origin, name: str) -> tuple[_Plan, ...]:
        """What an event of this name changes; kept, as long as names are not without number."""
        found = tuple(_plan(m) for m in self._metrics[origin] if m.pattern.takes(name))
        if len(self._named[origin]) < _MOST_NAMES:
            self._named[origin][name] = found
        return found

    def _fact(
        self, data: JsonObject, rows: dict[tuple[str, str, int], _Row], at: int, id: str
    ) -> None:
        facts, source = data.get("signals"), data.get("source")
        if not isinstance(facts, Mapping):
            return
        for name, value in facts.items():
            metric = self._facts.get(name)
            if metric is not None:
                said: JsonObject = (
                    {"value": value}
                    if source is None
                    else {
                        "value": value,
                        "source": source,
                    }
                )
                _add(rows, (metric, "", STANDING), at, id, 0, said)


class _Tally:
    """The rows of one customer, and the day that the last event fell on."""

    __slots__ = ("day", "end", "rows", "start", "zones")

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.day, self.start, self.end = 0, 0, 0
        self.rows: dict[tuple[str, str, int], _Row] = {}

    def turn(self, at: int) -> int:
        """The day of an instant, kept for the next one."""
        self.day, self.start, self.end = self.zones.day(at)
        return self.day

    def buckets(self, customer: CustomerId) -> list[Bucket]:
        """What was counted."""
        return [
            Bucket(
                customer=customer,
                metric=metric,
                part=part,
                day=day,
                count=count,
                total=total,
                first=first,
                last=last,
                last_id=last_id,
                value=value,
            )
            for (metric, part, day), (count, total, first, last, last_id, value) in (
                self.rows.items()
            )
        ]


def _add(
    rows: dict[tuple[str, str, int], _Row],
    key: tuple[str, str, int],
    at: int,
    id: str,
    total: int,
    value: JsonValue,
) -> None:
    row = rows.get(key)
    if row is None:
        rows[key] = [1, total, at, at, id, value]
        return
    row[0] += 1
    row[1] += total
    row[2] = min(row[2], at)
    if at > row[3] or (at == row[3] and id > row[4]):
        row[3], row[4], row[5] = at, id, value


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
    found = [_json(_at(data, path)) for path in paths]
    return found[0] if len(found) == 1 else found


def _json(value: object) -> JsonValue:
    return None if value is _ABSENT else value  # type: ignore[return-value] # from an event's data


def _fits(data: JsonObject, where: _Where) -> bool:
    for path, wanted in where:
        found = _at(data, path)
        if type(found) is not type(wanted) or found != wanted:
            return False
    return True


def _plan(metric: Metric) -> _Plan:
    return (
        metric.name,
        tuple((key_path(key), value) for key, value in metric.pattern.where),
        metric.pattern.is_any,
        metric.per,
        None if metric.split is None else key_path(metric.split),
        None if metric.total is None else key_path(metric.total),
        metric.currency,
        tuple(map(key_path, metric.value)),
    )


def _origins(pattern: EventPattern) -> Sequence[Origin]:
    return tuple(map(Origin, pattern.origins)) or COUNTED


_MOST = 10**12
