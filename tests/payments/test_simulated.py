"""The simulated provider: scripts, seeds, its own retries, threads, and its judge of charges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retainkit.billing import Decline, Declined, InvoiceState, Paid, PaymentState, Pending
from retainkit.core import NoEffect, NotSent, Unknown
from retainkit.errors import InvalidInput
from retainkit.ids import InvoiceId
from retainkit.money import money
from retainkit.payments import Collect, ProviderEventKind
from retainkit.payments.simulated import (
    INSUFFICIENT_FUNDS,
    Chance,
    Declines,
    Fault,
    Script,
    Settles,
    SimulatedPayments,
    Succeeds,
)


START = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PRICE = money("19.99", "EUR")


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def payments(clock: TurnedClock) -> SimulatedPayments:
    return SimulatedPayments(seed=7, clock=clock)


def _asked(invoice: InvoiceId, seller: str = "simulated") -> Collect:
    return Collect(invoice=invoice, seller=seller, amount=PRICE)


def test_nothing_needs_to_be_said() -> None:
    """With a seed alone there is a provider: it knows the time, and every card works."""
    payments = SimulatedPayments(seed=7)
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE)
    assert invoice.state is InvoiceState.OPEN
    payments.add_method(reference="cus_1")
    outcome = payments.collect(_asked(invoice.id), key="k1")
    assert isinstance(outcome, Paid), outcome
    assert datetime.now(UTC) - outcome.payment.at < timedelta(minutes=1)


@pytest.mark.parametrize("allowed", [False, True])
def test_production_is_refused_unless_told(allowed: bool) -> None:
    """A kit in production sees that no real money moves here, unless somebody said so."""
    payments = SimulatedPayments(seed=7, allow_production=allowed)
    assert payments.capabilities.test_only is not allowed


def test_invoice_is_tried_when_it_opens(payments: SimulatedPayments) -> None:
    """As at a real provider the first try is its own, and its failure is an event."""
    payments.add_method(Declines(), reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, subscription="sub_1")
    assert [payment.decline for payment in invoice.payments] == [INSUFFICIENT_FUNDS]
    (event,) = payments.take_events()
    assert (event.kind, event.name) == (
        ProviderEventKind.INVOICE_CHANGED,
        "invoice.payment_failed",
    )
    assert (event.invoice, event.reference, event.subscription) == (invoice.id, "cus_1", "sub_1")
    assert payments.take_events() == ()


def test_funds_until_payday(payments: SimulatedPayments, clock: TurnedClock) -> None:
    """A card without funds works from payday on, not a moment before."""
    payday = START + 3 * DAY
    payments.add_method(Declines(INSUFFICIENT_FUNDS, payday), reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE).id
    clock.at = payday - timedelta(microseconds=1)
    assert isinstance(payments.collect(_asked(invoice), key="k1"), Declined)
    clock.at = payday
    assert isinstance(payments.collect(_asked(invoice), key="k2"), Paid)


def test_script_by_method(clock: TurnedClock) -> None:
    """A script says what each method does; all others do the usual."""
    stolen = Decline(code="stolen_card")
    payments = SimulatedPayments(
        seed=7,
        clock=clock,
        script=Script(methods={"pm_bad": Declines(stolen)}, usual=Succeeds()),
    )
    payments.add_method(reference="cus_1", id="pm_bad")
    payments.add_method(reference="cus_2", id="pm_any")
    bad = payments.open_invoice(reference="cus_1", amount=PRICE)
    assert bad.payments[0].decline == stolen
    assert payments.open_invoice(reference="cus_2", amount=PRICE).state is InvoiceState.PAID


@pytest.mark.parametrize(
    ("returned", "state"),
    [(None, PaymentState.SUCCEEDED), (Decline(code="R01"), PaymentState.FAILED)],
)
def test_bank_debit_settles_later(
    payments: SimulatedPayments, clock: TurnedClock, returned: Decline | None, state: PaymentState
) -> None:
    """A debit is pending, then paid or returned, and says so when its day has come."""
    payments.add_method(Settles(2 * DAY, returned), reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, charge=False).id
    outcome = payments.collect(_asked(invoice), key="k1")
    assert isinstance(outcome, Pending), outcome
    clock.at += 2 * DAY
    shown = payments.read_invoice(invoice, seller="simulated")
    assert not isinstance(shown, NotSent)
    assert [(each.state, each.decline) for each in shown.payments] == [(state, returned)]
    (event,) = payments.take_events()
    assert event.occurred_at == clock.at


def test_providers_own_retries(payments: SimulatedPayments, clock: TurnedClock) -> None:
    """The provider retries on its own days, whoever looks, and stops when they are used up."""
    payments.add_method(Declines(INSUFFICIENT_FUNDS), reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, retries=(DAY, 3 * DAY))
    assert invoice.next_payment_attempt == START + DAY
    clock.at += 30 * DAY
    shown = payments.read_invoice(invoice.id, seller="simulated")
    assert not isinstance(shown, NotSent)
    assert [each.at for each in shown.payments] == [START, START + DAY, START + 4 * DAY]
    assert shown.next_payment_attempt is None
    assert not shown.provider_retries
    assert {charge.key for charge in payments.charges} == {None}


def test_new_default_method_is_news(payments: SimulatedPayments) -> None:
    """A second default method is an event that names it and what stands behind it."""
    payments.add_method(Declines(), reference="cus_1")
    payments.add_method(reference="cus_1", default=False)
    assert payments.take_events() == ()
    method = payments.add_method(reference="cus_1", credential="fp_new")
    (event,) = payments.take_events()
    assert event.kind is ProviderEventKind.PAYMENT_METHOD_CHANGED
    assert (event.reference, event.method, event.credential) == ("cus_1", method, "fp_new")


@given(seed=st.integers(), share=st.fractions(0, 1))
def test_same_seed_same_world(seed: int, share: Fraction) -> None:
    """The same seed and calls give the same charges, ids included."""

    def run() -> object:
        payments = SimulatedPayments(
            seed=seed, clock=TurnedClock(), script=Script(usual=Chance(share))
        )
        for number in range(5):
            payments.add_method(reference=f"cus_{number}")
            payments.open_invoice(reference=f"cus_{number}", amount=PRICE)
        return payments.charges, payments.take_events()

    assert run() == run()


def test_lots_follow_the_share() -> None:
    """About as many tries succeed as were asked for, and all or none at the ends."""
    for share, least, most in (
        (Fraction(0), 0, 0),
        (Fraction(1), 500, 500),
        (Fraction(3, 10), 110, 190),
    ):
        payments = SimulatedPayments(
            seed=7, clock=TurnedClock(), script=Script(usual=Chance(share))
        )
        payments.add_method(reference="cus_1")
        paid = [
            payments.open_invoice(reference="cus_1", amount=PRICE).state is InvoiceState.PAID
            for _ in range(500)
        ]
        assert least <= sum(paid) <= most


def test_faults_by_script(clock: TurnedClock) -> None:
    """A campaign decides by key and try; faults asked for one by one come first."""
    payments = SimulatedPayments(
        seed=7,
        clock=clock,
        script=Script(faults=lambda key, tries: Fault.RATE_LIMITED if tries < 3 else None),
    )
    payments.add_method(reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, charge=False).id
    payments.fail_next(Fault.IN_USE)
    said = [payments.collect(_asked(invoice), key="k1") for _ in range(4)]
    limited = NotSent(reason="rate_limited", retry_after=timedelta(seconds=30))
    assert said[:3] == [NotSent(reason="key_in_use"), limited, limited]
    assert isinstance(said[3], Paid)


def test_lag_of_look_ups(clock: TurnedClock) -> None:
    """While a charge can't be seen yet, no look-up calls it absent."""
    payments = SimulatedPayments(
        seed=7,
        clock=clock,
        lookup_lag=timedelta(minutes=1),
        script=Script(lag=timedelta(minutes=1)),
    )
    payments.add_method(reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, charge=False).id
    payments.fail_next(Fault.LOST_ANSWER)
    payments.collect(_asked(invoice), key="k1")
    for seconds in (0, 59):
        clock.at = START + timedelta(seconds=seconds)
        looked = payments.look_up(_asked(invoice), key="k1", sent_at=START)
        assert looked == Unknown(reason="too_early_to_tell")
    clock.at = START + timedelta(minutes=1)
    looked = payments.look_up(_asked(invoice), key="k1", sent_at=START)
    assert isinstance(looked, Paid), looked


