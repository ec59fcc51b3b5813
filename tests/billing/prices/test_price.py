"""What a quantity costs: schemes, tiers, included units, minimums, and shares of a period."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.billing.prices import (
    Charge,
    Flat,
    Graduated,
    Package,
    PartKind,
    PerUnit,
    Price,
    Scheme,
    Tier,
    Usage,
    Volume,
)
from retainkit.errors import InvalidInput
from retainkit.money import Money, Rounding, from_minor, money, to_units
from retainkit.timing import Interval, Unit


MONTH = Interval(unit=Unit.MONTH)


def eur(amount: str) -> Money:
    """So many euros."""
    return money(amount, "EUR")


def price(scheme: Scheme, **options: Any) -> Price:
    """A monthly price in euros."""
    return Price(**{"id": "p", "currency": "EUR", "scheme": scheme, "interval": MONTH} | options)


BANDS = (
    Tier(up_to=100, unit=eur("1.00")),
    Tier(above=100, up_to=500, unit=eur("0.80"), flat=eur("10")),
    Tier(above=500, unit=eur("0.50")),
)


@pytest.mark.parametrize(
    ("scheme", "quantity", "amount"),
    [
        (Flat(amount=eur("49")), 0, "49.00"),
        (Flat(amount=eur("49")), 7, "49.00"),
        (PerUnit(amount=eur("12")), 0, "0.00"),
        (PerUnit(amount=eur("12")), 7, "84.00"),
        (PerUnit(amount=eur("0.0004")), 12_345, "4.94"),
        (PerUnit(amount=eur("2")), Fraction(5, 2), "5.00"),
        (Package(amount=eur("20"), size=1000), 0, "0.00"),
        (Package(amount=eur("20"), size=1000), 1, "20.00"),
        (Package(amount=eur("20"), size=1000), 1000, "20.00"),
        (Package(amount=eur("20"), size=1000), 1001, "40.00"),
        (Graduated(tiers=BANDS), 0, "0.00"),
        (Graduated(tiers=BANDS), 100, "100.00"),
        (Graduated(tiers=BANDS), 101, "110.80"),
        (Graduated(tiers=BANDS), 600, "480.00"),
        (Volume(tiers=BANDS), 0, "0.00"),
        (Volume(tiers=BANDS), 100, "100.00"),
        (Volume(tiers=BANDS), 101, "90.80"),
        (Volume(tiers=BANDS), 600, "300.00"),
    ],
)
def test_a_scheme_counts(scheme: Scheme, quantity: int | Fraction, amount: str) -> None:
    """Each scheme at nothing, at its limits, and past them."""
    charge = price(scheme).charge(quantity)
    assert charge.amount(Rounding.HALF_UP) == eur(amount)


def test_a_charge_says_how_it_came_about() -> None:
    """Included units, each tier's units and fees, in their order; the sum is the amount."""
    charge = price(Graduated(tiers=BANDS), included=10).charge(600)
    told = [(part.kind, part.tier, part.quantity, part.exact) for part in charge.parts]
    assert told == [  # type: ignore[comparison-overlap] # an int equals its Fraction
        (PartKind.INCLUDED, None, 10, 0),
        (PartKind.TIER_UNITS, 1, 100, 10_000),
        (PartKind.TIER_UNITS, 2, 400, 32_000),
        (PartKind.TIER_FLAT, 2, 1, 1_000),
        (PartKind.TIER_UNITS, 3, 90, 4_500),
    ]
    assert charge.exact == sum(part.exact for part in charge.parts) == 47_500
    assert all(to_units(part.unit) * part.quantity == part.exact for part in charge.parts)


def test_the_fee_of_the_first_tier_is_due_for_nothing_too() -> None:
    """Zero is in the first band; the fee of another is due once it is reached."""
    tiers = (Tier(up_to=10, flat=eur("5")), Tier(flat=eur("7"), unit=eur("1")))
    for scheme in (Graduated(tiers=tiers), Volume(tiers=tiers)):
        assert price(scheme).charge(0).exact == 500
    assert price(Graduated(tiers=tiers)).charge(11).exact == 500 + 700 + 100
    assert price(Volume(tiers=tiers)).charge(11).exact == 700 + 1100


