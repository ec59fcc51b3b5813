"""Whether a document adds up: EN 16931's BR-CO-10 to 18; the rules of categories stand beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from retainkit.billing.invoicing._amounts import (
    GroupKey,
    document_totals,
    group_key,
    tax_on,
)
from retainkit.billing.invoicing._category_rules import category_findings
from retainkit.billing.invoicing._documents import CreditNote, InvoiceDocument, TaxSubtotal
from retainkit.billing.invoicing._findings import Finding
from retainkit.billing.invoicing._lines import line_net, negated
from retainkit.errors import InvalidInput
from retainkit.money import Money, minor_digits, to_minor, total


EN_16931 = "EN 16931-1:2017, 6.4"
PEPPOL = "Peppol BIS Billing 3.0, on BT-131"
R120 = "PEPPOL-EN16931-R120"

_SUMS = (
    ("BR-CO-10", "lines", "the sum of the lines' net amounts"),
    ("BR-CO-11", "allowances", "the sum of the document's allowances"),
    ("BR-CO-12", "charges", "the sum of the document's charges"),
)


def check_totals(document: InvoiceDocument | CreditNote) -> tuple[Finding, ...]:
    """
    What does not add up, to the minor unit: nothing when the document is right.

    Checked are BR-CO-10 to BR-CO-18 of EN 16931, the rules on each VAT category's breakdown
    (BR-S, BR-Z, BR-E, BR-AE, BR-IC, BR-G, BR-O, BR-AF, BR-AG, BR-B), decimals (BR-DEC), and that a
    line is its price times its quantity. What must be there at all: `check_mandatory`.

    Half a minor unit is rounded away from zero, as the standard's own checks do it. Each sum is
    checked against the figures it is made of, as they stand: so one wrong figure is one finding.

    Raises:
        InvalidInput: ``money.mixed_currencies`` when an amount is not in the document's currency.
    """
    return (
        *_lines(document),
        *_sums(document),
        *_taxes(document),
        *category_findings(document),
        *_decimals(document),
    )


def _finding(
    rule: str, field: str, expected: Money, found: Money, remedy: str
) -> Iterator[Finding]:
    if total((expected,), found.currency) != total((found,), found.currency):
        yield Finding(
            rule=rule,
            field=field,
            source=PEPPOL if rule == R120 else EN_16931,
            remedy=remedy,
            expected=f"{expected.amount:f}",
            found=f"{found.amount:f}",
        )


def _lines(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    for index, line in enumerate(document.lines):
        if line.unit_price is not None and line.unit_price.amount < 0:
            yield Finding(
                rule="BR-27",
                field=f"lines[{index}].unit_price",
                source="EN 16931-1:2017, 6.4.2",
                remedy="make the quantity negative instead",
                found=f"{line.unit_price.amount:f}",
            )
        if line.unit_price is not None:
            yield from _finding(
                R120,
                f"lines[{index}].net",
                line_net(line.unit_price, line.quantity, line.base_quantity, line.adjustments),
                line.net,
                "make it quantity times price per base quantity, with the line's adjustments",
            )


def _sums(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    given, code = document.totals, document.currency
    right = document_totals(document.lines, document.adjustments, document.subtotals, currency=code)
    for rule, name, meaning in _SUMS:
        yield from _finding(
            rule, f"totals.{name}", getattr(right, name), getattr(given, name), f"make it {meaning}"
        )
    yield from _finding(
        "BR-CO-13",
        "totals.net",
        total((given.lines, negated(given.allowances), given.charges), code),
        given.net,
        "make it the lines less the allowances plus the charges",
    )
    yield from _finding(
        "BR-CO-14", "totals.tax", right.tax, given.tax, "make it the sum of the subtotals' VAT"
    )
    yield from _finding(
        "BR-CO-15",
        "totals.gross",
        total((given.net, given.tax), code),
        given.gross,
        "make it net plus VAT",
    )
    yield from _finding(
        "BR-CO-16",
        "totals.payable",
        total((given.gross, negated(given.prepaid), given.rounding), code),
        given.payable,
        "make it the gross sum less what is prepaid, plus the rounding amount",
    )


def _taxes(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    if not document.subtotals:
        yield Finding(
            rule="BR-CO-18",
            field="subtotals",
            source=EN_16931,
            remedy="add a subtotal for each VAT category and rate",
        )
    before = earlier_sums(document)
    for index, subtotal in enumerate(document.subtotals):
        yield from _finding(
            "BR-CO-17",
            f"subtotals[{index}].tax",
            expected_tax(subtotal, before),
            subtotal.tax,
            "make it the taxable sum times the rate, rounded once, half away from zero",
        )


def earlier_sums(document: InvoiceDocument | CreditNote) -> Mapping[GroupKey, TaxSubtotal]:
    """What earlier credit notes came to, by category and rate; nothing for an invoice."""
    if isinstance(document, InvoiceDocument):
        return {}
    return {group_key(each.category, each.rate): each for each in document.before}


def expected_tax(subtotal: TaxSubtotal, before: Mapping[GroupKey, TaxSubtotal]) -> Money:
    """The VAT of a subtotal: of the running sum, less what earlier credit notes took."""
    earlier = before.get(group_key(subtotal.category, subtotal.rate))
    if earlier is None:
        return tax_on(subtotal.taxable, subtotal.rate)
    code = subtotal.taxable.currency
    so_far = tax_on(total((earlier.taxable, subtotal.taxable), code), subtotal.rate)
    return total((so_far, negated(earlier.tax)), code)


def _decimals(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    digits = minor_digits(document.currency)
    for name, amount in _amounts(document):
        try:
            to_minor(amount)
        except InvalidInput:
            yield Finding(
                rule="BR-DEC",
                field=name,
                source=EN_16931,
                remedy=f"round it to the {digits} decimals of {document.currency}",
                found=f"{amount.amount:f}",
            )


def _amounts(document: InvoiceDocument | CreditNote) -> Iterator[tuple[str, Money]]:
    for index, line in enumerate(document.lines):
        yield f"lines[{index}].net", line.net
    for index, each in enumerate(document.adjustments):
        yield f"adjustments[{index}].amount", each.amount
    for index, subtotal in enumerate(document.subtotals):
        yield f"subtotals[{index}].taxable", subtotal.taxable
        yield f"subtotals[{index}].tax", subtotal.tax
    for name in ("lines", "net", "tax", "gross", "prepaid", "rounding", "payable"):
        yield f"totals.{name}", getattr(document.totals, name)
