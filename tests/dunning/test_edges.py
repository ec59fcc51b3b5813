"""Where a decision turns: the case just before, on, and just behind each edge."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from attrs import evolve
from tests.dunning.conftest import (
    ANNA,
    DAY,
    HARD,
    HOUR,
    ODD,
    RETRYING,
    SOFT,
    STAGES,
    START,
    WATCHING,
    World,
    method_changed,
    payment,
)

from retainkit.billing import Decline, InvoiceState, PaymentState, observed_event
from retainkit.core import Answer
from retainkit.dunning import (
    CaseOutcome,
    Dunning,
    DunningPolicy,
    Stage,
    UpcomingKind,
    access,
    classify,
    full_access,
    harshest,
    upcoming,
)
from retainkit.ids import PaymentMethodId


def _joins(world: World, name: str, *, at: datetime) -> None:
    """An invoice whose failure is heard of when it was made."""
    world.now = at
    world.observe(world.provider.bill(name, at=at))
    world.run()


# ---- a new payment method


@pytest.mark.parametrize(("late", "tried"), [(-HOUR, True), (0 * HOUR, True), (HOUR, False)])
def test_what_failed_after_the_new_card_was_given_is_owed_no_try_of_it(
    late: timedelta, tried: bool
) -> None:
    """The provider had the new card by then: what failed was that one."""
    world = World()
    world.observe(world.provider.bill("in_1"))
    given = START + 2 * HOUR
    world.now = given
    world.deliver(method_changed("pm_new", given))
    world.run()
    world.provider.charges.clear()
    world.now = given + 2 * HOUR
    world.observe(world.provider.bill("in_2", at=given + late))
    world.run()

    assert [name for name, _, _ in world.provider.charges] == ["in_2"] * tried


def test_the_latest_failure_decides_whether_the_new_card_was_tried() -> None:
    """First the old card failed, then the new one was given, then that failed, too."""
    world = World()
    world.observe(world.provider.bill("in_1"))
    world.now = START + 2 * HOUR
    world.deliver(method_changed("pm_new", world.now))
    world.run()
    world.provider.charges.clear()
    first = world.provider.bill("in_2").payments
    second = payment("in_2_ch2", at=START + 3 * HOUR, decline=SOFT, method="pm_new")
    world.now = START + 4 * HOUR
    world.observe(world.provider.change("in_2", payments=(*first, second), tries=2))
    world.run()

    assert world.provider.charges == []


def test_an_invoice_without_a_payment_that_joins_late_is_tried_with_the_new_card() -> None:
    """It failed unseen before the card was given, as far as anybody knows."""
    world = World()
    world.observe(world.provider.bill("in_1"))
    world.deliver(method_changed("pm_new", START))
    world.run()
    world.observe(world.provider.bill("in_2", decline=None))
    world.run()

    assert [name for name, _, _ in world.provider.charges] == ["in_1", "in_2"]


@pytest.mark.parametrize("seller", ["acct_0", "acct_2"])
def test_a_card_given_to_another_seller_is_none_of_this_one_s(seller: str) -> None:
    """Methods are known to the account they were given to; without an account, to all."""
    world = World()
    world.observe(world.provider.bill())
    given = method_changed("pm_new", START + HOUR)
    world.deliver(evolve(given, data={**given.data, "seller": seller}))
    world.run()
    assert world.case.method is None
    world.deliver(
        evolve(given, id=method_changed("x", START).id, data={**given.data, "seller": "acct_1"})
    )
    assert world.case.method == "pm_new"


def test_a_card_that_comes_with_the_news_of_a_failure_is_for_that_invoice_too() -> None:
    """Whichever of the two webhooks was first: what is known of the invoices is known before."""
    world = World()
    world.observe(world.provider.bill("in_1"))
    world.now = START + HOUR
    failed = world.provider.bill("in_2", at=START + HOUR)
    world.deliver(method_changed("pm_new", world.now), observed_event(failed, ANNA, world.now))

    assert world.said("dunning.method_noted")[0].data["trying"] == ["in_1", "in_2"]


@pytest.mark.parametrize(("slept", "skipped"), [(2, None), (4, 1), (8, 2)])
def test_a_late_try_says_how_many_it_stands_for(slept: int, skipped: int | None) -> None:
    """The last one that is due is made; those before it are not made up for."""
    world = World()
    world.observe(world.provider.bill())
    world.jump(START + slept * DAY)

    assert len(world.provider.charges) == 1
    why = world.said("dunning.retry_started")[0].because[0]
    assert why.values.get("skipped") == skipped
    assert world.case.invoices[0].rungs == 1 + (skipped or 0)


# ---- attempts without effect


def test_each_day_has_its_own_two_attempts_without_effect() -> None:
    """What was given up on the first day does not count on the third."""
    world = World()
    world.provider.without_effect = 4
    world.observe(world.provider.bill())
    world.until(START + 6 * DAY)

    assert (
        world.reasons("dunning.retry_without_effect")
        == [
            "dunning.retry.no_effect",
            "dunning.retry.no_effect_again",
        ]
        * 2
    )
    assert world.case.invoices[0].rungs == 2


# ---- what a decline says, and of what


def test_an_unknown_code_asks_for_no_wait() -> None:
    """Nobody says how long, so the ladder does."""
    assert classify(ODD, {}).retry_not_before is None


def test_a_new_card_has_its_own_one_try_after_an_unknown_code() -> None:
    """What was used up was the old card's; the immediate try is no repetition."""
    world = World()
    world.provider.behaviour = {"pm_old": ODD, "pm_new": ODD}
    world.observe(world.provider.bill(decline=ODD))
    world.until(START + 2 * DAY)
    assert len(world.provider.charges) == 1
    world.deliver(method_changed("pm_new", world.now))
    world.until(START + 20 * DAY)

    assert [(method, at - START) for _, method, at in world.provider.charges[1:]] == [
        ("pm_new", 2 * DAY),
        ("pm_new", 3 * DAY),
    ]


