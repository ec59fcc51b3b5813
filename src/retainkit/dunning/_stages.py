"""The stages of the plan: messages, access, the end. Tries are in _tries."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from retainkit.billing import InvoiceState
from retainkit.core import Answer, JsonObject, JsonValue, Performed
from retainkit.dunning._case import CaseInvoice, DunningCase, credential_of
from retainkit.dunning._learn import settle
from retainkit.dunning._plan import (
    FRESH,
    Reason,
    held,
    level_at,
    must_act,
    next_access,
    next_try,
    reading,
    stage_due,
    told_of,
)
from retainkit.dunning._policy import AccessLevel, Collector, EndAction, Stage, Tone
from retainkit.dunning._step import Step
from retainkit.dunning._tries import MARK_UNCOLLECTIBLE, SHADOW, ask_to_read
from retainkit.ids import InvoiceId
from retainkit.money import from_minor, to_json, to_minor


CARD_NEEDS_ACTION: Final = "card_needs_action"
"""The message for a bank that wants the customer to confirm, when it can't wait for a stage."""

_CUSTOMER_FACING: Final = (EndAction.CANCEL, EndAction.PAUSE)
_RESTRICTED: Final = (AccessLevel.LIMITED, AccessLevel.BLOCKED)
_ENDING_TRIES: Final = 3


def rewind(step: Step, case_before: DunningCase) -> None:
    """Set the stages back when the oldest invoice was settled and a younger one is now oldest."""
    before, clock, case = case_before.clock, step.case.clock, step.case
    if clock <= before or case.ended_at is not None:
        return
    stages = step.policy.stages[: case.stages_done]
    done = sum(clock + stage.after <= step.at for stage in stages)
    if done == case.stages_done:
        return
    step.case = evolve(case, stages_done=done, round=case.round + 1)


def change_access(step: Step, *, eased: bool) -> None:
    """Say that access got harsher; or milder, when that is because an invoice was settled."""
    clock, was = step.case.clock, step.case.access
    level, index = level_at(step.policy, clock, step.at)
    if level is was or (level.severity < was.severity and not eased):
        return
    reason: Reason = ("dunning.access.restored", {"level": level.value, "was": was.value})
    if level.severity > was.severity:
        after = step.policy.stages[index].after
        reason = (
            "dunning.access.stage",
            {
                "level": level.value,
                "was": was.value,
                "after": int(after.total_seconds()),
                "since": (clock + after).isoformat(),
            },
        )
    step.say("dunning.access_changed", {"level": level.value, "was": was.value}, reason)
    step.case = evolve(step.case, access=level)


def write(step: Step) -> None:
    """Ask for the message that is due: the latest stage's, or one that can't wait for its day."""
    case, policy, clock = step.case, step.policy, step.case.clock
    if case.ended_at is not None or held(case):
        return
    due = [
        index
        for index in range(case.stages_done, len(policy.stages))
        if stage_due(case, policy, index, clock, step.at) <= step.at
        and policy.stages[index].end is None
    ]
    if due:
        step.case = evolve(step.case, stages_done=due[-1] + 1)
    speaking = [index for index in due if policy.stages[index].message is not None]
    unasked = _unasked(step)
    if speaking:
        chosen = policy.notice if policy.notice in speaking else speaking[-1]
        for index in speaking:
            if index != chosen:
                _skip(step, index, chosen)
        _write_stage(step, chosen, _stage_reason(step, chosen))
    elif unasked:
        _write_at_once(step, unasked)
    else:
        return
    step.case = evolve(step.case, asked=tuple(sorted({*step.case.asked, *_unasked(step)})))


def _unasked(step: Step) -> dict[str, CaseInvoice]:
    """Invoices only the customer can get paid, by the credential nobody was asked about yet."""
    found: dict[str, CaseInvoice] = {}
    for invoice in step.case.open_invoices:
        last = invoice.last
        name = "default" if last is None else credential_of(last.method, last.credential)
        if name not in step.case.asked and must_act(step.case, invoice, step.policy):
            found[name] = invoice
    return found


def _write_at_once(step: Step, unasked: dict[str, CaseInvoice]) -> None:
    case, policy = step.case, step.policy
    name, invoice = min(unasked.items())
    read = reading(invoice, policy)
    reason: Reason = ("dunning.message.customer_must_act", told_of(read))
    speaking = [i for i, stage in enumerate(policy.stages) if stage.message and not stage.end]
    if not speaking:
        return
    first = speaking[0]
    if case.stages_done <= first and first != policy.notice:
        step.case = evolve(case, stages_done=first + 1)
        _write_stage(step, first, reason)
        return
    stage = policy.stages[first]
    told = read.reason
    message = CARD_NEEDS_ACTION if told == "needs_authentication" else stage.message
    _request(step, str(message), stage.tone, stage="action", told=told, reason=reason, key=name)


