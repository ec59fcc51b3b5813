"""Signals compared with a few values, with a range and with each other; checked before."""

from __future__ import annotations

from fractions import Fraction

from retainkit.errors import InvalidInput
from retainkit.money import Money
from retainkit.rules._declared import Signal, Threshold, wrong_type
from retainkit.rules._tree import Amounts, Between, CompareSignals, Comparison, Condition, OneOf


def one_of(signal: Signal, values: tuple[str | float, ...]) -> Condition:
    """The value is one of these; inside this room only."""
    if not values:
        raise InvalidInput(
            "There is nothing to choose from",
            code="rules.empty",
            field=f"{signal.name}.in",
            value=[],
            remedy="name at least one value",
        )
    place = f"{signal.name}.in"
    checked = [signal.threshold(value, f"{place}[{i}]") for i, value in enumerate(values)]
    kept = dict.fromkeys(value for value in checked if isinstance(value, str | int | float))
    return OneOf(signal=signal, values=tuple(kept))


def in_range(signal: Signal, low: object, high: object) -> Condition:
    """The value lies between these, both included; inside this room only."""
    lowest = signal.threshold(low, f"{signal.name}.between[0]")
    highest = signal.threshold(high, f"{signal.name}.between[1]")
    if not _fit(lowest, highest):
        raise InvalidInput(
            "No value lies in this range",
            code="rules.empty_range",
            field=f"{signal.name}.between",
            value=[_told(low), _told(high)],
            remedy="name the low end first; amounts of the same currencies at both ends",
        )
    return Between(signal=signal, low=lowest, high=highest)


def _told(end: object) -> str:
    return f"{end.amount} {end.currency.code}" if isinstance(end, Money) else str(end)


def _fit(low: Threshold, high: Threshold) -> bool:
    if isinstance(low, Amounts) and isinstance(high, Amounts):
        ends = dict(high.table)
        same = ends.keys() == dict(low.table).keys()
        return same and all(amount <= ends[code] for code, amount in low.table)
    ordered: bool = low <= high  # type: ignore[operator] # both of the signal's one kind
    return ordered


def two_signals(left: Signal, op: Comparison, right: Signal, factor: float | Fraction) -> Condition:
    """The one signal compared with the other times the factor; inside this room only."""
    if left.kind is not right.kind:
        raise wrong_type(
            left, right.kind.value, f"{left.name}.{op}", f"{right.name} is of another kind"
        )
    if left.traits().get("unit") != right.traits().get("unit"):
        raise InvalidInput(
            f"The signals {left.name} and {right.name} have different units",
            code="rules.unit",
            field=f"{left.name}.{op}",
            value=str(right.traits().get("unit", "")),
            remedy="compare numbers of one unit, or compute a signal that converts",
        )
    ours, theirs = left.traits().get("currency"), right.traits().get("currency")
    if ours != theirs and ours is not None and theirs is not None:
        raise InvalidInput(
            f"The signals {left.name} and {right.name} have different currencies",
            code="rules.currency",
            field=f"{left.name}.{op}",
            value=str(theirs),
            remedy="convert one before, at a rate you can show",
        )
    return CompareSignals(left=left, op=op, right=right, factor=factor)