def test_a_confirmation_with_a_code_of_its_own_is_read_by_that_code() -> None:
    """The state alone says 'authentication' only where no code says more."""
    world = World()
    world.provider.bill(decline=None)
    waiting = payment("in_1_ch1", state=PaymentState.NEEDS_ACTION, decline=HARD)
    world.observe(world.provider.change("in_1", payments=(waiting,)))

    assert world.said("dunning.decline_noted")[0].data["code"] == "lost_card"


def test_a_try_that_failed_does_not_go_back_to_waiting_for_the_customer() -> None:
    """The report from before it failed comes late."""
    world = World()
    world.provider.bill(decline=None)
    waiting = payment("in_1_ch1", state=PaymentState.NEEDS_ACTION)
    world.observe(world.provider.change("in_1", payments=(waiting,)))
    failed = evolve(waiting, state=PaymentState.FAILED, decline=SOFT)
    world.observe(world.provider.change("in_1", payments=(failed,)))
    world.observe(world.provider.change("in_1", payments=(waiting,), provider_retries=True))

    assert world.case.invoices[0].last == failed
    assert len(world.said("dunning.decline_noted")) == 2


def test_a_failure_without_a_code_is_an_unknown_one() -> None:
    """It failed, nobody says why: one more try."""
    world = World()
    world.provider.bill(decline=None)
    world.observe(world.provider.change("in_1", payments=(payment("in_1_ch1"),)))

    assert world.reasons("dunning.decline_noted") == ["dunning.retry.planned_unknown"]
    assert world.said("dunning.decline_noted")[0].data["code"] == "unknown"


