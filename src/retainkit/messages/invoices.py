"""Invoices and credit notes as text and accessible HTML, and their figures explained, localised.

Figures and fields come from `retainkit.billing.invoicing`; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from attrs import frozen

from retainkit.billing.invoicing import (
    Adjustment,
    CreditNote,
    Difference,
    InvoiceDocument,
    InvoiceLine,
    InvoiceReference,
    Party,
    TaxSubtotal,
)
from retainkit.billing.proration import Line, TrailStep
from retainkit.billing.tax import Exemption, TaxCategory
from retainkit.messages._billing_words import Words
from retainkit.money import money
from retainkit.timing import Period


__all__ = [
    "exemptions",
    "explain_difference",
    "explain_line",
    "line_text",
    "render_html",
    "render_text",
]

_VATEX = MappingProxyType(
    {
        TaxCategory.EXEMPT: None,
        TaxCategory.REVERSE_CHARGE: "VATEX-EU-AE",
        TaxCategory.INTRA_COMMUNITY: "VATEX-EU-IC",
        TaxCategory.EXPORT: "VATEX-EU-G",
        TaxCategory.OUTSIDE_SCOPE: "VATEX-EU-O",
    }
)

_AMOUNTS = frozenset({"amount", "billed", "credited", "exact", "left"})
"""Values of a trail that are minor units, fractions of them included."""

_INSTANTS = frozenset({"start", "end"})
_NUMBERS = frozenset({"part", "quantity", "share", "tier", "whole"})


def exemptions(
    locale: str, *, directories: tuple[Path, ...] = ()
) -> Mapping[TaxCategory, Exemption]:
    """
    Why each category that is not taxed is not, as Art. 226 (11) and (11a) want it said.

    For `draft_invoice` and `invoice_of_lines`; of an exemption (E), pass the provision yourself
    where you know it.

    Args:
        locale: The language of the document; ``de`` says
            ``Steuerschuldnerschaft des Leistungsempfängers`` where English says
            ``Reverse charge``.

        directories: Own catalogues, as in `Branding`: ``locale/de/LC_MESSAGES/billing.po``.
    """
    words = Words(locale, "UTC", directories)
    return {
        category: Exemption(text=words.say(f"exemption.{category.value}"), code=code)
        for category, code in _VATEX.items()
    }


def line_text(
    line: Line,
    name: str,
    locale: str,
    *,
    zone: str = "UTC",
    directories: tuple[Path, ...] = (),
) -> str:
    """
    What a line of a preview bills, such as ``Unused time on 3 x Pro`` and its days.

    Args:
        line: The line.

        name: What the customer calls the thing that is billed.

        locale: The language of the document.

        zone: The IANA zone in which its period is told as days.

        directories: Own catalogues, as in `Branding`.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    words = Words(locale, zone, directories)
    called = name
    if line.quantity != 1:
        units = words.number(Fraction(line.quantity))
        called = words.say("line.quantity", quantity=units, name=name)
    if line.period is None:
        return words.say("line.one_off", name=called)
    return words.say(f"line.{line.kind.value}", name=called, period=words.days(line.period))


