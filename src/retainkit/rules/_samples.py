"""One value of a signal for each thing its leaves could say of it; so few are enough to try all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, inf, isfinite, nextafter
from typing import Any, assert_never

from retainkit.errors import InvalidInput
from retainkit.money import Money, from_minor, money, to_units
from retainkit.rules._compare import micros
from retainkit.rules._declared import Kind, Signal, Value
from retainkit.rules._explain import holds
from retainkit.rules._readings import NEVER, Readings, means_never
from retainkit.rules._signals import LARGEST, Amount, Text
from retainkit.rules._tree import (
    Ago,
    Ahead,
    Between,
    Compare,
    CompareSignals,
    Condition,
    Missing,
    OneOf,
    Present,
    TextMatch,
    TextPart,
    amounts,
    closed,
)
from retainkit.rules._ways import Literal


_SECOND = timedelta(seconds=1)
_FOREIGN = ("AUD", "BRL", "CAD", "CHF", "CNY", "EUR", "GBP", "INR", "JPY", "SEK", "USD", "ZAR")


def samples(
    signal: Signal, leaves: Iterable[Condition], at: datetime, other: Readings | None = None
) -> list[Value | None]:
    """
    Values of a signal, among them one for each combination of answers its leaves can give.

    That holds for all kinds but text without declared choices, and for leaves of one signal.

    Args:
        signal: The signal.

        leaves: Conditions on it.

        at: The instant from which they count.

        other: Where the other signal of a comparison of two has its value.
    """
    found = _values(signal, list(leaves), at, other)
    taken = (kept for value in found if (kept := _taken(signal, value)) is not None)
    return [*dict.fromkeys(taken), None]


def _taken(signal: Signal, value: Value) -> Value | None:
    """As the signal keeps it; None for what it refuses, such as infinity."""
    try:
        return signal.value(value, signal.name)
    except InvalidInput:
        return None


def agrees(value: Value | None, signal: Signal, literals: Iterable[Literal], at: datetime) -> bool:
    """Whether these literals, all of them of this signal alone, are as wanted with the value."""
    read = NEVER if value is None and means_never(signal) else value
    return all(_answer(literal.leaf, value, read, at) is literal.wanted for literal in literals)


def _answer(leaf: Condition, value: Value | None, read: Value | None, at: datetime) -> bool | None:
    node = closed(leaf)
    match node:
        case Present():
            return value is not None
        case Missing():
            return value is None
        case Compare() | OneOf() | Between() | TextMatch() | Ago() | Ahead() if read is not None:
            return holds(node, read, at)
        case _:
            return None


def is_decided(signal: Signal, leaves: Iterable[Condition], *, anywhen: bool) -> bool:
    """
    Whether `samples` are enough to prove that nothing fits.

    Args:
        signal: The signal.

        leaves: Conditions on it.

        anywhen: At whatever time; instants and lengths from now can't be compared then.
    """
    found = list(leaves)
    if signal.kind is Kind.TIME and anywhen:
        relative = any(isinstance(leaf, Ago | Ahead) for leaf in found)
        return not (relative and any(isinstance(leaf, Compare | Between) for leaf in found))
    choices = signal.choices if isinstance(signal, Text) else ()
    named = any(isinstance(leaf, Compare | OneOf) for leaf in found)
    return bool(choices or named) or not any(isinstance(leaf, TextMatch) for leaf in found)


def _values(
    signal: Signal, leaves: list[Condition], at: datetime, other: Readings | None
) -> Iterator[Value]:
    match signal.kind:
        case Kind.FLAG:
            yield from (True, False)
        case Kind.TEXT:
            yield from _words(signal, leaves)
        case Kind.AMOUNT:
            yield from _cash(signal, leaves, at, other)
        case Kind.NUMBER:
            yield from _spread(_points(signal, leaves, at, other), _numbers_beside, 0)
        case Kind.DURATION:
            yield from _spread(_points(signal, leaves, at, other), _seconds_beside, _SECOND)
        case Kind.TIME:
            yield from _spread(_points(signal, leaves, at, other), _seconds_beside, at)
        case _:
            assert_never(signal.kind)


def _points(
    signal: Signal, leaves: list[Condition], at: datetime, other: Readings | None
) -> list[Any]:
    """Where answers can change, in the order of the signal's values."""
    found: list[Any] = []
    for leaf in leaves:
        match leaf:
            case Compare(value=value):
                found.append(value)
            case Between(low=low, high=high):
                found += [low, high]
            case OneOf(values=values):
                found += values
            case Ago(length=length):
                found += [at - length, at]
            case Ahead(length=length):
                found += [at, at + length]
            case CompareSignals():
                found += _opposite(leaf, signal, at, other)
            case _:
                pass
    return found


