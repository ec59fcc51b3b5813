"""What waits to be sent, because the other side was busy, while the world moves on."""

from __future__ import annotations

import pytest
from attrs import evolve
from tests.dunning.conftest import (
    DAY,
    HARD,
    HOUR,
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

from retainkit.billing import InvoiceState, PaymentState
from retainkit.core import Effect, Event, NoEffect
from retainkit.dunning import CaseOutcome
from retainkit.ids import CaseId


LATER = START + DAY + HOUR


def _waiting(*names: str) -> World:
    """The first try of each invoice was decided a day later, and could not be sent yet."""
    world = World()
    for name in names or ("in_1",):
        world.observe(world.provider.bill(name))
    world.now = START + DAY
    world.fire()
    world.now = LATER
    return world


def _charged(world: World) -> list[tuple[str, str | None]]:
    return [(name, method) for name, method, _ in world.provider.charges]


def test_a_new_card_takes_the_place_of_a_try_that_waits() -> None:
    """One try at once, with the new card; the old one's is never made, and its number is spent."""
    world = _waiting()
    world.provider.behaviour["pm_new"] = "paid"
    world.deliver(method_changed("pm_new", LATER))
    assert [effect.attempt for _, effect in world.waiting] == ["collect:in_1:2"]
    world.run()

    assert _charged(world) == [("in_1", "pm_new")]
    assert world.asked("payments.read_invoice") == []
    assert world.reasons("dunning.retry_without_effect") == ["dunning.retry.withdrawn"]
    assert world.case.outcome is CaseOutcome.RECOVERED


def test_each_open_invoice_gets_its_one_try_with_the_new_card() -> None:
    """Those that waited and those that did not; and none gets two."""
    world = _waiting("in_1", "in_2")
    world.observe(world.provider.bill("in_3", at=LATER))
    world.deliver(method_changed("pm_new", LATER))
    world.run()

    assert sorted(_charged(world)) == [
        ("in_1", "pm_new"),
        ("in_2", "pm_new"),
        ("in_3", "pm_new"),
    ]


def test_of_two_new_cards_only_the_last_is_tried() -> None:
    """The first one's immediate try still waits when the second card comes."""
    world = _waiting()
    world.deliver(method_changed("pm_a", LATER))
    world.deliver(method_changed("pm_b", LATER + HOUR))
    world.run()

    assert _charged(world) == [("in_1", "pm_b")]
    assert world.asked("payments.collect") == ["collect:in_1:1", "collect:in_1:2", "collect:in_1:3"]


@pytest.mark.parametrize("outcome", ["declined", "no_effect"])
def test_a_new_card_is_tried_once_a_try_that_was_sent_is_answered(outcome: str) -> None:
    """It may be money, so it goes on; the card that came meanwhile is not forgotten for it."""
    world = _waiting()
    case, effect = _send(world)
    world.deliver(method_changed("pm_new", LATER))
    assert world.waiting == []
    world.provider.now = world.now
    if outcome == "no_effect":
        world.answer(case, effect, NoEffect(reason="proved"))
    else:
        world.answer(case, effect, world.provider.perform(effect))
    world.run()

    assert _charged(world)[-1] == ("in_1", "pm_new")
    assert _charged(world).count(("in_1", "pm_new")) == 1
    assert world.case.invoices[0].misses == 0


def test_a_new_card_keeps_its_try_in_shadow_mode() -> None:
    """What a shadow says of the old card's try is nothing about the new one."""
    world = _waiting()
    case, effect = _send(world)
    world.provider.shadow = True
    world.deliver(method_changed("pm_new", LATER))
    world.answer(case, effect, NoEffect(reason="shadow"))

    assert world.effects[-1].data["method"] == "pm_new"
    world.run()
    assert world.asked("payments.collect") == ["collect:in_1:1", "collect:in_1:2"]


@pytest.mark.parametrize("state", [InvoiceState.PAID, InvoiceState.VOID])
def test_a_settled_invoice_s_try_is_withdrawn(state: InvoiceState) -> None:
    """Paid by the provider's page, or declared void: nothing is sent, and the case is closed."""
    world = _waiting()
    if state is InvoiceState.PAID:
        world.observe(world.provider.pay("in_1"))
    else:
        world.observe(world.provider.change("in_1", state=state))

    assert world.waiting == []
    assert not world.case.open
    assert world.case.invoices[0].flight is None
    assert world.said("dunning.retry_without_effect")[0].data["reason"] == "withdrawn"


def test_one_settled_invoice_leaves_the_other_s_try_alone() -> None:
    """Only what nobody owes any more is taken back."""
    world = _waiting("in_1", "in_2")
    world.observe(world.provider.pay("in_1"))

    assert [effect.attempt for _, effect in world.waiting] == ["collect:in_2:1"]


def test_a_cancelled_subscription_s_try_is_withdrawn() -> None:
    """Who leaves is not charged by a try that waited."""
    world = _waiting()
    world.deliver(cancelled("sub_1", LATER))
    world.until(START + 8 * DAY)

    assert _charged(world) == []
    assert world.asked("payments.read_invoice") == []


def test_the_money_that_is_on_its_way_is_not_asked_for_a_second_time() -> None:
    """The customer pays by bank debit while a try waits; it comes again only if that fails."""
    world = _waiting()
    debit = payment("in_1_page", at=LATER, state=PaymentState.PENDING, method="pm_bank")
    tries = (*world.provider.invoices["in_1"].payments, debit)
    world.observe(world.provider.change("in_1", payments=tries))
    assert world.waiting == []
    failed = evolve(debit, state=PaymentState.FAILED, decline=SOFT)
    world.observe(world.provider.change("in_1", payments=(*tries[:-1], failed), tries=2))

    assert [effect.attempt for _, effect in world.waiting] == ["collect:in_1:2"]


def test_a_provider_that_begins_to_retry_takes_over() -> None:
    """Two engines never charge one invoice, not even by a try from before."""
    world = _waiting()
    world.observe(world.provider.change("in_1", provider_retries=True))

    assert world.waiting == []
    assert len(world.said("dunning.collection_refused")) == 1


def test_a_card_that_proves_dead_is_not_tried_by_what_waited() -> None:
    """One invoice learns that the card was lost; the other's try of it is not made."""
    world = _waiting("in_1", "in_2")
    lost = payment("in_2_ch2", at=LATER, decline=HARD)
    tries = (*world.provider.invoices["in_2"].payments, lost)
    world.observe(world.provider.change("in_2", payments=tries, tries=2))

    assert world.waiting == []
    assert world.asked("payments.collect") == ["collect:in_1:1", "collect:in_2:1"]


def test_a_withdrawn_try_uses_up_no_step() -> None:
    """The ladder stands where it stood, and nothing counts as a miss."""
    world = _waiting()
    world.observe(world.provider.change("in_1", provider_retries=True))
    world.observe(world.provider.change("in_1", provider_retries=False, tries=2))

    invoice = world.case.invoices[0]
    assert (invoice.rungs, invoice.misses, invoice.attempts) == (0, 0, 2)
    assert invoice.flight == "collect:in_1:2"


def _withdrawn(world: World) -> list[object]:
    """The messages that were taken back, as they were asked for."""
    taken = [name for event in world.said("message.withdrawn") for name in _names(event)]
    return [event.data["message"] for event in world.said("message.requested") if event.id in taken]


def _names(event: Event) -> list[object]:
    names = event.data["requests"]
    assert isinstance(names, (list, tuple))
    return list(names)


def test_a_case_that_closes_takes_back_what_it_asked_to_be_written() -> None:
    """Nobody is reminded of what they paid; the thank-you stands."""
    world = World(evolve(RETRYING, recovered_message="payment_recovered"))
    world.observe(world.provider.bill())
    world.until(START + 8 * DAY)
    assert world.said("message.withdrawn") == []
    world.observe(world.provider.pay("in_1"))

    assert _withdrawn(world) == ["payment_failed", "payment_failed"]
    assert world.messages[-1][0] == "payment_recovered"
    assert world.reasons("message.withdrawn") == ["dunning.message.withdrawn"]


@pytest.mark.parametrize("told", [None, "subscription_ended"])
def test_what_tells_of_the_end_is_not_taken_back_by_it(told: str | None) -> None:
    """The notice is out of date by then; the message of the end itself is not."""
    stages = (*STAGES[:-1], evolve(STAGES[-1], message=told))
    world = World(evolve(WATCHING, stages=stages))
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)

    assert world.case.outcome is CaseOutcome.ENDED
    assert _withdrawn(world) == ["payment_failed", "payment_failed", "last_notice"]


def test_who_was_never_written_to_has_nothing_taken_back() -> None:
    """A case that closes before its first message says nothing of messages."""
    world = World(evolve(WATCHING, stages=(evolve(STAGES[1], access="full"), *STAGES[2:])))
    world.observe(world.provider.bill())
    world.observe(world.provider.pay("in_1"))

    assert not world.case.open
    assert world.said("message.withdrawn") == []


def _send(world: World) -> tuple[CaseId, Effect]:
    """A worker took it: from now on it may have been sent."""
    return world.waiting.pop(0)
