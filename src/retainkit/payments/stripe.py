"""Stripe, through its own SDK; its JSON, errors and events are read by the modules beside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar, cast
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ValidationError

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
from retainkit.errors import ConfigurationError, InvalidInput, NotFound, ProviderError
from retainkit.ids import InvoiceId, PaymentId, SubscriptionId
from retainkit.payments import Capabilities, Collect, HostedPage, ProviderEvent
from retainkit.payments._stripe_shapes import (
    Charge,
    ChargeList,
    InvoicePayment,
    InvoicePaymentList,
    PaymentError,
    StripeEvent,
    StripeInvoice,
    Subscription,
    amount,
    invoice_of,
    payment_of_charge,
    payment_of_error,
    payment_of_intent,
)
from retainkit.payments._webhooks import (
    bad_signature,
    check_age,
    check_size,
    malformed,
    signature_header,
    signed_at,
)
from retainkit.timing import Clock


if TYPE_CHECKING:
    from retainkit.payments._stripe_errors import Refusal


__all__ = ["API_VERSION", "MethodPage", "StripePayments"]

API_VERSION = "2025-03-31.basil"
"""
The API version our requests ask for: the oldest whose invoices have payments.

So the same shape is read whatever SDK is installed. Webhooks come in the version of their
endpoint, and both shapes are read there.
"""

_BASIL = API_VERSION[:10]
_KEYS_LIVE = timedelta(hours=24)
"""Keys are removed when at least 24 hours old: https://docs.stripe.com/api/idempotent_requests"""

_REQUESTS_OF_A_CALL = 4
_SKEW = timedelta(minutes=5)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PAGE = 100


class MethodPage(StrEnum):
    """
    Where customers change their payment method.

    ``portal`` is the billing portal, which makes the new method the default one; ``checkout`` is
    a Checkout session in set-up mode, for accounts without a portal.
    """

    PORTAL = "portal"
    CHECKOUT = "checkout"


class _Response(Protocol):
    data: object


class _Client(Protocol):
    def raw_request(self, method_: str, url_: str, **params: object) -> _Response: ...


class _NoAnswerError(Exception):
    """A read that Stripe didn't answer; caught before it leaves this module."""

    def __init__(self, outcome: NotSent | Unknown) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


