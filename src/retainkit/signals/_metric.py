"""What is counted of the timeline, named by its content; how, is in ``_count``."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from attrs import field, frozen

from retainkit.core import JsonObject, content_hash
from retainkit.rules import EventPattern


DAY = timedelta(days=1)


class Per(StrEnum):
    """What one row of a metric stands for."""

    DAY = "day"
    """The events of one day of the customer."""

    EVENT = "event"
    """One event, for windows of hours and for what depends on the order."""

    EVER = "ever"
    """All events of all time, such as the latest one."""


@frozen(kw_only=True, slots=False)
class Metric:
    """
    Events that are counted together; windows are no part of it, so they share its rows.

    Args:
        pattern: Which events.

        per: What one row stands for.

        split: The key of the data by whose value rows are split; a row of one event keeps it.

        total: The key of the data whose number is summed up.

        currency: Of the amounts that are summed up.

        value: The keys of the data whose values the row keeps, of its latest event.
    """

    pattern: EventPattern
    per: Per = Per.DAY
    split: str | None = None
    total: str | None = None
    currency: str | None = None
    value: tuple[str, ...] = field(default=())

    @cached_property
    def name(self) -> str:
        """The same content gives the same name."""
        return f"m_{content_hash(self.to_json())[:16]}"

    def to_json(self) -> JsonObject:
        """As data."""
        return {
            "of": self.pattern.to_json(),
            "per": self.per.value,
            "split": self.split,
            "total": self.total,
            "currency": self.currency,
            "value": list(self.value),
        }


def per_window(within: timedelta) -> Per:
    """Windows of whole days read rows of days, others rows of events."""
    return Per.EVENT if within % DAY else Per.DAY


def split_by(pattern: EventPattern, key: str, within: timedelta | None) -> Metric:
    """Rows by the value under a key: of all time, of days, or one an event."""
    per = Per.EVER if within is None else per_window(within)
    return Metric(pattern=pattern, per=per, split=key)
