"""Where tax is rounded: examples in cents, and the laws that hold for any lines."""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.billing.tax import (
    Buyer,
    InclusiveRounding,
    NationalCurrency,
    Rate,
    RateTable,
    Seller,
    TaxableLine,
    TaxBehavior,
    TaxLevel,
    TaxQuote,
    TaxRequest,
    TaxRounding,
    calculate,
    in_national_currency,
    national_currency,
    quote_of,
    shipped_rates,
)
from retainkit.money import Rounding, from_minor, money, to_minor, to_units, total


DAY = date(2026, 11, 22)
PERCENTS = ("0", "2.1", "4", "5.5", "7", "8.1", "15", "19", "20", "25.5")
TABLE = RateTable(
    rates=tuple(
        Rate(
            country="DE",
            category=percent,
            rate=Fraction(percent) / 100,
            valid_from=DAY,
            source="a test",
        )
        for percent in PERCENTS
    ),
    data_as_of=DAY,
)


def line(id: str, amount: str, percent: str = "19", *, gross: bool = False) -> TaxableLine:
    return TaxableLine(
        id=id,
        amount=money(amount, "EUR"),
        behavior=TaxBehavior.INCLUSIVE if gross else TaxBehavior.EXCLUSIVE,
        category=percent,
    )


def quote(
    *lines: TaxableLine,
    level: TaxLevel = TaxLevel.RATE_GROUP,
    inclusive: InclusiveRounding = InclusiveRounding.NET,
    mode: Rounding = Rounding.HALF_UP,
) -> TaxQuote:
    request = TaxRequest(
        currency="EUR",
        seller=Seller(country="DE"),
        buyer=Buyer(country="DE"),
        tax_point=DAY,
        lines=lines,
        rounding=TaxRounding(level=level, inclusive=inclusive, mode=mode),
    )
    return calculate(request, TABLE)


def test_fifty_lines_differ_by_where_they_are_rounded() -> None:
    """50 lines of 241.67 at 20 %: 2,416.50 line by line, 2,416.70 for the rate."""
    lines = [line(str(number), "241.67", "20") for number in range(50)]
    assert quote(*lines, level=TaxLevel.LINE).total_tax == money("2416.50", "EUR")
    assert quote(*lines).total_tax == money("2416.70", "EUR")
    assert quote(*lines, level=TaxLevel.INVOICE).total_tax == money("2416.70", "EUR")


def test_a_group_tax_is_shared_among_its_lines() -> None:
    """What the lines show adds up to what is owed; who lost most by rounding gets the cent."""
    found = quote(line("a", "0.03"), line("b", "0.03"), line("c", "0.02"))
    assert found.total_tax == money("0.02", "EUR")
    assert [to_minor(each.tax) for each in found.lines] == [1, 1, 0]


@pytest.mark.parametrize(
    ("inclusive", "net", "tax"),
    [(InclusiveRounding.NET, "2.88", "0.11"), (InclusiveRounding.TAX, "2.87", "0.12")],
)
def test_a_gross_price_in_both_conventions(
    inclusive: InclusiveRounding, net: str, tax: str
) -> None:
    """2.99 at 4 %: 2.875 and 0.115; no cent more or less than the buyer saw."""
    found = quote(line("a", "2.99", "4", gross=True), inclusive=inclusive)
    assert (found.total_net, found.total_tax) == (money(net, "EUR"), money(tax, "EUR"))
    assert found.total_gross == money("2.99", "EUR")


def test_a_gross_price_that_no_net_gives_is_a_finding() -> None:
    """2.88 at 4 % is 0.12, not 0.11: EN 16931 would want a rounding amount (BT-114)."""
    found = quote(line("a", "2.99", "4", gross=True))
    assert [finding.key for finding in found.findings] == ["tax.not_net_times_rate"]
    assert found.findings[0].values == {
        "category": "S",
        "rate": "4 %",
        "tax": "0.11 EUR",
        "by_rule": "0.12 EUR",
    }


def test_exact_amounts_are_kept_until_the_sum_of_the_invoice() -> None:
    """348.35 x 16 less 4 % is 5,350.656: 6,527.80 at once, 6,527.81 in steps."""
    exact = line("a", "5350.656", "7")
    assert quote(exact, level=TaxLevel.INVOICE).total_net == money("5350.66", "EUR")
    parts = [line(str(number), "0.004", "19") for number in range(3)]
    assert quote(*parts, level=TaxLevel.INVOICE).total_net == money("0.01", "EUR")
    assert quote(*parts).total_net == money(0, "EUR")


def test_each_rate_has_its_group_in_the_order_of_its_first_line() -> None:
    """As an invoice lists them."""
    found = quote(line("a", "10", "7"), line("b", "10", "19"), line("c", "5", "7"))
    assert [(group.rate, group.net) for group in found.groups] == [
        (Fraction(7, 100), money("15.00", "EUR")),
        (Fraction(19, 100), money("10.00", "EUR")),
    ]


def test_no_lines_are_no_tax() -> None:
    """An empty invoice is known to be zero."""
    found = quote()
    assert (found.lines, found.total_gross) == ((), money(0, "EUR"))


def test_the_tax_in_the_sellers_currency() -> None:
    """Art. 230: a Polish seller who bills in euros states the VAT in zloty."""
    request = TaxRequest(
        currency="EUR",
        seller=Seller(country="PL"),
        buyer=Buyer(country="PL"),
        tax_point=DAY,
        lines=(TaxableLine(id="a", amount=money("99.99", "EUR")),),
    )
    silent = calculate(request, shipped_rates())
    assert [finding.key for finding in silent.findings] == ["tax.national_currency_missing"]
    assert silent.findings[0].values == {"currency": "PLN"}
    national = NationalCurrency(currency="PLN", rate=Decimal("4.2567"), source="ECB 2026-11-20")
    stated = calculate(
        TaxRequest(
            currency="EUR",
            seller=request.seller,
            buyer=request.buyer,
            tax_point=DAY,
            lines=request.lines,
            national=national,
        ),
        shipped_rates(),
    )
    assert stated.total_tax == money("23.00", "EUR")
    assert stated.national_tax == money("97.90", "PLN")
    assert stated.findings == ()


