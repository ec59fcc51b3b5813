"""One-off fees, units that count, and the ways to pay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.billing.prices import (
    ActiveUnits,
    FeeState,
    FeeStatus,
    Flat,
    OneOffFee,
    PaymentOffer,
    PaymentOption,
    PerUnit,
    Price,
    UnitUse,
    Usage,
)
from retainkit.errors import InvalidInput, NotFound, Refused, RetainkitError
from retainkit.money import Rounding, money
from retainkit.timing import Interval, Unit


MONTH, YEAR = Interval(unit=Unit.MONTH), Interval(unit=Unit.YEAR)
SETUP = Price(id="setup", currency="EUR", scheme=Flat(amount=money("500", "EUR")), interval=None)
ORDERED = datetime(2026, 1, 31, 9, tzinfo=UTC)


def flat(price_id: str, amount: str, interval: Interval = MONTH, currency: str = "EUR") -> Price:
    """A flat price."""
    amount_of = money(amount, currency)
    return Price(id=price_id, currency=currency, scheme=Flat(amount=amount_of), interval=interval)


def status(fee: OneOffFee, at: datetime, *, paid_before: bool = False) -> FeeStatus:
    """Where a fee ordered on 31 January stands."""
    return fee.status(ordered_at=ORDERED, at=at, zone="UTC", paid_before=paid_before)


def test_a_one_off_fee_is_due_with_the_order() -> None:
    """At once, unless it was put off."""
    assert status(OneOffFee(price=SETUP), ORDERED) == FeeStatus(state=FeeState.DUE, due_at=ORDERED)


def test_a_one_off_fee_can_be_put_off() -> None:
    """By a month: from 31 January to 28 February."""
    fee = OneOffFee(price=SETUP, deferred_by=MONTH)
    due_at = datetime(2026, 2, 28, 9, tzinfo=UTC)
    before = status(fee, due_at - timedelta(seconds=1))
    assert before == FeeStatus(state=FeeState.DEFERRED, due_at=due_at)
    assert status(fee, due_at) == FeeStatus(state=FeeState.DUE, due_at=due_at)


def test_who_comes_back_in_time_does_not_pay_the_fee_again() -> None:
    """Before the date, and only who has paid it once."""
    fee = OneOffFee(price=SETUP, waived_before=ORDERED + timedelta(seconds=1))
    assert status(fee, ORDERED, paid_before=True) == FeeStatus(state=FeeState.WAIVED, due_at=None)
    assert status(fee, ORDERED).state is FeeState.DUE
    late = OneOffFee(price=SETUP, waived_before=ORDERED)
    assert status(late, ORDERED, paid_before=True).state is FeeState.DUE
    assert status(OneOffFee(price=SETUP), ORDERED, paid_before=True).state is FeeState.DUE


USERS = (
    UnitUse(id="ada", actions=12, role="editor"),
    UnitUse(id="ben", actions=0, role="editor"),
    UnitUse(id="cem", actions=2, role="editor"),
    UnitUse(id="dua", actions=99, role="viewer"),
    UnitUse(id="eli", actions=None, role="editor"),
    UnitUse(id="fay", actions=0, role="editor", paid=False),
)


def test_only_active_units_are_charged() -> None:
    """Passive paid seats are named; who nothing is known of is neither charged nor called so."""
    count = ActiveUnits(least_actions=3, roles={"editor"}).count(USERS)
    assert (count.active, count.passive, count.unknown) == (("ada",), ("ben", "cem"), ("eli",))
    price = Price(
        id="active",
        currency="EUR",
        scheme=PerUnit(amount=money("7", "EUR")),
        interval=MONTH,
        usage=Usage.METERED,
    )
    assert price.charge(count.quantity).amount(Rounding.HALF_UP) == money("7", "EUR")


def test_as_many_actions_as_asked_for_are_enough() -> None:
    """Two of two; one less is passive."""
    assert ActiveUnits(least_actions=2).count([USERS[2]]).active == ("cem",)
    assert ActiveUnits(least_actions=3).count([USERS[2]]).passive == ("cem",)


def test_every_role_counts_unless_some_are_named() -> None:
    """And one action is enough unless more are asked for."""
    count = ActiveUnits().count(USERS)
    assert count.active == ("ada", "cem", "dua")
    assert ActiveUnits().count([UnitUse(id="once", actions=1)]).quantity == 1


@given(st.permutations(USERS), st.integers(1, 20))
def test_each_unit_is_counted_once_in_any_order(units: list[UnitUse], least: int) -> None:
    """No unit is in two lists, and the order of the units has no influence."""
    count = ActiveUnits(least_actions=least).count(units)
    named = [*count.active, *count.passive, *count.unknown]
    assert sorted(named) == sorted(set(named))
    assert {unit.id for unit in USERS} - set(named) <= {"fay"}
    assert count == ActiveUnits(least_actions=least).count(USERS)


OFFER = PaymentOffer.of(
    [flat("month", "10"), flat("year", "100", YEAR)], ["card", "sepa_debit", "invoice"]
)


def test_ways_to_pay_are_offered_with_their_price() -> None:
    """How often matters to the price; how never does."""
    shown = [
        (option.method, option.price.id, option.amount(1, Rounding.HALF_UP).amount)
        for option in OFFER.options
    ]
    assert shown == [  # type: ignore[comparison-overlap] # an int equals its Decimal
        ("card", "month", 10),
        ("sepa_debit", "month", 10),
        ("invoice", "month", 10),
        ("card", "year", 100),
        ("sepa_debit", "year", 100),
        ("invoice", "year", 100),
    ]
    (chosen,) = OFFER.choose("sepa_debit", YEAR)
    assert chosen.price.id == "year"


def test_components_may_be_listed_in_any_order() -> None:
    """What counts is that each method has the same ones, whatever their ids."""
    base, seats = flat("base", "10"), flat("seats", "5")
    for cards in permutations([base, seats]):
        options = [PaymentOption(method="card", price=price) for price in cards]
        options += [PaymentOption(method="sepa", price=flat(f"s{n}", n)) for n in ("10", "5")]
        offer = PaymentOffer(options=tuple(options))
        assert len(offer.choose("sepa", MONTH)) == 2


def test_a_currency_has_a_price_of_its_own() -> None:
    """A method that is for another currency only is no surcharge."""
    offer = PaymentOffer(
        options=(
            PaymentOption(method="sepa", price=flat("e", "10")),
            PaymentOption(method="ach", price=flat("u", "12", currency="USD")),
        )
    )
    assert len(offer.options) == 2


def _offer(*ways: tuple[str, Price]) -> PaymentOffer:
    return PaymentOffer(
        options=tuple(PaymentOption(method=method, price=price) for method, price in ways)
    )


@pytest.mark.parametrize(
    ("make", "error_type", "code", "field", "value", "remedy"),
    [
        (
            lambda: OneOffFee(price=flat("p", "1")),
            InvalidInput,
            "fee.recurring",
            "price",
            "p",
            "make a price with interval=None",
        ),
        (
            lambda: OneOffFee(price=SETUP, waived_before=datetime(2026, 1, 1)),
            InvalidInput,
            "time.naive",
            "waived_before",
            "2026-01-01T00:00:00",
            "give it a zone: datetime(..., tzinfo=UTC)",
        ),
        (
            lambda: ActiveUnits(least_actions=0),
            InvalidInput,
            "price.not_whole",
            "least_actions",
            0,
            "pass an int of 1 or more",
        ),
        (
            lambda: UnitUse(id="a", actions=-1),
            InvalidInput,
            "price.not_whole",
            "actions",
            -1,
            "pass an int of 0 or more",
        ),
        (
            lambda: ActiveUnits().count([USERS[0], USERS[0]]),
            InvalidInput,
            "usage.duplicate_unit",
            "units",
            "ada",
            "add up the actions of each unit first",
        ),
        (
            lambda: _offer(("sepa", flat("p", "10")), ("card", flat("q", "10.30"))),
            Refused,
            "payment.surcharge",
            "options",
            "card",
            "offer every method at the same price for the same interval",
        ),
        (
            lambda: _offer(
                ("sepa", flat("p", "10")), ("card", flat("p", "10")), ("card", flat("fee", "0.30"))
            ),
            Refused,
            "payment.surcharge",
            "options",
            "card",
            "offer every method at the same price for the same interval",
        ),
        (
            lambda: OFFER.choose("cheque", YEAR),
            NotFound,
            "payment.not_offered",
            "method",
            "cheque",
            "choose one of the options",
        ),
    ],
)
def test_what_can_not_be_agreed_is_refused(
    *,
    make: Callable[[], object],
    error_type: type[RetainkitError],
    code: str,
    field: str,
    value: object,
    remedy: str,
) -> None:
    """Each refusal names what is wrong and the way out."""
    with pytest.raises(error_type) as refused:
        make()
    error = refused.value
    assert (error.code, error.field, error.value, error.remedy) == (code, field, value, remedy)
