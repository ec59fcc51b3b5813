"""Making money, its minor units, its JSON form and its text.

``tests/data/currency_exponents.csv`` holds what py-moneyed 3.0 (BSD-3-Clause), CLDR through Babel
(Unicode-3.0) and Stripe's page on currencies say about each code.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from decimal import Clamped, Context, Decimal, FloatOperation, Inexact, Rounded, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moneyed import CURRENCIES

from retainkit.errors import InvalidInput
from retainkit.money import (
    ISO,
    STRIPE,
    STRIPE_PAYOUTS,
    AllocationStrategy,
    Currency,
    Money,
    Rounding,
    UnitProfile,
    allocate,
    compare,
    currency_of,
    format_money,
    from_json,
    from_minor,
    minor_digits,
    money,
    rounded,
    share,
    to_json,
    to_minor,
    to_units,
    total,
)


EXPONENTS = Path(__file__).parents[1] / "data" / "currency_exponents.csv"
LAW = settings(max_examples=1000)

WITHOUT_MINOR_UNIT = {
    *("XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XEU", "XFO", "XFU", "XPD", "XPT", "XRE"),
    *("XSU", "XTS", "XUA", "XXX"),
}
BILLABLE = sorted(CURRENCIES.keys() - WITHOUT_MINOR_UNIT)


def exponents() -> Iterator[dict[str, str]]:
    with EXPONENTS.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@pytest.fixture
def hostile_context() -> Iterator[None]:
    """A caller whose decimals have three digits and who forbids whatever decimals can forbid."""
    traps = [Inexact, Rounded, Clamped, FloatOperation]
    with localcontext(Context(prec=3, rounding="ROUND_UP", Emin=-5, Emax=5, traps=traps)):
        yield


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("9.99", "EUR", "9.99"),
        (Decimal("9.9900"), "EUR", "9.99"),
        (Decimal("1E+3"), "EUR", "1000.00"),
        (12, "EUR", "12.00"),
        (12, "JPY", "12"),
        ("12.5", "KWD", "12.500"),
        ("0.00040", "EUR", "0.0004"),
        ("-0", "EUR", "0.00"),
        (Decimal("-0.00"), "EUR", "0.00"),
        ("-3", "EUR", "-3.00"),
        ("1.5", "JPY", "1.5"),
    ],
)
def test_equal_amounts_are_written_alike(
    amount: Decimal | int | str, currency: str, written: str
) -> None:
    """The currency's decimals at least, no zeros beyond them, nothing rounded."""
    made = money(amount, currency)

    assert (str(made.amount), made.currency.code) == (written, currency)
    assert made.amount == Decimal(amount)


def test_a_currency_is_named_in_any_case_or_given() -> None:
    """Stripe writes eur, ISO writes EUR, py-moneyed has an object."""
    assert money(1, "eur") == money(1, "EUR") == money(1, currency_of("EUR")) == Money("1", "EUR")


@pytest.mark.parametrize("code", ["XCG", "ZWG"])
def test_currencies_newer_than_py_moneyed_are_known(code: str) -> None:
    """They are found here without being written into py-moneyed's global table."""
    assert to_minor(money("1.25", code)) == 125
    assert currency_of(code).name
    assert code not in CURRENCIES


def test_iso_digits_agree_with_the_sources() -> None:
    """py-moneyed is right except where its 0 for a historic code means that it does not know."""
    for row in exponents():
        code, digits = row["code"], int(row["py_moneyed_digits"])
        if code in WITHOUT_MINOR_UNIT:
            continue
        unknown = digits == 0 and row["cldr_digits"] == "2"
        assert minor_digits(code) == (2 if unknown else digits), code


def test_stripe_digits_agree_with_its_page() -> None:
    """Among them MGA without decimals, and ISK and UGX with two."""
    for row in exponents():
        if row["code"] not in WITHOUT_MINOR_UNIT:
            assert minor_digits(row["code"], STRIPE) == int(row["stripe_digits_assumed"]), row


@pytest.mark.parametrize(
    ("amount", "currency", "profile", "units"),
    [
        ("12.34", "EUR", ISO, 1234),
        ("-12.34", "EUR", ISO, -1234),
        ("1234", "JPY", ISO, 1234),
        ("1.234", "KWD", ISO, 1234),
        ("5", "ISK", ISO, 5),
        ("5", "ISK", STRIPE, 500),
        ("5", "UGX", STRIPE, 500),
        ("5", "MGA", ISO, 500),
        ("5", "MGA", STRIPE, 5),
        ("5.12", "KWD", STRIPE, 5120),
        ("10.45", "HUF", STRIPE, 1045),
        ("10", "HUF", STRIPE_PAYOUTS, 1000),
        ("800", "TWD", STRIPE_PAYOUTS, 80000),
        ("10.45", "EUR", STRIPE_PAYOUTS, 1045),
    ],
)
def test_minor_units_are_counted_as_the_profile_counts(
    amount: str, currency: str, profile: UnitProfile, units: int
) -> None:
    """The same money is another integer for another provider, and comes back as the same money."""
    assert to_minor(money(amount, currency), profile=profile) == units

    back = from_minor(units, currency, profile=profile)
    assert repr(back) == repr(money(amount, currency))


