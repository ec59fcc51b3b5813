"""Conditions as nested functions, for asking often; the meaning is that of ``_explain``.

No text is executed: each node becomes a function of a row, the values and after them the instant,
which says True, False or None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import methodcaller
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from attrs import field, frozen

from retainkit.rules import _compare
from retainkit.rules._columns import Answers, Columns, require_numpy, unknown_rule
from retainkit.rules._declared import Kind
from retainkit.rules._edges import Edges, edges_of, timeless_parts
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
    Missing,
    Not,
    OneOf,
    Present,
    TextMatch,
    TextPart,
    closed,
    signals_of,
)
from retainkit.rules._tree import condition as as_condition
from retainkit.rules._truth import Truth
from retainkit.rules._windows import instant


if TYPE_CHECKING:
    from retainkit.rules._masks import Plan

Row: TypeAlias = Sequence[Any]
Ask: TypeAlias = Callable[[Row], bool | None]


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
            made = _Compiler(_places(self._columns), self._segments)
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
    made = _Compiler(_places(columns), segments)
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


@frozen
class _Compiler:
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
                return _one_of(at, frozenset(node.values))
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


def _one_of(at: int, values: frozenset[object]) -> Ask:
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
