"""Messages, access and the end: what the customer sees while the money is out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from tests.dunning.conftest import (
    ASK,
    DAY,
    HARD,
    RETRYING,
    SOFT,
    STAGES,
    START,
    WATCHING,
    World,
    cancelled,
    days,
    method_changed,
)

from retainkit.billing import InvoiceState
from retainkit.core import Answer, NoEffect
from retainkit.dunning import (
    AccessLevel,
    CaseOutcome,
    DunningPolicy,
    Stage,
    UpcomingKind,
    access,
    full_access,
    harshest,
    upcoming,
)


def ending(action: str, **changes: object) -> DunningPolicy:
    stages = (*STAGES[:-1], Stage(after=timedelta(days=21), end=action))
    return evolve(RETRYING, stages=stages, **changes)  # type: ignore[arg-type]  # as the test says


def test_the_whole_plan_when_nobody_pays() -> None:
    """Three messages, access limited after a week, an announced end, an involuntary loss."""
    world = World()
    world.observe(world.provider.bill())
    world.until(START + 30 * DAY)

    assert world.messages == [
        ("payment_failed", "friendly", "insufficient_funds"),
        ("payment_failed", "firm", "insufficient_funds"),
        ("last_notice", "firm", "insufficient_funds"),
    ]
    assert world.asked("subscriptions.cancel") == ["cancel:sub_1:1"]
    assert world.reasons("dunning.end_answered") == ["dunning.end.performed"]
    assert world.case.outcome is CaseOutcome.ENDED
    closed = world.said("dunning.case_closed")[0]
    assert closed.data["involuntary"] is True
    assert closed.occurred_at == START + 21 * DAY


def test_a_message_says_what_happens_next() -> None:
    """Amounts, next try, loss of access and the end, each with its day."""
    world = World()
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2", amount="10.50"))
    data = world.said("message.requested")[0].data

    assert data["invoices"] == [
        {"invoice": "in_1", "amount": {"amount": "29.00", "currency": "EUR"}},
        {"invoice": "in_2", "amount": {"amount": "10.50", "currency": "EUR"}},
    ]
    assert data["total"] == {"amount": "39.50", "currency": "EUR"}
    assert data["next_try"] == (START + DAY).isoformat()
    assert data["access"] == {"level": "limited", "at": (START + 7 * DAY).isoformat()}
    assert data["end"] == {"action": "cancel", "at": (START + 21 * DAY).isoformat()}
    assert (data["feature"], data["link"], data["stage"]) == ("dunning", "payment_method", 0)


def test_a_notice_in_the_product_is_not_announced_as_a_loss() -> None:
    """The first loss of access is named, not the banner before it."""
    stages = (STAGES[0], Stage(after=3 * DAY, access="notice"), *STAGES[1:])
    world = World(evolve(RETRYING, stages=stages))
    world.observe(world.provider.bill())

    assert world.said("message.requested")[0].data["access"] == {
        "level": "limited",
        "at": (START + 7 * DAY).isoformat(),
    }


def test_a_hard_decline_does_not_wait_for_a_quiet_first_stage() -> None:
    """Retries come before the first mail, but not when the customer has to act."""
    quiet = (Stage(after=timedelta(days=4), message="payment_failed"), *STAGES[2:])
    policy = evolve(RETRYING, stages=quiet)
    patient, urgent = World(policy), World(policy)
    patient.observe(patient.provider.bill(decline=SOFT))
    urgent.observe(urgent.provider.bill(decline=HARD))

    assert patient.messages == []
    assert urgent.messages == [("payment_failed", "neutral", "generic")]
    urgent.until(START + 5 * DAY)
    assert len(urgent.messages) == 1  # the stage's message is the one that was sent


def test_a_plan_without_messages_says_nothing() -> None:
    """Access and the end alone are a plan, too: another system writes."""
    stages = (Stage(after=timedelta(days=3), access="notice"), Stage(after=14 * DAY, end="keep"))
    world = World(evolve(RETRYING, stages=stages))
    world.observe(world.provider.bill(decline=ASK))
    world.until(START + 15 * DAY)

    assert world.messages == []
    assert [event.data["level"] for event in world.said("dunning.access_changed")] == ["notice"]


def test_access_follows_the_clock_and_not_the_worker() -> None:
    """Nobody ran anything for eight days: the answer is right all the same."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    case = world.case

    before = access(case, WATCHING, START + 6 * DAY)
    after = access(case, WATCHING, START + 8 * DAY)

    assert (before.level, before.since, before.until) == (
        AccessLevel.FULL,
        None,
        START + 7 * DAY,
    )
    assert (after.level, after.since, after.until) == (
        AccessLevel.LIMITED,
        START + 7 * DAY,
        None,
    )
    assert after.because.key == "dunning.access.stage"
    assert access(case, WATCHING, START + 8 * DAY) == after
    assert harshest([before, after, full_access()]) == after
    assert harshest([]) == full_access()


