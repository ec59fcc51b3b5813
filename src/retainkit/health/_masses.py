"""Scores in columns: the fixed-point arithmetic of ``_fixed`` and ``_score`` in numpy's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, cast

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from retainkit.errors import InvalidInput
from retainkit.health._bands import Bands, Edge
from retainkit.health._checks import largest
from retainkit.health._columns import HealthColumns
from retainkit.health._fixed import DIGITS, FORGOTTEN, ONE_POINT, SERIES, WHOLE, points_of
from retainkit.health._mappings import MILLION, ByCondition, ByWord, InTiers, OnLine
from retainkit.health._model import Combine, HealthModel, Ready
from retainkit.rules import Answers, Columns, Kind, Signal, Time, Truth
from retainkit.timing import to_micros, utc


Ints: TypeAlias = "NDArray[np.int64]"
Floats: TypeAlias = "NDArray[np.float64]"
Bools: TypeAlias = "NDArray[np.bool_]"

_CHUNK = 16_384
"""Rows at a time: what is at work then stays in the processor's cache."""

_ROOM = 2**62
_FIRST = np.iinfo(np.int64).min


@frozen(eq=False)
class _Slice:
    """Some rows of a population, and what was asked of them."""

    rows: slice
    at: int
    population: Columns
    asked: Mapping[str, tuple[Bools, Bools]]
    ages: Mapping[str, Ints]

    def __len__(self) -> int:
        return int(self.rows.stop) - int(self.rows.start)


@frozen(eq=False)
class _Part:
    """What a component says of some rows; zero where it has no say."""

    points: Ints
    kept: Ints
    left: Ints
    says: Bools | None


def scored(
    model: HealthModel,
    population: Columns,
    answers: Answers,
    at: datetime,
    *,
    times: datetime | Columns | None,
    before: Sequence[str | None] | None,
) -> HealthColumns:
    """Everybody's health."""
    _check_room(model)
    count = len(population)
    known = np.empty(count, np.bool_)
    steps, covered = np.empty(count, np.int64), np.empty(count, np.int64)
    bands = np.empty(count, np.int8)
    was = _places(model.bands, before, count)
    asked = {
        name: (answers.mask(name), answers.mask(name, Truth.UNKNOWN)) for name in answers.names
    }
    ages, micros = _ages(model, population, times), to_micros(at)
    for start in range(0, count, _CHUNK):
        rows = slice(start, min(start + _CHUNK, count))
        part = _Slice(rows, micros, population, asked, ages)
        known[rows], steps[rows], covered[rows], enough = _score(model, part)
        bands[rows] = _bands(model, steps[rows], None if was is None else was[rows])
        bands[rows][~(enough & known[rows])] = -1
    return HealthColumns(
        model=model,
        at=at,
        population=population,
        known=known,
        steps=steps,
        covered=covered,
        bands=bands,
    )


