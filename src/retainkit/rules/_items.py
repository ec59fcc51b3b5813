"""What one event opens and another closes, and what is told of it; `signals` computes it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from attrs import field, frozen

from retainkit.core import JsonObject, JsonValue
from retainkit.rules._checked import a_pattern, event_name, within_length
from retainkit.rules._computed import COMPUTED
from retainkit.rules._windows import window, written


if TYPE_CHECKING:
    from retainkit.rules._events import EventPattern


def _maybe_within(length: timedelta | None) -> timedelta | None:
    return None if length is None else within_length(length)


def _silence(length: timedelta) -> timedelta:
    return window(length, "silent_for")


@frozen(kw_only=True, cache_hash=True)
class Items:
    """
    What one event opens and another closes: tickets, seats, people in their roles.

    Args:
        opened: Opens it, or opens it again.

        closed: Closes it.

        key: The key of both events' data that names the item.

        within: Only what was opened in this window; None for all time, for what stays few.
    """

    opened: EventPattern = field(converter=a_pattern)
    closed: EventPattern = field(converter=a_pattern)
    key: str = field(converter=event_name)
    within: timedelta | None = field(default=None, converter=_maybe_within)

    def said(self) -> dict[str, JsonValue]:
        """As data, for the derivation that it belongs to."""
        return {
            "event": self.opened.to_json(),
            "until": self.closed.to_json(),
            "by": self.key,
            **({} if self.within is None else {"within": written(self.within)}),
        }


@frozen(kw_only=True, cache_hash=True)
class _OfItems:
    """What is told of items; the base says how it is written."""

    word: ClassVar[str]

    items: Items

    @property
    def within(self) -> timedelta | None:
        """The window of its items."""
        return self.items.within

    def to_json(self) -> JsonObject:
        """As data."""
        return {COMPUTED: {self.word: self.items.said()}}


@frozen(kw_only=True, cache_hash=True)
class Open(_OfItems):
    """How many items are open: opened, and not closed since."""

    word: ClassVar[str] = "open"


@frozen(kw_only=True, cache_hash=True)
class OldestOpen(_OfItems):
    """When the oldest of the open items was opened; unknown when none is open."""

    word: ClassVar[str] = "oldest_open"


@frozen(kw_only=True, cache_hash=True)
class Silent(_OfItems):
    """How many open items nothing was heard of for so long."""

    word: ClassVar[str] = "silent"

    touched: EventPattern = field(converter=a_pattern)
    silent_for: timedelta = field(converter=_silence)

    def to_json(self) -> JsonObject:
        """As data."""
        said = self.items.said()
        silent_for = written(self.silent_for)
        return {
            COMPUTED: {
                self.word: {**said, "touched": self.touched.to_json(), "silent_for": silent_for}
            }
        }
