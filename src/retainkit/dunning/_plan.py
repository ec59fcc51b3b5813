"""What a case has before it and when: tries, stages, access. Carrying it out is elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve

from retainkit.billing import Decline, PaymentState
from retainkit.core import JsonValue
from retainkit.dunning._case import CaseInvoice, DunningCase
from retainkit.dunning._declines import Classified, DeclineClass, classify
from retainkit.dunning._policy import AccessLevel, Collector, DunningPolicy
from retainkit.ids import PaymentMethodId


Reason = tuple[str, dict[str, JsonValue]]
"""The key and the values of a because, the policy's hash left out."""

FRESH = timedelta(hours=1)
"""How old the news may be on which a plan is ended; older news is asked for again first."""


def fitted(case: DunningCase, policy: DunningPolicy) -> DunningCase:
    """
    The case with a place in this policy's stages; another one if it was moved to the policy.

    The end lies ahead until it is carried out, and so does its notice until it was given.
    """
    if case.ended_at is not None:
        return case
    done = min(case.stages_done, len(policy.stages) - 1)
    if policy.notice is not None and case.announced_at is None:
        done = min(done, policy.notice)
    if done == case.stages_done:
        return case
    return evolve(case, stages_done=done, round=case.round + 1)


def target(case: DunningCase, invoice: CaseInvoice) -> tuple[PaymentMethodId | None, str | None]:
    """The payment method the next try would use, and what stands behind it."""
    if case.method is not None:
        return case.method, case.credential
    last = invoice.last
    return (None, None) if last is None else (last.method, last.credential)


def is_dead(case: DunningCase, invoice: CaseInvoice) -> bool:
    """Whether the next try would use what was refused for good."""
    names = {name for name in target(case, invoice) if name is not None} or {"default"}
    return not names.isdisjoint(case.dead)


def reading(invoice: CaseInvoice, policy: DunningPolicy) -> Classified:
    """The latest decline, read under the policy."""
    last = invoice.last
    if last is None:
        return Classified(
            class_=DeclineClass.NEEDS_CUSTOMER_ACTION,
            retry_not_before=None,
            source="none",
            code="no_payment",
            decline="no_payment",
            reason="card_problem",
        )
    if last.state is PaymentState.NEEDS_ACTION and last.decline is None:
        return classify(Decline(code="authentication_required"), policy.overrides)
    return classify(last.decline or Decline(code="unknown"), policy.overrides)


def told_of(read: Classified) -> dict[str, JsonValue]:
    """A reading as the values of a reason."""
    return {
        "class": read.class_.value,
        "code": read.code,
        "decline": read.decline,
        "source": read.source,
    }


def declined_target(case: DunningCase, invoice: CaseInvoice) -> bool:
    """Whether the latest decline speaks about the payment method the next try would use."""
    if invoice.last is None:
        return case.method is None
    method, credential = target(case, invoice)
    return invoice.last.method == method or (
        credential is not None and invoice.last.credential == credential
    )


