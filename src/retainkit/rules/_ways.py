"""All the ways in which a condition can be true: sets of leaves that have to hold, or to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from itertools import combinations, islice
from typing import TypeAlias

from attrs import field, frozen

from retainkit.rules._declared import Signal
from retainkit.rules._explain import segment_of
from retainkit.rules._tree import (
    AllOf,
    AnyOf,
    AtLeast,
    Between,
    Compare,
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

    @property
    def is_limit(self) -> bool:
        """It compares one signal with a value or two; a list of values is none."""
        return isinstance(self.leaf, Compare | Between)


Way: TypeAlias = tuple[Literal, ...]
"""A set in the order of the tree, so that whoever goes through it finds the same each time."""


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

        cost: What a way costs, which is the sum of what its literals do; where there are too many
            ways, the cheapest are kept.
    """
    finder = _Finder(segments, cost)
    found = finder.of(condition, wanted=True)
    return Ways(tuple(map(finder.way, found.sets)), found.complete)


@frozen
class _Found:
    """Ways as sets of bits: a literal has two, one of which says that it must be true."""

    sets: tuple[int, ...]
    complete: bool = True


@frozen
class _Finder:
    """Large rules join very many sets, so they are numbers here: joining two is one operation."""

    segments: Mapping[str, Condition]
    cost: Callable[[Way], int]
    _bits: dict[Literal, int] = field(factory=dict)
    _by_cost: dict[int, int] = field(factory=dict)

    def of(self, condition: Condition, *, wanted: bool) -> _Found:
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
                return _Found((self._bit(Literal(node, wanted)),))

    def way(self, bits: int) -> Way:
        """The literals whose bits these are."""
        return tuple(literal for literal, bit in self._bits.items() if bits & bit)

    def _bit(self, literal: Literal) -> int:
        if literal not in self._bits:
            for each in (Literal(literal.leaf, wanted=True), Literal(literal.leaf, wanted=False)):
                bit = self._bits[each] = 1 << len(self._bits)
                cost = self.cost((each,))
                self._by_cost[cost] = self._by_cost.get(cost, 0) | bit
        return self._bits[literal]

    def _so_many(self, count: int, items: tuple[Condition, ...], *, wanted: bool) -> _Found:
        each = [self.of(item, wanted=wanted) for item in items]
        if count == 1:
            return self._kept(each, _sets_of(each))
        if count == len(items):
            return reduce(self._both, each)
        picked = list(islice(self._combined(each, count), _MOST + 1))
        kept = self._kept(picked, _sets_of(picked[:_MOST]))
        return kept if len(picked) <= _MOST else _Found(kept.sets, complete=False)

    def _combined(self, each: list[_Found], count: int) -> Iterator[_Found]:
        """So many of these together, in each combination; what two of them begin with is shared."""
        path: tuple[int, ...] = ()
        joined = [_Found((0,))]
        for some in combinations(range(len(each)), count):
            same = next((n for n, (a, b) in enumerate(zip(path, some, strict=False)) if a != b), 0)
            del joined[same + 1 :]
            for number in some[same:]:
                joined.append(self._both(joined[-1], each[number]))
            path = some
            yield joined[-1]

    def _both(self, one: _Found, other: _Found) -> _Found:
        true = (1 << len(self._bits)) // 3  # every second bit
        united = (a | b for a in one.sets for b in other.sets)
        return self._kept((one, other), (way for way in united if not way & (way >> 1) & true))

    def _kept(self, parts: Iterable[_Found], found: Iterable[int]) -> _Found:
        unique = sorted(dict.fromkeys(found), key=self._costs)
        complete = len(unique) <= _MOST and all(part.complete for part in parts)
        return _Found(tuple(unique[:_MOST]), complete)

    def _costs(self, way: int) -> int:
        return sum(cost * (way & bits).bit_count() for cost, bits in self._by_cost.items())


def _sets_of(found: Iterable[_Found]) -> Iterator[int]:
    return (way for each in found for way in each.sets)
