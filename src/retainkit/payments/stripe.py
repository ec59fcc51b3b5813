"""Stripe, through its own SDK; its JSON, errors and events are read by the modules beside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from retainkit.billing import (
    Declined,
    Invoice,
    InvoiceState,
    Paid,
    Payment,
    PaymentOutcome,
    PaymentState,
    Pending,
)
from retainkit.core import Answer, NoEffect, NotSent, Outcome, Unknown
from retainkit.errors import ConfigurationError, NotFound, ProviderError, RetainkitError
from retainkit.ids import InvoiceId, SubscriptionId
from retainkit.payments import Capabilities, Collect, HostedPage, ProviderEvent
from retainkit.payments._stripe_books import Books
from retainkit.payments._stripe_requests import NoAnswerError, Requests, parsed
from retainkit.payments._stripe_shapes import (
    PaymentError,
    StripeEvent,
    StripeInvoice,
    charge_of_error,
    invoice_of,
    payment_of_charge,
    payment_of_error,
    payment_of_intent,
)
from retainkit.payments.webhooks import (
    bad_signature,
    check_age,
    check_size,
    malformed,
    signature_header,
    signed_at,
)
from retainkit.timing import Clock


if TYPE_CHECKING:
    from retainkit.billing.invoicing import ProviderInvoice
    from retainkit.payments._stripe_errors import Refusal


__all__ = ["API_VERSION", "WEBHOOK_TYPES", "MethodPage", "StripePayments"]

API_VERSION = "2025-03-31.basil"
"""
The API version our requests ask for: the oldest whose invoices have payments.

So the same shape is read whatever SDK is installed. Webhooks come in the version of their
endpoint, and both shapes are read there.
"""

WEBHOOK_TYPES = (
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.voided",
    "setup_intent.succeeded",
)
"""
The event types to register the webhook endpoint for; the last one is for Checkout alone.

Others are kept and wake nobody. An `invoice_payment.*` names no customer, and each is told by an
`invoice.*` too.
"""

_KEYS_LIVE = timedelta(hours=24)
"""Keys are removed when at least 24 hours old: https://docs.stripe.com/api/idempotent_requests"""

_REQUESTS_OF_A_CALL = 4
_SKEW = timedelta(minutes=5)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class MethodPage(StrEnum):
    """
    Where customers change their payment method.

    ``portal`` is the billing portal, which makes the new method the default one; ``checkout`` is
    a Checkout session in set-up mode, for accounts without a portal.
    """

    PORTAL = "portal"
    CHECKOUT = "checkout"