def test_script_cannot_lag_more_than_declared() -> None:
    """A lag beyond the declared one would make look-ups lie."""
    with pytest.raises(InvalidInput) as caught:
        SimulatedPayments(
            seed=7, lookup_lag=timedelta(seconds=1), script=Script(lag=timedelta(seconds=2))
        )
    assert caught.value.code == "simulated.lag"
    assert caught.value.field == "script"
    assert caught.value.value == "0:00:02"
    assert "lookup_lag" in caught.value.remedy


def test_judge_sees_a_double_charge(payments: SimulatedPayments, clock: TurnedClock) -> None:
    """The judge is able to convict: a customer who pays during our pending debit pays twice."""
    payments.add_method(Settles(DAY), reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, charge=False).id
    payments.collect(_asked(invoice), key="k1")
    assert payments.double_charges() == ()
    payments.pay(invoice)
    clock.at += DAY
    assert payments.double_charges() == (invoice,)


def test_many_threads_one_charge(payments: SimulatedPayments) -> None:
    """However many workers send the same key, or other keys, one charge is made."""
    payments.add_method(reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, charge=False).id
    keys = ["k1", "k2"] * 50
    with ThreadPoolExecutor(8) as workers:
        outcomes = list(workers.map(lambda key: payments.collect(_asked(invoice), key=key), keys))
    assert len(set(outcomes)) == 1
    assert len(payments.charges) == 1