def test_upcoming_lists_what_the_plan_still_holds() -> None:
    """Tries, messages, access and the end in their order, and what comes first is the timer."""
    world = World()
    world.observe(world.provider.bill())
    plan = upcoming(world.case, RETRYING, world.now)

    assert [(step.at - START, step.kind) for step in plan] == [
        (DAY, UpcomingKind.RETRY),
        (7 * DAY, UpcomingKind.ACCESS),
        (7 * DAY, UpcomingKind.MESSAGE),
        (14 * DAY, UpcomingKind.MESSAGE),
        (21 * DAY, UpcomingKind.END),
    ]
    assert plan[0].at == world.wakes[world.case.id]
    assert plan[0].because.key == "dunning.retry.planned"
    assert upcoming(world.case, RETRYING, world.now) == plan
    world.observe(world.provider.pay("in_1"))
    assert upcoming(world.case, RETRYING, world.now) == ()
    assert access(world.case, RETRYING, START + 9 * DAY) == full_access()


def test_a_sleeping_worker_sends_one_message_and_the_announced_end_keeps_its_distance() -> None:
    """After 25 days: the notice, not a burst; and the week between notice and end is kept."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.jump(START + 25 * DAY)

    assert [message for message, _, _ in world.messages] == ["payment_failed", "last_notice"]
    assert [event.data["stage"] for event in world.said("dunning.message_skipped")] == [1]
    assert world.said("message.requested")[-1].data["end"] == {
        "action": "cancel",
        "at": (START + 32 * DAY).isoformat(),
    }
    end = [step for step in upcoming(world.case, WATCHING, world.now) if step.kind == "end"]
    assert [step.at for step in end] == [START + 32 * DAY]
    world.until(START + 31 * DAY)
    assert world.asked("subscriptions.cancel") == []
    world.until(START + 33 * DAY)
    assert world.asked("subscriptions.cancel") == ["cancel:sub_1:1"]


def test_a_notice_is_never_skipped_for_a_later_message() -> None:
    """What announces the end goes out, even if another message is due as well."""
    stages = (*STAGES[:3], Stage(after=17 * DAY, message="payment_failed"), STAGES[3])
    world = World(evolve(WATCHING, stages=stages))
    world.observe(world.provider.bill())
    world.jump(START + 18 * DAY)

    assert [message for message, _, _ in world.messages] == ["payment_failed", "last_notice"]
    assert [event.data["stage"] for event in world.said("dunning.message_skipped")] == [1, 3]


def test_before_the_end_the_invoice_is_read_again() -> None:
    """The webhook of the payment was lost: nobody loses a subscription over that."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.provider.pay("in_1")
    world.until(START + 22 * DAY)

    assert world.asked("payments.read_invoice") == ["read:in_1:1"]
    assert world.asked("subscriptions.cancel") == []
    assert world.case.outcome is CaseOutcome.RECOVERED
    assert world.reasons("dunning.invoice_settled") == ["dunning.invoice.paid_elsewhere"]


@pytest.mark.parametrize("action", ["pause", "keep"])
def test_a_paused_or_kept_subscription_stays_restricted_until_it_is_paid(action: str) -> None:
    """The plan is over, the case is not: it looks now and then, and a new card is tried."""
    world = World(ending(action))
    world.observe(world.provider.bill())
    world.until(START + 40 * DAY)

    assert world.asked("subscriptions.pause") == (["pause:sub_1:1"] if action == "pause" else [])
    assert world.case.open
    assert access(world.case, world.policy, world.now).level is AccessLevel.LIMITED
    assert world.reasons("dunning.invoices_rechecked")[0] == "dunning.check.waiting"
    assert [step.kind for step in upcoming(world.case, world.policy, world.now)] == ["check"]
    tries = len(world.asked("payments.collect"))
    world.provider.behaviour["pm_new"] = SOFT
    world.deliver(method_changed("pm_new", world.now))
    world.until(world.now + DAY)
    assert len(world.asked("payments.collect")) == tries + 1
    assert world.reasons("dunning.decline_noted")[-1] == "dunning.retry.ended"
    world.observe(world.provider.pay("in_1"))
    assert world.case.outcome is CaseOutcome.RECOVERED


def test_an_end_can_write_invoices_off() -> None:
    """The invoices become uncollectible, and the case ends with them."""
    world = World(ending("uncollectible"))
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2"))
    world.until(START + 22 * DAY)

    assert world.asked("invoices.mark_uncollectible") == [
        "uncollectible:in_1:1",
        "uncollectible:in_2:1",
    ]
    assert {invoice.state for invoice in world.case.invoices} == {InvoiceState.UNCOLLECTIBLE}
    assert world.case.outcome is CaseOutcome.ENDED
    assert world.said("dunning.case_closed")[0].data["involuntary"] is False
    assert world.said("message.requested")[0].data["end"] is None


