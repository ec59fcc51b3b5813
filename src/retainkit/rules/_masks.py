"""Conditions asked of whole columns, in chunks of bits; the meaning is that of ``_explain``.

Of each condition two masks are kept: of whom it is surely true, and of whom it may be. What lies
between them is unknown, and Kleene's logic is the plain one, done on both. Each leaf, and each
part that conditions share, is asked once a chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import TypeAlias, assert_never, cast

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from retainkit.errors import InvalidInput
from retainkit.rules._columns import Answers, Columns
from retainkit.rules._compare import OPERATORS, micros
from retainkit.rules._declared import Kind, Signal, Threshold
from retainkit.rules._explain import holds, segment_of
from retainkit.rules._frames import Array
from retainkit.rules._population import MILLION, Bits, Bools, Column, unknown
from retainkit.rules._readings import means_never
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
    closed,
)
from retainkit.timing import to_micros


CHUNK = 65_536
"""Rows asked at a time, a multiple of 8: what is at work then stays in the processor's cache."""

_INT64 = 2**63
_FEW = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(eq=False)
class Mask:
    """Of whom something is surely true, and of whom it may be; one and the same where all know."""

    sure: Bits
    maybe: Bits


Single: TypeAlias = "Compare | OneOf | Between | TextMatch | Ago | Ahead"
Step: TypeAlias = "Callable[[Slice, Sequence[Mask]], Mask]"


def unpacked(bits: Bits, rows: int) -> Bools:
    """A bool for each row."""
    return np.unpackbits(bits, count=rows).view(np.bool_)


