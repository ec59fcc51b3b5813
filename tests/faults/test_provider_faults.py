"""F6: everything that goes wrong between kit and provider; one charge, and doubt only where due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from tests.faults._campaign import Quiet, say
from tests.faults._world import POLICY

from retainkit.billing import PaymentState
from retainkit.core import Answer, Intent, Outcome
from retainkit.customers import Customer, StaticDirectory
from retainkit.engine import Guarantee, Performer, RetainKit
from retainkit.ids import CustomerId, InvoiceId
from retainkit.money import money
from retainkit.payments import ProviderEvent, ProviderEventKind
from retainkit.payments.simulated import Declines, Fault, Script, SimulatedPayments
from retainkit.payments.stripe import StripePayments
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock
from retainkit.testing.stripe_server import Fault as StripeFault
from retainkit.testing.stripe_server import StripeServer


START = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = CustomerId("ada")
# What can be known after each fault. Only what may have had its effect is in doubt.
SIMULATED = {
    Fault.REFUSED: "NotSent",
    Fault.RATE_LIMITED: "NotSent",
    Fault.IN_USE: "NotSent",
    Fault.KEY_EXPIRED: "NotSent",
    Fault.LOST_REQUEST: "Unknown",
    Fault.LOST_ANSWER: "Unknown",
    Fault.STORED_ERROR: "Unknown",
    Fault.STORED_ERROR_AFTER: "Unknown",
}
OVER_HTTP = {
    StripeFault.CONFLICT_409: "NotSent",
    StripeFault.RATE_LIMIT_429: "NotSent",
    StripeFault.KEY_EXPIRED: "NotSent",
    StripeFault.TIMEOUT_BEFORE: "Unknown",
    StripeFault.TIMEOUT_AFTER: "Unknown",
    StripeFault.RESET_BEFORE: "Unknown",
    StripeFault.RESET_AFTER: "Unknown",
    StripeFault.SERVER_ERROR_500: "Unknown",
    StripeFault.SERVER_ERROR_500_AFTER: "Unknown",
}


NEVER_ARRIVED = {
    Fault.LOST_REQUEST,
    Fault.STORED_ERROR,
    StripeFault.TIMEOUT_BEFORE,
    StripeFault.RESET_BEFORE,
    StripeFault.SERVER_ERROR_500,
}


class Told(Quiet):
    """What the tries were answered with, as the engine saw it."""

    def __init__(self) -> None:
        super().__init__()
        self.tries: list[str] = []

    def performed(self, kind: str, outcome: Outcome, *, took: timedelta) -> None:
        """Remember the outcome of a try or its look-up."""
        if kind == "payments.collect":
            self.tries.append(type(outcome).__name__)


class Simulated:
    """In this process; look-ups see a charge a minute late."""

    def __init__(self, clock: ManualClock, fault: Fault, times: int, *, pays: bool) -> None:
        self._clock = clock
        until = START + HOUR if pays else None
        self.provider = SimulatedPayments(
            clock=clock, script=Script(usual=Declines(until=until), lag=timedelta(seconds=50))
        )
        self.provider.open_invoice(
            reference=ADA, id="in_1", amount=money("19.99", "EUR"), method=None, charge=False
        )
        self.provider.add_method(reference=ADA, behaviour=Declines(until=until))
        self.provider._books.charge_by_provider(
            self.provider._books.find("in_1", self.provider.seller), START
        )
        self._clock.advance(HOUR)
        self.provider.fail_next(fault, times)
        self.invoice, self.seller = "in_1", self.provider.seller

    def turn(self, span: timedelta) -> None:
        """Turn the clock."""
        self._clock.advance(span)

    def books(self) -> tuple[int, int]:
        """How often money was taken, and how often it was tried."""
        states = [charge.payment.state for charge in self.provider.charges]
        return states.count(PaymentState.SUCCEEDED), len(states)


class OverHttp:
    """A server that would charge a paid invoice again, through the SDK."""

    def __init__(
        self,
        server: StripeServer,
        clock: ManualClock,
        fault: StripeFault,
        times: int,
        *,
        pays: bool,
    ) -> None:
        self._server, self._clock = server, clock
        client = stripe.StripeClient(
            server.api_key, base_addresses={"api": server.url}, max_network_retries=0
        )
        self._client = client
        self._customer = client.v1.customers.create().id
        card = server.payment_method(
            self._customer, "insufficient_funds", until=START + HOUR if pays else None
        )
        assert card
        made = client.v1.invoices.create({"customer": self._customer, "currency": "eur"})
        self.invoice, self.seller = str(made.id), "stripe"
        client.v1.invoice_items.create(
            {"customer": self._customer, "invoice": self.invoice, "amount": 1999, "currency": "eur"}
        )
        client.v1.invoices.finalize_invoice(self.invoice, {"auto_advance": False})
        with pytest.raises(stripe.CardError):
            client.v1.invoices.pay(self.invoice)
        self.turn(HOUR)
        server.fail_next("/v1/invoices/{id}/pay", fault, times=times)
        self.provider = StripePayments(
            server.api_key,
            base_url=server.url,
            timeout=timedelta(milliseconds=400),
            clock=clock,
        )

    def turn(self, span: timedelta) -> None:
        """Turn both clocks."""
        self._server.advance(span)
        self._clock.advance(span)

    def books(self) -> tuple[int, int]:
        """How often money was taken, and how often it was tried."""
        tried = self._client.v1.charges.list({"customer": self._customer, "limit": 100}).data
        return len(self._server.charges()), len(tried)


@contextmanager
def _simulated(fault: Fault, times: int, *, pays: bool) -> Iterator[tuple[Simulated, ManualClock]]:
    clock = ManualClock(START)
    yield Simulated(clock, fault, times, pays=pays), clock


@contextmanager
def _over_http(
    fault: StripeFault, times: int, *, pays: bool
) -> Iterator[tuple[OverHttp, ManualClock]]:
    clock = ManualClock(START)
    with StripeServer(seed=7, now=START, refuses_paid=False) as server:
        yield OverHttp(server, clock, fault, times, pays=pays), clock


def _mail(intent: Intent, now: datetime) -> Outcome:
    del intent, now
    return Answer()


def _kit(outside: Simulated | OverHttp, clock: ManualClock, told: Told) -> RetainKit:
    mail = Performer(group="mail", guarantee=Guarantee.AT_MOST_ONCE, perform=_mail, look_up=_mail)
    return RetainKit(
        store=MemoryStore(),
        payments=outside.provider,
        customers=StaticDirectory({ADA: Customer(id=ADA, email="a@b.example")}, {"cus": ADA}),
        dunning=POLICY,
        performers={"messages.send": mail},
        clock=clock,
        instrumentation=told,
    )


def _told_of(invoice: str, seller: str) -> ProviderEvent:
    return ProviderEvent(
        id="evt_1",
        seller=seller,
        kind=ProviderEventKind.INVOICE_CHANGED,
        name="invoice.payment_failed",
        occurred_at=START,
        reference="cus",
        invoice=InvoiceId(invoice),
    )


def _live_on(outside: Simulated | OverHttp, kit: RetainKit) -> None:
    """Four days, looked at often where it matters."""
    for span in (HOUR * 22, *[HOUR / 60] * 80, *[HOUR] * 72):
        outside.turn(span)
        kit.run_due()


def _judge(
    outside: Simulated | OverHttp,
    clock: ManualClock,
    fault: Fault | StripeFault,
    times: int,
    *,
    pays: bool,
) -> list[str]:
    doubt = SIMULATED[fault] if isinstance(fault, Fault) else OVER_HTTP[fault]
    if fault is StripeFault.SERVER_ERROR_500_AFTER and not pays:
        doubt = "Answer"  # the server answers a decline before it can fail after it
    told = Told()
    kit = _kit(outside, clock, told)
    with kit.transaction() as k:
        k.receive_event(_told_of(outside.invoice, outside.seller))
    kit.run_due()
    _live_on(outside, kit)
    # The first failure, and the plan's tries after one day and after three. A step of the plan is
    # used up by two tries that never arrived.
    used_up = times // 2 if fault in NEVER_ARRIVED else 0
    assert outside.books() == ((1, 2) if pays else (0, 3 - used_up)), told.tries
    assert told.tries[0] == doubt
    assert kit.attention() == ()
    cases = kit.dunning.open_cases()
    assert len(cases) == (0 if pays else 1)
    if doubt == "NotSent":
        assert "Unknown" not in told.tries
        assert told.tries.count("NotSent") == times
    return told.tries


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("pays", [True, False], ids=["paid", "declined"])
@pytest.mark.parametrize("fault", SIMULATED, ids=lambda fault: fault.name)
def test_a_simulated_fault_never_charges_twice(fault: Fault, times: int, *, pays: bool) -> None:
    """Once or three times in a row: one charge a try, and none lost."""
    with _simulated(fault, times, pays=pays) as (outside, clock):
        _judge(outside, clock, fault, times, pays=pays)


@pytest.mark.parametrize("fault", [StripeFault.RESET_AFTER, StripeFault.SERVER_ERROR_500])
def test_a_fault_over_http_never_charges_twice(fault: StripeFault) -> None:
    """The two worst ones through the SDK and real sockets; the others in the long form."""
    with _over_http(fault, 1, pays=True) as (outside, clock):
        _judge(outside, clock, fault, 1, pays=True)


@pytest.mark.faults
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("pays", [True, False], ids=["paid", "declined"])
@pytest.mark.parametrize("fault", OVER_HTTP, ids=lambda fault: fault.name)
def test_no_fault_over_http_charges_twice(fault: StripeFault, times: int, *, pays: bool) -> None:
    """Every fault of the server, once and three times, for a card that pays and one that won't."""
    with _over_http(fault, times, pays=pays) as (outside, clock):
        tries = _judge(outside, clock, fault, times, pays=pays)
        say("F6", fault=fault.value, times=times, pays=pays, tries=",".join(tries))
