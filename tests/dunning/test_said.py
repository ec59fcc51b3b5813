"""What a case says of itself, as sentences: of the past, of what comes, of a bank's codes."""

from __future__ import annotations

from attrs import evolve
from tests.dunning.conftest import DAY, RETRYING, START, WATCHING, World

from retainkit.billing import Decline
from retainkit.core import Because
from retainkit.dunning import DunningPolicy, upcoming
from retainkit.messages.reasons import explain_text


SHORT_OF_MONEY = Decline(code="insufficient_funds", network_code="51", network="visa")


def _said(why: Because, locale: str = "en_GB") -> str:
    return explain_text(why.key, why.values, locale)


def _told(world: World, event: str, locale: str = "en_GB") -> list[str]:
    return [_said(each.because[0], locale) for each in world.said(event)]


def _coming(world: World, policy: DunningPolicy) -> dict[str, str]:
    return {
        step.kind.value: _said(step.because) for step in upcoming(world.case, policy, world.now)
    }


def test_the_first_invoice_opens_the_case_and_the_next_one_joins_it() -> None:
    """Nothing failed before the first, so nothing failed 'too'."""
    world = World()
    world.observe(world.provider.bill("in_1"))
    world.observe(world.provider.bill("in_2"))

    assert _told(world, "dunning.invoice_joined") == [
        "The case begins with invoice in_1.",
        "Invoice in_2 failed too and joins the open case.",
    ]


def test_invoices_that_are_heard_of_together_open_it_together() -> None:
    """None of them was there before the other."""
    world = World()
    world.observe(world.provider.bill("in_1"), world.provider.bill("in_2"))

    assert world.reasons("dunning.invoice_joined") == ["dunning.invoice.first"] * 2


def test_tries_that_were_missed_are_told_only_when_there_are_any() -> None:
    """In time: no word of what is not made up for. A worker that slept: how many."""
    world = World()
    world.observe(world.provider.bill())
    world.until(START + DAY)
    world.jump(START + 8 * DAY)

    assert _told(world, "dunning.retry_started") == [
        "Try 1 of 3 was due on 2 March 2026, 09:00.",
        "Try 3 of 3 was due on 4 March 2026, 09:00; overdue tries that are not made up for: 1.",
    ]


def test_a_decline_is_told_by_the_word_for_it_and_its_code() -> None:
    """Nobody has to know what a network's 51 is; who does finds it."""
    world = World()
    world.observe(world.provider.bill(decline=SHORT_OF_MONEY))

    assert _told(world, "dunning.case_opened") == [
        "A payment of invoice in_1 failed on 1 March 2026, 09:00: insufficient funds (51)."
    ]
    assert _told(world, "dunning.decline_noted", "de_formal") == [
        (
            "Die Ablehnung ist vorübergehend: fehlende Deckung (51). "
            "Versuch 1 von 3 ist für den 2. März 2026, 09:00 geplant."
        )
    ]
    assert world.said("dunning.decline_noted")[0].data["code"] == "51"


def test_what_comes_is_not_told_as_if_it_had_been() -> None:
    """Each kind of step ahead has a sentence of the future."""
    world = World()
    world.observe(world.provider.bill())
    world.now = START + DAY / 2

    assert _coming(world, RETRYING) == {
        "retry": "The decline is temporary: insufficient funds. "
        "Try 1 of 3 is planned for 2 March 2026, 09:00.",
        "message": "The message of this stage is due on 15 March 2026, 09:00; "
        "its time after the first failure: 14 days.",
        "access": "If nothing is paid, the access is limited from 8 March 2026, 09:00 on.",
        "end": "If nothing is paid, the plan's end (cancel) comes on 22 March 2026, 09:00.",
    }


def test_a_look_that_comes_is_told_as_one() -> None:
    """The plan has been kept to its end, and nothing is left but to look now and then."""
    stages = (*WATCHING.stages[:-1], evolve(WATCHING.stages[-1], end="keep"))
    world = World(evolve(WATCHING, stages=stages))
    world.observe(world.provider.bill())
    world.until(START + 23 * DAY)

    assert _coming(world, world.policy) == {
        "check": "If nothing is heard until then, the invoices are read again; the wait: 7 days."
    }
