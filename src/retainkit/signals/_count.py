"""Events become buckets: the one loop over what happened; what they mean is read elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeAlias, cast

from retainkit.core import STANDING, Bucket, Event, JsonObject, JsonValue, Origin
from retainkit.ids import CustomerId
from retainkit.rules import EventPattern
from retainkit.signals._facts import FACT_EVENT, fact_metric, fact_told
from retainkit.signals._metric import Metric, Per
from retainkit.signals._zones import Zones, zones_of
from retainkit.timing import to_micros


TIMELINE_METRIC = "timeline"
"""Standing bucket of every event of the customer: since when anything is known."""

LEFT_OUT = "?"
"""The value of rows of events whose number could not be summed up; they are rows of their own."""

NOBODYS = ""
"""The part of events that say nothing under the key that rows are split by; no value is empty."""

COUNTED = (Origin.REAL, Origin.BACKFILL)
_LONGEST_PART = 120
_MILLION = 1_000_000
_MOST_NAMES = 10_000
_MOST = 10**12
_MOST_BITS = 10_000
_LARGE = 10**8 * _MILLION
_LONGEST_NUMBER, _SMALLEST, _LARGEST = 64, -6, 12
_ABSENT: Final = object()
_LATE = 2**63
_TIMELINE: Final = (TIMELINE_METRIC, STANDING, "")

_Path: TypeAlias = "tuple[str, ...]"
_Key: TypeAlias = "tuple[str, int, str]"
_Mark: TypeAlias = "tuple[int, str]"


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
        tallies = _Tallies(lambda customer: zones_of(zones.get(customer) or self._zone))
        return self._counted([(event, event.origin) for event in events], tallies)

    def count_as(
        self, events: Iterable[tuple[Event, Origin]], zones: Mapping[CustomerId, Zones]
    ) -> list[Bucket]:
        """The same, with the origin that each event has by now."""
        default = zones_of(self._zone)
        return self._counted(events, _Tallies(lambda customer: zones.get(customer, default)))

    def _counted(self, events: Iterable[tuple[Event, Origin]], tallies: _Tallies) -> list[Bucket]:
        for event, origin in events:
            tally = tallies[event.customer]
            days, at = tally.days, to_micros(event.occurred_at)
            day = days.day if days.start <= at < days.end else days.turn(at)
            mark = at, event.id
            plans = self._named[origin].get(event.name)
            if plans is None:
                plans = self._plans(origin, event.name)
            for plan in plans:
                on = day if plan.is_by_day else STANDING
                if plan.is_plain:
                    tally.marks[plan.metric, on, ""].append(mark)
                    continue
                told = plan.told(event)
                if told is None:
                    continue
                part, total, value = told
                if plan.says:
                    tally.rows[plan.metric, on, part].add(at, event.id, total, value)
                else:
                    tally.marks[plan.metric, on, part].append(mark)
            if origin in COUNTED:
                tally.known.append(mark)
                if event.name == FACT_EVENT:
                    self._facts_told(event, at, tally)
            elif event.origin in COUNTED:  # tagged anew: it is no event, and the day is known
                tally.known.append(mark)
        return tallies.buckets()

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
                told = fact_told(value, source)
                tally.rows[metric, STANDING, ""].add(at, event.id, 0, told)


class _Row:
    """A bucket of what events say, still being added to."""

    __slots__ = ("count", "first", "last", "last_id", "total", "value")

    def __init__(self) -> None:
        self.count = self.total = 0
        self.first, self.last = _LATE, -_LATE
        self.last_id = ""
        self.value: JsonValue = None

    def add(self, at: int, id: str, total: int, value: JsonValue) -> None:
        """One more event."""
        self.count += 1
        self.total += total
        self.first = min(self.first, at)
        if (at, id) > (self.last, self.last_id):
            self.last, self.last_id, self.value = at, id, value

    def bucket(self, customer: CustomerId, key: _Key) -> Bucket:
        """What they said."""
        first, last = self.first, self.last
        return Bucket(customer, *key, self.count, self.total, first, last, self.last_id, self.value)


class _Days:
    """The day that the last event of a zone fell on, and a stretch of time that lies in it."""

    __slots__ = ("day", "end", "start", "zones")

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.day = self.start = self.end = 0

    def turn(self, at: int) -> int:
        """The day of an instant outside of the stretch."""
        self.day, self.start, self.end = self.zones.day(at)
        return self.day


class _Tally:
    """What was counted of one customer, by metric, day and part."""

    __slots__ = ("days", "known", "marks", "rows")

    def __init__(self, days: _Days) -> None:
        self.days = days
        # When it was, and the id: most events say nothing else, and are put aside at once.
        self.marks: defaultdict[_Key, list[_Mark]] = defaultdict(list)
        self.known: list[_Mark] = []  # those of the whole timeline
        self.rows: defaultdict[_Key, _Row] = defaultdict(_Row)


class _Tallies(dict[CustomerId, _Tally]):
    """What was counted of each customer, and the days of each zone."""

    def __init__(self, zones: Callable[[CustomerId], Zones]) -> None:
        super().__init__()
        self._zones = zones
        self._days: dict[Zones, _Days] = {}

    def __missing__(self, customer: CustomerId) -> _Tally:
        zones = self._zones(customer)
        days = self._days.get(zones)
        if days is None:
            days = self._days[zones] = _Days(zones)
        found = self[customer] = _Tally(days)
        return found

    def buckets(self) -> list[Bucket]:
        """What was counted."""
        found: list[Bucket] = []
        for customer, tally in self.items():
            if tally.known:
                tally.marks[_TIMELINE] = tally.known
            found += [_marked(customer, key, marks) for key, marks in tally.marks.items()]
            found += [row.bucket(customer, key) for key, row in tally.rows.items()]
        return found


def _marked(customer: CustomerId, key: _Key, marks: list[_Mark]) -> Bucket:
    """The bucket of events that say nothing."""
    metric, day, part = key
    earliest = last, last_id = marks[0]
    if len(marks) > 1:
        earliest, (last, last_id) = min(marks), max(marks)
    told = (customer, metric, day, part, len(marks), 0, earliest[0], last, last_id, None)
    return Bucket._make(told)  # as a batch makes thousands


class _Plan:
    """How the events of a name change one metric."""

    __slots__ = (
        "currency",
        "is_any",
        "is_by_day",
        "is_by_event",
        "is_plain",
        "metric",
        "says",
        "split",
        "total",
        "value",
        "where",
    )

    def __init__(self, metric: Metric) -> None:
        self.metric = metric.name
        self.where = tuple((key_path(key), value) for key, value in metric.pattern.where)
        self.is_any = metric.pattern.is_any
        self.is_by_day = metric.per is not Per.EVER
        self.is_by_event = metric.per is Per.EVENT
        self.split = None if metric.split is None else key_path(metric.split)
        self.total = None if metric.total is None else key_path(metric.total)
        self.currency = metric.currency
        self.value = tuple(map(key_path, metric.value))
        self.says = bool(metric.total or metric.value or (self.is_by_event and metric.split))
        reads = (self.where, self.value, self.split, self.total)
        self.is_plain = not (self.is_any or self.is_by_event or any(reads))

    def told(self, event: Event) -> tuple[str, int, JsonValue] | None:
        """The part that the event belongs to, its number and its value; None if it is not meant."""
        data = event.data
        if self.is_any and event.because:
            return None  # what retainkit decided is no sign of life
        if self.where and not _fits(data, self.where):
            return None
        part = "" if self.split is None else _short(_part(_at(data, self.split)) or NOBODYS)
        said = _values(data, self.value) if self.value else None
        if said is None and self.value:
            return None
        if self.is_by_event and self.split is not None:
            said = part
        number = 0
        if self.total is not None:
            read = millionths(_at(data, self.total), self.currency)
            if read is None:
                part = said = LEFT_OUT
            else:
                number = read
                if abs(number) > _LARGE:
                    # A row of its own, so that no row leaves 64 bits.
                    part = _short(f"#{event.id}")
        if self.is_by_event:
            part = _short(event.id)
        return part, number, said


def millionths(value: object, currency: str | None = None) -> int | None:
    """The number in millionths; None when it is none, or can't be told in them."""
    if currency is not None and isinstance(value, Mapping):
        if value.get("currency") != currency:
            return None
        value = value.get("amount")
    if isinstance(value, str):
        return _scaled(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value * _MILLION if abs(value) <= _MOST else None


def key_path(key: str) -> tuple[str, ...]:
    """The keys that lead to a value: ``payment.id`` is ``id`` inside of ``payment``."""
    return tuple(key.split("."))


def part_of(value: object) -> str | None:
    """The text by which rows are split; None for what is empty or no single value."""
    part = _part(value)
    return _short(part) if part else None


@lru_cache(maxsize=4096)
def _scaled(text: str) -> int | None:
    """Kept, since prices come again and again; exact, whatever digits somebody writes."""
    if len(text) > _LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number:
        return 0
    # The size first: a number such as 1e999999999 is not to be written out.
    if not number.is_finite() or not _SMALLEST <= number.adjusted() <= _LARGEST:
        return None
    scaled = Fraction(number) * _MILLION
    return scaled.numerator if scaled.denominator == 1 and abs(number) <= _MOST else None


def _part(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int):
        return None
    return str(value) if value.bit_length() <= _MOST_BITS else hex(value)  # Python writes no more


def _short(part: str) -> str:
    """A part that fits into an index, and that every database keeps."""
    if len(part) <= _LONGEST_PART and "\0" not in part:
        return part
    digest = sha256(part.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{part[: _LONGEST_PART - 17].replace(chr(0), '')}~{digest}"


def _at(data: JsonObject, path: _Path) -> object:
    if len(path) == 1:
        return data.get(path[0], _ABSENT)
    found: object = data
    for key in path:
        if not isinstance(found, Mapping):
            return _ABSENT
        found = found.get(key, _ABSENT)
    return found


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
