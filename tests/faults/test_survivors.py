"""F2: what a mutant once survived, told as a test."""

from __future__ import annotations

from datetime import UTC, datetime

from retainkit.core import Event, Facts, RecordedEvent
from retainkit.dunning._history import closed_cases
from retainkit.ids import CustomerId, EventId, TenantId


ADA = CustomerId("ada")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _closed(number: int, name: str, key: str) -> RecordedEvent:
    event = Event(
        id=EventId(str(number)), name=name, customer=ADA, occurred_at=NOW, data={"key": key}
    )
    return RecordedEvent(event=event, sequence=number, recorded_at=NOW)


def test_a_closed_case_of_another_currency_is_none_of_this_key() -> None:
    """Neither its number nor its dead cards concern a case of another currency or seller."""
    history = (
        _closed(1, "dunning.case_closed", "USD:acme"),
        _closed(2, "dunning.case_closed", "EUR:acme"),
        _closed(3, "payment_method.changed", "EUR:acme"),
    )
    facts = Facts(tenant=TenantId("main"), customer=ADA, history=history)
    assert closed_cases(facts, "EUR:acme") == (history[1].event.data,)
