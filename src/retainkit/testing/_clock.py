"""A clock that stands still until a test turns it."""

from __future__ import annotations

from datetime import datetime, timedelta

from retainkit.timing import utc


class ManualClock:
    """
    A `retainkit.timing.Clock` that moves only when it is told to.

    Args:
        start: The first instant it shows; aware, kept in UTC.

    Raises:
        InvalidInput: ``time.naive``: an instant without a zone.
    """

    def __init__(self, start: datetime) -> None:
        self._now = utc(start, "start")

    def now(self) -> datetime:
        """The instant it shows, in UTC."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Turn it on, or back by a negative span; returns the instant it then shows."""
        self._now += by
        return self._now

    def set(self, to: datetime) -> None:
        """
        Turn it to an instant, earlier ones too: clocks of real machines jump both ways.

        Raises:
            InvalidInput: ``time.naive``: an instant without a zone.
        """
        self._now = utc(to, "to")
