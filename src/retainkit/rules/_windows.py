"""Lengths of time in rules, and as text such as ``14d``; nothing is compared here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from retainkit.errors import InvalidInput
from retainkit.timing import utc


_SECOND = timedelta(seconds=1)
_LONGEST = timedelta(days=36_525)
_FIRST = datetime.min.replace(tzinfo=UTC) + _LONGEST
_LAST = datetime.max.replace(tzinfo=UTC) - _LONGEST
_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": _SECOND,
}
_WRITTEN_IN = ("d", "h", "min", "s")
_WRITTEN = re.compile(r"(\d{1,12})(w|d|h|min|s)")


def weeks(count: int) -> timedelta:
    """So many times seven days."""
    return timedelta(weeks=count)


def days(count: int) -> timedelta:
    """
    So many times 24 hours: an instant and a length make an instant, in any zone.

    As a window over events it is so many days of the customer's calendar instead, today included.
    """
    return timedelta(days=count)


def hours(count: int) -> timedelta:
    """
    So many hours.

    24 of them are one day, and nothing tells them apart: as a window over events, see `days`.
    """
    return timedelta(hours=count)


def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


def window(length: timedelta, field: str) -> timedelta:
    """
    The length itself, checked: whole seconds, more than none, at most a hundred years.

    Raises:
        InvalidInput: ``rules.window``.
    """
    given: object = length  # from Python, whatever the annotation says
    if isinstance(given, timedelta) and timedelta(0) < given <= _LONGEST and not given % _SECOND:
        return given
    raise _not_a_window(given, field)


def instant(now: datetime, field: str = "now") -> datetime:
    """
    The instant that something is asked at, in UTC, with room for a window on either side.

    Raises:
        InvalidInput: ``time.naive``, ``time.not_a_datetime``, ``time.out_of_range``.
    """
    at = utc(now, field)
    if not is_asked_at(at):
        raise InvalidInput(
            "Rules are asked in the years 101 to 9899",
            code="time.out_of_range",
            field=field,
            value=at.isoformat(),
            remedy="check the unit: microseconds, seconds and milliseconds are easily confused",
        )
    return at


def is_asked_at(at: datetime) -> bool:
    """Whether something can be asked at this instant, see :func:`instant`; in UTC."""
    return _FIRST <= at <= _LAST


def written(length: timedelta) -> str:
    """A length of whole seconds as text, in the largest unit that tells it: ``2w`` is ``14d``."""
    unit = next(unit for unit in _WRITTEN_IN if not length % _UNITS[unit])
    return f"{length // _UNITS[unit]}{unit}"


def read_length(text: str, field: str) -> timedelta:
    """
    The length that a text such as ``14d``, ``4w``, ``12h``, ``30min`` or ``90s`` names.

    Raises:
        InvalidInput: ``rules.window``.
    """
    parts = _WRITTEN.fullmatch(text)
    if parts is None:
        raise _not_a_window(text, field)
    count, unit = parts.groups()
    try:
        return int(count) * _UNITS[unit]
    except OverflowError as exc:
        raise _not_a_window(text, field) from exc


def _not_a_window(value: object, field: str) -> InvalidInput:
    return InvalidInput(
        "A window is some whole seconds long, more than none and at most a hundred years",
        code="rules.window",
        field=field,
        value=str(value),
        remedy="pass days(14) in Python, or write 14d, 4w, 12h, 30min or 90s in a file",
    )
