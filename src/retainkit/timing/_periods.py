"""A stretch of time between two instants; what recurs is in ``_intervals``."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.timing._instants import utc


def _start(dt: datetime) -> datetime:
    return utc(dt, "start")


def _end(dt: datetime) -> datetime:
    return utc(dt, "end")


@frozen(kw_only=True)
class Period:
    """
    The time from its start up to, but not including, its end; both are kept in UTC.

    Raises:
        InvalidInput: ``time.naive``; ``time.end_before_start``, also when both are the same.
    """

    start: datetime = field(converter=_start)
    end: datetime = field(converter=_end)

    def __attrs_post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidInput(
                "A period ends after it starts",
                code="time.end_before_start",
                field="end",
                value=self.end.isoformat(),
                remedy=f"give an end after {self.start.isoformat()}",
            )

    @property
    def length(self) -> timedelta:
        """The elapsed time, in which an hour that clocks show twice counts twice."""
        return self.end - self.start

    def contains(self, at: datetime) -> bool:
        """Whether the instant is in the period; its end is not."""
        return self.start <= utc(at) < self.end

    def overlap(self, other: Period) -> Period | None:
        """What both have in common; None also for neighbours, which share no instant."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start=start, end=end) if start < end else None

    def split(self, *at: datetime) -> tuple[Period, ...]:
        """
        The periods between these instants, in order; together they are this period.

        Raises:
            InvalidInput: ``time.outside_period`` for an instant that is not after the start and
                before the end.
        """
        cuts = sorted({utc(instant) for instant in at})
        for cut in cuts:
            if not self.start < cut < self.end:
                raise InvalidInput(
                    "This instant does not part the period",
                    code="time.outside_period",
                    field="at",
                    value=cut.isoformat(),
                    remedy=f"choose one after {self.start.isoformat()}"
                    f" and before {self.end.isoformat()}",
                )
        edges = [self.start, *cuts, self.end]
        return tuple(Period(start=start, end=end) for start, end in pairwise(edges))

    def without(self, *others: Period) -> tuple[Period, ...]:
        """
        What is left of the period, in order, when these are taken out of it: the time that was
        not paused, say. They may overlap, and reach outside; nothing may be left.
        """
        left = []
        start = self.start
        for other in sorted(others, key=lambda each: each.start):
            if other.start >= self.end:
                break
            if start < other.start:
                left.append(Period(start=start, end=other.start))
            start = max(start, other.end)
        if start < self.end:
            left.append(Period(start=start, end=self.end))
        return tuple(left)
