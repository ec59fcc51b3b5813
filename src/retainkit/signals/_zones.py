"""Which day an instant belongs to, in the zone that was in force for the customer; no clock."""

from __future__ import annotations

from bisect import bisect_right
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache

from attrs import frozen

from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.timing import from_micros, local_time, to_micros, wall_time, zone


_FIRST = to_micros(datetime(MINYEAR + 1, 1, 1, tzinfo=UTC))
_LAST = to_micros(datetime(MAXYEAR, 1, 1, tzinfo=UTC))
_EPOCH = date(1970, 1, 1).toordinal()
_DAY = timedelta(days=1) // timedelta(microseconds=1)


@frozen
class Zones:
    """
    The zones of one customer, each since an instant; the first one holds for what was before.

    Args:
        names: IANA names, in the order of time.

        since: From when on each but the first holds, in microseconds since 1970.
    """

    names: tuple[str, ...]
    since: tuple[int, ...] = ()

    def at(self, micros: int) -> str:
        """The zone in force at an instant."""
        return self.names[bisect_right(self.since, micros)] if self.since else self.names[0]

    def latest(self) -> str:
        """The latest zone."""
        return self.names[-1]

    def text(self) -> str:
        """As one text: a name, or names with the microseconds of the changes between them."""
        parts = [self.names[0]]
        for since, name in zip(self.since, self.names[1:], strict=True):
            parts += [str(since), name]
        return " ".join(parts)

    def day(self, micros: int) -> tuple[int, int, int]:
        """
        The day that an instant belongs to, with a stretch of it, to be kept.

        Returns:
            The ordinal of the local date, and a stretch around the instant, in microseconds, that
            lies in that day: its start, and its end, which is no part of it. In the first and the
            last year there is, where a zone can lead out of it, the date in UTC.
        """
        if not _FIRST <= micros < _LAST:
            return from_micros(micros).toordinal(), micros, micros + 1
        day, start, end = _day_in(self.at(micros), micros)
        index = bisect_right(self.since, micros)
        if index:
            start = max(start, self.since[index - 1])
        if index < len(self.since):
            end = min(end, self.since[index])
        return day, start, end


def _day_in(name: str, micros: int) -> tuple[int, int, int]:
    """As `Zones.day`; in most zones it is the date in UTC most of the time, which is known."""
    day = _EPOCH + micros // _DAY
    bounds = _bounds(name, day)
    if bounds is None or not bounds[0] <= micros < bounds[1]:
        day = local_time(from_micros(micros), name).date().toordinal()
        bounds = _bounds(name, day) or (micros, micros + 1)
    return day, *bounds


@lru_cache(maxsize=4096)
def _bounds(name: str, day: int) -> tuple[int, int] | None:
    """None where the clocks change: those of St. John's went back from 0:01 to the day before."""
    start, end = day_start(name, day), day_start(name, day + 1)
    first, last = (local_time(from_micros(at), name) for at in (start, end - 1))
    return (start, end) if first.utcoffset() == last.utcoffset() else None


def day_start(name: str, day: int) -> int:
    """When a day begins in a zone, in microseconds since 1970."""
    return to_micros(wall_time(date.fromordinal(day), time(0), name))


def day_of(name: str, at: datetime) -> int:
    """The ordinal of the date that an instant has in a zone; see `Zones.day`."""
    if not MINYEAR < at.year < MAXYEAR:
        return at.toordinal()
    return _day_in(name, to_micros(at))[0]


@lru_cache(maxsize=4096)
def day_end(name: str, day: int) -> datetime:
    """When the day after begins."""
    return wall_time(date.fromordinal(day + 1), time(0), name)


@lru_cache(maxsize=4096)
def zones_of(text: str) -> Zones:
    """What `Zones.text` wrote."""
    parts = text.split(" ")
    return Zones(tuple(parts[::2]), tuple(map(int, parts[1::2])))


def told_zone(event: Event) -> str | None:
    """The zone that a ``customer.zone_set`` tells; None when there is no such zone."""
    name = event.data.get("zone")
    if not isinstance(name, str):
        return None
    try:
        return zone(name).key
    except InvalidInput:
        return None
