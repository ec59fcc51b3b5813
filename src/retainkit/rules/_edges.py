"""Where time alone can matter to a condition, prepared to be looked up often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import frozen

from retainkit.rules._compare import edges
from retainkit.rules._explain import segment_of
from retainkit.rules._readings import NEVER, Readings
from retainkit.rules._tree import (
    Ago,
    Ahead,
    AllOf,
    Condition,
    InSegment,
    Missing,
    Present,
    signals_of,
    walk,
)
from retainkit.rules._windows import is_asked_at


@frozen
class Edges:
    """The parts of a condition that time alone can change; inside this room only."""

    signals: tuple[str, ...]
    far: tuple[Ago | Ahead, ...]
    presence: frozenset[str]

    def after(self, known: Readings, at: datetime) -> Iterator[tuple[datetime, bool, bool]]:
        """
        The instants after this one at which the answer can change, the earliest first.

        Each with whether a value is read again there, and whether its presence is asked for.
        """
        turns = {edge for part in self.far for edge in _edges(part, known)}
        rereads: set[datetime] = set()
        watched: set[datetime] = set()
        for name in self.signals:
            stale = known.believed_until(name)
            if stale is None:
                continue
            turns.add(stale)
            reading = known.of(name)
            if reading is not None and reading.until is not None:
                rereads.add(reading.until)
                if name in self.presence:
                    watched.add(reading.until)
        for edge in sorted(turns | rereads):
            if edge > at and is_asked_at(edge):
                yield edge, edge in rereads, edge in watched


def edges_of(condition: Condition, segments: Mapping[str, Condition]) -> Edges:
    """The condition's, and those of the segments that it names; inside this room only."""
    parts = list(_parts(condition, segments))
    return Edges(
        tuple(signal.name for signal in signals_of(condition, segments)),
        tuple(part for part in parts if isinstance(part, Ago | Ahead)),
        frozenset(part.signal.name for part in parts if isinstance(part, Present | Missing)),
    )


def timeless_parts(
    condition: Condition, signal: str, segments: Mapping[str, Condition]
) -> list[Condition]:
    """
    Those among the parts that must all be true which read this signal alone, and no clock.

    None where the condition asks whether anything is there: that is looked at again whatever the
    other parts say. Inside this room only.
    """
    if edges_of(condition, segments).presence:
        return []
    items = condition.items if isinstance(condition, AllOf) else (condition,)
    return [item for item in items if _is_timeless(item, signal)]


def _is_timeless(part: Condition, signal: str) -> bool:
    names = [each.name for each in signals_of(part)]
    return names == [signal] and not any(
        isinstance(inside, Ago | Ahead | InSegment) for inside in walk(part)
    )


def _parts(condition: Condition, segments: Mapping[str, Condition]) -> Iterator[Condition]:
    for part in walk(condition):
        if isinstance(part, InSegment):
            yield from _parts(segment_of(part, segments), segments)
        else:
            yield part


def _edges(part: Ago | Ahead, known: Readings) -> Iterator[datetime]:
    reading = known.of(part.signal.name)
    value = NEVER if reading is None else reading.value
    if isinstance(value, datetime) and value is not NEVER:
        yield from edges(part, value)
