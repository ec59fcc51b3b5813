"""What each derivation counts, and what it reads of it; declaring them is the work of `rules`."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, singledispatch
from typing import Final

from attrs import evolve

from retainkit.core import Bucket, JsonValue
from retainkit.errors import ConfigurationError
from retainkit.money import Money, money
from retainkit.rules import (
    ActiveDays,
    ActiveWeeks,
    Again,
    Count,
    Depth,
    Derivation,
    Distinct,
    Elapsed,
    EventPattern,
    First,
    Items,
    Kind,
    Last,
    Latest,
    LatestChange,
    Mean,
    OldestOpen,
    Open,
    Reading,
    Sequence,
    Share,
    Signal,
    Silent,
    Sum,
    Text,
    Trend,
    Value,
    anything,
)
from retainkit.signals._count import millionths, part_of
from retainkit.signals._facts import fact_metric, fact_of
from retainkit.signals._metric import DAY, Metric, Per, per_window
from retainkit.signals._seen import Seen, Span
from retainkit.timing import from_micros, utc


_MILLION = 1_000_000
_EXACT = 2**53
_WEEK = 7
_PAIR = 2
_NEVER: Final = (-(2**63), "")
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def metrics_of(derivation: Derivation) -> tuple[Metric, ...]:
    """The metrics that it needs, in its own order; made once, since their names are hashes."""
    return _metrics(derivation)


@singledispatch
def _metrics(derivation: Derivation) -> tuple[Metric, ...]:
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
    return 0 if within is None else -(-within // DAY)


@singledispatch
def facts_of(derivation: Derivation) -> tuple[str, ...]:
    """The names of the facts that it is computed from."""
    del derivation
    return ()


# --------------------------------------------------------------------------- counts


@_metrics.register
def _(of: Count) -> tuple[Metric, ...]:
    if of.same is None:
        return (Metric(pattern=of.pattern, per=per_window(of.within)),)
    return (_split_by(of.pattern, of.same, of.within),)


@read.register
def _(of: Count, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    if of.same is None:
        return _counted(sum(row.count for row in span.rows), span, seen)
    return _counted(_most(metric, span), span, seen)


def _most(metric: Metric, span: Span) -> int:
    """How often it happened with the value that it happened most with."""
    most: Counter[str] = Counter()
    for row in span.rows:
        part = _split(metric, row)
        if part is not None:
            most[part] += row.count
    return max(most.values(), default=0)


@_metrics.register
def _(of: Distinct) -> tuple[Metric, ...]:
    return (_split_by(of.pattern, of.key, of.within),)


@read.register
def _(of: Distinct, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    return _counted(len(_parts(metric, span)), span, seen)


def _counted(number: int, span: Span, seen: Seen) -> Reading:
    known = number > 0 or span.is_covered
    return Reading(value=number if known else None, at=seen.at, until=span.until)


def _keys(key: str | None) -> tuple[str, ...]:
    return () if key is None else (key,)


def _parts(metric: Metric, span: Span) -> set[str]:
    """The values that rows are split by."""
    if metric.split is not None:
        return {row.part for row in span.rows}
    return {part for row in span.rows if (part := part_of(row.value)) is not None}


def _split(metric: Metric, row: Bucket) -> str | None:
    return row.part if metric.split is not None else part_of(row.value)


# --------------------------------------------------------------------------- order


@_metrics.register
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
    is_known = found or all(span.is_covered for span in steps)
    return Reading(
        value=found if is_known else None, at=seen.at, until=min(untils) if untils else None
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
        mine: list[int | None] = [None] * count if strict else list(last)
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


# --------------------------------------------------------------------------- sums and means


@_metrics.register(Sum)
@_metrics.register(Mean)
def _(of: Sum | Mean) -> tuple[Metric, ...]:
    currency = of.currency if isinstance(of, Sum) else None
    per = per_window(of.within)
    return (Metric(pattern=of.pattern, per=per, total=of.key, currency=currency),)


@read.register
def _(of: Sum, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    # What was left out happened, all the same: without any other, the sum is unknown, not zero.
    is_known = bool(span.rows) or (span.is_covered and not span.left_out)
    total = Fraction(sum(row.total for row in span.rows), _MILLION)
    value = _money(total, of.currency) if of.currency is not None else _number(total)
    return Reading(value=value if is_known else None, at=seen.at, until=span.until)


@read.register
def _(of: Mean, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    count = sum(row.count for row in span.rows)
    if count < of.minimum:
        return Reading(value=None, at=seen.at, until=span.until)
    mean = Fraction(sum(row.total for row in span.rows), _MILLION * count)
    return Reading(value=_number(mean), at=seen.at, until=span.until)


def _number(exact: Fraction) -> int | float:
    is_whole = exact.denominator == 1 and abs(exact) <= _EXACT
    return exact.numerator if is_whole else float(exact)


def _money(exact: Fraction, currency: str) -> Money:
    return money(Decimal(exact.numerator) / Decimal(exact.denominator), currency)


# --------------------------------------------------------------------------- first, last, latest


@_metrics.register(Last)
@_metrics.register(First)
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


@_metrics.register
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
            return number / _MILLION if number % _MILLION else number // _MILLION
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


@_metrics.register
def _(of: LatestChange) -> tuple[Metric, ...]:
    return (Metric(pattern=of.pattern, per=Per.EVENT, value=(of.key, *_keys(of.same))),)


@read.register
def _(of: LatestChange, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    told: list[tuple[int, str | None]] = []
    for row in sorted(span.rows, key=_order, reverse=True):
        number, part = change_of(row, of.same)
        if number is not None and (of.same is None or part is not None):
            told.append((number, part))
    before = next((number for number, part in told[1:] if part == told[0][1]), None)
    value = None if before is None else _number(Fraction(told[0][0] - before, _MILLION))
    return Reading(value=value, at=seen.at, until=span.until)


def change_of(row: Bucket, same: str | None) -> tuple[int | None, str | None]:
    """What an event tells for a change: the number in millionths, and whose it is."""
    if same is None:
        return millionths(row.value), None
    value = row.value
    if not isinstance(value, list | tuple) or len(value) != _PAIR:
        return None, None
    return millionths(value[0]), part_of(value[1])


def _order(row: Bucket) -> tuple[int, str]:
    return row.last, row.last_id


# --------------------------------------------------------------------------- trends and shares


@_metrics.register
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
    if value is None:
        return unknown
    return Reading(value=_number((value - base) / base), at=seen.at, until=now.until)


def _volume(
    of: Count | Distinct | Sum | Mean, metric: Metric, span: Span
) -> tuple[Fraction | None, int]:
    """What is compared, and how much that is for the least volume."""
    count = sum(row.count for row in span.rows)
    total = Fraction(sum(row.total for row in span.rows), _MILLION)
    match of:
        case Sum():
            return total, count
        case Mean():
            return (total / count if count >= of.minimum else None), count
        case Distinct():
            parts = len(_parts(metric, span))
            return Fraction(parts), parts
        case Count():
            number = count if of.same is None else _most(metric, span)
            return Fraction(number), number


@_metrics.register
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
        value = _number(some / least) if _one_currency(part.value, whole.value) else None
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


def read_signal(signal: Signal, seen: Seen) -> Reading | None:
    """A signal's value now, computed or set; None when nothing is known."""
    if signal.derivation is None:
        row = seen.one(fact_metric(signal.name))
        return None if row is None else fact_of(signal, row)
    reading = read(signal.derivation, seen)
    if reading is not None and isinstance(signal, Text) and not is_choice(signal, reading.value):
        return evolve(reading, value=None)
    return reading