@LAW
@given(
    units=st.integers(-(10**18), 10**18),
    currency=st.sampled_from(BILLABLE),
    profile=st.sampled_from([ISO, STRIPE, STRIPE_PAYOUTS]),
)
def test_minor_units_come_back(units: int, currency: str, profile: UnitProfile) -> None:
    """Law: to_minor undoes from_minor, for each currency and profile."""
    units *= profile.multiples.get(currency, 1)

    assert to_minor(from_minor(units, currency, profile=profile), profile=profile) == units


@LAW
@given(
    amount=st.decimals(-(10**20), 10**20, allow_nan=False, places=8),
    currency=st.sampled_from(BILLABLE),
)
def test_json_comes_back(amount: Decimal, currency: str) -> None:
    """Law: from_json undoes to_json, through real JSON, to the last decimal."""
    made = money(amount, currency)

    back = from_json(json.loads(json.dumps(to_json(made))))

    assert repr(back) == repr(made)
    assert to_units(back) == Fraction(amount) * 10 ** minor_digits(currency)


def test_json_has_strings_without_exponents() -> None:
    """A reader with floats keeps the amount, and one with a plain parser reads it."""
    assert to_json(money(Decimal("1E+3"), "JPY")) == {"amount": "1000", "currency": "JPY"}
    assert to_json(Money("12.340", "EUR")) == {"amount": "12.34", "currency": "EUR"}
    assert to_json(money("0.0000000001", "EUR"))["amount"] == "0.0000000001"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        ("1234.5", "EUR", "en", "€1,234.50"),
        ("1234.5", "EUR", "de", "1.234,50€"),
        ("1234.5", "EUR", "de-AT", "€1.234,50"),
        ("-9.99", "USD", "en_US", "-$9.99"),
        ("10.5", "RSD", "en", "RSD10.50"),
        ("10.125", "IQD", "en", "IQD10.125"),
        ("500", "JPY", "en", "¥500"),
        ("0.00045", "EUR", "en", "€0.00045"),
        ("0.125", "USD", "en_US", "$0.125"),
    ],
)
def test_text_never_drops_a_decimal(amount: str, currency: str, locale: str, text: str) -> None:
    """CLDR shows RSD and IQD without decimals, and py-moneyed rounds 0.125 to 0.12."""
    shown = format_money(money(amount, currency), locale)

    assert "".join(shown.split()) == text  # editions of CLDR differ in their spaces


@pytest.mark.usefixtures("hostile_context")
def test_nothing_depends_on_the_decimal_context() -> None:
    """Three digits, rounding up and every trap: each function gives what it always gives."""
    price = money("123456.78", "EUR")

    assert to_minor(price) == 12345678
    assert repr(from_minor(12345678, "EUR")) == "Money('123456.78', 'EUR')"
    assert repr(from_minor(12345678, "MGA", profile=STRIPE)) == "Money('12345678.00', 'MGA')"
    assert to_json(price) == {"amount": "123456.78", "currency": "EUR"}
    assert from_json(to_json(price)) == price
    assert format_money(price, "en") == "€123,456.78"
    assert repr(rounded(money("123456.785", "EUR"), Rounding.HALF_EVEN)) == repr(price)
    assert repr(share(price, Fraction(1, 3), Rounding.DOWN)) == "Money('41152.26', 'EUR')"
    assert repr(total([price, price], "EUR")) == "Money('246913.56', 'EUR')"
    assert compare(price, money("123456.79", "EUR")) == -1
    parts = allocate(price, [1, 1], strategy=AllocationStrategy.LARGEST_WEIGHT)
    assert [part.amount.as_tuple().digits for part in parts] == [(6, 1, 7, 2, 8, 3, 9)] * 2
    with pytest.raises(InvalidInput) as caught:
        money("9,99", "EUR")
    assert caught.value.code == "money.not_a_number"


def mutated() -> Money:
    made = money(5, "EUR")
    made.amount = 5.5  # type: ignore[misc,assignment]  # py-moneyed lets it happen
    return made


