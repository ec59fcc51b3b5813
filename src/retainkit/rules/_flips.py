"""When time alone changes an answer; whoever must wake then is in the engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from retainkit.rules._closures import compiled
from retainkit.rules._explain import NO_SEGMENTS
from retainkit.rules._readings import Readings
from retainkit.rules._tree import Condition


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
    return compiled({"": condition}, segments=segments).next_flip("", known, now)