S = TypeVar("S", bound=BaseModel)


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

        timeout: The limit of connecting, and of each wait for an answer.

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
        self._api_key = api_key
        self._secrets = webhook_secrets
        self._account = account
        self._base_url = base_url
        self._timeout = timeout
        self._method_page = MethodPage(method_page)
        self._clock = clock
        self._version = api_version
        self._client: tuple[int, _Client] | None = None
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
            invoice = self._invoice(collect.invoice, collect.seller)
            if invoice is None:
                return NoEffect(reason="invoice_missing")
            return self._obstacle(invoice, collect) or self._pay(collect, key)
        except _NoAnswerError as exc:
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
            invoice = self._invoice(collect.invoice, collect.seller)
            if invoice is None:
                return NoEffect(reason="invoice_missing")
            if invoice.state is InvoiceState.PAID:
                return Paid(payment=self._paid_by(invoice, collect.seller))
            for payment in reversed(self._payments(invoice, collect.seller)):
                if payment.state is PaymentState.PENDING:
                    return Pending(payment=payment)
                if payment.id not in collect.known and _since(payment, sent_at):
                    return _outcome(payment)
        except _NoAnswerError as exc:
            return NotSent(reason=exc.outcome.reason)
        if self._now() < sent_at + self._capabilities.lookup_lag:
            return Unknown(reason="too_early_to_tell")
        return NoEffect(reason="not_found")

    def read_invoice(self, invoice: InvoiceId, *, seller: str) -> Invoice | NotSent:
        """The invoice with all its tries; see `PaymentProvider.read_invoice`."""
        try:
            found = self._invoice(invoice, seller)
            if found is None:
                raise NotFound(
                    "Stripe knows no such invoice",
                    code="provider.no_such_invoice",
                    field="invoice",
                    value=invoice,
                    remedy="check the id, the account, and test mode against live mode",
                )
            return invoice_of(found, self._payments(found, seller), seller)
        except _NoAnswerError as exc:
            return NotSent(reason=exc.outcome.reason)

    # ----------------------------------------------------------------- SubscriptionProvider

    def cancel(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """End the subscription now; one that has ended already is an answer, too."""
        path = f"/v1/subscriptions/{quote(subscription, safe='')}"
        answer = self._send("delete", path, seller, key)
        if isinstance(answer, NotSent | Unknown):
            return answer
        try:
            now = self._subscription(subscription, seller)
        except _NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if now is None:
            return NoEffect(reason="subscription_missing")
        if not now.ended:
            return NoEffect(reason=_reason(answer))
        return Answer(data={"subscription": subscription, "state": "canceled"})

    def pause(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """Keep further invoices as drafts until somebody resumes collecting."""
        path = f"/v1/subscriptions/{quote(subscription, safe='')}"
        answer = self._send(
            "post", path, seller, key, pause_collection={"behavior": "keep_as_draft"}
        )
        if isinstance(answer, NotSent | Unknown):
            return answer
        if isinstance(answer, Mapping):
            return Answer(data={"subscription": subscription, "state": "paused"})
        try:
            now = self._subscription(subscription, seller)
        except _NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if now is None:
            return NoEffect(reason="subscription_missing")
        return NoEffect(reason="subscription_canceled" if now.ended else _reason(answer))

    def mark_uncollectible(self, invoice: InvoiceId, *, seller: str, key: str) -> Outcome:
        """Write the invoice off; it can still be paid."""
        path = f"/v1/invoices/{quote(invoice, safe='')}/mark_uncollectible"
        answer = self._send("post", path, seller, key)
        if isinstance(answer, NotSent | Unknown):
            return answer
        try:
            now = self._invoice(invoice, seller)
        except _NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if now is None:
            return NoEffect(reason="invoice_missing")
        if now.state is not InvoiceState.UNCOLLECTIBLE:
            return NoEffect(reason=f"invoice_{now.state.value}")
        return Answer(data={"invoice": invoice, "state": now.state.value})

    def payment_method_page(self, reference: str, *, seller: str, return_url: str) -> HostedPage:
        """A fresh session of the billing portal or of Checkout; see `SubscriptionProvider`."""
        portal = self._method_page is MethodPage.PORTAL
        answer = (
            self._send(
                "post",
                "/v1/billing_portal/sessions",
                seller,
                None,
                customer=reference,
                return_url=return_url,
                flow_data={"type": "payment_method_update"},
            )
            if portal
            else self._send(
                "post",
                "/v1/checkout/sessions",
                seller,
                None,
                customer=reference,
                mode="setup",
                payment_method_types=["card"],
                success_url=return_url,
                cancel_url=return_url,
            )
        )
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
        if invoice.state is InvoiceState.PAID:
            return Paid(payment=self._paid_by(invoice, collect.seller))
        reason = _mismatch(invoice, collect)
        for part in invoice.parts:
            intent = part.payment.payment_intent
            waiting = None if intent is None else payment_of_intent(intent)
            if waiting is not None and waiting.state is PaymentState.PENDING:
                return Pending(payment=self._of_part(part, collect.seller) or waiting)
        if reason is None:
            return None
        payments = self._payments(invoice, collect.seller)
        if any(payment.id not in collect.known for payment in payments):
            # This key may have made one of them before things changed: a look-up tells.
            return Unknown(reason=reason)
        return NoEffect(reason=reason)

    def _pay(self, collect: Collect, key: str) -> PaymentOutcome:
        path = f"/v1/invoices/{quote(collect.invoice, safe='')}/pay"
        chosen = {} if collect.method is None else {"payment_method": collect.method}
        answer = self._send(
            "post", path, collect.seller, key, off_session=True, expand=self._expand, **chosen
        )
        if isinstance(answer, NotSent | Unknown):
            return answer
        if isinstance(answer, Mapping):
            return self._after_paying(answer, collect)
        if answer.declined:
            return Declined(payment=self._declined(answer.error, collect))
        return self._refused(answer, collect)

    def _after_paying(self, answer: Mapping[str, object], collect: Collect) -> PaymentOutcome:
        """Stripe said 200: what it means must never be lost to an answer we can't read."""
        try:
            invoice = _read(StripeInvoice, answer)
            if invoice.state is InvoiceState.PAID:
                return Paid(payment=self._paid_by(invoice, collect.seller))
            tried = [self._of_part(part, collect.seller) for part in invoice.parts]
        except (_NoAnswerError, ProviderError, NotFound):
            return Unknown(reason="unreadable_answer")
        made = [payment for payment in tried if payment is not None]
        return _outcome(made[-1]) if made else Unknown(reason="unreadable_answer")

    def _declined(self, error: PaymentError, collect: Collect) -> Payment:
        """The try behind a refusal, read like any other, so that it is the same by every door."""
        try:
            if error.charge is not None:
                return payment_of_charge(self._charge(error.charge, collect.seller))
            if error.payment_intent is not None:
                waiting = payment_of_intent(error.payment_intent)
                if waiting is not None:
                    return waiting
        except (_NoAnswerError, ProviderError, NotFound):
            pass
        return payment_of_error(error, collect.amount, self._now())

    def _refused(self, refusal: Refusal, collect: Collect) -> PaymentOutcome:
        """Stripe refused the request: look whether the invoice changed in between."""
        try:
            invoice = self._invoice(collect.invoice, collect.seller)
            if invoice is None:
                return NoEffect(reason="invoice_missing")
            obstacle = self._obstacle(invoice, collect)
        except _NoAnswerError as exc:
            return Unknown(reason=exc.outcome.reason)
        if obstacle is not None:
            return obstacle
        if refusal.error.param == "payment_method":
            return NoEffect(reason="payment_method_missing")
        if "default_payment_method" in refusal.error.message:
            return NoEffect(reason="no_payment_method")
        return NoEffect(reason=refusal.code)

    # ------------------------------------------------------------------------------ reading

    @property
    def _expand(self) -> list[str]:
        if self._version[:10] < _BASIL:
            return ["payment_intent", "subscription"]
        return ["payments.data.payment.payment_intent", "parent.subscription_details.subscription"]

    def _invoice(self, invoice: str, seller: str) -> StripeInvoice | None:
        path = f"/v1/invoices/{quote(invoice, safe='')}"
        found = self._read(path, seller, expand=self._expand)
        if found is None:
            return None
        read = _read(StripeInvoice, found)
        if read.payments is None or not read.payments.has_more:
            return read
        parts = tuple(self._parts(invoice, seller))
        return read.model_copy(update={"payments": InvoicePaymentList(data=parts)})

    def _parts(self, invoice: str, seller: str) -> Iterator[InvoicePayment]:
        after: dict[str, object] = {}
        while True:
            page = self._must_read(
                InvoicePaymentList,
                "/v1/invoice_payments",
                seller,
                invoice=invoice,
                limit=_PAGE,
                expand=["data.payment.payment_intent"],
                **after,
            )
            yield from page.data
            if not page.has_more:
                return
            after = {"starting_after": page.data[-1].id}

    def _payments(self, invoice: StripeInvoice, seller: str) -> tuple[Payment, ...]:
        """Every try, oldest first."""
        tries: list[Payment] = []
        for part in invoice.parts:
            intent = part.payment.payment_intent
            if intent is None:
                alone = self._of_part(part, seller)
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
            page = self._must_read(
                ChargeList, "/v1/charges", seller, payment_intent=intent, limit=_PAGE, **after
            )
            found.extend(page.data)
            if not page.has_more:
                return found[::-1]
            after = {"starting_after": page.data[-1].id}

    def _paid_by(self, invoice: StripeInvoice, seller: str) -> Payment:
        """The payment that paid it; the invoice itself when no payment did."""
        for part in reversed(invoice.parts):
            if part.status == "paid":
                payment = self._of_part(part, seller)
                if payment is not None and payment.state is PaymentState.SUCCEEDED:
                    return payment
        # Paid by credit, out of band, or because nothing was due.
        return Payment(
            id=PaymentId(invoice.id),
            state=PaymentState.SUCCEEDED,
            amount=amount(invoice.amount_paid, invoice.currency),
            at=invoice.paid_at,
        )

    def _of_part(self, part: InvoicePayment, seller: str) -> Payment | None:
        """The latest try of one of the invoice's payments."""
        intent = part.payment.payment_intent
        charge = part.payment.charge if intent is None else intent.latest_charge
        if intent is not None and intent.status == "requires_action":
            return payment_of_intent(intent)
        if charge is not None:
            return payment_of_charge(self._charge(charge, seller))
        return None if intent is None else payment_of_intent(intent)

    def _charge(self, charge: str, seller: str) -> Charge:
        return self._must_read(Charge, f"/v1/charges/{quote(charge, safe='')}", seller)

    def _subscription(self, subscription: str, seller: str) -> Subscription | None:
        found = self._read(f"/v1/subscriptions/{quote(subscription, safe='')}", seller)
        return None if found is None else _read(Subscription, found)

    def _must_read(self, shape: type[S], path: str, seller: str, **params: object) -> S:
        found = self._read(path, seller, **params)
        if found is None:
            raise _unreadable(path)
        return _read(shape, found)

    def _read(self, path: str, seller: str, **params: object) -> Mapping[str, object] | None:
        """The object at the path; None when there is none."""
        answer = self._send("get", path, seller, None, **params)
        if isinstance(answer, Mapping):
            return answer
        if isinstance(answer, NotSent | Unknown):
            raise _NoAnswerError(answer)
        if answer.missing:
            return None
        raise ProviderError(
            "Stripe refused to show an object",
            code="stripe.refused",
            field="path",
            value=answer.code,
            remedy="check the API version and the account",
        )

    # ------------------------------------------------------------------------------ sending

    def _send(
        self, method: str, path: str, seller: str, key: str | None, **params: object
    ) -> Mapping[str, object] | NotSent | Unknown | Refusal:
        """One request, never repeated by the SDK."""
        import stripe

        from retainkit.payments._stripe_errors import translate

        options: dict[str, object] = {}
        if key is not None:
            options["idempotency_key"] = key
        if seller != self._account:
            options["stripe_account"] = _connected(seller)
        try:
            answer = self._sdk().raw_request(method, path, **params, **options).data
        except stripe.StripeError as exc:
            meaning = translate(exc)
            if isinstance(meaning, ProviderError):
                raise meaning from exc
            return meaning
        return answer if isinstance(answer, Mapping) else Unknown(reason="unreadable_answer")

    def _sdk(self) -> _Client:
        process = os.getpid()
        if self._client is not None and self._client[0] == process:
            return self._client[1]
        import stripe

        seconds = self._timeout.total_seconds()
        client = stripe.StripeClient(
            self._api_key,
            stripe_version=self._version,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=(seconds, seconds)),
            base_addresses={} if self._base_url is None else {"api": self._base_url},
        )
        # `raw_request` is untyped in the SDK; its answers are plain JSON in every major version.
        made = cast("_Client", client)
        self._client = (process, made)
        return made

    def _now(self) -> datetime:
        return datetime.now(UTC) if self._clock is None else self._clock.now()


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


def _connected(seller: str) -> str:
    if seller.startswith("acct_"):
        return seller
    raise InvalidInput(
        "This is no Stripe account",
        code="stripe.seller",
        field="seller",
        value=seller,
        remedy="use the adapter's `account`, or the id of a connected account (acct_...)",
    )


def _mismatch(invoice: StripeInvoice, collect: Collect) -> str | None:
    if invoice.state is not InvoiceState.OPEN:
        return f"invoice_{invoice.state.value}"
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


def _read(shape: type[S], data: Mapping[str, object]) -> S:
    try:
        return shape.model_validate(data)
    except ValidationError as exc:
        raise _unreadable(shape.__name__) from exc


def _unreadable(what: str) -> ProviderError:
    return ProviderError(
        "Stripe's answer is not in a shape we know",
        code="stripe.unreadable",
        field="answer",
        value=what,
        remedy="update retainkit, and report this",
    )
