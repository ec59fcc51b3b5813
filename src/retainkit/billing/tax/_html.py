"""A quote as one small table for notebooks, in plain English; invoices are rendered elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from retainkit.billing.tax._treatment import percent
from retainkit.money import Money


if TYPE_CHECKING:
    from retainkit.billing.tax._quote import TaxQuote
    from retainkit.billing.tax._treatment import TaxTreatment


_HEADINGS = ("line", "net", "tax", "gross", "category", "rate", "whose", "why")


def quote_html(quote: TaxQuote) -> str:
    """The lines with their tax, or the state; then the findings."""
    known = bool(quote.lines)
    head = "".join(f'<th scope="col">{heading}</th>' for heading in _HEADINGS)
    body = "".join(
        _row(line.id, (line.net, line.tax, line.gross), _said(line.treatment))
        for line in quote.lines
    )
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>" if known else ""
    if known:
        table += f"<tfoot>{_row('total', _totals(quote), ())}</tfoot>"
    caption = f"<caption>tax: {escape(quote.state.value)}</caption>"
    findings = "".join(
        f"<li>{escape(finding.key)}: {escape(_values(finding.values.items()))}</li>"
        for finding in quote.findings
    )
    return f"<table>{caption}{table}</table>" + (f"<ul>{findings}</ul>" if findings else "")


def _totals(quote: TaxQuote) -> tuple[Money, Money, Money]:
    return quote.total_net, quote.total_tax, quote.total_gross


def _said(treatment: TaxTreatment) -> tuple[str, ...]:
    rate = "" if treatment.rate is None else percent(treatment.rate)
    whose = treatment.region or treatment.country
    references = ", ".join(treatment.references)
    why = f"{treatment.reason.value}{f' ({references})' if references else ''}"
    return treatment.category.value, rate, whose, why


def _row(name: str, amounts: Iterable[Money], words: Iterable[str]) -> str:
    cells = [f"{amount.amount} {amount.currency.code}" for amount in amounts]
    cells += words
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(name)}</th>{rest}</tr>'


def _values(values: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values)
