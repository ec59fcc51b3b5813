"""Granting messages and recording what became of them; a policy of caps will stand here."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from attrs import frozen

from retainkit.core import (
    Answer,
    Because,
    Case,
    Caseless,
    Decision,
    Effect,
    Event,
    Facts,
    JsonObject,
    NoEffect,
    Performed,
    RecordedEvent,
    Trigger,
    Unknown,
    Woken,
)
from retainkit.ids import CustomerId, EventId, derive


SEND = "messages.send"
"""The kind of the effect that sends one message; at most once. Its data are the request's."""


@frozen
class Contact(Caseless):
    """
    The feature that decides whether a requested message goes out; it keeps no cases.

    It grants every request. A request is ``message.requested``; the answer is ``message.granted``
    at once and later one of ``message.sent``, ``message.rejected``, ``message.unconfirmed``
    (it may have gone out, and is never sent again) and ``message.not_sent``.
    """

    name: str = "contact"
    subscribes: frozenset[str] = frozenset({"message.requested"})

    def decide(
        self, case: Case | None, trigger: Trigger, facts: Facts, now: datetime, policy: None
    ) -> Decision[Case]:
        """Grant what was requested; record what became of what was sent."""
        del case, policy
        match trigger:
            case Woken(events=requests):
                return Decision(
                    events=tuple(_granted(request.event, now) for request in requests),
                    effects=tuple(_send(request) for request in requests),
                )
            case Performed():
                return Decision(events=(_recorded(trigger, facts.customer, now),))
            case _:
                return Decision()


def _granted(request: Event, now: datetime) -> Event:
    data: JsonObject = {
        "request": request.id,
        "message": request.data.get("message"),
        "feature": request.data.get("feature"),
    }
    because = Because(key="contact.granted", values=data)
    return _event("message.granted", request.customer, now, data, because)


def _send(request: RecordedEvent) -> Effect:
    return Effect(kind=SEND, attempt=request.event.id, data=request.event.data)


def _recorded(performed: Performed, customer: CustomerId, now: datetime) -> Event:
    effect, outcome = performed.effect, performed.outcome
    told: JsonObject
    match outcome:
        case Answer(data=data) if "message_id" in data:
            name, key, told = "message.sent", "contact.sent", {"message_id": data["message_id"]}
        case Answer(data=data):
            name, key, told = "message.rejected", "contact.rejected", {"code": data.get("code")}
        case Unknown(reason=reason):
            name, key, told = "message.unconfirmed", "contact.unconfirmed", {"reason": reason}
        case NoEffect(reason=reason):
            name, key, told = "message.not_sent", "contact.not_sent", {"reason": reason}
        case _:
            assert_never(outcome)
    said: JsonObject = {
        "request": effect.attempt,
        "message": effect.data.get("message"),
        "feature": effect.data.get("feature"),
        **told,
    }
    return _event(name, customer, now, said, Because(key=key, values=said))


def _event(
    name: str, customer: CustomerId, now: datetime, data: JsonObject, because: Because
) -> Event:
    return Event(
        id=EventId(derive(name, str(data["request"]))),
        name=name,
        customer=customer,
        occurred_at=now,
        data=data,
        because=(because,),
    )
