"""Which day's rate counts: known rules by country, and unknown where we don't know."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from attrs import evolve

from retainkit.billing.tax import (
    Buyer,
    QuoteState,
    Rate,
    Seller,
    TaxableLine,
    TaxBehavior,
    TaxLevel,
    TaxPoint,
    TaxPointRule,
    TaxQuote,
    TaxRequest,
    TaxRounding,
    calculate,
    prepayment_corrections,
    shipped_rates,
    tax_point_rule,
)
from retainkit.errors import InvalidInput
from retainkit.money import money, total
from retainkit.timing import Period, wall_time


BERLIN = "Europe/Berlin"


def days(start: date, end: date, zone: str = BERLIN) -> Period:
    midnight = datetime.min.time()
    return Period(start=wall_time(start, midnight, zone), end=wall_time(end, midnight, zone))


def ask(
    country: str,
    point: TaxPoint | date,
    period: Period | None = None,
    amount: str = "120.00",
    currency: str = "EUR",
) -> TaxRequest:
    return TaxRequest(
        currency=currency,
        seller=Seller(country=country),
        buyer=Buyer(country=country),
        tax_point=point,
        lines=(TaxableLine(id="year", amount=money(amount, currency), period=period),),
    )


def rate_of(quote: TaxQuote) -> Fraction | None:
    assert quote.state is QuoteState.OK, quote.findings
    return quote.lines[0].treatment.rate


YEAR = days(date(2020, 3, 1), date(2021, 3, 1))


def test_a_german_year_takes_the_rate_of_its_last_day() -> None:
    """Whenever it was invoiced or paid: section 27 (1) UStG."""
    paid_ahead = TaxPoint(invoiced=date(2020, 7, 15), paid=date(2020, 7, 15), zone=BERLIN)
    assert rate_of(calculate(ask("DE", paid_ahead, YEAR), shipped_rates())) == Fraction(19, 100)
    ending = days(date(2019, 12, 1), date(2020, 12, 1))
    before = TaxPoint(invoiced=date(2019, 12, 1), zone=BERLIN)
    assert rate_of(calculate(ask("DE", before, ending), shipped_rates())) == Fraction(16, 100)


def test_the_last_day_is_that_of_the_zone() -> None:
    """A period that ends at midnight in Berlin ends on 31 December there, on the 31st in UTC."""
    ending = days(date(2020, 12, 1), date(2021, 1, 1))
    local = calculate(ask("DE", TaxPoint(zone=BERLIN), ending), shipped_rates())
    assert rate_of(local) == Fraction(16, 100)
    in_tokyo = calculate(ask("DE", TaxPoint(zone="Asia/Tokyo"), ending), shipped_rates())
    assert rate_of(in_tokyo) == Fraction(19, 100)


def test_the_host_may_settle_the_day() -> None:
    """Then no rule is asked."""
    quote = calculate(ask("DE", date(2020, 8, 1), YEAR), shipped_rates())
    assert rate_of(quote) == Fraction(16, 100)


def test_what_is_performed_once_takes_that_day() -> None:
    """A one-off fee has no period."""
    point = TaxPoint(performed=date(2020, 8, 1), invoiced=date(2021, 2, 1))
    assert rate_of(calculate(ask("DE", point), shipped_rates())) == Fraction(16, 100)


@pytest.mark.parametrize(
    ("invoiced", "paid", "percent"),
    [
        (date(2011, 1, 3), date(2011, 2, 1), "17.5"),
        (date(2011, 1, 4), date(2011, 1, 3), "17.5"),
        (date(2011, 1, 4), None, "20"),
    ],
)
def test_in_britain_the_earlier_of_invoice_and_payment_counts(
    invoiced: date, paid: date | None, percent: str
) -> None:
    """Section 6 VATA 1994; the rate rose on 4 January 2011."""
    point = TaxPoint(invoiced=invoiced, paid=paid, zone="Europe/London")
    period = days(date(2011, 1, 1), date(2012, 1, 1), "Europe/London")
    quote = calculate(ask("GB", point, period, currency="GBP"), shipped_rates())
    assert rate_of(quote) == Fraction(percent) / 100


def test_a_swiss_period_is_split_at_the_change() -> None:
    """Art. 115 MWSTG: 31 days of 2023 at 7.7 %, 335 of 2024 at 8.1 %; no rappen is lost."""
    zurich = "Europe/Zurich"
    period = days(date(2023, 12, 1), date(2024, 12, 1), zurich)
    request = ask("CH", TaxPoint(zone=zurich), period, amount="366.01", currency="CHF")
    quote = calculate(request, shipped_rates())
    assert [line.id for line in quote.lines] == ["year/1", "year/2"]
    assert {line.source for line in quote.lines} == {"year"}
    assert [(line.net, line.treatment.rate) for line in quote.lines] == [
        (money("31.00", "CHF"), Fraction(77, 1000)),
        (money("335.01", "CHF"), Fraction(81, 1000)),
    ]
    assert quote.total_net == money("366.01", "CHF")
    exact = evolve(request, rounding=TaxRounding(level=TaxLevel.INVOICE))
    assert calculate(exact, shipped_rates()).total_net == money("366.01", "CHF")


def test_where_the_facts_of_a_rule_are_missing_every_day_counts() -> None:
    """Britain without invoice and payment, Germany and Switzerland without the performance."""
    over_the_change = days(date(2010, 12, 1), date(2011, 2, 1), "Europe/London")
    british = ask("GB", TaxPoint(zone="Europe/London"), over_the_change, currency="GBP")
    assert calculate(british, shipped_rates()).state is QuoteState.UNKNOWN
    german = ask("DE", TaxPoint(invoiced=date(2020, 6, 30), paid=date(2020, 7, 1)))
    assert calculate(german, shipped_rates()).state is QuoteState.UNKNOWN
    swiss = ask("CH", TaxPoint(invoiced=date(2023, 12, 31), paid=date(2024, 1, 1)), currency="CHF")
    assert calculate(swiss, shipped_rates()).findings[0].key == "tax.tax_point_unknown"


def test_a_swiss_service_of_one_day_takes_that_days_rate() -> None:
    """Whenever it is invoiced."""
    point = TaxPoint(performed=date(2023, 12, 31), invoiced=date(2024, 1, 15))
    quote = calculate(ask("CH", point, currency="CHF"), shipped_rates())
    assert rate_of(quote) == Fraction(77, 1000)


def test_where_the_rule_is_not_known_the_tax_is_not_either() -> None:
    """Unless every day that could count has the same rate."""
    assert tax_point_rule("EE") is TaxPointRule.NOT_KNOWN
    tallinn = "Europe/Tallinn"
    over_the_change = days(date(2025, 1, 1), date(2026, 1, 1), tallinn)
    point = TaxPoint(invoiced=date(2025, 1, 1), zone=tallinn)
    quote = calculate(ask("EE", point, over_the_change), shipped_rates())
    assert (quote.state, quote.findings[0].key) == (QuoteState.UNKNOWN, "tax.tax_point_unknown")
    assert quote.findings[0].values == {
        "line": "year",
        "country": "EE",
        "first": "2025-01-01",
        "last": "2025-12-31",
        "rates": "22 %, 24 %",
    }
    after = days(date(2025, 7, 1), date(2026, 7, 1), tallinn)
    settled = calculate(ask("EE", TaxPoint(zone=tallinn), after), shipped_rates())
    assert rate_of(settled) == Fraction(24, 100)


def test_a_cut_in_the_middle_is_not_overlooked() -> None:
    """The same rate on the first and on the last day does not make it the rate of both."""
    dublin = "Europe/Dublin"
    period = days(date(2020, 8, 1), date(2021, 4, 1), dublin)
    quote = calculate(ask("IE", TaxPoint(zone=dublin), period), shipped_rates())
    assert quote.state is QuoteState.UNKNOWN


def test_without_any_day_nothing_can_be_said() -> None:
    """That is a mistake of the caller's, not an unknown."""
    with pytest.raises(InvalidInput) as caught:
        calculate(ask("DE", TaxPoint()), shipped_rates())
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "tax.tax_point_missing",
        "tax_point",
        "year",
    )
    assert caught.value.remedy


