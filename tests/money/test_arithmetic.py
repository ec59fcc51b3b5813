"""Rounding, shares, splits, sums and comparisons."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import InvalidInput
from retainkit.money import (
    AllocationStrategy,
    Money,
    Rounding,
    allocate,
    allocate_units,
    compare,
    from_minor,
    money,
    round_fraction,
    rounded,
    share,
    to_minor,
    to_units,
    total,
)


LAW = settings(max_examples=1000)

CASH = money("0.05", "CHF")
WEIGHTS = st.lists(
    st.one_of(
        st.integers(0, 10**6), st.fractions(0, 1000, max_denominator=366), st.just(Fraction(0))
    ),
    min_size=1,
    max_size=12,
).filter(any)
STRATEGIES = st.sampled_from(AllocationStrategy)


@pytest.mark.parametrize(
    ("rounding", "results"),
    [
        (Rounding.HALF_UP, [3, -3, 2, -2, 4]),
        (Rounding.HALF_EVEN, [2, -2, 2, -2, 4]),
        (Rounding.HALF_DOWN, [2, -2, 2, -2, 3]),
        (Rounding.UP, [3, -3, 3, -3, 4]),
        (Rounding.DOWN, [2, -2, 2, -2, 3]),
        (Rounding.CEILING, [3, -2, 3, -2, 4]),
        (Rounding.FLOOR, [2, -3, 2, -3, 3]),
    ],
)
def test_each_rounding_goes_its_way(rounding: Rounding, results: list[int]) -> None:
    """At a half, below it, and on both sides of zero."""
    cents = ["2.5", "-2.5", "2.4", "-2.4", "3.5"]

    assert [round_fraction(Fraction(cent), rounding) for cent in cents] == results
    amounts = [Money(Decimal(cent).scaleb(-2), "EUR") for cent in cents]
    assert [to_minor(rounded(amount, rounding)) for amount in amounts] == results


@LAW
@given(
    amount=st.decimals(-(10**9), 10**9, allow_nan=False, places=6),
    rounding=st.sampled_from(Rounding),
)
def test_rounding_agrees_with_the_decimal_module(amount: Decimal, rounding: Rounding) -> None:
    """Law: each rounding is the one that the decimal module has under that name."""
    expected = amount.quantize(
        Decimal("0.01"), getattr(decimal, f"ROUND_{rounding.name}"), decimal.Context(prec=50)
    )

    assert rounded(money(amount, "EUR"), rounding).amount == expected


@pytest.mark.parametrize(
    ("amount", "cash"), [("10.02", "10.00"), ("10.025", "10.05"), ("10.03", "10.05"), ("-1", "-1")]
)
def test_cash_is_rounded_to_its_step(amount: str, cash: str) -> None:
    """In Switzerland to five centimes."""
    assert rounded(money(amount, "CHF"), Rounding.HALF_UP, step=CASH) == money(cash, "CHF")


def test_a_unit_price_is_rounded_to_a_finer_step() -> None:
    """A step may be smaller than the currency's own."""
    price = rounded(money("0.00456", "EUR"), Rounding.HALF_UP, step=money("0.0001", "EUR"))

    assert repr(price) == "Money('0.0046', 'EUR')"


def test_a_share_is_rounded_once() -> None:
    """17 of 30 days of 9.99 are 5.661: exact first, rounded after."""
    assert share(money("9.99", "EUR"), Fraction(17, 30), Rounding.HALF_UP) == money("5.66", "EUR")
    assert share(money("9.99", "EUR"), -2, Rounding.HALF_UP) == money("-19.98", "EUR")
    assert share(money("10", "CHF"), Fraction(1, 3), Rounding.UP, step=CASH) == money("3.35", "CHF")


@LAW
@given(
    units=st.integers(-(10**12), 10**12),
    portion=st.fractions(0, 1, max_denominator=31_622_400),
    rounding=st.sampled_from(Rounding),
)
def test_a_share_is_within_one_minor_unit(
    units: int, portion: Fraction, rounding: Rounding
) -> None:
    """Law: rounding moves a share by less than one minor unit."""
    assert abs(to_minor(share(from_minor(units, "EUR"), portion, rounding)) - units * portion) < 1


