"""Prices that change at known times, and prices paid for a year at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.billing.prices import (
    Flat,
    Graduated,
    PerUnit,
    Phase,
    Price,
    PriceSchedule,
    Scheme,
    Tier,
    Usage,
    Volume,
    prepaid,
    reduced,
    stepped_increase,
)
from retainkit.errors import InvalidInput
from retainkit.money import Money, Rounding, money
from retainkit.timing import Interval, Period, Unit


MONTH, YEAR = Interval(unit=Unit.MONTH), Interval(unit=Unit.YEAR)
QUARTER = Interval(count=3, unit=Unit.MONTH)
START = datetime(2026, 1, 31, 8, tzinfo=UTC)
ZONE = "Europe/Berlin"
SAME_SHAPE = (
    "take steps between prices of one scheme, currency and interval, with the same tiers;"
    " else name the price of each phase"
)


def eur(amount: str) -> Money:
    """So many euros."""
    return money(amount, "EUR")


def price(scheme: Scheme, **options: Any) -> Price:
    """A monthly price in euros."""
    return Price(**{"id": "p", "currency": "EUR", "scheme": scheme, "interval": MONTH} | options)


def flat(amount: str, **options: Any) -> Price:
    """A flat monthly price in euros."""
    return price(Flat(amount=eur(amount)), **options)


def due(schedule: PriceSchedule, month: int) -> Money:
    """What the n-th month costs, one unit."""
    at = MONTH.advance(schedule.start, month - 1, schedule.zone)
    return schedule.price_at(at).price.charge(1).amount(Rounding.HALF_UP)


PHASED = PriceSchedule(
    price=flat("99.90"),
    phases=(
        Phase(length=QUARTER, percent_off=Decimal(40)),
        Phase(length=QUARTER, percent_off=Decimal(20)),
    ),
    start=START,
    zone=ZONE,
)


def test_a_phased_discount_ends_by_itself() -> None:
    """40 % in months 1 to 3, 20 % in months 4 to 6, the list price from month 7."""
    assert [due(PHASED, month) for month in range(1, 9)] == [
        *[eur("59.94")] * 3,
        *[eur("79.92")] * 3,
        *[eur("99.90")] * 2,
    ]


def test_all_steps_can_be_shown_beforehand() -> None:
    """With their dates, counted from the start: the 31st stays the 31st."""
    first, second, last = PHASED.steps()
    april, july = datetime(2026, 4, 30, 7, tzinfo=UTC), datetime(2026, 7, 31, 7, tzinfo=UTC)
    assert (first.since, first.until, first.phase) == (START, april, 1)
    assert (second.since, second.until, second.phase) == (april, july, 2)
    assert (last.since, last.until, last.phase) == (july, None, None)
    assert [step.percent_off for step in (first, second, last)] == [40, 20, None]
    assert {step.full_price for step in (first, second, last)} == {flat("99.90")}


def test_a_step_holds_from_its_first_instant() -> None:
    """A microsecond earlier, the one before does."""
    turn = datetime(2026, 4, 30, 7, tzinfo=UTC)
    assert PHASED.price_at(turn).phase == 2
    assert PHASED.price_at(turn - timedelta(microseconds=1)).phase == 1


def test_a_period_can_be_parted_where_the_price_changes() -> None:
    """Each part has its price; nothing holds before the start."""
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    parts = PHASED.within(Period(start=begin, end=end))
    turn = datetime(2026, 4, 30, 7, tzinfo=UTC)
    assert [(part.start, part.end, step.phase) for part, step in parts] == [
        (START, turn, 1),
        (turn, end, 2),
    ]


def test_a_period_may_end_where_the_price_changes() -> None:
    """Then all of it has the price before."""
    july = datetime(2026, 7, 31, 7, tzinfo=UTC)
    ((part, step),) = PHASED.within(Period(start=july - timedelta(days=30), end=july))
    assert (part.end, step.phase) == (july, 2)


def test_phases_can_be_counted_in_weeks() -> None:
    """For a weekly price; the hour stays when clocks change."""
    week = Interval(unit=Unit.WEEK)
    weekly = PriceSchedule(
        price=flat("10", interval=week),
        phases=(
            Phase(length=Interval(count=2, unit=Unit.WEEK), percent_off=Decimal(50)),
            Phase(length=Interval(count=7, unit=Unit.WEEK), percent_off=Decimal(10)),
        ),
        start=START,
        zone=ZONE,
    )
    assert [step.since for step in weekly.steps()] == [
        START,
        START + timedelta(weeks=2),
        START + timedelta(weeks=9) - timedelta(hours=1),
    ]


def test_an_increase_can_come_in_steps() -> None:
    """100 to 120 in four steps over a year, instead of one jump."""
    schedule = stepped_increase(flat("100"), flat("120"), steps=4, start=START, zone=ZONE)
    assert [due(schedule, month) for month in (1, 3, 4, 6, 7, 9, 10, 13)] == [
        eur(amount) for amount in ("105", "105", "110", "110", "115", "115", "120", "120")
    ]


def test_each_amount_of_tiers_takes_its_steps() -> None:
    """Unit prices, fees and the minimum; rounded to the decimals that they have."""
    old = price(
        Graduated(tiers=(Tier(up_to=10, unit=eur("1"), flat=eur("5")), Tier(unit=eur("0.005")))),
        minimum=eur("10"),
    )
    new = price(
        Graduated(tiers=(Tier(up_to=10, unit=eur("2"), flat=eur("5")), Tier(unit=eur("0.006")))),
        minimum=eur("20"),
        id="new",
    )
    schedule = stepped_increase(old, new, steps=3, start=START, zone=ZONE)
    first, second, last = (step.price for step in schedule.steps())
    assert first.scheme == Graduated(
        tiers=(Tier(up_to=10, unit=eur("1.33"), flat=eur("5")), Tier(unit=eur("0.005")))
    )
    assert second.scheme == Graduated(
        tiers=(Tier(up_to=10, unit=eur("1.67"), flat=eur("5")), Tier(unit=eur("0.006")))
    )
    assert (first.minimum, second.minimum, last) == (eur("13.33"), eur("16.67"), new)


def test_a_single_step_is_the_new_price_at_once() -> None:
    """And it has no phases."""
    at_once = stepped_increase(flat("100"), flat("120"), steps=1, start=START, zone=ZONE)
    assert (at_once.phases, due(at_once, 1)) == ((), eur("120"))


def test_paying_for_a_year_can_keep_the_old_rate() -> None:
    """A year at the old rate, then the new one: both are paid by the year."""
    old, new = flat("100"), flat("120")
    kept = PriceSchedule(
        price=prepaid(new, YEAR, id="new-year"),
        phases=(Phase(length=YEAR, price=prepaid(old, YEAR, id="old-year")),),
        start=START,
        zone=ZONE,
    )
    assert [due(kept, month) for month in (1, 12, 13)] == [eur("1200"), eur("1200"), eur("1440")]
    assert kept.price_at(START).price.interval == YEAR


def test_paying_at_once_can_save_something() -> None:
    """A quarter less than twelve months: 12 times 9.99 less 25 % is 89.91. Seats stay seats."""
    seats = price(PerUnit(amount=eur("9.99")), included=1, minimum=eur("5"))
    year = prepaid(seats, YEAR, id="year", percent_off=Decimal(25))
    assert year.scheme == PerUnit(amount=eur("89.91"))
    assert (year.id, year.interval, year.included, year.minimum) == ("year", YEAR, 1, eur("45"))
    fortnight = prepaid(
        flat("1", interval=Interval(unit=Unit.DAY)), Interval(count=2, unit=Unit.WEEK), id="x"
    )
    assert fortnight.scheme == Flat(amount=eur("14"))


def test_a_reduced_price_is_exact() -> None:
    """Also where the caller's decimal context is a poor one."""
    with localcontext() as context:
        context.prec = 2
        less = reduced(flat("1234567.89", minimum=eur("10")), Decimal("33.3"))
    assert (less.scheme, less.minimum) == (Flat(amount=eur("823456.78263")), eur("6.67"))


