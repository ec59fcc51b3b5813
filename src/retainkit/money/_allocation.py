"""Splitting an amount so that the parts add up to it; rounding one amount is in ``_rounding``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from math import lcm
from typing import assert_never

from moneyed import Money

from retainkit.errors import InvalidInput
from retainkit.money._amounts import exact, of_fraction
from retainkit.money._rounding import step_size


class AllocationStrategy(StrEnum):
    """Who gets the units that are left when each part was rounded towards zero."""

    LARGEST_REMAINDER = "largest_remainder"
    """The parts that lost most by rounding; among equals, the earlier ones."""

    LARGEST_WEIGHT = "largest_weight"
    """The heaviest of the parts that lost anything; among equals, the earlier ones. So do Stripe's
    coupons and dinero.js 2: 500 over 1000 and 2000 is 166 and 334."""


def allocate(
    total: Money,
    weights: Sequence[int | Fraction],
    *,
    step: Money | None = None,
    strategy: AllocationStrategy = AllocationStrategy.LARGEST_REMAINDER,
) -> tuple[Money, ...]:
    """
    The total in parts by weight, that add up to it exactly; each within one step of its share.

    Negative totals are split as positive ones are, and a weight of zero gets nothing.

    Args:
        total: A whole number of steps.

        weights: One for each part, not negative, not all zero.

        step: What no part may split; one minor unit (ISO) unless given.

        strategy: Who gets what is left over.

    Raises:
        InvalidInput: ``money.not_a_multiple`` when the total is not a whole number of steps;
            ``money.weights``; ``money.mixed_currencies`` and ``money.step`` for the step.
    """
    amount = exact(total, "total")
    size = step_size(step, total)
    steps = amount / size
    if steps.denominator != 1:
        smallest = of_fraction(size, total.currency)
        raise InvalidInput(
            f"The total is not a whole number of steps of {smallest.amount}",
            code="money.not_a_multiple",
            field="total",
            value=str(total.amount),
            remedy="round it first, with an explicit rounding: rounded(total, ..., step=step)",
        )
    parts = allocate_units(steps.numerator, weights, strategy=strategy)
    return tuple(of_fraction(part * size, total.currency) for part in parts)


def allocate_units(
    total: int,
    weights: Sequence[int | Fraction],
    *,
    strategy: AllocationStrategy = AllocationStrategy.LARGEST_REMAINDER,
) -> tuple[int, ...]:
    """
    The same split for units that are already counted, such as minor units.

    Raises:
        InvalidInput: ``money.weights``.
    """
    whole = _whole_weights(weights)
    divisor = sum(whole)
    parts = []
    rests = []
    for weight in whole:
        part, rest = divmod(abs(total) * weight, divisor)
        parts.append(part)
        rests.append(rest)
    left = abs(total) - sum(parts)
    if left:
        match strategy:
            case AllocationStrategy.LARGEST_REMAINDER:
                claims = rests
            case AllocationStrategy.LARGEST_WEIGHT:
                claims = [weight if rest else 0 for weight, rest in zip(whole, rests, strict=True)]
            case _:
                assert_never(strategy)
        # Sorting is stable, also in reverse, so equal claims are served in order. Each part that
        # lost a fraction lost less than one unit: `left` is less than the number of positive ones.
        for index in sorted(range(len(claims)), key=claims.__getitem__, reverse=True)[:left]:
            parts[index] += 1
    return tuple(parts) if total >= 0 else tuple(-part for part in parts)


def _whole_weights(weights: Sequence[int | Fraction]) -> list[int]:
    for weight in weights:
        if (type(weight) is not int and not isinstance(weight, Fraction)) or weight < 0:
            raise _wrong_weights("A weight is an int or a Fraction that is not negative", weight)
    scale = lcm(*(weight.denominator for weight in weights))
    whole = [weight.numerator * (scale // weight.denominator) for weight in weights]
    if not any(whole):
        raise _wrong_weights("Nothing can be split without a weight above zero", tuple(weights))
    return whole


def _wrong_weights(message: str, value: object) -> InvalidInput:
    return InvalidInput(
        message,
        code="money.weights",
        field="weights",
        value=value,
        remedy="pass exact weights such as [1, 2] or [Fraction(1, 3), Fraction(2, 3)]",
    )
