"""The sums of a document: computed by the rules of EN 16931, and checked by them."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.billing.invoicing.conftest import NINETEEN, SEVEN, Bill, line, untaxed

from retainkit.billing.invoicing import (
    Adjustment,
    AdjustmentKind,
    InvoiceDocument,
    InvoiceLine,
    Party,
    TaxSubtotal,
    check_totals,
    draft_invoice,
)
from retainkit.billing.tax import Exemption, TaxCategory
from retainkit.errors import InvalidInput
from retainkit.money import from_minor, money


S, Z, E, AE, OUT, K = (TaxCategory(code) for code in ("S", "Z", "E", "AE", "O", "K"))


def euros(amount: str) -> Any:
    return money(amount, "EUR")


def rules(document: InvoiceDocument) -> list[tuple[str, str]]:
    """What the checker finds, by rule and field."""
    return [(finding.rule, finding.field) for finding in check_totals(document)]


def test_vat_is_rounded_once_for_each_rate(bill: Bill) -> None:
    """Three lines of 0.33 at 19 % are 0.99 and 0.19, not three times 0.06."""
    document = bill(*(line("0.33", id=str(number)) for number in range(3)), line("1.00", SEVEN))

    assert [(each.rate, each.taxable, each.tax) for each in document.subtotals] == [
        (NINETEEN, euros("0.99"), euros("0.19")),
        (SEVEN, euros("1.00"), euros("0.07")),
    ]
    assert (document.totals.net, document.totals.gross) == (euros("1.99"), euros("2.25"))
    assert check_totals(document) == ()


def test_a_line_is_its_price_times_its_quantity() -> None:
    """2,100 units at 3.2916 for each hundred, less a tenth of it, rounded once."""
    made = InvoiceLine(
        id="1",
        text="API calls",
        quantity="2100",
        unit_price=euros("3.2916"),
        base_quantity=100,
        adjustments=(Adjustment(kind=AdjustmentKind.ALLOWANCE, amount=euros("6.91")),),
        rate=NINETEEN,
    )
    assert made.net == euros("62.21")  # 69.1236 - 6.91


def test_a_line_may_have_a_net_amount_alone(bill: Bill) -> None:
    """Then there is nothing to compare it with."""
    assert check_totals(bill(line("5.00", unit_price=None), line("1.00"))) == ()


def test_a_promised_gross_sum_is_kept_by_the_rounding_amount(bill: Bill) -> None:
    """A net price made of a gross one may miss it by a cent; the VAT is still that of the net."""
    document = bill(line("8.37"), promised=euros("9.97"))  # 9.97 / 1.19 = 8.378

    assert document.totals.gross == euros("9.96")
    assert (document.totals.rounding, document.totals.payable) == (euros("0.01"), euros("9.97"))
    assert check_totals(document) == ()


def test_allowances_charges_and_what_is_prepaid(bill: Bill) -> None:
    """They change what is taxed, and what is to pay."""
    document = bill(
        line("100.00"),
        adjustments=(
            Adjustment(
                kind=AdjustmentKind.ALLOWANCE, amount=euros("10.00"), category=S, rate=NINETEEN
            ),
            Adjustment(kind=AdjustmentKind.CHARGE, amount=euros("5.00"), category=S, rate=NINETEEN),
        ),
        prepaid=euros("13.05"),
    )
    totals = document.totals
    assert (totals.allowances, totals.charges, totals.net) == (
        euros("10.00"),
        euros("5.00"),
        euros("95.00"),
    )
    assert (totals.tax, totals.gross, totals.payable) == (
        euros("18.05"),
        euros("113.05"),
        euros("100.00"),
    )
    assert check_totals(document) == ()


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("lines", "BR-CO-10"),
        ("allowances", "BR-CO-11"),
        ("charges", "BR-CO-12"),
        ("net", "BR-CO-13"),
        ("tax", "BR-CO-14"),
        ("gross", "BR-CO-15"),
        ("payable", "BR-CO-16"),
    ],
)
def test_one_cent_in_a_total_is_found(bill: Bill, field: str, rule: str) -> None:
    """Tolerance 0: each total is checked against the figures that it is made of."""
    document = bill()
    wrong = evolve(document.totals, **{field: getattr(document.totals, field) + euros("0.01")})
    found = check_totals(evolve(document, totals=wrong))

    assert (rule, f"totals.{field}") in [(each.rule, each.field) for each in found]
    first = next(each for each in found if each.rule == rule)
    assert Decimal(first.found or "") - Decimal(first.expected or "") == Decimal("0.01")
    assert first.source.startswith("EN 16931-1:2017")
    assert first.remedy


def subtotal(category: TaxCategory, rate: Fraction | None, net: str, tax: str) -> TaxSubtotal:
    return TaxSubtotal(
        category=category, rate=rate, taxable=euros(net), tax=euros(tax), reason="a reason"
    )


@pytest.mark.parametrize(
    ("lines", "subtotals", "expected"),
    [
        ((line("500.00"),), (), "BR-CO-18"),
        ((line("500.00"),), (), "BR-S-01"),
        ((line("500.00", Fraction(0)),), (subtotal(S, Fraction(0), "500", "0"),), "BR-S-05"),
        ((line("500.00"),), (subtotal(S, NINETEEN, "500.01", "95.00"),), "BR-S-08"),
        ((line("500.00"),), (subtotal(S, NINETEEN, "500.00", "95.01"),), "BR-CO-17"),
        ((line("500.00"),), (subtotal(S, NINETEEN, "500.00", "95.00"),), "BR-S-10"),
        (
            (line("500.00"),),
            (
                subtotal(S, NINETEEN, "250.00", "47.50"),
                subtotal(S, NINETEEN, "250.00", "47.50"),
            ),
            "BR-S-01",
        ),
        (
            (line("500.00"),),
            (subtotal(S, NINETEEN, "500.00", "95.00"), subtotal(S, SEVEN, "1.00", "0.07")),
            "BR-S-08",
        ),
        ((line("5.00", category=E),), (subtotal(E, Fraction(0), "5.00", "0"),), "BR-E-05"),
        ((untaxed("5.00", E),), (subtotal(E, Fraction(0), "5.00", "0.95"),), "BR-E-09"),
        ((untaxed("5.00", Z),), (subtotal(Z, Fraction(0), "5.00", "0"),), "BR-Z-10"),
        (
            (untaxed("5.00", OUT), line("5.00")),
            (subtotal(OUT, None, "5.00", "0"), subtotal(S, NINETEEN, "5.00", "0.95")),
            "BR-O-11",
        ),
        ((line("5.001"),), (subtotal(S, NINETEEN, "5.001", "0.95"),), "BR-DEC"),
        (
            (line("-5.00", quantity=1, unit_price=money("-5.00", "EUR")),),
            (subtotal(S, NINETEEN, "-5.00", "-0.95"),),
            "BR-27",
        ),
        (
            (line("5.00", unit_price=money("5.01", "EUR")),),
            (subtotal(S, NINETEEN, "5.00", "0.95"),),
            "PEPPOL-EN16931-R120",
        ),
    ],
)
def test_what_is_wrong_with_a_breakdown_is_named(
    bill: Bill, lines: tuple[InvoiceLine, ...], subtotals: tuple[TaxSubtotal, ...], expected: str
) -> None:
    """Each rule on its own example."""
    document = evolve(bill(), lines=lines, subtotals=subtotals)
    assert expected in [rule for rule, _ in rules(document)]


@pytest.mark.parametrize("category", [E, AE, K, OUT])
def test_what_is_not_taxed_says_why(bill: Bill, category: TaxCategory) -> None:
    """With a reason or a code it is right, without either it is not."""
    silent = evolve(bill(untaxed("500.00", category)), seller=Party(), buyer=Party())
    prefix = {E: "BR-E", AE: "BR-AE", K: "BR-IC", OUT: "BR-O"}[category]
    assert rules(silent) == [(f"{prefix}-10", "subtotals[0].reason")]

    told = bill(
        untaxed("500.00", category),
        exemptions={category: Exemption(text="Reverse charge")},
        seller=Party(),
        buyer=Party(),
    )
    assert check_totals(told) == ()
    assert told.totals.tax == euros("0")


def test_what_is_outside_the_scope_names_no_vat_id(bill: Bill) -> None:
    """BR-O-02: neither the seller's nor the buyer's, nor that of a tax representative."""
    document = bill(untaxed("500.00", OUT), exemptions={OUT: Exemption(text="Not subject to VAT")})
    assert rules(document) == [("BR-O-02", "seller.vat_id"), ("BR-O-02", "buyer.vat_id")]
    spoken_for = evolve(document, representative=document.seller)
    assert ("BR-O-02", "representative.vat_id") in rules(spoken_for)


def test_split_payment_stands_alone(bill: Bill) -> None:
    """Italy's category B is taxed, but not on one document with S."""
    split = TaxCategory.SPLIT_PAYMENT
    assert check_totals(bill(line("100.00", category=split))) == ()
    assert rules(bill(line("100.00", category=split), line("1.00"))) == [("BR-B-02", "subtotals")]


