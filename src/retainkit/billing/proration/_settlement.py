"""What is to be paid, and what becomes of what is left over; the lines are made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import assert_never

from attrs import frozen

from retainkit.billing.proration._line import Line
from retainkit.billing.proration._policy import Leftover
from retainkit.billing.proration._subscription import BilledLine, Subscription, paid_of
from retainkit.money import (
    Money,
    Rounding,
    currency_of,
    from_minor,
    round_fraction,
    to_minor,
    to_units,
)


@frozen(kw_only=True)
class Settlement:
    """
    Where the money of a change goes; none is negative. With tax, once that is known.

    Args:
        due: To be paid now.

        carried: Lowers the next invoice.

        credit_note: Goes to the customer's balance, by credit note.

        refund: Is paid back.

        offset: Lowers what is open on invoices that were not paid.
    """

    due: Money
    carried: Money
    credit_note: Money
    refund: Money
    offset: Money


@frozen(kw_only=True)
class Balance:
    """What is due, what is left over, and what can't be spent, in minor units."""

    due: int
    left: int
    withheld: int


def gross_of(line: Line) -> int:
    """The line in minor units, with its tax where that is known."""
    if line.tax:
        return sum(to_minor(part.gross) for part in line.tax)
    return to_minor(line.net)


def settled(
    lines: tuple[Line, ...],
    subscription: Subscription,
    leftover: Leftover,
    balance: Balance,
) -> Settlement:
    """
    What the lines of an invoice that is written now come to; inside this room only.

    Raises:
        InvalidInput: ``proration.paid_unknown`` when the policy asks for what was paid.
    """
    left = balance.left
    carried = note = refund = 0
    offset = balance.withheld
    if left:
        match leftover:
            case Leftover.CARRY:
                carried = left
            case Leftover.CREDIT_NOTE:
                note = left
            case Leftover.REFUND:
                refund = min(left, _above_use(lines, subscription))
                note = left - refund
            case Leftover.OFFSET:
                opened = min(left, _open(lines, subscription))
                offset += opened
                refund = min(left - opened, _above_use(lines, subscription))
                note = left - opened - refund
            case _:
                assert_never(leftover)
    code = currency_of(subscription.currency)
    return Settlement(
        due=from_minor(balance.due, code),
        carried=from_minor(carried, code),
        credit_note=from_minor(note, code),
        refund=from_minor(refund, code),
        offset=from_minor(offset, code),
    )


def balance_of(lines: tuple[Line, ...], subscription: Subscription) -> Balance:
    """What the lines come to, less what was carried; inside this room only."""
    withheld = sum(
        round_fraction(-gross_of(line) * line.unpaid, Rounding.HALF_UP)
        for line in lines
        if line.unpaid
    )
    units = sum(map(gross_of, lines)) + withheld - to_minor(subscription.carried)
    return Balance(due=max(0, units), left=max(0, -units), withheld=withheld)


def _sources(
    lines: tuple[Line, ...], subscription: Subscription
) -> Iterable[tuple[Line, BilledLine]]:
    billed = {each.id: each for each in subscription.billed}
    for line in lines:
        if line.source in billed and gross_of(line) < 0:
            yield line, billed[line.source]


def _above_use(lines: tuple[Line, ...], subscription: Subscription) -> int:
    """What was paid above what was used, line by line."""
    above = 0
    for line, source in _sources(lines, subscription):
        used = to_minor(source.gross) - _credited_gross(source) + gross_of(line)
        above += max(0, round_fraction(to_units(paid_of(source)) - used, Rounding.DOWN))
    return above


def _open(lines: tuple[Line, ...], subscription: Subscription) -> int:
    return sum(
        max(
            0,
            round_fraction(
                to_units(source.gross) - _credited_gross(source) - to_units(paid_of(source)),
                Rounding.DOWN,
            ),
        )
        for _, source in _sources(lines, subscription)
    )


def _credited_gross(source: BilledLine) -> int:
    net = to_units(source.net)
    if not net:
        return 0
    share: Fraction = to_units(source.credited) / net
    return round_fraction(to_units(source.gross) * share, Rounding.HALF_UP)
