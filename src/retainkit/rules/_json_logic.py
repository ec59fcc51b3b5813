"""Conditions for browsers and no-code editors: JsonLogic that is true exactly where they fire.

JsonLogic takes null for zero and knows no third answer; so what is exported says 'surely true':
each comparison is guarded by the presence of what it reads, and `not` stands at the leaves only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias, assert_never

from attrs import frozen

from retainkit.money import Money, money, to_units
from retainkit.rules._declared import Kind, Signal, Threshold, Value
from retainkit.rules._explain import NO_SEGMENTS, segment_of
from retainkit.rules._readings import NEVER, Readings, means_never
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
    Leaf,
    Missing,
    Not,
    OneOf,
    Present,
    TextMatch,
    TextPart,
    closed,
)
from retainkit.rules._windows import instant


Logic: TypeAlias = Mapping[str, object]

_NEVER = -8_640_000_000_000_000
"""The first instant that JavaScript has, in milliseconds: what never becomes."""

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNS = MappingProxyType(
    {
        Comparison.LT: "<",
        Comparison.LTE: "<=",
        Comparison.EQ: "===",
        Comparison.NE: "!==",
        Comparison.GTE: ">=",
        Comparison.GT: ">",
    }
)
_NOW: Logic = {"var": "now"}


def to_json_logic(
    condition: Condition, *, segments: Mapping[str, Condition] = NO_SEGMENTS
) -> Logic:
    """
    JsonLogic that is true for the data of `json_logic_data` where the condition is true.

    It is false where the condition is false or unknown; to tell those apart, export ``~condition``
    beside it. Instants and lengths count in whole milliseconds; decimals are JavaScript's numbers.

    Raises:
        NotFound: ``rules.unknown_segment``.
    """
    return _Export(segments).of(condition, wanted=True)


def json_logic_data(signals: Iterable[Signal], known: Readings, now: datetime) -> dict[str, object]:
    """
    What is known of a customer, as the exported logic reads it.

    Amounts are ``{"units": 49900, "currency": "EUR"}`` in minor units; instants are milliseconds
    since 1970, lengths milliseconds; what is missing or stale is null. ``now`` is the instant.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``.
    """
    at = instant(now)
    data: dict[str, object] = {
        signal.name: _datum(known.comparable(signal, at)) for signal in signals
    }
    return {**data, "now": _milliseconds(at - _EPOCH)}


@frozen
class _Export:
    segments: Mapping[str, Condition]

    def of(self, condition: Condition, *, wanted: bool) -> Logic:
        node = closed(condition)
        match node:
            case Not():
                return self.of(node.item, wanted=not wanted)
            case InSegment():
                return self.of(segment_of(node, self.segments), wanted=wanted)
            case AllOf():
                return {"and" if wanted else "or": self._each(node.items, wanted=wanted)}
            case AnyOf():
                return {"or" if wanted else "and": self._each(node.items, wanted=wanted)}
            case AtLeast():
                count = node.count if wanted else len(node.items) - node.count + 1
                sure = [{"if": [item, 1, 0]} for item in self._each(node.items, wanted=wanted)]
                return {">=": [{"+": sure}, count]}
            case _:
                return _leaf(node, wanted=wanted)

    def _each(self, items: Sequence[Condition], *, wanted: bool) -> list[Logic]:
        return [self.of(item, wanted=wanted) for item in items]


def _leaf(node: Leaf, *, wanted: bool) -> Logic:
    match node:
        case Present() | Missing():
            there = _is_present(node.signal)
            return there if isinstance(node, Present) is wanted else {"!": [there]}
        case CompareSignals():
            return _two(node, wanted=wanted)
        case Compare(signal=signal, op=op, value=Amounts() as table):
            limits = [(code, _units(limit, code)) for code, limit in table.table]
            units = {"var": f"{signal.name}.units"}
            return _in_currency(
                signal, [(code, {_SIGNS[op]: [units, limit]}) for code, limit in limits], wanted
            )
        case Between(signal=signal, low=Amounts() as low, high=Amounts() as high):
            units, ends = {"var": f"{signal.name}.units"}, dict(high.table)
            ranges = [
                (code, {"<=": [_units(limit, code), units, _units(ends[code], code)]})
                for code, limit in low.table
            ]
            return _in_currency(signal, ranges, wanted)
        case _:
            var = {"var": node.signal.name}
            return _guarded([_is_known(var)], _plain(node, var), wanted)


def _plain(node: Compare | OneOf | Between | TextMatch | Ago | Ahead, var: Logic) -> Logic:
    match node:
        case Compare():
            return {_SIGNS[node.op]: [var, _limit(node.value)]}
        case OneOf():
            return {"in": [var, list(node.values)]}
        case Between():
            return {"<=": [_limit(node.low), var, _limit(node.high)]}
        case TextMatch():
            return _text(node, var)
        case Ago() | Ahead():
            return _far(node, var)
        case _:
            assert_never(node)


def _two(node: CompareSignals, *, wanted: bool) -> Logic:
    sign = _SIGNS[node.op]
    if node.left.kind is Kind.NUMBER:
        left: Logic = {"var": node.left.name}
        right: Logic = {"var": node.right.name}
        said: Logic = {sign: [left, {"*": [_number(Fraction(node.factor)), right]}]}
        return _guarded([_is_known(left), _is_known(right)], said, wanted)
    factor = Fraction(node.factor)
    scales = node.left.kind in {Kind.AMOUNT, Kind.DURATION}
    suffix = ".units" if node.left.kind is Kind.AMOUNT else ""
    left, right = {"var": f"{node.left.name}{suffix}"}, {"var": f"{node.right.name}{suffix}"}
    guards = [_is_known(left), _is_known(right)]
    if suffix:
        currencies = [{"var": f"{s.name}.currency"} for s in (node.left, node.right)]
        guards.append({"===": currencies})
    if scales:
        said = {sign: [{"*": [factor.denominator, left]}, {"*": [factor.numerator, right]}]}
    else:
        said = {sign: [left, right]}
    return _guarded(guards, said, wanted)


def _in_currency(signal: Signal, said: Sequence[tuple[str, Logic]], wanted: bool) -> Logic:  # noqa: FBT001 - which answer
    currency = {"var": f"{signal.name}.currency"}
    return {"or": [_guarded([{"===": [currency, code]}], each, wanted) for code, each in said]}


def _guarded(guards: Sequence[Logic], said: Logic, wanted: bool) -> Logic:  # noqa: FBT001 - as above
    return {"and": [*guards, said if wanted else {"!": [said]}]}


def _is_known(var: Logic) -> Logic:
    return {"!=": [var, None]}


def _is_present(signal: Signal) -> Logic:
    var = {"var": signal.name}
    if means_never(signal):
        return {"and": [_is_known(var), {"!==": [var, _NEVER]}]}
    return _is_known(var)


def _text(node: TextMatch, var: Logic) -> Logic:
    length = len(node.text.encode("utf-16-le", "surrogatepass")) // 2  # as JavaScript counts
    match node.part:
        case TextPart.STARTS_WITH:
            return {"===": [{"substr": [var, 0, length]}, node.text]}
        case TextPart.ENDS_WITH:
            return {"===": [{"substr": [var, -length]}, node.text]}
        case TextPart.CONTAINS:
            return {"in": [node.text, var]}
        case _:
            assert_never(node.part)


def _far(node: Ago | Ahead, var: Logic) -> Logic:
    length = _milliseconds(node.length)
    if isinstance(node, Ago):
        edge: Logic = {"-": [_NOW, length]}
        if node.than is Distance.MORE:
            return {"<=": [var, edge]}
        return {"and": [{"<": [edge, var]}, {"<=": [var, _NOW]}]}
    edge = {"+": [_NOW, length]}
    if node.than is Distance.MORE:
        return {"<": [edge, var]}
    return {"and": [{"<": [_NOW, var]}, {"<=": [var, edge]}]}


def _limit(value: Threshold) -> object:
    return None if isinstance(value, Amounts) else _datum(value)


def _datum(value: Value | None) -> object:
    if value is NEVER:
        return _NEVER
    if isinstance(value, datetime):
        return _milliseconds(value - _EPOCH)
    if isinstance(value, timedelta):
        return _milliseconds(value)
    if isinstance(value, Money):
        return {
            "units": _number(to_units(value)),
            "currency": value.currency.code,
        }
    return value


def _units(limit: object, code: str) -> int | float:
    return _number(to_units(money(str(limit), code)))


def _number(exact: Fraction) -> int | float:
    return exact.numerator if exact.denominator == 1 else float(exact)


def _milliseconds(length: timedelta) -> int:
    return length // _MILLISECOND
