"""Rounding to whole minor units or to a step, always as the caller says."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from moneyed import Money

from retainkit.errors import InvalidInput
from retainkit.money._amounts import exact, of_fraction
from retainkit.money._sums import require_currency
from retainkit.money._units import minor_digits


class Rounding(StrEnum):
    """Where an amount between two steps goes."""

    HALF_UP = "half_up"
    """To the nearest; a half away from zero, so that a credit mirrors its charge."""

    HALF_EVEN = "half_even"
    """To the nearest; a half to the even neighbour."""

    HALF_DOWN = "half_down"
    """To the nearest; a half towards zero."""

    UP = "up"
    """Away from zero."""

    DOWN = "down"
    """Towards zero."""

    CEILING = "ceiling"
    """Towards plus infinity."""

    FLOOR = "floor"
    """Towards minus infinity."""


def rounded(money: Money, rounding: Rounding, *, step: Money | None = None) -> Money:
    """
    The money as a whole number of steps.

    Args:
        money: Any exact amount.

        rounding: Where it goes between two steps.

        step: One minor unit (ISO) unless given: ``money("0.05", "CHF")`` for cash.

    Raises:
        InvalidInput: ``money.mixed_currencies`` when the step has another currency;
            ``money.step`` when it is not positive.
    """
    amount = exact(money)
    size = step_size(step, money)
    return of_fraction(round_fraction(amount / size, rounding) * size, money.currency)


def share(
    money: Money, portion: Fraction | int, rounding: Rounding, *, step: Money | None = None
) -> Money:
    """
    A portion of the money, rounded once: ``share(price, Fraction(17, 30), Rounding.HALF_UP)``.

    Args:
        money: The whole.

        portion: Which part of it; below zero or above one is allowed. Never a float.

        rounding: Where the result goes between two steps.

        step: As in `rounded`.

    Raises:
        InvalidInput: ``money.portion``, and as `rounded`.
    """
    if type(portion) is not int and not isinstance(portion, Fraction):
        raise InvalidInput(
            "A portion is an exact fraction",
            code="money.portion",
            field="portion",
            value=portion,
            remedy="pass a Fraction: Fraction(17, 30)",
        )
    part = exact(money) * portion
    size = step_size(step, money)
    return of_fraction(round_fraction(part / size, rounding) * size, money.currency)


def round_fraction(value: Fraction, rounding: Rounding) -> int:
    """The whole number next to the value, for amounts already counted in minor units."""
    below, rest = divmod(value.numerator, value.denominator)
    if not rest:
        return below
    above = below + 1
    outwards, inwards = (above, below) if below >= 0 else (below, above)
    match rounding:
        case Rounding.UP:
            return outwards
        case Rounding.DOWN:
            return inwards
        case Rounding.CEILING:
            return above
        case Rounding.FLOOR:
            return below
        case Rounding.HALF_UP:
            half = outwards
        case Rounding.HALF_DOWN:
            half = inwards
        case Rounding.HALF_EVEN:
            half = below + below % 2
        case _:
            assert_never(rounding)
    if 2 * rest == value.denominator:
        return half
    return above if 2 * rest > value.denominator else below


def step_size(step: Money | None, money: Money) -> Fraction:
    """The step in units of the money's currency, checked; inside this room only."""
    if step is None:
        scale: int = 10 ** minor_digits(money.currency)
        return Fraction(1, scale)
    size = exact(step, "step")
    require_currency(step, money.currency, "step")
    if size <= 0:
        raise InvalidInput(
            "A step is more than nothing",
            code="money.step",
            field="step",
            value=str(step.amount),
            remedy='pass the smallest amount that can be paid, such as money("0.05", "CHF")',
        )
    return size
