"""When time alone changes an answer; whoever must wake then is in the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from retainkit.rules._closures import compiled
from retainkit.rules._compare import edges
from retainkit.rules._explain import NO_SEGMENTS, segment_of
from retainkit.rules._readings import NEVER, Readings
from retainkit.rules._tree import (
    Ago,
    Ahead,
    Condition,
    InSegment,
    Missing,
    Present,
    signals_of,
    walk,
)
from retainkit.rules._truth import Truth
from retainkit.rules._windows import instant


def next_flip(
    condition: Condition,
    known: Readings,
    now: datetime,
    *,
    segments: Mapping[str, Condition] = NO_SEGMENTS,
) -> datetime | None:
    """
    The earliest instant after now at which the answer can change although nothing happens.

    Ask again then, or when a signal changes; nothing needs to be polled. At the ``until`` of a
    reading its value is to be read again; this is such an instant only when another value could
    change the answer.

    Returns:
        The instant, in UTC; None when time alone never changes the answer.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``.
        NotFound: ``rules.unknown_segment``.
    """
    at = instant(now)
    asked = compiled({"": condition}, segments=segments)
    before = asked.truths(known, at)[""]
    rereads = set(_rereads(condition, known, segments))
    watched = _watched(condition, known, segments)
    for edge in sorted({*_edges(condition, known, segments), *rereads}):
        if edge <= at:
            continue
        if asked.truths(known, edge)[""] is not before:
            return edge
        # A value that is read again can tell what was unknown, or end an absence; what is true or
        # false with the value unknown is so with any.
        if edge in watched or (edge in rereads and before is Truth.UNKNOWN):
            return edge
    return None


def _parts(condition: Condition, segments: Mapping[str, Condition]) -> Iterator[Condition]:
    for part in walk(condition):
        if isinstance(part, InSegment):
            yield from _parts(segment_of(part, segments), segments)
        else:
            yield part


def _edges(
    condition: Condition, known: Readings, segments: Mapping[str, Condition]
) -> Iterator[datetime]:
    for part in _parts(condition, segments):
        if isinstance(part, Ago | Ahead):
            reading = known.of(part.signal.name)
            value = NEVER if reading is None else reading.value
            if isinstance(value, datetime) and value is not NEVER:
                yield from edges(part, value)
    for signal in signals_of(condition, segments):
        until = known.believed_until(signal.name)
        if until is not None:
            yield until


def _rereads(
    condition: Condition, known: Readings, segments: Mapping[str, Condition]
) -> Iterator[datetime]:
    for signal in signals_of(condition, segments):
        reading = known.of(signal.name)
        if reading is not None and reading.until is not None:
            yield reading.until


def _watched(
    condition: Condition, known: Readings, segments: Mapping[str, Condition]
) -> set[datetime]:
    """When presence itself is read again."""
    readings = [
        known.of(part.signal.name)
        for part in _parts(condition, segments)
        if isinstance(part, Present | Missing)
    ]
    return {r.until for r in readings if r is not None and r.until is not None}
