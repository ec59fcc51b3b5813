"""What coupons take off lines, exactly, and how that is rounded; coupons are in ``_coupons``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from attrs import field, frozen

from retainkit.billing.prices._checks import code_of, quantity_of, share_of
from retainkit.billing.prices._coupons import Coupon
from retainkit.errors import InvalidInput
from retainkit.money import (
    AllocationStrategy,
    Money,
    Rounding,
    from_minor,
    round_fraction,
    to_units,
)


class StackingOrder(StrEnum):
    """In which order coupons are taken off; each takes of what the ones before have left."""

    AS_GIVEN = "as_given"
    """In the order of the coupons."""

    PERCENT_FIRST = "percent_first"
    """Percentages before amounts: 100.00 less 20 % less 10.00 is 70.00."""

    AMOUNT_FIRST = "amount_first"
    """Amounts before percentages: 100.00 less 10.00 less 20 % is 72.00."""


def _amount(amount: int | Fraction) -> Fraction:
    return quantity_of(amount, "amount")


@frozen(kw_only=True)
class DiscountLine:
    """
    A line that coupons may be taken off.

    Args:
        id: Its own among the lines.

        price: The id of the price it is for, which a coupon may name.

        currency: An ISO 4217 code.

        amount: Exact minor units (ISO), such as `Charge.exact`; not below zero: a credit is for
            what was billed, its discount taken off already.

    Raises:
        InvalidInput: ``price.not_exact``, ``price.negative_quantity``,
            ``money.unknown_currency``.
    """

    id: str
    price: str
    currency: str = field(converter=code_of)
    amount: Fraction = field(converter=_amount)


@frozen(kw_only=True)
class LineDiscount:
    """What one coupon takes off one line: minor units (ISO), exact, above zero."""

    line: str
    coupon: str
    exact: Fraction


@frozen(kw_only=True)
class Discounts:
    """
    What all coupons take off all lines.

    Args:
        lines: The lines, as they were given.

        taken: What each coupon takes off each line, coupon by coupon in the order they stack;
            where it is nothing, there is none.
    """

    lines: tuple[DiscountLine, ...]
    taken: tuple[LineDiscount, ...]

    @property
    def exact(self) -> Fraction:
        """The whole discount in minor units (ISO), not rounded."""
        return sum((each.exact for each in self.taken), Fraction(0))

    def by_line(self) -> dict[str, Fraction]:
        """The exact discount of every line, in the order of the lines."""
        found = {line.id: Fraction(0) for line in self.lines}
        for each in self.taken:
            found[each.line] += each.exact
        return found

    def rounded(
        self,
        rounding: Rounding,
        *,
        strategy: AllocationStrategy = AllocationStrategy.LARGEST_REMAINDER,
    ) -> dict[str, Money]:
        """
        The discount of every line in whole minor units; together they are the whole discount,
        rounded once, and none is more than its line.

        Args:
            rounding: Where the whole discount goes between two minor units.

            strategy: Which lines get the minor units that are left when each discount was
                rounded down; Stripe's is ``LARGEST_WEIGHT``.

        Raises:
            InvalidInput: ``discount.unrounded_line`` when a line is no whole number of minor
                units, since its discount could then come out above it.
        """
        for line in self.lines:
            if line.amount.denominator != 1:
                raise InvalidInput(
                    "A discount is rounded for lines that are rounded",
                    code="discount.unrounded_line",
                    field="lines",
                    value=line.id,
                    remedy="round the lines first, or take the exact discounts off exact lines",
                )
        exact = self.by_line()
        whole = {line: units.numerator // units.denominator for line, units in exact.items()}
        left = round_fraction(self.exact, rounding) - sum(whole.values())
        for claimant in _claimants(exact, strategy)[:left]:
            whole[claimant] += 1
        currency = {line.id: line.currency for line in self.lines}
        return {name: from_minor(units, currency[name]) for name, units in whole.items()}


def discount(
    lines: Iterable[DiscountLine],
    coupons: Sequence[Coupon],
    *,
    order: StackingOrder = StackingOrder.AS_GIVEN,
    share: int | Fraction = 1,
) -> Discounts:
    """
    What the coupons take off the lines, one after another, never more than there is.

    An amount, and what is over a cap, is spread over the lines in proportion to what is left of
    them.

    Args:
        lines: In one currency.

        coupons: Those that run, see `GivenCoupon.runs`.

        order: In which order they are taken off.

        share: The part of a whole period that the lines are for: amounts and caps shrink with it.
            Percentages need none.

    Raises:
        InvalidInput: ``discount.mixed_currencies`` for lines in several currencies;
            ``discount.coupon_currency`` for a coupon in another one; ``discount.duplicate_line``;
            ``price.not_exact``, ``price.share``.
    """
    given = tuple(lines)
    part = share_of(share)
    currency = _currency_of(given)
    left = {line.id: line.amount for line in given}
    taken = []
    for coupon in _ordered(coupons, order):
        _check_currency(coupon, currency)
        base = {
            line.id: left[line.id]
            for line in given
            if left[line.id] and (not coupon.applies_to or line.price in coupon.applies_to)
        }
        total = sum(base.values(), Fraction(0))
        if not total:
            continue
        portion = _taken_off(coupon, total, part) / total
        for line, amount in base.items():
            off = amount * portion
            left[line] -= off
            taken.append(LineDiscount(line=line, coupon=coupon.id, exact=off))
    return Discounts(lines=given, taken=tuple(each for each in taken if each.exact))


def _taken_off(coupon: Coupon, total: Fraction, share: Fraction) -> Fraction:
    if coupon.amount is not None:
        off = min(total, to_units(coupon.amount) * share)
    else:
        off = total * Fraction(coupon.percent or 0) / 100  # a coupon has the one or the other
    return off if coupon.cap is None else min(off, to_units(coupon.cap) * share)


def _ordered(coupons: Sequence[Coupon], order: StackingOrder) -> Sequence[Coupon]:
    match order:
        case StackingOrder.AS_GIVEN:
            return coupons
        case StackingOrder.PERCENT_FIRST:
            return sorted(coupons, key=lambda coupon: coupon.percent is None)
        case StackingOrder.AMOUNT_FIRST:
            return sorted(coupons, key=lambda coupon: coupon.amount is None)
        case _:
            assert_never(order)


def _claimants(exact: Mapping[str, Fraction], strategy: AllocationStrategy) -> list[str]:
    """The lines that rounding down took something from, those first that get a unit first."""
    lost = {line: units % 1 for line, units in exact.items() if units % 1}
    match strategy:
        case AllocationStrategy.LARGEST_REMAINDER:
            claims: Mapping[str, Fraction] = lost
        case AllocationStrategy.LARGEST_WEIGHT:
            claims = exact
        case _:
            assert_never(strategy)
    # Sorting is stable, also in reverse: among equals, the earlier line.
    return sorted(lost, key=claims.__getitem__, reverse=True)


def _currency_of(lines: Sequence[DiscountLine]) -> str | None:
    seen: set[str] = set()
    for line in lines:
        if line.currency != lines[0].currency:
            raise InvalidInput(
                f"This line is not in {lines[0].currency}, as the first one is",
                code="discount.mixed_currencies",
                field="lines",
                value=line.currency,
                remedy="discount the lines of each currency by themselves",
            )
        if line.id in seen:
            raise InvalidInput(
                "Two lines have the same id",
                code="discount.duplicate_line",
                field="lines",
                value=line.id,
                remedy="give each line an id of its own",
            )
        seen.add(line.id)
    return lines[0].currency if lines else None


def _check_currency(coupon: Coupon, currency: str | None) -> None:
    for name, amount in (("amount", coupon.amount), ("cap", coupon.cap)):
        if amount is not None and currency not in (None, amount.currency.code):
            raise InvalidInput(
                f"The {name} of this coupon is not in {currency}, as the lines are",
                code="discount.coupon_currency",
                field="coupons",
                value=amount.currency.code,
                remedy=f"give the customer a coupon in {currency}, or one in percent",
            )