def test_a_minimum_is_filled_up() -> None:
    """What is missing is a part of its own; above the minimum there is none."""
    usage = price(PerUnit(amount=eur("1")), usage=Usage.METERED, minimum=eur("20"))
    short = usage.charge(5)
    assert short.exact == 2_000
    assert [(part.kind, int(part.exact)) for part in short.parts] == [
        (PartKind.UNITS, 500),
        (PartKind.MINIMUM, 1_500),
    ]
    assert [part.kind for part in usage.charge(20).parts] == [PartKind.UNITS]
    assert usage.charge(0, share=Fraction(1, 2)).exact == 1_000
    assert usage.charge(Fraction(19_995, 1000)).exact == 2_000  # half a cent is filled up too


def test_a_share_of_a_licence_is_a_share_of_all() -> None:
    """Seats are a level: what they cost in a month is charged for the share, included seats too."""
    seats = price(Graduated(tiers=BANDS), included=5)
    whole = seats.charge(205)
    assert seats.charge(205, share=Fraction(17, 30)).exact == whole.exact * Fraction(17, 30)
    for options in ({"prorate_included": True}, {"prorate_tiers": True}):
        assert seats.charge(205, share=Fraction(1, 3), **options).exact == whole.exact / 3


def test_a_share_of_a_meter_is_what_was_used() -> None:
    """Units used in half a month cost what they cost; fees are halved, the rest as is asked."""
    meter = price(
        Graduated(tiers=(Tier(up_to=100, unit=eur("1"), flat=eur("30")), Tier(unit=eur("0.5")))),
        usage=Usage.METERED,
        included=20,
    )
    half = Fraction(1, 2)
    assert meter.charge(100, share=half).exact == 80_00 + 15_00
    assert meter.charge(100, share=half, prorate_included=True).exact == 90_00 + 15_00
    assert meter.charge(100, share=half, prorate_tiers=True).exact == 50_00 + 15_00 + 15_00
    assert meter.charge(300, share=Fraction(3, 2), prorate_tiers=True).exact == 21_500 + 4_500


def test_a_one_off_fee_has_no_share() -> None:
    """What is charged once is charged whole."""
    setup = price(Flat(amount=eur("500")), interval=None)
    assert setup.charge(1, share=Fraction(1, 30)).exact == 50_000


def test_a_currency_has_its_own_minor_units() -> None:
    """Exact amounts are counted in them: yen have none, dinars a thousand."""
    yen = Price(id="y", currency="jpy", scheme=Flat(amount=money("980", "JPY")), interval=MONTH)
    assert (yen.currency, int(yen.charge(1).exact)) == ("JPY", 980)
    dinar = Price(id="d", currency="KWD", scheme=Flat(amount=money("1.5", "KWD")), interval=MONTH)
    assert dinar.charge(1, share=Fraction(1, 2)).amount(Rounding.HALF_UP) == money("0.75", "KWD")


units = st.integers(0, 10_000).map(lambda minor: from_minor(minor, "EUR"))
quantities = st.one_of(
    st.integers(0, 3_000), st.fractions(min_value=0, max_value=3_000, max_denominator=100)
)


@st.composite
def tiers(draw: st.DrawFn, *, fees: bool = True) -> tuple[Tier, ...]:
    """Up to five tiers with unit prices from zero up."""
    limits = sorted(draw(st.sets(st.integers(1, 2_000), max_size=4)))
    fee = st.one_of(st.none(), units) if fees else st.none()
    return tuple(Tier(up_to=limit, unit=draw(units), flat=draw(fee)) for limit in [*limits, None])


def _exact(charge: Charge) -> Fraction:
    assert charge.exact == sum((part.exact for part in charge.parts), Fraction(0))
    return charge.exact


