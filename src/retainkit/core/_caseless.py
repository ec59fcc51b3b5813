"""What a feature that keeps no cases has instead of them; what it decides is its own."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from retainkit.core._decision import Case
from retainkit.core._event import Event
from retainkit.core._json import JsonObject


@frozen
class Caseless:
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

    @property
    def definition(self) -> JsonObject:
        """Empty: there is no policy."""
        return {}

    def policy_of(self, definition: JsonObject) -> None:
        """None: there is no policy."""
        del definition

    def upcast(self, body: dict[str, object], schema: int) -> dict[str, object]:
        """The body as it is: there is none to bring up to date."""
        del schema
        return body

    def route(self, event: Event, cases: Sequence[Case]) -> Sequence[str]:
        """One decision for all news of a customer."""
        del event, cases
        return ("",)