def test_key_is_forgotten_after_its_window(payments: SimulatedPayments, clock: TurnedClock) -> None:
    """Past the window the same key is a new request: why the kit looks up before."""
    payments.add_method(Declines(), reference="cus_1")
    invoice = payments.open_invoice(reference="cus_1", amount=PRICE, charge=False).id
    first = payments.collect(_asked(invoice), key="k1")
    clock.at += payments.capabilities.idempotency_window - timedelta(microseconds=1)
    assert payments.collect(_asked(invoice), key="k1") == first
    clock.at += timedelta(microseconds=1)
    assert payments.collect(_asked(invoice), key="k1") != first
    assert len(payments.charges) == 2


def test_sellers_do_not_mix(payments: SimulatedPayments) -> None:
    """Two sellers may have invoices of one id; nothing crosses."""
    for seller in ("north", "south"):
        payments.add_method(reference="cus_1", seller=seller)
        payments.open_invoice(
            reference="cus_1", amount=PRICE, id="in_1", charge=False, seller=seller
        )
    assert isinstance(payments.collect(_asked(InvoiceId("in_1"), "north"), key="k1"), Paid)
    south = payments.read_invoice(InvoiceId("in_1"), seller="south")
    assert not isinstance(south, NotSent)
    assert (south.state, south.payments) == (InvoiceState.OPEN, ())
    outcome = payments.collect(_asked(InvoiceId("in_1"), "west"), key="k2")
    assert outcome == NoEffect(reason="invoice_missing")


def test_invoice_id_is_unique(payments: SimulatedPayments) -> None:
    """A second invoice of the same id is refused, and the first one stays."""
    payments.open_invoice(reference="cus_1", amount=PRICE, id="in_1")
    with pytest.raises(InvalidInput) as caught:
        payments.open_invoice(reference="cus_2", amount=PRICE, id="in_1")
    assert caught.value.code == "simulated.invoice_exists"
    assert caught.value.field == "id"
    assert caught.value.value == "in_1"
    assert caught.value.remedy
    kept = payments.read_invoice(InvoiceId("in_1"), seller="simulated")
    assert not isinstance(kept, NotSent)
    assert kept.reference == "cus_1"


def test_page_by_the_host(clock: TurnedClock) -> None:
    """A host's own demo may say where its pretend page is."""
    payments = SimulatedPayments(
        seed=7, clock=clock, page=lambda reference, back: f"/demo/{reference}?back={back}"
    )
    page = payments.payment_method_page("cus_1", seller="simulated", return_url="/billing")
    assert page.url == "/demo/cus_1?back=/billing"


def test_contract_is_kept_whole() -> None:
    """A subclass can't take a test away by giving it another body."""
    from retainkit.testing import PaymentProviderContract

    with pytest.raises(TypeError, match="test_same_key_charges_once"):
        type(
            "TestCheating",
            (PaymentProviderContract,),
            {"test_same_key_charges_once": lambda self: None},
        )
