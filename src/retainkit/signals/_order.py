"""Whether events follow each other."""

from __future__ import annotations

from datetime import timedelta

from retainkit.rules import EventPattern, Reading, Sequence, anything
from retainkit.signals._count import part_of
from retainkit.signals._derived import metrics, metrics_of, read
from retainkit.signals._metric import Metric, Per
from retainkit.signals._seen import Seen


_MICROSECOND = timedelta(microseconds=1)


@metrics.register
def _(of: Sequence) -> tuple[Metric, ...]:
    steps = tuple(_step(pattern, of.same) for pattern in of.patterns)
    return (*steps, _step(anything(), None)) if of.strict else steps


def _step(pattern: EventPattern, same: str | None) -> Metric:
    return Metric(pattern=pattern, per=Per.EVENT, value=() if same is None else (same,))


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
