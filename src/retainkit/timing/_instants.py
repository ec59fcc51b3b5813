"""Instants, zones and wall-clock time; recurring periods are in ``_intervals``."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

from retainkit.errors import InvalidInput


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Clock(Protocol):
    """Tells the time. The system's clock and the one for tests are given from outside."""

    def now(self) -> datetime:
        """The current instant: aware, in UTC."""
        ...


def aware(dt: datetime, field: str) -> datetime:
    """
    The datetime itself, checked to have a zone.

    Raises:
        InvalidInput: ``time.not_a_datetime``, ``time.naive``.
    """
    if not isinstance(dt, datetime):
        raise InvalidInput(
            "This is not a datetime",
            code="time.not_a_datetime",
            field=field,
            value=dt,
            remedy="pass a datetime with a zone; wall_time() makes one of a date",
        )
    if dt.utcoffset() is None:
        raise InvalidInput(
            "This datetime has no zone, so it is no instant",
            code="time.naive",
            field=field,
            value=dt.isoformat(),
            remedy="give it a zone: datetime(..., tzinfo=UTC)",
        )
    return dt


def utc(dt: datetime, field: str = "at") -> datetime:
    """
    The same instant in UTC.

    Raises:
        InvalidInput: ``time.not_a_datetime``, ``time.naive``, ``time.out_of_range``.
    """
    if type(dt) is datetime and dt.tzinfo is UTC:
        return dt
    try:
        return aware(dt, field).astimezone(UTC)
    except OverflowError as exc:
        raise out_of_range(field, dt.isoformat()) from exc


def zone(name: str | ZoneInfo) -> ZoneInfo:
    """
    The IANA time zone of a name such as ``Europe/Berlin``; a `ZoneInfo` is given back.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    from zoneinfo import ZoneInfo

    if isinstance(name, ZoneInfo):
        return name
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError, AttributeError) as exc:
        # A folder of the database ("Europe") is an OSError, a path a ValueError.
        raise InvalidInput(
            "There is no such time zone",
            code="time.unknown_zone",
            field="zone",
            value=name,
            remedy="use an IANA name such as Europe/Berlin (some systems need the package tzdata)",
        ) from exc


def wall_time(day: date, at: time, zone: str | ZoneInfo) -> datetime:
    """
    The instant, in UTC, at which clocks in the zone show this date and time.

    Where the clocks jump over it, the first instant after the jump; where they show it twice, the
    first of the two.

    Args:
        day: The local date.

        at: The local time, without a zone of its own.

        zone: An IANA name or a `ZoneInfo`.

    Raises:
        InvalidInput: ``time.has_zone``, ``time.unknown_zone``, ``time.out_of_range``.
    """
    if at.tzinfo is not None:
        raise InvalidInput(
            "A wall-clock time has no zone of its own",
            code="time.has_zone",
            field="at",
            value=at.isoformat(),
            remedy="pass a plain time, and its zone as the zone",
        )
    there = _zone(zone)
    shown = datetime.combine(day, at.replace(fold=0))
    try:
        instant = shown.replace(tzinfo=there).astimezone(UTC)
        if instant.astimezone(there).replace(tzinfo=None) == shown:
            return instant
        return _end_of_gap(shown, there)
    except OverflowError as exc:
        raise out_of_range("day", shown.isoformat()) from exc


def local_time(dt: datetime, zone: str | ZoneInfo, field: str = "at") -> datetime:
    """
    The same instant as clocks in the zone show it; ``.date()`` is the day that it belongs to.

    Raises:
        InvalidInput: ``time.not_a_datetime``, ``time.naive``, ``time.unknown_zone``,
            ``time.out_of_range``.
    """
    try:
        return aware(dt, field).astimezone(_zone(zone))
    except OverflowError as exc:
        raise out_of_range(field, dt.isoformat()) from exc


def to_micros(dt: datetime) -> int:
    """
    The instant as whole microseconds since 1970-01-01T00:00Z; exact, and negative before.

    Raises:
        InvalidInput: ``time.not_a_datetime``, ``time.naive``, ``time.out_of_range``.
    """
    if getattr(dt, "tzinfo", None) is not UTC:
        dt = utc(dt)
    since = dt - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    """
    The instant, in UTC, so many microseconds after 1970-01-01T00:00Z; undoes `to_micros`.

    Raises:
        InvalidInput: ``time.not_an_integer``, ``time.out_of_range``.
    """
    if type(micros) is not int:  # nor a bool
        raise InvalidInput(
            "Microseconds are a whole number",
            code="time.not_an_integer",
            field="micros",
            value=micros,
            remedy="pass an int",
        )
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError as exc:
        raise out_of_range("micros", str(micros)) from exc


def _end_of_gap(shown: datetime, there: ZoneInfo) -> datetime:
    """The instant at which the clocks in the zone jump over the time shown."""
    local = shown.replace(tzinfo=there, microsecond=0)
    # In a gap, fold=0 has the offset before the jump and fold=1 the one after it.
    before, after = local.replace(fold=1).astimezone(UTC), local.astimezone(UTC)
    new_offset = after.astimezone(there).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(there).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after


def out_of_range(field: str, value: str) -> InvalidInput:
    """The error for an instant that `datetime` can't hold; inside this room only."""
    return InvalidInput(
        "This time is outside the years 1 to 9999",
        code="time.out_of_range",
        field=field,
        value=value,
        remedy="check the unit: microseconds, seconds and milliseconds are easily confused",
    )


_zone = zone  # for functions whose argument bears that name
