"""Webhooks come late, twice and in any order; a case knows more, never less."""

from __future__ import annotations

from itertools import permutations

import pytest
from attrs import evolve
from tests.dunning.conftest import (
    DAY,
    HARD,
    HOUR,
    RETRYING,
    SOFT,
    START,
    WATCHING,
    Provider,
    World,
    cancelled,
    method_changed,
    payment,
)

from retainkit.billing import Invoice, InvoiceState, PaymentState
from retainkit.core import Event
from retainkit.dunning import CaseOutcome, Dunning
from retainkit.engine import _codec
from retainkit.ids import CustomerId, EventId
from retainkit.money import money


def history() -> list[Invoice]:
    """Six states of one invoice: three failures, a pending debit, its arrival."""
    provider = Provider()
    states = [provider.bill()]
    tries = states[0].payments
    for number in (2, 3):
        failed = payment(f"in_1_ch{number}", at=START + number * HOUR, decline=SOFT)
        tries = (*tries, failed)
        states.append(provider.change("in_1", payments=tries, tries=number))
    pending = payment("in_1_ch4", at=START + 4 * HOUR, state=PaymentState.PENDING)
    states.append(provider.change("in_1", payments=(*tries, pending), tries=4))
    arrived = evolve(pending, state=PaymentState.SUCCEEDED)
    states.append(provider.change("in_1", payments=(*tries, arrived), tries=4))
    states.append(provider.change("in_1", state=InvoiceState.PAID, remaining=money("0", "EUR")))
    return states


@pytest.mark.parametrize("length", [5, 6])
def test_every_order_of_webhooks_ends_in_the_same_state(length: int) -> None:
    """All 720 orders, each report twice: the same invoice at the end, no charge, no second mail."""
    states, ends = history()[:length], set()
    for order in permutations(states):
        world = World(WATCHING)
        world.now = START + 5 * HOUR
        for state in order:
            world.observe(state)
            world.observe(state)
        open_cases = [case for case in world.cases.values() if case.open]
        assert world.effects == []
        assert len(world.messages) <= 1
        if length == 6:
            assert open_cases == []
            continue
        [case] = open_cases
        invoice = case.invoices[0]
        ends.add((invoice.payments, invoice.tries, invoice.last, invoice.failed_at, case.dead))
    assert len(ends) == (1 if length == 5 else 0)


def test_an_old_report_of_a_paid_invoice_opens_nothing() -> None:
    """Paid was heard first; the failure that is reported late is history."""
    states = history()
    world = World(WATCHING)
    world.observe(states[-1])
    world.observe(states[0])

    assert world.cases == {}


def test_an_old_report_after_the_case_was_closed_opens_nothing() -> None:
    """Not even when the payment's answer, and no report, had closed it."""
    world = World()
    world.provider.behaviour["pm_old"] = "paid"
    first = world.provider.bill()
    world.observe(first)
    world.until(START + DAY)
    assert world.case.outcome is CaseOutcome.RECOVERED
    world.observe(evolve(first, provider_retries=True))

    assert len(world.cases) == 1
    assert not world.case.open


def test_an_invoice_whose_case_was_ended_is_not_dunned_again() -> None:
    """The cancelled subscription's invoice changes once more: nobody starts over."""
    world = World(WATCHING)
    world.observe(world.provider.bill())
    world.until(START + 22 * DAY)
    world.observe(world.provider.change("in_1", subscription_cancelled=True, tries=9))

    assert len(world.cases) == 1


def test_a_new_invoice_after_an_ended_case_is_a_new_case_that_knows_the_dead_card() -> None:
    """Another case, another id; but what was refused for good stays refused."""
    world = World()
    world.observe(world.provider.bill(decline=HARD))
    world.until(START + 22 * DAY)
    later = START + 30 * DAY
    world.now = later
    world.observe(world.provider.bill("in_2", at=later))
    world.until(later + 10 * DAY)

    first, second = world.cases.values()
    assert first.id != second.id
    assert second.dead == ("fp_pm_old", "pm_old")
    assert world.provider.charges == []


def test_money_that_was_taken_back_opens_the_matter_again() -> None:
    """A debit is returned weeks later: a new case, with the same key."""
    world = World()
    world.provider.behaviour["pm_old"] = "paid"
    world.observe(world.provider.bill())
    world.until(START + DAY)
    tries = world.provider.invoices["in_1"].payments
    returned = (*tries[:-1], evolve(tries[-1], state=PaymentState.FAILED, decline=SOFT))
    world.now = START + 20 * DAY
    world.observe(
        world.provider.change(
            "in_1", state=InvoiceState.OPEN, payments=returned, remaining=money("29", "EUR")
        )
    )

    assert [case.key for case in world.cases.values()] == ["EUR:acct_1"] * 2
    assert world.case.open


def test_money_taken_back_while_the_case_is_open_counts_as_open_again() -> None:
    """The other invoice kept the case open; the returned one is part of it again."""
    world = World()
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2", decline=HARD))
    world.provider.now = world.now
    paid = world.provider.pay("in_1")
    world.observe(paid)
    returned = (*paid.payments[:-1], evolve(paid.payments[-1], state=PaymentState.FAILED))
    world.observe(
        world.provider.change(
            "in_1", state=InvoiceState.OPEN, payments=returned, remaining=money("29", "EUR")
        )
    )

    assert world.reasons("dunning.invoice_joined")[-1] == "dunning.invoice.returned"
    assert len(world.case.open_invoices) == 2
    world.observe(paid)  # the old good news, once more
    assert len(world.case.open_invoices) == 2


