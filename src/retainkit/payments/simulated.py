"""A payment provider that moves no money: scripted, seeded, in memory; behaviours are imported."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from attrs import frozen

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
from retainkit.errors import InvalidInput, ProviderError
from retainkit.ids import InvoiceId, PaymentMethodId, SubscriptionId
from retainkit.money import Money
from retainkit.payments import (
    Capabilities,
    Collect,
    HostedPage,
    ProviderEvent,
    ProviderEventKind,
)
from retainkit.payments._behaviours import (
    AUTHENTICATION_REQUIRED,
    INSUFFICIENT_FUNDS,
    Behaviour,
    Chance,
    Declines,
    Fault,
    NeedsAuthentication,
    Script,
    Settles,
    Succeeds,
    Try,
    Verdict,
)
from retainkit.payments._simulated_books import BookedInvoice, Books, Charge
from retainkit.payments._simulated_webhooks import SIGNATURE_HEADER, signed, verified, written
from retainkit.timing import Clock


__all__ = [
    "AUTHENTICATION_REQUIRED",
    "INSUFFICIENT_FUNDS",
    "SIGNATURE_HEADER",
    "Behaviour",
    "Chance",
    "Charge",
    "Declines",
    "Fault",
    "NeedsAuthentication",
    "Script",
    "Settles",
    "SimulatedPayments",
    "Succeeds",
    "Try",
    "Verdict",
]

_SECRET = "simulated"  # noqa: S105 - signs pretend events of a provider that moves no money


@frozen
class _Remembered:
    asked: object
    outcome: PaymentOutcome
    at: datetime


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedPayments:
    """
    A whole payment provider in memory: invoices, methods, declines, faults, webhooks.

    The same seed, script and order of calls give the same answers and ids. Safe across threads.

    Args:
        seed: What the lots of `Chance` are drawn from.

        script: What payment methods do, and which calls go wrong.

        clock: What time it is; the system's when None.

        allow_production: Without it ``capabilities.test_only`` is set, and a kit in production
            refuses this provider.

        seller: The provider account of everything made here, unless said otherwise.

        idempotency_window: How long a key's answer is remembered.

        lookup_lag: How long after sending a look-up answers Unknown instead of NoEffect.

        page: Makes the URL of the hosted page from the customer's reference and the return URL.

        webhook_secrets: What webhooks are signed with; the first signs, all verify.

    Raises:
        InvalidInput: ``simulated.lag``: the script lags longer than ``lookup_lag`` declares.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        script: Script | None = None,
        clock: Clock | None = None,
        allow_production: bool = False,
        seller: str = "simulated",
        idempotency_window: timedelta = timedelta(hours=24),
        lookup_lag: timedelta = timedelta(minutes=1),
        page: Callable[[str, str], str] | None = None,
        webhook_secrets: tuple[str, ...] = (_SECRET,),
    ) -> None:
        self._script = script or Script()
        self._now = (clock or _SystemClock()).now
        self._page = page
        self._secrets = webhook_secrets
        if self._script.lag > lookup_lag:
            raise InvalidInput(
                "Look-ups would call a charge absent that can't be seen yet",
                code="simulated.lag",
                field="script",
                value=str(self._script.lag),
                remedy="declare a lookup_lag that is at least as long",
            )
        self._capabilities = Capabilities(
            name="simulated",
            idempotency_window=idempotency_window,
            lookup_lag=lookup_lag,
            native_retries=True,
            hosted_page=True,
            test_only=not allow_production,
        )
        self.seller: str = seller
        """The provider account of what is made here, unless said otherwise."""
        self.reachable: bool = True
        """Set to False for an outage: nothing gets through, and everybody is told so."""

        self._lock = threading.RLock()
        self._books = Books(seed, self._script)
        self._answers: dict[str, _Remembered] = {}
        self._paused: set[tuple[str, str]] = set()
        self._faults: deque[Fault] = deque()
        self._calls: Counter[str] = Counter()

    # ------------------------------------------------------------------- the pretend outside

    def add_method(
        self,
        behaviour: Behaviour | None = None,
        *,
        reference: str,
        id: str | None = None,
        credential: str | None = None,
        default: bool = True,
        seller: str | None = None,
    ) -> PaymentMethodId:
        """
        Give the customer a payment method.

        Another default one is a change, and says so in a webhook.

        Args:
            behaviour: What it does; the script's, when None.

            reference: The customer.

            id: Its id; made when None.

            credential: What stands behind it; made from the id when None.

            default: Whether it pays the customer's invoices from now on.

            seller: The provider account; this one's when None.
        """
        with self._lock:
            now = self._advance()
            seller = seller or self.seller
            method = PaymentMethodId(id or self._books.new_id("pm"))
            if behaviour is not None:
                self._books.behaviours[method] = behaviour
            self._books.credentials[method] = credential or f"fp_{method}"
            if not default:
                return method
            known = self._books.defaults.get((seller, reference))
            self._books.defaults[seller, reference] = method
            if known is not None:
                self._books.emit(
                    ProviderEventKind.PAYMENT_METHOD_CHANGED,
                    "customer.payment_method_changed",
                    now,
                    seller,
                    reference=reference,
                    method=method,
                    credential=self._books.credentials[method],
                )
            return method

    def open_invoice(
        self,
        *,
        reference: str,
        amount: Money,
        id: str | None = None,
        subscription: str | None = None,
        method: PaymentMethodId | None = None,
        charge: bool = True,
        retries: tuple[timedelta, ...] = (),
        seller: str | None = None,
    ) -> Invoice:
        """
        Open an invoice and, as providers do, try to collect it at once.

        Args:
            reference: The customer.

            amount: What is due.

            id: Its id; made when None.

            subscription: What it bills.

            method: What pays it; the customer's default when None.

            charge: Whether the provider tries at once.

            retries: When the provider tries again by itself, each after the try before.

            seller: The provider account; this one's when None.
        """
        with self._lock:
            now = self._advance()
            invoice = BookedInvoice(
                id=InvoiceId(id or self._books.new_id("in")),
                seller=seller or self.seller,
                reference=reference,
                subscription=None if subscription is None else SubscriptionId(subscription),
                remaining=amount,
                method=method,
                retries=retries,
            )
            if (invoice.seller, invoice.id) in self._books.invoices:
                raise InvalidInput(
                    "There is an invoice of this id",
                    code="simulated.invoice_exists",
                    field="id",
                    value=invoice.id,
                    remedy="give each invoice an id of its own",
                )
            self._books.invoices[invoice.seller, invoice.id] = invoice
            if invoice.subscription is not None:
                self._books.subscriptions.add((invoice.seller, invoice.subscription))
            if charge:
                self._books.charge_by_provider(invoice, now)
            return self._books.shown(invoice, now)

    def pay(self, invoice: str, *, seller: str | None = None) -> Payment:
        """The customer pays the invoice by themselves, on the provider's page."""
        with self._lock:
            now = self._advance()
            found = self._books.find(invoice, seller or self.seller)
            return self._books.charge(found, now, None, None, Verdict(state=PaymentState.SUCCEEDED))

    def void(self, invoice: str, *, seller: str | None = None) -> None:
        """Somebody voids the invoice."""
        with self._lock:
            now = self._advance()
            found = self._books.find(invoice, seller or self.seller)
            found.state, found.next_try = InvoiceState.VOID, None
            self._books.emit_invoice("invoice.voided", found, now)

    def change_amount(self, invoice: str, remaining: Money, *, seller: str | None = None) -> None:
        """A credit note or a correction changes what is due."""
        with self._lock:
            self._advance()
            self._books.find(invoice, seller or self.seller).remaining = remaining

    def fail_next(self, fault: Fault, times: int = 1) -> None:
        """Let the next writes go wrong; reads go on as before."""
        with self._lock:
            self._faults.extend([fault] * times)

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Every try there was, oldest first, whoever asked for it."""
        with self._lock:
            self._advance()
            return tuple(self._books.charges)

    def double_charges(self) -> tuple[InvoiceId, ...]:
        """Invoices for which money was taken more than once; none is the only right answer."""
        taken = Counter(
            (charge.seller, charge.invoice)
            for charge in self.charges
            if charge.payment.state in (PaymentState.SUCCEEDED, PaymentState.PENDING)
        )
        return tuple(invoice for (_, invoice), times in taken.items() if times > 1)

    def take_events(self) -> tuple[ProviderEvent, ...]:
        """The webhooks since the last call, oldest first, as events."""
        with self._lock:
            self._advance()
            taken = tuple(self._books.events)
            self._books.events.clear()
            return taken

    def webhook(self, event: ProviderEvent) -> bytes:
        """The raw body of an event as it comes over the wire."""
        return written(event)

    def sign(self, body: bytes, *, at: datetime, secret: str | None = None) -> dict[str, str]:
        """The headers that come with a body; signed with the first secret, or another one."""
        return signed(body, at, secret or self._secrets[0])

    # ---------------------------------------------------------------------- PaymentProvider

    @property
    def capabilities(self) -> Capabilities:
        """What this provider declares of itself."""
        return self._capabilities

    def collect(self, collect: Collect, *, key: str) -> PaymentOutcome:
        """Try to collect; see `PaymentProvider.collect`."""
        with self._lock:
            now = self._advance()
            fault = self._fault(key)
            refusal = _refusal(fault)
            if refusal is not None:
                return refusal
            outcome = self._collect_once(collect, key, now, fault)
            return Unknown(reason="timeout") if fault is Fault.LOST_ANSWER else outcome

    def look_up(self, collect: Collect, *, key: str, sent_at: datetime) -> PaymentOutcome:
        """What became of a try; see `PaymentProvider.look_up`."""
        with self._lock:
            now = self._advance()
            if not self.reachable:
                return NotSent(reason=Fault.REFUSED.value)
            found = self._books.invoices.get((collect.seller, collect.invoice))
            if found is None:
                return NoEffect(reason="invoice_missing")
            for number in reversed(found.charges):
                charge = self._books.charges[number]
                if charge.key == key and self._books.visible(charge, now):
                    return _outcome(charge.payment)
            paid_by = self._books.paid_by(found, now)
            if paid_by is not None:
                return Paid(payment=paid_by)
            if now < sent_at + self._capabilities.lookup_lag:
                return Unknown(reason="too_early_to_tell")
            return NoEffect(reason="not_found")

    def read_invoice(self, invoice: InvoiceId, *, seller: str) -> Invoice | NotSent:
        """The invoice right now; see `PaymentProvider.read_invoice`."""
        with self._lock:
            now = self._advance()
            if not self.reachable:
                return NotSent(reason=Fault.REFUSED.value)
            return self._books.shown(self._books.find(invoice, seller), now)

    # ----------------------------------------------------------------- SubscriptionProvider

    def cancel(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """End the subscription now; a second time changes nothing."""
        with self._lock:
            return self._write(key, lambda now: self._cancel(subscription, seller, now))

    def pause(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        """Stop collecting; a second time changes nothing."""
        with self._lock:
            return self._write(key, lambda _: self._pause(subscription, seller))

    def mark_uncollectible(self, invoice: InvoiceId, *, seller: str, key: str) -> Outcome:
        """Write the invoice off; a second time changes nothing."""
        with self._lock:
            return self._write(key, lambda now: self._mark_uncollectible(invoice, seller, now))

    def payment_method_page(self, reference: str, *, seller: str, return_url: str) -> HostedPage:
        """A page that does not exist, at ``pay.example.test``, or the one of ``page``."""
        if not self.reachable:
            raise ProviderError(
                "The payment provider can't be reached",
                code="provider.unreachable",
                remedy="try again later",
            )
        if self._page is not None:
            return HostedPage(url=self._page(reference, return_url))
        from urllib.parse import quote, urlencode

        query = urlencode({"return_url": return_url})
        return HostedPage(
            url=f"https://pay.example.test/{quote(seller)}/{quote(reference)}?{query}",
            expires_at=self._now() + timedelta(hours=1),
        )

    # ------------------------------------------------------------------------ WebhookReader

    def read_webhook(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime
    ) -> ProviderEvent:
        """The event of a webhook that `sign` made; see `WebhookReader.read_webhook`."""
        return verified(body, headers, self._secrets, now)

    # ------------------------------------------------------------------------------- inside

    @property
    def _window(self) -> timedelta:
        return self._capabilities.idempotency_window

    def _advance(self) -> datetime:
        """Now, with everything on the books that was due until then."""
        now = self._now()
        self._books.advance(now)
        return now

    def _fault(self, key: str) -> Fault | None:
        if not self.reachable:
            return Fault.REFUSED
        if self._faults:
            return self._faults.popleft()
        if self._script.faults is None:
            return None
        self._calls[key] += 1
        return self._script.faults(key, self._calls[key])

    def _collect_once(
        self, collect: Collect, key: str, now: datetime, fault: Fault | None
    ) -> PaymentOutcome:
        remembered = self._answers.get(key)
        asked = (collect.seller, collect.invoice, collect.method)
        if remembered is not None and now - remembered.at < self._window:
            if remembered.asked == asked:
                return remembered.outcome
            return Unknown(reason="key_of_another_request")
        outcome: PaymentOutcome = Unknown(reason=Fault.STORED_ERROR.value)
        if fault is not Fault.STORED_ERROR:
            made = self._collect(collect, key, now)
            if isinstance(made, NoEffect):
                return made
            outcome = outcome if fault is Fault.STORED_ERROR_AFTER else made
        self._answers[key] = _Remembered(asked, outcome, now)
        return outcome

    def _collect(self, collect: Collect, key: str, now: datetime) -> PaymentOutcome:
        found = self._books.invoices.get((collect.seller, collect.invoice))
        if found is None:
            return NoEffect(reason="invoice_missing")
        paid_by = self._books.paid_by(found, now)
        if paid_by is not None:
            return Paid(payment=paid_by)
        if found.state is not InvoiceState.OPEN:
            return NoEffect(reason=f"invoice_{found.state.value}")
        if found.remaining != collect.amount:
            return NoEffect(reason="amount_changed")
        if found.next_try is not None:
            return NoEffect(reason="provider_retries")
        for number in found.charges:
            if self._books.charges[number].payment.state is PaymentState.PENDING:
                return Pending(payment=self._books.charges[number].payment)
        method = collect.method or self._books.method_of(found)
        if method is None:
            return NoEffect(reason="no_payment_method")
        return _outcome(self._books.charge(found, now, method, key, None))

    def _write(self, key: str, write: Callable[[datetime], Answer | NoEffect]) -> Outcome:
        now = self._advance()
        fault = self._fault(key)
        refusal = _refusal(fault)
        if refusal is not None:
            return refusal
        if fault is Fault.STORED_ERROR:
            return Unknown(reason=fault.value)
        answer = write(now)
        if fault is Fault.STORED_ERROR_AFTER:
            return Unknown(reason=Fault.STORED_ERROR.value)
        return Unknown(reason="timeout") if fault is Fault.LOST_ANSWER else answer

    def _cancel(
        self, subscription: SubscriptionId, seller: str, now: datetime
    ) -> Answer | NoEffect:
        if (seller, subscription) not in self._books.subscriptions:
            return NoEffect(reason="subscription_missing")
        if (seller, subscription) not in self._books.cancelled:
            self._books.cancelled.add((seller, subscription))
            self._books.emit(
                ProviderEventKind.SUBSCRIPTION_CANCELLED,
                "subscription.cancelled",
                now,
                seller,
                reference=self._books.subscriber(seller, subscription),
                subscription=subscription,
            )
        return Answer(data={"subscription": subscription, "state": "canceled"})

    def _pause(self, subscription: SubscriptionId, seller: str) -> Answer | NoEffect:
        if (seller, subscription) not in self._books.subscriptions:
            return NoEffect(reason="subscription_missing")
        if (seller, subscription) in self._books.cancelled:
            return NoEffect(reason="subscription_canceled")
        self._paused.add((seller, subscription))
        return Answer(data={"subscription": subscription, "state": "paused"})

    def _mark_uncollectible(
        self, invoice: InvoiceId, seller: str, now: datetime
    ) -> Answer | NoEffect:
        found = self._books.invoices.get((seller, invoice))
        if found is None:
            return NoEffect(reason="invoice_missing")
        if found.state not in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE):
            return NoEffect(reason=f"invoice_{found.state.value}")
        if found.state is InvoiceState.OPEN:
            found.state, found.next_try = InvoiceState.UNCOLLECTIBLE, None
            self._books.emit_invoice("invoice.marked_uncollectible", found, now)
        return Answer(data={"invoice": invoice, "state": InvoiceState.UNCOLLECTIBLE.value})


def _refusal(fault: Fault | None) -> NotSent | Unknown | None:
    """What is answered to a call that never began; None when it begins."""
    if fault is Fault.RATE_LIMITED:
        return NotSent(reason=fault.value, retry_after=timedelta(seconds=30))
    if fault in (Fault.REFUSED, Fault.IN_USE):
        return NotSent(reason=fault.value)
    if fault is Fault.LOST_REQUEST:
        return Unknown(reason="timeout")
    if fault is Fault.KEY_EXPIRED:
        raise ProviderError(
            "The provider refuses the key",
            code="simulated.authentication",
            field="api_key",
            remedy="there is none to renew: a test asked for this",
        )
    return None


def _outcome(payment: Payment) -> Paid | Declined | Pending:
    if payment.state is PaymentState.SUCCEEDED:
        return Paid(payment=payment)
    if payment.state is PaymentState.PENDING:
        return Pending(payment=payment)
    return Declined(payment=payment)
