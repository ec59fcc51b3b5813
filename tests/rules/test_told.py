"""What is told of a rule's life: reasons, groups of customers, and the key of a firing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.rules.test_state import rule

from retainkit.core import Event, JsonObject, Member
from retainkit.ids import CustomerId, EventId
from retainkit.messages.reasons import explain_text
from retainkit.rules import (
    Cleared,
    Ending,
    Fired,
    Limit,
    LongUnknown,
    Rule,
    Suppressed,
    Turn,
    days,
    fire_key,
    members_of,
    rule_group,
    segment_group,
    turn_reason,
)


NOW = datetime(2026, 11, 4, 9, tzinfo=UTC)
WHO: JsonObject = {
    "rule": "low",
    "segment": "small",
    "episode": 2,
    "since": "2026-11-01T00:00:00Z",
    "until": "2026-11-05T00:00:00Z",
}


@pytest.mark.parametrize(
    ("kind", "turn", "key"),
    [
        ("rule", Fired(episode=2), "rules.state.fired"),
        ("shadow", Fired(episode=2), "rules.state.shadow_fired"),
        ("segment", Fired(episode=2), "rules.segment.entered"),
        ("rule", Cleared(episode=2, reason=Ending.FALSE), "rules.state.false"),
        ("shadow", Cleared(episode=2, reason=Ending.EXPIRED), "rules.state.expired"),
        ("rule", Cleared(episode=2, reason=Ending.RETIRED), "rules.state.retired"),
        ("segment", Cleared(episode=2, reason=Ending.FALSE), "rules.segment.false"),
        ("segment", Cleared(episode=2, reason=Ending.RETIRED), "rules.segment.retired"),
        ("rule", LongUnknown(since=NOW), "rules.state.unknown"),
        ("rule", Suppressed(reason=Limit.COOLDOWN, until=NOW), "rules.held.cooldown"),
    ],
)
def test_each_turn_has_a_reason_of_its_own(kind: str, turn: Turn, key: str) -> None:
    """With what is known of it; and people can read it."""
    because = turn_reason(kind, turn, WHO)
    assert (because.key, because.values) == (key, WHO)
    about = "small" if kind == "segment" else "low"
    assert about in explain_text(because.key, because.values, "en")


@pytest.mark.parametrize(
    ("given", "reason", "said", "text"),
    [
        (rule(cooldown=days(7)), Limit.COOLDOWN, {"seconds": 604_800}, "7 days"),
        (rule(max_per=(3, days(90))), Limit.MAX_PER, {"count": 3, "seconds": 7_776_000}, "3"),
        (rule(once_per="month"), Limit.ONCE_PER, {"per": "month"}, "month"),
        (
            rule(once_per="term", term="renewal_at"),
            Limit.TERM_UNKNOWN,
            {"signal": "renewal_at"},
            "renewal_at",
        ),
    ],
)
def test_what_held_a_rule_back_says_its_limit(
    given: Rule, reason: Limit, said: JsonObject, text: str
) -> None:
    """The rule's own, and nothing else of it."""
    because = turn_reason("rule", Suppressed(reason=reason, until=NOW), WHO, given)
    assert because.values == {**WHO, **said}
    assert text in explain_text(because.key, because.values, "en")


def test_a_firing_is_named_by_rule_customer_and_episode() -> None:
    """So what is made because of it is made once, in a replay, too; and another one is another."""
    ann, bob = CustomerId("ann"), CustomerId("bob")
    keys = [
        fire_key("low", ann, 1),
        fire_key("low", ann, 2),
        fire_key("low", bob, 1),
        fire_key("high", ann, 1),
    ]
    assert len(set(keys)) == 4
    assert fire_key("low", ann, 1) == keys[0]


def test_who_is_under_a_rule_and_in_a_segment_follows_from_events() -> None:
    """The last word about each customer and group holds; other events say nothing of it."""
    said = [
        ("rules.fired", "ann", {"rule": "low"}),
        ("rules.fired", "bob", {"rule": "low"}),
        ("rules.cleared", "bob", {"rule": "low"}),
        ("rules.segment_left", "ann", {"segment": "small"}),
        ("rules.segment_entered", "ann", {"segment": "small"}),
        ("rules.shadow_fired", "cyd", {"rule": "low"}),
        ("payment.failed", "cyd", {"rule": "low"}),
    ]
    entered, left = members_of(
        Event(
            id=EventId(f"e{at}"),
            name=name,
            customer=CustomerId(customer),
            occurred_at=NOW + days(at),
            data=data,
        )
        for at, (name, customer, data) in enumerate(said)
    )
    ann = CustomerId("ann")
    assert (rule_group("low"), segment_group("small")) == ("rule:low", "segment:small")
    assert entered == [
        Member(group="rule:low", customer=ann, since=NOW),
        Member(group="segment:small", customer=ann, since=NOW + days(4)),
    ]
    assert left == [("rule:low", CustomerId("bob"))]
