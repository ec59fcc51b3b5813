"""What a feature with one case a customer and no policy has in common with others of its kind."""

from __future__ import annotations

from collections.abc import Sequence

from retainkit.core._decision import Case
from retainkit.core._event import Event
from retainkit.core._json import JsonObject


class OneCase:
    """
    Base of a :class:`Feature` that keeps one case a customer, or none, and has no policy.

    A case always runs under what the kit has now, and all news of a customer meet in one decision.
    One that is :class:`Measuring`, too, is woken by a customer's first event, whatever its name,
    and then gets all events so far.
    """

    __slots__ = ()

    @property
    def definition(self) -> JsonObject:
        """Empty: there is no policy."""
        return {}

    def policy_of(self, definition: JsonObject) -> None:
        """None: there is no policy."""
        del definition

    def upcast(self, body: dict[str, object], schema: int) -> dict[str, object]:
        """The body as it is: there is one schema so far."""
        del schema
        return body

    def route(self, event: Event, cases: Sequence[Case]) -> Sequence[str]:
        """One decision for all news of a customer."""
        del event, cases
        return ("",)
