"""How much and how often: counts, sums, means, days of use."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from retainkit.money import Money, money
from retainkit.rules import ActiveDays, ActiveWeeks, Count, Depth, Distinct, Mean, Reading, Sum
from retainkit.signals._derived import (
    MILLION,
    as_count,
    as_number,
    metrics,
    metrics_of,
    read,
)
from retainkit.signals._metric import Metric, per_window, split_by
from retainkit.signals._seen import Seen, Span, part_in


_WEEK = 7


@metrics.register
def _(of: Count) -> tuple[Metric, ...]:
    if of.same is None:
        return (Metric(pattern=of.pattern, per=per_window(of.within)),)
    return (split_by(of.pattern, of.same, of.within),)


@read.register
def _(of: Count, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    if of.same is None:
        return as_count(sum(row.count for row in span.rows), span, seen)
    return as_count(most_in(metric, span), span, seen)


@metrics.register
def _(of: Distinct) -> tuple[Metric, ...]:
    return (split_by(of.pattern, of.key, of.within),)


@read.register
def _(of: Distinct, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    return as_count(len(parts_in(metric, span)), span, seen)


@metrics.register(Sum)
@metrics.register(Mean)
def _(of: Sum | Mean) -> tuple[Metric, ...]:
    currency = of.currency if isinstance(of, Sum) else None
    per = per_window(of.within)
    return (Metric(pattern=of.pattern, per=per, total=of.key, currency=currency),)


@read.register
def _(of: Sum, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    # What was left out happened, all the same: without any other, the sum is unknown, not zero.
    is_known = bool(span.rows) or (span.is_covered and not span.is_unread)
    total = Fraction(sum(row.total for row in span.rows), MILLION)
    value = _money(total, of.currency) if of.currency is not None else as_number(total)
    return Reading(value=value if is_known else None, at=seen.at, until=span.until)


@read.register
def _(of: Mean, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    count = sum(row.count for row in span.rows)
    if count < of.minimum:
        return Reading(value=None, at=seen.at, until=span.until)
    mean = Fraction(sum(row.total for row in span.rows), MILLION * count)
    return Reading(value=as_number(mean), at=seen.at, until=span.until)


def _money(exact: Fraction, currency: str) -> Money:
    return money(Decimal(exact.numerator) / Decimal(exact.denominator), currency)


@metrics.register
def _(of: Depth) -> tuple[Metric, ...]:
    return (split_by(of.pattern, of.key, of.within),)


@read.register
def _(of: Depth, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    used = parts_in(metric, span).intersection(of.features)
    is_known = bool(used) or (span.is_covered and not span.is_unread)
    value = as_number(Fraction(len(used), len(of.features))) if is_known else None
    return Reading(value=value, at=seen.at, until=span.until)


@metrics.register(ActiveDays)
@metrics.register(ActiveWeeks)
def _(of: ActiveDays | ActiveWeeks) -> tuple[Metric, ...]:
    return (Metric(pattern=of.pattern),)


@read.register
def _(of: ActiveDays, seen: Seen) -> Reading | None:
    span = seen.window(metrics_of(of)[0], of.within)
    return as_count(len({row.day for row in span.rows}), span, seen)


@read.register
def _(of: ActiveWeeks, seen: Seen) -> Reading | None:
    span = seen.window(metrics_of(of)[0], of.within)
    return as_count(len({(seen.day - row.day) // _WEEK for row in span.rows}), span, seen)


def most_in(metric: Metric, span: Span) -> int:
    """How often it happened with the value that it happened most with."""
    most: Counter[str] = Counter()
    for row in span.rows:
        most[part_in(metric, row)] += row.count
    return max(most.values(), default=0)


def parts_in(metric: Metric, span: Span) -> set[str]:
    """The values that rows are split by."""
    return {part_in(metric, row) for row in span.rows}
