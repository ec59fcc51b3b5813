"""What can't be right is refused with its field, its value and a way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from retainkit.billing.tax import (
    Buyer,
    CrossBorderSales,
    Evidence,
    EvidenceKind,
    NationalCurrency,
    Rate,
    Seller,
    TaxableLine,
    TaxCategory,
    TaxPoint,
    TaxReason,
    TaxRequest,
    TaxRounding,
    TaxTreatment,
    VatIdCheck,
    VatIdStatus,
    shipped_rates,
    within_small_business_limit,
)
from retainkit.errors import RetainkitError
from retainkit.money import money


def _request(*lines: TaxableLine) -> TaxRequest:
    return TaxRequest(
        currency="EUR",
        seller=Seller(country="DE"),
        buyer=Buyer(country="DE"),
        tax_point=date(2026, 11, 22),
        lines=lines,
    )


DAY = date(2026, 11, 22)
NAIVE = datetime(2026, 11, 22, 9)
EUROS = TaxableLine(id="a", amount=money(1, "EUR"))
DOLLARS = TaxableLine(id="b", amount=money(1, "USD"))


@pytest.mark.parametrize(
    ("make", "code", "field", "value"),
    [
        (lambda: Buyer(country="ZZ"), "tax.unknown_territory", "country", "ZZ"),
        (lambda: Seller(country="Germany"), "tax.unknown_territory", "country", "Germany"),
        (
            lambda: Seller(country="DE", registrations=frozenset({"XX"})),
            "tax.unknown_territory",
            "registrations",
            "XX",
        ),
        (
            lambda: Evidence(kind=EvidenceKind.BANK, country="??"),
            "tax.unknown_territory",
            "evidence",
            "??",
        ),
        (
            lambda: Buyer(country="FR", vat_id="DE136695976"),
            "tax.vat_id_country",
            "vat_id",
            "DE136695976",
        ),
        (
            lambda: Buyer(country="CH", vat_id="ATU14243102"),
            "tax.vat_id_country",
            "vat_id",
            "ATU14243102",
        ),
        (lambda: _request(EUROS, DOLLARS), "money.mixed_currencies", "lines[b].amount", "USD"),
        (lambda: _request(EUROS, EUROS), "tax.line_twice", "lines", "a"),
        (
            lambda: TaxableLine(id="a", amount=money(1, "EUR"), behavior="inclusive"),  # type: ignore[arg-type]
            "tax.choice",
            "behavior",
            "inclusive",
        ),
        (
            lambda: TaxRounding(level="line"),  # type: ignore[arg-type]
            "tax.choice",
            "level",
            "line",
        ),
        (
            lambda: VatIdCheck(status="valid"),  # type: ignore[arg-type]
            "tax.choice",
            "status",
            "valid",
        ),
        (
            lambda: TaxRequest(
                currency="EUR",
                seller=Seller(country="DE"),
                buyer=Buyer(country="DE"),
                tax_point=DAY,
                lines=(EUROS,),
                unverified="charge",  # type: ignore[arg-type]
            ),
            "tax.choice",
            "unverified",
            "charge",
        ),
        (lambda: TaxPoint(paid=NAIVE), "tax.not_a_date", "paid", NAIVE),
        (
            lambda: TaxPoint(on=NAIVE.replace(tzinfo=UTC)),
            "tax.not_a_date",
            "on",
            NAIVE.replace(tzinfo=UTC),
        ),
        (lambda: TaxPoint(zone="Mars/Base"), "time.unknown_zone", "zone", "Mars/Base"),
        (lambda: shipped_rates().rate("DE", NAIVE), "tax.not_a_date", "on", NAIVE),
        (lambda: shipped_rates().age(NAIVE, timedelta(days=1)), "tax.not_a_date", "today", NAIVE),
        (
            lambda: Rate(country="DE", rate=Fraction(1, 5), valid_from=NAIVE, source="x"),
            "tax.not_a_date",
            "valid_from",
            NAIVE,
        ),
        (
            lambda: Rate(country="XQ", rate=Fraction(1, 5), valid_from=DAY, source="x"),
            "tax.unknown_territory",
            "country",
            "XQ",
        ),
        (
            lambda: Evidence(kind=EvidenceKind.BANK, country="DE", seen_at=NAIVE),
            "time.naive",
            "seen_at",
            NAIVE.isoformat(),
        ),
        (
            lambda: VatIdCheck(status=VatIdStatus.VALID, checked_at=NAIVE),
            "time.naive",
            "checked_at",
            NAIVE.isoformat(),
        ),
        (
            lambda: Buyer(country="DE", vat_id="GR094259216"),
            "tax.vat_id_country",
            "vat_id",
            "GR094259216",
        ),
        (
            lambda: NationalCurrency(currency="PLX", rate=Decimal(4)),
            "money.unknown_currency",
            "currency",
            "PLX",
        ),
        (
            lambda: NationalCurrency(currency="PLN", rate=Decimal(0)),
            "tax.exchange_rate",
            "rate",
            Decimal(0),
        ),
        (
            lambda: NationalCurrency(currency="PLN", rate=4.2567),  # type: ignore[arg-type]
            "tax.exchange_rate",
            "rate",
            4.2567,
        ),
        (
            lambda: CrossBorderSales(previous_year=Decimal(0), this_year=9500),  # type: ignore[arg-type]
            "tax.cross_border_sales",
            "this_year",
            9500,
        ),
        (
            lambda: TaxTreatment(
                category=TaxCategory.EXEMPT,
                rate=Fraction(19, 100),
                country="DE",
                reason=TaxReason.EXEMPTION,
            ),
            "tax.rate",
            "rate",
            "19/100",
        ),
        (
            lambda: within_small_business_limit(
                "FR", previous_year=Decimal(0), this_year=Decimal(0)
            ),
            "tax.small_business_limit",
            "country",
            "FR",
        ),
        (
            lambda: within_small_business_limit(
                "DE", previous_year=Decimal("NaN"), this_year=Decimal(0)
            ),
            "tax.turnover",
            "previous_year",
            None,
        ),
    ],
)
def test_it_is_refused(make: Callable[[], object], code: str, field: str, value: object) -> None:
    """Before anything is calculated."""
    with pytest.raises(RetainkitError) as caught:
        make()
    assert (caught.value.code, caught.value.field) == (code, field)
    assert value is None or caught.value.value == value
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("country", "postcode", "vat_id"),
    [
        ("GR", None, "EL094259216"),
        ("EL", None, "EL094259216"),
        ("MC", None, "FR40303265045"),
        ("GB", "BT1 5GS", "XI980780684"),
        ("DE", "78266", "DE136695976"),
        ("RE", None, "FR40303265045"),
        ("FR", None, "40303265045"),
        ("CH", None, "CHE-107.787.577"),
    ],
)
def test_ids_of_special_places_are_their_countrys(
    country: str, postcode: str | None, vat_id: str
) -> None:
    """Greece writes EL, Monaco FR, Büsingen is German and Northern Ireland writes XI."""
    assert Buyer(country=country, postcode=postcode, vat_id=vat_id).vat_id == vat_id


@pytest.mark.parametrize(
    ("country", "previous", "this", "exempt"),
    [
        ("DE", "25000", "100000", True),
        ("DE", "25000.01", "0", False),
        ("DE", "0", "100000.01", False),
        ("AT", "55000", "60500", True),
        ("AT", "55000", "60500.01", False),
    ],
)
def test_the_limits_of_small_businesses(
    country: str, previous: str, this: str, exempt: bool
) -> None:
    """The sale that passes the limit is taxed."""
    found = within_small_business_limit(
        country, previous_year=Decimal(previous), this_year=Decimal(this)
    )
    assert found is exempt


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_field_is_no_vat_id(blank: str) -> None:
    """A form that sends nothing never makes a consumer a business, however much is believed."""
    assert Buyer(country="FR", vat_id=blank).vat_id is None
    assert Seller(country="DE", vat_id=blank).vat_id is None