@pytest.mark.parametrize(
    ("method", "credential", "stopped"),
    [
        ("pm_old", None, True),
        ("pm_two", "fp_pm_old", True),
        ("pm_two", "fp_two", False),
        ("pm_one", "fp_a", False),
        ("pm_a", "fp_two", False),
    ],
)
def test_a_decline_speaks_of_a_card_by_its_name_or_by_what_stands_behind_it(
    method: str, credential: str | None, stopped: bool
) -> None:
    """Whichever of the two is the same, it is the card that wants the customer."""
    world = World()
    world.observe(world.provider.bill(decline=Decline(code="authentication_required")))
    world.deliver(method_changed(method, START + HOUR, credential=credential))
    world.provider.behaviour[method] = SOFT
    world.run()
    first = world.provider.invoices["in_1"].payments
    asks = payment("in_1_ch9", at=START + 2 * HOUR, decline=Decline(code="authentication_required"))
    world.now = START + 3 * HOUR
    world.observe(world.provider.change("in_1", payments=(*first, asks), tries=9))
    before = len(world.provider.charges)
    world.until(START + 2 * DAY)

    assert (len(world.provider.charges) == before) is stopped


def test_a_debit_under_way_is_not_the_customer_s_to_act_on() -> None:
    """Its card is dead, but money is coming; the other invoice only waits for its next try."""
    quiet = (Stage(after=4 * DAY, message="payment_failed"), *STAGES[2:])
    world = World(evolve(RETRYING, stages=quiet))
    world.observe(world.provider.bill("in_2"))
    world.provider.default = PaymentMethodId("pm_lost")
    first = world.provider.bill("in_1", decline=HARD).payments
    debit = payment("in_1_ch2", state=PaymentState.PENDING, method="pm_bank")
    world.observe(world.provider.change("in_1", payments=(*first, debit), tries=2))

    assert world.messages == []
    assert world.case.dead == ("fp_pm_lost", "pm_lost")


# ---- stages


def test_without_a_notice_the_latest_of_several_overdue_messages_is_the_one() -> None:
    """The mildest words are those of a day long past."""
    stages = (*STAGES[:2], Stage(after=9 * DAY, end="keep"))
    world = World(evolve(WATCHING, retries=(), stages=stages))
    world.provider.bill()
    world.now = START + 8 * DAY
    world.observe(world.provider.invoices["in_1"])

    assert world.messages == [("payment_failed", "firm", "insufficient_funds")]
    assert [event.data["stage"] for event in world.said("dunning.message_skipped")] == [0]


def test_a_try_of_the_provider_that_is_due_this_very_moment_is_no_next_one() -> None:
    """A message names what lies ahead."""
    world = World(WATCHING)
    world.provider.bill()
    world.observe(world.provider.change("in_1", next_payment_attempt=START))

    assert world.said("message.requested")[0].data["next_try"] is None


def test_the_round_counts_how_often_the_clock_was_set_later() -> None:
    """It is part of what a message's request is called, so it begins with nothing."""
    world = World(WATCHING)
    world.observe(world.provider.bill("in_1"))
    world.until(START + 10 * DAY)
    _joins(world, "in_2", at=START + 10 * DAY)
    assert world.case.round == 0
    world.observe(world.provider.pay("in_1"))
    assert world.case.round == 1


@pytest.mark.parametrize("length", [2, 3, 4])
def test_the_end_of_a_shorter_plan_lies_ahead_of_who_is_moved_to_it(length: int) -> None:
    """However many stages are behind the case, the last one is not."""
    messages = [Stage(after=day * DAY, message="payment_failed") for day in range(5)]
    long = DunningPolicy(retries=(), stages=(*messages, Stage(after=30 * DAY, end="keep")))
    short = evolve(
        long, stages=(*messages[: length - 1], Stage(after=20 * DAY, end="uncollectible"))
    )
    world = World(long)
    world.observe(world.provider.bill())
    world.until(START + 6 * DAY)
    world.policy, world.feature = short, Dunning(short)

    assert [(step.kind, step.at) for step in upcoming(world.case, short, world.now)] == [
        ("end", START + 20 * DAY)
    ]
    world.wakes[world.case.id] = world.now
    world.until(START + 21 * DAY)
    assert world.case.outcome is CaseOutcome.ENDED


