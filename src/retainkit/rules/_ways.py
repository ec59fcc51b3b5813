"""All the ways in which a condition can be true: sets of leaves that have to hold, or to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import combinations
from typing import TypeAlias

from attrs import frozen

from retainkit.rules._declared import Signal
from retainkit.rules._explain import segment_of
from retainkit.rules._tree import (
    AllOf,
    AnyOf,
    AtLeast,
    CompareSignals,
    Condition,
    InSegment,
    Not,
    closed,
    signals_of,
)


_MOST = 64


@frozen
class Literal:
    """A leaf that must be true, or false; neither when it is unknown."""

    leaf: Condition
    wanted: bool

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What it reads: one signal, or two."""
        return tuple(signals_of(self.leaf))

    @property
    def is_pair(self) -> bool:
        """It compares two signals."""
        return isinstance(self.leaf, CompareSignals)


Way: TypeAlias = frozenset[Literal]


@frozen
class Ways:
    """
    Ways to be true.

    Args:
        found: Each a set of leaves that must all be as wanted; the cheapest first.

        complete: Whether these are all; some conditions have too many to list.
    """

    found: tuple[Way, ...]
    complete: bool = True


def ways(
    condition: Condition, segments: Mapping[str, Condition], cost: Callable[[Way], int]
) -> Ways:
    """
    How a condition can be true.

    A way that wants a leaf both true and false is none.

    Args:
        condition: The condition.

        segments: The segments that it names.

        cost: What a way costs; where there are too many, the cheapest are kept.
    """
    return _Finder(segments, cost).of(condition, wanted=True)


@frozen
class _Finder:
    segments: Mapping[str, Condition]
    cost: Callable[[Way], int]

    def of(self, condition: Condition, *, wanted: bool) -> Ways:
        node = closed(condition)
        match node:
            case Not():
                return self.of(node.item, wanted=not wanted)
            case InSegment():
                return self.of(segment_of(node, self.segments), wanted=wanted)
            case AllOf():
                return self._so_many(len(node.items) if wanted else 1, node.items, wanted=wanted)
            case AnyOf():
                return self._so_many(1 if wanted else len(node.items), node.items, wanted=wanted)
            case AtLeast():
                rest = len(node.items) - node.count + 1
                return self._so_many(node.count if wanted else rest, node.items, wanted=wanted)
            case _:
                return Ways((frozenset({Literal(node, wanted)}),))

    def _so_many(self, count: int, items: tuple[Condition, ...], *, wanted: bool) -> Ways:
        each = [self.of(item, wanted=wanted) for item in items]
        if count == 1:
            return self._kept([way for found in each for way in found.found], each)
        if count == len(items):
            return reduce(self._both, each)
        picked: list[Ways] = []
        for number, some in enumerate(combinations(each, count)):
            if number >= _MOST:
                return Ways(self._kept_of(picked), complete=False)
            picked.append(reduce(self._both, some))
        return self._kept([way for found in picked for way in found.found], picked)

    def _both(self, one: Ways, other: Ways) -> Ways:
        joined = [a | b for a in one.found for b in other.found]
        return self._kept([way for way in joined if not _denies_itself(way)], (one, other))

    def _kept_of(self, picked: Iterable[Ways]) -> tuple[Way, ...]:
        return self._kept([way for found in picked for way in found.found], ()).found

    def _kept(self, found: list[Way], parts: Iterable[Ways]) -> Ways:
        unique = sorted(dict.fromkeys(found), key=self.cost)
        complete = len(unique) <= _MOST and all(part.complete for part in parts)
        return Ways(tuple(unique[:_MOST]), complete)


def _denies_itself(way: Way) -> bool:
    return any(literal.wanted and Literal(literal.leaf, wanted=False) in way for literal in way)