def test_an_adjustment_says_how_it_is_taxed(bill: Bill) -> None:
    """Else nobody can tell from which rate it is taken (BR-32, BR-37)."""
    for kind, rule in ((AdjustmentKind.ALLOWANCE, "BR-32"), (AdjustmentKind.CHARGE, "BR-37")):
        document = bill(adjustments=(Adjustment(kind=kind, amount=euros("1.00")),))
        assert (rule, "adjustments[0].category") in rules(document)


def test_bad_figures_are_refused(bill: Bill) -> None:
    """A float, a percentage for a part, a price for no units, no lines, no amount, a text."""
    nineteen: Any = 19
    loose: Any = "allowance"
    wrong: list[tuple[Any, str, str]] = [
        (lambda: line("5.00", quantity=1.5), "invoice.not_exact", "quantity"),
        (lambda: line("5.00", quantity="many"), "invoice.not_exact", "quantity"),
        (lambda: line("5.00", nineteen), "invoice.rate", "rate"),
        (lambda: line("5.00", Fraction(19)), "invoice.rate", "rate"),
        (lambda: line("5.00", base_quantity=0), "invoice.base_quantity", "base_quantity"),
        (lambda: InvoiceLine(id="1", text="x"), "invoice.no_amount", "unit_price"),
        (lambda: line("5.00", category="X"), "invoice.choice", "category"),
        (lambda: Adjustment(kind=loose, amount=euros("1.00")), "invoice.choice", "kind"),
        (
            lambda: TaxSubtotal(category=loose, taxable=euros("1.00"), tax=euros("0.00")),
            "invoice.choice",
            "category",
        ),
        (lambda: draft_invoice(currency="EUR", lines=()), "invoice.no_lines", "lines"),
        (
            lambda: bill(rounding=euros("0.01"), promised=euros("1")),
            "invoice.promised",
            "promised",
        ),
        (lambda: bill(promised=euros("595.03")), "invoice.promised", "promised"),
        (lambda: bill(promised=euros("594.97")), "invoice.promised", "promised"),
        (lambda: bill(zone="Mars/Base"), "time.unknown_zone", "zone"),
        (lambda: bill(prepaid=money("1", "USD")), "money.mixed_currencies", "items"),
    ]
    for act, code, field in wrong:
        with pytest.raises(InvalidInput) as caught:
            act()
        assert (caught.value.code, caught.value.field) == (code, field)
        assert caught.value.remedy


