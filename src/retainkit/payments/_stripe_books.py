"""Stripe's books: invoices with their payments and every try, read whole; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from retainkit.billing import Payment, PaymentState
from retainkit.ids import PaymentId
from retainkit.payments._stripe_requests import Requests, parsed
from retainkit.payments._stripe_shapes import (
    Charge,
    ChargeList,
    InvoicePayment,
    InvoicePaymentList,
    StripeInvoice,
    Subscription,
    amount,
    payment_of_charge,
    payment_of_intent,
)


BASIL = "2025-03-31"
"""From this version on an invoice has payments: https://docs.stripe.com/changelog/basil"""

_PAGE = 100


class Books:
    """
    Reads by the requests given; raises `NoAnswerError` when Stripe doesn't answer.

    Args:
        requests: How to ask.

        version: The API version asked for; decides what can be expanded.
    """

    def __init__(self, requests: Requests, version: str) -> None:
        self._requests = requests
        self._version = version

    @property
    def expand(self) -> list[str]:
        """What an invoice is asked to show of its payments and its subscription."""
        if self._version[:10] < BASIL:
            return ["payment_intent", "subscription"]
        return ["payments.data.payment.payment_intent", "parent.subscription_details.subscription"]

    def invoice(self, invoice: str, seller: str) -> StripeInvoice | None:
        """The invoice with all its payments; None when there is none."""
        path = f"/v1/invoices/{quote(invoice, safe='')}"
        found = self._requests.read(path, seller, {"expand": self.expand})
        if found is None:
            return None
        read = parsed(StripeInvoice, found)
        if read.payments is None or not read.payments.has_more:
            return read
        parts = tuple(self._parts(invoice, seller))
        return read.model_copy(update={"payments": InvoicePaymentList(data=parts)})

    def _parts(self, invoice: str, seller: str) -> Iterator[InvoicePayment]:
        after: dict[str, object] = {}
        while True:
            page = self._requests.must_read(
                InvoicePaymentList,
                "/v1/invoice_payments",
                seller,
                {
                    "invoice": invoice,
                    "limit": _PAGE,
                    "expand": ["data.payment.payment_intent"],
                    **after,
                },
            )
            yield from page.data
            if not page.has_more:
                return
            after = {"starting_after": page.data[-1].id}

    def payments(self, invoice: StripeInvoice, seller: str) -> tuple[Payment, ...]:
        """Every try, oldest first."""
        tries: list[Payment] = []
        for part in invoice.parts:
            intent = part.payment.payment_intent
            if intent is None:
                alone = self.latest(part, seller)
                tries.extend(() if alone is None else (alone,))
                continue
            charged = [payment_of_charge(each) for each in self._charges(intent.id, seller)]
            waiting = payment_of_intent(intent)
            # An intent that waits with a charge of its own is that charge.
            if waiting is not None and (
                (waiting.state is PaymentState.NEEDS_ACTION and intent.status == "requires_action")
                or not charged
            ):
                tries.append(waiting)
            tries.extend(charged)
        return tuple(sorted(tries, key=lambda payment: payment.at))

    def _charges(self, intent: str, seller: str) -> list[Charge]:
        found: list[Charge] = []
        after: dict[str, object] = {}
        while True:
            page = self._requests.must_read(
                ChargeList,
                "/v1/charges",
                seller,
                {"payment_intent": intent, "limit": _PAGE, **after},
            )
            found.extend(page.data)
            if not page.has_more:
                return found[::-1]
            after = {"starting_after": page.data[-1].id}

    def paid_by(self, invoice: StripeInvoice, seller: str) -> Payment:
        """The payment that paid it; the invoice itself when no payment did."""
        for part in reversed(invoice.parts):
            if part.status == "paid":
                payment = self.latest(part, seller)
                if payment is not None and payment.state is PaymentState.SUCCEEDED:
                    return payment
        # Paid by credit, out of band, or because nothing was due.
        return Payment(
            id=PaymentId(invoice.id),
            state=PaymentState.SUCCEEDED,
            amount=amount(invoice.amount_paid, invoice.currency),
            at=invoice.paid_at,
        )

    def latest(self, part: InvoicePayment, seller: str) -> Payment | None:
        """The latest try of one of the invoice's payments."""
        intent = part.payment.payment_intent
        charge = part.payment.charge if intent is None else intent.latest_charge
        if intent is not None and intent.status == "requires_action":
            return payment_of_intent(intent)
        if charge is not None:
            return payment_of_charge(self.charge(charge, seller))
        return None if intent is None else payment_of_intent(intent)

    def charge(self, charge: str, seller: str) -> Charge:
        """One try."""
        return self._requests.must_read(Charge, f"/v1/charges/{quote(charge, safe='')}", seller)

    def subscription(self, subscription: str, seller: str) -> Subscription | None:
        """The subscription; None when there is none."""
        found = self._requests.read(f"/v1/subscriptions/{quote(subscription, safe='')}", seller)
        return None if found is None else parsed(Subscription, found)
