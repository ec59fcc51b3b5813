"""The feature that follows rules and segments: which of them are asked of a customer, and when.

How a state moves is in `rules`; what one look does is in ``_look``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from attrs import frozen

from retainkit.core import (
    EVERY_NAME,
    Case,
    Decision,
    Facts,
    OneCase,
    Performed,
    Trigger,
    Wanted,
    Woken,
)
from retainkit.ids import CaseId, CustomerId, derive
from retainkit.rules import Rulebook, RuleState
from retainkit.signals._followed import Index
from retainkit.signals._look import Look
from retainkit.signals._measures import Measures


RECHECK: Final = timedelta(days=1)
"""At the latest so long after all rules were asked of a customer, all are asked again."""

RECHECK_EVENT: Final = "rules.recheck_requested"
"""The name of the event that has all rules asked of its customer at once."""


@frozen(kw_only=True)
class RulesCase:
    """
    What a rulebook has made of one customer.

    Args:
        id: Derived from the customer.

        customer: Whom it concerns.

        rulebook: The version of the rulebook when all of it was asked last.

        checked_at: When that was.

        states: Where each rule and segment stands, by its group (``rule:ID``, ``shadow:ID``,
            ``segment:NAME``); those of which nothing has to be known are left out.

        wakes: When time alone can change each, by its group.

        key: Empty: a customer has one.

        open: Always: there is a next time to look.
    """

    id: CaseId
    customer: CustomerId
    rulebook: str
    checked_at: datetime
    states: dict[str, RuleState]
    wakes: dict[str, datetime]
    key: str = ""
    open: bool = True


@frozen
class RulesFeature(OneCase):
    """
    Follows the rules and segments of a rulebook for each customer.

    An event asks only the rules that read what it can change; a time that has come, only those it
    was set for. `RECHECK`, a changed rulebook and ``rules.recheck_requested`` ask all of them. All
    news of one wake-up are decided together, so their order does not matter.

    Args:
        rulebook: The rules and segments.

        measures: What is counted for them.
    """

    rulebook: Rulebook
    measures: Measures
    name: str = "rules"
    reads: frozenset[str] = frozenset()
    schema: int = 1
    policy: None = None

    @cached_property
    def subscribes(self) -> frozenset[str]:
        """What changes a signal, or how it is counted; and the wish to be asked."""
        every = {EVERY_NAME} if self._index.reads_every_name else set()
        return self.measures.events | self._asks_all | every

    @property
    def case_type(self) -> type[RulesCase]:
        """The class of its cases."""
        return RulesCase

    def wanted(self, case: Case | None, trigger: Trigger, now: datetime) -> Wanted:
        """What is counted for the signals of the rules that are asked now."""
        known = case if isinstance(case, RulesCase) else None
        return self.measures.wanted(now, self._index.read_by(self._asked(known, trigger, now)))

    def decide(
        self,
        case: RulesCase | None,
        trigger: Trigger,
        facts: Facts,
        now: datetime,
        policy: None,
    ) -> Decision[RulesCase]:
        """Ask who is to be asked, and follow each answer."""
        del policy
        if isinstance(trigger, Performed):  # it asks for nothing to be performed
            return Decision()
        index = self._index
        look = Look(
            index=index,
            measures=self.measures,
            customer=facts.customer,
            buckets=facts.buckets,
            at=now,
            states={} if case is None else dict(case.states),
            wakes={} if case is None else dict(case.wakes),
        )
        asked = self._asked(case, trigger, now)
        look.follow(asked, index.news(trigger.events) if isinstance(trigger, Woken) else ())
        rulebook, checked_at = index.version, now
        if case is not None:
            if len(asked) < len(index.followed):
                rulebook, checked_at = case.rulebook, case.checked_at
            else:
                look.forget()
            if isinstance(trigger, Woken):
                look.tell_late(trigger.events)
        after = RulesCase(
            id=CaseId(derive("rules", facts.customer)),
            customer=facts.customer,
            rulebook=rulebook,
            checked_at=checked_at,
            states=look.states,
            wakes=look.wakes,
        )
        wake = min((*look.wakes.values(), checked_at + RECHECK))
        return Decision(case=after, wake=wake, events=tuple(look.events))

    @cached_property
    def _index(self) -> Index:
        return Index(self.rulebook, self.measures)

    @cached_property
    def _asks_all(self) -> frozenset[str]:
        return self.measures.recounts | {RECHECK_EVENT}

    def _asked(self, case: RulesCase | None, trigger: Trigger, now: datetime) -> Collection[str]:
        """The groups that are asked now, in the order of the rulebook."""
        index = self._index
        every = index.followed.keys()
        if case is None or case.rulebook != index.version or now >= case.checked_at + RECHECK:
            return every
        news = trigger.events if isinstance(trigger, Woken) else ()
        if any(recorded.event.name in self._asks_all for recorded in news):
            return every
        concerned = index.concerned(index.news(news))
        due = [group for group, at in case.wakes.items() if at <= now]
        return index.ordered({*concerned, *due}) if due else concerned
