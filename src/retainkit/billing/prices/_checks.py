"""What every value of this room is checked for: money, quantities, shares; no rule of a price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from retainkit.errors import InvalidInput
from retainkit.money import Money, currency_of, to_units


_WHOLE = 100

# Far more than anybody promises; a hostile Decimal("1e-999999") must not be expanded.
_DECIMALS = 12


def not_negative(amount: Money, field: str) -> Fraction:
    """The exact minor units of an amount that is checked to be money, and not below zero."""
    units = to_units(amount)
    if units < 0:
        raise InvalidInput(
            "A price is not below zero",
            code="price.negative_amount",
            field=field,
            value=str(amount.amount),
            remedy="pass the amount without its sign; what is taken off is a Coupon",
        )
    return units


def same_currency(amount: Money, currency: str, field: str) -> None:
    """Refuses money in another currency than the price has."""
    if amount.currency.code != currency:
        raise InvalidInput(
            f"This amount is not in {currency}, as the price is",
            code="price.mixed_currencies",
            field=field,
            value=amount.currency.code,
            remedy="make one price for each currency",
        )


def quantity_of(quantity: int | Fraction, field: str = "quantity") -> Fraction:
    """The quantity as an exact fraction, checked to be one and not below zero."""
    exact = exact_fraction(quantity, field)
    if exact.numerator < 0:
        raise InvalidInput(
            "A quantity is not below zero",
            code="price.negative_quantity",
            field=field,
            value=str(quantity),
            remedy="pass zero or more; what is given back is a credit for what was billed",
        )
    return exact


def share_of(share: int | Fraction) -> Fraction:
    """The share of a period as an exact fraction, checked not to be below zero."""
    exact = exact_fraction(share, "share")
    if exact.numerator < 0:
        raise InvalidInput(
            "A share of a period is not below zero",
            code="price.share",
            field="share",
            value=str(share),
            remedy="pass zero or more, such as Fraction(17, 30)",
        )
    return exact


def exact_fraction(value: int | Fraction, field: str) -> Fraction:
    """The value as a fraction; a float, a bool or text is refused."""
    if isinstance(value, Fraction):
        return value
    if type(value) is int:  # nor a bool
        return Fraction(value)
    raise InvalidInput(
        "This is not an exact number",
        code="price.not_exact",
        field=field,
        value=value,
        remedy="pass an int or a Fraction: Fraction(5, 2), never a float",
    )


def code_of(currency: str) -> str:
    """The currency's code in upper case, checked to be known."""
    return currency_of(currency).code


def whole(value: int, field: str, *, least: int) -> int:
    """A whole number from `least` on."""
    if type(value) is not int or value < least:  # nor a bool
        raise InvalidInput(
            f"This is a whole number from {least} on",
            code="price.not_whole",
            field=field,
            value=value,
            remedy=f"pass an int of {least} or more",
        )
    return value


def percent_of(percent: object, field: str = "percent") -> None:
    """Refuses what is no percentage above 0 and up to 100, as an exact number."""
    if type(percent) is not int and not isinstance(percent, Decimal):
        raise InvalidInput(
            "A percentage is an exact number",
            code="price.not_exact",
            field=field,
            value=percent,
            remedy='pass a Decimal: Decimal("12.5"), never a float',
        )
    exact = Decimal(percent)
    if (
        not exact.is_finite()
        or not 0 < exact <= _WHOLE
        or int(exact.as_tuple().exponent) < -_DECIMALS
    ):
        raise InvalidInput(
            f"A percentage is above 0 and at most 100, with at most {_DECIMALS} decimals",
            code="discount.percent",
            field=field,
            value=str(percent),
            remedy='pass Decimal("20") for 20 %',
        )


def limits_of(limits: Mapping[str, int | None]) -> Mapping[str, int | None]:
    """The limits, read-only; each is a whole number from 0 on, or None for none."""
    for name, limit in limits.items():
        if limit is not None:
            whole(limit, name, least=0)
    return MappingProxyType(dict(limits))


def names_of(names: Iterable[str]) -> frozenset[str]:
    """The names as a set; a single text, which would be its letters, is refused."""
    if isinstance(names, str):
        raise InvalidInput(
            "A set of names is expected, and this is one text",
            code="price.names",
            field="names",
            value=names,
            remedy=f'pass a set: {{"{names}"}}',
        )
    return frozenset(names)
