"""Adding and comparing amounts of one currency; splitting them is in ``_allocation``."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from moneyed import Currency, Money

from retainkit.errors import InvalidInput
from retainkit.money._amounts import EXACT, amount_of, of_fraction
from retainkit.money._units import currency_of


def total(items: Iterable[Money], currency: str | Currency) -> Money:
    """
    The exact sum, in this currency, of amounts that are all in it; of nothing, it is zero.

    Raises:
        InvalidInput: ``money.mixed_currencies``, ``money.unknown_currency``, ``money.not_finite``.
    """
    known = currency_of(currency)
    amount = Decimal(0)
    for item in items:
        addend = amount_of(item, "items")
        require_currency(item, known, "items")
        amount = EXACT.add(amount, addend)
    return of_fraction(Fraction(amount), known)


def compare(left: Money, right: Money) -> int:
    """
    -1, 0 or 1, as the left amount is less than, equal to or more than the right one.

    py-moneyed's ``==`` calls EUR 5 and USD 5 unequal without a word; this refuses to say.

    Raises:
        InvalidInput: ``money.mixed_currencies``, ``money.not_finite``.
    """
    ours, theirs = amount_of(left, "left"), amount_of(right, "right")
    require_currency(right, left.currency, "right")
    return (ours > theirs) - (ours < theirs)


def require_currency(money: Money, currency: Currency, field: str) -> None:
    """Refuses money in any other currency; inside this room only."""
    if money.currency != currency:
        raise InvalidInput(
            f"This amount is not in {currency.code}",
            code="money.mixed_currencies",
            field=field,
            value=money.currency.code,
            remedy="keep one calculation in one currency; convert before, at a rate you can show",
        )
