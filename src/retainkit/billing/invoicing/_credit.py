"""Credit notes: what may still be credited of an invoice, and the note that does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from attrs import evolve, frozen

from retainkit.billing.invoicing._amounts import (
    GroupKey,
    document_totals,
    group_key,
    taxable_sums,
)
from retainkit.billing.invoicing._documents import (
    CreditNote,
    InvoiceDocument,
    InvoiceReference,
    TaxSubtotal,
)
from retainkit.billing.invoicing._lines import Adjustment, InvoiceLine, negated
from retainkit.billing.invoicing._rules import expected_tax
from retainkit.errors import InvalidInput, Refused
from retainkit.money import Money, compare, to_minor, total


@frozen(kw_only=True)
class Creditable:
    """
    What may still be credited of an invoice.

    Args:
        lines: Of each line, by its id, the net amount.

        groups: Of each category and rate, the taxable sum and the VAT.

        gross: In all, with VAT.
    """

    lines: Mapping[str, Money]
    groups: tuple[TaxSubtotal, ...]
    gross: Money


def creditable(invoice: InvoiceDocument, earlier: Sequence[CreditNote] = ()) -> Creditable:
    """
    What earlier credit notes have left of an invoice, by line, by rate and in all.

    Raises:
        InvalidInput: ``credit.other_invoice`` when a note corrects another invoice;
            ``credit.line_twice`` when two lines of the invoice have one id.
    """
    _check_references(invoice, earlier)
    _check_ids(invoice)
    code = invoice.currency
    taken = {line.id: [negated(line.net)] for line in invoice.lines}
    for note in earlier:
        for line in note.lines:
            taken.setdefault(line.credits or line.id, []).append(line.net)
    before = _credited(earlier, code)
    groups = tuple(_left(each, before.get(_key(each))) for each in invoice.subtotals)
    notes = total((note.totals.gross for note in earlier), code)
    return Creditable(
        lines={line.id: negated(total(taken[line.id], code)) for line in invoice.lines},
        groups=groups,
        gross=total((invoice.totals.gross, negated(notes)), code),
    )


def draft_credit_note(
    invoice: InvoiceDocument,
    *,
    amounts: Mapping[str, Money] | None = None,
    earlier: Sequence[CreditNote] = (),
    explanation: str = "",
    number: str = "",
    issued: date | None = None,
    tax_in_national_currency: Money | None = None,
) -> CreditNote:
    """
    A credit note to an invoice: everything that is left of it, or these amounts of its lines.

    It reuses the category and rate of what it credits. VAT is computed on the running sum of all
    credit notes of a category and rate, less what the earlier ones took: however an invoice is
    credited piece by piece, the pieces never come to more than it, and all of it is all of it.

    Args:
        invoice: The invoice as it was issued.

        amounts: The net amount to credit of each line, by the line's id; None for all that is
            left, the document's allowances, charges and rounding amount included.

        earlier: All credit notes issued to the invoice before.

        explanation: Why, in the language of the document.

        number: Its number; empty for a draft.

        issued: Its date.

        tax_in_national_currency: Its VAT in the seller's national currency, where the invoice
            states one: at the rate of the invoice.

    Raises:
        InvalidInput: ``credit.unknown_line``, ``credit.line_twice``, ``credit.other_invoice``,
            ``credit.nothing``, ``money.mixed_currencies``, ``money.fraction_of_minor_unit``.

        Refused: ``credit.exceeds_line``, ``credit.exceeds_rate``, ``credit.exceeds_invoice``.
    """
    left = creditable(invoice, earlier)
    if amounts is None:
        lines = _rest(invoice, left)
        adjustments = _rest_of_adjustments(invoice, earlier)
    else:
        lines, adjustments = _chosen(invoice, left, amounts), ()
    if not lines and not adjustments:
        raise InvalidInput(
            "There is nothing to credit",
            code="credit.nothing",
            field="amounts",
            value=None,
            remedy="name lines and amounts; what was credited before is in `creditable`",
        )
    before = _credited(earlier, invoice.currency)
    subtotals = _subtotals(invoice, lines, adjustments, before)
    _check_groups(left, subtotals)
    totals = document_totals(
        lines,
        adjustments,
        subtotals,
        currency=invoice.currency,
        rounding=rounding_left(invoice, earlier) if amounts is None else None,
    )
    if compare(totals.gross, left.gross) > 0:
        raise _refused("credit.exceeds_invoice", "amounts", totals.gross, left.gross)
    return CreditNote(
        currency=invoice.currency,
        seller=invoice.seller,
        buyer=invoice.buyer,
        lines=lines,
        adjustments=adjustments,
        subtotals=subtotals,
        totals=totals,
        number=number,
        issued=issued,
        supplied=invoice.supplied,
        zone=invoice.zone,
        representative=invoice.representative,
        tax_in_national_currency=tax_in_national_currency,
        cash_accounting=invoice.cash_accounting,
        corrects=InvoiceReference(number=invoice.number, issued=invoice.issued),
        explanation=explanation,
        before=tuple(before.values()),
    )


def rounding_left(invoice: InvoiceDocument, earlier: Sequence[CreditNote]) -> Money:
    """What credit notes have left of an invoice's rounding amount."""
    taken = (negated(note.totals.rounding) for note in earlier)
    return total((invoice.totals.rounding, *taken), invoice.currency)