@pytest.mark.parametrize(
    ("total_", "weights", "strategy", "parts"),
    [
        (100, [1, 1, 1], AllocationStrategy.LARGEST_REMAINDER, (34, 33, 33)),
        (101, [1, 1, 1], AllocationStrategy.LARGEST_REMAINDER, (34, 34, 33)),
        (-101, [1, 1, 1], AllocationStrategy.LARGEST_REMAINDER, (-34, -34, -33)),
        (5, [0, 1, 0, 1], AllocationStrategy.LARGEST_REMAINDER, (0, 3, 0, 2)),
        (0, [3, 1], AllocationStrategy.LARGEST_REMAINDER, (0, 0)),
        # moneyphp and RubyMoney split so:
        (500, [1000, 2000], AllocationStrategy.LARGEST_REMAINDER, (167, 333)),
        # and so https://docs.stripe.com/billing/subscriptions/prorations (coupons), dinero.js 2:
        (500, [1000, 2000], AllocationStrategy.LARGEST_WEIGHT, (166, 334)),
        (101, [0, 1, 1, 1], AllocationStrategy.LARGEST_WEIGHT, (0, 34, 34, 33)),
        (2, [2, 1, 1], AllocationStrategy.LARGEST_WEIGHT, (1, 1, 0)),  # the first lost nothing
        (7, [Fraction(1, 3), Fraction(2, 3)], AllocationStrategy.LARGEST_REMAINDER, (2, 5)),
    ],
)
def test_what_is_left_over_goes_where_the_strategy_says(
    total_: int, weights: list[int | Fraction], strategy: AllocationStrategy, parts: tuple[int, ...]
) -> None:
    """Ties are served in order, and a credit is split as its charge was."""
    assert allocate_units(total_, weights, strategy=strategy) == parts
    split = allocate(from_minor(total_, "EUR"), weights, strategy=strategy)
    assert tuple(to_minor(part) for part in split) == parts


def test_cash_is_split_without_small_coins() -> None:
    """Ten francs among three, in steps of five centimes."""
    parts = allocate(money("10", "CHF"), [1, 1, 1], step=CASH)

    assert [str(part.amount) for part in parts] == ["3.35", "3.35", "3.30"]


@LAW
@given(
    steps=st.integers(-(10**9), 10**9),
    weights=WEIGHTS,
    step=st.sampled_from([None, CASH, money("0.0001", "CHF"), money(100, "CHF")]),
    strategy=STRATEGIES,
)
def test_a_split_keeps_the_sum(
    steps: int, weights: list[int | Fraction], step: Money | None, strategy: AllocationStrategy
) -> None:
    """Law: the parts add up, each is whole steps, within one step of its share, none for zero."""
    size = to_units(step or money("0.01", "CHF"))
    whole = share(step or money("0.01", "CHF"), steps, Rounding.HALF_UP, step=step)

    parts = allocate(whole, weights, step=step, strategy=strategy)

    assert repr(total(parts, "CHF")) == repr(whole)
    for part, weight in zip(parts, weights, strict=True):
        assert (to_units(part) / size).denominator == 1
        assert abs(to_units(part) - to_units(whole) * weight / sum(weights)) < size
        assert weight or not part


@LAW
@given(units=st.integers(0, 10**12), weights=WEIGHTS, strategy=STRATEGIES)
def test_a_split_is_the_same_on_both_sides_of_zero(
    units: int, weights: list[int | Fraction], strategy: AllocationStrategy
) -> None:
    """Law: a credit of the whole mirrors the charge of the whole, part by part."""
    charged = allocate_units(units, weights, strategy=strategy)

    assert allocate_units(-units, weights, strategy=strategy) == tuple(-unit for unit in charged)


