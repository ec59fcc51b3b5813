"""Rules and segments that belong together, checked as a whole; what became of them is not here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from attrs import define, field, frozen

from retainkit.core import check_id, content_hash, dumps
from retainkit.errors import InvalidInput
from retainkit.rules._attributes import Signals, declared
from retainkit.rules._closures import Compiled, compiled
from retainkit.rules._data import signal_data, version
from retainkit.rules._declared import Kind, Signal
from retainkit.rules._events import is_anonymous
from retainkit.rules._explain import Explained, why
from retainkit.rules._meant import meant
from retainkit.rules._readings import named
from retainkit.rules._rule import LONGEST_NAME, Rule, RuleTest
from retainkit.rules._samples import agrees, is_decided, samples
from retainkit.rules._tree import (
    AllOf,
    AnyOf,
    Condition,
    InSegment,
    children,
    condition,
    limited_depth,
    limited_size,
    signals_of,
    walk,
)
from retainkit.rules._truth import Truth
from retainkit.rules._ways import Literal, Way, ways


_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Where lengths from now are laid out to see whether they contradict each other."""

_WORDS = MappingProxyType({Truth.TRUE: "fires", Truth.FALSE: "no", Truth.UNKNOWN: "unknown"})


@frozen(kw_only=True)
class Trial:
    """What a rule answered to one of its tests."""

    rule: str
    test: RuleTest
    explained: Explained

    @property
    def passed(self) -> bool:
        """It answered as expected."""
        return self.explained.truth is self.test.expect

    def __str__(self) -> str:
        """What was expected and what was answered, in the words of a rule file."""
        return f"expected {_WORDS[self.test.expect]}, got {_WORDS[self.explained.truth]}"


def _signals(given: type[Signals] | Mapping[str, Signal]) -> Mapping[str, Signal]:
    return MappingProxyType(dict(declared(given)))


def _rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(rules)


def _segments(segments: Mapping[str, Condition]) -> Mapping[str, Condition]:
    return MappingProxyType({name: condition(when) for name, when in segments.items()})


