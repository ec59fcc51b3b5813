"""The simulated provider's books: invoices, methods, tries, events; no keys and no faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from attrs import define, evolve, field, frozen

from retainkit.billing import Invoice, InvoiceState, Payment, PaymentState
from retainkit.errors import NotFound
from retainkit.ids import InvoiceId, PaymentId, PaymentMethodId, SubscriptionId
from retainkit.money import Money
from retainkit.payments import ProviderEvent, ProviderEventKind
from retainkit.payments._behaviours import Behaviour, Script, Try, Verdict


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
class BookedInvoice:
    """An invoice as it stands; its charges are numbers in `Books.charges`."""

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


class Books:
    """
    What the provider knows; whoever uses it holds a lock.

    Args:
        seed: What the lots of tries are drawn from.

        script: What payment methods do.
    """

    def __init__(self, seed: int, script: Script) -> None:
        self._seed = seed
        self._script = script
        self.invoices: dict[tuple[str, str], BookedInvoice] = {}
        self.charges: list[Charge] = []
        self.behaviours: dict[str, Behaviour] = dict(script.methods)
        self.credentials: dict[str, str] = {}
        self.defaults: dict[tuple[str, str], PaymentMethodId] = {}
        self.subscriptions: set[tuple[str, str]] = set()
        self.cancelled: set[tuple[str, str]] = set()
        self.events: deque[ProviderEvent] = deque()
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._sequence = count(1)

    def new_id(self, prefix: str) -> str:
        """The next id."""
        return f"{prefix}_{next(self._sequence)}"

    def advance(self, now: datetime) -> None:
        """Let everything happen that was due until now."""
        while self._agenda and self._agenda[0][0] <= now:
            at, _, happen = heappop(self._agenda)
            happen(at)

    def _at(self, when: datetime, happen: Callable[[datetime], None]) -> None:
        heappush(self._agenda, (when, next(self._sequence), happen))

    def find(self, invoice: str, seller: str) -> BookedInvoice:
        """The invoice; raises `NotFound` when there is none."""
        found = self.invoices.get((seller, invoice))
        if found is None:
            raise NotFound(
                "The provider knows no such invoice",
                code="provider.no_such_invoice",
                field="invoice",
                value=invoice,
                remedy="check the id and the provider account",
            )
        return found

    def subscriber(self, seller: str, subscription: str) -> str | None:
        """Whose subscription it is, as its invoices say."""
        billed = (
            invoice.reference
            for invoice in self.invoices.values()
            if (invoice.seller, invoice.subscription) == (seller, subscription)
        )
        return next(billed, None)

    def method_of(self, invoice: BookedInvoice) -> PaymentMethodId | None:
        """What pays it: its own method, or else the customer's default one."""
        return invoice.method or self.defaults.get((invoice.seller, invoice.reference))

    def charge_by_provider(self, invoice: BookedInvoice, at: datetime) -> None:
        """The provider's own try, and the plan of its next one."""
        invoice.next_try = None
        method = self.method_of(invoice)
        payment = None if method is None else self.charge(invoice, at, method, None, None)
        failed = payment is None or payment.state is PaymentState.FAILED
        if failed and invoice.retries:
            invoice.next_try = at + invoice.retries[0]
            invoice.retries = invoice.retries[1:]
            self._at(invoice.next_try, lambda when: self._retry(invoice, when))

    def _retry(self, invoice: BookedInvoice, at: datetime) -> None:
        if invoice.state is InvoiceState.OPEN:
            self.charge_by_provider(invoice, at)

    def charge(
        self,
        invoice: BookedInvoice,
        at: datetime,
        method: PaymentMethodId | None,
        key: str | None,
        verdict: Verdict | None,
    ) -> Payment:
        """One try: asks the method's behaviour, unless the verdict is given."""
        number = len(invoice.charges) + 1
        if verdict is None:
            behaviour = self.behaviours.get(method or "", self._script.usual)
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
            credential=None if method is None else self.credentials.get(method, f"fp_{method}"),
            decline=None if verdict.state is PaymentState.PENDING else verdict.decline,
        )
        invoice.charges.append(len(self.charges))
        self.charges.append(
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

    def _settle(self, invoice: BookedInvoice, index: int, payment: Payment, at: datetime) -> None:
        self.charges[index] = evolve(self.charges[index], payment=payment)
        self._conclude(invoice, payment, at)

    def _conclude(self, invoice: BookedInvoice, payment: Payment, at: datetime) -> None:
        if payment.state is PaymentState.SUCCEEDED:
            invoice.state, invoice.next_try = InvoiceState.PAID, None
            invoice.remaining = invoice.remaining * 0
            self.emit_invoice("invoice.paid", invoice, at)
        elif payment.state is PaymentState.FAILED:
            self.emit_invoice("invoice.payment_failed", invoice, at)
        elif payment.state is PaymentState.NEEDS_ACTION:
            self.emit_invoice("invoice.payment_action_required", invoice, at)

    def visible(self, charge: Charge, now: datetime) -> bool:
        """Whether reads and look-ups may see it yet."""
        return charge.payment.at + self._script.lag <= now

    def paid_by(self, invoice: BookedInvoice, now: datetime) -> Payment | None:
        """The payment that paid it, as far as it can be seen."""
        for number in invoice.charges:
            charge = self.charges[number]
            if charge.payment.state is PaymentState.SUCCEEDED and self.visible(charge, now):
                return charge.payment
        return None

    def shown(self, invoice: BookedInvoice, now: datetime) -> Invoice:
        """The invoice as a read shows it."""
        payments = tuple(
            charge.payment
            for charge in map(self.charges.__getitem__, invoice.charges)
            if self.visible(charge, now)
        )
        return Invoice(
            id=invoice.id,
            seller=invoice.seller,
            reference=invoice.reference,
            subscription=invoice.subscription,
            subscription_cancelled=(invoice.seller, invoice.subscription or "") in self.cancelled,
            state=invoice.state,
            remaining=invoice.remaining,
            payments=payments,
            tries=len(payments),
            next_payment_attempt=invoice.next_try,
            provider_retries=invoice.next_try is not None,
        )

    def emit_invoice(self, name: str, invoice: BookedInvoice, at: datetime) -> None:
        """A webhook about an invoice."""
        self.emit(
            ProviderEventKind.INVOICE_CHANGED,
            name,
            at,
            invoice.seller,
            reference=invoice.reference,
            invoice=invoice.id,
            subscription=invoice.subscription,
        )

    def emit(
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
        """A webhook; waits until somebody takes it."""
        self.events.append(
            ProviderEvent(
                id=self.new_id("evt"),
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