@pytest.mark.parametrize(
    ("act", "code", "field", "value", "remedy"),
    [
        (lambda: money(9.99, "EUR"), "money.float", "amount", 9.99, "pass a string"),  # type: ignore[arg-type]
        (lambda: money(True, "EUR"), "money.not_a_number", "amount", True, "pass a Decimal"),
        (lambda: money(None, "EUR"), "money.not_a_number", "amount", None, "pass a Decimal"),  # type: ignore[arg-type]
        (lambda: money("9,99", "EUR"), "money.not_a_number", "amount", "9,99", "decimal point"),
        (lambda: money("NaN", "EUR"), "money.not_finite", "amount", "NaN", "finite number"),
        (
            lambda: money(Decimal("-Infinity"), "EUR"),
            "money.not_finite",
            "amount",
            "-Infinity",
            "finite number",
        ),
        (
            lambda: money("1e999999", "EUR"),
            "money.out_of_range",
            "amount",
            "1.000e+999999",
            "check the unit",
        ),
        (lambda: money("1e-31", "EUR"), "money.out_of_range", "amount", "1.000e-31", "check"),
        (lambda: money(10**30, "EUR"), "money.out_of_range", "amount", "1.000e+30", "check"),
        (
            lambda: from_minor(10**5000, "EUR"),
            "money.out_of_range",
            "units",
            "1.000e+5000",
            "check the unit",
        ),
        (lambda: from_minor(1.0, "EUR"), "money.not_an_integer", "units", 1.0, "pass an int"),  # type: ignore[arg-type]
        (lambda: from_minor(True, "EUR"), "money.not_an_integer", "units", True, "pass an int"),
        (lambda: money(1, "EURO"), "money.unknown_currency", "currency", "EURO", "ISO 4217"),
        (lambda: money(1, None), "money.unknown_currency", "currency", None, "ISO 4217"),  # type: ignore[arg-type]
        (lambda: money(1, "XAU"), "money.no_minor_unit", "currency", "XAU", "people pay with"),
        (
            lambda: to_minor(money("10.019", "EUR")),
            "money.fraction_of_minor_unit",
            "money",
            "10.019",
            "rounded(money, Rounding.HALF_UP)",
        ),
        (
            lambda: to_minor(money("10.50", "MGA"), profile=STRIPE),
            "money.fraction_of_minor_unit",
            "money",
            "10.50",
            "round it first",
        ),
        (
            lambda: to_minor(money("5.5", "ISK"), profile=STRIPE),
            "money.not_a_multiple",
            "money",
            "5.5",
            "round it to 1",
        ),
        (
            lambda: to_minor(money("5.124", "KWD"), profile=STRIPE),
            "money.not_a_multiple",
            "money",
            "5.124",
            "round it to 0.010",
        ),
        (
            lambda: to_minor(money("10.45", "HUF"), profile=STRIPE_PAYOUTS),
            "money.not_a_multiple",
            "money",
            "10.45",
            "round it to 1.00",
        ),
        (lambda: to_minor("9.99"), "money.not_money", "money", "9.99", "make one with"),  # type: ignore[arg-type]
        (lambda: to_minor(mutated()), "money.not_a_number", "money", 5.5, "pass a Decimal"),
        (
            lambda: to_json(Money("NaN", "EUR")),
            "money.not_finite",
            "money",
            "NaN",
            "finite number",
        ),
        (lambda: from_json(None), "money.json", "data", None, '{"amount": "12.34"'),
        (
            lambda: from_json({"amount": 1, "currency": "EUR"}),
            "money.json",
            "data",
            {"amount": 1, "currency": "EUR"},
            "both strings",
        ),
        (
            lambda: from_json({"amount": "1", "currency": "EUR", "tax": "0"}),
            "money.json",
            "data",
            {"amount": "1", "currency": "EUR", "tax": "0"},
            "both strings",
        ),
        (
            lambda: format_money(money(1, "EUR"), "tlh_XX"),
            "money.unknown_locale",
            "locale",
            "tlh_XX",
            "en_US or de",
        ),
        (
            lambda: format_money(money(1, "EUR"), ""),
            "money.unknown_locale",
            "locale",
            "",
            "en_US or de",
        ),
    ],
)
def test_what_is_no_money_is_refused(
    act: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Each wrong value has its own error, which says what is wrong and the way out."""
    with pytest.raises(InvalidInput) as caught:
        act()

    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert remedy in error.remedy


def test_a_currency_object_is_taken_as_it_is() -> None:
    """A host may bill in a currency that no list has, with two decimals."""
    points = Currency("PTS", sub_unit=100, name="Points", countries=[])

    assert to_minor(money("1.50", points)) == 150
