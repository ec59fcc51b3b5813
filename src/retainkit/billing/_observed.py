"""What was read of an invoice becomes events; who acts on them is no matter of this room."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from retainkit.billing._invoices import Invoice, Payment, PaymentState
from retainkit.billing._json import invoice_from_json, invoice_to_json, payment_to_json
from retainkit.core import (
    Answer,
    Because,
    Case,
    Caseless,
    Decision,
    Event,
    Facts,
    JsonObject,
    Performed,
    Trigger,
    dumps,
)
from retainkit.ids import CustomerId, EventId, InvoiceId, derive


READ_INVOICE = "payments.read_invoice"
"""The kind of the effect that reads an invoice: ``{"invoice": id, "seller": account}``."""

_NAMES = {
    PaymentState.SUCCEEDED: "payment.succeeded",
    PaymentState.FAILED: "payment.failed",
    PaymentState.PENDING: "payment.pending",
    PaymentState.NEEDS_ACTION: "payment.action_required",
}


def payment_event(
    payment: Payment, invoice: InvoiceId, seller: str, customer: CustomerId, *because: Because
) -> Event:
    """
    The one event of a payment's state, whether an API answer or a webhook led to it.

    Its id comes from payment and state alone, its content from payment and invoice alone, so the
    second report of the same thing is a duplicate.
    """
    return Event(
        id=EventId(derive("payment", payment.id, payment.state)),
        name=_NAMES[payment.state],
        customer=customer,
        occurred_at=payment.at,
        data={"payment": payment_to_json(payment), "invoice": invoice, "seller": seller},
        actor="provider",
        because=because,
    )


def observed_event(invoice: Invoice, customer: CustomerId, now: datetime) -> Event:
    """
    The event of a snapshot; its id comes from what it says, so the same state twice is one event.

    It is dated by the latest payment; a snapshot without any is dated ``now``, and then every
    look is an event.
    """
    snapshot = invoice_to_json(invoice)
    at = max((payment.at for payment in invoice.payments), default=now)
    return Event(
        id=EventId(derive("invoice.observed", at.isoformat(), dumps(snapshot))),
        name="invoice.observed",
        customer=customer,
        occurred_at=at,
        data={"invoice": snapshot},
        actor="provider",
    )


@frozen
class Invoices(Caseless):
    """
    The feature that turns what was read of an invoice into events; it keeps no cases.

    A webhook makes the engine ask for ``payments.read_invoice`` in this feature's name.
    """

    name: str = "invoices"

    def decide(
        self, case: Case | None, trigger: Trigger, facts: Facts, now: datetime, policy: None
    ) -> Decision[Case]:
        """One event a payment and one of the whole, for whatever was read."""
        del case, policy
        if not isinstance(trigger, Performed) or not isinstance(trigger.outcome, Answer):
            return Decision()
        invoice = invoice_from_json(trigger.outcome.data.get("invoice"))
        read: JsonObject = {"invoice": invoice.id, "seller": invoice.seller}
        return Decision(
            events=(
                *(
                    payment_event(payment, invoice.id, invoice.seller, facts.customer)
                    for payment in invoice.payments
                ),
                observed_event(invoice, facts.customer, now),
            ),
            because=(Because(key="billing.invoice.read", values=read),),
        )
