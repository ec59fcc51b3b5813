"""Mappings: how the value of a signal becomes points; which signal, and its weight, is `_model`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.health._bands import Edge, edge_of
from retainkit.health._fixed import Points, points_of
from retainkit.health._given import word_of
from retainkit.money import Money
from retainkit.rules import (
    Amounts,
    Condition,
    Duration,
    Flag,
    Kind,
    Signal,
    Text,
    Threshold,
    Value,
    all_of,
)


Bound: TypeAlias = "int | float | Money | timedelta"
"""A value of a signal on a line; of a `Time`, how long ago it is."""

MILLION = 10**6
_MICROSECOND = timedelta(microseconds=1)
_TWO_KINDS = (Kind.TEXT, Kind.FLAG)


class Direction(StrEnum):
    """Whether more of a signal is good; said of each, as nothing can be taken for granted."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"


class Outside(StrEnum):
    """What a value beyond the ends of a line means."""

    CLAMP = "clamp"
    """As the end that is nearer: Planhat's linear condition."""

    IGNORE = "ignore"
    """Nothing at all: Planhat's bounded linear condition."""


def _outside(outside: Outside | str) -> Outside:
    return word_of(outside, Outside, "outside")


@frozen(kw_only=True)
class Linear:
    """
    Points on a line between two values.

    Args:
        low: The one end, in the signal's kind; of a `Time` it is a length of time ago.

        high: The other, above it.

        points: At the low and at the high end; by default the ends of the model's scale, as the
            direction has them.

        outside: What lies beyond.
    """

    low: Bound
    high: Bound
    points: tuple[Points, Points] | None = None
    outside: Outside = field(default=Outside.CLAMP, converter=_outside)


def _limits(limits: Iterable[Bound]) -> tuple[Bound, ...]:
    return tuple(limits)


def _points(points: Iterable[Points]) -> tuple[Points, ...]:
    return tuple(points)


@frozen(kw_only=True)
class Steps:
    """
    Points by tiers: one more than there are edges.

    Args:
        edges: Where one tier ends and the next begins, ascending, in the signal's kind; of a
            `Time` they are lengths of time ago.

        points: Of each tier, from the lowest values to the highest.

        edge: To which tier a value on an edge belongs.
    """

    edges: tuple[Bound, ...] = field(converter=_limits)
    points: tuple[Points, ...] = field(converter=_points)
    edge: Edge = field(default=Edge.UPPER_INCLUDED, converter=edge_of)


def _table(points: Mapping[str | bool, Points]) -> Mapping[str | bool, Points]:
    return MappingProxyType(dict(points))


@frozen(kw_only=True)
class Table:
    """
    Points by word: ``Table(points={"poor": 0, "concerning": 5, "healthy": 10})``.

    It says itself what is better, so its component has no direction.

    Args:
        points: Of the values of a `Text` or a `Flag`.

        otherwise: Of every other value; None when such a one says nothing.
    """

    points: Mapping[str | bool, Points] = field(converter=_table)
    otherwise: Points | None = None


Case: TypeAlias = "tuple[Condition | Flag, Points]"


def _cases(cases: Iterable[Case]) -> tuple[Case, ...]:
    return tuple(cases)


@frozen(kw_only=True)
class Factors:
    """
    Points by conditions: of those that are true, the first one counts.

    One that is unknown before a true one makes the whole component unknown. It says itself what is
    better, so its component has no direction.

    Args:
        cases: Conditions and their points, in the order they are asked.

        otherwise: Points when none is true; None when that says nothing.
    """

    cases: tuple[Case, ...] = field(converter=_cases)
    otherwise: Points | None = None


MappingOf: TypeAlias = "Linear | Steps | Table | Factors"


@frozen(kw_only=True)
class OnLine:
    """A `Linear`, checked against its signal; inside this room only."""

    low: float
    high: float
    at_low: int
    at_high: int
    clamps: bool
    currency: str | None

    def points(self, value: Value, now: datetime) -> int | None:
        """The points of a value; None when it has no say."""
        at = position(value, now)
        if at < self.low or at > self.high:
            if not self.clamps:
                return None
            at = self.low if at < self.low else self.high
        share = (at - self.low) / (self.high - self.low)
        return round(self.at_low + share * (self.at_high - self.at_low))


