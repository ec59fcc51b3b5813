"""An invoice that was read becomes events, and the same payment is one event by any door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from retainkit.billing import (
    READ_INVOICE,
    Decline,
    Invoice,
    Invoices,
    InvoiceState,
    Payment,
    PaymentState,
    invoice_from_json,
    invoice_to_json,
    payment_event,
)
from retainkit.core import (
    Answer,
    Case,
    Caseless,
    Decision,
    Due,
    Effect,
    Event,
    Facts,
    NoEffect,
    Performed,
    Settled,
)
from retainkit.ids import CustomerId, InvoiceId, PaymentId, TenantId
from retainkit.money import money


NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ANNA = CustomerId("anna")
FACTS = Facts(tenant=TenantId("main"), customer=ANNA)


def payment(name: str, state: PaymentState, *, hours: int = 0) -> Payment:
    return Payment(
        id=PaymentId(name),
        state=state,
        amount=money("29", "EUR"),
        at=NOW + timedelta(hours=hours),
        decline=Decline(code="do_not_honor") if state is PaymentState.FAILED else None,
    )


def invoice(*payments: Payment, state: InvoiceState = InvoiceState.OPEN) -> Invoice:
    return Invoice(
        id=InvoiceId("in_1"),
        seller="acct_1",
        reference="cus_1",
        subscription=None,
        subscription_cancelled=False,
        state=state,
        remaining=money("29", "EUR"),
        payments=payments,
        tries=len(payments),
        next_payment_attempt=None,
        provider_retries=False,
    )


def read(outcome: Settled, now: datetime = NOW) -> Decision[Case]:
    effect = Effect(kind=READ_INVOICE, attempt="evt_1", data={"invoice": "in_1"})
    trigger = Performed(effect=effect, outcome=outcome)
    return Invoices().decide(None, trigger, FACTS, now, None)


def seen(snapshot: Invoice, now: datetime = NOW) -> tuple[Event, ...]:
    return read(Answer(data={"invoice": invoice_to_json(snapshot)}), now).events


def test_reading_an_invoice_tells_its_payments_and_the_whole() -> None:
    """One event a payment, one of the snapshot; all of them the customer's."""
    tries = (
        payment("ch_1", PaymentState.FAILED),
        payment("ch_2", PaymentState.NEEDS_ACTION, hours=1),
        payment("ch_3", PaymentState.PENDING, hours=2),
        payment("ch_4", PaymentState.SUCCEEDED, hours=3),
    )
    events = seen(invoice(*tries, state=InvoiceState.PAID))

    assert [event.name for event in events] == [
        "payment.failed",
        "payment.action_required",
        "payment.pending",
        "payment.succeeded",
        "invoice.observed",
    ]
    assert {event.customer for event in events} == {ANNA}
    assert [event.occurred_at for event in events] == [
        *(each.at for each in tries),
        tries[-1].at,
    ]
    assert invoice_from_json(events[-1].data["invoice"]).payments == tries


def test_every_decision_says_why() -> None:
    """The invoice was read: that is the reason of all that follows."""
    decision = read(Answer(data={"invoice": invoice_to_json(invoice())}))

    assert [because.key for because in decision.because] == ["billing.invoice.read"]
    assert decision.because[0].values == {"invoice": "in_1", "seller": "acct_1"}


def test_the_same_state_twice_is_one_event() -> None:
    """Id and fingerprint agree, whenever it was read; another state is another event."""
    first = payment("ch_1", PaymentState.FAILED)
    once, later = seen(invoice(first)), seen(invoice(first), NOW + timedelta(days=1))
    moved = seen(evolve(invoice(first), provider_retries=True))

    assert [(event.id, event.fingerprint) for event in once] == [
        (event.id, event.fingerprint) for event in later
    ]
    assert moved[0].id == once[0].id
    assert moved[1].id != once[1].id


def test_an_invoice_nobody_tried_to_pay_is_dated_by_the_look() -> None:
    """There is no other time; so each look is an event."""
    once, later = seen(invoice()), seen(invoice(), NOW + timedelta(days=1))

    assert once[0].occurred_at == NOW
    assert once[0].id != later[0].id


def test_an_answer_and_a_webhook_tell_the_same_event() -> None:
    """The event of a payment follows from payment and invoice alone."""
    failed = payment("ch_1", PaymentState.FAILED)
    by_answer = payment_event(failed, InvoiceId("in_1"), "acct_1", ANNA)
    by_webhook = seen(invoice(failed, payment("ch_2", PaymentState.PENDING)))[0]

    assert (by_answer.id, by_answer.fingerprint) == (by_webhook.id, by_webhook.fingerprint)
    pending = evolve(failed, state=PaymentState.PENDING, decline=None)
    assert payment_event(pending, InvoiceId("in_1"), "acct_1", ANNA).id != by_answer.id


@pytest.mark.parametrize("outcome", [NoEffect(reason="not_found"), NoEffect(reason="shadow")])
def test_what_could_not_be_read_tells_nothing(outcome: NoEffect) -> None:
    """No answer, no events."""
    assert read(outcome) == Decision()


def test_the_feature_keeps_no_cases_and_listens_to_nothing() -> None:
    """It lives of answers alone."""
    feature = Invoices()

    assert (feature.name, feature.subscribes, feature.reads) == (
        "invoices",
        frozenset(),
        frozenset(),
    )
    assert feature.decide(None, Due(), FACTS, NOW, None) == Decision()
    assert isinstance(feature, Caseless)


def test_settled_is_what_nobody_collects_any_more() -> None:
    """Paid, void and written off."""
    assert [state for state in InvoiceState if state.settled] == ["paid", "void", "uncollectible"]