def explain_line(
    line: Line | InvoiceLine,
    locale: str,
    *,
    zone: str = "UTC",
    directories: tuple[Path, ...] = (),
) -> tuple[str, ...]:
    """
    How a line's amount came about, a sentence a step.

    A step without a sentence, from a newer version, is shown by its key and values: explaining
    never fails.

    Args:
        line: A line of a preview, or of a document that was made of one.

        locale: The reader's.

        zone: The reader's IANA zone.

        directories: Own catalogues, as in `Branding`.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    return _explained(line, Words(locale, zone, directories))


def explain_difference(
    difference: Difference,
    locale: str,
    *,
    zone: str = "UTC",
    directories: tuple[Path, ...] = (),
) -> str:
    """
    A difference between our invoice and the provider's as a sentence.

    Args:
        difference: As `reconcile` found it.

        locale: The reader's.

        zone: The reader's IANA zone.

        directories: Own catalogues, as in `Branding`.

    Raises:
        InvalidInput: ``time.unknown_zone``.
    """
    words = Words(locale, zone, directories)
    values = {name: words.value(value, name) for name, value in difference.values.items()}
    lines = {"line": difference.line, "their_line": difference.their_line}
    values |= {name: ref for name, ref in lines.items() if ref is not None}
    return words.say(f"difference.{difference.kind.value}", **values)


def render_text(
    document: InvoiceDocument | CreditNote, locale: str, *, directories: tuple[Path, ...] = ()
) -> str:
    """
    The document as plain text, for a terminal or a mail.

    Args:
        document: What to show; a draft says that it is one.

        locale: The language of everything that isn't the document's own text.

        directories: Own catalogues, as in `Branding`.
    """
    sheet = _sheet(document, Words(locale, document.zone, directories))
    parts = [sheet.title, "\n".join(f"{name}: {value}" for name, value in sheet.facts)]
    parts += [f"{name}\n{value}" for name, value in sheet.parties]
    parts += [_text_table(table) for table in sheet.tables]
    parts += sheet.notes
    if sheet.trails:
        told = ("\n".join((name, *(f"- {step}" for step in steps))) for name, steps in sheet.trails)
        parts.append("\n\n".join((sheet.trail_title, *told)))
    return "\n\n".join(part for part in parts if part) + "\n"


def render_html(
    document: InvoiceDocument | CreditNote, locale: str, *, directories: tuple[Path, ...] = ()
) -> str:
    """
    The document as one page of HTML: tables with captions and headers, its language named.

    It needs no script, font or other file, follows the reader's light or dark scheme, and can be
    printed.

    Args:
        document: What to show; a draft says that it is one.

        locale: The language of everything that isn't the document's own text.

        directories: Own catalogues, as in `Branding`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    words = Words(locale, document.zone, directories)
    environment = Environment(
        loader=PackageLoader("retainkit.messages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("_invoice.html.jinja")
    return page.render(sheet=_sheet(document, words), language=words.tag)


# ----------------------------------------------------------------------------------- the sheet


@frozen(kw_only=True)
class _Table:
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@frozen(kw_only=True)
class _Sheet:
    title: str
    facts: tuple[tuple[str, str], ...]
    parties: tuple[tuple[str, str], ...]
    tables: tuple[_Table, ...]
    notes: tuple[str, ...]
    trail_title: str
    trails: tuple[tuple[str, tuple[str, ...]], ...]


def _sheet(document: InvoiceDocument | CreditNote, words: Words) -> _Sheet:
    trails = ((line.text, _explained(line, words)) for line in document.lines)
    return _Sheet(
        title=_title(document, words),
        facts=tuple(_facts(document, words)),
        parties=tuple(
            (words.say(f"label.{role}"), _party(party, words))
            for role, party in (
                ("seller", document.seller),
                ("buyer", document.buyer),
                ("representative", document.representative),
            )
            if party is not None
        ),
        tables=(_lines(document, words), _taxes(document, words), _totals(document, words)),
        notes=tuple(_notes(document, words)),
        trail_title=words.say("caption.trail"),
        trails=tuple((name, steps) for name, steps in trails if steps),
    )


def _title(document: InvoiceDocument | CreditNote, words: Words) -> str:
    kind = words.say(f"title.{document.kind.name.lower()}")
    if not document.number:
        return words.say("title.draft", title=kind)
    return words.say("title.numbered", title=kind, number=document.number)


def _facts(document: InvoiceDocument | CreditNote, words: Words) -> Iterator[tuple[str, str]]:
    credit = isinstance(document, CreditNote)
    if isinstance(document, CreditNote):
        yield words.say("label.corrects"), _reference(document.corrects, words)
        if document.explanation:
            yield words.say("label.reason"), document.explanation
    elif document.replaces is not None:
        yield words.say("label.replaces"), _reference(document.replaces, words)
    if document.issued is not None:
        label = "label.issued_credit" if credit else "label.issued"
        yield words.say(label), words.day(document.issued)
    supplied = document.supplied
    if supplied is not None:
        if isinstance(supplied, Period):
            yield words.say("label.supplied_in"), words.days(supplied)
        else:
            yield words.say("label.supplied_on"), words.day(supplied)
    if document.due is not None:
        yield words.say("label.due"), words.day(document.due)


def _reference(meant: InvoiceReference, words: Words) -> str:
    if meant.issued is None:
        return meant.number
    return words.say("reference.dated", number=meant.number, issued=words.day(meant.issued))


def _party(party: Party, words: Words) -> str:
    home = party.address
    place = " ".join(part for part in (home.postal_code, home.city) if part)
    ids = (
        ("label.vat_id", party.vat_id),
        ("label.tax_number", party.tax_number),
        ("label.registration", party.registration),
    )
    told = (f"{words.say(label)}: {number}" for label, number in ids if number)
    lines = (party.name, *home.lines, place, home.region, home.country, party.email, *told)
    return "\n".join(line for line in lines if line)


def _lines(document: InvoiceDocument | CreditNote, words: Words) -> _Table:
    credit = isinstance(document, CreditNote)
    dated = document.supplied is not None
    rows = [_line(line, words, "" if dated else _supplied(line, words)) for line in document.lines]
    rows.extend(_adjustment_row(each, words) for each in document.adjustments)
    columns = ("text", "quantity", "price", "rate", "net")
    return _Table(
        caption=words.say("caption.credited" if credit else "caption.lines"),
        head=tuple(words.say(f"column.{name}") for name in columns),
        rows=tuple(rows),
    )


def _supplied(line: InvoiceLine, words: Words) -> str:
    """When it was supplied, unless its text says so: Art. 226 (7)."""
    days = "" if line.period is None else words.days(line.period)
    return "" if days in line.text else days


def _line(line: InvoiceLine, words: Words, supplied: str) -> tuple[str, ...]:
    adjustments = (_with_amount(each, words) for each in line.adjustments)
    text = "; ".join(filter(None, (line.text, supplied, *adjustments)))
    price = "" if line.unit_price is None else words.money(line.unit_price)
    if price and line.base_quantity != 1:
        price = words.say("price.for", price=price, base=words.number(line.base_quantity))
    return (
        text,
        words.number(line.quantity),
        price,
        words.percent(line.rate),
        words.money(line.net),
    )


def _adjustment_row(each: Adjustment, words: Words) -> tuple[str, ...]:
    return (
        _adjustment(each, words),
        "",
        "",
        words.percent(each.rate),
        words.money(each.signed),
    )


def _adjustment(each: Adjustment, words: Words) -> str:
    kind = words.say(f"adjustment.{each.kind.value}")
    return words.say("adjustment.for", kind=kind, reason=each.reason) if each.reason else kind


def _with_amount(each: Adjustment, words: Words) -> str:
    return f"{_adjustment(each, words)} {words.money(each.signed)}"


def _taxes(document: InvoiceDocument | CreditNote, words: Words) -> _Table:
    columns = ("treatment", "rate", "taxable", "tax")
    return _Table(
        caption=words.say("caption.taxes"),
        head=tuple(words.say(f"column.{name}") for name in columns),
        rows=tuple(
            (
                _treatment(each, words),
                words.percent(each.rate),
                words.money(each.taxable),
                words.money(each.tax),
            )
            for each in document.subtotals
        ),
    )


def _treatment(subtotal: TaxSubtotal, words: Words) -> str:
    """The law's words for what is not taxed, however its reason is put: Art. 226 (11) and (11a)."""
    category, reason = subtotal.category, subtotal.reason
    if category not in _VATEX:
        return reason or words.say(f"category.{category.value}")
    phrase = words.say(f"exemption.{category.value}")
    if not reason or phrase.casefold() in reason.casefold():
        return reason or phrase
    return words.say("adjustment.for", kind=phrase, reason=reason)


def _totals(document: InvoiceDocument | CreditNote, words: Words) -> _Table:
    totals = document.totals
    credit = isinstance(document, CreditNote)
    # What is zero and optional in law is left out; the four sums always stand.
    shown = [
        ("lines", totals.lines, bool(totals.allowances.amount or totals.charges.amount)),
        ("allowances", totals.allowances, bool(totals.allowances.amount)),
        ("charges", totals.charges, bool(totals.charges.amount)),
        ("net", totals.net, True),
        ("tax", totals.tax, True),
        ("gross", totals.gross, True),
        ("prepaid", totals.prepaid, bool(totals.prepaid.amount)),
        ("rounding", totals.rounding, bool(totals.rounding.amount)),
        ("credited" if credit else "payable", totals.payable, True),
    ]
    rows = [
        (words.say(f"total.{name}"), words.money(amount)) for name, amount, told in shown if told
    ]
    national = document.tax_in_national_currency
    if national is not None:
        label = words.say("total.national", currency=national.currency.code)
        rows.append((label, words.money(national)))
    return _Table(
        caption=words.say("caption.totals"),
        head=(words.say("column.total"), words.say("column.amount")),
        rows=tuple(rows),
    )


def _notes(document: InvoiceDocument | CreditNote, words: Words) -> Iterator[str]:
    if isinstance(document, CreditNote):
        yield words.say("note.credited")
    elif document.due is not None and document.totals.payable.amount > 0:
        amount = words.money(document.totals.payable)
        yield words.say("note.pay_by", amount=amount, due=words.day(document.due))
    if document.cash_accounting:
        yield words.say("note.cash_accounting")
    if document.terms:
        yield document.terms
    yield from document.notes


# ------------------------------------------------------------------------------------ the trail


def _explained(line: Line | InvoiceLine, words: Words) -> tuple[str, ...]:
    currency = line.net.currency.code
    return tuple(_step(step, currency, words) for step in line.trail)


def _step(step: TrailStep, currency: str, words: Words) -> str:
    key = step.key
    if key == "proration.part":
        key = f"{key}.{step.values.get('part')}"
    values = {name: _shown(name, value, currency, words) for name, value in step.values.items()}
    if words.known(key):
        return words.say(key, **values)
    return " ".join((key, *(f"{name}={text}" for name, text in sorted(values.items()))))


def _shown(name: str, value: str | int, currency: str, words: Words) -> str:
    try:
        if name in _INSTANTS:
            return words.instant(str(value))
        if name in _AMOUNTS:
            return words.units(str(value), currency)
        if name == "unit" and _is_number(value):
            return words.money(money(str(value), currency))
        if name in _NUMBERS and _is_number(value):
            return words.number(Fraction(value))
    except (ValueError, ArithmeticError):  # of a newer or a foreign step: shown as it is
        return str(value)
    return words.word(f"value.{name}.{value}", str(value))


def _is_number(value: str | int) -> bool:
    return isinstance(value, int) or value.lstrip("-").replace("/", "").replace(".", "").isdigit()


# ----------------------------------------------------------------------------------- plain text


def _text_table(table: _Table) -> str:
    spaces = dict.fromkeys(map(ord, "\u00a0\u2009\u202f"), " ")
    cells = [[cell.translate(spaces) for cell in row] for row in (table.head, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    return "\n".join((table.caption, lines[0], rule, *lines[1:]))
