"""The main story: tries, declines, money; what each decline allows."""

from __future__ import annotations

import pytest
from attrs import evolve
from tests.dunning.conftest import ASK, DAY, HARD, HOUR, ODD, SOFT, START, World, method_changed

from retainkit.billing import Decline, Payment, PaymentState
from retainkit.dunning import CaseOutcome


def test_a_failed_payment_opens_a_case_and_writes_to_the_customer() -> None:
    """The first failure is explained, the customer written to, the first try planned."""
    world = World()
    world.observe(world.provider.bill())

    assert world.reasons("dunning.case_opened") == ["dunning.case.opened"]
    assert world.reasons("dunning.decline_noted") == ["dunning.retry.planned"]
    assert world.messages == [("payment_failed", "friendly", "insufficient_funds")]
    assert world.wakes[world.case.id] == START + DAY
    assert world.effects == []


def test_the_ladder_is_climbed_until_the_money_comes() -> None:
    """Two declines, then payday: three tries, each with a number of its own."""
    world = World()
    world.observe(world.provider.bill())
    world.until(START + 6 * DAY)
    world.provider.behaviour["pm_old"] = "paid"
    world.until(START + 8 * DAY)

    assert world.asked("payments.collect") == ["collect:in_1:1", "collect:in_1:2", "collect:in_1:3"]
    assert [at - START for _, _, at in world.provider.charges] == [DAY, 3 * DAY, 7 * DAY]
    assert world.case.outcome is CaseOutcome.RECOVERED
    assert world.reasons("dunning.invoice_settled") == ["dunning.invoice.paid_by_retry"]
    assert world.reasons("dunning.case_closed") == ["dunning.case.recovered"]
    assert len(world.messages) == 1  # the firm one waited for the try of the same day


@pytest.mark.parametrize("code", ["lost_card", "stolen_card", "fraudulent", "pickup_card"])
def test_a_hard_decline_is_never_repeated_and_never_told(code: str) -> None:
    """No try on that credential, and no word of the reason to the customer."""
    world = World()
    world.observe(world.provider.bill(decline=Decline(code=code)))
    world.until(START + 20 * DAY)

    assert world.provider.charges == []
    assert {reason for _, _, reason in world.messages} == {"generic"}
    assert world.reasons("dunning.decline_noted") == ["dunning.retry.hard_decline"]


def test_an_unknown_code_gets_one_retry_then_the_customer_is_asked() -> None:
    """One more try; when it says the same, a message at once and no further try."""
    world = World()
    world.provider.behaviour["pm_old"] = ODD
    world.observe(world.provider.bill(decline=ODD))
    world.until(START + 2 * DAY)

    assert world.asked("payments.collect") == ["collect:in_1:1"]
    assert world.reasons("dunning.decline_noted") == [
        "dunning.retry.planned_unknown",
        "dunning.retry.unknown_code_again",
    ]
    assert world.reasons("message.requested") == [
        "dunning.message.stage",
        "dunning.message.customer_must_act",
    ]
    world.until(START + 10 * DAY)
    assert len(world.asked("payments.collect")) == 1


def test_a_bank_that_wants_a_confirmation_is_not_asked_again_but_the_customer_is() -> None:
    """The message for it goes out the moment a retry says so, once for a card."""
    world = World()
    world.provider.behaviour["pm_old"] = ASK
    world.observe(world.provider.bill())
    world.until(START + 5 * DAY)

    assert world.asked("payments.collect") == ["collect:in_1:1"]
    assert world.messages[1:] == [("card_needs_action", "friendly", "needs_authentication")]


def test_a_network_that_asks_for_a_wait_gets_it() -> None:
    """Mastercard's 27 says four days: the tries of day one and three become one on day four."""
    world = World()
    decline = Decline(code="insufficient_funds", network_advice="27", network="mastercard")
    world.observe(world.provider.bill(decline=decline))

    assert world.wakes[world.case.id] == START + 4 * DAY
    world.until(START + 6 * DAY)
    assert [at - START for _, _, at in world.provider.charges] == [4 * DAY]
    assert world.said("dunning.retry_started")[0].because[0].values["skipped"] == 1


def test_a_new_card_is_tried_at_once_and_keeps_the_place_on_the_ladder() -> None:
    """Exactly one immediate try on each open invoice; the ladder goes on with the new card."""
    world = World()
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2", decline=HARD))
    world.until(START + 12 * HOUR)
    world.deliver(method_changed("pm_new", world.now))
    world.deliver(method_changed("pm_new", world.now + HOUR))
    world.run()

    assert [(name, method) for name, method, _ in world.provider.charges] == [
        ("in_1", "pm_new"),
        ("in_2", "pm_new"),
    ]
    assert [invoice.rungs for invoice in world.case.invoices] == [0, 0]
    world.until(START + 25 * HOUR)
    assert [method for _, method, _ in world.provider.charges] == ["pm_new"] * 4


def test_a_card_known_to_be_dead_is_not_tried_when_it_is_entered_again() -> None:
    """The credential is dead, whatever the payment method is called this time."""
    world = World()
    world.observe(world.provider.bill(decline=HARD))
    world.deliver(method_changed("pm_again", world.now, credential="fp_pm_old"))
    world.until(START + 2 * DAY)

    assert world.provider.charges == []
    assert world.reasons("dunning.method_noted") == ["dunning.method.dead"]


def test_a_pending_debit_blocks_every_other_try_and_the_next_message() -> None:
    """While money is under way nobody charges again, and nobody is scolded."""
    world = World()
    world.observe(world.provider.bill())
    world.provider.behaviour["pm_old"] = "pending"
    world.until(START + 10 * DAY)

    assert world.asked("payments.collect") == ["collect:in_1:1"]
    assert len(world.messages) == 1
    assert world.asked("payments.read_invoice")  # it asks itself, in case the webhook was lost
    late = world.provider.invoices["in_1"].payments
    failed = (*late[:-1], _failed(late[-1]))
    world.observe(world.provider.change("in_1", payments=failed, tries=2))
    assert world.messages[1:] == []  # the try of day seven goes first
    world.run()
    assert len(world.asked("payments.collect")) == 2


def _failed(payment: Payment) -> Payment:
    return evolve(payment, state=PaymentState.FAILED, decline=SOFT)