def obstacle(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> Reason | None:
    """Why there is no automatic try of this invoice, whatever the ladder says."""
    if policy.collector is Collector.PROVIDER:
        return "dunning.retry.provider_collects", {"next_payment_attempt": provider_try(invoice)}
    if invoice.cancelled:
        return "dunning.retry.subscription_cancelled", {"subscription": invoice.subscription}
    if invoice.provider_owned:
        return "dunning.retry.provider_retries", {"next_payment_attempt": provider_try(invoice)}
    if invoice.flight is not None:
        return "dunning.retry.in_flight", {"attempt": invoice.flight}
    if invoice.pending:
        return "dunning.retry.payment_pending", {}
    return _refusal(case, invoice, policy)


def unwanted(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> bool:
    """
    Whether a try that was decided earlier must not be sent any more.

    An immediate try is owed only while another one is under way: there is a newer payment method.
    """
    return (
        not invoice.open
        or invoice.owed
        or invoice.cancelled
        or invoice.provider_owned
        or invoice.pending
        or policy.collector is Collector.PROVIDER
        or is_dead(case, invoice)
    )


def _refusal(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> Reason | None:
    """What the latest decline forbids; an owed try is stopped by a dead credential alone."""
    read = reading(invoice, policy)
    values = told_of(read)
    if is_dead(case, invoice):
        return "dunning.retry.hard_decline", values
    if invoice.owed or not declined_target(case, invoice):
        return None
    if read.class_ is DeclineClass.NEEDS_CUSTOMER_ACTION:
        return "dunning.retry.customer_action", values
    if read.class_ is DeclineClass.UNKNOWN and _unknown_again(invoice, policy):
        return "dunning.retry.unknown_code_again", values
    return None


def _unknown_again(invoice: CaseInvoice, policy: DunningPolicy) -> bool:
    """Whether the one try that an unknown code allows was made."""
    if policy.collector is Collector.RETAINKIT:
        return invoice.unknown_retries > 0
    failed = [state for _, state in invoice.payments if state is PaymentState.FAILED]
    return len(failed) > 1


def must_act(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> bool:
    """Whether only the customer can get this invoice paid."""
    if invoice.flight is not None or invoice.pending:
        return False
    return _refusal(case, invoice, policy) is not None


def next_rung(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> datetime | None:
    """When the ladder's next step is due, if the ladder has one; obstacles are not looked at."""
    if invoice.rungs >= len(policy.retries):
        return None
    due = invoice.failed_at + policy.retries[invoice.rungs]
    if invoice.last is None or not declined_target(case, invoice):
        return due
    wait = reading(invoice, policy).retry_not_before
    return due if wait is None else max(due, invoice.last.at + wait)


def next_try(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> datetime | None:
    """When retainkit tries this invoice next, if it does."""
    if case.ending or not invoice.open or obstacle(case, invoice, policy) is not None:
        return None
    if invoice.owed:
        return invoice.failed_at  # due whenever it is looked at
    return None if case.ended_at is not None else next_rung(case, invoice, policy)


def outlook(case: DunningCase, invoice: CaseInvoice, policy: DunningPolicy) -> Reason:
    """Whether and when retainkit tries this invoice next, and why."""
    reason = obstacle(case, invoice, policy)
    if reason is not None:
        return reason
    if invoice.owed:
        return "dunning.retry.new_method", {"method": case.method}
    if case.ended_at is not None:
        return "dunning.retry.ended", {}
    at, of = next_rung(case, invoice, policy), len(policy.retries)
    if at is None:
        return "dunning.retry.ladder_exhausted", {"of": of}
    read = reading(invoice, policy)
    unknown = read.class_ is DeclineClass.UNKNOWN
    return "dunning.retry.planned_unknown" if unknown else "dunning.retry.planned", {
        **told_of(read),
        "rung": invoice.rungs + 1,
        "of": of,
        "at": at.isoformat(),
    }


def provider_try(invoice: CaseInvoice) -> str | None:
    """When the provider itself tries next, as ISO 8601."""
    at = invoice.next_payment_attempt
    return None if at is None else at.isoformat()


def held(case: DunningCase) -> bool:
    """Whether messages and the end wait for the outcome of payments under way."""
    invoices = case.open_invoices
    return any(invoice.flight is not None for invoice in invoices) or all(
        invoice.pending for invoice in invoices
    )


def stage_due(
    case: DunningCase, policy: DunningPolicy, index: int, clock: datetime, now: datetime
) -> datetime:
    """
    When a stage is due.

    The end keeps its distance from the notice that announced it: who was told late has as long to
    react as everybody else.
    """
    stage, notice = policy.stages[index], policy.notice
    due = clock + stage.after
    if stage.end is None or notice is None:
        return due
    announced = policy.stages[notice]
    told = case.announced_at or max(now, clock + announced.after)
    return max(due, told + (stage.after - announced.after))


def level_at(policy: DunningPolicy, clock: datetime, at: datetime) -> tuple[AccessLevel, int]:
    """The access left at an instant, and the index of the stage that took the rest (or -1)."""
    level, index = AccessLevel.FULL, -1
    for i, stage in enumerate(policy.stages):
        if clock + stage.after > at:
            break
        if stage.access.severity > level.severity:
            level, index = stage.access, i
    return level, index


def next_access(
    policy: DunningPolicy, clock: datetime, level: AccessLevel, after: datetime
) -> tuple[datetime, AccessLevel, int] | None:
    """The next instant at which access gets harsher than ``level``."""
    for index, stage in enumerate(policy.stages):
        at = clock + stage.after
        if at > after and stage.access.severity > level.severity:
            return at, stage.access, index
    return None
