"""Who charges, and what becomes of an attempt: never two at once, never two engines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from tests.dunning.conftest import (
    ASK,
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
    cancelled,
    method_changed,
    payment,
)

from retainkit.billing import Declined as DeclinedOutcome
from retainkit.billing import InvoiceState, PaymentState, outcome_to_json
from retainkit.core import Answer, Decision, Due, Effect, Facts, NoEffect, Unknown
from retainkit.dunning import CaseOutcome, Dunning, upcoming
from retainkit.ids import CustomerId, TenantId
from retainkit.money import money


def test_the_provider_collects_and_retainkit_writes() -> None:
    """No charge of ours, not even for a new card; the message names the provider's next try."""
    world = World(WATCHING)
    world.provider.bill()
    world.observe(world.provider.change("in_1", next_payment_attempt=START + 2 * DAY))
    world.deliver(method_changed("pm_new", START + HOUR))
    world.until(START + 20 * DAY)

    assert world.asked("payments.collect") == []
    request = world.said("message.requested")[0]
    assert request.data["next_try"] == (START + 2 * DAY).isoformat()
    assert [because.key for because in request.because] == [
        "dunning.message.stage",
        "dunning.message.provider_tries_again",
    ]
    assert world.reasons("dunning.method_noted") == ["dunning.method.provider_collects"]
    assert world.reasons("dunning.decline_noted") == ["dunning.retry.provider_collects"]


def test_the_provider_s_next_try_is_part_of_what_comes() -> None:
    """Whoever asks what comes next sees the provider's try, too."""
    world = World(WATCHING)
    world.provider.bill()
    world.observe(world.provider.change("in_1", next_payment_attempt=START + 2 * DAY))
    first = upcoming(world.case, WATCHING, world.now)[0]

    assert (first.at, first.kind) == (START + 2 * DAY, "provider_retry")


def test_two_engines_never_charge_one_invoice() -> None:
    """An invoice the provider retries is refused, once a change; messages go on."""
    world = World()
    world.provider.bill()
    world.observe(world.provider.change("in_1", provider_retries=True))
    world.until(START + 2 * DAY)
    assert world.asked("payments.collect") == []
    assert world.reasons("dunning.collection_refused") == ["dunning.collection.provider_retries"]
    assert len(world.messages) == 1
    world.observe(world.provider.change("in_1", provider_retries=False))
    world.run()
    assert world.asked("payments.collect") == ["collect:in_1:1"]
    world.observe(world.provider.change("in_1", next_payment_attempt=START + 9 * DAY))
    world.until(START + 8 * DAY)
    assert len(world.asked("payments.collect")) == 1
    assert len(world.said("dunning.collection_refused")) == 2


def test_an_attempt_without_effect_is_followed_by_a_look_and_a_new_attempt() -> None:
    """The next attempt has a new number, hence a new key; the ladder has not moved."""
    world = World()
    world.provider.without_effect = 1
    world.observe(world.provider.bill())
    world.until(START + DAY)

    assert [effect.attempt for effect in world.effects] == [
        "collect:in_1:1",
        "read:in_1:1",
        "collect:in_1:2",
    ]
    assert world.case.invoices[0].rungs == 1


def test_two_attempts_without_effect_use_the_step_up() -> None:
    """No hot loop: the next try comes on its day."""
    world = World()
    world.provider.without_effect = 2
    world.observe(world.provider.bill())
    world.until(START + 2 * DAY)

    assert world.reasons("dunning.retry_without_effect") == [
        "dunning.retry.no_effect",
        "dunning.retry.no_effect_again",
    ]
    assert world.asked("payments.collect") == ["collect:in_1:1", "collect:in_1:2"]
    assert world.asked("payments.read_invoice") == ["read:in_1:1", "read:in_1:2"]
    assert world.wakes[world.case.id] == START + 3 * DAY


def test_a_new_card_whose_try_had_no_effect_is_still_owed_one() -> None:
    """Twice at most, then the ladder goes on with it."""
    world = World()
    world.provider.without_effect = 2
    world.observe(world.provider.bill())
    world.deliver(method_changed("pm_new", START + HOUR))
    world.until(START + 12 * HOUR)

    assert world.asked("payments.collect") == ["collect:in_1:1", "collect:in_1:2"]
    assert world.case.invoices[0].rungs == 0
    world.until(START + DAY)
    assert world.asked("payments.collect")[2:] == ["collect:in_1:3"]


