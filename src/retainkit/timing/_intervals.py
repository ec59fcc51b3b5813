"""Recurring time: the boundaries and periods of an interval, always from the original anchor."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.timing._instants import local_time, out_of_range, utc, wall_time
from retainkit.timing._instants import zone as zone_of
from retainkit.timing._periods import Period


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_MONTHS = 12
_LONGEST_MONTH = 31


class Unit(StrEnum):
    """What an interval counts, as the calendar of a zone has it."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


def _unit(name: str) -> Unit:
    try:
        return Unit(name)
    except ValueError as exc:
        raise InvalidInput(
            "There is no such unit of time",
            code="time.unknown_unit",
            field="unit",
            value=name,
            remedy=f"use one of {', '.join(Unit)}",
        ) from exc


@frozen(kw_only=True)
class Interval:
    """
    So many days, weeks, months or years, as calendars count them: ``Interval(unit="month")``.

    A day is a day of the calendar, with 23, 24 or 25 hours; a quarter is three months.

    Raises:
        InvalidInput: ``time.count`` when the count is not a positive int; ``time.unknown_unit``.
    """

    count: int = 1
    unit: Unit = field(converter=_unit)

    def __attrs_post_init__(self) -> None:
        if type(self.count) is not int or self.count < 1:  # nor a bool
            raise InvalidInput(
                "An interval is a whole number of units, one or more",
                code="time.count",
                field="count",
                value=self.count,
                remedy="pass an int above zero",
            )

    @property
    def months(self) -> int:
        """The length in months; 0 when it is counted in days or weeks."""
        match self.unit:
            case Unit.MONTH:
                return self.count
            case Unit.YEAR:
                return self.count * _MONTHS
            case Unit.DAY | Unit.WEEK:
                return 0
            case _:
                assert_never(self.unit)

    @property
    def days(self) -> int:
        """The length in days; 0 when it is counted in months or years."""
        match self.unit:
            case Unit.DAY:
                return self.count
            case Unit.WEEK:
                return self.count * 7
            case Unit.MONTH | Unit.YEAR:
                return 0
            case _:
                assert_never(self.unit)

    def advance(self, anchor: datetime, n: int, zone: str | ZoneInfo) -> datetime:
        """
        The n-th boundary from the anchor, in UTC; the anchor itself for 0, earlier ones below.

        It has the anchor's local date and time, n intervals later. A day that the month does not
        have is the month's last one, for this boundary alone: from 31 January, the first is 28
        February, the second 31 March. A time that clocks jump over is the first instant after the
        jump; one that they show twice, the first of the two.

        Raises:
            InvalidInput: ``time.naive``, ``time.unknown_zone``, ``time.out_of_range``.
        """
        first = utc(anchor, "anchor")
        if n == 0:
            return first
        there = zone_of(zone)
        local = local_time(first, there, "anchor")
        try:
            day = self._day(local.date(), n)
        except (ValueError, OverflowError) as exc:
            raise out_of_range("n", str(n)) from exc
        return wall_time(day, local.time(), there)

    def _day(self, first: date, n: int) -> date:
        if self.days:
            return first + timedelta(days=n * self.days)
        year, month = _month(_month_number(first) + n * self.months)
        return date(year, month, min(first.day, monthrange(year, month)[1]))


def period_number(anchor: datetime, interval: Interval, zone: str | ZoneInfo, at: datetime) -> int:
    """
    How many whole intervals have passed since the anchor: 0 in the first period, -1 before it.

    Raises:
        InvalidInput: as `Interval.advance`.
    """
    return _boundary(anchor, interval, zone, at)[0]


def _boundary(
    anchor: datetime, interval: Interval, zone: str | ZoneInfo, at: datetime
) -> tuple[int, datetime]:
    """The last boundary at an instant or before it, with its number."""
    there = zone_of(zone)
    instant = utc(at)
    first, last = local_time(anchor, there, "anchor"), local_time(instant, there)
    if interval.days:
        number = (last.date() - first.date()).days // interval.days
    else:
        number = (_month_number(last) - _month_number(first)) // interval.months
    while (start := interval.advance(anchor, number, there)) > instant:
        number -= 1
    return number, start


def trial_period(start: datetime, length: Interval, zone: str | ZoneInfo) -> Period:
    """
    The period of one interval from its start, such as a trial; paid periods then have its end as
    their anchor, or a billing day's (`billing_day_anchor`).

    Raises:
        InvalidInput: as `Interval.advance`.
    """
    return Period(start=start, end=length.advance(start, 1, zone))


