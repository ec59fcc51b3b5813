"""What events are taken for by now: the tags that people gave them; counting is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from attrs import evolve

from retainkit.core import Event, EventState, Origin, RecordedEvent
from retainkit.ids import CustomerId


RETAG_EVENT: Final = "event.retagged"
"""The name of the event that gives events another origin."""

_Tags: TypeAlias = dict[tuple[CustomerId, str], tuple[int, Origin]]

_ORIGINS = frozenset(each.value for each in Origin)


def as_tagged(history: Iterable[RecordedEvent]) -> Iterator[Event]:
    """
    The events with the origin that each was given last: by `kit.signals.retag`, if at all.

    What waits for a person, or came with the id of another event, is left out: nobody counts it.

    Args:
        history: Of one customer or several, in any order, with its ``event.retagged``.
    """
    known = [entry for entry in history if entry.state is EventState.ACCEPTED]
    told = told_origins(known)
    for entry in known:
        origin = origin_of(entry, told)
        same = origin is entry.event.origin
        yield entry.event if same else evolve(entry.event, origin=origin)


def told_origins(known: Iterable[RecordedEvent]) -> _Tags:
    """The origins that events were given later; the last one to be learned of holds."""
    found: _Tags = {}
    tags = [entry for entry in known if entry.event.name == RETAG_EVENT]
    for entry in sorted(tags, key=lambda tag: tag.sequence):
        ids, origin = entry.event.data.get("events"), entry.event.data.get("origin")
        if isinstance(ids, list | tuple) and isinstance(origin, str) and origin in _ORIGINS:
            for id in ids:
                found[entry.event.customer, str(id)] = entry.sequence, Origin(origin)
    return found


def origin_of(entry: RecordedEvent, told: _Tags) -> Origin:
    """What was told of an event before it was known is not about it: nobody counts it anew."""
    event = entry.event
    since, origin = told.get((event.customer, event.id), (0, event.origin))
    return origin if since > entry.sequence else event.origin