def _opposite(
    leaf: CompareSignals, signal: Signal, at: datetime, other: Readings | None
) -> list[Any]:
    """The value at which the two signals are equal, given the other one; none where it is none."""
    is_left = leaf.left.name == signal.name
    theirs = leaf.right if is_left else leaf.left
    value: Any = None if other is None else other.known(theirs.name, at)
    if value is None or isinstance(value, datetime | str | bool):
        return [] if value is None else [value]
    if not is_left and not leaf.factor:
        return []  # whatever it is, nothing is compared with
    try:
        return _scaled(value, leaf.factor, is_left)
    except (InvalidInput, OverflowError):
        return []


def _scaled(value: Any, factor: float | Fraction, is_left: bool) -> list[Any]:  # noqa: FBT001 - inside
    """What is as large as the other signal's value, on the left of the factor or on its right."""
    if isinstance(value, int | float):
        found = float(value) * float(factor) if is_left else value / factor
        return [found] if isfinite(found) else []
    exact = Fraction(factor) if is_left else 1 / Fraction(factor)
    if isinstance(value, Money):
        return [amounts(money(_decimal(Fraction(value.amount) * exact), value.currency))]
    return [timedelta(microseconds=int(micros(value) * exact))]


def _spread(points: list[Any], beside: Callable[[Any], Iterator[Any]], start: Any) -> Iterator[Any]:
    """The points, values right beside each, and one between each two of them."""
    ordered = sorted(set(points)) or [start]
    yield from ordered
    for point in ordered:
        yield from beside(point)
    for low, high in pairwise(ordered):
        yield low + (high - low) / 2


def _numbers_beside(point: float) -> Iterator[float]:
    """One more and one less of a whole number, else of a decimal after the last that it has."""
    if float(point).is_integer() and abs(point) < LARGEST:
        yield from (point + 1, point - 1)
        return
    written = Decimal(repr(point))
    places = len(f"{written:f}".partition(".")[2])
    for sign in (1, -1):
        near = float(Fraction(written) + Fraction(sign, 10 ** (places and places + 1)))
        yield near if near != point else nextafter(point, sign * inf)


def _seconds_beside(point: Any) -> Iterator[Any]:
    for step in (_SECOND, -_SECOND):
        try:
            yield point + step
        except OverflowError:
            continue


def _amounts_beside(point: Money) -> Iterator[Money]:
    """What can be paid next above it and below it."""
    exact = to_units(point)
    for units in (floor(exact) + 1, ceil(exact) - 1):
        try:
            yield from_minor(units, point.currency)
        except InvalidInput:  # beyond all amounts
            continue


def _cash(
    signal: Signal, leaves: list[Condition], at: datetime, other: Readings | None
) -> Iterator[Money]:
    by_currency: dict[str, list[Money]] = {}
    for table in _points(signal, leaves, at, other):
        for code, limit in table.table:
            by_currency.setdefault(code, []).append(money(limit, code))
    for limits in by_currency.values():
        yield from _spread(limits, _amounts_beside, limits[0])
    declared = signal.currency if isinstance(signal, Amount) else None
    if declared is not None:
        yield money(0, declared)
    else:
        yield money(0, next((code for code in _FOREIGN if code not in by_currency), "NOK"))


def _words(signal: Signal, leaves: list[Condition]) -> Iterator[str]:
    if isinstance(signal, Text) and signal.choices:
        yield from signal.choices
        return
    parts: dict[TextPart, list[str]] = {part: [] for part in TextPart}
    for leaf in leaves:
        match leaf:
            case Compare(value=str() as word):
                yield word
            case OneOf(values=words):
                yield from (word for word in words if isinstance(word, str))
            case TextMatch(part=part, text=text):
                parts[part].append(text)
                yield text
            case _:
                pass
    start = max(parts[TextPart.STARTS_WITH], key=len, default="")
    end = max(parts[TextPart.ENDS_WITH], key=len, default="")
    yield start + " ".join(parts[TextPart.CONTAINS]) + end
    yield "-"
    yield ""


def _decimal(exact: Fraction) -> Decimal:
    """With as many decimals as any currency has, and some more."""
    return Decimal(round(exact * 10**6)).scaleb(-6)