@frozen(kw_only=True)
class InTiers:
    """Some `Steps`, checked against their signal; inside this room only."""

    edges: tuple[float, ...]
    tiers: tuple[int, ...]
    upper_included: bool
    currency: str | None

    def points(self, value: Value, now: datetime) -> int:
        """The points of the tier of a value."""
        at = position(value, now)
        look = bisect_left if self.upper_included else bisect_right
        return self.tiers[look(self.edges, at)]


@frozen(kw_only=True)
class ByWord:
    """A `Table`, checked against its signal; inside this room only."""

    table: Mapping[Value, int]
    otherwise: int | None

    def points(self, value: Value, now: datetime) -> int | None:
        """The points of a word; None when it has no say."""
        del now
        return self.table.get(value, self.otherwise)


@frozen(kw_only=True)
class ByCondition:
    """Some `Factors`, checked; inside this room only."""

    conditions: tuple[Condition, ...]
    tiers: tuple[int, ...]
    otherwise: int | None


Checked: TypeAlias = "OnLine | InTiers | ByWord | ByCondition"


def as_condition(found: Condition | Flag) -> Condition:
    """The condition itself; that a flag is true; inside this room only."""
    all_of(found)  # refuses what is none
    return found.is_true() if isinstance(found, Flag) else found


def position(value: Value, now: datetime) -> float:
    """Where a value lies on its signal's line: microseconds for times (ago) and lengths."""
    if isinstance(value, Money):
        return float(Fraction(value.amount) * MILLION) / MILLION
    if isinstance(value, datetime):
        return float((now - value) // _MICROSECOND)
    if isinstance(value, timedelta):
        return float(value // _MICROSECOND)
    return float(value)


def checked(
    mapping: MappingOf,
    signal: Signal | None,
    direction: Direction | None,
    scale: tuple[int, int],
    place: str,
) -> Checked:
    """
    The mapping in numbers, fit for its signal; inside this room only.

    Raises:
        InvalidInput: ``health.direction``, ``health.range``, ``health.mapping``,
            ``health.currency``, ``health.points``; ``rules.value_type``, ``rules.currency``,
            ``rules.not_a_choice`` for a limit that can't be one of the signal.
    """
    if isinstance(mapping, Factors):
        return _by_condition(mapping, direction, place)
    if signal is None:
        raise _unfit("Only factors do without a signal", place, None, "name the signal")
    if isinstance(mapping, Table):
        return _by_word(mapping, signal, direction, place)
    if signal.kind in _TWO_KINDS:
        raise _unfit(
            f"The signal {signal.name} is of the kind {signal.kind}",
            place,
            signal.name,
            "give each of its values points with a Table",
        )
    if direction is None:
        raise InvalidInput(
            f"Nobody says whether more of {signal.name} is good",
            code="health.direction",
            field=f"{place}.direction",
            value=None,
            remedy="say direction: higher_is_better or lower_is_better",
        )
    if isinstance(mapping, Steps):
        return _in_tiers(mapping, signal, direction, place)
    return _on_line(mapping, signal, direction, scale, place)


def _on_line(
    mapping: Linear, signal: Signal, direction: Direction, scale: tuple[int, int], place: str
) -> OnLine:
    ends, currency = _positions(signal, (mapping.low, mapping.high), place)
    default = scale if direction is Direction.HIGHER_IS_BETTER else scale[::-1]
    points = default
    if mapping.points is not None:
        at_low, at_high = (points_of(each, f"{place}.points") for each in mapping.points)
        points = (at_low, at_high)
    _check_direction(points, direction, place)
    return OnLine(
        low=ends[0],
        high=ends[1],
        at_low=points[0],
        at_high=points[1],
        clamps=mapping.outside is Outside.CLAMP,
        currency=currency,
    )


def _in_tiers(mapping: Steps, signal: Signal, direction: Direction, place: str) -> InTiers:
    if len(mapping.points) != len(mapping.edges) + 1 or not mapping.edges:
        raise _unfit(
            "There is one tier more than there are edges",
            place,
            f"{len(mapping.edges)} edges, {len(mapping.points)} points",
            "give the points of the tier below the first edge, and of each above an edge",
        )
    edges, currency = _positions(signal, mapping.edges, place)
    tiers = tuple(points_of(each, f"{place}.points") for each in mapping.points)
    _check_direction(tiers, direction, place)
    included = mapping.edge is Edge.UPPER_INCLUDED
    return InTiers(edges=edges, tiers=tiers, upper_included=included, currency=currency)


def _by_word(mapping: Table, signal: Signal, direction: Direction | None, place: str) -> ByWord:
    _no_direction(direction, place)
    if signal.kind not in _TWO_KINDS:
        raise _unfit(
            f"The signal {signal.name} is of the kind {signal.kind}",
            place,
            signal.name,
            "use Linear or Steps; a Table is for words and flags",
        )
    table: dict[Value, int] = {}
    for word, points in mapping.points.items():
        signal.threshold(word, f"{place}.points")
        table[word] = points_of(points, f"{place}.points.{word}")
    otherwise = None if mapping.otherwise is None else points_of(mapping.otherwise, place)
    words: tuple[Value, ...] = signal.choices if isinstance(signal, Text) else ()
    if isinstance(signal, Flag):
        words = (True, False)
    left_out = [str(word) for word in words if word not in table]
    if otherwise is None and (left_out or not table):
        raise _unfit(
            f"Some values of {signal.name} have no points",
            place,
            left_out,
            "give them points, or say otherwise",
        )
    return ByWord(table=MappingProxyType(table), otherwise=otherwise)


def _by_condition(mapping: Factors, direction: Direction | None, place: str) -> ByCondition:
    _no_direction(direction, place)
    if not mapping.cases:
        raise _unfit("There are no conditions", place, [], "name at least one, with its points")
    otherwise = mapping.otherwise
    return ByCondition(
        conditions=tuple(as_condition(when) for when, _ in mapping.cases),
        tiers=tuple(points_of(points, f"{place}.points") for _, points in mapping.cases),
        otherwise=None if otherwise is None else points_of(otherwise, f"{place}.otherwise"),
    )


def _positions(
    signal: Signal, limits: Sequence[Bound], place: str
) -> tuple[tuple[float, ...], str | None]:
    """The limits as numbers, ascending, and the currency they are in."""
    currencies = {
        code for limit in limits for code in _currencies(_threshold(signal, limit, place))
    }
    if len(currencies) > 1:
        raise InvalidInput(
            "The limits of a mapping are in one currency",
            code="health.currency",
            field=place,
            value=sorted(currencies),
            remedy="make a model for the customers of each currency, by its segment",
        )
    found = tuple(_number(_threshold(signal, limit, place)) for limit in limits)
    if any(low >= high for low, high in pairwise(found)):
        raise InvalidInput(
            "The limits of a mapping ascend",
            code="health.range",
            field=place,
            value=[str(limit) for limit in limits],
            remedy="write the lower one first; what is better is said by the direction",
        )
    return found, (currencies.pop() if currencies else None)


def _threshold(signal: Signal, limit: Bound, place: str) -> Threshold:
    """The limit, checked; an instant is told by how long ago it is."""
    judge = Duration(name=signal.name) if signal.kind is Kind.TIME else signal
    return judge.threshold(limit, place)


def _currencies(threshold: Threshold) -> Sequence[str]:
    return [code for code, _ in threshold.table] if isinstance(threshold, Amounts) else ()


def _number(threshold: Threshold) -> float:
    if isinstance(threshold, Amounts):
        return float(threshold.table[0][1])
    if isinstance(threshold, timedelta):
        return float(threshold // _MICROSECOND)
    return float(threshold) if isinstance(threshold, int | float) else 0.0


def _check_direction(points: Sequence[int], direction: Direction, place: str) -> None:
    rising = direction is Direction.HIGHER_IS_BETTER
    ordered = all(low <= high if rising else low >= high for low, high in pairwise(points))
    if not ordered or points[0] == points[-1]:
        raise InvalidInput(
            "The points go another way than the direction says",
            code="health.direction",
            field=f"{place}.direction",
            value=direction.value,
            remedy="turn the points round, or the direction; where the best is in the middle, "
            "use Factors",
        )


def _no_direction(direction: Direction | None, place: str) -> None:
    if direction is not None:
        raise InvalidInput(
            "Points by words or by conditions say themselves what is better",
            code="health.direction",
            field=f"{place}.direction",
            value=direction.value,
            remedy="leave the direction out",
        )


def _unfit(message: str, place: str, value: object, remedy: str) -> InvalidInput:
    return InvalidInput(message, code="health.mapping", field=place, value=value, remedy=remedy)
