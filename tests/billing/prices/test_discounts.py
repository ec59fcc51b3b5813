"""What coupons take off: percentages and amounts, stacked, capped, for a time, until an event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.billing.prices import (
    Coupon,
    DiscountLine,
    Discounts,
    Duration,
    GivenCoupon,
    StackingOrder,
    discount,
)
from retainkit.errors import InvalidInput
from retainkit.money import AllocationStrategy, Money, Rounding, from_minor, money, to_minor
from retainkit.timing import Interval, Unit


def eur(amount: str) -> Money:
    """So many euros."""
    return money(amount, "EUR")


def lines(*units: int | Fraction) -> tuple[DiscountLine, ...]:
    """Lines of so many cents: line a of price a, and so on."""
    return tuple(
        DiscountLine(id=name, price=name, currency="EUR", amount=amount)
        for name, amount in zip("abcdefghij", units, strict=False)
    )


def cents(discounts: Discounts, strategy: AllocationStrategy) -> list[int]:
    """The rounded discounts in cents."""
    return [
        to_minor(off) for off in discounts.rounded(Rounding.HALF_UP, strategy=strategy).values()
    ]


TWENTY = Coupon(id="twenty", percent=Decimal(20))
TEN_EUROS = Coupon(id="ten", amount=eur("10"))
REMAINDER, WEIGHT = AllocationStrategy.LARGEST_REMAINDER, AllocationStrategy.LARGEST_WEIGHT


def test_a_percentage_is_taken_off_each_line() -> None:
    """Exactly: 20 % of 9.99 is 1.998."""
    assert discount(lines(999, 1000), [TWENTY]).by_line() == {"a": Fraction("199.8"), "b": 200}
    fine = Coupon(id="fine", percent=Decimal("0.000000000001"))
    assert discount(lines(100), [fine]).exact == Fraction(1, 10**12)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [(REMAINDER, [167, 333]), (WEIGHT, [166, 334])],
)
def test_an_amount_is_spread_over_the_lines(
    strategy: AllocationStrategy, expected: list[int]
) -> None:
    """5.00 over 10.00 and 20.00: the cent that is left goes where the strategy says."""
    taken = discount(lines(1000, 2000), [Coupon(id="five", amount=eur("5"))])
    assert taken.by_line() == {"a": Fraction(500, 3), "b": Fraction(1000, 3)}
    assert cents(taken, strategy) == expected


@pytest.mark.parametrize(
    ("order", "left"),
    [
        (StackingOrder.AS_GIVEN, 7200),
        (StackingOrder.AMOUNT_FIRST, 7200),
        (StackingOrder.PERCENT_FIRST, 7000),
    ],
)
def test_each_coupon_takes_of_what_is_left(order: StackingOrder, left: int) -> None:
    """100.00, 10.00 and 20 %: the order decides."""
    taken = discount(lines(10_000), [TEN_EUROS, TWENTY], order=order)
    assert 10_000 - taken.exact == left


def test_a_discount_ends_at_nothing() -> None:
    """What is over the amount is not taken, and nothing is taken of nothing."""
    taken = discount(lines(300, 500), [TEN_EUROS, TWENTY])
    assert taken.by_line() == {"a": 300, "b": 500}
    assert {each.coupon for each in taken.taken} == {"ten"}
    assert discount((), [TWENTY]).exact == 0


def test_a_cap_is_the_most_of_an_invoice() -> None:
    """20 % of 300.00 would be 60.00; the cap of 30.00 is spread."""
    capped = Coupon(id="capped", percent=Decimal(20), cap=eur("30"))
    assert discount(lines(10_000, 20_000), [capped]).by_line() == {"a": 1_000, "b": 2_000}
    assert discount(lines(10_000), [capped]).exact == 2_000


def test_a_coupon_can_be_for_some_prices() -> None:
    """The others keep their price."""
    only = Coupon(id="only", amount=eur("10"), applies_to=frozenset({"b", "c"}))
    assert discount(lines(1000, 1500, 500), [only]).by_line() == {"a": 0, "b": 750, "c": 250}


def test_amounts_are_for_a_whole_period() -> None:
    """In half of it, half an amount and half a cap; a percentage stays one."""
    half = Fraction(1, 2)
    assert discount(lines(4000), [TEN_EUROS], share=half).exact == 500
    assert discount(lines(4000), [TWENTY], share=half).exact == 800
    capped = Coupon(id="capped", percent=Decimal(50), cap=eur("10"))
    assert discount(lines(4000), [capped], share=half).exact == 500


START = datetime(2026, 1, 31, 9, tzinfo=UTC)
MONTH = timedelta(days=31)


def given_coupon(**options: object) -> GivenCoupon:
    """20 % off since 31 January in Berlin."""
    coupon = Coupon(id="c", percent=Decimal(20), **options)  # type: ignore[arg-type]
    return GivenCoupon(coupon=coupon, since=START, zone="Europe/Berlin")


def test_a_coupon_runs_for_its_time() -> None:
    """Three months are three months of the calendar: 30 April, and not that very instant."""
    three = given_coupon(duration=Interval(count=3, unit=Unit.MONTH))
    end = datetime(2026, 4, 30, 8, tzinfo=UTC)
    assert three.until({}) == end
    assert [three.runs(at, events={}) for at in (START, end - timedelta(seconds=1), end)] == [
        True,
        True,
        False,
    ]
    assert not three.runs(START - timedelta(seconds=1), events={})


def test_a_coupon_can_be_for_one_invoice_or_all() -> None:
    """Once is the first invoice, whenever that is."""
    once, always = given_coupon(duration=Duration.ONCE), given_coupon()
    later = START + 40 * MONTH
    assert [once.runs(later, events={}, uses=uses) for uses in (0, 1)] == [True, False]
    assert once.runs(later, events={})
    assert always.runs(later, events={}, uses=40)
    assert always.until({}) is None


def test_a_coupon_can_run_until_something_is_delivered() -> None:
    """20 % off until the promised integration is there; or until the year is over."""
    promised = given_coupon(until_event="integration_delivered", duration=Interval(unit=Unit.YEAR))
    delivered = {"integration_delivered": START + 2 * MONTH, "other": START}
    assert promised.runs(START + 3 * MONTH, events={"other": START})
    assert promised.until(delivered) == START + 2 * MONTH
    assert not promised.runs(START + 3 * MONTH, events=delivered)
    assert promised.until({"integration_delivered": START + 20 * MONTH}) == datetime(
        2027, 1, 31, 9, tzinfo=UTC
    )
    assert not promised.runs(START, events={"integration_delivered": START - MONTH})


def coupon_of(kind: tuple[bool, int, int | None, frozenset[str]]) -> Coupon:
    """A coupon in percent or in euros, with or without a cap, for some prices or all."""
    in_percent, size, cap, prices = kind
    return Coupon(
        id=f"{kind}",
        percent=Decimal(size) / 100 if in_percent else None,
        amount=None if in_percent else from_minor(size, "EUR"),
        cap=None if cap is None else from_minor(cap, "EUR"),
        applies_to=prices,
    )


prices = st.sampled_from([frozenset(named) for named in ("", "a", "bc", "abd", "e")])
caps = st.one_of(st.none(), st.integers(1, 5000))
coupons = st.tuples(st.booleans(), st.integers(1, 10_000), caps, prices).map(coupon_of)
whole_lines = st.lists(st.integers(0, 9_999), min_size=1, max_size=4).map(lambda u: lines(*u))
some_coupons = st.lists(coupons, max_size=3)


@settings(max_examples=1000)
@given(
    whole_lines, some_coupons, st.sampled_from(StackingOrder), st.sampled_from(Rounding),
    st.sampled_from(AllocationStrategy),
)  # fmt: skip
def test_a_discount_never_exceeds_its_line_and_adds_up(
    bill: tuple[DiscountLine, ...],
    given_: list[Coupon],
    order: StackingOrder,
    rounding: Rounding,
    strategy: AllocationStrategy,
) -> None:
    """Exactly and in cents: between nothing and the line, and together the whole discount."""
    taken = discount(bill, given_, order=order)
    by_line = taken.by_line()
    rounded = taken.rounded(rounding, strategy=strategy)
    for line in bill:
        assert 0 <= by_line[line.id] <= line.amount
        assert 0 <= to_minor(rounded[line.id]) <= line.amount
        assert abs(to_minor(rounded[line.id]) - by_line[line.id]) < 1
    assert sum(by_line.values()) == taken.exact
    assert abs(sum(map(to_minor, rounded.values())) - taken.exact) < 1
    if taken.exact.denominator == 1:
        assert sum(map(to_minor, rounded.values())) == taken.exact


@settings(max_examples=200)
@given(whole_lines, some_coupons, st.randoms(use_true_random=False))
def test_the_order_of_lines_has_no_influence(
    bill: tuple[DiscountLine, ...], given_: list[Coupon], random: Random
) -> None:
    """Before rounding, each line has the same discount wherever it stands."""
    shuffled = random.sample(bill, len(bill))
    assert discount(bill, given_).by_line() == discount(shuffled, given_).by_line()


@given(whole_lines, st.lists(st.decimals(1, 100, places=1), min_size=2, max_size=3))
def test_percentages_stack_in_any_order(
    bill: tuple[DiscountLine, ...], percents: list[Decimal]
) -> None:
    """They multiply."""
    stack = [Coupon(id=str(number), percent=percent) for number, percent in enumerate(percents)]
    results = [discount(bill, order).by_line() for order in permutations(stack)]
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize(
    ("make", "code", "field", "value", "remedy"),
    [
        (
            lambda: Coupon(id="c", percent=Decimal("100.01")),
            "discount.percent",
            "percent",
            "100.01",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: Coupon(id="c", percent=Decimal(0)),
            "discount.percent",
            "percent",
            "0",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: Coupon(id="c", percent=Decimal("NaN")),
            "discount.percent",
            "percent",
            "NaN",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: Coupon(id="c", percent=Decimal("1.1234567890123")),
            "discount.percent",
            "percent",
            "1.1234567890123",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: Coupon(id="c", percent=Decimal("1e-999999")),
            "discount.percent",
            "percent",
            "1E-999999",
            'pass Decimal("20") for 20 %',
        ),
        (
            lambda: Coupon(id="c", percent=0.2),  # type: ignore[arg-type]
            "price.not_exact",
            "percent",
            0.2,
            'pass a Decimal: Decimal("12.5"), never a float',
        ),
        (
            lambda: Coupon(id="c"),
            "discount.amount",
            "amount",
            None,
            "pass either percent or amount, above zero",
        ),
        (
            lambda: Coupon(id="c", percent=Decimal(1), amount=eur("1")),
            "discount.amount",
            "amount",
            None,
            "pass either percent or amount, above zero",
        ),
        (
            lambda: Coupon(id="c", amount=eur("0")),
            "discount.amount",
            "amount",
            "0.00",
            "pass either percent or amount, above zero",
        ),
        (
            lambda: Coupon(id="c", amount=eur("-5")),
            "price.negative_amount",
            "amount",
            "-5.00",
            "pass the amount without its sign; what is taken off is a Coupon",
        ),
        (
            lambda: Coupon(id="c", amount=eur("5"), cap=money("3", "USD")),
            "price.mixed_currencies",
            "cap",
            "USD",
            "make one price for each currency",
        ),
        (
            lambda: discount(lines(100), [Coupon(id="c", amount=money("1", "USD"))]),
            "discount.coupon_currency",
            "coupons",
            "USD",
            "give the customer a coupon in EUR, or one in percent",
        ),
        (
            lambda: discount(lines(1), [Coupon(id="c", percent=Decimal(1), cap=money("1", "USD"))]),
            "discount.coupon_currency",
            "coupons",
            "USD",
            "give the customer a coupon in EUR, or one in percent",
        ),
        (
            lambda: discount(
                (*lines(100), DiscountLine(id="z", price="z", currency="usd", amount=1)), []
            ),
            "discount.mixed_currencies",
            "lines",
            "USD",
            "discount the lines of each currency by themselves",
        ),
        (
            lambda: discount((*lines(100), *lines(100)), []),
            "discount.duplicate_line",
            "lines",
            "a",
            "give each line an id of its own",
        ),
        (
            lambda: discount(lines(Fraction(1, 2)), []).rounded(Rounding.HALF_UP),
            "discount.unrounded_line",
            "lines",
            "a",
            "round the lines first, or take the exact discounts off exact lines",
        ),
        (
            lambda: lines(-1),
            "price.negative_quantity",
            "amount",
            "-1",
            "pass zero or more; what is given back is a credit for what was billed",
        ),
        (
            lambda: GivenCoupon(coupon=TWENTY, since=datetime(2026, 1, 1)),
            "time.naive",
            "since",
            "2026-01-01T00:00:00",
            "give it a zone: datetime(..., tzinfo=UTC)",
        ),
        (
            lambda: GivenCoupon(coupon=TWENTY, since=START, zone="Mars/Base"),
            "time.unknown_zone",
            "zone",
            "Mars/Base",
            "use an IANA name such as Europe/Berlin (some systems need the package tzdata)",
        ),
    ],
)
def test_what_can_not_be_taken_off_is_refused(
    make: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Each refusal names what is wrong and the way out."""
    with pytest.raises(InvalidInput) as refused:
        make()
    error = refused.value
    assert (error.code, error.field, error.value, error.remedy) == (code, field, value, remedy)
