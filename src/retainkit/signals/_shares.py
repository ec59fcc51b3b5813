"""One figure beside another: against the window before, or as a share of a whole."""

from __future__ import annotations

from fractions import Fraction

from attrs import evolve

from retainkit.money import Money
from retainkit.rules import Count, Distinct, Mean, Reading, Share, Signal, Sum, Trend, Value
from retainkit.signals._derived import (
    MILLION,
    as_number,
    days_of,
    facts_of,
    metrics,
    metrics_of,
    read,
    read_signal,
)
from retainkit.signals._metric import DAY, Metric
from retainkit.signals._seen import Seen, Span
from retainkit.signals._totals import most_in, parts_in


_WEEK = 7


@metrics.register
def _(of: Trend) -> tuple[Metric, ...]:
    return metrics_of(of.of)


@days_of.register
def _(of: Trend) -> int:
    length, back = _trend_days(of)
    return length + back + 1


def _trend_days(of: Trend) -> tuple[int, int]:
    """The length of both windows, and how far the one before lies back: whole weeks."""
    length = of.of.within // DAY
    return length, -(-length // _WEEK) * _WEEK


@read.register
def _(of: Trend, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    length, back = _trend_days(of)
    first, last = seen.day - length, seen.day - 1
    now = seen.days(metric, first, last)
    before = seen.days(metric, first - back, last - back)
    unknown = Reading(value=None, at=seen.at, until=now.until)
    base, volume = _volume(of.of, metric, before)
    if not before.is_covered or volume < of.minimum or base is None or base <= 0:
        return unknown
    value, _ = _volume(of.of, metric, now)
    if value is None or now.is_unread:
        return unknown
    return Reading(value=as_number((value - base) / base), at=seen.at, until=now.until)


def _volume(
    of: Count | Distinct | Sum | Mean, metric: Metric, span: Span
) -> tuple[Fraction | None, int]:
    """What is compared, and how much that is for the least volume."""
    count = sum(row.count for row in span.rows)
    total = Fraction(sum(row.total for row in span.rows), MILLION)
    match of:
        case Sum():
            return total, count
        case Mean():
            return (total / count if count >= of.minimum else None), count
        case Distinct():
            parts = len(parts_in(metric, span))
            return Fraction(parts), parts
        case _:
            number = count if of.same is None else most_in(metric, span)
            return Fraction(number), number


@metrics.register
def _(of: Share) -> tuple[Metric, ...]:
    return tuple(
        metric
        for signal in of.signals
        if signal.derivation is not None
        for metric in metrics_of(signal.derivation)
    )


@days_of.register
def _(of: Share) -> int:
    return max(0 if s.derivation is None else days_of(s.derivation) for s in of.signals)


@facts_of.register
def _(of: Share) -> tuple[str, ...]:
    found: list[str] = []
    for signal in of.signals:
        found += [signal.name] if signal.derivation is None else facts_of(signal.derivation)
    return tuple(found)


@read.register
def _(of: Share, seen: Seen) -> Reading | None:
    part, whole = (_believed(signal, seen) for signal in of.signals)
    untils = [each.until for each in (part, whole) if each.until is not None]
    ats = [each.at for each in (part, whole) if each.at is not None]
    least, some = _exactly(whole.value), _exactly(part.value)
    value = None
    if some is not None and least is not None and 0 < least >= of.minimum:
        value = as_number(some / least) if _one_currency(part.value, whole.value) else None
    return Reading(value=value, at=min(ats, default=seen.at), until=min(untils, default=None))


def _believed(signal: Signal, seen: Seen) -> Reading:
    """The reading of one of its signals, as long as it is fresh."""
    reading = read_signal(signal, seen) or Reading(value=None)
    if reading.value is None or signal.fresh_for is None or reading.at is None:
        return reading
    stale = reading.at + signal.fresh_for
    until = stale if reading.until is None else min(stale, reading.until)
    return evolve(reading, until=until) if seen.at < stale else Reading(value=None)


def _exactly(value: Value | None) -> Fraction | None:
    if isinstance(value, Money):
        return Fraction(value.amount)
    return Fraction(value) if isinstance(value, int | float) else None


def _one_currency(part: Value | None, whole: Value | None) -> bool:
    codes = {value.currency.code for value in (part, whole) if isinstance(value, Money)}
    return len(codes) <= 1