@given(tiers(), quantities, quantities)
def test_graduated_never_falls(bands: tuple[Tier, ...], one: Fraction, other: Fraction) -> None:
    """More never costs less."""
    graduated = price(Graduated(tiers=bands))
    less, more = sorted((one, other))
    assert _exact(graduated.charge(less)) <= _exact(graduated.charge(more))


@given(tiers(fees=False), quantities, st.fractions(0, 1, max_denominator=1000))
def test_graduated_does_not_jump(
    bands: tuple[Tier, ...], quantity: Fraction, step: Fraction
) -> None:
    """Without fees, a step costs at most the step at the dearest unit price, limits and all."""
    graduated = price(Graduated(tiers=bands))
    dearest = max(to_units(tier.unit) for tier in bands if tier.unit is not None)
    rise = _exact(graduated.charge(quantity + step)) - _exact(graduated.charge(quantity))
    assert 0 <= rise <= step * dearest


@given(tiers(), quantities)
def test_volume_is_its_tier(bands: tuple[Tier, ...], quantity: Fraction) -> None:
    """The whole quantity costs what the one tier says that it is in."""
    tier = next(tier for tier in bands if tier.up_to is None or quantity <= tier.up_to)
    alone = price(Volume(tiers=(Tier(unit=tier.unit, flat=tier.flat),)))
    charge = price(Volume(tiers=bands)).charge(quantity)
    assert _exact(charge) == _exact(alone.charge(quantity))
    assert {part.tier for part in charge.parts} == {bands.index(tier) + 1}


@given(tiers(), quantities, st.integers(0, 100), st.fractions(0, 2, max_denominator=366))
def test_the_shares_of_a_licence_add_up(
    bands: tuple[Tier, ...], quantity: Fraction, included: int, share: Fraction
) -> None:
    """Before rounding, a part and the rest of a period cost what the whole does."""
    for scheme in (Graduated(tiers=bands), Volume(tiers=bands)):
        seats = price(scheme, included=included, minimum=eur("3"))
        whole = _exact(seats.charge(quantity, share=2))
        part, rest = seats.charge(quantity, share=share), seats.charge(quantity, share=2 - share)
        assert _exact(part) + _exact(rest) == whole


