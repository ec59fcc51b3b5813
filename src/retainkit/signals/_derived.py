"""What each derivation counts, and what it reads of it; declaring them is the work of `rules`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import singledispatch

from retainkit.core import Bucket, JsonValue
from retainkit.errors import ConfigurationError
from retainkit.rules import (
    Count,
    Derivation,
    Distinct,
    EventPattern,
    Reading,
    Sequence,
    Value,
    anything,
)
from retainkit.signals._count import part_of
from retainkit.signals._metric import Metric, Per, per_window
from retainkit.signals._seen import Seen, Span


_MICROSECOND = timedelta(microseconds=1)


@singledispatch
def metrics_of(derivation: Derivation) -> tuple[Metric, ...]:
    """The metrics that it needs, in its own order."""
    raise ConfigurationError(
        "Nobody can compute this derivation",
        code="signals.derivation",
        field="derivation",
        value=type(derivation).__name__,
        remedy="use those of retainkit.rules",
    )


@singledispatch
def read(derivation: Derivation, seen: Seen) -> Reading | None:
    """Its value now; None when nothing is known."""
    raise NotImplementedError(type(derivation).__name__)


@singledispatch
def days_of(derivation: Derivation) -> int:
    """How many days back it looks; 0 for what belongs to no day."""
    within = getattr(derivation, "within", None)
    return 0 if within is None else -(-within // timedelta(days=1))


def patterns_of(derivation: Derivation) -> Iterable[EventPattern]:
    """The events that change it."""
    return (metric.pattern for metric in metrics_of(derivation))


# --------------------------------------------------------------------------- counts


@metrics_of.register
def _(of: Count) -> tuple[Metric, ...]:
    per = per_window(of.within)
    if per is Per.EVENT:
        return (Metric(pattern=of.pattern, per=per, value=_keys(of.same)),)
    return (Metric(pattern=of.pattern, split=of.same),)


@read.register
def _(of: Count, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    if of.same is None:
        return _counted(sum(row.count for row in span.rows), span, seen)
    most: Counter[str] = Counter()
    for row in span.rows:
        part = _split(metric, row)
        if part is not None:
            most[part] += row.count
    return _counted(max(most.values(), default=0), span, seen)


@metrics_of.register
def _(of: Distinct) -> tuple[Metric, ...]:
    per = per_window(of.within)
    if per is Per.EVENT:
        return (Metric(pattern=of.pattern, per=per, value=(of.key,)),)
    return (Metric(pattern=of.pattern, split=of.key),)


@read.register
def _(of: Distinct, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    parts = {_split(metric, row) for row in span.rows} - {None}
    return _counted(len(parts), span, seen)


def _counted(number: int, span: Span, seen: Seen) -> Reading:
    known = number > 0 or span.is_covered
    return Reading(value=number if known else None, at=seen.now, until=span.until)


def _keys(key: str | None) -> tuple[str, ...]:
    return () if key is None else (key,)


def _split(metric: Metric, row: Bucket) -> str | None:
    return row.part if metric.split is not None else part_of(row.value)


# --------------------------------------------------------------------------- order


@metrics_of.register
def _(of: Sequence) -> tuple[Metric, ...]:
    steps = tuple(_step(pattern, of.same) for pattern in of.patterns)
    return (*steps, _step(anything(), None)) if of.strict else steps


def _step(pattern: EventPattern, same: str | None) -> Metric:
    return Metric(pattern=pattern, per=Per.EVENT, value=_keys(same))


@read.register
def _(of: Sequence, seen: Seen) -> Reading | None:
    steps = [seen.window(metric, of.within) for metric in metrics_of(of)]
    count = len(of.patterns)
    events: dict[tuple[int, str], tuple[str | None, set[int]]] = {}
    for index, span in enumerate(steps):
        for row in span.rows:
            part = None if of.same is None or index == count else part_of(row.value)
            known, matched = events.setdefault((row.last, row.last_id), (part, set()))
            if known is None and part is not None:
                events[row.last, row.last_id] = (part, matched)
            if index < count and (of.same is None or part is not None):
                matched.add(index)
    found = _is_followed(
        [(at, part, matched) for (at, _), (part, matched) in sorted(events.items())],
        count,
        of.within // _MICROSECOND,
        strict=of.strict,
    )
    untils = [span.until for span in steps if span.until is not None]
    known = found or all(span.is_covered for span in steps)
    return Reading(
        value=found if known else None, at=seen.now, until=min(untils) if untils else None
    )


def _is_followed(
    events: list[tuple[int, str | None, set[int]]], count: int, within: int, *, strict: bool
) -> bool:
    """
    Whether the steps follow each other, the whole in this time.

    Of all chains that have come so far, the one that began last is the shortest in the end. An
    event is tried for the last step first, so that it never stands for two.
    """
    begun: dict[str | None, list[int | None]] = {}
    for at, part, matched in events:
        last = begun.get(part) or [None] * count
        mine = [None] * count if strict else list(last)
        for index in sorted(matched, reverse=True):
            start = at if index == 0 else last[index - 1]
            before = mine[index]
            if start is not None and (before is None or start > before):
                mine[index] = start
        if strict:
            begun.clear()
        begun[part] = mine
        end = mine[-1]
        if end is not None and at - end <= within and (count - 1) in matched:
            return True
    return False


def value_of(reading: Reading | None) -> Value | None:
    """The value of a reading, if there is one."""
    return None if reading is None else reading.value


def _json_list(value: JsonValue) -> list[JsonValue]:
    return list(value) if isinstance(value, list | tuple) else [value]