@given(
    st.integers(0, 99_999), st.integers(0, 99_999), st.sampled_from([1, 2, 3, 4, 6, 12]),
    st.sampled_from(Rounding),
)  # fmt: skip
def test_steps_go_one_way_and_arrive(old: int, new: int, steps: int, rounding: Rounding) -> None:
    """No step goes back, and the last one is the new price."""
    schedule = stepped_increase(
        flat(f"{old / 100:.2f}"),
        flat(f"{new / 100:.2f}"),
        steps=steps,
        start=START,
        zone=ZONE,
        rounding=rounding,
    )
    amounts = [step.price.charge(1).exact for step in schedule.steps()]
    assert len(amounts) == steps
    assert amounts == sorted(amounts, reverse=new < old)
    assert amounts[-1] == new
    assert all(min(old, new) <= amount <= max(old, new) for amount in amounts)


@pytest.mark.parametrize(
    ("make", "code", "field", "value", "remedy"),
    [
        (
            lambda: Phase(length=MONTH, percent_off=Decimal(101)),
            "discount.percent",
            "percent",
            "101",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: PriceSchedule(
                price=flat("1"),
                phases=(
                    Phase(
                        length=MONTH,
                        price=price(Flat(amount=money("1", "USD")), currency="USD"),
                    ),
                ),
                start=START,
                zone=ZONE,
            ),
            "schedule.currency",
            "phases",
            "USD",
            "make a schedule in USD of its own",
        ),
        (
            lambda: PriceSchedule(
                price=flat("1", interval=YEAR),
                phases=(Phase(length=QUARTER, percent_off=Decimal(40)),),
                start=START,
                zone=ZONE,
            ),
            "schedule.phase_length",
            "phases",
            "3 month",
            "let the price change where a billing period ends",
        ),
        (
            lambda: PriceSchedule(
                price=flat("1"),
                phases=(Phase(length=Interval(count=30, unit=Unit.DAY)),),
                start=START,
                zone=ZONE,
            ),
            "schedule.phase_length",
            "phases",
            "30 day",
            "let the price change where a billing period ends",
        ),
        (
            lambda: PHASED.price_at(START - timedelta(seconds=1)),
            "time.before_start",
            "at",
            "2026-01-31T07:59:59+00:00",
            "ask for an instant from 2026-01-31T08:00:00+00:00 on",
        ),
        (
            lambda: PHASED.price_at(datetime(2026, 3, 1)),
            "time.naive",
            "at",
            "2026-03-01T00:00:00",
            "give it a zone: datetime(..., tzinfo=UTC)",
        ),
        (
            lambda: stepped_increase(flat("1"), flat("2"), steps=5, start=START, zone=ZONE),
            "schedule.steps",
            "steps",
            5,
            "take a divisor of 12, or count the time in a smaller unit",
        ),
        (
            lambda: stepped_increase(flat("1"), flat("2"), steps=0, start=START, zone=ZONE),
            "price.not_whole",
            "steps",
            0,
            "pass an int of 1 or more",
        ),
        (
            lambda: stepped_increase(
                flat("1"),
                price(Volume(tiers=(Tier(flat=eur("2")),)), id="other"),
                steps=2,
                start=START,
                zone=ZONE,
            ),
            "schedule.different_prices",
            "new",
            "other",
            SAME_SHAPE,
        ),
        (
            lambda: prepaid(flat("1", usage=Usage.METERED), YEAR, id="year"),
            "price.prepaid_usage",
            "price",
            "p",
            "prepay the licensed prices, and charge the metered ones as they are used",
        ),
        (
            lambda: prepaid(
                flat("1", interval=QUARTER), Interval(count=10, unit=Unit.MONTH), id="x"
            ),
            "price.prepaid_interval",
            "interval",
            "10 month",
            "prepay months of a monthly price, years of a yearly one",
        ),
        (
            lambda: prepaid(flat("1", interval=None), YEAR, id="x"),
            "price.prepaid_interval",
            "interval",
            "1 year",
            "prepay months of a monthly price, years of a yearly one",
        ),
    ],
)
def test_what_can_not_be_scheduled_is_refused(
    make: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Each refusal names what is wrong and the way out."""
    with pytest.raises(InvalidInput) as refused:
        make()
    error = refused.value
    assert (error.code, error.field, error.value, error.remedy) == (code, field, value, remedy)
