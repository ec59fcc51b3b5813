"""Time as an exact share of a period; what that share costs is in ``_amounts``."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, assert_never

from attrs import frozen

from retainkit.billing.proration._policy import (
    ChangeDay,
    Denominator,
    Granularity,
    ProrationPolicy,
)
from retainkit.errors import InvalidInput
from retainkit.money import Rounding, round_fraction
from retainkit.timing import Interval, Period, local_time, utc, wall_time


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_MONTHS = 12
_DAYS = 30
_ONE = Fraction(1)
_MONTH = Interval(unit="month")
_DAY = 86_400
_SIZES = {Granularity.SECOND: 1, Granularity.MINUTE: 60}


@frozen(kw_only=True)
class Share:
    """
    A stretch of time as a share of another.

    Args:
        fraction: What amounts are multiplied with; rounded where the policy says so.

        exact: The same, never rounded.

        part: The length of the stretch in `unit`.

        whole: What it is a share of, in `unit`.

        unit: What both are counted in.

        rule: How they were counted, as a word of `Denominator`, ``months`` or ``calendar_months``.
    """

    fraction: Fraction
    exact: Fraction
    part: Fraction
    whole: Fraction
    unit: Granularity
    rule: str


def share_of(
    stretch: Period,
    policy: ProrationPolicy,
    *,
    of: Period | None = None,
    interval: Interval | None = None,
    zone: str | ZoneInfo = "UTC",
) -> Share:
    """
    How much of a period a stretch of time is: exact, above one when it is longer.

    Args:
        stretch: The time to measure.

        policy: How it is counted; of the ends, days count from local midnight to local midnight.

        of: The period. Without one, the share is that of one interval: a month unless given.

        interval: How often it recurs; without one, of the fixed denominators a month is meant.

        zone: Whose calendar counts.

    Raises:
        InvalidInput: ``proration.no_time`` when the policy counts no time in the period;
            ``time.unknown_zone``.
    """
    if of is not None and stretch == of:
        whole = _ONE
        return Share(
            fraction=whole,
            exact=whole,
            part=whole,
            whole=whole,
            unit=policy.granularity,
            rule="whole_period",
        )
    part, whole, rule = _measured(stretch, policy, of, interval or _MONTH, zone)
    if not whole:
        raise InvalidInput(
            "Nothing is a share of no time",
            code="proration.no_time",
            field="of",
            value=None if of is None else [of.start.isoformat(), of.end.isoformat()],
            remedy="choose a finer granularity, or a longer period",
        )
    exact = part / whole
    return Share(
        fraction=scaled(exact, policy.factor_scale),
        exact=exact,
        part=part,
        whole=whole,
        unit=policy.granularity,
        rule=rule,
    )


def _measured(
    stretch: Period,
    policy: ProrationPolicy,
    of: Period | None,
    interval: Interval,
    zone: str | ZoneInfo,
) -> tuple[Fraction, Fraction, str]:
    whole = None if policy.split_months else _whole(of, policy, interval, zone)
    if whole is None:
        months = Fraction(interval.months) or calendar_months(of or stretch, policy, zone=zone)
        return calendar_months(stretch, policy, zone=zone), months, "calendar_months"
    if policy.granularity is Granularity.MONTH:
        months = Fraction(interval.months) or months_between(of or stretch, zone=zone)
        return months_between(stretch, zone=zone), months, "months"
    part = length_of(stretch, policy, zone=zone)
    return Fraction(part), Fraction(whole), policy.denominator.value


def _whole(
    of: Period | None, policy: ProrationPolicy, interval: Interval, zone: str | ZoneInfo
) -> int | None:
    """The length of the whole; None when it is a period's, and there is none."""
    match policy.denominator:
        case Denominator.ACTUAL_PERIOD | Denominator.PLAN_PERIOD:
            if of is None:
                return None
            if policy.denominator is Denominator.PLAN_PERIOD:
                of = Period(start=of.start, end=interval.advance(of.start, 1, zone))
            return length_of(of, policy, zone=zone)
        case Denominator.FIXED_30:
            return _in_units(interval.days or policy.fixed_days * interval.months, policy)
        case Denominator.STRICT_30_360 | Denominator.ACTUAL_360:
            return _in_units(interval.days or _DAYS * interval.months, policy)
        case _:
            assert_never(policy.denominator)


