"""Counts, different values and sequences of events, and signals of derivations without a name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import field, frozen

from retainkit.core import JsonObject
from retainkit.errors import InvalidInput
from retainkit.rules._checked import MissingTime, a_pattern, event_name, named_key, within_length
from retainkit.rules._computed import derived_name
from retainkit.rules._declared import Derivation
from retainkit.rules._signals import Flag, Number, Time
from retainkit.rules._windows import written


if TYPE_CHECKING:
    from retainkit.rules._events import EventPattern

_SHORTEST_SEQUENCE = 2


def in_order(patterns: tuple[EventPattern, ...]) -> tuple[EventPattern, ...]:
    """The events of a sequence, checked; inside this room only."""
    if len(patterns) < _SHORTEST_SEQUENCE:
        raise InvalidInput(
            "A sequence has two events or more",
            code="rules.sequence",
            field="patterns",
            value=len(patterns),
            remedy="for one event, write event(...).at_least(1)",
        )
    return tuple(map(a_pattern, patterns))


@frozen(kw_only=True, cache_hash=True)
class Count:
    """How often it happened in the window; with ``same``, for the value it happened most with."""

    pattern: EventPattern
    within: timedelta = field(converter=within_length)
    same: str | None = field(default=None, converter=named_key)

    def to_json(self) -> JsonObject:
        """As data."""
        same = {} if self.same is None else {"same": self.same}
        return {"event": {**self.pattern.to_json(), **same, "within": written(self.within)}}


@frozen(kw_only=True, cache_hash=True)
class Distinct:
    """How many different values the events of the window have under a key of their data."""

    pattern: EventPattern
    key: str = field(converter=event_name)
    within: timedelta = field(converter=within_length)

    def to_json(self) -> JsonObject:
        """As data."""
        distinct = {"distinct": self.key, "within": written(self.within)}
        return {"event": {**self.pattern.to_json(), **distinct}}


@frozen(kw_only=True, cache_hash=True)
class Sequence:
    """
    Whether these happened in this order, within the window from the first one to the last.

    Args:
        patterns: Two or more, in their order.

        within: How much time the whole may take; it lies in the window of that length before now.

        same: A key of the data under which all of them have one value.

        strict: No other event of the customer lies between them.
    """

    patterns: tuple[EventPattern, ...] = field(converter=in_order)
    within: timedelta = field(converter=within_length)
    same: str | None = field(default=None, converter=named_key)
    strict: bool = False

    def to_json(self) -> JsonObject:
        """As data."""
        return {
            "sequence": {
                "of": [pattern.to_json() for pattern in self.patterns],
                **({} if self.same is None else {"same": self.same}),
                **({"strict": True} if self.strict else {}),
                "within": written(self.within),
            }
        }


def computed(derivation: Derivation, unit: str = "") -> Number:
    """The number it computes; inside this room only."""
    return Number(name=derived_name(derivation), unit=unit, derivation=derivation)


def time_of(derivation: Derivation, missing: MissingTime = "unknown") -> Time:
    """The instant it computes; inside this room only."""
    return Time(name=derived_name(derivation), missing=missing, derivation=derivation)


def followed(derivation: Sequence) -> Flag:
    """The flag it computes; inside this room only."""
    return Flag(name=derived_name(derivation), derivation=derivation)
