"""Amounts in and out: the door to `Money`, minor units and JSON; arithmetic is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction

from moneyed import Currency, Money

from retainkit.errors import InvalidInput
from retainkit.money._units import ISO, UnitProfile, currency_of, minor_digits


# No real amount comes near; a hostile "1e999999" must not be expanded.
_MOST_DIGITS = 30
_LIMIT = 10**_MOST_DIGITS

# Decides only what happens to malformed text; the caller's own context may let it pass as NaN.
_PARSING = Context(traps=[InvalidOperation])

# Shifts and adds what is in range without rounding, whatever the caller's context does.
EXACT = Context(prec=4 * _MOST_DIGITS)


def money(amount: Decimal | int | str, currency: str | Currency) -> Money:
    """
    An exact amount of money.

    The amount is kept as given: nothing is rounded, and more decimals than the currency has are
    allowed (a unit price of 0.0004). Equal amounts are written alike: at least the currency's
    decimals, no further zeros, no negative zero.

    Args:
        amount: In units of the currency: ``money("9.99", "EUR")``. Never a float.

        currency: An ISO 4217 code in any case, or py-moneyed's `Currency`.

    Raises:
        InvalidInput: ``money.float``, ``money.not_a_number``, ``money.not_finite``,
            ``money.out_of_range``, ``money.unknown_currency``, ``money.no_minor_unit``.
    """
    known = currency_of(currency)
    return _written_alike(_decimal(amount), known)


def from_minor(units: int, currency: str | Currency, *, profile: UnitProfile = ISO) -> Money:
    """
    The money that so many minor units are: ``from_minor(999, "EUR")`` is EUR 9.99.

    Args:
        units: Minor units, as the profile counts them.

        currency: An ISO 4217 code in any case, or py-moneyed's `Currency`.

        profile: Who counts: `ISO`, `STRIPE` or `STRIPE_PAYOUTS`.

    Raises:
        InvalidInput: ``money.not_an_integer``, ``money.out_of_range``, ``money.unknown_currency``,
            ``money.no_minor_unit``.
    """
    if type(units) is not int:  # nor a bool
        raise InvalidInput(
            "Minor units are a whole number",
            code="money.not_an_integer",
            field="units",
            value=units,
            remedy="pass an int",
        )
    if not -_LIMIT < units < _LIMIT:
        raise _out_of_range("units", f"{Decimal(units):.3e}")
    known = currency_of(currency)
    value = EXACT.scaleb(Decimal(units), -minor_digits(known, profile))
    return Money(value, known) if profile is ISO else of_fraction(Fraction(value), known)


def to_minor(money: Money, *, profile: UnitProfile = ISO) -> int:
    """
    The money as an integer of minor units.

    Raises:
        InvalidInput: ``money.fraction_of_minor_unit`` when it is not a whole number of them;
            ``money.not_a_multiple`` when the profile accepts only certain multiples.
    """
    scaled = EXACT.scaleb(amount_of(money), minor_digits(money.currency, profile))
    units = int(scaled)
    if units != scaled:
        raise InvalidInput(
            f"{money.currency.code} has {minor_digits(money.currency, profile)} decimals here",
            code="money.fraction_of_minor_unit",
            field="money",
            value=str(money.amount),
            remedy="round it first, with an explicit rounding: rounded(money, Rounding.HALF_UP)",
        )
    multiple = profile.multiples.get(money.currency.code, 1)
    if units % multiple:
        raise InvalidInput(
            f"{profile.name} takes {money.currency.code} in multiples of {multiple} minor units",
            code="money.not_a_multiple",
            field="money",
            value=str(money.amount),
            remedy=f"round it to {from_minor(multiple, money.currency, profile=profile).amount}",
        )
    return units


def to_units(money: Money, *, profile: UnitProfile = ISO) -> Fraction:
    """
    The exact number of minor units, fractions included, for arithmetic before rounding.

    Raises:
        InvalidInput: the money is no `Money`, or was made elsewhere from NaN or infinity.
    """
    return Fraction(EXACT.scaleb(amount_of(money), minor_digits(money.currency, profile)))


def amount_of(money: Money, field: str = "money") -> Decimal:
    """The amount, checked, since py-moneyed lets anything in; inside this room only."""
    if not isinstance(money, Money):
        raise InvalidInput(
            "This is not money",
            code="money.not_money",
            field=field,
            value=money,
            remedy='make one with money("9.99", "EUR")',
        )
    return _checked(money.amount, field)


def exact(money: Money, field: str = "money") -> Fraction:
    """The amount in units of its currency as an exact fraction, checked."""
    return Fraction(amount_of(money, field))


def of_fraction(amount: Fraction, currency: Currency) -> Money:
    """Money of an amount whose decimals end; for arithmetic inside this room."""
    if abs(amount.numerator) >= _LIMIT * amount.denominator:
        raise _out_of_range("amount", f"{Decimal(int(amount)):.3e}")
    places = minor_digits(currency)
    scale: int = 10**places
    while amount.numerator * scale % amount.denominator:
        places += 1
        scale *= 10
    units = amount.numerator * scale // amount.denominator
    return Money(EXACT.scaleb(Decimal(units), -places), currency)


def to_json(money: Money) -> dict[str, str]:
    """
    The money as JSON-ready data: ``{"amount": "12.34", "currency": "EUR"}``.

    The amount is a string (JSON's numbers are floats in most readers), never with an exponent.

    Raises:
        InvalidInput: as `to_minor`, but any number of decimals is right.
    """
    written = _written_alike(amount_of(money), money.currency)
    return {"amount": f"{written.amount:f}", "currency": written.currency.code}


def from_json(data: object) -> Money:
    """
    The money of what `to_json` gave.

    Raises:
        InvalidInput: ``money.json`` when the keys or types differ; else as `money`.
    """
    if isinstance(data, Mapping) and data.keys() == {"amount", "currency"}:
        amount, code = data["amount"], data["currency"]
        if isinstance(amount, str) and isinstance(code, str):
            return money(amount, code)
    raise InvalidInput(
        "This is not money in its JSON form",
        code="money.json",
        field="data",
        value=data,
        remedy='use {"amount": "12.34", "currency": "EUR"}, both strings',
    )


def _written_alike(amount: Decimal, currency: Currency) -> Money:
    """Money with at least the currency's decimals and no further zeros; most amounts are that."""
    if amount and _exponent(amount) == -minor_digits(currency):
        return Money(amount, currency)
    return of_fraction(Fraction(amount), currency)


def _decimal(amount: Decimal | int | str) -> Decimal:
    if isinstance(amount, float):
        raise InvalidInput(
            "A float can't hold an amount of money exactly",
            code="money.float",
            field="amount",
            value=amount,
            remedy='pass a string, an int or a Decimal: "9.99"',
        )
    if isinstance(amount, str):
        try:
            amount = Decimal(amount, _PARSING)
        except InvalidOperation as exc:
            raise _not_a_number(amount, "amount") from exc
    elif type(amount) is int:  # not a bool
        amount = Decimal(amount)
    return _checked(amount, "amount")


def _checked(amount: object, field: str) -> Decimal:
    if not isinstance(amount, Decimal):
        raise _not_a_number(amount, field)
    if not amount.is_finite():
        raise InvalidInput(
            "An amount of money is finite",
            code="money.not_finite",
            field=field,
            value=str(amount),
            remedy="pass a finite number; leave out what is not known",
        )
    if amount and (amount.adjusted() >= _MOST_DIGITS or _exponent(amount) < -_MOST_DIGITS):
        raise _out_of_range(field, f"{amount:.3e}")
    return amount


def _exponent(finite: Decimal) -> int:
    return int(finite.as_tuple().exponent)


def _not_a_number(amount: object, field: str) -> InvalidInput:
    return InvalidInput(
        "This is not a number",
        code="money.not_a_number",
        field=field,
        value=amount,
        remedy='pass a Decimal, an int or a string with a decimal point: "1234.50"',
    )


def _out_of_range(field: str, value: str) -> InvalidInput:
    return InvalidInput(
        f"An amount of money has at most {_MOST_DIGITS} digits before and after the decimal point",
        code="money.out_of_range",
        field=field,
        value=value,
        remedy="check the unit and the decimal point",
    )