def _stage_reason(step: Step, index: int) -> Reason:
    clock, stage = step.case.clock, step.policy.stages[index]
    due = clock + stage.after
    return (
        "dunning.message.stage",
        {"stage": index, "after": int(stage.after.total_seconds()), "due": due.isoformat()},
    )


def _skip(step: Step, index: int, by: int) -> None:
    step.say(
        "dunning.message_skipped",
        {"stage": index, "message": step.policy.stages[index].message},
        ("dunning.message.superseded", {"stage": index, "by": by}),
        key=f"{step.case.round}:{index}",
    )


def _write_stage(step: Step, index: int, reason: Reason) -> None:
    stage = step.policy.stages[index]
    if index == step.policy.notice:
        step.case = evolve(step.case, announced_at=step.at)
    latest = max(
        step.case.open_invoices,
        key=lambda invoice: invoice.failed_at if invoice.last is None else invoice.last.at,
    )
    told = reading(latest, step.policy).reason
    _request(step, str(stage.message), stage.tone, stage=index, told=told, reason=reason)


def _request(
    step: Step,
    message: str,
    tone: Tone,
    *,
    stage: int | str,
    told: str,
    reason: Reason,
    key: str = "",
) -> None:
    case, policy = step.case, step.policy
    next_at = _next_try(step)
    reasons = [reason]
    if next_at is not None and policy.collector is Collector.PROVIDER:
        reasons.append(("dunning.message.provider_tries_again", {"at": next_at}))
    data = {
        **_owed(case.open_invoices),
        "message": message,
        "tone": tone.value,
        "reason": told,
        "next_try": next_at,
        "access": _access_ahead(step),
        "end": _end_ahead(step),
        "link": "payment_method",
        "stage": stage,
    }
    ask_for_message(step, data, f"{case.round}:{stage}:{key}", *reasons)


def ask_for_message(step: Step, data: dict[str, JsonValue], key: str, *reasons: Reason) -> None:
    """Note a ``message.requested``; the contact room decides whether it goes out."""
    said = {"feature": "dunning", "seller": step.case.seller, **data}
    request = step.say("message.requested", said, *reasons, key=key)
    step.case = evolve(step.case, requests=(*step.case.requests, request))


def withdraw_messages(step: Step, *, ended: bool) -> None:
    """Take back what the closing case asked for, but for a message that tells of its end."""
    told_of_end = ended and step.policy.stages[-1].message is not None
    requests = step.case.requests[:-1] if told_of_end else step.case.requests
    if requests:
        step.say(
            "message.withdrawn",
            {"feature": "dunning", "requests": list(requests)},
            ("dunning.message.withdrawn", {}),
            key="",
        )


def _owed(invoices: tuple[CaseInvoice, ...]) -> dict[str, JsonValue]:
    """What is to pay, an invoice each and in all."""
    total = sum(to_minor(invoice.remaining) for invoice in invoices)
    return {
        "invoices": [
            {"invoice": invoice.id, "amount": to_json(invoice.remaining)} for invoice in invoices
        ],
        "total": to_json(from_minor(total, invoices[0].remaining.currency)),
    }


def thank(step: Step) -> None:
    """Ask for the thank-you, when the money came after somebody had been written to."""
    case, message = step.case, step.policy.recovered_message
    paid = tuple(invoice for invoice in case.invoices if invoice.state is InvoiceState.PAID)
    if message is None or not case.requests or not paid:
        return
    back: JsonObject = {"level": AccessLevel.FULL.value, "at": step.at.isoformat()}
    data: dict[str, JsonValue] = {
        **_owed(paid),
        "message": message,
        "tone": Tone.FRIENDLY.value,
        "reason": "generic",
        "next_try": None,
        "access": back if case.access in _RESTRICTED else None,
        "end": None,
        "link": None,
        "stage": "recovered",
    }
    ask_for_message(step, data, "recovered", ("dunning.message.recovered", {}))


def _next_try(step: Step) -> str | None:
    """When the next automatic try comes, whoever makes it; None when none does."""
    case, policy = step.case, step.policy
    if policy.collector is Collector.PROVIDER:
        times = [invoice.next_payment_attempt for invoice in case.open_invoices]
    else:
        times = [
            invoice.next_payment_attempt or next_try(case, invoice, policy)
            for invoice in case.open_invoices
        ]
    ahead = [at for at in times if at is not None and at > step.at]
    return min(ahead).isoformat() if ahead else None


