"""What each node of a condition asks of a row, as a function; `_closures` asks many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import methodcaller
from types import MappingProxyType
from typing import Any, TypeAlias, assert_never

from attrs import frozen

from retainkit.rules import _compare
from retainkit.rules._declared import Kind
from retainkit.rules._explain import segment_of
from retainkit.rules._readings import NEVER
from retainkit.rules._tree import (
    Ago,
    Ahead,
    AllOf,
    Amounts,
    AnyOf,
    AtLeast,
    Between,
    Compare,
    CompareSignals,
    Comparison,
    Condition,
    Distance,
    InSegment,
    Missing,
    Not,
    OneOf,
    Present,
    TextMatch,
    TextPart,
    closed,
)


Row: TypeAlias = Sequence[Any]
Ask: TypeAlias = Callable[[Row], bool | None]


@frozen
class Compiler:
    """Makes conditions over these columns; inside this room only."""

    columns: Mapping[str, int]
    segments: Mapping[str, Condition]

    def of(self, condition: Condition, *, wanted: bool = True) -> Ask:
        """Whether it is true; false, when that is wanted. So no function is spent on `not`."""
        node = closed(condition)
        match node:
            case AllOf():
                asked = self._each(node.items, wanted=wanted)
                return _all(asked) if wanted else _any(asked)
            case AnyOf():
                asked = self._each(node.items, wanted=wanted)
                return _any(asked) if wanted else _all(asked)
            case AtLeast():
                count = node.count if wanted else len(node.items) - node.count + 1
                return _at_least(count, self._each(node.items, wanted=wanted))
            case Not():
                return self.of(node.item, wanted=not wanted)
            case InSegment():
                return self.of(segment_of(node, self.segments), wanted=wanted)
            case Compare(signal=signal, op=op, value=value):
                said = op if wanted else _CONTRARY[op]
                at = self.columns[signal.name]
                return (
                    _amount(at, said, value)
                    if isinstance(value, Amounts)
                    else _COMPARE[said](at, value)
                )
            case CompareSignals():
                return self._two(node) if wanted else _not(self._two(node))
            case _:
                asked_one = self._one(node, self.columns[node.signal.name])
                return asked_one if wanted else _not(asked_one)

    def of_all(self, items: Sequence[Condition]) -> Ask:
        """Whether all of these are true, be it none."""
        asked = self._each(items, wanted=True)
        return asked[0] if len(asked) == 1 else _all(asked)

    def _each(self, items: Sequence[Condition], *, wanted: bool) -> list[Ask]:
        return [self.of(item, wanted=wanted) for item in items]

    def _two(self, node: CompareSignals) -> Ask:
        left, right = self.columns[node.left.name], self.columns[node.right.name]
        op, factor, holds = node.op, node.factor, _compare.against_signal
        if node.left.kind is Kind.NUMBER:
            return _two_numbers(left, op, float(factor), right)

        def ask(row: Row) -> bool | None:
            ours, theirs = row[left], row[right]
            return None if ours is None or theirs is None else holds(op, ours, factor, theirs)

        return ask

    def _one(
        self,
        node: OneOf | Between | TextMatch | Ago | Ahead | Present | Missing,
        at: int,
    ) -> Ask:
        match node:
            case OneOf():
                return _one_of(at, node.among)
            case Between():
                return _between(at, node.low, node.high)
            case TextMatch():
                return _asking(at, methodcaller(_METHODS[node.part], node.text))
            case Ago() | Ahead():
                return _far(at, node)
            case Present():
                return lambda row: row[at] is not None and row[at] is not NEVER
            case Missing():
                return lambda row: row[at] is None or row[at] is NEVER
            case _:
                assert_never(node)


def _all(asked: Sequence[Ask]) -> Ask:
    def ask(row: Row) -> bool | None:
        sure = True
        for each in asked:
            found = each(row)
            if found is False:
                return False
            if found is None:
                sure = False
        return True if sure else None

    return ask


def _any(asked: Sequence[Ask]) -> Ask:
    def ask(row: Row) -> bool | None:
        sure = True
        for each in asked:
            found = each(row)
            if found is True:
                return True
            if found is None:
                sure = False
        return False if sure else None

    return ask


def _at_least(count: int, asked: Sequence[Ask]) -> Ask:
    def ask(row: Row) -> bool | None:
        sure = possible = 0
        for each in asked:
            found = each(row)
            sure += found is True
            possible += found is not False
        if sure >= count:
            return True
        return False if possible < count else None

    return ask


def _not(asked: Ask) -> Ask:
    def ask(row: Row) -> bool | None:
        found = asked(row)
        return None if found is None else not found

    return ask


def _asking(at: int, holds: Callable[[Any], bool | None]) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else holds(value)

    return ask


def _two_numbers(left: int, op: Comparison, factor: float, right: int) -> Ask:
    holds = _compare.OPERATORS[op]

    def ask(row: Row) -> bool | None:
        ours, theirs = row[left], row[right]
        return None if ours is None or theirs is None else holds(ours, factor * theirs)

    return ask


def _between(at: int, low: Any, high: Any) -> Ask:
    if isinstance(low, Amounts):
        return _asking(at, lambda value: _compare.inside(value, low, high))

    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else low <= value <= high

    return ask


def _amount(at: int, op: Comparison, table: Amounts) -> Ask:
    limits, holds = dict(table.table), _compare.OPERATORS[op]

    def ask(row: Row) -> bool | None:
        value = row[at]
        if value is None:
            return None
        limit = limits.get(value.currency.code)
        return None if limit is None else holds(value.amount, limit)

    return ask


def _one_of(at: int, values: frozenset[str | int | float]) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value in values

    return ask


def _far(at: int, node: Ago | Ahead) -> Ask:
    length, more = node.length, node.than is Distance.MORE

    def long_ago(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value <= row[-1] - length

    def lately(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else row[-1] - length < value <= row[-1]

    def far_ahead(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else row[-1] + length < value

    def soon(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else row[-1] < value <= row[-1] + length

    if isinstance(node, Ago):
        return long_ago if more else lately
    return far_ahead if more else soon


# A function for each operator: a call of `operator.ge` would cost as much as the rest of a leaf.


def _lt(at: int, limit: Any) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value < limit

    return ask


def _lte(at: int, limit: Any) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value <= limit

    return ask


def _eq(at: int, limit: Any) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value == limit

    return ask


def _ne(at: int, limit: Any) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value != limit

    return ask


def _gte(at: int, limit: Any) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value >= limit

    return ask


def _gt(at: int, limit: Any) -> Ask:
    def ask(row: Row) -> bool | None:
        value = row[at]
        return None if value is None else value > limit

    return ask


_COMPARE: Mapping[Comparison, Callable[[int, Any], Ask]] = MappingProxyType(
    {
        Comparison.LT: _lt,
        Comparison.LTE: _lte,
        Comparison.EQ: _eq,
        Comparison.NE: _ne,
        Comparison.GTE: _gte,
        Comparison.GT: _gt,
    }
)
_METHODS = MappingProxyType(
    {
        TextPart.STARTS_WITH: "startswith",
        TextPart.ENDS_WITH: "endswith",
        TextPart.CONTAINS: "__contains__",
    }
)
_CONTRARY = MappingProxyType(
    {
        Comparison.LT: Comparison.GTE,
        Comparison.LTE: Comparison.GT,
        Comparison.EQ: Comparison.NE,
        Comparison.NE: Comparison.EQ,
        Comparison.GTE: Comparison.LT,
        Comparison.GT: Comparison.LTE,
    }
)