@define(kw_only=True)
class Faults:
    """
    All that is wrong with rules and segments that belong together; inside this room only.

    What names a segment that is wrong is judged no further: each mistake is told once.

    Args:
        signals: What they may read, by name.

        segments: Named conditions.

        rules: By their places, with which the fields of the faults begin.

        wrong: The places that are known to be wrong, such as ``segments.large``.
    """

    signals: Mapping[str, Signal]
    segments: Mapping[str, Condition]
    rules: Mapping[str, Rule]
    wrong: set[str] = field(factory=set)
    _followed: dict[str, None] = field(factory=dict, init=False)
    _measured: dict[str, tuple[int, int]] = field(factory=dict, init=False)

    def __iter__(self) -> Iterator[InvalidInput]:
        for check in self._checks():
            try:
                check()
            except InvalidInput as fault:
                self.wrong.add(str(fault.field))
                yield fault

    def _checks(self) -> Iterator[Callable[[], object]]:
        for name in self.segments:
            yield partial(check_id, name, f"segments.{name}", most=LONGEST_NAME)
        for place, when in self._places(self.segments):
            yield partial(self._check_names, place, when)
        for place, rule in self.rules.items():
            yield partial(self._check_term, f"{place}.term", rule)
        for name in self.segments:
            while name not in self._followed and f"segments.{name}" not in self.wrong:
                yield partial(self._follow, name, ())
        for place, when in self._places(self.segments):
            yield partial(self._check_extent, place, when)
        for place, when in self._places(self._followed):  # each after those that it names
            yield partial(self._check_sense, place, when)

    def _places(self, segments: Iterable[str]) -> Iterator[tuple[str, Condition]]:
        for name in segments:
            yield f"segments.{name}", self.segments[name]
        for place, rule in self.rules.items():
            yield f"{place}.when", rule.when
            if rule.clears_when is not None:
                yield f"{place}.clears_when", rule.clears_when

    def _check_names(self, place: str, when: Condition) -> None:
        for part in walk(when):
            if not isinstance(part, InSegment) or f"segments.{part.name}" in self.wrong:
                continue
            if part.name not in self.segments:
                raise InvalidInput(
                    "There is no such segment",
                    code="rules.unknown_segment",
                    field=place,
                    value=part.name,
                    remedy=meant(part.name, self.segments, "define it in segments"),
                )
        for signal in signals_of(when):
            if is_anonymous(signal):
                continue
            known = named(self.signals, signal.name, place)
            if signal_data(known) != signal_data(signal):
                raise InvalidInput(
                    "A signal of this name is declared otherwise",
                    code="rules.signal_clash",
                    field=place,
                    value=signal.name,
                    remedy="pass the class that the rule was written with",
                )

    def _check_term(self, place: str, rule: Rule) -> None:
        if rule.term is None:
            return
        if named(self.signals, rule.term, place).kind is not Kind.TIME:
            raise InvalidInput(
                "A term is named by a signal that is a time",
                code="rules.term",
                field=place,
                value=rule.term,
                remedy="name a Time signal, such as the end of the contract's term",
            )

    def _follow(self, name: str, path: tuple[str, ...]) -> None:
        """Where a segment leads by those that it names; refused for a circle."""
        if name in path:
            circle = path[path.index(name) :]
            first = next(each for each in self.segments if each in circle)
            start = circle.index(first)
            raise InvalidInput(
                "Segments name each other in a circle",
                code="rules.circular_segments",
                field=f"segments.{first}",
                value=" -> ".join((*circle[start:], *circle[:start], first)),
                remedy="say one of them by signals",
            )
        place = f"segments.{name}"
        if name in self._followed or place in self.wrong:
            return
        limited_depth(len(path) + 1, place)
        for part in walk(self.segments[name]):
            if isinstance(part, InSegment):
                self._follow(part.name, (*path, name))
        self._followed[name] = None
        self._is_wrong(place, self.segments[name])

    def _is_wrong(self, place: str, when: Condition) -> bool:
        """Whether it is known to be, or names a segment that is: then it is from now on."""
        names = (part.name for part in walk(when) if isinstance(part, InSegment))
        if any(f"segments.{name}" in self.wrong for name in names):
            self.wrong.add(place)
        return place in self.wrong

    def _check_extent(self, place: str, when: Condition) -> None:
        if self._is_wrong(place, when):
            return
        depth, size = _extent(when, self.segments, self._measured)
        limited_depth(depth, place)
        limited_size(size, place)

    def _check_sense(self, place: str, when: Condition) -> None:
        if self._is_wrong(place, when):
            return
        if not is_impossible(when, self.segments):
            return
        part = _inmost(when, self.segments)
        names = [_called(signal) for signal in signals_of(part, self.segments)]
        raise InvalidInput(
            "No customer can meet this condition: its parts contradict each other",
            code="rules.contradiction",
            field=place,
            value=names,
            remedy=f"read again what is said of {', '.join(names)}",
        )