@pytest.mark.parametrize(
    ("make", "code", "field", "value", "remedy"),
    [
        (
            lambda: PerUnit(amount=eur("-1")),
            "price.negative_amount",
            "amount",
            "-1.00",
            "pass the amount without its sign; what is taken off is a Coupon",
        ),
        (
            lambda: Flat(amount=9.99),  # type: ignore[arg-type]
            "money.not_money",
            "money",
            9.99,
            'make one with money("9.99", "EUR")',
        ),
        (
            lambda: Package(amount=eur("1"), size=0),
            "price.not_whole",
            "size",
            0,
            "pass an int of 1 or more",
        ),
        (
            lambda: Tier(up_to=10),
            "price.tier_without_price",
            "unit",
            None,
            'give it a unit or a flat price; for a free one, money("0", "EUR")',
        ),
        (
            lambda: Tier(up_to=2.5, unit=eur("1")),  # type: ignore[arg-type]
            "price.not_whole",
            "up_to",
            2.5,
            "pass an int of 1 or more",
        ),
        (
            lambda: Tier(above=-1, unit=eur("1")),
            "price.not_whole",
            "above",
            -1,
            "pass an int of 0 or more",
        ),
        (
            lambda: Tier(unit=eur("1"), flat=money("1", "USD")),
            "price.mixed_currencies",
            "flat",
            "USD",
            "make one price for each currency",
        ),
        (
            lambda: Graduated(tiers=()),
            "price.no_tiers",
            "tiers",
            (),
            "pass one tier or more; the last without up_to",
        ),
        (
            lambda: Graduated(tiers=(Tier(up_to=10, unit=eur("1")), Tier(up_to=10, unit=eur("1")))),
            "price.tiers_overlap",
            "tiers",
            [None, 10],
            "let each tier end above the one before; only the last has no up_to",
        ),
        (
            lambda: Volume(tiers=(Tier(unit=eur("1")), Tier(up_to=10, unit=eur("1")))),
            "price.tiers_overlap",
            "tiers",
            [None, 10],
            "let each tier end above the one before; only the last has no up_to",
        ),
        (
            lambda: Volume(tiers=(Tier(up_to=100, unit=eur("1")), Tier(above=99, unit=eur("1")))),
            "price.tiers_overlap",
            "tiers",
            [99, None],
            "let each tier end above the one before; only the last has no up_to",
        ),
        (
            lambda: Volume(tiers=(Tier(up_to=100, unit=eur("1")), Tier(above=101, unit=eur("1")))),
            "price.tiers_gap",
            "tiers",
            [100, 101],
            "let each tier start where the one before ends; leave up_to out in the last",
        ),
        (
            lambda: Graduated(tiers=(Tier(up_to=500, unit=eur("1")),)),
            "price.tiers_gap",
            "tiers",
            [500, None],
            "let each tier start where the one before ends; leave up_to out in the last",
        ),
        (
            lambda: Graduated(tiers=(Tier(above=1, unit=eur("1")),)),
            "price.tiers_gap",
            "tiers",
            [0, 1],
            "let each tier start where the one before ends; leave up_to out in the last",
        ),
        (
            lambda: Graduated(tiers=(Tier(up_to=5, unit=eur("1")), Tier(unit=money("1", "USD")))),
            "price.mixed_currencies",
            "tiers",
            "USD",
            "make one price for each currency",
        ),
        (
            lambda: price(Volume(tiers=(Tier(unit=money("1", "USD")),))),
            "price.mixed_currencies",
            "tiers",
            "USD",
            "make one price for each currency",
        ),
        (
            lambda: price(Flat(amount=money("1", "USD"))),
            "price.mixed_currencies",
            "amount",
            "USD",
            "make one price for each currency",
        ),
        (
            lambda: price(Flat(amount=eur("1")), minimum=money("1", "USD")),
            "price.mixed_currencies",
            "minimum",
            "USD",
            "make one price for each currency",
        ),
        (
            lambda: price(Flat(amount=eur("1")), minimum=eur("-1")),
            "price.negative_amount",
            "minimum",
            "-1.00",
            "pass the amount without its sign; what is taken off is a Coupon",
        ),
        (
            lambda: price(Flat(amount=eur("1")), included=-1),
            "price.not_whole",
            "included",
            -1,
            "pass an int of 0 or more",
        ),
        (
            lambda: price("flat"),  # type: ignore[arg-type]
            "price.scheme",
            "scheme",
            "flat",
            "pass a Flat, PerUnit, Package, Graduated or Volume",
        ),
        (
            lambda: price(Flat(amount=eur("1"))).charge(-1),
            "price.negative_quantity",
            "quantity",
            "-1",
            "pass zero or more; what is given back is a credit for what was billed",
        ),
        (
            lambda: price(Flat(amount=eur("1"))).charge(1.5),  # type: ignore[arg-type]
            "price.not_exact",
            "quantity",
            1.5,
            "pass an int or a Fraction: Fraction(5, 2), never a float",
        ),
        (
            lambda: price(Flat(amount=eur("1"))).charge(True),
            "price.not_exact",
            "quantity",
            True,
            "pass an int or a Fraction: Fraction(5, 2), never a float",
        ),
        (
            lambda: price(Flat(amount=eur("1"))).charge(1, share=0.5),  # type: ignore[arg-type]
            "price.not_exact",
            "share",
            0.5,
            "pass an int or a Fraction: Fraction(5, 2), never a float",
        ),
        (
            lambda: price(Flat(amount=eur("1"))).charge(1, share=Fraction(-1, 2)),
            "price.share",
            "share",
            "-1/2",
            "pass zero or more, such as Fraction(17, 30)",
        ),
    ],
)
def test_what_is_no_price_is_refused(
    make: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Each refusal names what is wrong and the way out."""
    with pytest.raises(InvalidInput) as refused:
        make()
    error = refused.value
    assert (error.code, error.field, error.value, error.remedy) == (code, field, value, remedy)
