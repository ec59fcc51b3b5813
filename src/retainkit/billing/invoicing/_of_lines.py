"""From the lines of a preview to an invoice; what they cost is said in ``billing.proration``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction

from retainkit.billing.invoicing._amounts import NO_EXEMPTIONS
from retainkit.billing.invoicing._documents import InvoiceDocument
from retainkit.billing.invoicing._draft import draft_invoice
from retainkit.billing.invoicing._lines import InvoiceLine, negated
from retainkit.billing.invoicing._parties import NOBODY, Party
from retainkit.billing.proration import Line
from retainkit.billing.tax import Exemption, TaxCategory, TaxedLine
from retainkit.errors import InvalidInput, Refused
from retainkit.money import Money, from_minor, to_units, total
from retainkit.timing import Period


def invoice_of_lines(
    lines: Sequence[Line],
    *,
    texts: Mapping[str, str],
    untaxed: bool = False,
    seller: Party = NOBODY,
    buyer: Party = NOBODY,
    exemptions: Mapping[TaxCategory, Exemption] = NO_EXEMPTIONS,
    prepaid: Money | None = None,
    number: str = "",
    issued: date | None = None,
    supplied: date | Period | None = None,
    zone: str = "UTC",
    due: date | None = None,
    terms: str = "",
    notes: Sequence[str] = (),
    national_tax: Money | None = None,
) -> InvoiceDocument:
    """
    The invoice of a preview's lines: of ``preview.lines``, or those of its ``next_invoice``.

    Category and rate are those of each line's tax; a line whose rate changes within its period
    becomes several. The sum to pay is what the preview showed, to the cent: where VAT of the
    rate's net sum differs from it, the difference is the rounding amount. A credit has a negative
    quantity, since a price is never negative (BR-27 of EN 16931).

    Args:
        lines: The lines, after `Preview.with_tax`.

        texts: What each line bills, by its id; `retainkit.messages.invoices.line_text` has words.

        untaxed: Whether there is no tax to state here, as where only the net amounts are compared
            with a provider's. Every line is then outside the scope.

        seller: Who supplies.

        buyer: Who is billed.

        exemptions: Why a category is not taxed; what the tax says of it, unless given. Several
            reasons of one category are told in one breath.

        prepaid: What was paid before.

        number: Its number; empty for a draft.

        issued: Its date.

        supplied: The day of the supply, or the period supplied.

        zone: The IANA zone in which periods are told as days.

        due: Until when it is to be paid.

        terms: The terms of payment in words.

        notes: Whatever else it has to say.

        national_tax: The VAT in the seller's national currency, as `TaxQuote.national_tax`.

    Raises:
        InvalidInput: ``invoice.no_lines``; ``invoice.no_text`` for a line without a text.

        Refused: ``invoice.tax_unknown`` for a line without tax, unless `untaxed`.
    """
    if not lines:
        raise InvalidInput(
            "An invoice has at least one line",
            code="invoice.no_lines",
            field="lines",
            value=(),
            remedy="there is nothing to invoice: the preview has no lines",
        )
    currency = lines[0].net.currency.code
    made = [each for line in lines for each in _lines(line, _text(line, texts), untaxed=untaxed)]
    said = _reasons(lines)
    return draft_invoice(
        currency=currency,
        lines=made,
        seller=seller,
        buyer=buyer,
        exemptions={**said, **exemptions},
        prepaid=prepaid,
        promised=None if untaxed else _shown(lines, currency),
        number=number,
        issued=issued,
        supplied=supplied,
        zone=zone,
        due=due,
        terms=terms,
        notes=notes,
        tax_in_national_currency=national_tax,
    )


def _text(line: Line, texts: Mapping[str, str]) -> str:
    text = texts.get(line.id, "")
    if text:
        return text
    raise InvalidInput(
        "A line says what it bills",
        code="invoice.no_text",
        field="texts",
        value=line.id,
        remedy="pass a text for each line; retainkit.messages.invoices.line_text writes them",
    )


def _lines(line: Line, text: str, *, untaxed: bool) -> Iterator[InvoiceLine]:
    if untaxed:
        yield _line(line, text, None)
        return
    if not line.tax:
        raise Refused(
            "The tax of this line is not known, and an unknown tax is not zero",
            code="invoice.tax_unknown",
            field="lines",
            value=line.id,
            remedy="ask with tax_request(), and pass the lines of with_tax(quote)",
        )
    for part in line.tax:
        yield _line(line, text, part)


def _line(line: Line, text: str, part: TaxedLine | None) -> InvoiceLine:
    net = line.net if part is None else part.net
    treatment = None if part is None else part.treatment
    units = max(line.quantity, 1)
    credit = net.amount < 0
    price = negated(net) if credit else net
    single = to_units(price) / units
    whole = single.denominator == 1
    return InvoiceLine(
        id=line.id if part is None else part.id,
        text=text,
        quantity=Fraction(-units if credit else units),
        unit_price=from_minor(single.numerator, net.currency.code) if whole else price,
        base_quantity=Fraction(1 if whole else units),
        net=net,
        category=TaxCategory.OUTSIDE_SCOPE if treatment is None else treatment.category,
        rate=None if treatment is None else treatment.rate,
        tax=None if part is None else part.tax,
        period=line.period if part is None else part.period or line.period,
        item=line.item,
        price=line.price.id,
        credits=line.source,
        trail=line.trail,
    )


def _reasons(lines: Sequence[Line]) -> dict[TaxCategory, Exemption]:
    """What the tax itself says of why it is none: texts of the host's, or the provisions."""
    told: dict[TaxCategory, dict[str, str | None]] = {}
    for treatment in (part.treatment for line in lines for part in line.tax):
        if not treatment.rate and treatment.category is not TaxCategory.ZERO:
            text = treatment.exemption_text or "; ".join(treatment.references)
            told.setdefault(treatment.category, {})[text] = treatment.exemption_code
    return {
        category: Exemption(
            text="; ".join(filter(None, texts)),
            code=next(iter(texts.values())) if len(set(texts.values())) == 1 else None,
        )
        for category, texts in told.items()
    }


def _shown(lines: Sequence[Line], currency: str) -> Money:
    return total((part.gross for line in lines for part in line.tax), currency)
