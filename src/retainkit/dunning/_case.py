"""A dunning case: what one customer owes one seller in one currency. What to do is elsewhere."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cached_property

from attrs import frozen

from retainkit.billing import InvoiceState, Payment, PaymentState
from retainkit.dunning._policy import AccessLevel
from retainkit.ids import (
    CaseId,
    CustomerId,
    EventId,
    InvoiceId,
    PaymentId,
    PaymentMethodId,
    SubscriptionId,
)
from retainkit.money import Money


class CaseOutcome(StrEnum):
    """
    How a case closed.

    ``recovered``: paid. ``settled``: nothing is owed any more, though not all was paid.
    ``ended``: the plan reached its end with money still owed.
    """

    RECOVERED = "recovered"
    SETTLED = "settled"
    ENDED = "ended"


@frozen(kw_only=True)
class CaseInvoice:
    """
    One invoice of a case.

    Args:
        id: The provider's id.

        state: Where it stands, as far as we know.

        remaining: What is to pay; once settled, what was to pay last.

        failed_at: Its first failure; the clock of its ladder.

        subscription: What it bills.

        cancelled: Whether that subscription was cancelled.

        payments: Every try we know of, with its state, by id.

        last: The latest try that failed.

        tries: How many the provider counts.

        next_payment_attempt: When the provider tries again by itself.

        provider_retries: Whether it retries by itself.

        refused: Whether we have said that we don't charge what the provider retries.

        rungs: How many steps of the ladder are used.

        attempts: How many tries of ours were decided; numbers the next.

        reads: How often we asked to read it; numbers the next.

        flight: The attempt under way, if one is.

        flight_rungs: How many steps are used once that attempt is answered.

        owed: Whether one immediate try is owed, because of a new payment method.

        misses: How many attempts in a row proved to have no effect.

        unknown_retries: How many tries followed an unknown code.
    """

    id: InvoiceId
    state: InvoiceState
    remaining: Money
    failed_at: datetime
    subscription: SubscriptionId | None = None
    cancelled: bool = False
    payments: tuple[tuple[PaymentId, PaymentState], ...] = ()
    last: Payment | None = None
    tries: int = 0
    next_payment_attempt: datetime | None = None
    provider_retries: bool = False
    refused: bool = False
    rungs: int = 0
    attempts: int = 0
    reads: int = 0
    flight: str | None = None
    flight_rungs: int = 0
    owed: bool = False
    misses: int = 0
    unknown_retries: int = 0

    @property
    def open(self) -> bool:
        """Whether it is still to be paid."""
        return self.state is InvoiceState.OPEN

    @cached_property
    def pending(self) -> bool:
        """Whether a payment is on its way."""
        return any(state is PaymentState.PENDING for _, state in self.payments)

    @property
    def provider_owned(self) -> bool:
        """Whether the provider collects it by itself."""
        return self.provider_retries or self.next_payment_attempt is not None


@frozen(kw_only=True)
class DunningCase:
    """
    The open invoices of one customer, currency and seller.

    Args:
        id: Derived from customer, key and the number of the customer's earlier cases of the key.

        key: ``currency:seller``.

        customer: Who owes.

        seller: The provider account.

        currency: The ISO 4217 code.

        opened_at: When it was opened.

        seen_at: When anything was last heard, or asked.

        invoices: By id; settled ones stay.

        dead: Credentials and methods that must never be tried again.

        method: The payment method the customer gave last.

        credential: What stands behind it.

        method_at: When it was given.

        asked: Credentials about which the customer was asked to act.

        stages_done: How many stages of the plan are behind us.

        round: How often the stage clock was set later, because the oldest invoice was settled.

        announced_at: When the end was announced.

        requests: The messages that were asked for, by the ids of their requests.

        access: The level that was last made known.

        ending: Effects of the end that are under way.

        ended_at: When the plan reached its end.

        steps: How many decisions said something; numbers their events.

        outcome: How it closed; None while it is open.

        closed_at: When it closed.
    """

    id: CaseId
    key: str
    customer: CustomerId
    seller: str
    currency: str
    opened_at: datetime
    seen_at: datetime
    invoices: tuple[CaseInvoice, ...] = ()
    dead: tuple[str, ...] = ()
    method: PaymentMethodId | None = None
    credential: str | None = None
    method_at: datetime | None = None
    asked: tuple[str, ...] = ()
    stages_done: int = 0
    round: int = 0
    announced_at: datetime | None = None
    requests: tuple[EventId, ...] = ()
    access: AccessLevel = AccessLevel.FULL
    ending: tuple[str, ...] = ()
    ended_at: datetime | None = None
    steps: int = 0
    outcome: CaseOutcome | None = None
    closed_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether there is a next step."""
        return self.outcome is None

    @cached_property
    def open_invoices(self) -> tuple[CaseInvoice, ...]:
        """What is still to be paid."""
        return tuple(invoice for invoice in self.invoices if invoice.open)

    @cached_property
    def clock(self) -> datetime:
        """The first failure of the oldest open invoice: the zero of all stages."""
        open_since = (invoice.failed_at for invoice in self.open_invoices)
        return min(open_since, default=self.opened_at)

    def invoice(self, name: InvoiceId) -> CaseInvoice | None:
        """The invoice of that id, if it is part of this case."""
        return next((invoice for invoice in self.invoices if invoice.id == name), None)


def case_key(currency: str, seller: str) -> str:
    """The natural key of a case."""
    return f"{currency}:{seller}"


def credential_of(method: str | None, credential: str | None) -> str:
    """What a hard decline belongs to; ``default`` when the provider names nothing."""
    return credential or method or "default"
