"""Giving up: an invoice that never counted is void, one that won't be paid is written off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from attrs import evolve, frozen

from retainkit.billing.invoicing._amounts import GroupKey, group_key
from retainkit.billing.invoicing._credit import creditable, rounding_left
from retainkit.billing.invoicing._documents import (
    CreditNote,
    InvoiceDocument,
    InvoiceReference,
    TaxSubtotal,
)
from retainkit.billing.invoicing._lines import negated
from retainkit.errors import InvalidInput, Refused
from retainkit.money import Money, Rounding, compare, share, to_minor, to_units, total


@frozen(kw_only=True)
class WriteOff:
    """
    A claim that won't be paid: the invoice stays as it is, and the VAT on it is corrected.

    No document goes to the buyer, who still owes the money. If it is paid after all, the VAT is
    due again: `recovered`.

    Args:
        invoice: Which invoice.

        on: The day on which the claim became uncollectible; the VAT is corrected in its period.

        amount: What is written off, with VAT.

        taxes: Of each category and rate, the taxable sum and the VAT that it touches.

        reason: Why, in the host's words.

        source: The law that corrects the VAT.
    """

    invoice: InvoiceReference
    on: date
    amount: Money
    taxes: tuple[TaxSubtotal, ...]
    reason: str = ""
    source: str = "section 17 (2) no. 1 UStG; Directive 2006/112/EC, Art. 90"

    @property
    def tax(self) -> Money:
        """The VAT that it touches, in all."""
        return total((each.tax for each in self.taxes), self.amount.currency)


@frozen(kw_only=True)
class Voided:
    """
    An invoice that never went out and never counts: no VAT is due on it, and none is corrected.

    Its number stays used, so that the sequence has no hole without an explanation.

    Args:
        invoice: Which invoice.

        on: The day.

        reason: Why, in the host's words.
    """

    invoice: InvoiceReference
    on: date
    reason: str = ""


def void(
    invoice: InvoiceDocument, *, on: date, delivered: bool, paid: Money | None, reason: str = ""
) -> Voided:
    """
    Take back an invoice that nobody has received and nobody has paid.

    Args:
        invoice: The invoice.

        on: The day.

        delivered: Whether it went out. VAT that an invoice in somebody's hands states is owed
            until a document corrects it (section 14c UStG).

        paid: What was paid on it; None for nothing.

        reason: Why.

    Raises:
        Refused: ``void.delivered``, ``void.paid``: a credit note is the way.
    """
    if delivered:
        raise Refused(
            "An invoice that went out can't be void",
            code="void.delivered",
            field="delivered",
            value=True,
            remedy="correct it with a credit note: draft_credit_note(invoice)",
        )
    if paid is not None and paid.amount:
        raise Refused(
            "An invoice that was paid can't be void",
            code="void.paid",
            field="paid",
            value=f"{paid.amount:f}",
            remedy="correct it with a credit note, and pay the money back",
        )
    return Voided(invoice=_reference(invoice), on=on, reason=reason)


def write_off(
    invoice: InvoiceDocument,
    amount: Money,
    *,
    on: date,
    paid: Money | None = None,
    credited: Sequence[CreditNote] = (),
    earlier: Sequence[WriteOff] = (),
    reason: str = "",
) -> WriteOff:
    """
    Give up so much of what is still to pay, and say which VAT that touches.

    What is paid, credited or written off is spread over the invoice's rates by their gross sums;
    the VAT of each is computed on the running sum, so that pieces come to what the whole would,
    and never to more than credit notes have left.

    Args:
        invoice: The invoice.

        amount: What is written off, with VAT, above zero.

        on: The day on which the claim became uncollectible.

        paid: What was paid on it; None for nothing.

        credited: All credit notes to it.

        earlier: What was written off of it before.

        reason: Why.

    Raises:
        InvalidInput: ``write_off.amount`` unless it is above zero; ``money.mixed_currencies``,
            ``money.fraction_of_minor_unit``.

        Refused: ``write_off.exceeds_open`` when less than that is still to pay.
    """
    if amount.amount <= 0:
        raise InvalidInput(
            "What is written off is more than nothing",
            code="write_off.amount",
            field="amount",
            value=f"{amount.amount:f}",
            remedy="pass what won't be paid, with VAT, as a positive amount",
        )
    to_minor(amount)
    left = creditable(invoice, credited)
    code = invoice.currency
    owed = total((left.gross, rounding_left(invoice, credited)), code)
    given_up = total((each.amount for each in earlier), code)
    settled = total((invoice.totals.prepaid, *(() if paid is None else (paid,))), code)
    still_open = total((owed, negated(settled), negated(given_up)), code)
    if compare(amount, still_open) > 0:
        raise Refused(
            "No more can be written off than is still to pay",
            code="write_off.exceeds_open",
            field="amount",
            value=f"{amount.amount:f}",
            remedy=f"write off at most {still_open.amount:f} {code}",
        )
    return WriteOff(
        invoice=_reference(invoice),
        on=on,
        amount=amount,
        taxes=_touched(left.groups, owed, earlier, amount),
        reason=reason,
    )


def recovered(
    given_up: WriteOff, amount: Money, *, on: date, earlier: Sequence[WriteOff] = ()
) -> WriteOff:
    """
    What is paid of a claim that was written off: a write-off with negative amounts.

    The VAT on it is due again on that day (section 17 (2) no. 1, second sentence, UStG).

    Args:
        given_up: The write-off.

        amount: What was paid, with VAT.

        on: The day.

        earlier: What was recovered of it before.

    Raises:
        InvalidInput: ``write_off.amount`` unless it is above zero and at most what is left of the
            write-off; ``money.fraction_of_minor_unit``.
    """
    to_minor(amount)
    code = given_up.amount.currency
    rest = total((given_up.amount, *(each.amount for each in earlier)), code)
    if amount.amount <= 0 or compare(amount, rest) > 0:
        raise InvalidInput(
            "What is recovered is above zero, and at most what was written off",
            code="write_off.amount",
            field="amount",
            value=f"{amount.amount:f}",
            remedy=f"pass at most {rest.amount:f}",
        )
    paid_before = [_negated(each) for each in earlier]
    touched = _touched(given_up.taxes, given_up.amount, paid_before, amount)
    return _negated(evolve(given_up, on=on, amount=amount, taxes=touched))


def _touched(
    groups: Sequence[TaxSubtotal], gross: Money, earlier: Sequence[WriteOff], amount: Money
) -> tuple[TaxSubtotal, ...]:
    """The running sums of all pieces by category and rate, less what the earlier ones touched."""
    code = amount.currency
    so_far = total((*(each.amount for each in earlier), amount), code)
    part = to_units(so_far) / to_units(gross)
    before = [each for piece in earlier for each in piece.taxes]
    taxes, sums = [], []
    for group in groups:
        alike = [each for each in before if _key(each) == _key(group)]
        taxes.append(_grown(group.tax, part, (each.tax for each in alike)))
        sums.append(_grown(group.taxable, part, (each.taxable for each in alike)))
    # Net and VAT make the amount: what rounding left over belongs to the largest sum.
    missing = total((amount, *map(negated, taxes), *map(negated, sums)), code)
    largest = max(range(len(sums)), key=lambda index: abs(to_units(sums[index])))
    sums[largest] = total((sums[largest], missing), code)
    return tuple(
        evolve(each, taxable=taxable, tax=tax)
        for each, taxable, tax in zip(groups, sums, taxes, strict=True)
    )


def _grown(whole: Money, part: Fraction, before: Iterable[Money]) -> Money:
    now = share(whole, part, Rounding.HALF_UP)
    return total((now, *map(negated, before)), whole.currency)


def _key(subtotal: TaxSubtotal) -> GroupKey:
    return group_key(subtotal.category, subtotal.rate)


def _negated(piece: WriteOff) -> WriteOff:
    """The same with the other sign: a recovery as a write-off, or a write-off as a recovery."""
    return evolve(
        piece,
        amount=negated(piece.amount),
        taxes=tuple(
            evolve(each, taxable=negated(each.taxable), tax=negated(each.tax))
            for each in piece.taxes
        ),
    )


def _reference(invoice: InvoiceDocument) -> InvoiceReference:
    return InvoiceReference(number=invoice.number, issued=invoice.issued)
