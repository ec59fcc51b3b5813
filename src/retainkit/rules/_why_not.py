"""What would have to be otherwise for a condition to be true: the smallest change, and the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations, islice, product
from typing import Any

from attrs import define, frozen

from retainkit.core import Because, JsonValue
from retainkit.money import Money, to_units
from retainkit.rules._closures import Compiled, compiled, truth_of
from retainkit.rules._declared import Signal, Value
from retainkit.rules._explain import NO_SEGMENTS, Explained, why
from retainkit.rules._flips import next_flip
from retainkit.rules._readings import Readings, changed
from retainkit.rules._samples import agrees, samples
from retainkit.rules._tree import Condition
from retainkit.rules._tree import condition as as_condition
from retainkit.rules._truth import Truth
from retainkit.rules._ways import Literal, Way, ways
from retainkit.rules._windows import instant


_MOST_TRIES = 2_000
_MOST_FLIPS = 16
_MOST_LOOKED = 100_000
"""Values that are looked at before no other plan is begun; one list of values may be longer."""

_MOST_PICKED = 3**5
_MOST_BESIDE = 9
"""Sets of compared signals that are tried beside those that have to change anyway."""


@frozen(kw_only=True)
class Change:
    """
    One signal that would have to be otherwise.

    Args:
        signal: Its name.

        value: What it is now; None when that is not known.

        to: The nearest value found with which the whole condition is true; None for a value that
            would have to be missing. Where a threshold itself is not enough, it lies beyond it: by
            what can be paid, by a second, or by one of the threshold's last decimal or less.

        wanted: What the new value fulfils: message keys and thresholds; ``rules.of.not`` with the
            key of what must not hold.
    """

    signal: str
    value: Value | None
    to: Value | None
    wanted: tuple[Because, ...]


@frozen(kw_only=True)
class WhyNot:
    """
    Why a condition is not true, and what would make it so.

    Args:
        explained: The answer with its reasons.

        changes: The fewest signals that would have to change, together; empty when it is true
            already, or when nothing was found.

        by_time: When it becomes true although nothing happens; None when it doesn't.
    """

    explained: Explained
    changes: tuple[Change, ...] = ()
    by_time: datetime | None = None


def why_not(
    condition: Condition,
    known: Readings,
    now: datetime,
    *,
    segments: Mapping[str, Condition] = NO_SEGMENTS,
) -> WhyNot:
    """
    Why a condition is not true of a customer at this instant, and the smallest change to it.

    Each proposed change was tried: with the new values the condition is true. Fewer signals come
    before nearer values; an amount stays in its currency. For people, not for a hot path.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``.
        NotFound: ``rules.unknown_segment``.
    """
    at, condition = instant(now), as_condition(condition)
    explained = why(condition, known, at, segments=segments)
    if explained.truth is Truth.TRUE:
        return WhyNot(explained=explained)
    asked = compiled({"": condition}, segments=segments)
    somebody = changed(known, {})  # as is whoever has one fact, and so whoever is proposed one
    search = _Search(condition, somebody, at, segments, asked, {})
    return WhyNot(
        explained=explained,
        changes=search.smallest(),
        by_time=_by_time(condition, known, at, segments),
    )


@define
class _Search:
    condition: Condition
    known: Readings
    at: datetime
    segments: Mapping[str, Condition]
    asked: Compiled
    held: dict[Literal, bool]
    """What is as wanted now, once it was asked."""

    looked: int = 0
    """How many values were looked at."""

    def smallest(self) -> tuple[Change, ...]:
        found = ways(self.condition, self.segments, lambda way: len(self._open(way)))
        plans = [(way, signals) for way in found.found for signals in self._planned(way)]
        plans.sort(key=lambda plan: len(plan[1]))
        tries = ((way, values) for way, signals in plans for values in self._tried(way, signals))
        for way, values in islice(tries, _MOST_TRIES):
            if self._is_true_with(values):
                return tuple(self._change(way, name, value) for name, value in values.items())
        return ()

    def _open(self, way: Way) -> list[Literal]:
        """What is not as wanted now."""
        return [literal for literal in way if not self._holds(literal)]

    def _holds(self, literal: Literal) -> bool:
        if literal not in self.held:
            wanted = Truth.TRUE if literal.wanted else Truth.FALSE
            self.held[literal] = truth_of(literal.leaf, self.known, self.at) is wanted
        return self.held[literal]

    def _planned(self, way: Way) -> Iterator[tuple[Signal, ...]]:
        """The sets of signals whose change could do, and those with what they are compared with."""
        pairs = [literal.signals for literal in way if literal.is_pair]
        for touched in self._touched(way):
            yield touched
            names = {signal.name for signal in touched}
            beside = _beside(names, pairs)
            some = (more for size in range(len(beside)) for more in combinations(beside, size + 1))
            for more in islice(some, _MOST_BESIDE):
                yield (*touched, *more)

    def _touched(self, way: Way) -> Iterator[tuple[Signal, ...]]:
        """The sets of signals whose change could do; of a comparison of two, either or both."""
        unmet = self._open(way)
        if not unmet:  # of nobody, whom any fact makes somebody of whom it is true
            yield from ((signal,) for literal in way for signal in literal.signals)
            return
        single = {s.name: s for literal in unmet if not literal.is_pair for s in literal.signals}
        pairs = [
            literal.signals
            for literal in unmet
            if literal.is_pair and not any(s.name in single for s in literal.signals)
        ]
        choices: list[list[tuple[Signal, ...]]] = [
            [(pair[0],), (pair[-1],), (pair[-1], pair[0])] for pair in pairs
        ]
        picked = islice(product(*choices), _MOST_PICKED)
        sets = ({s.name: s for some in each for s in some} for each in picked)
        unique = {frozenset(each): each for each in sets}
        for moved in sorted(unique.values(), key=len)[:_MOST_BESIDE]:
            yield tuple({**single, **moved}.values())

    def _tried(self, way: Way, touched: Sequence[Signal]) -> Iterator[dict[str, Value | None]]:
        """New values for these signals, the nearest first; a plan that is begun is finished."""
        if self._gives_up():
            return
        paired = {s.name for literal in way if literal.is_pair for s in literal.signals}
        alone = [signal for signal in touched if signal.name not in paired]
        rest = [signal for signal in touched if signal.name in paired]
        for chosen in product(*(self._candidates(way, signal, self.known) for signal in alone)):
            values = dict(zip((signal.name for signal in alone), chosen, strict=True))
            for more in self._moved(way, rest, self.known):
                both = {**values, **more}
                yield {signal.name: both[signal.name] for signal in touched}
            if rest and self._gives_up():
                return

    def _gives_up(self) -> bool:
        return self.looked > _MOST_LOOKED

    def _moved(
        self, way: Way, touched: Sequence[Signal], known: Readings
    ) -> Iterator[dict[str, Value | None]]:
        """New values for signals that are compared with each other: each goes by those before."""
        if not touched:
            yield {}
            return
        first, *rest = touched
        for value in self._candidates(way, first, known):
            for more in self._moved(way, rest, changed(known, {first.name: value})):
                yield {first.name: value, **more}
            if rest and self._gives_up():
                return

    def _candidates(self, way: Way, signal: Signal, known: Readings) -> list[Value | None]:
        """Values for it, the nearest first; limits of what it is compared with are its own, too."""
        mine = [x for x in way if any(s.name == signal.name for s in x.signals)]
        single = [literal for literal in mine if not literal.is_pair]
        names = {s.name for literal in mine for s in literal.signals}
        theirs = [x for x in way if x.is_limit and x not in mine and x.signals[0].name in names]
        values = samples(signal, [x.leaf for x in (*mine, *theirs)], self.at, known)
        self.looked += len(values)
        now = self.known.known(signal.name, self.at)
        fit = [
            value
            for value in values
            if value != now
            and not _is_foreign(now, value)
            and agrees(value, signal, single, self.at)
        ]
        return sorted(fit, key=lambda value: _distance(now, value))

    def _is_true_with(self, values: Mapping[str, Value | None]) -> bool:
        known = changed(self.known, values)
        return self.asked.truths(known, self.at)[""] is Truth.TRUE

    def _change(self, way: Way, name: str, to: Value | None) -> Change:
        wanted = sorted(
            (self._wanted(x) for x in way if any(s.name == name for s in x.signals)),
            key=lambda because: because.key,
        )
        value = self.known.known(name, self.at)
        return Change(signal=name, value=value, to=to, wanted=tuple(wanted))

    def _wanted(self, literal: Literal) -> Because:
        because = why(literal.leaf, self.known, self.at).because
        said: dict[str, JsonValue] = {
            key: value for key, value in because.values.items() if key in _THRESHOLDS
        }
        if literal.wanted:
            return Because(key=because.key, values=said)
        return Because(key="rules.of.not", values={"key": because.key, **said})


_THRESHOLDS = frozenset(
    {"signal", "threshold", "low", "high", "seconds", "other_signal", "other_value", "times"}
)


def _beside(names: set[str], pairs: Sequence[tuple[Signal, ...]]) -> list[Signal]:
    """What these signals are compared with, and what that is compared with, and so on."""
    found: dict[str, Signal] = {}
    reached = -1
    while reached < len(found):
        reached = len(found)
        for pair in pairs:
            if any(signal.name in names or signal.name in found for signal in pair):
                found |= {signal.name: signal for signal in pair if signal.name not in names}
    return list(found.values())


def _is_foreign(now: Value | None, to: Value | None) -> bool:
    """Nobody's customer comes to pay in another currency for the sake of a rule."""
    return isinstance(now, Money) and isinstance(to, Money) and now.currency != to.currency


def _distance(now: Value | None, to: Value | None) -> tuple[int, Any]:
    """How far it is from what is now; what nobody can pay, or compare, comes after what one can."""
    if to is None:
        return (3, 0)
    if isinstance(now, Money) and isinstance(to, Money):
        is_paid = to_units(to).denominator == 1
        return (0 if is_paid else 1, abs(now.amount - to.amount))
    if isinstance(now, datetime) and isinstance(to, datetime):
        return (0, abs(now - to))
    if isinstance(now, timedelta) and isinstance(to, timedelta):
        return (0, abs(now - to))
    if isinstance(now, int | float) and isinstance(to, int | float):
        return (0, abs(now - to))
    return (2, 0)


def _by_time(
    condition: Condition, known: Readings, at: datetime, segments: Mapping[str, Condition]
) -> datetime | None:
    for _ in range(_MOST_FLIPS):
        flip = next_flip(condition, known, at, segments=segments)
        if flip is None:
            return None
        if truth_of(condition, known, flip, segments=segments) is Truth.TRUE:
            return flip
        at = flip
    return None
