"""Requests are granted, sent once, and what became of them is recorded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from retainkit.contact import SEND, Contact
from retainkit.core import (
    Answer,
    Case,
    Decision,
    Due,
    Event,
    Facts,
    JsonObject,
    NoEffect,
    Performed,
    RecordedEvent,
    Settled,
    Unknown,
    Woken,
)
from retainkit.ids import CustomerId, EventId, TenantId


NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ANNA = CustomerId("anna")
FACTS = Facts(tenant=TenantId("main"), customer=ANNA)


def request(name: str = "r1") -> Event:
    data = {"message": "payment_failed", "feature": "dunning", "tone": "firm"}
    return Event(
        id=EventId(name), name="message.requested", customer=ANNA, occurred_at=NOW, data=data
    )


def withdrawal(*names: str) -> Event:
    return Event(
        id=EventId(f"w-{'-'.join(names)}"),
        name="message.withdrawn",
        customer=ANNA,
        occurred_at=NOW,
        data={"feature": "dunning", "requests": list(names)},
    )


def granted(*news: Event) -> Decision[Case]:
    recorded = tuple(
        RecordedEvent(event=event, sequence=number, recorded_at=NOW)
        for number, event in enumerate(news, 1)
    )
    return Contact().decide(None, Woken(events=recorded), FACTS, NOW, None)


def test_every_request_is_granted_and_sent_with_its_own_data() -> None:
    """The request's id is the attempt: one request can't go out twice."""
    decision = granted(request("r1"), request("r2"))

    assert [event.name for event in decision.events] == ["message.granted"] * 2
    assert decision.events[0].data == {
        "request": "r1",
        "message": "payment_failed",
        "feature": "dunning",
    }
    assert decision.events[0].because[0].key == "contact.granted"
    assert [(effect.kind, effect.attempt) for effect in decision.effects] == [
        (SEND, "r1"),
        (SEND, "r2"),
    ]
    assert decision.effects[0].data == request().data
    assert granted(request("r1")).events[0].id == decision.events[0].id


@pytest.mark.parametrize(
    ("outcome", "name", "told", "key"),
    [
        (
            Answer(data={"message_id": "<1@acme>"}),
            "message.sent",
            {"message_id": "<1@acme>"},
            "contact.sent",
        ),
        (Answer(data={"code": "550"}), "message.rejected", {"code": "550"}, "contact.rejected"),
        (
            Unknown(reason="timeout"),
            "message.unconfirmed",
            {"reason": "timeout"},
            "contact.unconfirmed",
        ),
        (NoEffect(reason="shadow"), "message.not_sent", {"reason": "shadow"}, "contact.not_sent"),
    ],
)
def test_what_became_of_a_message_is_recorded(
    outcome: Settled, name: str, told: JsonObject, key: str
) -> None:
    """Sent, refused, in doubt, or not sent at all: each has a name, and nothing is sent again."""
    effect = granted(request()).effects[0]
    decision = Contact().decide(None, Performed(effect=effect, outcome=outcome), FACTS, NOW, None)

    [event] = decision.events
    assert (event.name, event.customer) == (name, ANNA)
    assert event.data == {
        "request": "r1",
        "message": "payment_failed",
        "feature": "dunning",
        **told,
    }
    assert event.because[0].key == key
    assert decision.effects == ()


def test_what_was_granted_and_is_taken_back_is_withdrawn() -> None:
    """Whether it was sent already is the engine's to know; nothing is said before that."""
    assert granted(withdrawal("r2", "r1")) == Decision(withdraw=("r1", "r2"))


def test_what_was_withdrawn_in_time_is_said_not_to_be_sent() -> None:
    """The engine ends what nobody began; the answer names the reason."""
    effect = granted(request()).effects[0]
    outcome = NoEffect(reason="withdrawn")
    decision = Contact().decide(None, Performed(effect=effect, outcome=outcome), FACTS, NOW, None)

    [event] = decision.events
    assert (event.name, event.data["request"], event.data["reason"]) == (
        "message.not_sent",
        "r1",
        "withdrawn",
    )


def test_what_is_taken_back_before_anybody_looked_is_not_granted() -> None:
    """Request and withdrawal arrive together: nothing goes out, and that is said; others do."""
    decision = granted(request("r1"), request("r2"), withdrawal("r1"))

    assert [(event.name, event.data["request"]) for event in decision.events] == [
        ("message.granted", "r2"),
        ("message.not_sent", "r1"),
    ]
    assert decision.events[1].data["reason"] == "withdrawn"
    assert decision.events[1].because[0].key == "contact.not_sent"
    assert [effect.attempt for effect in decision.effects] == ["r2"]
    assert decision.withdraw == ()


def test_a_withdrawal_that_names_nothing_changes_nothing() -> None:
    """A host's own event of that name without requests is no reason to fail."""
    empty = Event(
        id=EventId("w"), name="message.withdrawn", customer=ANNA, occurred_at=NOW, data={}
    )
    assert granted(empty) == Decision()


def test_one_decision_a_customer_and_no_cases() -> None:
    """All requests of a customer meet in one decision, where a cap will count them."""
    contact = Contact()

    assert contact.subscribes == {"message.requested", "message.withdrawn"}
    assert contact.route(request(), ()) == ("",)
    assert contact.decide(None, Due(), FACTS, NOW, None) == Decision()
    assert contact.name == "contact"