def test_better_news_of_a_settled_invoice_replaces_worse() -> None:
    """Written off, then paid after all: it counts as paid, and is said once."""
    world = World(WATCHING)
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2"))
    world.observe(world.provider.change("in_1", state=InvoiceState.UNCOLLECTIBLE))
    world.observe(world.provider.pay("in_1"))
    world.observe(world.provider.change("in_2", state=InvoiceState.DRAFT, tries=2))
    world.observe(world.provider.pay("in_2"))

    assert world.reasons("dunning.invoice_settled") == [
        "dunning.invoice.uncollectible",
        "dunning.invoice.paid_elsewhere",
    ]
    assert world.case.outcome is CaseOutcome.RECOVERED


def test_a_paid_invoice_that_is_written_off_late_stays_paid() -> None:
    """The worse word about a settled invoice changes nothing."""
    world = World(WATCHING)
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2"))
    world.observe(world.provider.pay("in_1"))
    world.observe(world.provider.change("in_1", state=InvoiceState.VOID))

    assert world.case.invoices[0].state is InvoiceState.PAID


def test_a_new_card_that_is_heard_of_before_the_failure_is_tried_all_the_same() -> None:
    """The failure was first, its webhook was not: the try is owed."""
    world = World()
    world.deliver(method_changed("pm_new", START + HOUR))
    world.deliver(method_changed("pm_older", START - DAY))
    world.now = START + 2 * HOUR
    world.observe(world.provider.bill(decline=HARD))
    world.run()

    assert [method for _, method, _ in world.provider.charges] == ["pm_new"]
    assert world.reasons("dunning.decline_noted")[0] == "dunning.retry.new_method"


def test_a_card_given_before_the_failure_is_not_new() -> None:
    """What failed was that card."""
    world = World()
    world.deliver(method_changed("pm_old", START - HOUR))
    world.observe(world.provider.bill())
    world.run()

    assert world.provider.charges == []


def test_of_two_cards_the_later_one_counts_in_any_order() -> None:
    """An old change that is heard late is not a change."""
    world = World()
    world.observe(world.provider.bill())
    world.deliver(method_changed("pm_b", START + 2 * HOUR))
    world.deliver(method_changed("pm_a", START + HOUR))
    world.run()

    assert [method for _, method, _ in world.provider.charges] == ["pm_b"]
    assert world.case.method == "pm_b"


def test_an_invoice_that_joins_late_is_owed_the_new_card_as_well() -> None:
    """Exactly one immediate try on each open invoice, whenever its failure is heard of."""
    world = World()
    world.observe(world.provider.bill("in_1"))
    world.deliver(method_changed("pm_new", START + HOUR))
    world.run()
    world.observe(world.provider.bill("in_2"))
    world.run()

    assert [(name, method) for name, method, _ in world.provider.charges] == [
        ("in_1", "pm_new"),
        ("in_2", "pm_new"),
    ]


def test_the_same_cancellation_by_two_doors_is_noted_once() -> None:
    """The invoice says it, and the subscription's own webhook does."""
    world = World()
    world.provider.bill()
    world.observe(world.provider.invoices["in_1"])
    world.observe(world.provider.change("in_1", subscription_cancelled=True))
    world.deliver(cancelled("sub_1", START))

    assert len(world.said("dunning.cancellation_noted")) == 1


@pytest.mark.parametrize("name", ["payment_method.changed", "subscription.cancelled"])
def test_a_report_without_its_name_changes_nothing(name: str) -> None:
    """The provider left out which: nothing can be concluded."""
    world = World()
    world.provider.bill(subscription=None)
    world.observe(world.provider.invoices["in_1"])
    before = world.case
    world.deliver(Event(id=EventId("x"), name=name, customer=CustomerId("anna"), occurred_at=START))

    assert evolve(world.case, seen_at=before.seen_at) == before
    assert world.wakes == {before.id: START + DAY}


def test_news_of_other_subscriptions_sellers_and_healthy_invoices_wake_nobody() -> None:
    """Routing leaves out what concerns no case."""
    world, provider = World(), Provider()
    feature = Dunning(RETRYING)
    world.observe(world.provider.bill())
    healthy = evolve(provider.bill("in_2", decline=None), tries=0)
    world.deliver(cancelled("sub_9", START))
    world.deliver(evolve(cancelled("sub_1", START), id=EventId("s"), data={"seller": "acct_9"}))
    world.observe(evolve(healthy, seller="acct_9"))
    paid = evolve(healthy, state=InvoiceState.PAID, seller="acct_9")
    world.observe(paid)

    assert world.wakes == {world.case.id: START + DAY}
    assert len(world.cases) == 1
    assert feature.upcast({"a": 1}, 1) == {"a": 1}
    assert feature.case_type is type(world.case)


def test_a_healthy_invoice_of_the_same_key_does_not_join() -> None:
    """It is routed to the case, because it might; but it owes nothing that failed."""
    world = World()
    world.observe(world.provider.bill())
    world.observe(evolve(Provider().bill("in_2", decline=None), tries=0))

    assert [invoice.id for invoice in world.case.invoices] == ["in_1"]


def test_a_case_survives_being_stored() -> None:
    """Everything a case holds comes back exactly."""
    world = World()
    world.observe(world.provider.bill("in_1", amount="12.34"), world.provider.bill("in_2"))
    world.deliver(method_changed("pm_new", START + HOUR))
    world.until(START + 15 * DAY)

    assert _codec.load(_codec.dump(world.case), type(world.case)) == world.case
