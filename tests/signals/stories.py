"""What stories of signals are told with: events, the order they were learned in, one value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from retainkit.core import Event, EventState, JsonObject, RecordedEvent
from retainkit.ids import CustomerId, EventId
from retainkit.rules import Amount, Duration, Flag, Number, Signal, Signals, Text, Time, days, event
from retainkit.signals import Measures


WHO = CustomerId("acme")
MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)


def happened(
    name: str, at: datetime, data: JsonObject | None = None, *, id: str = "", **more: Any
) -> Event:
    """Something that happened to the customer."""
    return Event(
        id=EventId(id or f"{name}/{at.isoformat()}/{data}"),
        name=name,
        customer=WHO,
        occurred_at=at,
        data=data or {},
        **more,
    )


def learned(*events: Event, state: EventState = EventState.ACCEPTED) -> list[RecordedEvent]:
    """The events in the order in which they were learned of."""
    return [
        RecordedEvent(event=each, sequence=n, recorded_at=each.occurred_at, state=state)
        for n, each in enumerate(events, 1)
    ]


def value(signal: Signal, now: datetime, *events: Event, zone: str = "UTC") -> object:
    """The value of one signal."""
    measures = Measures({"it": signal}, zone=zone)
    return measures.read(measures.recount(learned(*events)), now).known("it", now)


class Facts(Signals):
    """Facts of every kind."""

    seats = Number(unit="seats", source="crm")
    share = Number()
    mrr = Amount(currency="EUR")
    paying = Flag()
    plan = Text(one_of=("free", "team"))
    renews_at = Time()
    response = Duration()
    logins = event("login").count(days(7))