class StripePayments:
    """
    Collects Stripe invoices, ends subscriptions, opens Stripe's pages, reads its webhooks.

    The SDK is loaded when this is made. Nothing is sent before the first call; a client is made
    for each process, so that one made before a fork may be used after it.

    Args:
        api_key: The secret or restricted key.

        webhook_secrets: The signing secrets of the webhook endpoint; two while one is rotated.

        account: How the key's own account is called as a ``seller``. Any other seller is the id
            of a connected account (``acct_...``).

        base_url: Another address of the API, such as a test server's.

        timeout: The limit of one request: a quarter for connecting, the rest for its answer.

        lookup_lag: How long after sending a look-up that finds nothing proves nothing; at least
            a whole call.

        method_page: Where customers change their payment method.

        clock: What time it is, for look-ups; the system's when None.

        api_version: The API version of our requests; before basil is read, too.

    Raises:
        ConfigurationError: ``missing_extra``, ``stripe.api_key``, ``stripe.base_url``,
            ``stripe.lookup_lag``.
    """

    def __init__(
        self,
        api_key: str,
        *,
        webhook_secrets: tuple[str, ...] = (),
        account: str = "stripe",
        base_url: str | None = None,
        timeout: timedelta = timedelta(seconds=15),
        lookup_lag: timedelta = timedelta(minutes=2),
        method_page: MethodPage = MethodPage.PORTAL,
        clock: Clock | None = None,
        api_version: str = API_VERSION,
    ) -> None:
        _require_sdk()
        _check(api_key, base_url, timeout, lookup_lag)
        self._requests = Requests(
            api_key=api_key,
            account=account,
            base_url=base_url,
            timeout=timeout,
            version=api_version,
        )
        self._books = Books(self._requests, api_version)
        self._secrets = webhook_secrets
        self._account = account
        self._method_page = MethodPage(method_page)
        self._clock = clock
        self._capabilities = Capabilities(
            name="stripe",
            idempotency_window=_KEYS_LIVE,
            timeout=timeout * _REQUESTS_OF_A_CALL,
            lookup_lag=lookup_lag,
            native_retries=True,
            hosted_page=True,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter declares of itself."""
        return self._capabilities

    # ---------------------------------------------------------------------- PaymentProvider

    def collect(self, collect: Collect, *, key: str) -> PaymentOutcome:
        """Pay an open invoice with the key; see `PaymentProvider.collect`."""
        try:
            invoice = self._books.invoice(collect.invoice, collect.seller)
            if invoice is None:
                return NoEffect(reason="invoice_missing")
            return self._obstacle(invoice, collect) or self._pay(collect, key)
        except NoAnswerError as exc:
            return NotSent(
                reason=exc.outcome.reason,
                retry_after=getattr(exc.outcome, "retry_after", None),
            )

    def look_up(self, collect: Collect, *, key: str, sent_at: datetime) -> PaymentOutcome:
        """
        What became of a try, told by the invoice's payments; see `PaymentProvider.look_up`.

        Stripe keeps no trace of our key on a charge, so a failed try that we have not seen and
        that is not older than the request is taken for it: at worst a customer's own failed try
        counts as ours, and never is money taken twice.
        """
        del key
        try:
            invoice = self._books.invoice(collect.invoice, collect.seller)
            if invoice is None:
                return NoEffect(reason="invoice_missing")
            if invoice.status is InvoiceState.PAID:
                return Paid(payment=self._books.paid_by(invoice, collect.seller))
            payments = self._books.payments(invoice, collect.seller)
        except NoAnswerError as exc:
            return NotSent(reason=exc.outcome.reason)
        for payment in payments:
            if payment.state is PaymentState.PENDING:
                return Pending(payment=payment)
        for payment in reversed(payments):
            if payment.id not in collect.known and _since(payment, sent_at):
                return Declined(payment=payment)
        if self._now() < sent_at + self._capabilities.lookup_lag:
            return Unknown(reason="too_early_to_tell")
        return NoEffect(reason="not_found")

    def read_invoice(self, invoice: InvoiceId, *, seller: str) -> Invoice | NotSent:
        """The invoice with all its tries; see `PaymentProvider.read_invoice`."""
        try:
            found = self._books.invoice(invoice, seller)
            if found is None:
                raise _no_such_invoice(invoice)
            return invoice_of(found, self._books.payments(found, seller), seller)
        except NoAnswerError as exc:
            return NotSent(reason=exc.outcome.reason)

    def read_invoice_lines(self, invoice: InvoiceId, *, seller: str) -> ProviderInvoice | NotSent:
        """
        The invoice line by line, to compare with ours by `retainkit.billing.invoicing.reconcile`.

        Net amounts are after discounts and without tax. Lines are read to the last page.

        Raises:
            NotFound: ``provider.no_such_invoice``.

            ProviderError: ``stripe.refused``, ``stripe.unreadable``.
        """
        from retainkit.payments._stripe_lines import read_lines

        try:
            found = read_lines(self._requests, invoice, seller)
        except NoAnswerError as exc:
            return NotSent(reason=exc.outcome.reason)
        if found is None:
            raise _no_such_invoice(invoice)
        return found

    # ----------------------------------------------------------------- SubscriptionProvider

    def cancel(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """End the subscription now; one that has ended already is an answer, too."""
        path = f"/v1/subscriptions/{quote(subscription, safe='')}"
        answer = self._requests.send("delete", path, seller, key=key)
        if isinstance(answer, NotSent | Unknown):
            return answer
        cancelled = Answer(data={"subscription": subscription, "state": "canceled"})
        if isinstance(answer, Mapping):
            return cancelled
        # One that has ended already is refused like one that never was.
        try:
            now = self._books.subscription(subscription, seller)
        except NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if now is None:
            return NoEffect(reason="subscription_missing")
        return cancelled if now.ended else NoEffect(reason=answer.code)

    def pause(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """Keep further invoices as drafts until somebody resumes collecting."""
        path = f"/v1/subscriptions/{quote(subscription, safe='')}"
        answer = self._requests.send(
            "post", path, seller, {"pause_collection": {"behavior": "keep_as_draft"}}, key=key
        )
        if isinstance(answer, NotSent | Unknown):
            return answer
        if isinstance(answer, Mapping):
            return Answer(data={"subscription": subscription, "state": "paused"})
        try:
            now = self._books.subscription(subscription, seller)
        except NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if now is None:
            return NoEffect(reason="subscription_missing")
        return NoEffect(reason="subscription_canceled" if now.ended else answer.code)

    def mark_uncollectible(self, invoice: InvoiceId, *, seller: str, key: str) -> Outcome:
        """Write the invoice off; it can still be paid."""
        path = f"/v1/invoices/{quote(invoice, safe='')}/mark_uncollectible"
        answer = self._requests.send("post", path, seller, key=key)
        if isinstance(answer, NotSent | Unknown):
            return answer
        written_off = InvoiceState.UNCOLLECTIBLE
        done = Answer(data={"invoice": invoice, "state": written_off.value})
        if isinstance(answer, Mapping):
            return done
        try:
            now = self._books.invoice(invoice, seller)
        except NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if now is None:
            return NoEffect(reason="invoice_missing")
        return done if now.status is written_off else NoEffect(reason=f"invoice_{now.status.value}")

    def payment_method_page(self, reference: str, *, seller: str, return_url: str) -> HostedPage:
        """A fresh session of the billing portal or of Checkout; see `SubscriptionProvider`."""
        if self._method_page is MethodPage.PORTAL:
            path = "/v1/billing_portal/sessions"
            params: dict[str, object] = {
                "flow_data": {"type": "payment_method_update"},
                "return_url": return_url,
            }
        else:
            path = "/v1/checkout/sessions"
            params = {
                "cancel_url": return_url,
                "mode": "setup",
                "payment_method_types": ["card"],
                "success_url": return_url,
            }
        answer = self._requests.send("post", path, seller, {"customer": reference, **params})
        if not isinstance(answer, Mapping):
            raise ProviderError(
                "Stripe gave no page for changing the payment method",
                code="provider.no_page",
                field="reference",
                value=_reason(answer),
                remedy="try again later"
                if isinstance(answer, NotSent | Unknown)
                else "check that the customer exists and the billing portal is configured",
            )
        ends = answer.get("expires_at")
        return HostedPage(
            url=str(answer["url"]),
            expires_at=datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) else None,
        )

    # ------------------------------------------------------------------------ WebhookReader

    def read_webhook(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime
    ) -> ProviderEvent:
        """The event, if Stripe signed it less than five minutes from ``now``."""
        from retainkit.payments._stripe_events import event_of

        check_size(body)
        header = signature_header(headers, "Stripe-Signature")
        at = signed_at(header)
        self._verify(body, header)
        check_age(at, now)
        try:
            event = StripeEvent.model_validate_json(body)
        except ValidationError as exc:
            raise malformed("The webhook's body is no event of Stripe") from exc
        return event_of(
            event,
            account=self._account,
            setup_sessions=self._method_page is MethodPage.CHECKOUT,
        )

    def _verify(self, body: bytes, header: str) -> None:
        from stripe import SignatureVerificationError, WebhookSignature

        if not self._secrets:
            raise ConfigurationError(
                "No webhook can be verified without its signing secret",
                code="stripe.webhook_secret",
                field="webhook_secrets",
                remedy="pass the endpoint's signing secret (whsec_...)",
            )
        for secret in self._secrets:
            try:
                # Its own tolerance knows the wall clock alone and lets the future pass.
                WebhookSignature.verify_header(body, header, secret, tolerance=None)
            except (SignatureVerificationError, UnicodeDecodeError):
                continue
            return
        raise bad_signature("The webhook's signature does not match its body")

    # --------------------------------------------------------------------------- collecting

    def _obstacle(self, invoice: StripeInvoice, collect: Collect) -> PaymentOutcome | None:
        """Why nothing is to be sent; None when all is as expected."""
        if invoice.status is InvoiceState.PAID:
            return Paid(payment=self._books.paid_by(invoice, collect.seller))
        reason = _mismatch(invoice, collect)
        for part in invoice.parts:
            intent = part.payment.payment_intent
            waiting = None if intent is None else payment_of_intent(intent)
            if waiting is not None and waiting.state is PaymentState.PENDING:
                return Pending(payment=self._books.latest(part, collect.seller) or waiting)
        if reason is None:
            return None
        payments = self._books.payments(invoice, collect.seller)
        if any(payment.id not in collect.known for payment in payments):
            # This key may have made one of them before things changed: a look-up tells.
            return Unknown(reason=reason)
        return NoEffect(reason=reason)

    def _pay(self, collect: Collect, key: str) -> PaymentOutcome:
        path = f"/v1/invoices/{quote(collect.invoice, safe='')}/pay"
        params: dict[str, object] = {"off_session": True, "expand": self._books.expand}
        if collect.method is not None:
            params["payment_method"] = collect.method
        answer = self._requests.send("post", path, collect.seller, params, key=key)
        if isinstance(answer, NotSent | Unknown):
            return answer
        if isinstance(answer, Mapping):
            return self._after_paying(answer, collect)
        if answer.declined:
            return self._declined(answer.error, collect, key)
        return self._refused(answer, collect)

    def _after_paying(self, answer: Mapping[str, object], collect: Collect) -> PaymentOutcome:
        """Stripe said 200: what it means must never be lost to an answer we can't read."""
        try:
            invoice = parsed(StripeInvoice, answer)
            if invoice.status is InvoiceState.PAID:
                return Paid(payment=self._books.paid_by(invoice, collect.seller))
            tried = [self._books.latest(part, collect.seller) for part in invoice.parts]
        except (NoAnswerError, RetainkitError):
            return Unknown(reason="unreadable_answer")
        made = [payment for payment in tried if payment is not None]
        return _outcome(made[-1]) if made else Unknown(reason="unreadable_answer")

    def _declined(self, error: PaymentError, collect: Collect, key: str) -> PaymentOutcome:
        """
        The try behind a refusal, read like any other, so that it is the same by every door.

        One that can't be read now is not made up from the refusal: a look-up will read it.
        """
        charge = charge_of_error(error, collect.known)
        if charge is None:
            return Declined(payment=payment_of_error(error, collect.amount, key, self._now()))
        try:
            return Declined(payment=payment_of_charge(self._books.charge(charge, collect.seller)))
        except (NoAnswerError, RetainkitError):
            return Unknown(reason="decline_unread")

    def _refused(self, refusal: Refusal, collect: Collect) -> PaymentOutcome:
        """Stripe refused the request: look whether the invoice changed in between."""
        try:
            invoice = self._books.invoice(collect.invoice, collect.seller)
            if invoice is None:
                return NoEffect(reason="invoice_missing")
            obstacle = self._obstacle(invoice, collect)
        except NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if obstacle is not None:
            return obstacle
        if refusal.error.param == "payment_method":
            return NoEffect(reason="payment_method_missing")
        if "default_payment_method" in refusal.error.message:
            return NoEffect(reason="no_payment_method")
        return NoEffect(reason=refusal.code)

    def _now(self) -> datetime:
        return datetime.now(UTC) if self._clock is None else self._clock.now()


def _no_such_invoice(invoice: InvoiceId) -> NotFound:
    return NotFound(
        "Stripe knows no such invoice",
        code="provider.no_such_invoice",
        field="invoice",
        value=invoice,
        remedy="check the id, the account, and test mode against live mode",
    )


def _require_sdk() -> None:
    try:
        import stripe  # noqa: F401
    except ImportError as exc:
        raise ConfigurationError(
            "The Stripe SDK is not installed",
            code="missing_extra",
            field="stripe",
            remedy="install retainkit-sdk[stripe]",
        ) from exc


def _check(api_key: str, base_url: str | None, timeout: timedelta, lookup_lag: timedelta) -> None:
    if not api_key:
        raise ConfigurationError(
            "Stripe needs a key",
            code="stripe.api_key",
            field="api_key",
            remedy="pass a secret or restricted key (sk_..., rk_...)",
        )
    address = urlsplit(base_url or "https://")
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise ConfigurationError(
            "The key would be sent unencrypted",
            code="stripe.base_url",
            field="base_url",
            value=base_url,
            remedy="use https, or a server on this machine",
        )
    if lookup_lag < timeout * _REQUESTS_OF_A_CALL:
        raise ConfigurationError(
            "A look-up would prove something while the call is still under way",
            code="stripe.lookup_lag",
            field="lookup_lag",
            value=str(lookup_lag),
            remedy=f"make it at least {timeout * _REQUESTS_OF_A_CALL}",
        )


def _mismatch(invoice: StripeInvoice, collect: Collect) -> str | None:
    if invoice.status is not InvoiceState.OPEN:
        return f"invoice_{invoice.status.value}"
    if invoice.remaining != collect.amount:
        return "amount_changed"
    if invoice.next_payment_attempt is not None:
        return "provider_retries"
    return None


def _since(payment: Payment, sent_at: datetime) -> bool:
    """Whether a try may be ours by its time; one that waits has the time of its intent."""
    return payment.state is PaymentState.NEEDS_ACTION or payment.at >= sent_at - _SKEW


def _outcome(payment: Payment) -> Paid | Declined | Pending:
    if payment.state is PaymentState.SUCCEEDED:
        return Paid(payment=payment)
    if payment.state is PaymentState.PENDING:
        return Pending(payment=payment)
    return Declined(payment=payment)


def _reason(answer: object) -> str:
    return str(getattr(answer, "reason", None) or getattr(answer, "code", "unexpected_answer"))
