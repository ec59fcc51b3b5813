"""Drafting an invoice: the sums from the lines; what is issued is for the host to number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from retainkit.billing.invoicing._amounts import (
    NO_EXEMPTIONS,
    document_totals,
    tax_subtotals,
)
from retainkit.billing.invoicing._documents import (
    DocumentKind,
    InvoiceDocument,
    InvoiceReference,
)
from retainkit.billing.invoicing._lines import Adjustment, InvoiceLine, negated
from retainkit.billing.invoicing._parties import NOBODY, Party
from retainkit.billing.tax import Exemption, TaxCategory
from retainkit.errors import InvalidInput
from retainkit.money import Money, currency_of, to_units, total
from retainkit.timing import Period
from retainkit.timing import zone as zone_named


def draft_invoice(
    *,
    currency: str,
    lines: Sequence[InvoiceLine],
    seller: Party = NOBODY,
    buyer: Party = NOBODY,
    adjustments: Sequence[Adjustment] = (),
    exemptions: Mapping[TaxCategory, Exemption] = NO_EXEMPTIONS,
    prepaid: Money | None = None,
    rounding: Money | None = None,
    promised: Money | None = None,
    kind: DocumentKind = DocumentKind.INVOICE,
    number: str = "",
    issued: date | None = None,
    supplied: date | Period | None = None,
    zone: str = "UTC",
    due: date | None = None,
    terms: str = "",
    notes: Sequence[str] = (),
    replaces: InvoiceReference | None = None,
    tax_in_national_currency: Money | None = None,
    representative: Party | None = None,
    cash_accounting: bool = False,
) -> InvoiceDocument:
    """
    An invoice whose VAT and totals are computed from its lines.

    VAT is computed once for each category and rate, on its net sum, half a minor unit away from
    zero (BR-CO-17 of EN 16931). So `check_totals` finds nothing in it.

    Args:
        currency: The ISO code of all amounts.

        lines: What is billed, at least one.

        seller: Who supplies.

        buyer: Who is billed.

        adjustments: Allowances and charges of the whole document.

        exemptions: Why a category is not taxed.

        prepaid: What was paid before.

        rounding: What is added so that the sum to pay is round.

        promised: The gross sum that was shown to the buyer. Where net prices made of gross ones
            give another sum, the difference becomes the rounding amount: the promise holds, and
            the VAT is still that of the net sum. It is at most a minor unit for each line,
            adjustment and rate: more is no rounding.

        kind: What the document is.

        number: Its number; empty for a draft.

        issued: Its date.

        supplied: The day of the supply, or the period supplied.

        zone: The IANA zone in which periods are told as days.

        due: Until when it is to be paid.

        terms: The terms of payment in words.

        notes: Whatever else it has to say.

        replaces: The invoice that this one replaces.

        tax_in_national_currency: The VAT in the seller's national currency.

        representative: Who owes the VAT in the seller's place.

        cash_accounting: Whether the VAT is due when it is paid.

    Raises:
        InvalidInput: ``invoice.no_lines``; ``invoice.promised`` when both `rounding` and
            `promised` are given, or rounding does not explain what was promised;
            ``money.mixed_currencies``, ``money.unknown_currency``, ``time.unknown_zone``.
    """
    code = currency_of(currency).code
    zone_named(zone)
    if not lines:
        raise InvalidInput(
            "An invoice has at least one line",
            code="invoice.no_lines",
            field="lines",
            value=(),
            remedy="pass what is billed (BR-16 of EN 16931)",
        )
    subtotals = tax_subtotals(lines, adjustments, currency=code, exemptions=exemptions)
    totals = document_totals(
        lines, adjustments, subtotals, currency=code, prepaid=prepaid, rounding=rounding
    )
    if promised is not None:
        if rounding is not None:
            raise InvalidInput(
                "The rounding amount follows from the promised sum",
                code="invoice.promised",
                field="promised",
                value=str(promised.amount),
                remedy="pass either `rounding` or `promised`",
            )
        kept = total((promised, negated(totals.gross)), code)
        parts = len(lines) + len(adjustments) + len(subtotals)
        if abs(to_units(kept)) > parts:
            raise InvalidInput(
                "Rounding does not explain the promised sum",
                code="invoice.promised",
                field="promised",
                value=str(promised.amount),
                remedy=f"promise what the lines come to, about {totals.gross.amount:f} {code}",
            )
        totals = document_totals(
            lines, adjustments, subtotals, currency=code, prepaid=prepaid, rounding=kept
        )
    return InvoiceDocument(
        currency=code,
        seller=seller,
        buyer=buyer,
        lines=tuple(lines),
        adjustments=tuple(adjustments),
        subtotals=subtotals,
        totals=totals,
        kind=kind,
        number=number,
        issued=issued,
        supplied=supplied,
        zone=zone,
        due=due,
        terms=terms,
        notes=tuple(notes),
        replaces=replaces,
        tax_in_national_currency=tax_in_national_currency,
        representative=representative,
        cash_accounting=cash_accounting,
    )
