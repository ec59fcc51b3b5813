"""Checks of figures, days and choices that callers hand in; inside this room only."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
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


def check_day(value: object, field: str) -> None:
    """A day is a date, without a time that would need a zone."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise InvalidInput(
            "This is not a date",
            code="tax.not_a_date",
            field=field,
            value=value,
            remedy="pass a date of the place of supply: date(2026, 11, 22)",
        )


def check_choice(value: object, choices: type[StrEnum], field: str) -> None:
    """A choice is a member of its enum: a text would pass for none of them."""
    if not isinstance(value, choices):
        raise InvalidInput(
            f"This is no {choices.__name__}",
            code="tax.choice",
            field=field,
            value=value,
            remedy=f"pass a {choices.__name__}: {', '.join(choices)}",
        )
