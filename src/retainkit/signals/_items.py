"""What is open: opened by one event, and not closed by another since."""

from __future__ import annotations

from datetime import datetime, timedelta

from retainkit.rules import Items, OldestOpen, Open, Reading, Silent
from retainkit.signals._derived import NEVER, metrics, metrics_of, read
from retainkit.signals._metric import Metric, split_by
from retainkit.signals._seen import Seen, Span, first_until, happened, part_in
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
    items, until = _open_items(of.items, seen)
    return Reading(value=None if items is None else len(items), at=seen.at, until=until)


@read.register
def _(of: OldestOpen, seen: Seen) -> Reading | None:
    items, until = _open_items(of.items, seen)
    value = from_micros(min(items.values())) if items else None
    return Reading(value=value, at=seen.at, until=until)


@read.register
def _(of: Silent, seen: Seen) -> Reading | None:
    touched, heard = _latest_by(metrics_of(of)[2], of.items.within, seen)
    items, until = _open_items(of.items, seen, heard)
    if items is None or (items and heard.is_unread):
        return Reading(value=None, at=seen.at, until=until)
    limit, length = seen.ago(of.silent_for), of.silent_for // _MICROSECOND
    signs = [max(at, touched.get(part, (at, ""))[0]) for part, at in items.items()]
    turns = [from_micros(sign + length) for sign in signs if sign > limit]
    untils = [*turns, *([] if until is None else [until])]
    silent = sum(sign <= limit for sign in signs)
    return Reading(value=silent, at=seen.at, until=min(untils, default=None))


def _open_items(
    items: Items, seen: Seen, *others: Span
) -> tuple[dict[str, int] | None, datetime | None]:
    """
    When each item that is open was opened, and how long that, and the others, can stay so.

    What was opened and closed at one instant is closed: times of whole days or seconds are common.
    None where nothing was opened as far as anybody knows, or nothing that closed any can be read.
    """
    openings, closings = _items_metrics(items)
    opened, span = _latest_by(openings, items.within, seen)
    closed, ends = _latest_by(closings, items.within, seen)
    until = first_until(span, ends, *others)
    is_known = not ends.is_unread if opened else span.is_covered and not span.is_unread
    if not is_known:
        return None, until
    return {part: at for part, (at, _) in opened.items() if at > closed.get(part, NEVER)[0]}, until


def _latest_by(
    metric: Metric, within: timedelta | None, seen: Seen
) -> tuple[dict[str, tuple[int, str]], Span]:
    """The latest event of each item; looked for once, since several signals ask for it."""
    return seen.once((metric.name, within), lambda: _find_latest(metric, within, seen))


def _find_latest(
    metric: Metric, within: timedelta | None, seen: Seen
) -> tuple[dict[str, tuple[int, str]], Span]:
    span = seen.all(metric) if within is None else seen.window(metric, within)
    latest: dict[str, tuple[int, str]] = {}
    for row in span.rows:
        part = part_in(metric, row)
        latest[part] = max(happened(row), latest.get(part, NEVER))
    return latest, span
