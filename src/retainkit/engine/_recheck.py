"""Whether what is recorded of a customer's rules is what asking them all would say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from retainkit.core import Bucket, Decision, Event, Facts, RecordedEvent, Woken
from retainkit.ids import TenantId
from retainkit.rules import (
    Phase,
    Rule,
    Rulebook,
    RuleState,
    RuleStatus,
    Truth,
    compiled,
    rule_group,
    segment_group,
)
from retainkit.signals import RECHECK, RulesCase, RulesFeature


_IDLE = RuleState()
_FIRED = frozenset({Phase.PENDING, Phase.ACTIVE})
_OVER = frozenset({Phase.IDLE, Phase.RECOVERING})


class Recheck:
    """
    Compares what is recorded with what is true; changes nothing.

    Most customers are as recorded, which answers and phases alone tell. Of the others the step
    that a worker would take is decided, and dropped.

    Args:
        feature: The one that follows the rules.

        tenant: Whose customers they are.
    """

    def __init__(self, feature: RulesFeature, tenant: TenantId) -> None:
        self._feature = feature
        self._tenant = tenant
        rules = dict(_followed(feature.rulebook))
        self._asked = compiled(
            {group: rule.when for group, rule in rules.items()}, segments=feature.rulebook.segments
        )
        self._counts_gaps = {group for group, rule in rules.items() if rule.unknown_for}
        self._version: str | None = None

    def differs(
        self, case: RulesCase, counted: tuple[Bucket, ...], wish: Event, now: datetime
    ) -> bool:
        """Whether a worker that asks all rules now, because of this wish, would change anything."""
        if not self._is_suspicious(case, counted, wish, now):
            return False
        decision = self._decided(case, counted, wish, now)
        after = decision.case
        found = None if after is None else (after.states, after.rulebook)
        return bool(decision.events) or found != (case.states, case.rulebook)

    def _decided(
        self, case: RulesCase | None, counted: tuple[Bucket, ...], wish: Event, now: datetime
    ) -> Decision[RulesCase]:
        trigger = Woken(events=(RecordedEvent(event=wish, sequence=0, recorded_at=now),))
        facts = Facts(tenant=self._tenant, customer=wish.customer, buckets=counted)
        return self._feature.decide(case, trigger, facts, now, None)

    def _is_suspicious(
        self, case: RulesCase, counted: tuple[Bucket, ...], wish: Event, now: datetime
    ) -> bool:
        """Whether asking all rules may change something: sometimes in vain, never overlooked."""
        if self._version is None:  # that of the present rulebook, as any case has it
            fresh = self._decided(None, counted, wish, now).case
            self._version = "" if fresh is None else fresh.rulebook
        due = min(case.wakes.values(), default=now + RECHECK)
        if case.rulebook != self._version or due <= now or case.checked_at + RECHECK <= now:
            return True
        known = self._feature.measures.read(counted, now)
        return any(
            self._disagree(group, truth, case.states.get(group, _IDLE))
            for group, truth in self._asked.truths(known, now).items()
        )

    def _disagree(self, group: str, truth: Truth, state: RuleState) -> bool:
        if truth is Truth.UNKNOWN:
            counts = group in self._counts_gaps or state.phase is not Phase.IDLE
            return counts and state.unknown_since is None
        if state.unknown_since is not None:
            return True
        if truth is Truth.FALSE:
            return state.phase in _FIRED
        return state.phase in _OVER


def _followed(book: Rulebook) -> Iterator[tuple[str, Rule]]:
    for name, when in book.segments.items():
        yield segment_group(name), Rule(id=name, when=when)
    for rule in book.rules:
        if rule.status is RuleStatus.ACTIVE:
            yield rule_group(rule.id), rule
        elif rule.status is RuleStatus.SHADOW:
            yield f"shadow:{rule.id}", rule
