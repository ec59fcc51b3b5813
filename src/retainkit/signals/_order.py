"""Whether events follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from operator import itemgetter

from retainkit.rules import EventPattern, Reading, Sequence, anything
from retainkit.signals._derived import metrics, metrics_of, read
from retainkit.signals._metric import Metric, Per
from retainkit.signals._seen import Seen


_MICROSECOND = timedelta(microseconds=1)


@metrics.register
def _(of: Sequence) -> tuple[Metric, ...]:
    steps = tuple(_step(pattern, of.same) for pattern in of.patterns)
    return (*steps, _step(anything(), None)) if of.strict else steps


def _step(pattern: EventPattern, same: str | None) -> Metric:
    return Metric(pattern=pattern, per=Per.EVENT, split=same)


@read.register
def _(of: Sequence, seen: Seen) -> Reading | None:
    steps = [seen.window(metric, of.within) for metric in metrics_of(of)]
    count = len(of.patterns)
    events: dict[tuple[int, str], tuple[str | None, set[int]]] = {}
    for index, span in enumerate(steps):
        for row in span.rows:
            part = None if of.same is None or index == count else str(row.value)
            _, matched = events.setdefault((row.last, row.last_id), (part, set()))
            if index < count:
                matched.add(index)
    found = _is_followed(
        [(at, part, matched) for (at, _), (part, matched) in sorted(events.items())],
        count,
        of.within // _MICROSECOND,
        strict=of.strict,
    )
    untils = [span.until for span in steps if span.until is not None]
    is_known = found or all(span.is_covered and not span.is_unread for span in steps)
    return Reading(
        value=found if is_known else None, at=seen.at, until=min(untils) if untils else None
    )


def _is_followed(
    events: list[tuple[int, str | None, set[int]]], count: int, within: int, *, strict: bool
) -> bool:
    """
    Whether the steps follow each other, the whole in this time.

    Of all chains that have come so far, the one that began last is the shortest in the end. What
    happened at one instant happened in whatever order makes a chain; one event is one step.
    """
    begun: dict[str | None, list[int | None]] = {}
    for at, some in groupby(events, key=itemgetter(0)):
        together = list(some)
        by_part: dict[str | None, list[set[int]]] = {}
        for _, part, matched in together:
            if matched:
                by_part.setdefault(part, []).append(matched)
        before, begun = begun, {} if strict else begun
        for part, mine in by_part.items():
            last = before.get(part) or [None] * count
            now: list[int | None] = [None] * count if strict else list(last)
            others = len(together) if strict else 0
            for end, start in _chains(mine, last, at, others):
                known = now[end]
                if known is None or start > known:
                    now[end] = start
            began = now[-1]
            if began is not None and at - began <= within:
                return True
            begun[part] = now
    return False


def _chains(
    events: list[set[int]], last: list[int | None], at: int, others: int
) -> Iterator[tuple[int, int]]:
    """
    The chains that the events of one instant begin or carry on: their last step, and their start.

    With ``others``, so many events of the instant in all, none of which may lie within a chain.
    """
    count = len(last)
    for first in range(count):
        start = at if first == 0 else last[first - 1]
        if start is None:
            continue
        for end in _reached(events, first, count):
            is_within = first > 0 and end < count - 1
            if not is_within or end - first + 1 >= others:
                yield end, start


def _reached(events: list[set[int]], first: int, count: int) -> Iterator[int]:
    """Each step up to which, from this one on, events of one instant can be had, one for each."""
    if len(events) == 1:
        if first in events[0]:
            yield first
        return
    taken: dict[int, int] = {}

    def is_found(step: int, tried: set[int]) -> bool:
        for number, matched in enumerate(events):
            if step in matched and number not in tried:
                tried.add(number)
                if number not in taken or is_found(taken[number], tried):
                    taken[number] = step
                    return True
        return False

    for step in range(first, count):
        if not is_found(step, set()):
            return
        yield step
