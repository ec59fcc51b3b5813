"""Events of which something was said, waiting for their number or their window."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from retainkit.rules._checked import event_name, named_key, times
from retainkit.rules._computed import Trend
from retainkit.rules._counted import (
    Count,
    Distinct,
    Sequence,
    computed,
    followed,
    in_order,
    time_of,
)
from retainkit.rules._items import Items, OldestOpen, Open, Silent
from retainkit.rules._signals import Number, Time
from retainkit.rules._tree import Condition


if TYPE_CHECKING:
    from retainkit.rules._events import EventPattern


@frozen(kw_only=True)
class Times:
    """So many events, waiting for their window."""

    pattern: EventPattern
    least: int = field(converter=times)
    key: str | None = field(default=None, converter=named_key)

    def same(self, key: str) -> Times:
        """With one value under this key: three failures of one invoice, not of three."""
        return evolve(self, key=key)

    def within(self, length: timedelta) -> Condition:
        """
        In the window of this length before now.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return computed(Count(pattern=self.pattern, within=length, same=self.key)) >= self.least


@frozen(kw_only=True)
class Absent:
    """No event, waiting for its window."""

    pattern: EventPattern

    def within(self, length: timedelta) -> Condition:
        """
        In the window of this length before now.

        Unknown, not true, while the timeline of the customer is shorter than the window.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return computed(Count(pattern=self.pattern, within=length)).eq(0)


@frozen(kw_only=True)
class DistinctValues:
    """Different values under a key, waiting for a number and a window."""

    pattern: EventPattern
    key: str = field(converter=event_name)

    def at_least(self, count: int) -> DistinctTimes:
        """So many different ones, or more."""
        return DistinctTimes(values=self, least=count)

    def count(self, within: timedelta) -> Number:
        """How many in the window before now, as a signal to compare."""
        return computed(Distinct(pattern=self.pattern, key=self.key, within=within))

    def trend(self, within: timedelta, *, minimum: int = 1) -> Number:
        """How their number compares with the window before; see `Trend`."""
        of = Distinct(pattern=self.pattern, key=self.key, within=within)
        return computed(Trend(of=of, minimum=minimum))


@frozen(kw_only=True)
class DistinctTimes:
    """So many different values, waiting for their window."""

    values: DistinctValues
    least: int = field(converter=times)

    def within(self, length: timedelta) -> Condition:
        """
        In the window of this length before now.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return self.values.count(length) >= self.least


@frozen(kw_only=True)
class OpenItems:
    """Items that are open, waiting for what is asked of them; made by `EventPattern.until`."""

    items: Items

    def count(self) -> Number:
        """How many are open; see `Open`."""
        return computed(Open(items=self.items))

    def oldest(self) -> Time:
        """When the oldest of them was opened; see `OldestOpen`."""
        return time_of(OldestOpen(items=self.items))

    def silent(self, length: timedelta, *, touched: EventPattern) -> Number:
        """
        How many of them nothing was heard of for so long; see `Silent`.

        Args:
            length: For so long, or longer.

            touched: What is a sign of life, beside opening it; under the same key of its data.
        """
        return computed(Silent(items=self.items, touched=touched, silent_for=length))


@frozen(kw_only=True)
class Steps:
    """Events in their order, waiting for their window; made by `sequence`."""

    patterns: tuple[EventPattern, ...] = field(converter=in_order)
    key: str | None = field(default=None, converter=named_key)
    strict: bool = False

    def same(self, key: str) -> Steps:
        """All with one value under this key of their data."""
        return evolve(self, key=key)

    def within(self, length: timedelta) -> Condition:
        """
        From the first to the last in at most this time, in the window of this length before now.

        Raises:
            InvalidInput: ``rules.window``.
        """
        return followed(
            Sequence(patterns=self.patterns, within=length, same=self.key, strict=self.strict)
        ).is_true()
