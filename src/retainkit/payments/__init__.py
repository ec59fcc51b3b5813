"""The outside that moves money: what a payment provider must do, and what it declares of itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from attrs import field, frozen

from retainkit.billing import Invoice, PaymentOutcome
from retainkit.core import NotSent, Outcome
from retainkit.ids import InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
from retainkit.money import Money


__all__ = [
    "Capabilities",
    "Collect",
    "HostedPage",
    "PaymentProvider",
    "Payments",
    "ProviderEvent",
    "ProviderEventKind",
    "SubscriptionProvider",
    "WebhookReader",
]


@frozen(kw_only=True)
class Capabilities:
    """
    What an adapter declares, so that nobody has to find out by an error.

    Args:
        name: The provider, for example ``stripe``.

        idempotency_window: How long a key is honoured; past 0.8 of it the kit looks up instead.

        timeout: The hard limit of one call, the SDK's own retries included.

        lookup_lag: How long after the last sending a look-up may still miss what happened: the
            call's own timeout and the provider's delay together.

        native_retries: Whether the provider can retry an invoice by itself.

        hosted_page: Whether it has a page where customers change their payment method.

        test_only: Moves no real money, and nobody allowed it in production: a kit in production
            refuses it.
    """

    name: str
    idempotency_window: timedelta
    timeout: timedelta = timedelta(seconds=20)
    lookup_lag: timedelta = timedelta(minutes=1)
    native_retries: bool = False
    hosted_page: bool = False
    test_only: bool = False


@frozen(kw_only=True)
class Collect:
    """
    A request to collect one invoice; sent with the same key and content at every try.

    Args:
        invoice: What to collect.

        seller: The provider account that issued it.

        amount: What is expected to be due; if another amount is, nothing is charged.

        method: The payment method to use; None leaves the choice to the provider.

        known: The payments of this invoice seen before; a look-up tells ours from them.
    """

    invoice: InvoiceId
    seller: str
    amount: Money
    method: PaymentMethodId | None = None
    known: tuple[PaymentId, ...] = ()


class PaymentProvider(Protocol):
    """Collects an invoice, looks up what became of it, reads it."""

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter declares of itself."""
        ...

    def collect(self, collect: Collect, *, key: str) -> PaymentOutcome:
        """
        Try to collect an open invoice once for this key.

        An invoice that is paid, void, of another amount, or that the provider retries by itself
        is not charged: ``Paid`` with the payment that paid it, else ``NoEffect`` with the reason
        (``invoice_missing``, ``invoice_draft``, ``invoice_void``, ``invoice_uncollectible``,
        ``amount_changed``, ``provider_retries``, ``no_payment_method``). An earlier payment that
        is still pending is ``Pending``; nothing is charged beside it.

        Raises:
            ProviderError: The set-up is wrong, such as a bad key: not an outcome.
        """
        ...

    def look_up(self, collect: Collect, *, key: str, sent_at: datetime) -> PaymentOutcome:
        """
        What became of a try whose answer was lost; changes nothing.

        ``NoEffect`` only when it is proved that nothing happened and nothing can any more: never
        before ``sent_at`` plus the declared ``lookup_lag``. ``NotSent`` when the provider can't
        be asked right now.

        Args:
            collect: The request, as it was sent.

            key: Its key.

            sent_at: When it was sent first. The kit asks no sooner than ``lookup_lag`` after it was
                sent last.
        """
        ...

    def read_invoice(self, invoice: InvoiceId, *, seller: str) -> Invoice | NotSent:
        """
        The invoice as it stands right now; ``NotSent`` when the provider can't be reached.

        Raises:
            NotFound: The provider knows no such invoice.
        """
        ...


@frozen(kw_only=True)
class HostedPage:
    """
    The provider's page where the customer changes the payment method.

    Args:
        url: Where to send the customer.

        expires_at: Until when it works, where the provider says so.
    """

    url: str = field(repr=False)
    expires_at: datetime | None = None


class SubscriptionProvider(Protocol):
    """What dunning does to a subscription or invoice in the end; every call takes a key."""

    def cancel(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """End the subscription now; one that has ended already is an answer, too."""
        ...

    def pause(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """Stop collecting until somebody resumes it; access is not the provider's matter."""
        ...

    def mark_uncollectible(self, invoice: InvoiceId, *, seller: str, key: str) -> Outcome:
        """Write the invoice off in the books; the debt is not forgiven, it can still be paid."""
        ...

    def payment_method_page(self, reference: str, *, seller: str, return_url: str) -> HostedPage:
        """
        A fresh hosted page for the customer whom the provider knows by ``reference``.

        Raises:
            ProviderError: The provider can't be reached or refused.
        """
        ...


class ProviderEventKind(StrEnum):
    """What a webhook hints at; ``other`` is stored and wakes nobody."""

    INVOICE_CHANGED = "invoice_changed"
    PAYMENT_METHOD_CHANGED = "payment_method_changed"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled"
    OTHER = "other"


@frozen(kw_only=True)
class ProviderEvent:
    """
    A verified webhook in our words; a hint, never the truth.

    Args:
        id: The provider's event id; unique in its account.

        seller: The provider account it comes from.

        kind: What it hints at.

        name: The provider's own name of the event.

        occurred_at: When the provider made it.

        reference: The provider's id of the customer, if it names one.

        invoice: The invoice to read, if it names one.

        method: The new payment method, if it names one.

        credential: What stands behind the method, where the provider says so.

        subscription: The subscription, if it names one.
    """

    id: str
    seller: str
    kind: ProviderEventKind
    name: str
    occurred_at: datetime
    reference: str | None = None
    invoice: InvoiceId | None = None
    method: PaymentMethodId | None = None
    credential: str | None = None
    subscription: SubscriptionId | None = None


class WebhookReader(Protocol):
    """Verifies a webhook by its raw body and reads it."""

    def read_webhook(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime
    ) -> ProviderEvent:
        """
        The event, if the signature over the raw body is right and fresh.

        Header names are compared without regard to case.

        Raises:
            InvalidInput: ``webhook.signature``, ``webhook.too_old``, ``webhook.too_large`` or
                ``webhook.malformed``; nothing was stored.
        """
        ...


class Payments(PaymentProvider, SubscriptionProvider, WebhookReader, Protocol):
    """A provider that does all a kit can use; the shipped adapters are such."""
