"""What is suspicious about rules that are not wrong; what is wrong is refused by the rulebook."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from attrs import frozen

from retainkit.core import Because
from retainkit.rules._declared import Kind, Signal
from retainkit.rules._rule import OncePer, Rule, RuleStatus
from retainkit.rules._rulebook import Rulebook, is_impossible, is_possible
from retainkit.rules._signals import Amount
from retainkit.rules._tree import (
    Amounts,
    Between,
    Compare,
    CompareSignals,
    Condition,
    InSegment,
    Missing,
    Present,
    all_of,
    children,
    signals_of,
    walk,
)
from retainkit.rules._truth import Truth
from retainkit.rules._ways import Literal, Way, ways


@frozen(kw_only=True)
class Finding:
    """
    Something a person should look at.

    Args:
        rule: The rule's id.

        because: A message key, ``rules.lint.never_true``, ``rules.lint.shadowed``,
            ``rules.lint.unknowable``, ``rules.lint.no_negative_test``, ``rules.lint.never_clears``
            or ``rules.lint.limit_unused``, and its values.
    """

    rule: str
    because: Because


def lint(rulebook: Rulebook, *, sources: Collection[str] | None = None) -> list[Finding]:
    """
    What is suspicious about the rules.

    - ``rules.lint.unknowable``: nothing makes a signal known that the rule reads.
    - ``rules.lint.never_true``: without those signals it can't become true.
    - ``rules.lint.shadowed``: whenever it is true, so is one of its group that comes before it
      and is active; told only where that one can't be unknown.
    - ``rules.lint.no_negative_test``: no test shows a customer for whom it is false.
    - ``rules.lint.never_clears``: its ``clears_when`` is never true while the rule is false, so
      what it begins never ends.
    - ``rules.lint.limit_unused``: another limit always holds longer.

    Args:
        rulebook: The rules.

        sources: What fills signals here; a signal with another source is never known. All
            sources are there by default.
    """
    return [
        Finding(rule=rule.id, because=because)
        for rule in rulebook.rules
        for because in _findings(rulebook, rule, sources)
    ]


def _findings(rulebook: Rulebook, rule: Rule, sources: Collection[str] | None) -> Iterator[Because]:
    dark = [
        signal
        for signal in signals_of(rule.when, rulebook.segments)
        if sources is not None and signal.source is not None and signal.source not in sources
    ]
    for signal in dark:
        values = {"signal": signal.name, "source": signal.source}
        yield Because(key="rules.lint.unknowable", values=values)
    if dark and _never_true(rulebook, rule, dark):
        yield Because(key="rules.lint.never_true", values={"signals": [s.name for s in dark]})
    shadow = _shadow(rulebook, rule)
    if shadow is not None:
        values = {"by": shadow.id, "group": rule.group}
        yield Because(key="rules.lint.shadowed", values=values)
    if not any(test.expect is Truth.FALSE for test in rule.tests):
        yield Because(key="rules.lint.no_negative_test", values={})
    clears = rule.clears_when
    if clears is not None and is_impossible(all_of(clears, ~rule.when), rulebook.segments):
        yield Because(key="rules.lint.never_clears", values={})
    for limit in _unused(rule):
        yield Because(key="rules.lint.limit_unused", values={"limit": limit, "by": "once_per"})


def _unused(rule: Rule) -> Iterator[str]:
    """The limits that nobody ever meets, because it fires only once."""
    if rule.once_per is OncePer.EVER:
        if rule.cooldown is not None:
            yield "cooldown"
        if rule.max_per is not None:
            yield "max_per"


def _never_true(rulebook: Rulebook, rule: Rule, dark: list[Signal]) -> bool:
    names = {signal.name for signal in dark}
    found = ways(rule.when, rulebook.segments, len)
    return found.complete and not any(
        is_possible(way) and not any(_needs(literal, names) for literal in way)
        for way in found.found
    )


def _needs(literal: Literal, dark: set[str]) -> bool:
    """It can only be as wanted when one of these signals is known."""
    if not any(signal.name in dark for signal in literal.signals):
        return False
    if isinstance(literal.leaf, Present | Missing):
        return isinstance(literal.leaf, Present) is literal.wanted
    return not any(signal.traits().get("missing") == "never" for signal in literal.signals)


def _shadow(rulebook: Rulebook, rule: Rule) -> Rule | None:
    if rule.group is None:
        return None
    place = rulebook.rules.index(rule)
    for index, other in enumerate(rulebook.rules):
        before = (-other.priority, index) < (-rule.priority, place)
        counts = other.status is RuleStatus.ACTIVE and other.group == rule.group
        if counts and before and _implies(rulebook, rule, other):
            return other
    return None


def _implies(rulebook: Rulebook, rule: Rule, other: Rule) -> bool:
    """Whether nobody meets the one without meeting the other; where presence is asked, unsure."""
    segments = rulebook.segments
    met = ways(rule.when, segments, len).found
    if any(isinstance(literal.leaf, Present | Missing) for way in met for literal in way):
        return False
    asked = list(_leaves(other.when, segments))
    if not all(_is_decided(leaf, way) for way in met if is_possible(way) for leaf in asked):
        return False
    return is_impossible(all_of(rule.when, ~other.when), segments)


def _leaves(when: Condition, segments: Mapping[str, Condition]) -> Iterator[Condition]:
    """What reads signals, segments included."""
    for part in walk(when):
        if isinstance(part, InSegment):
            yield from _leaves(segments[part.name], segments)
        elif not children(part):
            yield part


def _is_decided(leaf: Condition, way: Way) -> bool:
    """Whether the leaf is true or false of whoever is as the way wants it, and never unknown."""
    if isinstance(leaf, Present | Missing):
        return True
    read = signals_of(leaf)
    if not {signal.name for signal in read} <= {s.name for each in way for s in each.signals}:
        return False
    if read[0].kind is not Kind.AMOUNT:
        return True
    paid = [_paid_in(signal, way) for signal in read]
    if isinstance(leaf, CompareSignals):
        return all(codes is not None and codes == paid[0] and len(codes) == 1 for codes in paid)
    judged = _judged_in(leaf)
    return judged is not None and paid[0] is not None and paid[0] <= judged


def _paid_in(signal: Signal, way: Way) -> frozenset[str] | None:
    """The currencies that an amount can have in this way; None when it can be any."""
    leaves = [literal.leaf for literal in way if signal in literal.signals]
    tables = [codes for leaf in leaves if (codes := _judged_in(leaf)) is not None]
    if isinstance(signal, Amount) and signal.currency is not None:
        tables.append(frozenset({signal.currency}))
    return frozenset.intersection(*tables) if tables else None


def _judged_in(leaf: Condition) -> frozenset[str] | None:
    """The currencies that a threshold has amounts in; None without a threshold."""
    match leaf:
        case Compare(value=Amounts() as table) | Between(low=Amounts() as table):
            return frozenset(code for code, _ in table.table)
        case _:
            return None
