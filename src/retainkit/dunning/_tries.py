"""Trying to collect: starting a try, taking in what became of it, reading the invoice again."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from attrs import evolve

from retainkit.billing import (
    READ_INVOICE,
    Declined,
    InvoiceState,
    Paid,
    Pending,
    invoice_from_json,
    outcome_from_json,
    payment_event,
)
from retainkit.core import Answer, Because, JsonValue, NoEffect, Performed, Unknown
from retainkit.dunning._case import CaseInvoice, DunningCase
from retainkit.dunning._declines import DeclineClass
from retainkit.dunning._learn import learn_payments, learn_snapshot, settle
from retainkit.dunning._plan import (
    Reason,
    declined_target,
    next_rung,
    next_try,
    provider_try,
    reading,
    target,
    unwanted,
)
from retainkit.dunning._policy import Collector, DunningPolicy
from retainkit.dunning._step import Step
from retainkit.ids import InvoiceId
from retainkit.money import to_json


COLLECT: Final = "payments.collect"
MARK_UNCOLLECTIBLE: Final = "invoices.mark_uncollectible"

SHADOW: Final = "shadow"
"""The reason of a :class:`~retainkit.core.NoEffect` when nothing is performed on purpose."""

WITHDRAWN: Final = "withdrawn"
"""The reason of a :class:`~retainkit.core.NoEffect` that a decision asked for."""

# A try that twice proved to charge nothing is not made a third time before its next day.
_MISSES: Final = 2


def withdraw_tries(step: Step) -> None:
    """Take back each try that must not be made any more; one that was sent goes on."""
    for invoice in step.case.invoices:
        flight = invoice.flight
        if (
            flight is not None
            and flight.startswith("collect:")
            and unwanted(step.case, invoice, step.policy)
        ):
            step.withdrawn.append(flight)


def start_tries(step: Step) -> None:
    """Start each try that is due; at most one of an invoice, however many were missed."""
    for invoice in step.case.open_invoices:
        due = next_try(step.case, invoice, step.policy)
        if due is not None and due <= step.at:
            _start(step, invoice)


def _start(step: Step, invoice: CaseInvoice) -> None:
    policy, case = step.policy, step.case
    rungs = _rungs_by(case, invoice, policy, step.at)
    method, _ = target(case, invoice)
    attempt = f"collect:{invoice.id}:{invoice.attempts + 1}"
    step.ask(
        COLLECT,
        attempt,
        {
            "invoice": invoice.id,
            "seller": case.seller,
            "amount": to_json(invoice.remaining),
            "method": method,
            "known": [payment for payment, _ in invoice.payments],
        },
    )
    reason: Reason = ("dunning.retry.new_method", {"method": case.method})
    if not invoice.owed:
        due = next_rung(case, invoice, policy)
        values: dict[str, JsonValue] = {
            "rung": rungs,
            "of": len(policy.retries),
            "due": None if due is None else due.isoformat(),
        }
        skipped = rungs - invoice.rungs - 1
        reason = ("dunning.retry.due", values)
        if skipped:
            reason = ("dunning.retry.due_late", {**values, "skipped": skipped})
    step.say(
        "dunning.retry_started",
        {
            "invoice": invoice.id,
            "attempt": attempt,
            "amount": to_json(invoice.remaining),
            "method": method,
            "rung": rungs,
        },
        reason,
        key=attempt,
    )
    step.put(
        evolve(
            invoice,
            attempts=invoice.attempts + 1,
            flight=attempt,
            flight_rungs=rungs,
            owed=False,
            unknown_retries=invoice.unknown_retries + _repeats_unknown(case, invoice, policy),
        )
    )


def _rungs_by(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy, now: datetime) -> int:
    """How many steps of the ladder are used when a try is made now."""
    due = next_rung(case, invoice, policy)
    if case.ended_at is not None or due is None or due > now:
        return invoice.rungs
    return sum(invoice.failed_at + offset <= now for offset in policy.retries)


def _repeats_unknown(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> bool:
    return (
        not invoice.owed
        and declined_target(case, invoice)
        and reading(invoice, policy).class_ is DeclineClass.UNKNOWN
    )


def collected(step: Step, performed: Performed) -> None:
    """Take in what became of a try."""
    invoice = _invoice_of(step, performed)
    if invoice is None:
        return
    outcome, attempt = performed.outcome, performed.effect.attempt
    if isinstance(outcome, Answer):
        _answered(step, invoice, performed, outcome)
    elif invoice.flight == attempt:
        _without_effect(step, invoice, attempt, outcome)


def _answered(step: Step, invoice: CaseInvoice, performed: Performed, answer: Answer) -> None:
    attempt = performed.effect.attempt
    result = outcome_from_json(answer.data)
    because = step.because(("dunning.payment.answered", {"attempt": attempt}))
    _say_payment(step, invoice, result, because)
    learned = learn_payments(step, invoice, (result.payment,))
    if learned.flight == attempt:
        learned = evolve(learned, flight=None, rungs=learned.flight_rungs, misses=0)
    step.put(learned)
    match result:
        case Paid():
            settle(step, learned, InvoiceState.PAID, reason=_paid_by(attempt, invoice))
        case Declined() | Pending():
            pass
        case _:
            assert_never(result)


def _paid_by(attempt: str, invoice: CaseInvoice) -> Reason:
    return "dunning.invoice.paid_by_retry", {"attempt": attempt, "invoice": invoice.id}


def _say_payment(
    step: Step, invoice: CaseInvoice, result: Paid | Declined | Pending, because: Because
) -> None:
    case = step.case
    step.events.append(
        payment_event(result.payment, invoice.id, case.seller, case.customer, because)
    )


def _without_effect(
    step: Step, invoice: CaseInvoice, attempt: str, outcome: NoEffect | Unknown
) -> None:
    """
    A try that charged nothing: read the invoice, and use the step up the second time.

    One that was withdrawn uses nothing up. One that is owed since the try began stays owed.
    """
    withdrawn = outcome.reason == WITHDRAWN
    misses = 0 if invoice.owed else invoice.misses + (not withdrawn)
    given_up = outcome.reason == SHADOW or misses >= _MISSES
    spent = withdrawn or given_up or invoice.cancelled or invoice.flight_rungs > invoice.rungs
    landed = evolve(
        invoice,
        flight=None,
        misses=0 if given_up else misses,
        rungs=invoice.flight_rungs if given_up else invoice.rungs,
        owed=invoice.open and (invoice.owed or not spent),
    )
    key = "no_effect_again" if given_up else "no_effect"
    reason: Reason = (f"dunning.retry.{key}", {"attempt": attempt, "reason": outcome.reason})
    if outcome.reason in (SHADOW, WITHDRAWN):
        reason = (f"dunning.retry.{outcome.reason}", {"attempt": attempt})
    step.say(
        "dunning.retry_without_effect",
        {"invoice": invoice.id, "attempt": attempt, "reason": outcome.reason},
        reason,
        key=attempt,
    )
    step.put(landed)
    if landed.open and outcome.reason not in (SHADOW, WITHDRAWN):
        ask_to_read(step, landed)


def ask_to_read(step: Step, invoice: CaseInvoice) -> None:
    """Ask for the invoice as it stands; nothing else happens to it before the answer."""
    attempt = f"read:{invoice.id}:{invoice.reads + 1}"
    step.ask(READ_INVOICE, attempt, {"invoice": invoice.id, "seller": step.case.seller})
    step.put(evolve(invoice, reads=invoice.reads + 1, flight=attempt, flight_rungs=invoice.rungs))


def read_again(step: Step, performed: Performed) -> None:
    """Take in the invoice as it was read for us."""
    invoice = _invoice_of(step, performed)
    if invoice is None:
        return
    attempt, outcome = performed.effect.attempt, performed.outcome
    if invoice.flight == attempt:
        step.put(evolve(invoice, flight=None))
    if not isinstance(outcome, Answer):
        return
    snapshot = invoice_from_json(outcome.data.get("invoice"))
    because = step.because(("dunning.payment.read", {"attempt": attempt}))
    case = step.case
    step.events.extend(
        payment_event(payment, snapshot.id, case.seller, case.customer, because)
        for payment in snapshot.payments
    )
    learn_snapshot(step, snapshot, step.at)


def refuse_collection(step: Step) -> None:
    """Say, once a change, that an invoice is not charged because its provider retries it."""
    if step.policy.collector is Collector.PROVIDER:
        return
    for invoice in step.case.open_invoices:
        if invoice.refused == invoice.provider_owned:
            continue
        step.put(evolve(invoice, refused=invoice.provider_owned))
        if invoice.provider_owned:
            at = provider_try(invoice)
            step.say(
                "dunning.collection_refused",
                {"invoice": invoice.id, "next_payment_attempt": at},
                (
                    "dunning.collection.provider_retries",
                    {"invoice": invoice.id, "next_payment_attempt": at},
                ),
            )


def forgive(step: Step) -> None:
    """Write off the invoices of cancelled subscriptions, where the policy forgives them."""
    if not step.policy.forgive_on_cancel:
        return
    for invoice in step.case.open_invoices:
        if invoice.cancelled and invoice.flight is None and not invoice.pending:
            attempt = f"forgive:{invoice.id}"
            data = {"invoice": invoice.id, "seller": step.case.seller}
            step.ask(MARK_UNCOLLECTIBLE, attempt, data)
            step.put(evolve(invoice, flight=attempt, flight_rungs=invoice.rungs))


def forgiven(step: Step, performed: Performed) -> None:
    """The write-off was answered: nothing more is asked of the customer."""
    invoice = _invoice_of(step, performed)
    if invoice is None:
        return
    reason: Reason = (
        "dunning.invoice.forgiven",
        {"invoice": invoice.id, "subscription": invoice.subscription},
    )
    landed = step.put(evolve(invoice, flight=None))
    settle(step, landed, InvoiceState.UNCOLLECTIBLE, reason=reason)


def _invoice_of(step: Step, performed: Performed) -> CaseInvoice | None:
    return step.case.invoice(InvoiceId(str(performed.effect.data.get("invoice"))))
