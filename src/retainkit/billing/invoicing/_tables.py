"""Documents as small English tables for notebooks; customers get ``messages.invoices``."""

from __future__ import annotations

from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING

from retainkit.money import Money


if TYPE_CHECKING:
    from retainkit.billing.invoicing._documents import CreditNote, InvoiceDocument

_SUMS = (("Net", "net"), ("VAT", "tax"), ("Gross", "gross"), ("Payable", "payable"))


def document_table(document: InvoiceDocument | CreditNote) -> str:
    """The lines and sums of a document."""
    title = f"{document.kind.name.replace('_', ' ').capitalize()} {document.number or '(draft)'}"
    rows = [
        (line.text or line.id, plain_number(line.quantity), percent(line.rate), amount(line.net))
        for line in document.lines
    ]
    sums = [(name, "", "", amount(getattr(document.totals, field))) for name, field in _SUMS]
    return html_table(title, ("Line", "Quantity", "VAT rate", "Net"), (*rows, *sums))


def html_table(
    caption: str, head: tuple[str, ...], rows: tuple[tuple[str, ...], ...], *, language: str = "en"
) -> str:
    """A table with a caption and headers; every text is escaped."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<table lang="{escape(language)}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def amount(money: Money) -> str:
    """The amount with its currency's code, as a machine would write it."""
    return f"{money.amount:f} {money.currency.code}"


def percent(rate: Fraction | None) -> str:
    """A rate as a percentage; a dash where there is none."""
    return "-" if rate is None else f"{plain_number(rate * 100)} %"


def plain_number(value: Fraction) -> str:
    """Its exact decimals where they end, else the fraction itself."""
    for places in range(7):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = f"{abs(scaled.numerator):0{places + 1}d}"
            sign = "-" if value < 0 else ""
            whole, decimals = digits[: len(digits) - places], digits[len(digits) - places :]
            return f"{sign}{whole}.{decimals}" if places else f"{sign}{whole}"
    return str(value)