@pytest.mark.parametrize(("age", "reads"), [(HOUR, 0), (HOUR + timedelta(seconds=1), 1)])
def test_the_end_trusts_news_that_is_an_hour_old(age: timedelta, reads: int) -> None:
    """Older news is asked for again before anybody loses a subscription."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.until(START + 20 * DAY)
    world.now = START + 21 * DAY - age
    world.observe(world.provider.change("in_1", tries=2))
    world.until(START + 22 * DAY)

    assert len(world.asked("payments.read_invoice")) == reads
    assert world.case.outcome is CaseOutcome.ENDED


@pytest.mark.parametrize("first", [0, -1])
def test_a_case_ends_when_the_last_of_its_subscriptions_has(first: int) -> None:
    """Whichever answer comes first, the other one is waited for."""
    world = World(WATCHING)
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2", subscription="sub_2"))
    world.until(START + 21 * DAY - HOUR)
    world.observe(world.provider.change("in_1", tries=2))
    world.now = START + 21 * DAY
    world.fire()
    assert [effect.attempt for _, effect in world.waiting] == ["cancel:sub_1:1", "cancel:sub_2:1"]
    world.answer(*world.waiting.pop(first), Answer())
    assert world.case.open
    assert world.case.ending == (world.waiting[0][1].attempt,)
    world.answer(*world.waiting.pop(), Answer())
    assert world.case.outcome is CaseOutcome.ENDED


def test_of_two_cases_the_harshest_counts_and_of_these_the_longest_in_force() -> None:
    """What a customer may use follows from all their cases."""
    first, second = World(WATCHING), World(WATCHING)
    first.observe(first.provider.bill())
    second.observe(second.provider.bill(at=START + DAY))
    now = START + 10 * DAY
    older, younger = (access(world.case, WATCHING, now) for world in (first, second))

    assert (older.level, younger.level) == ("limited", "limited")
    for order in ([older, younger, full_access()], [full_access(), younger, older]):
        assert harshest(order) == older
    mild = access(second.case, WATCHING, START + DAY)
    assert harshest([mild, younger]) == younger


@pytest.mark.parametrize("waits", ["flight", "debit"])
def test_who_waits_for_money_looks_again_though_the_plan_goes_on(waits: str) -> None:
    """An answer may be lost; of two invoices, only one has a debit under way."""
    world = World()
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2"))
    world.now = START + DAY
    if waits == "flight":
        world.fire()
    else:
        debit = payment("in_1_ch2", at=START, state=PaymentState.PENDING, method="pm_bank")
        tries = (*world.provider.invoices["in_1"].payments, debit)
        world.observe(world.provider.change("in_1", payments=tries))

    ahead = upcoming(world.case, RETRYING, world.now)
    looks = [step.at for step in ahead if step.kind is UpcomingKind.CHECK]
    assert looks == [world.case.seen_at + RETRYING.recheck]


# ---- after the case


def test_an_old_report_of_a_forgiven_invoice_opens_nothing() -> None:
    """Written off by us: no payment tells the late report from the newest."""
    world = World(evolve(RETRYING, forgive_on_cancel=True))
    world.provider.bill()
    world.observe(world.provider.change("in_1", subscription_cancelled=True))
    world.run()
    assert world.case.outcome is CaseOutcome.SETTLED
    world.now = START + DAY
    world.observe(world.provider.change("in_1", provider_retries=True))

    assert len(world.cases) == 1
    assert world.case.invoices[0].state is InvoiceState.UNCOLLECTIBLE


@pytest.mark.parametrize("other", ["acct_0", "acct_2"])
def test_the_same_invoice_number_of_another_account_is_another_invoice(other: str) -> None:
    """It was paid there; here it failed."""
    world = World()
    failed = world.provider.bill()
    world.observe(evolve(world.provider.pay("in_1"), seller=other))
    world.observe(failed)

    assert [case.key for case in world.cases.values()] == ["EUR:acct_1"]


@pytest.mark.parametrize("name", ["in_0", "in_2"])
def test_another_invoice_of_an_ended_case_s_customer_opens_a_new_one(name: str) -> None:
    """What was ended is that invoice, not its neighbours by number."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)
    world.observe(world.provider.bill(name, at=world.now))

    assert [case.open for case in world.cases.values()] == [False, True]