def test_what_could_not_be_written_off_stays_open() -> None:
    """The plan is over, and nobody claims that the invoices were settled."""
    world = World(ending("uncollectible"))
    world.provider.ends = NoEffect(reason="nothing_happened")
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)

    assert len(world.asked("invoices.mark_uncollectible")) == 3
    assert world.said("dunning.invoice_settled") == []
    assert world.case.invoices[0].state is InvoiceState.OPEN
    assert world.case.outcome is CaseOutcome.ENDED


def test_an_end_may_have_a_message_of_its_own() -> None:
    """The last stage may say goodbye."""
    stages = (*STAGES[:3], evolve(STAGES[3], message="subscription_ended"))
    world = World(evolve(WATCHING, stages=stages))
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)

    assert world.messages[-1][0] == "subscription_ended"


def test_an_end_without_effect_is_asked_for_again_and_then_handed_on() -> None:
    """Three attempts, each with its own key; then the events say that a person should look."""
    world = World(WATCHING)
    world.provider.ends = NoEffect(reason="nothing_happened")
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)

    assert world.asked("subscriptions.cancel") == [f"cancel:sub_1:{n}" for n in (1, 2, 3)]
    assert world.reasons("dunning.end_answered") == [
        "dunning.end.again",
        "dunning.end.again",
        "dunning.end.no_effect",
    ]
    assert world.case.outcome is CaseOutcome.ENDED


def test_nothing_to_cancel_is_no_involuntary_loss() -> None:
    """An invoice without a subscription, or of a cancelled one: the plan just ends."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.deliver(cancelled("sub_1", START + DAY))
    world.until(START + 22 * DAY)

    assert world.asked("subscriptions.cancel") == []
    assert world.case.outcome is CaseOutcome.ENDED
    assert world.said("dunning.case_closed")[0].data["involuntary"] is False


def test_who_recovers_after_a_mail_may_be_thanked() -> None:
    """The thank-you names what was paid and gives access back; without a mail there is none."""
    policy = evolve(RETRYING, recovered_message="payment_recovered")
    world = World(policy)
    world.observe(world.provider.bill())
    world.until(START + 8 * DAY)
    world.observe(world.provider.pay("in_1"))

    thanks = world.said("message.requested")[-1].data
    assert thanks["message"] == "payment_recovered"
    assert thanks["total"] == {"amount": "29.00", "currency": "EUR"}
    assert thanks["access"] == {"level": "full", "at": world.now.isoformat()}
    silent = World(evolve(policy, stages=(evolve(STAGES[0], after=2 * DAY), *STAGES[1:])))
    silent.provider.behaviour["pm_old"] = "paid"
    silent.observe(silent.provider.bill())
    silent.until(START + DAY)
    assert silent.case.outcome is CaseOutcome.RECOVERED
    assert silent.messages == []


def test_one_paid_invoice_does_not_reset_the_other() -> None:
    """The younger invoice keeps its own clock: its stages come on its days, each announced."""
    world = World(WATCHING)
    world.observe(world.provider.bill("in_1"))
    world.until(START + 10 * DAY)
    world.observe(world.provider.bill("in_2", at=START + 10 * DAY))
    world.until(START + 15 * DAY)
    assert access(world.case, WATCHING, world.now).level is AccessLevel.LIMITED
    world.observe(world.provider.pay("in_1"))

    assert access(world.case, WATCHING, world.now).level is AccessLevel.FULL
    assert world.reasons("dunning.access_changed")[-1] == "dunning.access.restored"
    assert len(world.messages) == 3
    world.until(START + 16 * DAY)
    assert len(world.messages) == 3
    world.until(START + 40 * DAY)
    assert [message for message, _, _ in world.messages[3:]] == ["payment_failed", "last_notice"]
    assert world.said("dunning.end_started")[0].occurred_at == START + 31 * DAY


def test_a_clock_set_back_fires_nothing_twice() -> None:
    """The same timer comes due again; what is done stays done."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.until(START + 8 * DAY)
    said = len(world.timeline)
    world.jump(START + DAY)
    world.until(START + 8 * DAY)

    assert len(world.timeline) == said


def test_ten_thousand_policies_of_a_day_are_one_policy() -> None:
    """The same plan has the same fingerprint; another has another."""
    same = DunningPolicy(retries=days(1, 3, 7), stages=STAGES, collector="retainkit")

    assert same.fingerprint == RETRYING.fingerprint
    assert WATCHING.fingerprint != RETRYING.fingerprint


def test_an_answer_to_an_end_that_nobody_waits_for_changes_nothing() -> None:
    """A person settled it before: the late answer finds the case closed."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)
    closed, cancel = world.case, world.effects[-1]
    world.answer(closed.id, cancel, Answer())

    assert world.case == closed
