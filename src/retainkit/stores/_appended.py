"""What became of a batch of events; the port that answers with it is in _ports."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from retainkit.core import Event
from retainkit.ids import CustomerId, EventId


@frozen(kw_only=True)
class Appended:
    """
    What the timeline made of a batch.

    Args:
        new: Events that are now part of the past, in their order.

        duplicates: Ids that were there with the same payload; nothing was written.

        conflicts: Ids that were there with another payload; kept beside, never over it.

        first: For each customer with a new event, the counter of the first one.

        taken: For each customer, by how much its counter rose; a duplicate may use up a number.

        quarantined: Ids of events that lie too far ahead of now to be counted; kept aside, and
            listed for a person. A store never fills it, the kit does.
    """

    new: tuple[Event, ...]
    duplicates: tuple[EventId, ...] = ()
    conflicts: tuple[EventId, ...] = ()
    first: Mapping[CustomerId, int] = field(factory=dict)
    taken: Mapping[CustomerId, int] = field(factory=dict, eq=False)
    quarantined: tuple[EventId, ...] = ()
