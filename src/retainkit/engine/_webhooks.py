"""Webhooks are hints: verified, stored once, and followed by a look at the object itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import evolve, frozen

from retainkit.billing import READ_INVOICE
from retainkit.core import Because, Effect, Event, EventState, JsonObject
from retainkit.customers import CustomerDirectory
from retainkit.engine._step import NOBODY, Step
from retainkit.ids import CustomerId, EventId, TenantId, derive
from retainkit.payments import ProviderEvent, ProviderEventKind


_RECEIVED = "webhook.received"


class ReceiptState(StrEnum):
    """
    What became of a webhook; each of them is answered with 200.

    ``ignored`` is kept, too: it is of a type that is not used, and about nobody we know, so that
    there is nothing that a person could release.
    """

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    CONFLICT = "conflict"


@frozen(kw_only=True)
class Receipt:
    """
    The answer to a verified webhook.

    Args:
        event: The id it is kept under.

        state: What became of it.
    """

    event: EventId
    state: ReceiptState


def received_event(event: ProviderEvent, customer: CustomerId) -> Event:
    """The event a webhook is kept as: unique for the provider's account and event id."""
    data: JsonObject = {
        "seller": event.seller,
        "name": event.name,
        "kind": event.kind.value,
        "reference": event.reference,
        "invoice": event.invoice,
        "method": event.method,
        "credential": event.credential,
        "subscription": event.subscription,
    }
    return Event(
        id=EventId(f"webhook:{event.seller}:{event.id}"),
        name=_RECEIVED,
        customer=customer,
        occurred_at=event.occurred_at,
        data=data,
        actor="provider",
    )


def receive(
    step: Step, directory: CustomerDirectory, tenant: TenantId, event: ProviderEvent
) -> Receipt:
    """
    Keep a verified webhook and schedule what it hints at.

    One that matches no customer is parked; one that comes again after its customer became known is
    released. One that hints at nothing is not listed for a person, whoever it is about.
    """
    customer = None if event.reference is None else directory.find(event.reference, tenant=tenant)
    known = step.tx.timeline.get(received_event(event, NOBODY).id)
    if known is not None:
        return _again(step, event, customer, known.event, known.state)
    received = received_event(event, customer or NOBODY)
    if customer is None and event.kind is not ProviderEventKind.OTHER:
        step.park(received)
        return Receipt(event=received.id, state=ReceiptState.PARKED)
    appended = step.record([received])
    if appended.quarantined:
        return Receipt(event=received.id, state=ReceiptState.PARKED)
    if not appended.new:
        # The same webhook came twice at once, and the other one was quicker.
        return Receipt(event=received.id, state=ReceiptState.DUPLICATE)
    follow(step, received)
    became = ReceiptState.IGNORED if customer is None else ReceiptState.ACCEPTED
    return Receipt(event=received.id, state=became)


def _again(
    step: Step, event: ProviderEvent, customer: CustomerId | None, known: Event, state: EventState
) -> Receipt:
    repeated = received_event(event, known.customer)
    if repeated.fingerprint != known.fingerprint:
        step.record([repeated])
        return Receipt(event=known.id, state=ReceiptState.CONFLICT)
    # What was quarantined is known to be its customer's: only a person releases it.
    if state is EventState.PARKED and known.customer == NOBODY and customer is not None:
        release(step, known, customer)
        return Receipt(event=known.id, state=ReceiptState.ACCEPTED)
    return Receipt(event=known.id, state=ReceiptState.DUPLICATE)


def release(step: Step, parked: Event, customer: CustomerId) -> None:
    """Accept a parked event as the customer's; a webhook is followed to what it hints at."""
    step.release(parked, customer)
    if parked.name == _RECEIVED:
        follow(step, evolve(parked, customer=customer))


def follow(step: Step, received: Event) -> None:
    """Schedule the reading of what changed, or record what only the webhook can tell."""
    data = received.data
    match data["kind"]:
        case ProviderEventKind.INVOICE_CHANGED if data["invoice"]:
            effect = Effect(
                kind=READ_INVOICE,
                attempt=received.id,
                data={"invoice": data["invoice"], "seller": data["seller"]},
            )
            step.intend("invoices", received.customer, effect)
        case ProviderEventKind.PAYMENT_METHOD_CHANGED if data["method"]:
            step.record(
                _told(received, "payment_method.changed", ("method", "credential", "seller"))
            )
        case ProviderEventKind.SUBSCRIPTION_CANCELLED if data["subscription"]:
            step.record(_told(received, "subscription.cancelled", ("subscription", "seller")))
        case _:
            return


def _told(received: Event, name: str, fields: Sequence[str]) -> Sequence[Event]:
    """
    An event that several webhooks may tell of; its id comes from what it says, and when.

    The same card may become the default one again after another: that is news again.
    """
    data: Mapping[str, str] = {
        field: str(received.data[field]) for field in fields if received.data[field]
    }
    said = (*data.values(), received.occurred_at.isoformat())
    return [
        Event(
            id=EventId(derive(name, received.customer, *said)),
            name=name,
            customer=received.customer,
            occurred_at=received.occurred_at,
            data=data,
            actor="provider",
            because=(Because(key="webhook.told", values={"webhook": received.id}),),
        )
    ]