def length_of(stretch: Period, policy: ProrationPolicy, *, zone: str | ZoneInfo = "UTC") -> int:
    """
    The length of a stretch in whole units: seconds, minutes or days, as the policy counts days.

    Where months have days of their own (`FIXED_30`, `STRICT_30_360`), seconds and minutes are
    those of these days, and of the local time of day at both ends.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    size = _SIZES.get(policy.granularity)
    first, last = local_time(stretch.start, zone), local_time(stretch.end, zone)
    match policy.denominator:
        case Denominator.STRICT_30_360:
            days = _position(last.date()) - _position(first.date())
        case Denominator.FIXED_30:
            days = _fixed_days(first.date(), last.date(), policy.fixed_days)
        case Denominator.ACTUAL_PERIOD | Denominator.PLAN_PERIOD | Denominator.ACTUAL_360:
            if size is not None:
                return _floor(stretch.end, size) - _floor(stretch.start, size)
            return (last.date() - first.date()).days
        case _:
            assert_never(policy.denominator)
    if size is None:
        return days
    return _in_units(days, policy) + _of_day(last) // size - _of_day(first) // size


def _in_units(days: int, policy: ProrationPolicy) -> int:
    """So many days in the units of the policy."""
    size = _SIZES.get(policy.granularity)
    return days if size is None else days * (_DAY // size)


def months_between(stretch: Period, *, zone: str | ZoneInfo = "UTC") -> Fraction:
    """
    Whole months from the first day, then the days left over the length of the month to follow.

    15 February is one and a half months after 1 January: 14 of 28 days.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    first, last = _dates(stretch, zone)
    count = _number(last) - _number(first)
    if _moved(first, count) > last:
        count -= 1
    start = _moved(first, count)
    return count + Fraction((last - start).days, (_moved(first, count + 1) - start).days)


def calendar_months(
    stretch: Period, policy: ProrationPolicy, *, zone: str | ZoneInfo = "UTC"
) -> Fraction:
    """
    Months of the calendar: each part of a month over the length of that month, added up.

    25 January to 2 February, both included, is 7/31 + 2/28.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    daily = policy.granularity in (Granularity.DAY, Granularity.MONTH)
    months = Fraction(0)
    for part, month in by_month(stretch, zone=zone):
        if daily:
            first, last = _dates(part, zone)
            months += Fraction((last - first).days, monthrange(first.year, first.month)[1])
        else:
            months += Fraction(
                length_of(part, policy, zone=zone), length_of(month, policy, zone=zone)
            )
    return months


def by_month(stretch: Period, *, zone: str | ZoneInfo = "UTC") -> Iterator[tuple[Period, Period]]:
    """
    The parts of a stretch in each month of the calendar, each beside that whole month.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    number = _number(local_time(stretch.start, zone).date())
    start = stretch.start
    while start < stretch.end:
        month = Period(
            start=wall_time(_first(number), time(), zone),
            end=wall_time(_first(number + 1), time(), zone),
        )
        end = min(month.end, stretch.end)
        yield Period(start=start, end=end), month
        start = end
        number += 1


def cut(
    period: Period,
    at: datetime,
    policy: ProrationPolicy,
    *,
    zone: str | ZoneInfo = "UTC",
    cancels: bool = False,
) -> datetime:
    """
    Where a change at an instant parts used from unused time, within the period.

    Days and months are parted at local midnight: before the day of the change where the new terms
    own it, after it where the old ones do. Seconds and minutes are parted at the instant.

    Args:
        period: What is parted; the result is its start, its end or in between.

        at: When the change is.

        policy: Who owns the day.

        zone: Whose midnight counts.

        cancels: Whether it is a cancellation, which may have an owner of its own.

    Raises:
        InvalidInput: ``time.naive``, ``time.unknown_zone``.
    """
    instant = utc(at)
    if policy.granularity in _SIZES:
        return min(max(instant, period.start), period.end)
    owner = (policy.cancel_day if cancels else None) or policy.change_day
    day = local_time(instant, zone).date()
    if owner is ChangeDay.OLD:
        day += timedelta(days=1)
    # A period that starts at ten o'clock has that whole day, so the day's cut is at its own hour.
    if day <= local_time(period.start, zone).date():
        return period.start
    if day >= local_time(period.end, zone).date():
        return period.end
    return wall_time(day, time(), zone)


def scaled(
    value: Fraction, decimals: int | None, rounding: Rounding = Rounding.HALF_UP
) -> Fraction:
    """The value with so many decimals; as it is without a number."""
    if decimals is None:
        return value
    unit: int = 10**decimals
    return Fraction(round_fraction(value * unit, rounding), unit)


def _floor(instant: datetime, size: int) -> int:
    """Whole units up to an instant in UTC, so those of neighbours add up."""
    return (instant.toordinal() * _DAY + _of_day(instant)) // size


def _of_day(instant: datetime) -> int:
    return instant.hour * 3_600 + instant.minute * 60 + instant.second


def _dates(stretch: Period, zone: str | ZoneInfo) -> tuple[date, date]:
    return local_time(stretch.start, zone).date(), local_time(stretch.end, zone).date()


def _position(day: date) -> int:
    """The days of 30-day months before the start of this day."""
    return (_number(day)) * _DAYS + min(day.day - 1, _DAYS)


def _fixed_days(first: date, last: date, fixed: int) -> int:
    """Kill Bill's rule, for every month whose end is passed, so that neighbours add up."""
    above = sum(
        monthrange(year, month + 1)[1] - fixed
        for year, month in (divmod(n, _MONTHS) for n in range(_number(first), _number(last)))
    )
    return max(0, (last - first).days - above)


def _number(day: date) -> int:
    return day.year * _MONTHS + day.month - 1


def _first(number: int) -> date:
    year, month = divmod(number, _MONTHS)
    return date(year, month + 1, 1)


def _moved(day: date, months: int) -> date:
    first = _first(_number(day) + months)
    return first.replace(day=min(day.day, monthrange(first.year, first.month)[1]))
