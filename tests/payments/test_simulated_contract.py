"""The provider contract over the simulated provider."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from retainkit.billing import Decline, PaymentState
from retainkit.ids import InvoiceId, PaymentMethodId
from retainkit.money import money
from retainkit.payments import ProviderEvent, ProviderEventKind
from retainkit.payments.simulated import (
    Behaviour,
    Declines,
    Fault,
    NeedsAuthentication,
    Settles,
    SimulatedPayments,
    Succeeds,
)
from retainkit.testing import Card, PaymentProviderContract, PaymentWorld, Stage


FAULTS = {
    Stage.LOST_ANSWER: Fault.LOST_ANSWER,
    Stage.LOST_REQUEST: Fault.LOST_REQUEST,
    Stage.SERVER_ERROR: Fault.STORED_ERROR,
    Stage.SERVER_ERROR_AFTER: Fault.STORED_ERROR_AFTER,
    Stage.KEY_IN_USE: Fault.IN_USE,
    Stage.RATE_LIMITED: Fault.RATE_LIMITED,
    Stage.KEY_EXPIRED: Fault.KEY_EXPIRED,
}
CARDS: dict[Card, Behaviour] = {
    Card.GOOD: Succeeds(),
    Card.AUTHENTICATION: NeedsAuthentication(),
    Card.BANK_DEBIT: Settles(timedelta(days=3)),
}


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 2, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class SimulatedWorld(PaymentWorld):
    """The simulated provider is moved by its own methods."""

    missing = frozenset({Stage.RESET_AFTER, Stage.RESET_BEFORE})

    def __init__(self) -> None:
        self._clock = TurnedClock()
        self._provider = SimulatedPayments(
            seed=7,
            clock=self._clock,
            webhook_secrets=(self.signing.current, self.signing.old),
        )
        self._customers = 0

    @property
    def provider(self) -> SimulatedPayments:
        return self._provider

    @property
    def seller(self) -> str:
        return self._provider.seller

    @property
    def now(self) -> datetime:
        return self._clock.at

    def open_invoice(
        self, card: Card | Decline = Card.GOOD, *, subscription: bool = False, retried: bool = False
    ) -> InvoiceId:
        self._customers += 1
        reference = f"cus_{self._customers}"
        self._provider.add_method(_behaviour(card), reference=reference)
        return self._provider.open_invoice(
            reference=reference,
            amount=money("19.99", "EUR"),
            subscription=f"sub_{self._customers}" if subscription else None,
            charge=retried,
            retries=(timedelta(days=1),) if retried else (),
        ).id

    def add_card(self, invoice: InvoiceId, card: Card | Decline = Card.GOOD) -> PaymentMethodId:
        return self._provider.add_method(
            _behaviour(card), reference=self.read(invoice).reference, default=False
        )

    def taken(self, invoice: InvoiceId) -> int:
        return sum(
            charge.payment.state is PaymentState.SUCCEEDED
            for charge in self._provider.charges
            if charge.invoice == invoice
        )

    def void(self, invoice: InvoiceId) -> None:
        self._provider.void(invoice)

    def pay(self, invoice: InvoiceId) -> None:
        self._provider.pay(invoice)

    def fail_next(self, fault: Stage) -> None:
        if fault is Stage.OUTAGE:
            self._provider.reachable = False
        else:
            self._provider.fail_next(FAULTS[fault])

    def turn(self, span: timedelta) -> None:
        self._clock.at += span

    def webhook(self, invoice: InvoiceId) -> bytes:
        shown = self.read(invoice)
        return self._provider.webhook(
            ProviderEvent(
                id="evt_contract",
                seller=self.seller,
                kind=ProviderEventKind.INVOICE_CHANGED,
                name="invoice.payment_failed",
                occurred_at=self.now,
                reference=shown.reference,
                invoice=invoice,
            )
        )

    def sign(self, body: bytes, *, at: datetime, secret: str) -> Mapping[str, str]:
        return self._provider.sign(body, at=at, secret=secret)


def _behaviour(card: Card | Decline) -> Behaviour:
    return Declines(card) if isinstance(card, Decline) else CARDS[card]


class TestSimulatedPayments(PaymentProviderContract):
    """The simulated provider keeps the contract."""

    @pytest.fixture
    def world(self) -> PaymentWorld:
        return SimulatedWorld()