@frozen(kw_only=True)
class Rulebook:
    """
    Rules, the segments they name and the signals they read.

    Args:
        signals: The class that declares the signals, or the signals by name.

        rules: The rules.

        segments: Named conditions; they may name each other, but not in a circle.

    Raises:
        InvalidInput: ``rules.rule_twice``, ``rules.unknown_signal``, ``rules.signal_clash``,
            ``rules.unknown_segment``, ``rules.circular_segments``, ``rules.too_deep``,
            ``rules.too_large``; ``rules.contradiction`` for a condition that no customer can
            meet; ``rules.term`` for a term that is named by no time; ``json.text`` or
            ``json.id_length`` for a segment whose name no store keeps.
    """

    signals: Mapping[str, Signal] = field(converter=_signals)
    rules: tuple[Rule, ...] = field(default=(), converter=_rules)
    segments: Mapping[str, Condition] = field(factory=dict, converter=_segments)

    def __attrs_post_init__(self) -> None:
        _check_ids(self.rules)
        rules = {f"rules.{rule.id}": rule for rule in self.rules}
        fault = next(iter(Faults(signals=self.signals, segments=self.segments, rules=rules)), None)
        if fault is not None:
            raise fault

    def rule(self, id: str) -> Rule:
        """
        The rule of this name.

        Raises:
            InvalidInput: ``rules.unknown_rule``.
        """
        for rule in self.rules:
            if rule.id == id:
                return rule
        ids = [rule.id for rule in self.rules]
        raise InvalidInput(
            "There is no such rule",
            code="rules.unknown_rule",
            field="id",
            value=id,
            remedy=meant(id, ids, "name one of the rulebook's rules"),
        )

    def compiled(self) -> Compiled:
        """All rules, ready to be asked often."""
        return compiled({rule.id: rule.when for rule in self.rules}, segments=self.segments)

    def versions(self) -> dict[str, str]:
        """The version of each rule's conditions, segments included."""
        return {rule.id: _version(rule, self.segments) for rule in self.rules}

    def trials(self) -> list[Trial]:
        """What each rule answers to each of its tests."""
        return [
            Trial(
                rule=rule.id,
                test=test,
                explained=why(rule.when, test.known, test.at, segments=self.segments),
            )
            for rule in self.rules
            for test in rule.tests
        ]


def _called(signal: Signal) -> str:
    """The name of a signal, or what a file says for one that has only a hash."""
    of = signal.derivation
    return signal.name if of is None or not is_anonymous(signal) else dumps(of.to_json())


def _version(rule: Rule, segments: Mapping[str, Condition]) -> str:
    when = version(rule.when, segments)
    if rule.clears_when is None:
        return when
    return content_hash({"when": when, "clears_when": version(rule.clears_when, segments)})


def is_impossible(when: Condition, segments: Mapping[str, Condition]) -> bool:
    """
    Whether no customer can make it true; proved, never guessed; inside this room only.

    Comparisons of two signals, and texts compared by their parts, are taken to be possible.
    """
    found = ways(when, segments, len)
    return found.complete and all(not is_possible(way) for way in found.found)


def is_possible(way: Way) -> bool:
    """Whether a customer can be as a way wants it; inside this room only."""
    by_signal: dict[str, list[Literal]] = {}
    for literal in way:
        if not literal.is_pair:
            by_signal.setdefault(literal.signals[0].name, []).append(literal)
    return all(_fits(literals[0].signals[0], literals) for literals in by_signal.values())


def _inmost(when: Condition, segments: Mapping[str, Condition]) -> Condition:
    """Of an impossible condition, a part that makes it so: nothing denied, nor one of two ways."""
    if isinstance(when, AllOf | AnyOf):  # of an impossible `any`, each item is
        for item in when.items:
            if is_impossible(item, segments):
                return _inmost(item, segments)
    return when


def _fits(signal: Signal, literals: Sequence[Literal]) -> bool:
    leaves = [literal.leaf for literal in literals]
    return not is_decided(signal, leaves, anywhen=True) or any(
        agrees(value, signal, literals, _SOME_DAY) for value in samples(signal, leaves, _SOME_DAY)
    )


def _check_ids(rules: Iterable[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen or not rule.id:
            raise InvalidInput(
                "Each rule has an id of its own",
                code="rules.rule_twice",
                field="rules",
                value=rule.id,
                remedy="rename one of the two",
            )
        seen.add(rule.id)


def _extent(
    when: Condition, segments: Mapping[str, Condition], known: dict[str, tuple[int, int]]
) -> tuple[int, int]:
    """How deep and how large it is, segments included, each of which is measured once."""
    if isinstance(when, InSegment):
        if when.name not in known:
            known[when.name] = _extent(segments[when.name], segments, known)
        inside = [known[when.name]]
    else:
        inside = [_extent(part, segments, known) for part in children(when)]
    depth = max((deep for deep, _ in inside), default=0)
    return 1 + depth, 1 + sum(large for _, large in inside)
