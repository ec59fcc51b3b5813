"""What the timeline remembers of a customer's earlier cases and of invoices seen before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from retainkit.billing import Invoice, invoice_from_json
from retainkit.core import Event, Facts
from retainkit.dunning._case import CaseOutcome
from retainkit.dunning._knowledge import Knowledge, of_closed, of_snapshot


CLOSED: Final = "dunning.case_closed"
OBSERVED: Final = "invoice.observed"
METHOD_CHANGED: Final = "payment_method.changed"


def newest_method(facts: Facts, seller: str, since: datetime) -> Event | None:
    """The payment method the customer gave last, if that was after an instant."""
    given = [
        recorded.event
        for recorded in facts.history
        if recorded.event.name == METHOD_CHANGED
        and isinstance(recorded.event.data.get("method"), str)
        and recorded.event.data.get("seller") in (None, seller)
        and recorded.event.occurred_at >= since
    ]
    return max(given, key=lambda event: event.occurred_at, default=None)


def closed_cases(facts: Facts, key: str) -> tuple[Mapping[str, object], ...]:
    """The data of each earlier case of the key."""
    return tuple(
        recorded.event.data
        for recorded in facts.history
        if recorded.event.name == CLOSED and recorded.event.data.get("key") == key
    )


def is_past(snapshot: Invoice, facts: Facts, key: str) -> bool:
    """Whether a snapshot tells nothing that must open a case: it is old news, or was ended."""
    here = of_snapshot(snapshot)
    for closed in closed_cases(facts, key):
        for known in _remembered(closed, snapshot.id):
            if closed.get("outcome") == CaseOutcome.ENDED or known.outdates(here):
                return True
    return any(known.settled and known.outdates(here) for known in _observed(snapshot, facts))


def _remembered(closed: Mapping[str, object], invoice: str) -> Iterator[Knowledge]:
    invoices = closed.get("invoices")
    for known in invoices if isinstance(invoices, (list, tuple)) else ():
        if known["invoice"] == invoice:
            yield of_closed(known)


def _observed(snapshot: Invoice, facts: Facts) -> Iterator[Knowledge]:
    for recorded in facts.history:
        if recorded.event.name == OBSERVED:
            seen = invoice_from_json(recorded.event.data.get("invoice"))
            if seen.id == snapshot.id and seen.seller == snapshot.seller:
                yield of_snapshot(seen)
