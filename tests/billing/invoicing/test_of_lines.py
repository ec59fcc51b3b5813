"""From a preview to its invoice: the sum that was shown, the tax that was quoted, the trail."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.billing.invoicing.conftest import ACME, NORD

from retainkit.billing.invoicing import check_mandatory, check_totals, invoice_of_lines
from retainkit.billing.prices import PerUnit, Price
from retainkit.billing.proration import (
    BilledLine,
    ChangePrice,
    Preview,
    Subscription,
    SubscriptionItem,
    preview_change,
)
from retainkit.billing.tax import (
    Buyer,
    Exemption,
    Rate,
    RateTable,
    Seller,
    TaxBehavior,
    TaxCategory,
    TaxLevel,
    TaxReason,
    TaxRounding,
    TaxTreatment,
    VatIdCheck,
    VatIdStatus,
    calculate,
)
from retainkit.errors import InvalidInput, Refused
from retainkit.money import from_minor, money
from retainkit.timing import Interval, Period, Unit


NOVEMBER = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))
MONTH = Interval(unit=Unit.MONTH)
RATES = RateTable(
    rates=(
        Rate(
            country="DE", rate=Fraction(19, 100), valid_from=date(2021, 1, 1), source="an example"
        ),
    ),
    data_as_of=date(2026, 11, 1),
)
SELLER, BUYER = Seller(country="DE", vat_id="DE136695976"), Buyer(country="DE")
DOMESTIC = TaxTreatment(
    category=TaxCategory.STANDARD,
    rate=Fraction(19, 100),
    country="DE",
    reason=TaxReason.DOMESTIC,
)


def price(id: str, cents: int, behavior: TaxBehavior = TaxBehavior.EXCLUSIVE) -> Price:
    unit = PerUnit(amount=from_minor(cents, "EUR"))
    return Price(id=id, currency="EUR", scheme=unit, interval=MONTH, tax_behavior=behavior)


def upgrade(
    old: Price, new: Price, quantity: int, at: datetime, treatment: TaxTreatment = DOMESTIC
) -> Preview:
    """Seats that move to another price, after a month was billed."""
    item = SubscriptionItem(id="si_1", price=old, quantity=quantity)
    net = old.charge(quantity).exact
    billed = BilledLine(
        id="november",
        item="si_1",
        period=NOVEMBER,
        net=from_minor(int(net), "EUR"),
        price=old,
        quantity=quantity,
        tax=treatment,
    )
    subscription = Subscription(
        id="sub_1",
        customer="c1",
        currency="EUR",
        items=(item,),
        anchor=NOVEMBER.start,
        zone="UTC",
        interval=MONTH,
        period=NOVEMBER,
        billed=(billed,),
    )
    return preview_change(subscription, ChangePrice(item="si_1", price=new), at=at)


def taxed(preview: Preview, **options: Any) -> Preview:
    request = preview.tax_request(
        seller=SELLER, buyer=BUYER, tax_point=date(2026, 11, 11), **options
    )
    return preview.with_tax(calculate(request, RATES))


def texts(preview: Preview) -> dict[str, str]:
    return {line.id: f"Seats: {line.kind.value}" for line in preview.lines}


def test_an_upgrade_becomes_a_complete_invoice() -> None:
    """A credit by a negative quantity, the tax of each line, and how each amount came about."""
    at = datetime(2026, 11, 11, tzinfo=UTC)
    preview = taxed(upgrade(price("price_1", 1000), price("price_2", 2000), 3, at))
    document = invoice_of_lines(
        preview.lines,
        texts=texts(preview),
        seller=ACME,
        buyer=NORD,
        number="2026-7",
        issued=at.date(),
    )

    credit, charge = document.lines
    assert (str(credit.quantity), str(credit.base_quantity)) == ("-3", "3")
    assert credit.net == money("-20.00", "EUR")
    assert (str(charge.quantity), charge.unit_price) == ("3", money("40.00", "EUR"))
    assert charge.net == money("40.00", "EUR")
    assert (credit.item, credit.price, credit.credits) == ("si_1", "price_1", "november")
    assert (charge.price, charge.tax) == ("price_2", money("7.60", "EUR"))
    assert charge.trail == preview.lines[1].trail
    assert document.totals.payable == preview.total == money("23.80", "EUR")
    assert (check_totals(document), check_mandatory(document)) == ((), ())


def test_a_price_that_divides_evenly_is_shown_by_the_unit() -> None:
    """Four seats at 5.00 each, not 20.00 for four."""
    at = datetime(2026, 11, 16, tzinfo=UTC)
    preview = taxed(upgrade(price("a", 500), price("b", 1000), 4, at))
    (_, charge) = invoice_of_lines(preview.lines, texts=texts(preview)).lines
    assert (str(charge.quantity), str(charge.base_quantity)) == ("4", "1")
    assert charge.unit_price == money("5.00", "EUR")


def test_why_there_is_no_vat_comes_from_the_tax() -> None:
    """Reverse charge names its provisions; words of the host's own come before them."""
    at = datetime(2026, 11, 16, tzinfo=UTC)
    reverse = TaxTreatment(
        category=TaxCategory.REVERSE_CHARGE,
        rate=Fraction(0),
        country="NL",
        reason=TaxReason.REVERSE_CHARGE,
        references=("2006/112/EC Art. 44", "2006/112/EC Art. 196"),
        exemption_code="VATEX-EU-AE",
    )
    business = Buyer(
        country="NL",
        vat_id="NL123456782B12",
        business=True,
        vat_id_check=VatIdCheck(status=VatIdStatus.VALID),
    )
    preview = upgrade(price("a", 500), price("b", 1000), 1, at, reverse)
    request = preview.tax_request(seller=SELLER, buyer=business, tax_point=at.date())
    preview = preview.with_tax(calculate(request, RATES))
    (subtotal,) = invoice_of_lines(preview.lines, texts=texts(preview)).subtotals
    assert subtotal.category is TaxCategory.REVERSE_CHARGE
    assert "Art. 196" in subtotal.reason
    assert subtotal.reason_code == "VATEX-EU-AE"

    own = {TaxCategory.REVERSE_CHARGE: Exemption(text="Reverse charge")}
    worded = invoice_of_lines(preview.lines, texts=texts(preview), exemptions=own)
    assert worded.subtotals[0].reason == "Reverse charge"
    assert check_totals(worded) == ()


