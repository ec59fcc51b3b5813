"""Fixed-point arithmetic of scores: the same digits for one customer and for a million columns.

Points are whole numbers of ten-thousandths, weights whole numbers of billionths of all weights.
Once a reading is points and a weight, all is exact until the score is rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import factorial, floor, ldexp
from typing import TypeAlias

from retainkit.errors import InvalidInput


Points: TypeAlias = int | float | Decimal

DIGITS = 4
"""Places of a component's points."""

ONE_POINT = 10**DIGITS
WHOLE = 10**9
"""All weights of a model together."""

_MOST = 10_000
_WIDEST = 30
FORGOTTEN = -64.0
"""The exponent of two below which nothing is left."""

_LN_2 = Fraction("0.693147180559945309417232121458176568")
SERIES = tuple(float(_LN_2**k / factorial(k)) for k in range(17, -1, -1))
"""Of the powers of two between 0 and 1, from the highest term: exact to the last bit but one."""


def points_of(value: object, place: str) -> int:
    """
    Points as ten-thousandths.

    Raises:
        InvalidInput: ``health.points``: no number, more than 4 places, or beyond 10,000.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            exact = Decimal(str(value)) * ONE_POINT
            if abs(exact) <= _MOST * ONE_POINT and exact == int(exact):
                return int(exact)
        except (InvalidOperation, ValueError, OverflowError):
            pass
    raise InvalidInput(
        "Points are a number with at most 4 places, up to 10,000",
        code="health.points",
        field=place,
        value=value if isinstance(value, int | float | str) else str(value),
        remedy="write a number such as 5, -2.5 or 100",
    )


def in_points(count: int, places: int = DIGITS) -> Decimal:
    """So many steps of the last place, as a number."""
    return Decimal(count).scaleb(-places)


def exactly(value: object) -> Fraction | None:
    """A number as it is written; None for what is none, and for one of endless digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Fraction):
        return Fraction(value)
    number = Decimal(str(value)) if isinstance(value, float) else value
    if not isinstance(number, Decimal) or not number.is_finite():
        return None
    return Fraction(number) if abs(number.adjusted()) <= _WIDEST else None


def weight_of(value: object, place: str) -> Fraction:
    """
    A weight, exactly.

    Raises:
        InvalidInput: ``health.weight``: no number above zero.
    """
    weight = exactly(value)
    if weight is not None and weight > 0:
        return weight
    raise InvalidInput(
        "A weight is a number above zero",
        code="health.weight",
        field=place,
        value=value if isinstance(value, int | float | str) else str(value),
        remedy="leave out a component that counts for nothing",
    )


def nearest(numerator: int, denominator: int) -> int:
    """The quotient to the nearest whole number, a half to the even one; the denominator > 0."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def remaining(age: float, half_life: float) -> float:
    """
    What is left of one after an age: 0.5 to the power of age / half-life; 1 before its time.

    Made of additions and multiplications alone, in a fixed order, so that every machine, and numpy
    as well, gives the same bits.
    """
    if age <= 0:
        return 1.0
    exponent = -(age / half_life)
    if exponent < FORGOTTEN:
        return 0.0
    whole = floor(exponent)
    rest, power = exponent - whole, 0.0
    for term in SERIES:
        power = power * rest + term
    return ldexp(power, whole)


def decayed(value: Points, age: timedelta, half_life: timedelta) -> Decimal:
    """
    What is left of points after an age: ``value * 0.5 ** (age / half_life)``, to 4 places.

    Raises:
        InvalidInput: ``health.points``, ``health.half_life``.
    """
    second = timedelta(seconds=1)
    share = remaining(age / second, checked_half_life(half_life, "half_life") / second)
    return in_points(round(points_of(value, "value") * share))


def checked_half_life(length: object, place: str) -> timedelta:
    """
    The length itself.

    Raises:
        InvalidInput: ``health.half_life``: no length, or none above zero.
    """
    if isinstance(length, timedelta) and length > timedelta(0):
        return length
    raise InvalidInput(
        "A half-life is a length of time above zero",
        code="health.half_life",
        field=place,
        value=str(length),
        remedy="pass days(30) in Python, or write 30d in a file; leave it out for no decay",
    )


def apportioned(exact: Sequence[Fraction], total: int) -> list[int]:
    """
    The parts as whole numbers that add up to the total exactly: by largest remainder.

    What is exactly zero stays zero as long as anything else can take the rest.
    """
    parts = [floor(part) for part in exact]
    left = total - sum(parts)
    order = sorted(range(len(exact)), key=lambda i: (exact[i] == 0, parts[i] - exact[i], i))
    order = [i for i in order if exact[i] != 0] or order
    if left < 0:
        order.reverse()
    for turn in range(abs(left)):
        parts[order[turn % len(order)]] += 1 if left > 0 else -1
    return parts
