"""How values are compared, once both are known; three-valued logic is in ``_truth``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, assert_never

from retainkit.money import Money
from retainkit.rules._declared import Threshold, Value
from retainkit.rules._tree import Ago, Ahead, Amounts, Comparison, Distance, TextMatch, TextPart


OPERATORS: Mapping[Comparison, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        Comparison.LT: operator.lt,
        Comparison.LTE: operator.le,
        Comparison.EQ: operator.eq,
        Comparison.NE: operator.ne,
        Comparison.GTE: operator.ge,
        Comparison.GT: operator.gt,
    }
)


def against(op: Comparison, value: Value, threshold: Threshold) -> bool | None:
    """None when the threshold has no amount in the value's currency."""
    if not isinstance(threshold, Amounts):
        return OPERATORS[op](value, threshold)
    limit = in_currency(threshold, value)
    return None if limit is None else OPERATORS[op](amount(value), limit)


def against_signal(
    op: Comparison, left: Value, factor: float | Fraction, right: Value
) -> bool | None:
    """None when the two are in different currencies."""
    if isinstance(left, Money) and isinstance(right, Money):
        if left.currency != right.currency:
            return None
        return OPERATORS[op](Fraction(left.amount), factor * Fraction(right.amount))
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return OPERATORS[op](micros(left), factor * micros(right))
    if isinstance(right, int | float) and not isinstance(right, bool):
        return OPERATORS[op](left, float(factor) * right)  # as numpy and JavaScript do it
    return OPERATORS[op](left, right)


def inside(value: Value, low: Threshold, high: Threshold) -> bool | None:
    """None when the range has no ends in the value's currency."""
    if not isinstance(low, Amounts) or not isinstance(high, Amounts):
        within: bool = low <= value <= high  # type: ignore[operator] # all of the signal's one kind
        return within
    lowest, highest = in_currency(low, value), in_currency(high, value)
    if lowest is None or highest is None:
        return None
    return lowest <= amount(value) <= highest


def matches(node: TextMatch, value: str) -> bool:
    """Whether the text is where it should be."""
    match node.part:
        case TextPart.STARTS_WITH:
            return value.startswith(node.text)
        case TextPart.ENDS_WITH:
            return value.endswith(node.text)
        case TextPart.CONTAINS:
            return node.text in value
        case _:
            assert_never(node.part)


def far(node: Ago | Ahead, value: datetime, at: datetime) -> bool:
    """Whether the time lies as far from this instant as the node says, on its side of it."""
    if isinstance(node, Ago):
        if node.than is Distance.MORE:
            return value <= at - node.length
        return at - node.length < value <= at
    if node.than is Distance.MORE:
        return at + node.length < value
    return at < value <= at + node.length


def edges(node: Ago | Ahead, value: datetime) -> tuple[datetime, ...]:
    """The instants at which time alone changes the answer."""
    try:
        if isinstance(node, Ago):
            return (value, value + node.length)
        return (value - node.length, value)
    except OverflowError:
        return (value,)


def in_currency(table: Amounts, value: Value) -> Decimal | None:
    """The amount of the table in the currency of the value."""
    code = value.currency.code if isinstance(value, Money) else ""
    return next((limit for known, limit in table.table if known == code), None)


def amount(value: Value) -> Decimal:
    """The amount of money, in units of its currency."""
    return value.amount if isinstance(value, Money) else Decimal("NaN")


def micros(length: timedelta) -> int:
    """The length in whole microseconds, exactly."""
    return length // timedelta(microseconds=1)