_cents = st.integers(-10_000_000, 10_000_000)
_rates = st.sampled_from([NINETEEN, SEVEN, Fraction(27, 100), Fraction(55, 1000)])


@given(st.lists(st.tuples(_cents, _rates), min_size=1, max_size=12), st.integers(3, 9))
def test_what_is_drafted_is_right(figures: list[tuple[int, Fraction]], precision: int) -> None:
    """Whatever the lines are, nothing is found; the caller's decimal context changes nothing."""
    with localcontext(Context(prec=precision)):
        document = draft_invoice(
            currency="EUR",
            lines=[
                line(str(from_minor(net, "EUR").amount), rate, id=str(number))
                for number, (net, rate) in enumerate(figures)
            ],
        )
        assert check_totals(document) == ()
    assert document.totals.gross.amount == sum(
        (each.taxable.amount + each.tax.amount for each in document.subtotals), Decimal(0)
    )


def test_a_notebook_shows_a_table(bill: Bill) -> None:
    """With real headers, and every text escaped."""
    html = bill(
        line("5.00", text="<b>Pro</b>"),
        untaxed("5.00", OUT, quantity="2.50"),
        line("5.00", quantity=Fraction(1, 3), unit_price=None),
    )._repr_html_()
    assert "<td>2.5</td><td>-</td>" in html
    assert "<td>1/3</td><td>19 %</td>" in html
    assert "<caption>Invoice 2026-0042</caption>" in html
    assert '<th scope="col">Net</th>' in html
    assert '<th scope="row">&lt;b&gt;Pro&lt;/b&gt;</th><td>1</td><td>19 %</td>' in html
