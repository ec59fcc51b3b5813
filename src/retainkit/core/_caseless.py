"""What a feature that keeps no cases has instead of them; what it decides is its own."""

from __future__ import annotations

from attrs import frozen

from retainkit.core._decision import Case
from retainkit.core._one_case import OneCase


@frozen
class Caseless(OneCase):
    """
    Base of a :class:`Feature` that answers at once and keeps no cases; it adds ``decide``.

    All news of a customer meet in one decision, which is given no case and gives none. There is
    no policy. Effects belong to the feature itself: an ``attempt`` is unique in it.

    Args:
        name: The first part of its events' names.

        subscribes: Names of the events that wake it.

        reads: Names of the earlier events it wants to see when events wake it.
    """

    name: str
    subscribes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    schema: int = 1
    policy: None = None

    @property
    def case_type(self) -> type[Case]:
        """The protocol itself: there are no cases to build."""
        return Case
