"""What is open: opened by one event, and not closed by another since."""

from __future__ import annotations

from datetime import timedelta

from retainkit.rules import Items, OldestOpen, Open, Reading, Silent
from retainkit.signals._derived import NEVER, metrics, metrics_of, part_in, read
from retainkit.signals._metric import Metric, split_by
from retainkit.signals._seen import Seen, Span, happened
from retainkit.timing import from_micros


_MICROSECOND = timedelta(microseconds=1)


def _items_metrics(items: Items) -> tuple[Metric, ...]:
    return tuple(
        split_by(pattern, items.key, items.within) for pattern in (items.opened, items.closed)
    )


@metrics.register(Open)
@metrics.register(OldestOpen)
def _(of: Open | OldestOpen) -> tuple[Metric, ...]:
    return _items_metrics(of.items)


@metrics.register
def _(of: Silent) -> tuple[Metric, ...]:
    return (*_items_metrics(of.items), split_by(of.touched, of.items.key, of.items.within))


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
    return {part: at for part, (at, _) in opened.items() if at > closed.get(part, NEVER)[0]}, span


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
        part = part_in(metric, row)
        if part is None:
            continue
        latest[part] = max(happened(row), latest.get(part, NEVER))
    return latest, span
