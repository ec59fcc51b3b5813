"""The first and the last event, and what the latest ones say."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import cast

from retainkit.core import Bucket, JsonValue
from retainkit.rules import First, Kind, Last, Latest, LatestChange, Reading, Value
from retainkit.signals._count import millionths, part_of
from retainkit.signals._derived import MILLION, as_number, metrics, metrics_of, read
from retainkit.signals._metric import Metric, Per
from retainkit.signals._seen import Seen, happened
from retainkit.timing import from_micros, utc


@metrics.register(Last)
@metrics.register(First)
def _(of: Last | First) -> tuple[Metric, ...]:
    return (Metric(pattern=of.pattern, per=Per.EVER),)


@read.register
def _(of: Last, seen: Seen) -> Reading | None:
    row = seen.one(metrics_of(of)[0].name)
    return None if row is None else Reading(value=from_micros(row.last), at=seen.at)


@read.register
def _(of: First, seen: Seen) -> Reading | None:
    row = seen.one(metrics_of(of)[0].name)
    return None if row is None else Reading(value=from_micros(row.first), at=seen.at)


@metrics.register
def _(of: Latest) -> tuple[Metric, ...]:
    return (Metric(pattern=of.pattern, per=Per.EVER, value=(of.key,)),)


@read.register
def _(of: Latest, seen: Seen) -> Reading | None:
    row = seen.one(metrics_of(of)[0].name)
    if row is None:
        return None
    return Reading(value=said(row.value, of.kind), at=from_micros(row.last))


def said(value: JsonValue, kind: Kind) -> Value | None:
    """What an event says under a key, as a value of this kind; None when it is none."""
    match kind:
        case Kind.NUMBER:
            number = millionths(value)
            if number is None:
                return None
            return number / MILLION if number % MILLION else number // MILLION
        case Kind.TIME:
            return _instant(value)
        case Kind.FLAG:
            return value if isinstance(value, bool) else None
        case _:
            return value if isinstance(value, str) else None


def _instant(value: JsonValue) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return utc(datetime.fromisoformat(value))
    except ValueError:  # also what InvalidInput is: a time without a zone
        return None


@metrics.register
def _(of: LatestChange) -> tuple[Metric, ...]:
    return (
        Metric(
            pattern=of.pattern,
            per=Per.EVENT,
            value=(of.key,) if of.same is None else (of.key, of.same),
        ),
    )


@read.register
def _(of: LatestChange, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    told: list[tuple[int, str | None]] = []
    for row in sorted(span.rows, key=happened, reverse=True):
        number, part = change_of(row, of.same)
        if number is not None and (of.same is None or part is not None):
            told.append((number, part))
    before = next((number for number, part in told[1:] if part == told[0][1]), None)
    value = None if before is None else as_number(Fraction(told[0][0] - before, MILLION))
    return Reading(value=value, at=seen.at, until=span.until)


def change_of(row: Bucket, same: str | None) -> tuple[int | None, str | None]:
    """What an event tells for a change: the number in millionths, and whose it is."""
    if same is None:
        return millionths(row.value), None
    number, part = cast("list[JsonValue]", row.value)  # one for each key of the metric
    return millionths(number), part_of(part)
