"""One value of a signal for each thing its leaves could say of it; so few are enough to try all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, assert_never

from retainkit.money import Money, money
from retainkit.rules._declared import Kind, Signal, Value
from retainkit.rules._explain import holds
from retainkit.rules._readings import NEVER, Readings, means_never
from retainkit.rules._signals import Amount, Text
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
    found = list(_values(signal, list(leaves), at, other))
    return [*dict.fromkeys(found), None]


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
            yield from _spread(_points(signal, leaves, at, other), 1, 0)
        case Kind.DURATION:
            second = timedelta(seconds=1)
            yield from _spread(_points(signal, leaves, at, other), second, second)
        case Kind.TIME:
            yield from _spread(_points(signal, leaves, at, other), timedelta(seconds=1), at)
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
    """The value at which the two signals are equal, given the other one."""
    mine = leaf.left if leaf.left.name == signal.name else leaf.right
    theirs = leaf.right if mine is leaf.left else leaf.left
    value: Any = None if other is None else other.known(theirs.name, at)
    if isinstance(value, Money):
        exact = Fraction(value.amount)
        scaled = exact * leaf.factor if mine is leaf.left else exact / leaf.factor
        return [amounts(money(_decimal(Fraction(scaled)), value.currency))]
    if value is None or leaf.factor in (0, 1) or isinstance(value, datetime | str | bool):
        return [] if value is None else [value]
    if isinstance(value, timedelta):
        micros = value // timedelta(microseconds=1)
        share = Fraction(leaf.factor)
        return [timedelta(microseconds=int(micros * (share if mine is leaf.left else 1 / share)))]
    return [value * leaf.factor if mine is leaf.left else value / leaf.factor]


def _spread(points: list[Any], step: Any, start: Any) -> Iterator[Any]:
    """The points, one value between each two of them, and one beyond them on either side."""
    ordered = sorted(set(points)) or [start]
    yield from ordered
    for point in ordered:
        yield from _beside(point, step)
    for low, high in pairwise(ordered):
        yield low + (high - low) / 2


def _beside(point: Any, step: Any) -> Iterator[Any]:
    try:
        yield point + step
        yield point - step
    except OverflowError:
        return


def _cash(
    signal: Signal, leaves: list[Condition], at: datetime, other: Readings | None
) -> Iterator[Money]:
    by_currency: dict[str, list[Decimal]] = {}
    for table in _points(signal, leaves, at, other):
        for code, limit in table.table:
            by_currency.setdefault(code, []).append(limit)
    for code, limits in by_currency.items():
        for limit in _spread(limits, Decimal(1), Decimal(0)):
            yield money(limit, code)
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
