"""The dunning feature: what wakes it, and the order in which a decision is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, assert_never

from attrs import evolve, frozen

from retainkit.billing import READ_INVOICE, Invoice, InvoiceState, Payment, invoice_from_json
from retainkit.core import (
    Decision,
    Due,
    Event,
    Facts,
    JsonObject,
    JsonValue,
    Performed,
    RecordedEvent,
    Trigger,
    Woken,
)
from retainkit.dunning._case import CaseOutcome, DunningCase, case_key
from retainkit.dunning._history import (
    CLOSED,
    METHOD_CHANGED,
    OBSERVED,
    closed_cases,
    is_past,
    newest_method,
)
from retainkit.dunning._learn import (
    first_failure,
    learn_cancellation,
    learn_method,
    learn_snapshot,
    say_declines,
    with_method,
)
from retainkit.dunning._plan import Reason, fitted, reading, told_of
from retainkit.dunning._policy import DunningPolicy, EndAction
from retainkit.dunning._stages import (
    change_access,
    end,
    end_answered,
    rewind,
    thank,
    withdraw_messages,
    write,
)
from retainkit.dunning._step import Step
from retainkit.dunning._tries import (
    COLLECT,
    ask_to_read,
    collected,
    forgive,
    forgiven,
    read_again,
    refuse_collection,
    start_tries,
    withdraw_tries,
)
from retainkit.dunning._wake import next_look, wake
from retainkit.ids import CaseId, CustomerId, derive


CANCELLED: Final = "subscription.cancelled"


@frozen
class Dunning:
    """
    The feature that gets failed payments paid.

    A case holds the open invoices of one customer, currency and seller. It is woken by
    ``invoice.observed``, ``payment_method.changed`` and ``subscription.cancelled``.

    Args:
        policy: What new cases run under.
    """

    policy: DunningPolicy
    name: str = "dunning"
    subscribes: frozenset[str] = frozenset({OBSERVED, METHOD_CHANGED, CANCELLED})
    reads: frozenset[str] = frozenset({OBSERVED, CLOSED, METHOD_CHANGED})
    schema: int = 1

    @property
    def case_type(self) -> type[DunningCase]:
        """The class of its cases."""
        return DunningCase

    @property
    def definition(self) -> JsonObject:
        """The policy as JSON; see :attr:`DunningPolicy.definition`."""
        return self.policy.definition

    def policy_of(self, definition: JsonObject) -> DunningPolicy:
        """The policy that a definition says."""
        return DunningPolicy.from_definition(definition)

    def upcast(self, body: dict[str, object], schema: int) -> dict[str, object]:
        """The body as it is: there is one schema so far."""
        del schema
        return body

    def route(self, event: Event, cases: Sequence[DunningCase]) -> Sequence[str]:
        """The cases an event concerns: by currency and seller, by seller, or by subscription."""
        if event.name == OBSERVED:
            invoice = invoice_from_json(event.data.get("invoice"))
            key = case_key(invoice.remaining.currency.code, invoice.seller)
            known = any(case.key == key for case in cases)
            failed = first_failure(invoice, event.occurred_at) is not None
            opens = invoice.state is InvoiceState.OPEN and failed
            return (key,) if known or opens else ()
        seller = event.data.get("seller")
        concerned = [case for case in cases if seller is None or case.seller == seller]
        if event.name == CANCELLED:
            subscription = event.data.get("subscription")
            concerned = [
                case
                for case in concerned
                if any(invoice.subscription == subscription for invoice in case.open_invoices)
            ]
        return [case.key for case in concerned]

    def decide(
        self,
        case: DunningCase | None,
        trigger: Trigger,
        facts: Facts,
        now: datetime,
        policy: DunningPolicy,
    ) -> Decision[DunningCase]:
        """First learn what the trigger says, then do what is due, then set the next time."""
        if case is None:
            case = _blank(trigger, facts, now)
            if case is None:
                return Decision()
        case = fitted(case, policy)
        step = Step(case, policy, now)
        _learn(step, trigger, facts)
        if not step.case.invoices:
            return Decision()
        if case.open:
            _act(step, case)
        if step.events or step.effects:
            step.case = evolve(step.case, steps=step.case.steps + 1)
        return Decision(
            case=step.case,
            wake=wake(step.case, policy, now) if step.case.open else None,
            events=tuple(step.events),
            effects=tuple(step.effects),
            withdraw=tuple(step.withdrawn),
        )


def _blank(trigger: Trigger, facts: Facts, now: datetime) -> DunningCase | None:
    """A case without invoices, for the snapshots that may fill it."""
    events = trigger.events if isinstance(trigger, Woken) else ()
    read = [(_snapshot(recorded), recorded.event.occurred_at) for recorded in events]
    snapshots = [(snapshot, at) for snapshot, at in read if snapshot is not None]
    if not snapshots:
        return None
    first = snapshots[0][0]
    failures = [first_failure(snapshot, at) for snapshot, at in snapshots]
    since = min((at for at in failures if at is not None), default=now)
    given = newest_method(facts, first.seller, since)
    currency = first.remaining.currency.code
    key = case_key(currency, first.seller)
    earlier = closed_cases(facts, key)
    dead: set[str] = set()
    for closed in earlier:
        names = closed["dead"]
        dead.update(names if isinstance(names, (list, tuple)) else ())
    blank = DunningCase(
        id=_case_id(facts.customer, key, len(earlier)),
        key=key,
        customer=facts.customer,
        seller=first.seller,
        currency=currency,
        opened_at=now,
        seen_at=now,
        dead=tuple(sorted(dead)),
    )
    return blank if given is None else with_method(blank, given)


def _case_id(customer: CustomerId, key: str, earlier: int) -> CaseId:
    return CaseId(derive("dunning", customer, key, str(earlier)))


def _snapshot(recorded: RecordedEvent) -> Invoice | None:
    if recorded.event.name != OBSERVED:
        return None
    return invoice_from_json(recorded.event.data.get("invoice"))


def _learn(step: Step, trigger: Trigger, facts: Facts) -> None:
    before: dict[str, Payment | None] = {invoice.id: invoice.last for invoice in step.case.invoices}
    match trigger:
        case Due():
            return
        case Woken(events=events):
            for recorded in sorted(events, key=lambda each: each.event.name != OBSERVED):
                _learn_event(step, recorded, facts)
        case Performed(effect=effect):
            if effect.kind == COLLECT:
                collected(step, trigger)
            elif effect.kind == READ_INVOICE:
                read_again(step, trigger)
            elif effect.attempt.startswith("forgive:"):
                forgiven(step, trigger)
            else:
                end_answered(step, trigger)
        case _:
            assert_never(trigger)
    if step.case.open:
        step.case = evolve(step.case, seen_at=max(step.case.seen_at, step.at))
        say_declines(step, before)


def _learn_event(step: Step, recorded: RecordedEvent, facts: Facts) -> None:
    event, snapshot = recorded.event, _snapshot(recorded)
    if snapshot is not None:
        if step.case.invoice(snapshot.id) or not is_past(snapshot, facts, step.case.key):
            learn_snapshot(step, snapshot, event.occurred_at)
    elif event.name == METHOD_CHANGED:
        learn_method(step, event)
    else:
        learn_cancellation(step, event)


def _act(step: Step, before: DunningCase) -> None:
    """Do what is due now, and nothing twice: each part looks at what the case says is done."""
    if not before.invoices:
        _open(step)
    withdraw_tries(step)
    if _close(step):
        return
    rewind(step, before)
    change_access(step, eased=len(step.case.open_invoices) < len(before.open_invoices))
    refuse_collection(step)
    forgive(step)
    start_tries(step)
    write(step)
    end(step)
    _look_again(step)
    _close(step)


def _open(step: Step) -> None:
    """The first event of a new case stands before all others."""
    oldest = min(step.case.invoices, key=lambda invoice: (invoice.failed_at, invoice.id))
    said, step.events = step.events, []
    step.say(
        "dunning.case_opened",
        {
            "key": step.case.key,
            "invoices": [invoice.id for invoice in step.case.invoices],
            "failed_at": oldest.failed_at.isoformat(),
        },
        (
            "dunning.case.opened",
            {
                "invoice": oldest.id,
                "failed_at": oldest.failed_at.isoformat(),
                **told_of(reading(oldest, step.policy)),
            },
        ),
        key="",
    )
    step.events.extend(said)


def _look_again(step: Step) -> None:
    """Read the invoices again when nothing was heard for too long and nothing else would come."""
    at = next_look(step.case, step.policy, step.at)
    if at is None or at > step.at:
        return
    waiting = [invoice for invoice in step.case.open_invoices if invoice.flight is None]
    for invoice in waiting:
        ask_to_read(step, invoice)
    if waiting:
        silence = int((step.at - step.case.seen_at).total_seconds())
        step.say(
            "dunning.invoices_rechecked",
            {"invoices": [invoice.id for invoice in waiting]},
            ("dunning.check.waiting", {"seconds": silence}),
        )
    step.case = evolve(step.case, seen_at=step.at)


def _close(step: Step) -> bool:
    """Close the case when nothing is open, or when its end has come; whether it is closed."""
    case, policy = step.case, step.policy
    over = case.ended_at is not None and policy.end.closes and not case.ending
    if case.open_invoices and not over:
        return False
    states = {invoice.state for invoice in case.invoices}
    outcome = CaseOutcome.SETTLED
    if over and states != {InvoiceState.PAID}:
        outcome = CaseOutcome.ENDED
    elif InvoiceState.PAID in states and InvoiceState.UNCOLLECTIBLE not in states:
        outcome = CaseOutcome.RECOVERED
    ended = outcome is CaseOutcome.ENDED
    withdraw_messages(step, ended=ended)
    if not ended:
        thank(step)
    _say_closed(step, outcome)
    step.case = evolve(step.case, outcome=outcome, closed_at=step.at, ending=())
    return True


def _say_closed(step: Step, outcome: CaseOutcome) -> None:
    case, policy = step.case, step.policy
    values: dict[str, JsonValue] = {}
    if outcome is CaseOutcome.ENDED:
        values = {"action": policy.end.value}
    reason: Reason = (f"dunning.case.{outcome.value}", values)
    lately = max(case.invoices, key=lambda invoice: (invoice.failed_at, invoice.id))
    cancelled = outcome is CaseOutcome.ENDED and policy.end is EndAction.CANCEL
    step.say(
        CLOSED,
        {
            "key": case.key,
            "outcome": outcome.value,
            "involuntary": cancelled and not all(invoice.cancelled for invoice in case.invoices),
            "class": reading(lately, policy).class_.value,
            "invoices": [
                {
                    "invoice": invoice.id,
                    "state": invoice.state.value,
                    "tries": invoice.tries,
                    "payments": {name: state.value for name, state in invoice.payments},
                }
                for invoice in case.invoices
            ],
            "dead": list(case.dead),
        },
        reason,
        key="",
    )
