"""Conditions as nested functions, for asking often; the meaning is that of ``_explain``.

No text is executed: each node becomes a function of a row, the values and after them the instant,
which says True, False or None.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import field, frozen

from retainkit.rules._asks import Ask, Compiler, Row
from retainkit.rules._columns import Answers, Columns, require_numpy, unknown_rule
from retainkit.rules._edges import Edges, edges_of, timeless_parts
from retainkit.rules._explain import NO_SEGMENTS
from retainkit.rules._readings import Readings, means_never
from retainkit.rules._tree import AllOf, Condition, signals_of
from retainkit.rules._tree import condition as as_condition
from retainkit.rules._truth import Truth
from retainkit.rules._windows import instant


if TYPE_CHECKING:
    from retainkit.rules._masks import Plan


@frozen(kw_only=True)
class Compiled:
    """Many conditions, ready to be asked; made by `compiled`. Immutable, safe across threads."""

    names: tuple[str, ...]
    readers: Mapping[str, tuple[str, ...]]
    """The conditions that read a signal, by its name: what to ask again when it changes."""

    _asked: Mapping[str, tuple[Ask, Ask]]
    """What comes first in a condition, and the rest of it: both must be true."""

    _groups: Sequence[tuple[Ask, Sequence[tuple[str, Ask]]]]
    """The same, once for all conditions that begin alike, as those of one segment do."""

    _columns: tuple[str, ...]
    _never: tuple[tuple[int, str], ...]
    _conditions: Mapping[str, Condition]
    _segments: Mapping[str, Condition]
    _edges: dict[str, Edges] = field(factory=dict, init=False, eq=False, repr=False)
    """Made when they are asked for first."""

    _needs: dict[str, Mapping[str, Ask]] = field(factory=dict, init=False, eq=False, repr=False)
    """What conditions need of one signal alone, by its name; made when asked for first."""

    _plans: list[Plan] = field(factory=list, init=False, eq=False, repr=False)
    """The one for columns, made when it is asked for first."""

    def truths(
        self, known: Readings, now: datetime, *, only: Iterable[str] | None = None
    ) -> dict[str, Truth]:
        """
        The answers for one customer at this instant, by the conditions' names.

        Args:
            known: What is known of the customer.

            now: The instant.

            only: Ask these alone; all by default.

        Raises:
            InvalidInput: ``rules.unknown_rule``, ``time.naive``, ``time.out_of_range``.
        """
        at = instant(now)
        row = known.row(self._columns, self._never, at)
        if only is not None:
            return {name: _truth(self._pair(name), row) for name in only}
        answers = dict.fromkeys(self.names, Truth.FALSE)
        for first, conditions in self._groups:
            begun = first(row)
            if begun is False:
                continue
            for name, rest in conditions:
                found = rest(row)
                if found is not False:
                    answers[name] = Truth.TRUE if found and begun else Truth.UNKNOWN
        return answers

    def ruled_out(
        self, signals: Iterable[str], known: Readings, now: datetime, *, only: Collection[str]
    ) -> set[str]:
        """
        The conditions that one of these signals makes false by itself, and time does not change.

        They stay so until the signal is another: all else that they read need not be known.

        Args:
            signals: Their names; others are not looked at.

            known: What is known of the customer; of these signals at least.

            now: The instant.

            only: The names of the conditions that are asked.

        Raises:
            InvalidInput: ``time.naive``, ``time.out_of_range``.
        """
        at = instant(now)
        row = known.row(self._columns, self._never, at)
        found: set[str] = set()
        for signal in signals:
            if known.believed_until(signal) is None:
                needs = self._needs_of(signal).items()
                found |= {name for name, ask in needs if name in only and ask(row) is False}
        return found

    def next_flip(
        self, name: str, known: Readings, now: datetime, *, truth: Truth | None = None
    ) -> datetime | None:
        """
        The same as the function `next_flip` says of one of the conditions.

        Args:
            name: The condition's.

            known: What is known of the customer.

            now: The instant.

            truth: Its answer now, where that is known already.

        Raises:
            InvalidInput: ``rules.unknown_rule``, ``time.naive``, ``time.out_of_range``.
        """
        at = instant(now)
        edges = self._edges.get(name)
        if edges is None:
            self._pair(name)
            edges = self._edges[name] = edges_of(self._conditions[name], self._segments)
        before = truth
        for edge, reread, watched in edges.after(known, at):
            if before is None:
                before = self.truths(known, at, only=(name,))[name]
            # A value that is read again can tell what was unknown, or end an absence; what is true
            # or false with the value unknown is so with any.
            if watched or (reread and before is Truth.UNKNOWN):
                return edge
            if self.truths(known, edge, only=(name,))[name] is not before:
                return edge
        return None

    def over(self, population: Columns, now: datetime) -> Answers:
        """
        The answers for a whole population at this instant. Needs the extra ``batch``.

        Raises:
            ConfigurationError: ``missing_extra``.
            InvalidInput: ``rules.signal_clash``, ``time.naive``, ``time.out_of_range``.
        """
        require_numpy()
        from retainkit.rules._masks import answers, plan_of

        if not self._plans:
            self._plans.append(plan_of(self._conditions.values(), self._segments))
        return answers(self.names, self._plans[0], population, instant(now))

    def _needs_of(self, signal: str) -> Mapping[str, Ask]:
        found = self._needs.get(signal)
        if found is None:
            made = Compiler(_places(self._columns), self._segments)
            found = self._needs[signal] = {
                name: made.of_all(parts)
                for name in self.readers.get(signal, ())
                if (parts := timeless_parts(self._conditions[name], signal, self._segments))
            }
        return found

    def _pair(self, name: str) -> tuple[Ask, Ask]:
        found = self._asked.get(name)
        if found is None:
            raise unknown_rule(name, self.names)
        return found


def compiled(
    conditions: Mapping[str, Condition], *, segments: Mapping[str, Condition] = NO_SEGMENTS
) -> Compiled:
    """
    The conditions, ready to be asked often.

    Raises:
        NotFound: ``rules.unknown_segment``.
    """
    conditions = {name: as_condition(when) for name, when in conditions.items()}
    read = {name: signals_of(when, segments) for name, when in conditions.items()}
    signals = {signal.name: signal for each in read.values() for signal in each}
    columns = tuple(signals)
    made = Compiler(_places(columns), segments)
    readers: dict[str, list[str]] = {name: [] for name in columns}
    for name, each in read.items():
        for signal in each:
            readers[signal.name].append(name)
    groups: dict[Condition, tuple[Ask, list[tuple[str, Ask]]]] = {}
    for name, when in conditions.items():
        first, others = (when.items[0], when.items[1:]) if isinstance(when, AllOf) else (when, ())
        if first not in groups:
            groups[first] = (made.of(first), [])
        groups[first][1].append((name, made.of_all(others)))
    return Compiled(
        names=tuple(conditions),
        readers=MappingProxyType({name: tuple(who) for name, who in readers.items()}),
        asked={name: (begin, rest) for begin, each in groups.values() for name, rest in each},
        groups=tuple((begin, tuple(each)) for begin, each in groups.values()),
        columns=columns,
        never=tuple((i, name) for i, name in enumerate(columns) if means_never(signals[name])),
        conditions=conditions,
        segments=segments,
    )


def truth_of(
    condition: Condition,
    known: Readings,
    now: datetime,
    *,
    segments: Mapping[str, Condition] = NO_SEGMENTS,
) -> Truth:
    """
    Whether a condition is true, false or unknown of a customer at this instant.

    Raises:
        InvalidInput: ``time.naive``, ``time.out_of_range``.
        NotFound: ``rules.unknown_segment``.
    """
    return compiled({"": condition}, segments=segments).truths(known, now)[""]


def _places(columns: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(columns)}


def _truth(asked: tuple[Ask, Ask], row: Row) -> Truth:
    begun = asked[0](row)
    found = begun is not False and asked[1](row)
    if found is False:
        return Truth.FALSE
    return Truth.TRUE if found and begun else Truth.UNKNOWN
