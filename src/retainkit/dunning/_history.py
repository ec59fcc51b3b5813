"""What the timeline remembers of a customer's earlier cases and of invoices seen before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from retainkit.billing import Invoice, invoice_from_json
from retainkit.core import Facts
from retainkit.dunning._case import CaseOutcome
from retainkit.dunning._knowledge import Knowledge, of_closed, of_snapshot


CLOSED = "dunning.case_closed"
OBSERVED = "invoice.observed"


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
