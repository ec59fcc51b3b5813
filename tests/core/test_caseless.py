"""A feature without cases: what it has from its base, and what is left to say."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import frozen

from retainkit.core import (
    Case,
    Caseless,
    Decision,
    Due,
    Event,
    Facts,
    Feature,
    Trigger,
    Woken,
    content_hash,
)
from retainkit.ids import CustomerId, EventId, TenantId


NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ANNA = CustomerId("anna")


@frozen
class Greeter(Caseless):
    """Answers a visit; says nothing else."""

    name: str = "greeter"
    subscribes: frozenset[str] = frozenset({"visit.begun"})

    def decide(
        self, case: Case | None, trigger: Trigger, facts: Facts, now: datetime, policy: None
    ) -> Decision[Case]:
        """A greeting for each visit."""
        del case, policy
        if not isinstance(trigger, Woken):
            return Decision()
        return Decision(events=(event("greeter.greeted", facts.customer, now),))


def event(name: str, customer: CustomerId = ANNA, at: datetime = NOW) -> Event:
    return Event(id=EventId(name), name=name, customer=customer, occurred_at=at)


def test_such_a_feature_adds_what_it_decides() -> None:
    """All else is there: the engine can take it for a feature like any other."""
    greeter: Feature[Case, None] = Greeter()
    facts = Facts(tenant=TenantId("main"), customer=ANNA)

    told = greeter.decide(None, Woken(events=()), facts, NOW, None)
    assert [each.name for each in told.events] == ["greeter.greeted"]
    assert greeter.decide(None, Due(), facts, NOW, None) == Decision()
    assert (greeter.name, greeter.subscribes) == ("greeter", frozenset({"visit.begun"}))
    assert (greeter.reads, greeter.schema) == (frozenset(), 1)


def test_all_news_of_a_customer_meet_in_one_decision() -> None:
    """There are no cases to tell apart."""
    greeter = Greeter()
    keys = {*greeter.route(event("visit.begun"), ()), *greeter.route(event("visit.again"), ())}

    assert keys == {""}
    assert greeter.case_type is Case
    assert greeter.upcast({"a": 1}, 1) == {"a": 1}


def test_there_is_no_policy_to_keep() -> None:
    """Its definition is empty, and the same for all such features."""
    greeter = Greeter()
    greeter.policy_of(greeter.definition)

    assert greeter.policy is None
    assert content_hash(greeter.definition) == content_hash({})