# ------------------------------------------------------------------------ prepaid and changed


AHEAD = days(date(2026, 12, 1), date(2027, 12, 1))
HIGHER = shipped_rates().with_rates(
    Rate(country="DE", rate=Fraction(21, 100), valid_from=date(2027, 7, 1), source="a test")
)


def test_a_prepaid_year_is_corrected_when_the_rate_changes() -> None:
    """Credited at the old rate, charged at the one of its end; the net price stays."""
    request = ask("DE", TaxPoint(invoiced=date(2026, 12, 1), zone=BERLIN), AHEAD)
    billed = calculate(request, shipped_rates())
    assert prepayment_corrections(billed.lines, shipped_rates(), zone=BERLIN) == ()
    lines = prepayment_corrections(billed.lines, HIGHER, zone=BERLIN)
    assert [line.id for line in lines] == ["year/reversed", "year/corrected"]
    corrected = TaxRequest(
        currency="EUR",
        seller=request.seller,
        buyer=request.buyer,
        tax_point=TaxPoint(invoiced=date(2027, 7, 1), zone=BERLIN),
        lines=lines,
    )
    quote = calculate(corrected, HIGHER)
    assert [line.tax for line in quote.lines] == [money("-22.80", "EUR"), money("25.20", "EUR")]
    assert quote.total_net == money(0, "EUR")
    assert quote.total_gross == money("2.40", "EUR")


def test_an_agreed_gross_price_keeps_its_gross() -> None:
    """Then the seller bears the change."""
    request = ask("DE", TaxPoint(zone=BERLIN), AHEAD)
    billed = calculate(request, shipped_rates())
    lines = prepayment_corrections(
        billed.lines, HIGHER, zone=BERLIN, behavior=TaxBehavior.INCLUSIVE
    )
    assert total([line.amount for line in lines], "EUR") == money(0, "EUR")
    assert {line.amount for line in lines} == {money("142.80", "EUR"), money("-142.80", "EUR")}


def test_other_lines_are_left_alone() -> None:
    """Without a period, or of a country with another rule."""
    one_off = calculate(ask("DE", TaxPoint(performed=date(2027, 8, 1))), shipped_rates())
    abroad = calculate(ask("FR", TaxPoint(zone=BERLIN), AHEAD), shipped_rates())
    billed = (*one_off.lines, *abroad.lines)
    assert prepayment_corrections(billed, HIGHER, zone=BERLIN) == ()


def test_a_period_is_read_in_utc_unless_said_otherwise() -> None:
    """The default zone is no zone of the machine."""
    period = Period(start=datetime(2020, 12, 1, tzinfo=UTC), end=datetime(2021, 1, 1, tzinfo=UTC))
    assert rate_of(calculate(ask("DE", TaxPoint(), period), shipped_rates())) == Fraction(16, 100)