def _check_ids(invoice: InvoiceDocument) -> None:
    twice = [id for id, count in Counter(line.id for line in invoice.lines).items() if count > 1]
    if twice:
        raise InvalidInput(
            "Two lines of the invoice have the same id, so it is not clear which is credited",
            code="credit.line_twice",
            field="invoice",
            value=twice[0],
            remedy="give each line an id of its own",
        )


def _check_references(invoice: InvoiceDocument, earlier: Sequence[CreditNote]) -> None:
    for note in earlier:
        if note.corrects.number != invoice.number:
            raise InvalidInput(
                "This credit note corrects another invoice",
                code="credit.other_invoice",
                field="earlier",
                value=note.corrects.number,
                remedy=f"pass the credit notes to {invoice.number or 'this invoice'} only",
            )


def _credited(earlier: Sequence[CreditNote], code: str) -> dict[GroupKey, TaxSubtotal]:
    """What these notes came to, by category and rate."""
    sums: dict[GroupKey, TaxSubtotal] = {}
    for note in earlier:
        for each in note.subtotals:
            so_far = sums.get(_key(each))
            sums[_key(each)] = (
                each
                if so_far is None
                else evolve(
                    so_far,
                    taxable=total((so_far.taxable, each.taxable), code),
                    tax=total((so_far.tax, each.tax), code),
                )
            )
    return sums


def _left(billed: TaxSubtotal, credited: TaxSubtotal | None) -> TaxSubtotal:
    if credited is None:
        return billed
    code = billed.taxable.currency
    return evolve(
        billed,
        taxable=total((billed.taxable, negated(credited.taxable)), code),
        tax=total((billed.tax, negated(credited.tax)), code),
    )


def _rest(invoice: InvoiceDocument, left: Creditable) -> tuple[InvoiceLine, ...]:
    return tuple(
        _crediting(line, left.lines[line.id])
        for line in invoice.lines
        if left.lines[line.id].amount
    )


def _rest_of_adjustments(
    invoice: InvoiceDocument, earlier: Sequence[CreditNote]
) -> tuple[Adjustment, ...]:
    """The document's own, once: no note takes them but the one that takes all that is left."""
    return () if any(note.adjustments for note in earlier) else invoice.adjustments


def _chosen(
    invoice: InvoiceDocument, left: Creditable, amounts: Mapping[str, Money]
) -> tuple[InvoiceLine, ...]:
    strange = [name for name in amounts if name not in left.lines]
    if strange:
        raise InvalidInput(
            "The invoice has no such line",
            code="credit.unknown_line",
            field="amounts",
            value=strange[0],
            remedy=f"name one of {', '.join(left.lines)}",
        )
    lines = []
    for line in invoice.lines:
        amount = amounts.get(line.id)
        if amount is None:
            continue
        to_minor(amount)
        rest = left.lines[line.id]
        # A line that gave something back is credited by a negative amount, never beyond zero.
        against = rest.amount < 0
        beyond = compare(amount, rest)
        if (beyond < 0 if against else beyond > 0) or (amount.amount < 0) != against:
            raise _refused("credit.exceeds_line", f"amounts[{line.id}]", amount, rest)
        if amount.amount:
            lines.append(_crediting(line, amount))
    return tuple(lines)


def _crediting(line: InvoiceLine, amount: Money) -> InvoiceLine:
    """The line that gives back so much of a line."""
    whole = amount == line.net
    against = amount.amount < 0
    return evolve(
        line,
        quantity=line.quantity if whole else -1 if against else 1,
        unit_price=line.unit_price if whole else negated(amount) if against else amount,
        base_quantity=line.base_quantity if whole else 1,
        adjustments=line.adjustments if whole else (),
        net=amount,
        tax=None,
        credits=line.id,
    )


def _subtotals(
    invoice: InvoiceDocument,
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[Adjustment],
    before: Mapping[GroupKey, TaxSubtotal],
) -> tuple[TaxSubtotal, ...]:
    sums = taxable_sums(lines, adjustments, invoice.currency)
    made = []
    for billed in invoice.subtotals:
        taxable = sums.get(_key(billed))
        if taxable is not None:
            draft = evolve(billed, taxable=taxable)
            made.append(evolve(draft, tax=expected_tax(draft, before)))
    return tuple(made)


def _check_groups(left: Creditable, subtotals: Sequence[TaxSubtotal]) -> None:
    rests = {_key(each): each for each in left.groups}
    for each in subtotals:
        rest = rests[_key(each)].taxable
        beyond = compare(each.taxable, rest)
        if beyond < 0 if rest.amount < 0 else beyond > 0:
            raise _refused("credit.exceeds_rate", "amounts", each.taxable, rest)


def _key(subtotal: TaxSubtotal) -> GroupKey:
    return group_key(subtotal.category, subtotal.rate)


def _refused(code: str, field: str, wanted: Money, rest: Money) -> Refused:
    return Refused(
        "A credit note never gives back more than was billed",
        code=code,
        field=field,
        value=f"{wanted.amount:f}",
        remedy=f"credit at most {rest.amount:f} {rest.currency.code}",
    )
