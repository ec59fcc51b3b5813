"""A world made by hand, small enough to know what must come out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from retainkit import DunningPolicy, Stage
from retainkit.billing import Decline
from retainkit.customers import Customer
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId
from retainkit.money import money
from retainkit.simulate import (
    Card,
    FailedInvoice,
    Means,
    Outcome,
    Refusal,
    Renewal,
    Result,
    SimulatedCustomer,
    World,
    simulate,
)
from retainkit.stores.memory import MemoryStore


START = datetime(2026, 3, 1, tzinfo=UTC)
RENEWAL = START + timedelta(days=2, hours=9)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FUNDS = Decline(code="insufficient_funds", network_code="51", network="visa")
LOST = Decline(code="lost_card", network_code="41", network="visa")
CONFIRM = Decline(code="authentication_required")

POLICY = DunningPolicy(
    collector="retainkit",
    retries=(1 * DAY, 3 * DAY, 7 * DAY),
    stages=(
        Stage(after=0 * DAY, message="payment_failed", tone="friendly"),
        Stage(after=7 * DAY, message="payment_failed", tone="firm", access="limited"),
        Stage(after=14 * DAY, message="last_notice", tone="firm"),
        Stage(after=21 * DAY, end="cancel"),
    ),
)


def person(
    name: str,
    *refusals: Refusal,
    answers: tuple[timedelta | None, ...] = (),
    price: str = "10.00",
    leaves_at: datetime | None = None,
    renewals: tuple[datetime, ...] = (RENEWAL,),
) -> SimulatedCustomer:
    """Somebody who renews on the third day, unless said otherwise."""
    return SimulatedCustomer(
        customer=Customer(id=CustomerId(name), email=f"{name}@example.com", reference=f"r_{name}"),
        price=money(price, "EUR"),
        renewals=tuple(Renewal(at=at, answers=answers) for at in renewals),
        card=Card(refusals=refusals),
        leaves_at=leaves_at,
    )


def refused(decline: Decline, until: timedelta | None = None) -> Refusal:
    """Refused from the renewal on, for ever or for a while."""
    return Refusal(decline=decline, since=RENEWAL, until=None if until is None else RENEWAL + until)


def world(*people: SimulatedCustomer, slower: dict[str, int] | None = None) -> World:
    """Forty days of renewals."""
    return World(start=START, days=40, customers=people, slower=slower or {})


def only(outcome: Outcome) -> FailedInvoice:
    """The one invoice that failed."""
    assert len(outcome.failed) == 1
    return outcome.failed[0]


def test_who_can_pay_is_left_alone() -> None:
    """No failure, no try, no message."""
    outcome = simulate(world(person("ann")), POLICY)
    assert outcome.failed == ()
    assert (outcome.invoices, outcome.tries, outcome.messages) == (1, 0, {})


def test_the_try_after_payday_brings_the_money() -> None:
    """Funds come after two days: the try of day 1 fails, the one of day 3 succeeds."""
    invoice = only(simulate(world(person("ann", refused(FUNDS, 2 * DAY))), POLICY))
    assert (invoice.result, invoice.means, invoice.retries) == (Result.RECOVERED, Means.RETRY, 2)
    assert invoice.took == 3 * DAY


def test_a_lost_card_is_never_tried_again_and_the_new_one_at_once() -> None:
    """The customer follows the link of the first message twelve hours later."""
    outcome = simulate(world(person("ann", refused(LOST), answers=(12 * HOUR,))), POLICY)
    invoice = only(outcome)
    assert (invoice.result, invoice.means) == (Result.RECOVERED, Means.NEW_CARD)
    assert (invoice.retries, outcome.tries) == (0, 1)
    assert invoice.took == 12 * HOUR


def test_who_ignores_two_messages_may_act_on_the_third() -> None:
    """The last notice of day 14 is answered within the hour; firm words take twice as long."""
    ann = person("ann", refused(LOST), answers=(None, None, HOUR))
    outcome = simulate(world(ann, slower={"firm": 200}), POLICY)
    assert only(outcome).took == 14 * DAY + 2 * HOUR
    assert outcome.lost_access == 7 * DAY + 2 * HOUR
    assert outcome.messages == {"last_notice": 1, "payment_failed": 2}


def test_what_the_bank_wants_confirmed_is_paid_by_the_customer() -> None:
    """No try without them; the payment is theirs."""
    outcome = simulate(world(person("ann", refused(CONFIRM), answers=(5 * HOUR,))), POLICY)
    assert (only(outcome).means, only(outcome).took) == (Means.CONFIRMED, 5 * HOUR)
    assert outcome.tries == 0


def test_what_nobody_pays_ends_with_the_plan() -> None:
    """Three tries, three messages, two weeks of limited access, and no further invoice."""
    ann = person("ann", refused(FUNDS), renewals=(RENEWAL, RENEWAL + 30 * DAY))
    outcome = simulate(world(ann), POLICY)
    assert (only(outcome).result, only(outcome).retries) == (Result.ENDED, 3)
    assert (outcome.ended, outcome.invoices) == (1, 1)
    assert outcome.lost_access == 14 * DAY
    assert outcome.messages == {"last_notice": 1, "payment_failed": 2}


def test_who_cancels_is_not_charged_any_more() -> None:
    """They leave after two days: the try of day 1 was made, those of day 3 and 7 are not."""
    ann = person("ann", refused(FUNDS, 3 * DAY), leaves_at=RENEWAL + 2 * DAY)
    outcome = simulate(world(ann), POLICY)
    assert (only(outcome).result, only(outcome).retries) == (Result.LEFT, 1)
    assert outcome.ended == 0


def test_an_expired_link_leads_nowhere() -> None:
    """A customer who takes eight days finds the link dead, and does nothing."""
    outcome = simulate(world(person("ann", refused(LOST), answers=(8 * DAY,))), POLICY)
    assert only(outcome).result is Result.ENDED


def test_trouble_with_the_account_meets_the_new_card_too() -> None:
    """A card given before the account runs dry is refused like the old one."""
    dry = Refusal(
        decline=FUNDS,
        since=RENEWAL + 30 * DAY,
        until=RENEWAL + 32 * DAY,
        of_account=True,
    )
    ann = person("ann", refused(LOST), dry, answers=(HOUR,))
    ann = evolve(ann, renewals=(*ann.renewals, Renewal(at=RENEWAL + 30 * DAY)))
    outcome = simulate(world(ann), POLICY)
    assert [(one.code, one.means) for one in outcome.failed] == [
        ("lost_card", Means.NEW_CARD),
        ("insufficient_funds", Means.RETRY),
    ]


def test_the_sums_add_up() -> None:
    """Every amount is somewhere, once."""
    outcome = simulate(
        world(
            person("ann", price="29.00"),
            person("bob", refused(FUNDS, 2 * DAY), price="99.00"),
            person("cem", refused(FUNDS), price="0.35"),
        ),
        POLICY,
    )
    assert outcome.due == {"EUR": (3, money("128.35", "EUR"))}
    assert {(one.customer, one.amount) for one in outcome.failed} == {
        ("bob", money("99.00", "EUR")),
        ("cem", money("0.35", "EUR")),
    }
    assert [one.customer for one in outcome.recovered] == ["bob"]
    assert outcome.charged_twice == ()


def test_a_story_tells_the_case() -> None:
    """What a case is explained with ends with its end."""
    outcome = simulate(world(person("ann", refused(FUNDS, 2 * DAY))), POLICY, stories=3)
    (story,) = outcome.stories
    assert story.invoice == only(outcome)
    assert story.told[0].event == "dunning.case_opened"
    assert story.told[-1].event == "dunning.case_closed"


def test_progress_counts_the_days() -> None:
    """Forty days and the follow-up, each told once."""
    told: list[tuple[int, int]] = []
    simulate(world(person("ann")), POLICY, progress=lambda done, total: told.append((done, total)))
    assert told == [(day, 75) for day in range(1, 76)]


def test_a_used_store_is_refused() -> None:
    """Figures of two runs would mix."""
    store, ann = MemoryStore(), world(person("ann"))
    simulate(ann, POLICY, store=store)
    with pytest.raises(InvalidInput) as caught:
        simulate(ann, POLICY, store=store)
    error = caught.value
    assert (error.code, error.field) == ("simulate.store", "store")
    assert error.remedy == "pass a new one"


@pytest.mark.parametrize(
    ("make", "code", "field", "value"),
    [
        (lambda: world(person("ann"), person("ann")), "simulate.twice", "id", "ann"),
        (
            lambda: world(person("ann", renewals=(START - HOUR,))),
            "simulate.renewals",
            "renewals",
            START - HOUR,
        ),
    ],
)
def test_an_impossible_world_is_refused(
    make: Callable[[], World], code: str, field: str, value: object
) -> None:
    """Two people with one id, or a renewal before the beginning."""
    with pytest.raises(InvalidInput) as caught:
        make()
    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert error.remedy
