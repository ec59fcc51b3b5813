"""Billing periods counted from their original anchor, in UTC; whom they bill is elsewhere."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

from retainkit.testing.stripe_server._state import instant, unix


_FIXED = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
_MONTHS = {"month": 1, "year": 12}


def period_start(anchor: int, interval: str, every: int, number: int) -> int:
    """
    When period `number` begins (0 is the first); Unix seconds.

    Months count from the anchor's own day, so that a period from 31 January goes on at 28
    February and then at 31 March.
    """
    first = instant(anchor)
    if interval in _FIXED:
        return unix(first + _FIXED[interval] * every * number)
    return unix(_later(first, _MONTHS[interval] * every * number))


def _later(first: datetime, months: int) -> datetime:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    day = min(first.day, monthrange(year, month + 1)[1])
    return first.replace(year=year, month=month + 1, day=day)