def test_a_changed_amount_is_collected_as_it_is_now() -> None:
    """A part was paid or credited: nothing is charged until the amounts agree."""
    world = World()
    world.observe(world.provider.bill())
    world.provider.change("in_1", remaining=money("9.00", "EUR"))
    world.provider.behaviour["pm_old"] = "paid"
    world.until(START + DAY)

    assert world.effects[-1].data["amount"] == {"amount": "9.00", "currency": "EUR"}
    assert world.case.outcome is CaseOutcome.RECOVERED


def test_a_void_invoice_is_not_charged_and_the_case_is_settled() -> None:
    """Void is not paid: the outcome says so, and no thank-you goes out."""
    world = World(evolve(RETRYING, recovered_message="payment_recovered"))
    world.observe(world.provider.bill())
    world.provider.change("in_1", state=InvoiceState.VOID)
    world.until(START + DAY)

    assert world.provider.charges == []
    assert world.case.outcome is CaseOutcome.SETTLED
    assert world.reasons("dunning.invoice_settled") == ["dunning.invoice.void"]
    assert len(world.messages) == 1


def test_shadow_mode_goes_through_the_plan_without_touching_anything() -> None:
    """Each step is decided and counts as used."""
    world = World()
    world.provider.shadow = True
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)

    assert len(world.asked("payments.collect")) == 3
    assert set(world.reasons("dunning.retry_without_effect")) == {"dunning.retry.shadow"}
    assert world.reasons("dunning.end_answered") == ["dunning.end.shadow"]
    assert world.case.outcome is CaseOutcome.ENDED


def test_an_attempt_nobody_can_clear_up_is_not_repeated_the_same_day() -> None:
    """A person says they don't know either: the invoice is read, the doubt is kept."""
    world = World()
    world.observe(world.provider.bill())
    world.jump(START + DAY - HOUR)
    world.now = START + DAY
    world.fire()
    case, effect = world.waiting.pop()
    world.answer(case, effect, Unknown(reason="nobody_knows"))
    assert [effect.kind for _, effect in world.waiting] == ["payments.read_invoice"]
    world.until(START + 2 * DAY)

    assert len(world.asked("payments.collect")) == 2


def test_a_webhook_that_is_faster_than_the_answer_changes_nothing() -> None:
    """Answer and webhook in either order, or twice: one payment, one event, one step used."""
    world = World()
    world.observe(world.provider.bill())
    world.now = START + DAY
    world.fire()
    case, effect = world.waiting.pop()
    world.provider.now = world.now
    outcome = world.provider.perform(effect)
    world.observe(world.provider.invoices["in_1"])
    assert world.asked("payments.collect") == ["collect:in_1:1"]
    world.answer(case, effect, outcome)
    world.observe(world.provider.invoices["in_1"])
    world.run()

    assert len(world.said("payment.failed")) == 1
    assert (world.case.invoices[0].rungs, world.case.invoices[0].attempts) == (1, 1)


def test_a_webhook_of_the_money_closes_the_case_before_the_answer_is_in() -> None:
    """The answer still finds its way into the past."""
    world = World()
    world.provider.behaviour["pm_old"] = "paid"
    world.observe(world.provider.bill())
    world.now = START + DAY
    world.fire()
    case, effect = world.waiting.pop()
    world.provider.now = world.now
    outcome = world.provider.perform(effect)
    world.observe(world.provider.invoices["in_1"])
    assert not world.case.open
    world.answer(case, effect, outcome)

    assert len(world.said("payment.succeeded")) == 1
    assert len(world.said("dunning.invoice_settled")) == 1
    assert world.case.outcome is CaseOutcome.RECOVERED


def test_a_cancelled_subscription_stops_the_tries_and_keeps_the_pay_link() -> None:
    """The debt is not forgiven, a new card is not charged, the customer can still pay."""
    world = World()
    world.observe(world.provider.bill())
    world.deliver(cancelled("sub_1", START + HOUR))
    world.deliver(method_changed("pm_new", START + 2 * HOUR))
    world.until(START + 8 * DAY)

    assert world.asked("payments.collect") == []
    assert world.reasons("dunning.cancellation_noted") == ["dunning.subscription.cancelled"]
    assert world.reasons("dunning.method_noted") == ["dunning.method.subscription_cancelled"]
    assert world.said("message.requested")[-1].data["link"] == "payment_method"
    assert world.said("message.requested")[-1].data["end"] is None
    world.observe(world.provider.pay("in_1"))
    assert world.case.outcome is CaseOutcome.RECOVERED