def test_every_reason_of_a_category_is_told() -> None:
    """The credit was exempt by one provision, the charge is by another: the invoice names both."""
    old = TaxTreatment(
        category=TaxCategory.EXEMPT,
        rate=Fraction(0),
        country="DE",
        reason=TaxReason.EXEMPTION,
        exemption_code="VATEX-EU-132",
        exemption_text="section 4 no. 21 UStG",
    )
    at = datetime(2026, 11, 16, tzinfo=UTC)
    preview = upgrade(price("a", 500), price("b", 1000), 1, at, old)
    embassy = Buyer(country="DE", exemption=Exemption(text="Art. 151", code="VATEX-EU-151"))
    request = preview.tax_request(seller=SELLER, buyer=embassy, tax_point=at.date())
    preview = preview.with_tax(calculate(request, RATES))
    (subtotal,) = invoice_of_lines(preview.lines, texts=texts(preview)).subtotals
    assert subtotal.reason == "section 4 no. 21 UStG; Art. 151"
    assert subtotal.reason_code == ""


def test_net_amounts_alone_can_be_compared() -> None:
    """Where the provider charges the tax, or there is none, nothing is said about it."""
    at = datetime(2026, 11, 16, tzinfo=UTC)
    preview = upgrade(price("a", 500), price("b", 1000), 1, at)
    document = invoice_of_lines(preview.lines, texts=texts(preview), untaxed=True)
    assert document.totals.payable == preview.total
    assert {line.category for line in document.lines} == {TaxCategory.OUTSIDE_SCOPE}
    assert [line.tax for line in document.lines] == [None, None]


def test_what_can_not_be_invoiced_is_named() -> None:
    """No lines, a line without a text, a tax that nobody has told."""
    at = datetime(2026, 11, 16, tzinfo=UTC)
    preview = upgrade(price("a", 500), price("b", 1000), 1, at)
    with pytest.raises(InvalidInput) as caught:
        invoice_of_lines((), texts={})
    assert (caught.value.code, caught.value.field) == ("invoice.no_lines", "lines")
    assert caught.value.remedy

    with pytest.raises(InvalidInput) as caught:
        invoice_of_lines(preview.lines, texts={})
    first = preview.lines[0].id
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "invoice.no_text",
        "texts",
        first,
    )
    assert caught.value.remedy

    with pytest.raises(Refused) as refused:
        invoice_of_lines(preview.lines, texts=texts(preview))
    error = refused.value
    assert (error.code, error.field, error.value) == ("invoice.tax_unknown", "lines", first)
    assert "with_tax" in error.remedy


@settings(max_examples=1000)
@given(
    old=st.integers(1, 9_999),
    new=st.integers(1, 9_999),
    quantity=st.integers(1, 20),
    second=st.integers(1, 30 * 86_400 - 1),
    behavior=st.sampled_from(TaxBehavior),
    level=st.sampled_from([TaxLevel.LINE, TaxLevel.RATE_GROUP]),
)
def test_the_invoice_is_what_the_preview_showed(
    *, old: int, new: int, quantity: int, second: int, behavior: TaxBehavior, level: TaxLevel
) -> None:
    """To the cent, gross or net, wherever tax is rounded; and it keeps every rule."""
    at = datetime.fromtimestamp(NOVEMBER.start.timestamp() + second, UTC)
    change = upgrade(price("a", old, behavior), price("b", new, behavior), quantity, at)
    if not change.lines:
        return
    preview = taxed(change, rounding=TaxRounding(level=level))
    document = invoice_of_lines(preview.lines, texts=texts(preview))
    assert document.totals.payable == preview.total
    assert check_totals(document) == ()
