"""What is followed of a rulebook, and who is asked when a signal changes; nobody is asked here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from attrs import frozen

from retainkit.core import Event, RecordedEvent, content_hash
from retainkit.rules import (
    Compiled,
    Condition,
    Rule,
    Rulebook,
    RuleStatus,
    compiled,
    rule_group,
    segment_group,
    signals_of,
    version,
)
from retainkit.signals._facts import FACT_EVENT
from retainkit.signals._measures import Measures


_MOST_NAMES = 10_000
SHADOW = "shadow:"
"""Before the id of a rule that nobody acts on: it is followed beside its life as an active one."""


@frozen(kw_only=True)
class Followed:
    """
    A rule or a segment that is followed.

    Args:
        group: ``rule:ID``, ``shadow:ID`` or ``segment:NAME``.

        rule: The rule; of a segment, one without limits.

        version: That of its conditions.

        signals: The names of those that it reads, its term included.
    """

    group: str
    rule: Rule
    version: str
    signals: frozenset[str]

    @property
    def clears(self) -> str:
        """What its ``clears_when`` is called among the conditions."""
        return f"{self.group} clears"

    def conditions(self) -> Iterator[tuple[str, Condition]]:
        """Its one or two conditions, named."""
        yield self.group, self.rule.when
        if self.rule.clears_when is not None:
            yield self.clears, self.rule.clears_when


class Index:
    """
    The rules and segments that are followed, and which of them a signal or an event concerns.

    Args:
        rulebook: The rules and segments; drafts and retired rules are not followed.

        measures: What is counted for them.
    """

    def __init__(self, rulebook: Rulebook, measures: Measures) -> None:
        self.followed: Mapping[str, Followed] = {each.group: each for each in _followed(rulebook)}
        self.segments = rulebook.segments
        self.compiled: Compiled = compiled(
            dict(pair for each in self.followed.values() for pair in each.conditions()),
            segments=rulebook.segments,
        )
        self.version = content_hash(
            {group: _meaning(each) for group, each in self.followed.items()}
        )
        self.signals = frozenset(name for each in self.followed.values() for name in each.signals)
        self._place = {group: place for place, group in enumerate(self.followed)}
        self._measures = measures
        self._by_signal: dict[str, set[str]] = {}
        for group, each in self.followed.items():
            for name in each.signals:
                self._by_signal.setdefault(name, set()).add(group)
        self._by_event: dict[str, frozenset[str]] = {}
        # Kept, since events of one name concern the same groups again and again.
        self.concerned = lru_cache(_MOST_NAMES)(self._concerned)
        self._read_by = lru_cache(_MOST_NAMES)(self._signals_of)
        self.reads_every_name: bool = measures.reads_every_name(self.signals)
        self._of_facts = frozenset(
            name
            for name in measures.touched((FACT_EVENT,))
            if measures.signals[name].derivation is not None
        )

    def ordered(self, groups: Collection[str]) -> tuple[str, ...]:
        """These groups in the order of the rulebook."""
        return tuple(sorted(groups, key=self._place.__getitem__))

    def read_by(self, groups: Collection[str]) -> frozenset[str]:
        """The signals that these groups read."""
        return self.signals if len(groups) == len(self.followed) else self._read_by(tuple(groups))

    def touched(self, event: Event) -> frozenset[str]:
        """The followed signals that an event can change."""
        if event.name == FACT_EVENT:
            told = event.data.get("signals")
            return self._of_facts.union(told if isinstance(told, Mapping) else ()) & self.signals
        known = self._by_event.get(event.name)
        if known is None:
            known = self._measures.touched((event.name,)) & self.signals
            if len(self._by_event) < _MOST_NAMES:
                self._by_event[event.name] = known
        return known

    def news(self, events: Iterable[RecordedEvent]) -> frozenset[str]:
        """The followed signals that these events can change."""
        return frozenset().union(*(self.touched(recorded.event) for recorded in events))

    def _concerned(self, signals: frozenset[str]) -> tuple[str, ...]:
        """The groups that read one of these signals, in the order of the rulebook."""
        return self.ordered(set().union(*(self._by_signal[name] for name in signals)))

    def _signals_of(self, groups: tuple[str, ...]) -> frozenset[str]:
        return frozenset().union(*(self.followed[group].signals for group in groups))


def _followed(rulebook: Rulebook) -> Iterator[Followed]:
    for name, when in rulebook.segments.items():
        yield Followed(
            group=segment_group(name),
            rule=Rule(id=name, when=when),
            version=version(when, rulebook.segments),
            signals=_names(rulebook, when),
        )
    versions = rulebook.versions()
    for rule in rulebook.rules:
        if rule.status in (RuleStatus.DRAFT, RuleStatus.RETIRED):
            continue
        shadow = rule.status is RuleStatus.SHADOW
        names = _names(rulebook, rule.when)
        if rule.clears_when is not None:
            names |= _names(rulebook, rule.clears_when)
        yield Followed(
            group=f"{SHADOW}{rule.id}" if shadow else rule_group(rule.id),
            rule=rule,
            version=versions[rule.id],
            signals=names if rule.term is None else names | {rule.term},
        )


def _names(rulebook: Rulebook, when: Condition) -> frozenset[str]:
    return frozenset(signal.name for signal in signals_of(when, rulebook.segments))


def _meaning(each: Followed) -> dict[str, str | None]:
    """What makes it another one: all but its words, tests, group and priority."""
    rule = each.rule
    options = (
        rule.for_,
        rule.keep_for,
        rule.cooldown,
        rule.once_per,
        rule.term,
        None if rule.max_per is None else (rule.max_per.count, rule.max_per.window),
        rule.unknown_for,
        rule.effective_from,
        rule.effective_until,
    )
    return {"version": each.version, "options": repr(options)}
