"""F8: clocks that jump, summer time, leap days: nothing twice, no burst, one plan everywhere."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from tests.faults._campaign import Quiet, say, seed, size
from tests.faults._world import POLICY

from retainkit.billing import Decline
from retainkit.core import Answer, Intent, Outcome
from retainkit.customers import Customer, StaticDirectory
from retainkit.engine import Guarantee, Performer, RetainKit
from retainkit.ids import CustomerId
from retainkit.money import money
from retainkit.payments.simulated import Behaviour, Declines, NeedsAuthentication, SimulatedPayments
from retainkit.stores.memory import MemoryStore


HOUR = timedelta(hours=1)
CARDS: dict[str, Behaviour] = {
    "soft": Declines(),
    "hard": Declines(Decline(code="lost_card")),
    "unknown": Declines(Decline(code="a_code_nobody_knows")),
    "action": NeedsAuthentication(),
}
JUMPS = (HOUR, -HOUR, HOUR / 2, HOUR * 5, HOUR * 24, HOUR * 24 * 90)
# Nights in which Berlin loses and gains an hour, a leap day, and the turn of a year.
STARTS = (
    datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
    datetime(2028, 2, 28, 12, tzinfo=UTC),
    datetime(2027, 12, 31, 23, 59, tzinfo=UTC),
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


class LocalClock:
    """A clock that shows the wall's time of a zone, and can be turned."""

    def __init__(self, start: datetime, zone: str) -> None:
        self.at = start
        self._zone = ZoneInfo(zone)

    def now(self) -> datetime:
        """The instant, as the zone's walls show it."""
        return self.at.astimezone(self._zone)


class Product:
    """One customer for each kind of card, all of them failed at once."""

    def __init__(self, start: datetime, zone: str = "UTC") -> None:
        self.start = start
        self.clock = LocalClock(start, zone)
        self.payments = SimulatedPayments(clock=self.clock)
        self.mails: Counter[tuple[str, str]] = Counter()
        mail = Performer(
            group="mail", guarantee=Guarantee.AT_MOST_ONCE, perform=self._send, look_up=self._send
        )
        self.told = Quiet()
        self.kit = RetainKit(
            store=MemoryStore(),
            payments=self.payments,
            customers=StaticDirectory(
                {
                    CustomerId(card): Customer(id=CustomerId(card), email="a@b.example")
                    for card in CARDS
                }
            ),
            dunning=POLICY,
            performers={"messages.send": mail},
            clock=self.clock,
            instrumentation=self.told,
        )
        for card, behaviour in CARDS.items():
            self.payments.add_method(behaviour, reference=card)
            self.payments.open_invoice(
                reference=card, id=f"in_{card}", amount=money(12, "EUR"), subscription=f"sub_{card}"
            )
        self.work()

    def _send(self, intent: Intent, now: datetime) -> Outcome:
        del now
        self.mails[intent.customer, intent.key] += 1
        return Answer()

    def work(self) -> None:
        """Hear the news and do what is due."""
        for event in self.payments.take_events():
            with self.kit.transaction() as k:
                k.receive_event(event)
        self.kit.run_due()

    def counts(self) -> dict[str, tuple[int, int]]:
        """For each customer how many tries and mails there were."""
        tries = Counter(charge.invoice for charge in self.payments.charges if charge.key)
        mails = Counter(customer for customer, _ in self.mails.elements())
        return {card: (tries[f"in_{card}"], mails[card]) for card in CARDS}  # type: ignore[index] # ids are strings

    def ends(self) -> dict[str, object]:
        """How each customer's case ended."""
        with self.kit.store.for_tenant(self.kit.tenant).transaction() as tx:
            return {case.customer: case.body["outcome"] for case in tx.records.all("dunning")}

    def history(self) -> list[tuple[str, str, timedelta]]:
        """Everything that was said, each with its distance from the start."""
        return [
            (card, kept.event.name, kept.recorded_at - self.start)
            for card in CARDS
            for kept in self.kit.timeline(CustomerId(card))
        ]


def _walk(which: int) -> None:
    """Turn the clock about; after each turn at most one try and one mail for each customer."""
    rng = Random(which)
    product = Product(rng.choice(STARTS), rng.choice(ZONES))
    before = product.counts()
    latest = product.clock.at
    for _ in range(rng.randrange(10, 60)):
        product.clock.at += rng.choice(JUMPS)
        product.work()
        counts = product.counts()
        for card in CARDS:
            tries, mails = (
                after - was for after, was in zip(counts[card], before[card], strict=True)
            )
            assert 0 <= tries <= 1, (which, card, tries)
            assert 0 <= mails <= 1, (which, card, mails)
            if product.clock.at <= latest:
                assert (tries, mails) == (0, 0), (which, card, "the clock went back")
        latest, before = max(latest, product.clock.at), counts
    for _ in range(60):
        product.clock.at += HOUR * 24
        product.work()
    tried = {card: count for card, (count, _) in product.counts().items()}
    assert tried["hard"] == tried["action"] == 0
    assert tried["unknown"] == 1
    assert 1 <= tried["soft"] <= 3
    assert set(product.mails.values()) == {1}
    assert max(mails for _, mails in product.counts().values()) <= 4
    assert set(product.ends().values()) == {"ended"}
    assert product.payments.double_charges() == ()
    assert product.told.failures == []


def test_a_clock_that_jumps_about_does_nothing_twice() -> None:
    """Forty walks of an hour on, an hour back, and ninety days on."""
    for which in range(40):
        _walk(which)


@pytest.mark.faults
def test_many_clocks_that_jump_about_do_nothing_twice() -> None:
    """The long form."""
    first, walks = seed(), size("WALKS", 5000)
    for which in range(first, first + walks):
        _walk(which)
    say("F8", seed=first, walks=walks, twice=0, bursts=0)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start:%Y-%m-%d}")
def test_the_plan_is_the_same_over_summer_time_and_leap_days(start: datetime, zone: str) -> None:
    """Whatever the walls show, everything happens at the same distance from the first failure."""
    usual, here = Product(datetime(2026, 6, 1, tzinfo=UTC)), Product(start, zone)
    for product in (usual, here):
        for _ in range(24 * 30):
            product.clock.at += HOUR
            product.work()
    assert here.history() == usual.history()
    assert here.counts()["soft"] == (3, 3)


def test_ninety_days_without_a_worker_bring_one_try_one_notice_and_time_to_react() -> None:
    """Whoever was told late has as long to react as everybody else."""
    product = Product(STARTS[0])
    assert product.counts()["soft"] == (0, 1)
    product.clock.at += HOUR * 24 * 90
    product.work()
    product.work()
    assert product.counts()["soft"] == (1, 2)
    assert product.ends()["soft"] is None
    product.clock.at += HOUR * 24 * 7 - HOUR
    product.work()
    assert product.ends()["soft"] is None
    product.clock.at += HOUR
    product.work()
    assert product.ends()["soft"] == "ended"
    assert product.counts()["soft"] == (1, 2)
