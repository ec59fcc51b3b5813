"""A payment provider that moves no money: scripted, seeded, in memory; behaviours are imported."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

from attrs import define, evolve, field, frozen

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
from retainkit.core import Answer, JsonObject, NoEffect, NotSent, Outcome, Unknown, dumps, loads
from retainkit.errors import InvalidInput, NotFound, ProviderError
from retainkit.ids import InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
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
    NeedsAuthentication,
    Settles,
    Succeeds,
    Try,
    Verdict,
)
from retainkit.payments._webhooks import (
    bad_signature,
    check_age,
    check_size,
    malformed,
    signature_header,
    signed_at,
)
from retainkit.timing import Clock, utc


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

SIGNATURE_HEADER = "Simulated-Signature"
"""The header that `SimulatedPayments.sign` makes."""
_SECRET = "simulated"  # noqa: S105 - signs pretend events of a provider that moves no money


class Fault(Enum):
    """
    How a write goes wrong.

    ``lost_answer`` and ``stored_error_after`` have their effect all the same. A stored error is
    the provider's answer to that key from then on.
    """

    REFUSED = "not_connected"
    RATE_LIMITED = "rate_limited"
    IN_USE = "key_in_use"
    LOST_REQUEST = "timeout"
    LOST_ANSWER = "timeout_after"
    STORED_ERROR = "server_error"
    STORED_ERROR_AFTER = "server_error_after"
    KEY_EXPIRED = "key_expired"


@frozen(kw_only=True)
class Script:
    """
    What the pretend outside does.

    Args:
        methods: The behaviour of payment methods, by id.

        usual: The behaviour of all others.

        faults: Asked before each write with its key and how often that key came; says what goes
            wrong. Used after the faults given to `SimulatedPayments.fail_next`.

        lag: How long a charge stays invisible to look-ups and reads; at most the declared one.
    """

    methods: Mapping[str, Behaviour] = field(factory=dict)
    usual: Behaviour = field(factory=Succeeds)
    faults: Callable[[str, int], Fault | None] | None = None
    lag: timedelta = timedelta(0)


@frozen(kw_only=True)
class Charge:
    """
    One try on the provider's own books: the judge of double charges.

    Args:
        invoice: What was charged.

        seller: Whose invoice.

        payment: The try as it stands.

        key: The idempotency key that asked for it; None for the provider's and customers' own.
    """

    invoice: InvoiceId
    seller: str
    payment: Payment
    key: str | None


@define(kw_only=True, eq=False)
class _Invoice:
    id: InvoiceId
    seller: str
    reference: str
    subscription: SubscriptionId | None
    remaining: Money
    method: PaymentMethodId | None
    state: InvoiceState = InvoiceState.OPEN
    charges: list[int] = field(factory=list)
    retries: tuple[timedelta, ...] = ()
    next_try: datetime | None = None


@frozen
class _Remembered:
    asked: object
    outcome: PaymentOutcome
    at: datetime


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


_InvoiceKey: TypeAlias = tuple[str, str]


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
        self._seed = seed
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
        self._invoices: dict[_InvoiceKey, _Invoice] = {}
        self._charges: list[Charge] = []
        self._answers: dict[str, _Remembered] = {}
        self._behaviours: dict[str, Behaviour] = dict(self._script.methods)
        self._credentials: dict[str, str] = {}
        self._defaults: dict[tuple[str, str], PaymentMethodId] = {}
        self._cancelled: set[tuple[str, str]] = set()
        self._subscriptions: set[tuple[str, str]] = set()
        self._paused: set[tuple[str, str]] = set()
        self._faults: deque[Fault] = deque()
        self._calls: Counter[str] = Counter()
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._sequence = count(1)
        self._events: deque[ProviderEvent] = deque()

    # ------------------------------------------------------------------- the pretend outside

    def add_method(
        self,
        behaviour: Behaviour | None = None,
        *,
        reference: str,
        id: str | None = None,  # noqa: A002 - the word of the field
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
            method = PaymentMethodId(id or f"pm_{next(self._sequence)}")
            if behaviour is not None:
                self._behaviours[method] = behaviour
            self._credentials[method] = credential or f"fp_{method}"
            if not default:
                return method
            known = self._defaults.get((seller, reference))
            self._defaults[seller, reference] = method
            if known is not None:
                self._emit(
                    ProviderEventKind.PAYMENT_METHOD_CHANGED,
                    "customer.payment_method_changed",
                    now,
                    seller,
                    reference=reference,
                    method=method,
                    credential=self._credentials[method],
                )
            return method

    def open_invoice(
        self,
        *,
        reference: str,
        amount: Money,
        id: str | None = None,  # noqa: A002 - the word of the field
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
            invoice = _Invoice(
                id=InvoiceId(id or f"in_{next(self._sequence)}"),
                seller=seller or self.seller,
                reference=reference,
                subscription=None if subscription is None else SubscriptionId(subscription),
                remaining=amount,
                method=method,
                retries=retries,
            )
            if (invoice.seller, invoice.id) in self._invoices:
                raise InvalidInput(
                    "There is an invoice of this id",
                    code="simulated.invoice_exists",
                    field="id",
                    value=invoice.id,
                    remedy="give each invoice an id of its own",
                )
            self._invoices[invoice.seller, invoice.id] = invoice
            if invoice.subscription is not None:
                self._subscriptions.add((invoice.seller, invoice.subscription))
            if charge:
                self._charge_by_provider(invoice, now)
            return self._shown(invoice, now)

    def pay(self, invoice: str, *, seller: str | None = None) -> Payment:
        """The customer pays the invoice by themselves, on the provider's page."""
        with self._lock:
            now = self._advance()
            found = self._find(invoice, seller or self.seller)
            return self._charge(found, now, None, None, Verdict(state=PaymentState.SUCCEEDED))

    def void(self, invoice: str, *, seller: str | None = None) -> None:
        """Somebody voids the invoice."""
        with self._lock:
            now = self._advance()
            found = self._find(invoice, seller or self.seller)
            found.state, found.next_try = InvoiceState.VOID, None
            self._emit_invoice("invoice.voided", found, now)

    def change_amount(self, invoice: str, remaining: Money, *, seller: str | None = None) -> None:
        """A credit note or a correction changes what is due."""
        with self._lock:
            self._advance()
            self._find(invoice, seller or self.seller).remaining = remaining

    def fail_next(self, fault: Fault, times: int = 1) -> None:
        """Let the next writes go wrong; reads go on as before."""
        with self._lock:
            self._faults.extend([fault] * times)

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Every try there was, oldest first, whoever asked for it."""
        with self._lock:
            self._advance()
            return tuple(self._charges)

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
            taken = tuple(self._events)
            self._events.clear()
            return taken

    def webhook(self, event: ProviderEvent) -> bytes:
        """The raw body of an event as it comes over the wire."""
        return dumps(_event_json(event)).encode()

    def sign(self, body: bytes, *, at: datetime, secret: str | None = None) -> dict[str, str]:
        """The headers that come with a body; signed with the first secret, or another one."""
        time = int(utc(at).timestamp())
        signature = _signature(secret or self._secrets[0], time, body)
        return {SIGNATURE_HEADER: f"t={time},v1={signature}"}

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
            found = self._invoices.get((collect.seller, collect.invoice))
            if found is None:
                return NoEffect(reason="invoice_missing")
            for number in reversed(found.charges):
                charge = self._charges[number]
                if charge.key == key and self._visible(charge, now):
                    return _outcome(charge.payment)
            paid_by = self._paid_by(found, now)
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
            return self._shown(self._find(invoice, seller), now)

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
        check_size(body)
        header = signature_header(headers, SIGNATURE_HEADER)
        at = signed_at(header)
        given = [part[3:] for part in header.split(",") if part.startswith("v1=")]
        expected = [_signature(secret, int(at.timestamp()), body) for secret in self._secrets]
        if not any(
            hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected
        ):
            raise bad_signature("The webhook's signature does not match its body")
        check_age(at, now)
        try:
            return _event_of_json(loads(body.decode()))
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise malformed("The webhook's body is no event") from exc

    # ------------------------------------------------------------------------------- inside

    @property
    def _window(self) -> timedelta:
        return self._capabilities.idempotency_window

    def _advance(self) -> datetime:
        """Let everything happen that was due until now."""
        now = self._now()
        while self._agenda and self._agenda[0][0] <= now:
            at, _, happen = heappop(self._agenda)
            happen(at)
        return now

    def _at(self, when: datetime, happen: Callable[[datetime], None]) -> None:
        heappush(self._agenda, (when, next(self._sequence), happen))

    def _fault(self, key: str) -> Fault | None:
        if not self.reachable:
            return Fault.REFUSED
        if self._faults:
            return self._faults.popleft()
        if self._script.faults is None:
            return None
        self._calls[key] += 1
        return self._script.faults(key, self._calls[key])

    def _find(self, invoice: str, seller: str) -> _Invoice:
        found = self._invoices.get((seller, invoice))
        if found is None:
            raise NotFound(
                "The provider knows no such invoice",
                code="provider.no_such_invoice",
                field="invoice",
                value=invoice,
                remedy="check the id and the provider account",
            )
        return found

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
        found = self._invoices.get((collect.seller, collect.invoice))
        if found is None:
            return NoEffect(reason="invoice_missing")
        paid_by = self._paid_by(found, now)
        if paid_by is not None:
            return Paid(payment=paid_by)
        if found.state is not InvoiceState.OPEN:
            return NoEffect(reason=f"invoice_{found.state.value}")
        if found.remaining != collect.amount:
            return NoEffect(reason="amount_changed")
        if found.next_try is not None:
            return NoEffect(reason="provider_retries")
        for number in found.charges:
            if self._charges[number].payment.state is PaymentState.PENDING:
                return Pending(payment=self._charges[number].payment)
        method = collect.method or self._method_of(found)
        if method is None:
            return NoEffect(reason="no_payment_method")
        return _outcome(self._charge(found, now, method, key, None))

    def _method_of(self, invoice: _Invoice) -> PaymentMethodId | None:
        return invoice.method or self._defaults.get((invoice.seller, invoice.reference))

    def _charge_by_provider(self, invoice: _Invoice, at: datetime) -> None:
        invoice.next_try = None
        method = self._method_of(invoice)
        payment = None if method is None else self._charge(invoice, at, method, None, None)
        failed = payment is None or payment.state is PaymentState.FAILED
        if failed and invoice.retries:
            invoice.next_try = at + invoice.retries[0]
            invoice.retries = invoice.retries[1:]
            self._at(invoice.next_try, lambda when: self._retry(invoice, when))

    def _retry(self, invoice: _Invoice, at: datetime) -> None:
        if invoice.state is InvoiceState.OPEN and invoice.next_try == at:
            self._charge_by_provider(invoice, at)

    def _charge(
        self,
        invoice: _Invoice,
        at: datetime,
        method: PaymentMethodId | None,
        key: str | None,
        verdict: Verdict | None,
    ) -> Payment:
        number = len(invoice.charges) + 1
        if verdict is None:
            behaviour = self._behaviours.get(method or "", self._script.usual)
            lot = f"{self._seed}/{invoice.seller}/{invoice.id}/{number}"
            verdict = behaviour.verdict(
                Try(amount=invoice.remaining, at=at, number=number, lot=lot)
            )
        payment = Payment(
            id=PaymentId(f"ch_{invoice.id}_{number}"),
            state=verdict.state,
            amount=invoice.remaining,
            at=at,
            method=method,
            credential=None if method is None else self._credentials.get(method, f"fp_{method}"),
            decline=None if verdict.state is PaymentState.PENDING else verdict.decline,
        )
        invoice.charges.append(len(self._charges))
        self._charges.append(
            Charge(invoice=invoice.id, seller=invoice.seller, payment=payment, key=key)
        )
        if verdict.settles_after is not None:
            index, decline = invoice.charges[-1], verdict.decline
            settled = evolve(
                payment,
                state=PaymentState.SUCCEEDED if decline is None else PaymentState.FAILED,
                decline=decline,
            )
            self._at(
                at + verdict.settles_after, lambda when: self._settle(invoice, index, settled, when)
            )
        self._conclude(invoice, payment, at)
        return payment

    def _settle(self, invoice: _Invoice, index: int, payment: Payment, at: datetime) -> None:
        self._charges[index] = evolve(self._charges[index], payment=payment)
        self._conclude(invoice, payment, at)

    def _conclude(self, invoice: _Invoice, payment: Payment, at: datetime) -> None:
        if payment.state is PaymentState.SUCCEEDED:
            invoice.state, invoice.next_try = InvoiceState.PAID, None
            invoice.remaining = invoice.remaining * 0
            self._emit_invoice("invoice.paid", invoice, at)
        elif payment.state is PaymentState.FAILED:
            self._emit_invoice("invoice.payment_failed", invoice, at)
        elif payment.state is PaymentState.NEEDS_ACTION:
            self._emit_invoice("invoice.payment_action_required", invoice, at)

    def _visible(self, charge: Charge, now: datetime) -> bool:
        return charge.payment.at + self._script.lag <= now

    def _paid_by(self, invoice: _Invoice, now: datetime) -> Payment | None:
        for number in invoice.charges:
            charge = self._charges[number]
            if charge.payment.state is PaymentState.SUCCEEDED and self._visible(charge, now):
                return charge.payment
        return None

    def _shown(self, invoice: _Invoice, now: datetime) -> Invoice:
        payments = tuple(
            charge.payment
            for charge in map(self._charges.__getitem__, invoice.charges)
            if self._visible(charge, now)
        )
        return Invoice(
            id=invoice.id,
            seller=invoice.seller,
            reference=invoice.reference,
            subscription=invoice.subscription,
            subscription_cancelled=(invoice.seller, invoice.subscription or "") in self._cancelled,
            state=invoice.state,
            remaining=invoice.remaining,
            payments=payments,
            tries=len(payments),
            next_payment_attempt=invoice.next_try,
            provider_retries=invoice.next_try is not None,
        )

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
        if (seller, subscription) not in self._subscriptions:
            return NoEffect(reason="subscription_missing")
        if (seller, subscription) not in self._cancelled:
            self._cancelled.add((seller, subscription))
            self._emit(
                ProviderEventKind.SUBSCRIPTION_CANCELLED,
                "subscription.cancelled",
                now,
                seller,
                subscription=subscription,
            )
        return Answer(data={"subscription": subscription, "state": "canceled"})

    def _pause(self, subscription: SubscriptionId, seller: str) -> Answer | NoEffect:
        if (seller, subscription) not in self._subscriptions:
            return NoEffect(reason="subscription_missing")
        if (seller, subscription) in self._cancelled:
            return NoEffect(reason="subscription_canceled")
        self._paused.add((seller, subscription))
        return Answer(data={"subscription": subscription, "state": "paused"})

    def _mark_uncollectible(
        self, invoice: InvoiceId, seller: str, now: datetime
    ) -> Answer | NoEffect:
        found = self._invoices.get((seller, invoice))
        if found is None:
            return NoEffect(reason="invoice_missing")
        if found.state not in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE):
            return NoEffect(reason=f"invoice_{found.state.value}")
        if found.state is InvoiceState.OPEN:
            found.state, found.next_try = InvoiceState.UNCOLLECTIBLE, None
            self._emit_invoice("invoice.marked_uncollectible", found, now)
        return Answer(data={"invoice": invoice, "state": InvoiceState.UNCOLLECTIBLE.value})

    def _emit_invoice(self, name: str, invoice: _Invoice, at: datetime) -> None:
        self._emit(
            ProviderEventKind.INVOICE_CHANGED,
            name,
            at,
            invoice.seller,
            reference=invoice.reference,
            invoice=invoice.id,
            subscription=invoice.subscription,
        )

    def _emit(
        self,
        kind: ProviderEventKind,
        name: str,
        at: datetime,
        seller: str,
        *,
        reference: str | None = None,
        invoice: InvoiceId | None = None,
        method: PaymentMethodId | None = None,
        credential: str | None = None,
        subscription: SubscriptionId | None = None,
    ) -> None:
        self._events.append(
            ProviderEvent(
                id=f"evt_{next(self._sequence)}",
                seller=seller,
                kind=kind,
                name=name,
                occurred_at=at,
                reference=reference,
                invoice=invoice,
                method=method,
                credential=credential,
                subscription=subscription,
            )
        )


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


def _signature(secret: str, time: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % time + body, hashlib.sha256).hexdigest()


def _event_json(event: ProviderEvent) -> JsonObject:
    return {
        "id": event.id,
        "seller": event.seller,
        "kind": event.kind.value,
        "name": event.name,
        "occurred_at": event.occurred_at.isoformat(),
        "reference": event.reference,
        "invoice": event.invoice,
        "method": event.method,
        "credential": event.credential,
        "subscription": event.subscription,
    }


def _event_of_json(data: JsonObject) -> ProviderEvent:
    texts = {name: None if value is None else str(value) for name, value in data.items()}
    invoice, method, subscription = texts["invoice"], texts["method"], texts["subscription"]
    return ProviderEvent(
        id=str(data["id"]),
        seller=str(data["seller"]),
        kind=ProviderEventKind(str(data["kind"])),
        name=str(data["name"]),
        occurred_at=utc(datetime.fromisoformat(str(data["occurred_at"]))),
        reference=texts["reference"],
        invoice=None if invoice is None else InvoiceId(invoice),
        method=None if method is None else PaymentMethodId(method),
        credential=texts["credential"],
        subscription=None if subscription is None else SubscriptionId(subscription),
    )