@LAW
@given(units=st.integers(0, 10**12), weights=WEIGHTS, scale=st.fractions(Fraction(1, 100), 100))
def test_only_the_ratio_of_weights_matters(
    units: int, weights: list[int | Fraction], scale: Fraction
) -> None:
    """Law: weights in cents, in euros or in shares of one give the same parts."""
    scaled = [weight * scale for weight in weights]

    assert allocate_units(units, weights) == allocate_units(units, scaled)


def test_a_sum_is_exact_and_zero_for_nothing() -> None:
    """Also of amounts finer than the currency's minor unit."""
    assert repr(total([], "EUR")) == "Money('0.00', 'EUR')"
    assert repr(total([money("0.1", "EUR")] * 10, "eur")) == "Money('1.00', 'EUR')"
    assert total(iter([money("1e20", "EUR"), money("1e-20", "EUR")]), "EUR").amount == Decimal(
        "100000000000000000000.00000000000000000001"
    )


def test_amounts_of_one_currency_compare() -> None:
    """Less, equal however written, more."""
    assert compare(money(1, "EUR"), money("1.01", "EUR")) == -1
    assert compare(Money("1.0", "EUR"), money("1", "EUR")) == 0
    assert compare(money("0.0001", "EUR"), money("0", "EUR")) == 1


EUR, USD = money("1.234", "EUR"), money(1, "USD")


@pytest.mark.parametrize(
    ("act", "code", "field", "value", "remedy"),
    [
        (lambda: total([EUR, USD], "EUR"), "money.mixed_currencies", "items", "USD", "convert"),
        (lambda: compare(EUR, USD), "money.mixed_currencies", "right", "USD", "one currency"),
        (
            lambda: rounded(EUR, Rounding.UP, step=USD),
            "money.mixed_currencies",
            "step",
            "USD",
            "one currency",
        ),
        (
            lambda: rounded(EUR, Rounding.UP, step=money(0, "EUR")),
            "money.step",
            "step",
            "0.00",
            "smallest amount",
        ),
        (
            lambda: rounded(Money("NaN", "EUR"), Rounding.UP),
            "money.not_finite",
            "money",
            "NaN",
            "finite",
        ),
        (
            lambda: total([Money("Infinity", "EUR")], "EUR"),
            "money.not_finite",
            "items",
            "Infinity",
            "finite",
        ),
        (
            lambda: share(EUR, 0.5, Rounding.UP),  # type: ignore[arg-type]
            "money.portion",
            "portion",
            0.5,
            "Fraction(17, 30)",
        ),
        (
            lambda: share(EUR, 10**6000, Rounding.UP),
            "money.out_of_range",
            "amount",
            "1.234e+6000",
            "check the unit",
        ),
        (
            lambda: allocate(EUR, [1]),
            "money.not_a_multiple",
            "total",
            "1.234",
            "rounded(total, ...",
        ),
        (
            lambda: allocate(money("10.02", "CHF"), [1], step=CASH),
            "money.not_a_multiple",
            "total",
            "10.02",
            "step=step",
        ),
        (lambda: allocate("1", [1]), "money.not_money", "total", "1", "make one"),  # type: ignore[arg-type]
        (lambda: rounded("1", Rounding.UP), "money.not_money", "money", "1", "make one"),  # type: ignore[arg-type]
        (lambda: share("1", 1, Rounding.UP), "money.not_money", "money", "1", "make one"),  # type: ignore[arg-type]
        (lambda: allocate(USD, []), "money.weights", "weights", (), "exact weights"),
        (lambda: allocate(USD, [0, 0]), "money.weights", "weights", (0, 0), "exact weights"),
        (lambda: allocate(USD, [1, -1]), "money.weights", "weights", -1, "exact weights"),
        (lambda: allocate(USD, [0.5]), "money.weights", "weights", 0.5, "exact weights"),  # type: ignore[list-item]
        (lambda: allocate(USD, [True]), "money.weights", "weights", True, "exact weights"),
    ],
)
def test_what_can_not_be_calculated_is_refused(
    act: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Mixed currencies, floats and weights without sense have named errors."""
    with pytest.raises(InvalidInput) as caught:
        act()

    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert remedy in error.remedy
