"""Invoices and credit notes as values; what makes one complete or right is checked elsewhere."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from fractions import Fraction

from attrs import field, frozen

from retainkit.billing.invoicing._lines import (
    Adjustment,
    InvoiceLine,
    check_member,
    exact_rate,
)
from retainkit.billing.invoicing._parties import Party
from retainkit.billing.tax import TaxCategory
from retainkit.money import Money
from retainkit.timing import Period


class DocumentKind(StrEnum):
    """What a document is, as UNTDID 1001 codes it."""

    INVOICE = "380"
    """An invoice for what was or is being supplied."""

    PREPAYMENT = "386"
    """An invoice for a payment ahead of the supply."""

    SELF_BILLED = "389"
    """Issued by the buyer; Germany's ``Gutschrift`` in the sense of section 14 UStG."""

    CORRECTED = "384"
    """Replaces an earlier invoice."""

    CREDIT_NOTE = "381"
    """Corrects an earlier invoice downwards; in German a ``Rechnungskorrektur``."""


@frozen(kw_only=True)
class InvoiceReference:
    """
    Which earlier document is meant.

    Args:
        number: Its number.

        issued: Its date.
    """

    number: str
    issued: date | None = None


@frozen(kw_only=True)
class TaxSubtotal:
    """
    The VAT of one category and rate (BG-23 of EN 16931).

    Args:
        category: The category.

        rate: The rate as a part of one; None where no rate applies.

        taxable: The net sum that it is computed on.

        tax: The VAT.

        reason: Why no VAT is charged, in the language of the document.

        reason_code: The same as a code of the VATEX list, such as ``VATEX-EU-AE``.

    Raises:
        InvalidInput: ``invoice.choice``, ``invoice.rate``.
    """

    category: TaxCategory
    rate: Fraction | None = field(default=None, converter=exact_rate)
    taxable: Money
    tax: Money
    reason: str = ""
    reason_code: str = ""

    def __attrs_post_init__(self) -> None:
        check_member(self.category, TaxCategory, "category")


@frozen(kw_only=True)
class Totals:
    """
    The sums of a document (BG-22 of EN 16931).

    Args:
        lines: Of the lines' net amounts (BT-106).

        allowances: Of the document's allowances (BT-107).

        charges: Of the document's charges (BT-108).

        net: Without VAT (BT-109).

        tax: The VAT (BT-110).

        gross: With VAT (BT-112).

        prepaid: What was paid before (BT-113).

        rounding: What is added so that the sum to pay is round (BT-114).

        payable: What is to pay (BT-115).
    """

    lines: Money
    allowances: Money
    charges: Money
    net: Money
    tax: Money
    gross: Money
    prepaid: Money
    rounding: Money
    payable: Money


@frozen(kw_only=True)
class _Document:
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[InvoiceLine, ...]
    subtotals: tuple[TaxSubtotal, ...]
    totals: Totals
    adjustments: tuple[Adjustment, ...] = ()
    number: str = ""
    issued: date | None = None
    supplied: date | Period | None = None
    zone: str = "UTC"
    due: date | None = None
    terms: str = ""
    notes: tuple[str, ...] = ()
    tax_in_national_currency: Money | None = None
    representative: Party | None = None
    cash_accounting: bool = False


@frozen(kw_only=True)
class InvoiceDocument(_Document):
    """
    An invoice, with the fields of Art. 226 of Directive 2006/112/EC and section 14 (4) UStG.

    A draft may lack a number, a date or whatever is not known yet: `check_mandatory` names what
    is missing, `check_totals` what doesn't add up, and `require_complete` refuses both.

    Args:
        currency: The ISO code that all amounts are in, but for `tax_in_national_currency`.

        seller: Who supplies.

        buyer: Who is billed.

        lines: What is billed.

        subtotals: The VAT by category and rate.

        totals: The sums.

        adjustments: Allowances and charges of the whole document.

        number: Its number, unique and in sequence; empty for a draft.

        issued: Its date.

        supplied: The day of the supply or of the payment ahead, or the period supplied.

        zone: The IANA zone in which periods are told as days.

        due: Until when it is to be paid.

        terms: The terms of payment in words.

        notes: Whatever else it has to say, such as the duty to keep it.

        tax_in_national_currency: The VAT in the seller's national currency (BT-111, Art. 230),
            where the document is in another.

        representative: Who owes the VAT in the seller's place (Art. 226 (15)).

        cash_accounting: Whether the VAT is due when it is paid (Art. 226 (7a)); the document then
            says so.

        kind: What the document is.

        replaces: The invoice that this one replaces, if it does.
    """

    kind: DocumentKind = DocumentKind.INVOICE
    replaces: InvoiceReference | None = None

    def _repr_html_(self) -> str:
        """A plain English table, for notebooks."""
        from retainkit.billing.invoicing._tables import document_table

        return document_table(self)


@frozen(kw_only=True)
class CreditNote(_Document):
    """
    A document that corrects an invoice downwards; its amounts are positive.

    German calls it a ``Rechnungskorrektur``: a ``Gutschrift`` is by section 14 (4) no. 10 UStG an
    invoice that the buyer writes. The fields are those of `InvoiceDocument`, and:

    Args:
        corrects: The invoice that it corrects.

        explanation: Why.

        before: What earlier credit notes to the same invoice came to, by category and rate. The
            VAT is computed on the running sum, so that several credit notes come to exactly what
            one would have come to.
    """

    corrects: InvoiceReference
    explanation: str = ""
    before: tuple[TaxSubtotal, ...] = ()

    @property
    def kind(self) -> DocumentKind:
        """Always a credit note."""
        return DocumentKind.CREDIT_NOTE

    def _repr_html_(self) -> str:
        """A plain English table, for notebooks."""
        from retainkit.billing.invoicing._tables import document_table

        return document_table(self)