def answers(
    names: tuple[str, ...],
    plan: Plan,
    population: Columns,
    at: datetime,
    *,
    chunk: int = CHUNK,
) -> Answers:
    """What each condition says of everybody at this instant."""
    wanted, rows = plan.wanted, len(population)
    fits: dict[tuple[int, str], list[int] | Bools] = {}
    sure = np.empty((len(wanted), -(-rows // 8)), dtype=np.uint8)
    maybe = np.empty_like(sure)
    for start in range(0, rows, chunk):
        asked = Slice(population, start, min(start + chunk, rows), to_micros(at), fits)
        masks: list[Mask] = []
        for step in plan.steps:
            masks.append(step(asked, masks))
        for row, index in enumerate(wanted):
            sure[row, asked.packed] = masks[index].sure
            maybe[row, asked.packed] = masks[index].maybe
    return Answers(names=names, now=at, population=population, sure=sure, maybe=maybe)


@frozen(eq=False)
class Slice:
    """Some rows of a population, as they are at an instant."""

    population: Columns
    start: int
    stop: int
    at: int
    _fits: dict[tuple[int, str], list[int] | Bools]
    """Which texts fit a leaf: asked once, for all slices."""

    _fresh: dict[str, tuple[Bits | None, Bits | None]] = field(factory=dict, init=False)

    @property
    def packed(self) -> slice:
        """Where the bits of these rows are."""
        return slice(self.start // 8, -(-self.stop // 8))

    def column(self, signal: Signal) -> Column:
        """The column of a signal; where there is none, one of which nothing is known."""
        found = self.population.column(signal.name)
        if found is None:
            return unknown(signal, len(self.population))
        if found.signal.kind is not signal.kind:
            raise InvalidInput(
                "A condition reads a signal of another kind than its column is",
                code="rules.signal_clash",
                field=signal.name,
                value=found.signal.kind.value,
                remedy="pass `columns` the class that the condition was written with",
            )
        return found

    def values(self, column: Column) -> Array:
        """The values of these rows."""
        return column.values[self.start : self.stop]

    def currencies(self, column: Column) -> Array:
        """The places of the amounts' currencies among the column's texts."""
        if column.currencies is None:
            return np.zeros(self.stop - self.start, dtype=np.int8)
        return column.currencies[self.start : self.stop]

    def fit(self, node: Single, column: Column) -> list[int] | Bools:
        """The places of the texts that a leaf holds of; where they are many, a bool for each."""
        key = (id(node), column.signal.name)
        if key not in self._fits:
            fits = [holds(node, text, _EPOCH) is True for text in column.texts]
            few = [place for place, fit in enumerate(fits) if fit]
            self._fits[key] = few if len(few) <= _FEW else np.array(fits, dtype=np.bool_)
        return self._fits[key]

    def present(self, signal: Signal) -> Bits | None:
        """Of whom a fresh value is known; None when of all."""
        return self._known(signal)[0]

    def comparable(self, signal: Signal) -> Bits | None:
        """Of whom a value can be compared, be it never; None when of all."""
        return self._known(signal)[1]

    def everybody(self) -> Bits:
        """A bit for each row."""
        return np.full(-(-(self.stop - self.start) // 8), 255, dtype=np.uint8)

    def _known(self, signal: Signal) -> tuple[Bits | None, Bits | None]:
        if signal.name not in self._fresh:
            self._fresh[signal.name] = self._asked(signal)
        return self._fresh[signal.name]

    def _asked(self, signal: Signal) -> tuple[Bits | None, Bits | None]:
        column = self.column(signal)
        there = None if column.known is None else column.known[self.packed]
        fresh = None
        if column.until is not None:
            fresh = np.packbits(column.until[self.start : self.stop] > self.at)
        known = _both(there, fresh)
        return known, fresh if means_never(signal) else known


def plan_of(conditions: Iterable[Condition], segments: Mapping[str, Condition]) -> Plan:
    """How to answer these conditions."""
    plan = Plan(segments)
    plan.wanted.extend(plan.of(condition) for condition in conditions)
    return plan


@frozen
class Plan:
    """
    The steps that answer conditions, each part of them once.

    Args:
        segments: Those that the conditions name.

        wanted: Which step answers each condition.

        steps: Each reads those before it.
    """

    segments: Mapping[str, Condition]
    wanted: list[int] = field(factory=list, init=False)
    steps: list[Step] = field(factory=list, init=False)
    _places: dict[object, int] = field(factory=dict, init=False)

    def of(self, condition: Condition) -> int:
        """Which step answers this condition."""
        node = closed(condition)
        match node:
            case InSegment():
                return self.of(segment_of(node, self.segments))
            case Not():
                item = self.of(node.item)
                return self._place(("not", item), lambda: _not(item))
            case AllOf():
                parts = self._parts(node.items)
                return self._place(("all", *parts), lambda: _folded(parts, np.bitwise_and))
            case AnyOf():
                parts = self._parts(node.items)
                return self._place(("any", *parts), lambda: _folded(parts, np.bitwise_or))
            case AtLeast(count=count):
                parts = [self.of(item) for item in node.items]
                return self._place((count, *parts), lambda: _so_many(count, parts))
            case _:
                return self._place(_key(node), lambda: _leaf(node))

    def _parts(self, items: Sequence[Condition]) -> list[int]:
        return list(dict.fromkeys(self.of(item) for item in items))

    def _place(self, key: object, make: Callable[[], Step]) -> int:
        if key not in self._places:
            self._places[key] = len(self.steps)
            self.steps.append(make())
        return self._places[key]


def _key(node: Leaf) -> object:
    """What two leaves of one meaning have in common; the signals are known by their names."""
    match node:
        case CompareSignals():
            return (node.left.name, node.op, node.right.name, node.factor)
        case Compare():
            return (node.signal.name, node.op, node.value)
        case OneOf():
            return (node.signal.name, "in", node.values)
        case Between():
            return (node.signal.name, "between", node.low, node.high)
        case TextMatch():
            return (node.signal.name, node.part, node.text)
        case Ago() | Ahead():
            return (node.signal.name, type(node), node.than, node.length)
        case Present() | Missing():
            return (node.signal.name, type(node))
        case _:
            assert_never(node)


def _not(item: int) -> Step:
    def step(_: Slice, masks: Sequence[Mask]) -> Mask:
        found = masks[item]
        return _mask(~found.maybe, None if found.sure is found.maybe else ~found.sure)

    return step


def _folded(parts: Sequence[int], fold: Callable[[Bits, Bits], Bits]) -> Step:
    def step(_: Slice, masks: Sequence[Mask]) -> Mask:
        found = [masks[part] for part in parts]
        sure = reduce(fold, [mask.sure for mask in found])
        if all(mask.sure is mask.maybe for mask in found):
            return Mask(sure, sure)
        return Mask(sure, reduce(fold, [mask.maybe for mask in found]))

    return step


def _so_many(count: int, parts: Sequence[int]) -> Step:
    def enough(each: Sequence[Bits]) -> Bits:
        counted = np.sum([np.unpackbits(bits) for bits in each], axis=0, dtype=np.uint16)
        return np.packbits(counted >= count)

    def step(_: Slice, masks: Sequence[Mask]) -> Mask:
        found = [masks[part] for part in parts]
        return Mask(enough([mask.sure for mask in found]), enough([mask.maybe for mask in found]))

    return step


def _leaf(node: Leaf) -> Step:
    match node:
        case Present() | Missing():
            return _presence(node)
        case CompareSignals():
            return _pair(node)
        case _:
            return _single(node)


def _presence(node: Present | Missing) -> Step:
    wanted = isinstance(node, Present)

    def step(asked: Slice, _: Sequence[Mask]) -> Mask:
        there = asked.present(node.signal)
        bits = asked.everybody() if there is None else there
        return _mask(bits if wanted else ~bits, None)

    return step


def _single(node: Single) -> Step:
    def step(asked: Slice, _: Sequence[Mask]) -> Mask:
        holds, judged = _holds(node, asked)
        return _decided(holds, _both(asked.comparable(node.signal), judged))

    return step


def _pair(node: CompareSignals) -> Step:
    def step(asked: Slice, _: Sequence[Mask]) -> Mask:
        known = _both(asked.comparable(node.left), asked.comparable(node.right))
        holds, judged = _two(node, asked)
        return _decided(holds, _both(known, judged))

    return step


def _both(one: Bits | None, other: Bits | None) -> Bits | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _decided(holds: Bools, known: Bits | None) -> Mask:
    bits = np.packbits(holds)
    return _mask(bits, None) if known is None else Mask(bits & known, bits | ~known)


def _mask(sure: Bits, maybe: Bits | None) -> Mask:
    return Mask(sure, sure if maybe is None else maybe)


def _holds(node: Single, asked: Slice) -> tuple[Bools, Bits | None]:
    """Where a leaf holds, and where it can be said of what is known; None for everywhere."""
    column = asked.column(node.signal)
    match node:
        case Compare(value=Amounts() as table):
            limits = {code: ((node.op, limit),) for code, limit in table.table}
            return _in_currencies(limits, column, asked)
        case Between(low=Amounts() as low, high=Amounts() as high):
            ends = dict(high.table)
            ranges = {
                code: ((Comparison.GTE, limit), (Comparison.LTE, ends[code]))
                for code, limit in low.table
            }
            return _in_currencies(ranges, column, asked)
        case _:
            pass
    values = asked.values(column)
    if column.signal.kind is Kind.TEXT or isinstance(node, TextMatch):
        return _among(values, asked.fit(node, column)), None
    match node:
        case Compare():
            return _is(node.op, values, _number(node.value)), None
        case OneOf():
            return np.isin(values, node.values), None
        case Between():
            return (values >= _number(node.low)) & (values <= _number(node.high)), None
        case Ago() | Ahead():
            return _far(node, values, asked.at), None
        case _:
            assert_never(node)


def _in_currencies(
    limits: Mapping[str, Sequence[tuple[Comparison, Decimal]]], column: Column, asked: Slice
) -> tuple[Bools, Bits | None]:
    """Each amount against the limits in its currency; in another one nothing can be said."""
    values, currencies = asked.values(column), asked.currencies(column)
    if len(column.texts) == 1 and (one := limits.get(column.texts[0])) is not None:
        return reduce(np.bitwise_and, [_against(op, values, limit) for op, limit in one]), None
    found, judged = (np.zeros(len(values), dtype=np.bool_) for _ in range(2))
    for place, code in enumerate(column.texts):
        if code in limits:
            here = currencies == place
            judged |= here
            for op, limit in limits[code]:
                here = here & _against(op, values, limit)
            found |= here
    return found, np.packbits(judged)


def _against(op: Comparison, values: Array, limit: Decimal) -> Bools:
    return _is(op, values, _exact(Fraction(limit) * MILLION))


def _two(node: CompareSignals, asked: Slice) -> tuple[Bools, Bits | None]:
    left, right = asked.column(node.left), asked.column(node.right)
    ours, theirs = asked.values(left), asked.values(right)
    match node.left.kind:
        case Kind.NUMBER:
            with np.errstate(over="ignore", invalid="ignore"):
                return _is(node.op, ours, theirs.astype(np.float64) * float(node.factor)), None
        case Kind.AMOUNT | Kind.DURATION:
            factor, judged = Fraction(node.factor), None
            if node.left.kind is Kind.AMOUNT:
                same = asked.currencies(left) == _among_ours(left, right)[asked.currencies(right)]
                judged = np.packbits(np.broadcast_to(same, ours.shape))
            scaled = _times(ours, factor.denominator), _times(theirs, factor.numerator)
            return _is(node.op, *scaled), judged
        case Kind.TEXT:
            return _is(node.op, ours, _among_ours(left, right)[theirs]), None
        case Kind.TIME | Kind.FLAG:
            return _is(node.op, ours, theirs), None
        case _:
            assert_never(node.left.kind)


def _among_ours(left: Column, right: Column) -> NDArray[np.int64]:
    """The places of the right column's texts among those of the left one; -1 for none."""
    places = {text: place for place, text in enumerate(left.texts)}
    return np.array([places.get(text, -1) for text in right.texts] or [-1], dtype=np.int64)


def _among(places: Array, fit: list[int] | Bools) -> Bools:
    """Whether each text is one of those that fit."""
    if isinstance(fit, np.ndarray):
        return fit[places]
    found = np.zeros(len(places), dtype=np.bool_)
    for place in fit:
        found |= places == place
    return found


def _far(node: Ago | Ahead, values: Array, now: int) -> Bools:
    length, more = micros(node.length), node.than is Distance.MORE
    found: Bools
    if isinstance(node, Ago):
        found = values <= now - length if more else (now - length < values) & (values <= now)
    else:
        found = now + length < values if more else (now < values) & (values <= now + length)
    return found


def _is(op: Comparison, values: Array, limit: object) -> Bools:
    if values.dtype == np.int64 and isinstance(limit, Fraction):
        values = values.astype(np.object_)
    return cast("Bools", OPERATORS[op](values, limit))


def _times(values: Array, factor: int) -> Array:
    """Exactly; as Python's own ints where they could be too large for numpy's."""
    if values.dtype == np.int64 and len(values):
        peak = max(abs(int(values.max())), abs(int(values.min())))
        if max(peak, 1) * abs(factor) >= _INT64:
            values = values.astype(np.object_)
    return values * factor


def _number(value: Threshold) -> object:
    """As the columns have it."""
    if isinstance(value, datetime):
        return to_micros(value)
    return micros(value) if isinstance(value, timedelta) else value


def _exact(limit: Fraction) -> int | Fraction:
    whole = limit.denominator == 1 and abs(limit) < _INT64
    return limit.numerator if whole else limit
