"""What must be on a document by law; whether its figures are right is in ``_rules``."""

from __future__ import annotations

from collections.abc import Iterator

from retainkit.billing.invoicing._documents import CreditNote, DocumentKind, InvoiceDocument
from retainkit.billing.invoicing._findings import Finding
from retainkit.billing.invoicing._parties import Party
from retainkit.billing.invoicing._rules import check_totals
from retainkit.billing.tax import TaxCategory, national_currency
from retainkit.errors import InvalidInput
from retainkit.money import Money, compare, money


_WITHOUT_ID = frozenset({TaxCategory.EXEMPT, TaxCategory.OUTSIDE_SCOPE})
"""Whose sellers need no VAT id: the exempt may have none, and BR-O-02 lets none stand."""

_DIRECTIVE = "Directive 2006/112/EC"

SMALL_AMOUNT = money("250.00", "EUR")
"""Section 33 UStDV: up to this gross sum a German invoice may have fewer fields."""

_TAKEN_OVER = frozenset({TaxCategory.REVERSE_CHARGE, TaxCategory.INTRA_COMMUNITY})
"""Where the buyer owes the VAT, both VAT ids are asked for, and nothing is a small amount."""

_UNTAXED = frozenset(
    {
        TaxCategory.EXEMPT,
        TaxCategory.REVERSE_CHARGE,
        TaxCategory.INTRA_COMMUNITY,
        TaxCategory.EXPORT,
        TaxCategory.OUTSIDE_SCOPE,
    }
)


def is_small_amount(document: InvoiceDocument | CreditNote) -> bool:
    """
    Whether section 33 UStDV lets this document have fewer fields.

    So it is for a German seller, up to 250 EUR with VAT, unless the buyer owes the VAT. In another
    currency it is not: at which rate to compare, the law does not say.
    """
    categories = {each.category for each in document.subtotals}
    gross = document.totals.gross
    size = money(gross.amount.copy_abs(), gross.currency)
    return (
        document.seller.address.country == "DE"
        and document.currency == SMALL_AMOUNT.currency.code
        and compare(size, SMALL_AMOUNT) <= 0
        and not categories & _TAKEN_OVER
    )


def check_mandatory(document: InvoiceDocument | CreditNote) -> tuple[Finding, ...]:
    """
    What is missing, of the document, its seller and its buyer: nothing when it is complete.

    The rules are those of Art. 226 of Directive 2006/112/EC; for a German seller also section
    14 (4), section 14a UStG, and section 33 UStDV for small amounts (see `is_small_amount`).
    Whether the figures are right, `check_totals` says.
    """
    small = is_small_amount(document)
    rules = _small(document) if small else _full(document)
    return (*rules, *_always(document))


def require_complete(document: InvoiceDocument | CreditNote) -> None:
    """
    Refuse a document that may not be issued yet.

    Raises:
        InvalidInput: ``invoice.missing_field`` for the first field that `check_mandatory` misses;
            ``invoice.wrong_total`` for the first finding of `check_totals`.
    """
    for finding in check_mandatory(document):
        raise InvalidInput(
            f"A field is missing that {finding.source} asks for",
            code="invoice.missing_field",
            field=finding.field,
            value=finding.found,
            remedy=finding.remedy,
        )
    for finding in check_totals(document):
        raise InvalidInput(
            f"The figures break {finding.rule} of {finding.source}",
            code="invoice.wrong_total",
            field=finding.field,
            value=finding.found,
            remedy=finding.remedy
            if finding.expected is None
            else f"{finding.remedy}: {finding.expected}",
        )