def _access_ahead(step: Step) -> JsonObject | None:
    """The next loss of access; or the one in force, when none lies ahead."""
    clock, policy = step.case.clock, step.policy
    level, index = level_at(policy, clock, step.at)
    ahead = next_access(policy, clock, level, step.at)
    while ahead is not None and ahead[1] not in _RESTRICTED:
        ahead = next_access(policy, clock, ahead[1], ahead[0])
    if ahead is not None:
        return {"level": ahead[1].value, "at": ahead[0].isoformat()}
    if level not in _RESTRICTED:
        return None
    return {"level": level.value, "at": (clock + policy.stages[index].after).isoformat()}


def _end_ahead(step: Step) -> JsonObject | None:
    """The end, when it changes something for the customer."""
    case, policy, clock = step.case, step.policy, step.case.clock
    if policy.end not in _CUSTOMER_FACING or not _targets(case, policy.end):
        return None
    at = stage_due(case, policy, len(policy.stages) - 1, clock, step.at)
    return {"action": policy.end.value, "at": at.isoformat()}


def end(step: Step) -> None:
    """Carry out the end when it is due, on fresh news only."""
    case, policy, clock = step.case, step.policy, step.case.clock
    pending = any(invoice.pending for invoice in case.open_invoices)
    if case.ended_at is not None or pending or held(case):
        return
    index = len(policy.stages) - 1
    due = stage_due(case, policy, index, clock, step.at)
    if due > step.at:
        return
    if step.at - case.seen_at > FRESH:
        for invoice in case.open_invoices:
            ask_to_read(step, invoice)
        return
    _start_end(step, policy.stages[index], index, due.isoformat())


def _start_end(step: Step, stage: Stage, index: int, due: str) -> None:
    action, case = step.policy.end, step.case
    if stage.message is not None:
        _write_stage(step, index, _stage_reason(step, index))
    targets = _targets(case, action)
    for name in targets:
        _ask_end(step, action, name, 1)
    announced = case.announced_at
    step.say(
        "dunning.end_started",
        {"action": action.value, "targets": list(targets)},
        (
            "dunning.end.due",
            {
                "action": action.value,
                "after": int(stage.after.total_seconds()),
                "due": due,
                "announced_at": None if announced is None else announced.isoformat(),
            },
        ),
    )
    step.case = evolve(step.case, ended_at=step.at, stages_done=index + 1)


def _targets(case: DunningCase, action: EndAction) -> tuple[str, ...]:
    """The subscriptions or invoices the end concerns."""
    if action is EndAction.KEEP:
        return ()
    if action is EndAction.UNCOLLECTIBLE:
        return tuple(invoice.id for invoice in case.open_invoices)
    return tuple(
        sorted(
            {
                invoice.subscription
                for invoice in case.open_invoices
                if invoice.subscription is not None and not invoice.cancelled
            }
        )
    )


def _ask_end(step: Step, action: EndAction, name: str, number: int) -> None:
    attempt = f"{action.value}:{name}:{number}"
    seller = step.case.seller
    if action is EndAction.UNCOLLECTIBLE:
        step.ask(MARK_UNCOLLECTIBLE, attempt, {"invoice": name, "seller": seller})
    else:
        step.ask(f"subscriptions.{action.value}", attempt, {"subscription": name, "seller": seller})
    step.case = evolve(step.case, ending=(*step.case.ending, attempt))


def end_answered(step: Step, performed: Performed) -> None:
    """Take in what became of an end; one without effect is asked for again a few times."""
    attempt, outcome = performed.effect.attempt, performed.outcome
    if attempt not in step.case.ending:
        return
    word, rest = attempt.split(":", 1)
    name, number = rest.rsplit(":", 1)
    action = EndAction(word)
    waiting = tuple(other for other in step.case.ending if other != attempt)
    step.case = evolve(step.case, ending=waiting)
    values: dict[str, JsonValue] = {"action": action.value, "target": name}
    key = "performed"
    if not isinstance(outcome, Answer):
        again = outcome.reason != SHADOW and int(number) < _ENDING_TRIES
        key = "again" if again else "no_effect"
        if outcome.reason == SHADOW:
            key = "shadow"
        else:
            values["reason"] = outcome.reason
        if again:
            _ask_end(step, action, name, int(number) + 1)
    step.say(
        "dunning.end_answered",
        {"action": action.value, "target": name, "attempt": attempt, "result": key},
        (f"dunning.end.{key}", values),
        key=attempt,
    )
    invoice = step.case.invoice(InvoiceId(name))
    if action is EndAction.UNCOLLECTIBLE and key == "performed" and invoice is not None:
        settle(step, invoice, InvoiceState.UNCOLLECTIBLE)
