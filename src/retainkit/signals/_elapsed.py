"""From one event to another of the same key: how long it took, and what came back."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta

from attrs import evolve

from retainkit.rules import Again, Elapsed, Reading
from retainkit.signals._derived import NEVER, as_count, days_of, metrics, metrics_of, read
from retainkit.signals._metric import DAY, Metric, Per
from retainkit.signals._seen import Seen, first_until, happened


_MICROSECOND = timedelta(microseconds=1)


@metrics.register
def _(of: Elapsed) -> tuple[Metric, ...]:
    return tuple(
        Metric(pattern=pattern, per=Per.EVENT, split=of.key) for pattern in (of.start, of.end)
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
        part = str(row.value)
        if not begins:
            if part in running:
                lengths.append(at - running.pop(part))
            else:
                left[part] = (at, id)
        elif part not in running:
            end_at, end_id = left.pop(part, NEVER)
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


@metrics.register
def _(of: Again) -> tuple[Metric, ...]:
    return tuple(
        Metric(pattern=pattern, per=Per.EVENT, split=of.key) for pattern in (of.pattern, of.after)
    )


@days_of.register
def _(of: Again) -> int:
    return -(-of.within // DAY) - (-of.gap // DAY) + 1


@read.register
def _(of: Again, seen: Seen) -> Reading | None:
    metric, after = metrics_of(of)
    span = seen.window(metric, of.within)
    ends = seen.days(after, seen.day - days_of(of), seen.day)
    before: dict[str, list[tuple[int, str]]] = {}
    for row in ends.rows:
        before.setdefault(str(row.value), []).append(happened(row))
    for listed in before.values():
        listed.sort()
    gap = of.gap // _MICROSECOND
    count = 0
    for row in span.rows:
        listed = before.get(str(row.value), [])
        index = bisect_left(listed, happened(row))
        count += bool(index and row.last - listed[index - 1][0] <= gap)
    reading = as_count(count, span, seen)
    value = None if span.rows and ends.is_unread else reading.value
    return evolve(reading, value=value, until=first_until(span, ends))