def _always(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    """What a small amount's document needs as well."""
    german = _german(document)
    if document.issued is None:
        yield _missing(
            "issued", _law(german, "(1)", "14 (4) no. 3 UStG"), "state the date of issue"
        )
    if not document.lines:
        yield _missing("lines", _law(german, "(6)", "14 (4) no. 5 UStG"), "state what is billed")
    for index, line in enumerate(document.lines):
        if not line.text:
            yield _missing(
                f"lines[{index}].text",
                _law(german, "(6)", "14 (4) no. 5 UStG"),
                "state the nature of what is supplied",
            )
    for index, each in enumerate(document.subtotals):
        if each.category in _UNTAXED and not each.reason:
            section = "14a (5) UStG" if each.category in _TAKEN_OVER else "14 (4) no. 8 UStG"
            point = "(11a)" if each.category is TaxCategory.REVERSE_CHARGE else "(11)"
            yield _missing(
                f"subtotals[{index}].reason",
                _law(german, point, section),
                "say why no VAT is charged; `retainkit.messages.invoices.exemptions` has words",
            )
    if isinstance(document, CreditNote) and not document.corrects.number:
        yield _missing(
            "corrects.number",
            "section 31 (5) UStDV" if german else f"{_DIRECTIVE}, Art. 219",
            "state the number of the invoice that it corrects",
        )


def _full(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    german = _german(document)
    if not document.number:
        yield _missing(
            "number",
            _law(german, "(2)", "14 (4) no. 4 UStG"),
            "give it the next number of your sequence",
        )
    yield from _named("seller", document.seller, german=german)
    yield from _named("buyer", document.buyer, german=german)
    yield from _vat_ids(document, german=german)
    if document.representative is not None:
        yield from _representative(document.representative)
    dated = document.supplied is not None or all(line.period for line in document.lines)
    # BR-IC-11 of EN 16931 asks for it in every intra-Community supply.
    goods = any(each.category is TaxCategory.INTRA_COMMUNITY for each in document.subtotals)
    if not dated and (german or goods or document.kind is DocumentKind.PREPAYMENT):
        yield _missing(
            "supplied",
            _law(german, "(7)", "14 (4) no. 6 UStG"),
            "state the day of the supply or payment, or the period supplied",
        )
    for index, line in enumerate(document.lines):
        if line.unit_price is None:
            yield _missing(
                f"lines[{index}].unit_price",
                _law(german, "(8)", "14 (4) no. 7 UStG"),
                "state the price of a unit without VAT",
            )
    if not document.subtotals:
        yield _missing(
            "subtotals",
            _law(german, "(8) to (10)", "14 (4) no. 7 and 8 UStG"),
            "state the taxable sum, the rate and the VAT of each rate",
        )
    yield from _national(document)


def _small(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    """Section 33 UStDV: the seller's name and address; the rest is asked for of every document."""
    source = "section 33 UStDV"
    yield from _of(source, "seller", document.seller)
    if not document.subtotals:
        yield _missing("subtotals", source, "state the rate of VAT of the gross sum")


def _named(role: str, party: Party, *, german: bool) -> Iterator[Finding]:
    yield from _of(_law(german, "(5)", "14 (4) no. 1 UStG"), role, party)


def _of(source: str, role: str, party: Party) -> Iterator[Finding]:
    if not party.name:
        yield _missing(f"{role}.name", source, "state the full name")
    home = party.address
    if not home.city or not (home.lines or home.postal_code):
        yield _missing(f"{role}.address", source, "state the full address")
    if not home.country:
        yield _missing(f"{role}.address.country", source, "state the country of the address")


def _vat_ids(document: InvoiceDocument | CreditNote, *, german: bool) -> Iterator[Finding]:
    seller, buyer = document.seller, document.buyer
    categories = {each.category for each in document.subtotals}
    taken_over = bool(categories & _TAKEN_OVER)
    charges = not categories or bool(categories - _WITHOUT_ID)
    # A representative, who owes the VAT in the seller's place, has an id of its own.
    unnamed = not seller.vat_id and document.representative is None
    if unnamed and (taken_over or (charges and not german)):
        yield _missing(
            "seller.vat_id",
            _law(german, "(3)", "14a (1) and (3) UStG"),
            "state the seller's VAT id: where the buyer owes the VAT, a tax number won't do"
            if taken_over
            else "state the seller's VAT id",
        )
    elif unnamed and not seller.tax_number:
        yield _missing(
            "seller.tax_number",
            _law(german, "(3)", "14 (4) no. 2 UStG"),
            "state the seller's tax number or VAT id",
        )
    if taken_over and not buyer.vat_id:
        yield _missing(
            "buyer.vat_id",
            _law(german, "(4)", "14a (1) and (3) UStG"),
            "state the VAT id under which the buyer was supplied",
        )


def _representative(party: Party) -> Iterator[Finding]:
    source = f"{_DIRECTIVE}, Art. 226 (15)"
    yield from _of(source, "representative", party)
    if not party.vat_id:
        yield _missing("representative.vat_id", source, "state the tax representative's VAT id")


def _national(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    country = document.seller.address.country
    currency = national_currency(country)
    if currency in {None, document.currency}:
        return
    given = document.tax_in_national_currency
    if given is None:
        if document.totals.tax.amount:
            yield _missing(
                "tax_in_national_currency",
                f"{_DIRECTIVE}, Art. 230",
                f"state the VAT in {currency} as well, at the rate of Art. 91",
            )
    elif _code(given) != currency:
        yield Finding(
            rule="BR-53",
            field="tax_in_national_currency",
            source=f"{_DIRECTIVE}, Art. 230",
            remedy=f"state it in {currency}, the currency of {country}",
            found=_code(given),
        )


def _code(amount: Money) -> str:
    return amount.currency.code


def _german(document: InvoiceDocument | CreditNote) -> bool:
    return document.seller.address.country == "DE"


def _law(german: bool, point: str, section: str) -> str:  # noqa: FBT001 - a fact, not a switch
    directive = f"{_DIRECTIVE}, Art. 226 {point}"
    return f"section {section}; {directive}" if german else directive


def _missing(field: str, source: str, remedy: str) -> Finding:
    return Finding(rule="missing", field=field, source=source, remedy=remedy)