def test_a_policy_may_forgive_what_a_cancelled_subscription_owes() -> None:
    """The invoice is written off, whatever the answer says, and the case is settled."""
    world = World(evolve(RETRYING, forgive_on_cancel=True))
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2", subscription=None))
    invoice = evolve(world.provider.invoices["in_1"], subscription_cancelled=True)
    world.observe(invoice)
    world.run()

    assert world.asked("invoices.mark_uncollectible") == ["forgive:in_1"]
    assert world.reasons("dunning.invoice_settled") == ["dunning.invoice.forgiven"]
    world.observe(world.provider.pay("in_2"))
    assert world.case.outcome is CaseOutcome.SETTLED


def test_an_invoice_without_any_payment_asks_the_customer_for_one() -> None:
    """No payment method at all: the provider counts a try, and there is nothing to repeat."""
    world = World()
    world.observe(world.provider.bill(decline=None))
    world.until(START + 5 * DAY)

    assert world.asked("payments.collect") == []
    assert world.messages == [("payment_failed", "friendly", "card_problem")]
    world.provider.behaviour["pm_new"] = "paid"
    world.deliver(method_changed("pm_new", world.now))
    world.run()
    assert world.case.outcome is CaseOutcome.RECOVERED


def test_a_payment_that_waits_for_the_customer_counts_as_asking_them() -> None:
    """The provider waits for a confirmation: no repeat, and the message says so."""
    world = World()
    world.provider.bill(decline=None)
    waiting = payment("in_1_ch1", state=PaymentState.NEEDS_ACTION)
    world.observe(world.provider.change("in_1", payments=(waiting,)))
    world.until(START + 5 * DAY)

    assert world.asked("payments.collect") == []
    assert world.messages == [("payment_failed", "friendly", "needs_authentication")]


def test_a_method_without_a_name_is_dead_as_well() -> None:
    """The provider names neither method nor credential: a hard decline stops its default."""
    world = World()
    world.provider.bill(decline=None)
    nameless = payment("in_1_ch1", decline=HARD, method=None)
    world.observe(world.provider.change("in_1", payments=(nameless,)))
    world.until(START + 5 * DAY)

    assert world.asked("payments.collect") == []
    assert world.case.dead == ("default",)


def test_an_unknown_code_that_the_provider_repeats_leads_to_a_message() -> None:
    """The provider's own second try says the same: the customer is asked."""
    world = World(WATCHING)
    world.observe(world.provider.bill(decline=ODD))
    again = payment("in_1_ch2", at=START + DAY, decline=ODD)
    first = world.provider.invoices["in_1"].payments
    world.now = START + DAY
    world.observe(world.provider.change("in_1", payments=(*first, again), tries=2))

    assert world.reasons("message.requested")[-1] == "dunning.message.customer_must_act"


def test_a_case_waits_for_an_answer_that_never_comes_without_spinning() -> None:
    """The effect is with a person: the case looks up now and then and charges nothing."""
    world = World()
    world.observe(world.provider.bill())
    world.now = START + DAY
    world.fire()
    world.waiting.clear()
    for _ in range(5):
        world.now = world.wakes[world.case.id]
        world.fire()

    assert world.asked("payments.collect") == ["collect:in_1:1"]
    assert len(world.messages) == 1
    assert world.case.access == "limited"


@pytest.mark.parametrize("kind", ["payments.collect", "payments.read_invoice", "forgive"])
def test_an_answer_about_an_invoice_of_nobody_changes_nothing(kind: str) -> None:
    """An effect of another life of the case is taken note of and nothing more."""
    world = World()
    world.observe(world.provider.bill())
    before = world.case
    effect = _effect(kind)
    world.answer(before.id, effect, NoEffect(reason="x"))

    assert evolve(world.case, seen_at=before.seen_at) == before


def test_a_late_answer_to_an_attempt_that_was_given_up_is_only_learned() -> None:
    """The attempt is not in flight any more: its payment counts, the ladder does not move."""
    world = World()
    world.observe(world.provider.bill())
    effect = _effect("payments.collect", invoice="in_1")
    late = payment("in_1_ch9", at=START + HOUR, decline=HARD)
    world.answer(world.case.id, effect, Answer(data=outcome_to_json(DeclinedOutcome(payment=late))))
    world.answer(world.case.id, effect, NoEffect(reason="late"))
    read = _effect("payments.read_invoice", invoice="in_1")
    world.answer(world.case.id, read, NoEffect(reason="late"))

    assert world.case.invoices[0].rungs == 0
    assert world.case.dead == ("fp_pm_old", "pm_old")


