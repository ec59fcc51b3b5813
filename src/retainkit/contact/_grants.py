"""Granting messages and recording what became of them; a policy of caps will stand here."""

from __future__ import annotations

from collections.abc import Sequence
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
    Settled,
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

    Who asked may take requests back by ``message.withdrawn``, when their reason no longer holds:
    what nobody has sent by then never is, what may have gone out stays as it is.
    """

    name: str = "contact"
    subscribes: frozenset[str] = frozenset({"message.requested", "message.withdrawn"})

    def decide(
        self, case: Case | None, trigger: Trigger, facts: Facts, now: datetime, policy: None
    ) -> Decision[Case]:
        """Grant what was requested; record what became of what was sent."""
        del case, policy
        match trigger:
            case Woken(events=news):
                return _answered([recorded.event for recorded in news], now)
            case Performed(effect=effect, outcome=outcome):
                return Decision(events=(_recorded(effect, outcome, facts.customer, now),))
            case _:
                return Decision()


def _answered(news: Sequence[Event], now: datetime) -> Decision[Case]:
    """What was requested and withdrawn before anybody looked is not granted at all."""
    requests = [event for event in news if event.name == "message.requested"]
    withdrawn = {name for event in news for name in _withdrawn(event)}
    granted = [request for request in requests if request.id not in withdrawn]
    nothing = NoEffect(reason="withdrawn")
    return Decision(
        events=(
            *(_granted(request, now) for request in granted),
            *(
                _recorded(_send(request), nothing, request.customer, now)
                for request in requests
                if request.id in withdrawn
            ),
        ),
        effects=tuple(_send(request) for request in granted),
        withdraw=tuple(sorted(withdrawn.difference(request.id for request in requests))),
    )


def _withdrawn(event: Event) -> tuple[str, ...]:
    """The requests that an event takes back."""
    names = event.data.get("requests") if event.name == "message.withdrawn" else None
    return tuple(map(str, names)) if isinstance(names, (list, tuple)) else ()


def _granted(request: Event, now: datetime) -> Event:
    data: JsonObject = {
        "request": request.id,
        "message": request.data.get("message"),
        "feature": request.data.get("feature"),
    }
    because = Because(key="contact.granted", values=data)
    return _event("message.granted", request.customer, now, data, because)


def _send(request: Event) -> Effect:
    return Effect(kind=SEND, attempt=request.id, data=request.data)


def _recorded(effect: Effect, outcome: Settled, customer: CustomerId, now: datetime) -> Event:
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