@pytest.mark.parametrize(
    ("country", "currency"),
    [("PL", "PLN"), ("BG", "EUR"), ("EL", "EUR"), ("MC", "EUR"), ("XI", "GBP"), ("US", None)],
)
def test_the_currency_in_which_a_country_states_its_vat(country: str, currency: str | None) -> None:
    """Nothing is asked of sellers whose country has no such law that we know."""
    assert national_currency(country) == currency


def test_currencies_of_other_decimals_are_converted_exactly() -> None:
    """From yen to euros and from dinars to forint."""
    euros = NationalCurrency(currency="EUR", rate=Decimal("0.0062"))
    assert in_national_currency(money(1000, "JPY"), euros) == money("6.20", "EUR")
    forint = NationalCurrency(currency="HUF", rate=Decimal(1200))
    assert in_national_currency(money("1.234", "KWD"), forint) == money("1480.80", "HUF")


# ------------------------------------------------------------------------------------- laws


amounts = st.integers(-1_000_000, 1_000_000)
taxable = st.builds(
    lambda units, percent, gross: (units, percent, gross),
    amounts,
    st.sampled_from(PERCENTS),
    st.booleans(),
)
listed = st.lists(taxable, max_size=12)
levels = st.sampled_from(TaxLevel)
conventions = st.sampled_from(InclusiveRounding)


def _lines(drawn: list[tuple[int, str, bool]], sign: int = 1) -> list[TaxableLine]:
    return [
        TaxableLine(
            id=str(number),
            amount=from_minor(sign * units, "EUR"),
            behavior=TaxBehavior.INCLUSIVE if gross else TaxBehavior.EXCLUSIVE,
            category=percent,
        )
        for number, (units, percent, gross) in enumerate(drawn)
    ]


@settings(max_examples=1000)
@given(listed, levels, conventions)
def test_the_total_is_net_plus_tax_of_the_rounded_parts(
    drawn: list[tuple[int, str, bool]], level: TaxLevel, inclusive: InclusiveRounding
) -> None:
    """On each line, in each group, and of everything."""
    found = quote(*_lines(drawn), level=level, inclusive=inclusive)
    assert found.total_gross == total((found.total_net, found.total_tax), "EUR")
    for each in found.lines:
        assert total((each.net, each.tax), "EUR") == each.gross
    for part in ("net", "tax"):
        of_lines = total((getattr(each, part) for each in found.lines), "EUR")
        assert of_lines == total((getattr(group, part) for group in found.groups), "EUR")


@settings(max_examples=1000)
@given(listed, levels, conventions)
def test_no_line_is_a_minor_unit_off(
    drawn: list[tuple[int, str, bool]], level: TaxLevel, inclusive: InclusiveRounding
) -> None:
    """A net price keeps its net, a gross one its gross; the tax is within one of what is exact."""
    lines = _lines(drawn)
    for asked, each in zip(
        lines, quote(*lines, level=level, inclusive=inclusive).lines, strict=True
    ):
        gross = asked.behavior is TaxBehavior.INCLUSIVE
        assert (each.gross if gross else each.net) == asked.amount
        rate = each.treatment.share
        exact = to_units(asked.amount) * (rate / (1 + rate) if gross else rate)
        assert abs(to_units(each.tax) - exact) <= 1


@settings(max_examples=1000)
@given(listed, levels, conventions)
def test_a_credit_mirrors_its_charge(
    drawn: list[tuple[int, str, bool]], level: TaxLevel, inclusive: InclusiveRounding
) -> None:
    """With all signs turned, every figure is turned."""
    up = quote(*_lines(drawn), level=level, inclusive=inclusive)
    down = quote(*_lines(drawn, -1), level=level, inclusive=inclusive)
    for charge, credit in zip(up.lines, down.lines, strict=True):
        assert (charge.net, charge.tax) == (-credit.net, -credit.tax)
    assert up.total_gross == -down.total_gross


@settings(max_examples=1000)
@given(listed)
def test_net_prices_are_taxed_as_en_16931_wants(drawn: list[tuple[int, str, bool]]) -> None:
    """BR-CO-17: the tax of a rate is its net times the rate, rounded once."""
    net_prices = [(units, percent, False) for units, percent, _ in drawn]
    found = quote(*_lines(net_prices))
    assert found.findings == ()
    for group in found.groups:
        assert group.rate is not None
        exact = to_units(group.net) * group.rate
        assert abs(to_units(group.tax) - exact) <= Fraction(1, 2)


@settings(max_examples=200)
@given(listed, levels)
def test_the_callers_decimal_context_changes_nothing(
    drawn: list[tuple[int, str, bool]], level: TaxLevel
) -> None:
    """Three digits of precision elsewhere are nobody's business here."""
    expected = quote(*_lines(drawn), level=level)
    with localcontext(Context(prec=3)):
        assert quote(*_lines(drawn), level=level) == expected


@settings(max_examples=200)
@given(listed)
def test_an_adapters_lines_sum_up_alike(drawn: list[tuple[int, str, bool]]) -> None:
    """`quote_of` makes the groups that `calculate` makes."""
    found = quote(*_lines(drawn), level=TaxLevel.LINE)
    assert quote_of(found.lines, "EUR").groups == found.groups
