"""F2: what a mutant once survived, told as a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve

from retainkit.core import Event, Facts, RecordedEvent
from retainkit.dunning._history import closed_cases, newest_method
from retainkit.ids import CustomerId, EventId, TenantId


ADA = CustomerId("ada")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


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
        _closed(4, "dunning.case_annotated", "EUR:acme"),
    )
    facts = Facts(tenant=TenantId("main"), customer=ADA, history=history)
    assert closed_cases(facts, "EUR:acme") == (history[1].event.data,)


def test_the_newest_method_is_the_latest_one_that_this_seller_was_given_in_time() -> None:
    """Not an older one, not another seller's, not one without a name, and nothing else at all."""
    changed = "payment_method.changed"
    history = (
        _given(1, changed, method="pm_none", seller=None, hours=1),
        _given(2, changed, method="pm_newest", seller="acme", hours=3),
        _given(3, changed, method="pm_second", seller="acme", hours=2),
        _given(4, changed, method="pm_other", seller="zenith", hours=4),
        _given(5, changed, method="pm_other", seller="aachen", hours=4),
        _given(6, changed, method=None, seller="acme", hours=4),
        _given(7, "invoice.observed", method="pm_of_what", seller="acme", hours=4),
        _given(8, "payment_method.removed", method="pm_gone", seller="acme", hours=4),
    )
    facts = Facts(tenant=TenantId("main"), customer=ADA, history=history)

    newest = newest_method(facts, "acme", NOW + HOUR)
    assert newest is not None
    assert newest.id == "2"
    for_all = newest_method(evolve(facts, history=history[:1]), "acme", NOW + HOUR)
    assert for_all == history[0].event
    assert newest_method(facts, "acme", NOW + 3 * HOUR + SECOND) is None


def _given(
    number: int, name: str, *, method: str | None, seller: str | None, hours: int
) -> RecordedEvent:
    event = Event(
        id=EventId(str(number)),
        name=name,
        customer=ADA,
        occurred_at=NOW + hours * HOUR,
        data={"method": method} if seller is None else {"method": method, "seller": seller},
    )
    return RecordedEvent(event=event, sequence=number, recorded_at=NOW)
