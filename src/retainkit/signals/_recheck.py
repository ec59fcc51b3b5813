"""Whether what is recorded of a customer's rules is what asking them all would say."""

from __future__ import annotations

from datetime import datetime

from retainkit.core import Bucket, Event, Facts, RecordedEvent, Woken
from retainkit.ids import TenantId
from retainkit.rules import Phase, Rule, RuleState, Truth
from retainkit.signals._feature import RECHECK, RulesCase, RulesFeature
from retainkit.signals._followed import Index


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
        self._index = Index(feature.rulebook, feature.measures)

    def differs(
        self, case: RulesCase, counted: tuple[Bucket, ...], wish: Event, now: datetime
    ) -> bool:
        """Whether a worker that asks all rules now, because of this wish, would change anything."""
        if not self._is_suspicious(case, counted, now):
            return False
        trigger = Woken(events=(RecordedEvent(event=wish, sequence=0, recorded_at=now),))
        facts = Facts(tenant=self._tenant, customer=wish.customer, buckets=counted)
        decision = self._feature.decide(case, trigger, facts, now, None)
        after = decision.case
        found = None if after is None else (after.states, after.rulebook)
        return bool(decision.events) or found != (case.states, case.rulebook)

    def _is_suspicious(self, case: RulesCase, counted: tuple[Bucket, ...], now: datetime) -> bool:
        """Whether asking all rules may change something: sometimes in vain, never overlooked."""
        index = self._index
        due = min(case.wakes.values(), default=now + RECHECK)
        if case.rulebook != index.version or due <= now or case.checked_at + RECHECK <= now:
            return True
        known = self._feature.measures.read(counted, now, index.signals)
        truths = index.compiled.truths(known, now)
        return any(
            _disagree(each.rule, truths[group], case.states.get(group, _IDLE))
            for group, each in index.followed.items()
        )


def _disagree(rule: Rule, truth: Truth, state: RuleState) -> bool:
    if truth is Truth.UNKNOWN:
        counts = rule.unknown_for is not None or state.phase is not Phase.IDLE
        return counts and state.unknown_since is None
    if state.unknown_since is not None:
        return True
    return state.phase in (_FIRED if truth is Truth.FALSE else _OVER)
