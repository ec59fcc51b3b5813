"""Checks of figures that callers hand in; inside this room only."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from retainkit.errors import InvalidInput


def check_rate(value: object) -> None:
    """A tax rate is an exact share."""
    if not isinstance(value, Fraction) or not 0 <= value < 1:
        raise InvalidInput(
            "A tax rate is an exact fraction from zero to one",
            code="tax.rate",
            field="rate",
            value=value,
            remedy="pass 19 % as Fraction(19, 100)",
        )


def check_decimal(value: object, *, field: str, code: str, above_zero: bool = False) -> None:
    """A figure in euros or a rate of exchange is a finite Decimal."""
    if not isinstance(value, Decimal) or not value.is_finite() or (above_zero and value <= 0):
        raise InvalidInput(
            f"This is a finite Decimal{' above zero' if above_zero else ''}",
            code=code,
            field=field,
            value=value,
            remedy='pass a Decimal made of text: Decimal("1234.56")',
        )
