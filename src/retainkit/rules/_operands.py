"""What people write as values: amounts, instants, lengths, numbers with their unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from retainkit.errors import InvalidInput
from retainkit.money import Money, money
from retainkit.rules._declared import Kind, Signal
from retainkit.rules._signals import Amount, Number
from retainkit.rules._tree import amounts
from retainkit.rules._windows import read_length, window
from retainkit.timing import utc


_WITH_UNIT = re.compile(r"(-?[0-9.]+)\s+(\S.*)")


def operand(signal: Signal, value: object) -> object:
    """What a person wrote as the value that the signal's kind has; checked by the signal itself."""
    if signal.kind is Kind.TEXT or signal.kind is Kind.FLAG:
        return value
    if signal.kind is Kind.TIME:
        return _instant(value)
    if signal.kind is Kind.DURATION:
        return _length(value)
    if signal.kind is Kind.NUMBER:
        return _number(signal, value)
    return _amount(signal, value)


def cash(signal: Signal, value: object) -> object:
    """An amount of money, as a value and not as a threshold; inside this room only."""
    if isinstance(value, Mapping) and value.keys() == {"amount", "currency"}:
        return money(_exactly(value["amount"]), str(value["currency"]))
    currency = signal.currency if isinstance(signal, Amount) else None
    if isinstance(value, str):
        number, _, code = value.strip().partition(" ")
        if code:
            return money(number, code.strip())
    if currency is not None and isinstance(value, str | int) and not isinstance(value, bool):
        return money(value, currency)
    return _exactly(value) if isinstance(value, float) else value


def _amount(signal: Signal, value: object) -> object:
    if isinstance(value, Mapping):
        return amounts(*(money(_exactly(v), str(code)) for code, v in value.items()))
    found = cash(signal, value)
    if isinstance(found, Money) or not isinstance(found, str):
        return found
    try:
        return Decimal(found)
    except InvalidOperation:
        return found


def _exactly(value: object) -> str | int | Decimal:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    raise InvalidInput(
        "An amount of money is a text or a whole number",
        code="rules.amount",
        field="amount",
        value=value if isinstance(value, float | bool) else type(value).__name__,
        remedy='put quotes around it: "499.90 EUR"',
    )


def _number(signal: Signal, value: object) -> object:
    if not isinstance(value, str):
        return value
    with_unit = _WITH_UNIT.fullmatch(value.strip())
    unit = str(signal.traits().get("unit", ""))
    if with_unit is not None and with_unit.group(2) != unit:
        raise InvalidInput(
            f"The signal {signal.name} counts {unit or 'without a unit'}",
            code="rules.unit",
            field=signal.name,
            value=with_unit.group(2),
            remedy="convert it, or leave the unit out",
        )
    text = value if with_unit is None else with_unit.group(1)
    try:
        return int(text) if text.lstrip("-").isdigit() else float(Decimal(text))
    except (InvalidOperation, ValueError):
        return value


def _instant(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, date) and not isinstance(value, datetime):
        raise InvalidInput(
            "A date is no instant",
            code="rules.value_type",
            field="time",
            value=value.isoformat(),
            remedy="write the time and the zone, too: 2026-11-01T00:00:00Z",
        )
    return value


def _length(value: object) -> timedelta:
    """None at all is a length, too: of a first response, not of a window."""
    if type(value) is int and value == 0:
        return timedelta(0)
    length = _read(value)
    return window(length, "length") if length else length


def _read(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else read_length(str(value), "length")


def told_from(raw: object, at: datetime) -> datetime:
    """An instant, or one told from the time of a test: ``3d ago``; inside this room only."""
    if isinstance(raw, str):
        text = raw.strip()
        if text.endswith(" ago"):
            return at - window(read_length(text.removesuffix(" ago").strip(), "time"), "time")
        if text.startswith("in "):
            return at + window(read_length(text.removeprefix("in ").strip(), "time"), "time")
    return told_instant(raw)


def told_instant(raw: object) -> datetime:
    """An instant, in UTC; inside this room only."""
    found = _instant(raw)
    if isinstance(found, datetime):
        return utc(found, "now")
    raise InvalidInput(
        "This is no instant",
        code="rules.instant",
        field="now",
        value=raw if isinstance(raw, str | int) else type(raw).__name__,
        remedy="write 2026-11-01T09:00:00Z; the times of a customer also as `3d ago`, `in 10d`",
    )


def length_of(value: object) -> timedelta:
    """A window such as ``14d``; inside this room only."""
    return window(_read(value), "length")


def factor_of(signal: Signal, value: object) -> int | float | Fraction:
    """What a signal of this kind is multiplied by; inside this room only."""
    if signal.kind is Kind.NUMBER:
        number = _number(Number(name=signal.name), value)
        found = Number(name=signal.name).threshold(number, "times")
        return found if isinstance(found, int | float) else 1
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
    raise InvalidInput(
        "A factor of amounts and lengths is exact",
        code="rules.value_type",
        field="times",
        value=str(value),
        remedy='write a whole number, or a text such as "1/2" or "0.7"',
    )