def is_choice(signal: Text, value: object) -> bool:
    """The text is one that the signal can have; any can be, where none are declared."""
    return not signal.choices or value is None or value in signal.choices


# --------------------------------------------------------------------------- use


@_metrics.register
def _(of: Depth) -> tuple[Metric, ...]:
    return (_split_by(of.pattern, of.key, of.within),)


@read.register
def _(of: Depth, seen: Seen) -> Reading | None:
    (metric,) = metrics_of(of)
    span = seen.window(metric, of.within)
    used = _parts(metric, span).intersection(of.features)
    is_known = bool(used) or span.is_covered
    value = _number(Fraction(len(used), len(of.features))) if is_known else None
    return Reading(value=value, at=seen.at, until=span.until)


@_metrics.register(ActiveDays)
@_metrics.register(ActiveWeeks)
def _(of: ActiveDays | ActiveWeeks) -> tuple[Metric, ...]:
    return (Metric(pattern=of.pattern),)


@read.register
def _(of: ActiveDays, seen: Seen) -> Reading | None:
    span = seen.window(metrics_of(of)[0], of.within)
    return _counted(len({row.day for row in span.rows}), span, seen)


@read.register
def _(of: ActiveWeeks, seen: Seen) -> Reading | None:
    span = seen.window(metrics_of(of)[0], of.within)
    return _counted(len({(seen.day - row.day) // _WEEK for row in span.rows}), span, seen)


# --------------------------------------------------------------------------- items


def _split_by(pattern: EventPattern, key: str, within: timedelta | None) -> Metric:
    """Rows by the value under a key: of all time, of days, or one an event."""
    per = Per.EVER if within is None else per_window(within)
    if per is Per.EVENT:
        return Metric(pattern=pattern, per=per, value=(key,))
    return Metric(pattern=pattern, per=per, split=key)


def _items_metrics(items: Items) -> tuple[Metric, ...]:
    return tuple(
        _split_by(pattern, items.key, items.within) for pattern in (items.opened, items.closed)
    )


@_metrics.register(Open)
@_metrics.register(OldestOpen)
def _(of: Open | OldestOpen) -> tuple[Metric, ...]:
    return _items_metrics(of.items)


@_metrics.register
def _(of: Silent) -> tuple[Metric, ...]:
    return (*_items_metrics(of.items), _split_by(of.touched, of.items.key, of.items.within))


@read.register
def _(of: Open, seen: Seen) -> Reading | None:
    items, span = _open_items(of.items, seen)
    is_known = bool(span.rows) or (of.within is not None and span.is_covered)
    return Reading(value=len(items) if is_known else None, at=seen.at, until=span.until)


@read.register
def _(of: OldestOpen, seen: Seen) -> Reading | None:
    items, span = _open_items(of.items, seen)
    value = from_micros(min(items.values())) if items else None
    return Reading(value=value, at=seen.at, until=span.until)


@read.register
def _(of: Silent, seen: Seen) -> Reading | None:
    items, span = _open_items(of.items, seen)
    touched = _latest_by(metrics_of(of)[2], of.items.within, seen)[0]
    limit, length = seen.ago(of.silent_for), of.silent_for // _MICROSECOND
    signs = [max(at, touched.get(part, (at, ""))[0]) for part, at in items.items()]
    turns = [from_micros(sign + length) for sign in signs if sign > limit]
    untils = [*turns, *([] if span.until is None else [span.until])]
    is_known = bool(span.rows) or (of.within is not None and span.is_covered)
    silent = sum(sign <= limit for sign in signs)
    return Reading(value=silent if is_known else None, at=seen.at, until=min(untils, default=None))


def _open_items(items: Items, seen: Seen) -> tuple[dict[str, int], Span]:
    """
    When each item that is open was opened, and the rows of what opened any.

    What was opened and closed at one instant is closed: times of whole days or seconds are common.
    """
    openings, closings = _items_metrics(items)
    opened, span = _latest_by(openings, items.within, seen)
    closed, _ = _latest_by(closings, items.within, seen)
    return {part: at for part, (at, _) in opened.items() if at > closed.get(part, _NEVER)[0]}, span


def _latest_by(
    metric: Metric, within: timedelta | None, seen: Seen
) -> tuple[dict[str, tuple[int, str]], Span]:
    """The latest event of each item; looked for once, since several signals ask for it."""
    return seen.once((metric.name, within), lambda: _find_latest(metric, within, seen))


def _find_latest(
    metric: Metric, within: timedelta | None, seen: Seen
) -> tuple[dict[str, tuple[int, str]], Span]:
    if within is None:
        span = Span(rows=seen.rows(metric.name), until=None, is_covered=False)
    else:
        span = seen.window(metric, within)
    latest: dict[str, tuple[int, str]] = {}
    for row in span.rows:
        part = _split(metric, row)
        if part is None:
            continue
        order = (row.last, row.last_id)
        if order > latest.get(part, _NEVER):
            latest[part] = order
    return latest, span


# --------------------------------------------------------------------------- elapsed and again


@_metrics.register
def _(of: Elapsed) -> tuple[Metric, ...]:
    return tuple(
        Metric(pattern=pattern, per=Per.EVENT, value=(of.key,)) for pattern in (of.start, of.end)
    )


@read.register
def _(of: Elapsed, seen: Seen) -> Reading | None:
    begun, ended = (seen.window(metric, of.within) for metric in metrics_of(of))
    # Of one instant, ends come first, for what runs; one that is left ends what another begins.
    events = [(row.last, 1, row.last_id, row) for row in begun.rows]
    events += [(row.last, 0, row.last_id, row) for row in ended.rows]
    running: dict[str, int] = {}
    left: dict[str, tuple[int, str]] = {}
    lengths: list[int] = []
    for at, begins, id, row in sorted(events, key=lambda event: event[:3]):
        part = part_of(row.value)
        if part is None:
            continue
        if not begins:
            if part in running:
                lengths.append(at - running.pop(part))
            else:
                left[part] = (at, id)
        elif part not in running:
            end_at, end_id = left.pop(part, _NEVER)
            if end_at == at and end_id != id:
                lengths.append(0)
            else:
                running[part] = at
    untils = [span.until for span in (begun, ended) if span.until is not None]
    value = _median(lengths) if len(lengths) >= of.minimum else None
    return Reading(value=value, at=seen.at, until=min(untils, default=None))


def _median(lengths: list[int]) -> timedelta:
    ordered = sorted(lengths)
    middle = len(ordered) // 2
    low = ordered[middle if len(ordered) % 2 else middle - 1]
    return timedelta(microseconds=(low + ordered[middle]) // 2)


@_metrics.register
def _(of: Again) -> tuple[Metric, ...]:
    return tuple(
        Metric(pattern=pattern, per=Per.EVENT, value=(of.key,))
        for pattern in (of.pattern, of.after)
    )


@days_of.register
def _(of: Again) -> int:
    return -(-of.within // DAY) - (-of.gap // DAY) + 1


@read.register
def _(of: Again, seen: Seen) -> Reading | None:
    metric, after = metrics_of(of)
    span = seen.window(metric, of.within)
    before: dict[str, list[tuple[int, str]]] = {}
    for row in seen.rows(after.name):
        part = part_of(row.value)
        if part is not None:
            before.setdefault(part, []).append(_order(row))
    for listed in before.values():
        listed.sort()
    gap = of.gap // _MICROSECOND
    count = 0
    for row in span.rows:
        listed = before.get(part_of(row.value) or "", [])
        index = bisect_left(listed, _order(row))
        count += bool(index and row.last - listed[index - 1][0] <= gap)
    return _counted(count, span, seen)