def test_one_customer_s_currencies_and_sellers_are_cases_of_their_own() -> None:
    """Amounts of two currencies never meet."""
    world = World()
    world.observe(
        world.provider.bill("in_1"),
        world.provider.bill("in_2", currency="USD"),
        world.provider.bill("in_3", seller="acct_2"),
    )

    assert sorted(case.key for case in world.cases.values()) == [
        "EUR:acct_1",
        "EUR:acct_2",
        "USD:acct_1",
    ]
    assert {case.customer for case in world.cases.values()} == {CustomerId("anna")}


def test_two_invoices_are_tried_on_their_own_ladders_within_one_case() -> None:
    """Each has its own clock; one message lists both."""
    world = World()
    world.observe(world.provider.bill("in_1"))
    world.until(START + 2 * DAY)
    world.observe(world.provider.bill("in_2", at=START + 2 * DAY))
    world.until(START + 4 * DAY)

    assert [(name, at - START) for name, _, at in world.provider.charges] == [
        ("in_1", DAY),
        ("in_1", 3 * DAY),
        ("in_2", 3 * DAY),
    ]
    assert len(world.cases) == 1
    assert world.reasons("dunning.invoice_joined") == [
        "dunning.invoice.first",
        "dunning.invoice.joined",
    ]


def test_the_ladder_s_end_is_said() -> None:
    """After the last try, what was noted says that there are no more."""
    world = World()
    world.observe(world.provider.bill(decline=SOFT))
    world.until(START + 8 * DAY)

    assert world.reasons("dunning.decline_noted")[-1] == "dunning.retry.ladder_exhausted"
    assert world.said("message.requested")[-1].data["next_try"] is None


def test_a_confirmation_is_asked_for_once_a_card() -> None:
    """Another card, another request; the same card is not asked about again."""
    world = World(WATCHING)
    world.observe(world.provider.bill(decline=ASK))
    assert len(world.messages) == 1
    for number, method in ((2, "pm_old"), (3, "pm_new"), (4, "pm_new")):
        world.now += timedelta(hours=6)
        before = world.provider.invoices["in_1"].payments
        again = payment(f"in_1_ch{number}", at=world.now, decline=ASK, method=method)
        world.observe(world.provider.change("in_1", payments=(*before, again), tries=number))

    assert [message for message, _, _ in world.messages] == ["payment_failed", "card_needs_action"]


def test_an_older_failure_that_is_heard_of_later_does_not_become_the_latest() -> None:
    """The provider's own second try was unseen; ours came after it."""
    world = World()
    world.observe(world.provider.bill())
    first = world.provider.invoices["in_1"].payments
    unseen = payment("in_1_ch2", at=START + HOUR, decline=ASK)
    world.provider.change("in_1", payments=(*first, unseen), tries=2)
    world.until(START + DAY)
    latest = world.case.invoices[0].last
    world.observe(world.provider.invoices["in_1"])

    assert latest is not None
    assert latest.id == "in_1_ch3"
    assert world.case.invoices[0].last == latest
    assert len(world.case.invoices[0].payments) == 3


def test_a_payment_under_way_does_not_hide_another_invoice_that_needs_the_customer() -> None:
    """One invoice's debit is pending, the other's card is dead: the customer hears of it."""
    world = World(evolve(WATCHING, stages=(evolve(STAGES[1], access="full"), *STAGES[2:])))
    world.provider.bill("in_1")
    debit = payment("in_1_ch2", at=START, state=PaymentState.PENDING)
    tries = (*world.provider.invoices["in_1"].payments, debit)
    world.observe(world.provider.change("in_1", payments=tries, tries=2))
    assert world.messages == []
    world.observe(world.provider.bill("in_2", decline=HARD))
    world.until(START + 30 * DAY)

    assert world.reasons("message.requested")[0] == "dunning.message.customer_must_act"
    assert world.asked("subscriptions.cancel") == []  # not before the debit has come or failed


def test_without_a_case_there_is_nothing_to_decide() -> None:
    """A timer or an answer that belongs to no case changes nothing."""
    facts = Facts(tenant=TenantId("main"), customer=CustomerId("anna"))

    assert Dunning(RETRYING).decide(None, Due(), facts, START, RETRYING) == Decision()


def _effect(kind: str, invoice: str = "in_9") -> Effect:
    attempt = "forgive:in_9" if kind == "forgive" else f"stray:{kind}"
    return Effect(kind=kind, attempt=attempt, data={"invoice": invoice, "seller": "acct_1"})
