"""Prices that change at known times: phased discounts, stepped increases, a rate that is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from attrs import evolve, field, frozen

from retainkit.billing.prices._amounts import between, reduced, whole_intervals
from retainkit.billing.prices._checks import percent_of, whole
from retainkit.billing.prices._price import Price
from retainkit.errors import InvalidInput
from retainkit.money import Rounding
from retainkit.timing import Interval, Period, Unit, utc
from retainkit.timing import zone as zone_of


_YEAR = Interval(count=12, unit=Unit.MONTH)


@frozen(kw_only=True)
class Phase:
    """
    A part of a schedule.

    Args:
        length: How long it lasts, from the end of the one before.

        percent_off: What is taken off the price; None for nothing.

        price: The price in this phase, if it is not the schedule's own.

    Raises:
        InvalidInput: ``discount.percent``, ``price.not_exact``.
    """

    length: Interval
    percent_off: Decimal | None = None
    price: Price | None = None

    def __attrs_post_init__(self) -> None:
        if self.percent_off is not None:
            percent_of(self.percent_off)


@frozen(kw_only=True)
class ScheduledPrice:
    """
    What holds from one instant until another.

    Args:
        price: What is charged.

        full_price: The same before a percentage was taken off.

        percent_off: The percentage, if one was.

        since: The first instant at which it holds.

        until: The first instant at which it does no more; None when it has no end.

        phase: The number of the phase, from 1; None once all phases are over.
    """

    price: Price
    full_price: Price
    percent_off: Decimal | None
    since: datetime
    until: datetime | None
    phase: int | None


def _start(dt: datetime) -> datetime:
    return utc(dt, "start")


@frozen(kw_only=True)
class PriceSchedule:
    """
    The price of a subscription over time: phases, then the price itself, by itself.

    Boundaries are counted from the start: three months and three more from 31 January are
    31 July, not the 30th.

    Args:
        price: What holds after the last phase, without an end.

        phases: In order; each a whole number of its price's intervals.

        start: When the first phase begins: the anchor of the subscription's periods. Kept in UTC.

        zone: The IANA zone whose calendar counts.

    Raises:
        InvalidInput: ``schedule.phase_length``, ``schedule.currency``, ``time.naive``,
            ``time.unknown_zone``.
    """

    price: Price
    phases: tuple[Phase, ...]
    start: datetime = field(converter=_start)
    zone: str

    def __attrs_post_init__(self) -> None:
        zone_of(self.zone)
        for phase in self.phases:
            _check_phase(phase, self.price)

    def price_at(self, at: datetime) -> ScheduledPrice:
        """
        What holds at an instant.

        Raises:
            InvalidInput: ``time.before_start``, ``time.naive``.
        """
        instant = utc(at)
        if instant < self.start:
            raise InvalidInput(
                "The schedule has not started then",
                code="time.before_start",
                field="at",
                value=instant.isoformat(),
                remedy=f"ask for an instant from {self.start.isoformat()} on",
            )
        return next(step for step in self.steps() if step.until is None or instant < step.until)

    def steps(self) -> Iterator[ScheduledPrice]:
        """All that will hold, in order, up to the one without an end: to be shown beforehand."""
        since, months, days = self.start, 0, 0
        for number, phase in enumerate(self.phases, start=1):
            months, days = months + phase.length.months, days + phase.length.days
            until = self._after(months, days)
            full = self.price if phase.price is None else phase.price
            off = phase.percent_off
            yield ScheduledPrice(
                price=full if off is None else reduced(full, off),
                full_price=full,
                percent_off=off,
                since=since,
                until=until,
                phase=number,
            )
            since = until
        yield ScheduledPrice(
            price=self.price,
            full_price=self.price,
            percent_off=None,
            since=since,
            until=None,
            phase=None,
        )

    def within(self, period: Period) -> tuple[tuple[Period, ScheduledPrice], ...]:
        """The period in parts, each with what holds in it; before the start there is none."""
        found = []
        for step in self.steps():
            until = period.end if step.until is None else step.until
            if step.since < until:
                part = period.overlap(Period(start=step.since, end=until))
                if part is not None:
                    found.append((part, step))
        return tuple(found)

    def _after(self, months: int, days: int) -> datetime:
        moved = self.start
        for count, unit in ((months, Unit.MONTH), (days, Unit.DAY)):
            if count:
                moved = Interval(count=count, unit=unit).advance(moved, 1, self.zone)
        return moved


def stepped_increase(
    old: Price,
    new: Price,
    *,
    steps: int,
    start: datetime,
    zone: str,
    over: Interval = _YEAR,
    rounding: Rounding = Rounding.HALF_UP,
) -> PriceSchedule:
    """
    From an old price to a new one in equal steps instead of one jump.

    The first step is taken at the start, the last one step before the end: 100 to 120 in four
    steps over twelve months is 105 in months 1 to 3, 110, 115, and 120 from month 10 on.

    Args:
        old: What holds before the start.

        new: What holds after the last step; it differs from the old one in its amounts alone.

        steps: How many, at least 1.

        start: When the first step is taken.

        zone: The IANA zone whose calendar counts.

        over: The time that all steps take together.

        rounding: Where an amount goes between two of its decimals.

    Raises:
        InvalidInput: ``schedule.steps`` when the time can't be parted into so many;
            ``schedule.different_prices``, ``schedule.phase_length``, ``price.not_whole``.
    """
    whole(steps, "steps", least=1)
    count, rest = divmod(over.count, steps)
    if rest:
        raise InvalidInput(
            "The time can't be parted into so many steps",
            code="schedule.steps",
            field="steps",
            value=steps,
            remedy=f"take a divisor of {over.count}, or count the time in a smaller unit",
        )
    length = evolve(over, count=count)
    phases = tuple(
        Phase(length=length, price=between(old, new, Fraction(taken, steps), rounding))
        for taken in range(1, steps)
    )
    return PriceSchedule(price=new, phases=phases, start=start, zone=zone)


def _check_phase(phase: Phase, price: Price) -> None:
    own = price if phase.price is None else phase.price
    if own.currency != price.currency:
        raise InvalidInput(
            "A schedule keeps to one currency",
            code="schedule.currency",
            field="phases",
            value=own.currency,
            remedy=f"make a schedule in {own.currency} of its own",
        )
    if own.interval is None or whole_intervals(phase.length, own.interval) is None:
        raise InvalidInput(
            "A phase is a whole number of its price's intervals",
            code="schedule.phase_length",
            field="phases",
            value=f"{phase.length.count} {phase.length.unit}",
            remedy="let the price change where a billing period ends",
        )