def _score(model: HealthModel, part: _Slice) -> tuple[Bools, Ints, Ints, Bools]:
    """Of whom there is a score; it, in steps; the coverage; and whether that is enough."""
    step, rows = 10 ** (DIGITS - model.places), len(part)
    mean = model.combine is Combine.MEAN
    above, left, weight = (np.zeros(rows, np.int64) for _ in range(3))
    for ready in model.ready:
        said = _said(ready, part)
        pull = said.left if mean else said.kept
        above += said.points * pull
        left += said.left
        if mean:
            weight += said.left if said.says is None else np.where(said.says, said.left, 0)
    if mean:
        known = weight > 0
        below = np.where(known, weight, 1) * step
    else:
        known, below = left > 0, np.full(rows, WHOLE * step, np.int64)
        above += points_of(model.start, "start") * WHOLE
    found = _nearest(above, below)
    low, high = (end // step for end in model.ends)
    if not mean:
        np.clip(found, low, high, out=found)
    for cap, limit in zip(model.caps, model.limits, strict=True):
        sure = part.asked[f"cap:{cap.name}"][0][part.rows]
        found = np.where(sure, np.minimum(found, limit // step), found)
    whole = sum(ready.share for ready in model.ready)
    coverage = _nearest(left * ONE_POINT, np.full(rows, whole, np.int64))
    return known, found, coverage, coverage >= model.least_covered


def _said(ready: Ready, part: _Slice) -> _Part:
    if isinstance(ready.mapping, ByCondition):
        return _by_condition(ready, ready.mapping, part)
    signal = cast("Signal", ready.signal)  # only conditions do without
    column = part.population.column(signal.name)
    if column is None and not _never(signal):
        nothing = np.zeros(len(part), np.int64)
        return _Part(nothing, nothing, nothing, None)
    known = _known(signal, part)
    if column is not None and column.texts and signal.kind is Kind.AMOUNT:
        currency = cast("OnLine | InTiers", ready.mapping).currency
        same = [code == currency for code in column.texts]
        if column.currencies is not None:
            known &= np.array(same)[column.currencies[part.rows]]
        elif not same[0]:
            known[:] = False
    points, says = _points(ready, signal, part, known)
    kept, left = _rest(ready, signal, part, known)
    if says is not None:
        points = np.where(says, points, 0)
        kept = np.where(says, kept, 0)
    return _Part(points, kept, left, says)


def _by_condition(ready: Ready, mapping: ByCondition, part: _Slice) -> _Part:
    points, open_ = np.zeros(len(part), np.int64), np.ones(len(part), np.bool_)
    unknown = np.zeros(len(part), np.bool_)
    for index, tier in enumerate(mapping.tiers):
        sure, maybe = (mask[part.rows] for mask in part.asked[f"part:{ready.name}:{index}"])
        points[open_ & sure] = tier
        unknown |= open_ & maybe
        open_ &= ~(sure | maybe)
    says = None
    if mapping.otherwise is None:
        says = ~open_
    else:
        points[open_] = mapping.otherwise
    points[unknown] = 0
    left = np.where(unknown, 0, ready.share)
    kept = np.where(unknown if says is None else unknown | ~says, 0, WHOLE)
    return _Part(points, kept, left, says)


def _never(signal: Signal) -> bool:
    return isinstance(signal, Time) and signal.missing_means == "never"


def _known(signal: Signal, part: _Slice) -> Bools:
    """Of whom a value is known and believed, or is known to be never."""
    column = part.population.column(signal.name)
    known = _unpacked(None if column is None or _never(signal) else column.known, part.rows)
    if column is not None and column.until is not None:
        known &= column.until[part.rows] > part.at
    return known


def _points(ready: Ready, signal: Signal, part: _Slice, known: Bools) -> tuple[Ints, Bools | None]:
    """The points of each row, and which of them have any; None when all have."""
    mapping = ready.mapping
    column = part.population.column(signal.name)
    if isinstance(mapping, ByWord) and column is not None:
        words = [False, True] if signal.kind is Kind.FLAG else column.texts
        return _by_word(mapping, words, column.values[part.rows])
    at = _positions(signal, part)
    if isinstance(mapping, InTiers):
        side = "left" if mapping.upper_included else "right"
        tiers = np.array(mapping.tiers, np.int64)
        return tiers[np.searchsorted(np.array(mapping.edges), at, side=side)], None  # type: ignore[call-overload] # one of both
    line = cast("OnLine", mapping)
    at[~known] = line.low  # what is not known may be anything
    says = None if line.clamps else (at >= line.low) & (at <= line.high)
    np.clip(at, line.low, line.high, out=at)
    at -= line.low
    at /= line.high - line.low
    at *= line.at_high - line.at_low
    at += line.at_low
    return np.rint(at, out=at).astype(np.int64), says


def _by_word(
    mapping: ByWord, words: Sequence[bool | str], values: NDArray[np.generic]
) -> tuple[Ints, Bools | None]:
    """The values say which of the words it is of each row."""
    found = [mapping.table.get(word, mapping.otherwise) for word in words] or [0]
    places = values.astype(np.intp)
    points = np.array([0 if each is None else each for each in found], np.int64)[places]
    if None not in found:
        return points, None
    return points, np.array([each is not None for each in found])[places]


def _positions(signal: Signal, part: _Slice) -> Floats:
    """Where each value lies on its signal's line, as `position` has it."""
    column = part.population.column(signal.name)
    if column is None:  # never, of everybody
        return np.full(len(part), np.inf)
    values = column.values[part.rows]
    if signal.kind is Kind.TIME:
        return (part.at - values).astype(np.float64)
    at = values.astype(np.float64)
    if signal.kind is Kind.AMOUNT:
        at /= MILLION
    return at


def _rest(ready: Ready, signal: Signal, part: _Slice, known: Bools) -> tuple[Ints, Ints]:
    """How many billionths of the points, and of all weights, are left of each row."""
    if ready.half_life is None:
        return np.where(known, WHOLE, 0), np.where(known, ready.share, 0)
    shares = np.ones(len(part))
    ages = part.ages.get(signal.name)
    dated = _dated(signal, part)
    if ages is None:
        known = known & ~dated
    else:
        at = ages[part.rows]
        known = known & ~(dated & (at == _FIRST))
        age = np.where(dated & (at != _FIRST), part.at - at, 0).astype(np.float64)
        shares = _remaining(age, ready.half_life)
    left = np.rint(shares * ready.share).astype(np.int64)
    known &= left > 0
    kept = np.rint(shares * WHOLE).astype(np.int64)
    return np.where(known, kept, 0), np.where(known, left, 0)


def _dated(signal: Signal, part: _Slice) -> Bools:
    """Whose value is that of a reading, and not known to be never without one."""
    column = part.population.column(signal.name)
    if column is None:
        return np.zeros(len(part), np.bool_)
    return _unpacked(column.known, part.rows)


def _remaining(age: Floats, half_life: float) -> Floats:
    """`remaining`, in the same order of the same operations."""
    exponent = -(np.maximum(age, 0.0) / half_life)
    whole = np.floor(np.maximum(exponent, FORGOTTEN))
    rest = np.maximum(exponent, FORGOTTEN) - whole
    power = np.zeros(len(age))
    for term in SERIES:
        power *= rest
        power += term
    found = np.ldexp(power, whole.astype(np.int64))
    return np.where(exponent < FORGOTTEN, 0.0, found)


def _nearest(above: Ints, below: Ints) -> Ints:
    whole, rest = np.divmod(above, below)
    twice = 2 * rest
    up = (twice > below) | ((twice == below) & (whole % 2 == 1))
    found: Ints = whole + up
    return found


def _bands(model: HealthModel, steps: Ints, was: Ints | None) -> NDArray[np.int8]:
    bands = model.bands
    score = steps * 10 ** (DIGITS - model.places)
    found = _at(bands, score)
    if was is None or not bands.margin:
        return found.astype(np.int8)
    stays_up = (found > was) & (_at(bands, score - bands.margin) <= was)
    stays_down = (found < was) & (_at(bands, score + bands.margin) >= was)
    return np.where((was >= 0) & (stays_up | stays_down), was, found).astype(np.int8)


def _at(bands: Bands, score: Ints) -> Ints:
    inner = np.array(bands.inner, np.int64)
    if bands.edge is Edge.UPPER_INCLUDED:
        return np.searchsorted(inner, score, side="left")
    return np.searchsorted(inner, score, side="right")


def _places(bands: Bands, before: Sequence[str | None] | None, count: int) -> Ints | None:
    if before is None:
        return None
    if len(before) != count:
        raise InvalidInput(
            "There is one band before for each customer",
            code="rules.column_length",
            field="before",
            value=len(before),
            remedy=f"there are {count} customers: give each a band, None where not known",
        )
    place_of = {name: place for place, name in enumerate(bands.names)}
    return np.fromiter((place_of.get(name or "", -1) for name in before), np.int64, count)


def _ages(
    model: HealthModel, population: Columns, at: datetime | Columns | None
) -> dict[str, Ints]:
    """As of when each reading with a half-life is true, in microseconds; the first for unknown."""
    decaying = [
        each.signal.name for each in model.ready if each.half_life and each.signal is not None
    ]
    count = len(population)
    if isinstance(at, datetime):
        return dict.fromkeys(decaying, np.full(count, to_micros(utc(at, "at")), np.int64))
    if at is None:
        return {}
    if list(at.customers) != list(population.customers):
        raise InvalidInput(
            "The times are those of other customers",
            code="health.other_customers",
            field="at",
            value=len(at),
            remedy="give the times of the same customers, in the same order",
        )
    found = {name: column for name in decaying if (column := at.column(name)) is not None}
    return {
        name: np.where(_unpacked(column.known, slice(0, count)), column.values, _FIRST)
        for name, column in found.items()
    }


def _unpacked(bits: NDArray[np.uint8] | None, rows: slice) -> Bools:
    """A bool for each of some rows; the first of them is a multiple of 8."""
    count = rows.stop - rows.start
    if bits is None:
        return np.ones(count, np.bool_)
    part = bits[rows.start // 8 : -(-rows.stop // 8)]
    return np.unpackbits(part, count=count).view(np.bool_)


def _check_room(model: HealthModel) -> None:
    """Sums of points stay within 64 bits; of a mean they always do."""
    if model.combine is Combine.MEAN:
        return
    most = sum(map(largest, (ready.mapping for ready in model.ready)))
    most += abs(points_of(model.start, "start"))
    if most * WHOLE >= _ROOM:
        raise InvalidInput(
            "The points of this model add up to more than 64 bits hold",
            code="health.too_large",
            field="components",
            value=most // ONE_POINT,
            remedy="score its customers one by one, or use smaller points",
        )
