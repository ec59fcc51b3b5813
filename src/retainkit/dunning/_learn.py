"""What a case learns from snapshots, answers, new payment methods and cancellations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import evolve

from retainkit.billing import Invoice, InvoiceState, Payment, PaymentState
from retainkit.core import Event, JsonValue
from retainkit.dunning._case import CaseInvoice, DunningCase, credential_of
from retainkit.dunning._declines import DeclineClass
from retainkit.dunning._knowledge import merged, of_case, of_snapshot, rank
from retainkit.dunning._plan import Reason, is_dead, obstacle, outlook, reading, told_of
from retainkit.dunning._policy import Collector
from retainkit.dunning._step import Step
from retainkit.ids import PaymentMethodId
from retainkit.money import to_json


FAILURES: Final = (PaymentState.FAILED, PaymentState.NEEDS_ACTION)

# When two reports differ about how an invoice was settled, the better known one stands.
_SETTLED: Final = (InvoiceState.UNCOLLECTIBLE, InvoiceState.VOID, InvoiceState.PAID)


def first_failure(invoice: Invoice, seen_at: datetime) -> datetime | None:
    """When an invoice first failed; one that counts tries without any payment failed unseen."""
    failures = [payment.at for payment in invoice.payments if payment.state in FAILURES]
    if failures:
        return min(failures)
    return seen_at if invoice.tries and not invoice.payments else None


def learn_snapshot(step: Step, snapshot: Invoice, seen_at: datetime) -> None:
    """Take in an invoice as it was read; late, repeated and outdated reports change nothing."""
    known = step.case.invoice(snapshot.id)
    if known is None:
        _join(step, snapshot, seen_at)
        return
    outdated = of_case(known).outdates(of_snapshot(snapshot))
    learned = step.put(learn_payments(step, known, snapshot.payments))
    if snapshot.subscription_cancelled and not learned.cancelled:
        learned = _stop(step, learned)
    if outdated:
        return
    if snapshot.state.settled:
        settle(step, learned, snapshot.state)
    elif snapshot.state is InvoiceState.OPEN:
        if not known.open:
            _say_joined(step, learned, ("dunning.invoice.returned", {"invoice": learned.id}))
        step.put(
            evolve(
                learned,
                state=InvoiceState.OPEN,
                remaining=snapshot.remaining,
                tries=snapshot.tries,
                next_payment_attempt=snapshot.next_payment_attempt,
                provider_retries=snapshot.provider_retries,
            )
        )


def _join(step: Step, snapshot: Invoice, seen_at: datetime) -> None:
    failed_at = first_failure(snapshot, seen_at)
    if snapshot.state is not InvoiceState.OPEN or failed_at is None:
        return
    bare = CaseInvoice(
        id=snapshot.id,
        state=InvoiceState.OPEN,
        remaining=snapshot.remaining,
        failed_at=failed_at,
        subscription=snapshot.subscription,
        cancelled=snapshot.subscription_cancelled,
        tries=snapshot.tries,
        next_payment_attempt=snapshot.next_payment_attempt,
        provider_retries=snapshot.provider_retries,
    )
    invoice = learn_payments(step, bare, snapshot.payments)
    invoice = step.put(evolve(invoice, owed=_never_tried(step, invoice)))
    values: dict[str, JsonValue] = {
        "invoice": invoice.id,
        "failed_at": failed_at.isoformat(),
        **told_of(reading(invoice, step.policy)),
    }
    opens = step.case.steps == 0
    reason = ("dunning.invoice.first" if opens else "dunning.invoice.joined", values)
    _say_joined(step, invoice, reason)


def _never_tried(step: Step, invoice: CaseInvoice) -> bool:
    """Whether the customer gave a new payment method after the latest failure was made."""
    given, case = step.case.method_at, step.case
    if given is None or step.policy.collector is Collector.PROVIDER or invoice.cancelled:
        return False
    failed_at = invoice.failed_at if invoice.last is None else invoice.last.at
    return failed_at <= given and not is_dead(case, invoice)


def _say_joined(step: Step, invoice: CaseInvoice, reason: Reason) -> None:
    step.say(
        "dunning.invoice_joined",
        {
            "invoice": invoice.id,
            "remaining": to_json(invoice.remaining),
            "failed_at": invoice.failed_at.isoformat(),
            "subscription": invoice.subscription,
        },
        reason,
    )


def learn_payments(step: Step, invoice: CaseInvoice, payments: Iterable[Payment]) -> CaseInvoice:
    """The invoice with these tries taken in; the same try twice is one."""
    before, tries = dict(invoice.payments), tuple(payments)
    failed = [
        payment
        for payment in tries
        if payment.state in FAILURES
        and (payment.id not in before or rank(payment.state) > rank(before[payment.id]))
    ]
    invoice = evolve(invoice, payments=merged(invoice.payments, tries))
    for payment in failed:
        invoice = _learn_failure(step, invoice, payment)
    return invoice


def _learn_failure(step: Step, invoice: CaseInvoice, payment: Payment) -> CaseInvoice:
    last = invoice.last
    if last is None or (payment.at, payment.id) >= (last.at, last.id):
        last = payment
    learned = evolve(invoice, last=last, failed_at=min(invoice.failed_at, payment.at))
    if reading(evolve(learned, last=payment), step.policy).class_ is DeclineClass.HARD:
        names = {name for name in (payment.method, payment.credential) if name is not None}
        dead = sorted({*step.case.dead, *(names or {credential_of(None, None)})})
        step.case = evolve(step.case, dead=tuple(dead))
    return learned


def settle(
    step: Step, invoice: CaseInvoice, state: InvoiceState, *, reason: Reason | None = None
) -> None:
    """Note that nobody collects an invoice any more; said once."""
    if not invoice.open:
        if _SETTLED.index(state) > _SETTLED.index(invoice.state):
            step.put(evolve(invoice, state=state))
        return
    settled = step.put(evolve(invoice, state=state, owed=False))
    if reason is None:
        how = "paid_elsewhere" if state is InvoiceState.PAID else state.value
        reason = (f"dunning.invoice.{how}", {"invoice": invoice.id})
    read = reading(settled, step.policy)
    step.say(
        "dunning.invoice_settled",
        {
            "invoice": invoice.id,
            "state": state.value,
            "remaining": to_json(invoice.remaining),
            "attempts": invoice.attempts,
            "by_retry": reason[0] == "dunning.invoice.paid_by_retry",
            "class": read.class_.value,
            "code": read.code,
            "failed_at": invoice.failed_at.isoformat(),
        },
        reason,
    )


def with_method(case: DunningCase, event: Event) -> DunningCase:
    """The case with the payment method that the customer gave."""
    method, credential = event.data.get("method"), event.data.get("credential")
    return evolve(
        case,
        method=PaymentMethodId(str(method)),
        credential=credential if isinstance(credential, str) else None,
        method_at=event.occurred_at,
    )


def learn_method(step: Step, event: Event) -> None:
    """A new payment method: one immediate try is owed on each open invoice."""
    method, credential = event.data.get("method"), event.data.get("credential")
    case = step.case
    if not isinstance(method, str) or method == case.method:
        return
    if case.method_at is not None and event.occurred_at < case.method_at:
        return
    step.case = with_method(case, event)
    owing = [invoice for invoice in step.case.open_invoices if not invoice.cancelled]
    reason: Reason
    if step.policy.collector is Collector.PROVIDER:
        reason, owing = ("dunning.method.provider_collects", {"method": method}), []
    elif method in case.dead or credential in case.dead:
        reason, owing = ("dunning.method.dead", {"method": method}), []
    elif not owing:
        reason = ("dunning.method.subscription_cancelled", {"method": method})
    else:
        names = [invoice.id for invoice in owing]
        reason = ("dunning.method.try_now", {"method": method, "invoices": names})
    for invoice in owing:
        step.put(evolve(invoice, owed=True, misses=0, unknown_retries=0))
    step.say(
        "dunning.method_noted",
        {"method": method, "trying": [invoice.id for invoice in owing]},
        reason,
        key=event.id,
    )


def learn_cancellation(step: Step, event: Event) -> None:
    """A cancelled subscription: no more automatic tries of its invoices."""
    subscription = event.data.get("subscription")
    if not isinstance(subscription, str):
        return
    for invoice in step.case.open_invoices:
        if invoice.subscription == subscription and not invoice.cancelled:
            _stop(step, invoice)


def _stop(step: Step, invoice: CaseInvoice) -> CaseInvoice:
    """No more automatic tries: the subscription was cancelled."""
    values: dict[str, JsonValue] = {
        "subscription": invoice.subscription,
        "invoices": [invoice.id],
        "forgiven": step.policy.forgive_on_cancel,
    }
    step.say("dunning.cancellation_noted", values, ("dunning.subscription.cancelled", values))
    return step.put(evolve(invoice, cancelled=True, owed=False))


def say_declines(step: Step, before: dict[str, Payment | None]) -> None:
    """For every invoice whose latest failure is new: what it means for the next try."""
    for invoice in step.case.open_invoices:
        last = invoice.last
        if last is None or before.get(invoice.id) == last:
            continue
        read = reading(invoice, step.policy)
        step.say(
            "dunning.decline_noted",
            {
                "invoice": invoice.id,
                "payment": last.id,
                "class": read.class_.value,
                "code": read.code,
                "source": read.source,
                "retry": obstacle(step.case, invoice, step.policy) is None,
            },
            outlook(step.case, invoice, step.policy),
            key=f"{invoice.id}:{last.id}:{last.state}",
        )