def period_at(anchor: datetime, interval: Interval, zone: str | ZoneInfo, at: datetime) -> Period:
    """
    The whole period that the instant is in; the anchor may lie after it.

    Raises:
        InvalidInput: as `Interval.advance`.
    """
    number, start = _boundary(anchor, interval, zone, at)
    return Period(start=start, end=interval.advance(anchor, number + 1, zone))


def periods(
    anchor: datetime,
    interval: Interval,
    zone: str | ZoneInfo,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    count: int | None = None,
) -> Iterator[Period]:
    """
    The periods of an interval in order, without gap or overlap.

    Args:
        anchor: The original one, never the end of the period before.

        interval: The length of each.

        zone: Whose calendar counts: an IANA name or a `ZoneInfo`.

        since: Where the first one starts, which is then shorter (a subscription that starts
            before its billing day); the anchor unless given.

        until: Where the last one ends, which is then shorter; there is no end unless given.

        count: How many at most.

    Raises:
        InvalidInput: as `Interval.advance`, and ``time.out_of_range`` in the year 9999 when
            neither `until` nor `count` came first.
    """
    start = utc(anchor if since is None else since, "since")
    stop = None if until is None else utc(until, "until")
    number = period_number(anchor, interval, zone, start)
    made = 0
    while (count is None or made < count) and (stop is None or start < stop):
        number += 1
        boundary = interval.advance(anchor, number, zone)
        end = boundary if stop is None else min(boundary, stop)
        if start < end:  # a day that a zone leaves out altogether has no length
            yield Period(start=start, end=end)
            made += 1
            start = end


def calendar_anchor(at: datetime, interval: Interval, zone: str | ZoneInfo) -> datetime:
    """
    The anchor that aligns periods to the calendar: the start of the one that the instant is in.

    Days start at midnight, weeks on Monday (ISO 8601), months on the first, years on 1 January;
    three months are the quarters of the year.

    Raises:
        InvalidInput: ``time.naive``, ``time.unknown_zone``, ``time.out_of_range``.
    """
    there = zone_of(zone)
    today = local_time(at, there).date()
    if interval.days:
        # Day 1 of the proleptic calendar is a Monday.
        number = today.toordinal() - 1
        day = date.fromordinal(number - number % interval.days + 1)
    else:
        number = _month_number(today)
        day = date(*_month(number - number % interval.months), 1)
    return wall_time(day, time(), there)


def billing_day_anchor(
    start: datetime,
    interval: Interval,
    zone: str | ZoneInfo,
    *,
    day: int,
    month: int | None = None,
) -> datetime:
    """
    The anchor that puts boundaries on a day of the month, at the local time of the start.

    The first boundary is the next such day at or after the start; in a shorter month it is the
    last day. Use it with ``periods(..., since=start)``: the first period is then a shorter one.
    The anchor itself may lie before the start, in a month that has the day: so the 31st is kept.

    Args:
        start: When the subscription starts.

        interval: In months or years.

        zone: Whose calendar counts.

        day: 1 to 31.

        month: 1 to 12, when the first boundary must be in a certain one.

    Raises:
        InvalidInput: ``time.billing_day``, ``time.billing_month``, ``time.not_monthly``.
    """
    _check_billing_day(interval, day, month)
    there = zone_of(zone)
    begin = utc(start, "start")
    local = local_time(begin, there)

    def length(number: int) -> int:
        return min(day, monthrange(*_month(number))[1])

    def boundary(number: int) -> datetime:
        return wall_time(date(*_month(number), length(number)), local.time(), there)

    first = _month_number(local)
    while (month is not None and _month(first)[1] != month) or boundary(first) < begin:
        first += 1
    # Twelve intervals meet every month of the year that they ever meet, or else a leap February.
    earliest = max(first - _MONTHS * interval.months, _MONTHS - 1)
    return boundary(max(range(first, earliest, -interval.months), key=length))


def _check_billing_day(interval: Interval, day: int, month: int | None) -> None:
    if not interval.months:
        raise InvalidInput(
            "An interval of days or weeks has no day of the month",
            code="time.not_monthly",
            field="interval",
            value=f"{interval.count} {interval.unit}",
            remedy="bill by months or years, or pass the first billing day itself as the anchor",
        )
    for name, value, most in (("day", day, _LONGEST_MONTH), ("month", month, _MONTHS)):
        if value is not None and (type(value) is not int or not 1 <= value <= most):
            raise InvalidInput(
                f"There is no such {name}",
                code=f"time.billing_{name}",
                field=name,
                value=value,
                remedy=f"pass 1 to {most}",
            )


def _month_number(day: date) -> int:
    return day.year * _MONTHS + day.month - 1


def _month(number: int) -> tuple[int, int]:
    year, month = divmod(number, _MONTHS)
    return year, month + 1
