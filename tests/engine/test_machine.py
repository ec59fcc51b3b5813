"""Random histories of orders, faults, crashes, clocks: no key delivers twice, no case is stuck."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from tests.engine.books import Books
from tests.engine.toy import ParcelPolicy, Parcels, order
from tests.engine.world import LEASE, NOW, Crash, Told, Watched

from retainkit.core import Answer, Event, Intent, NoEffect, NotSent, Outcome, Unknown
from retainkit.engine import Guarantee, Performer, RetainKit
from retainkit.ids import CustomerId, EffectId, EventId
from retainkit.stores import Store
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


CUSTOMERS = ("ada", "bob")
ENDS = {"parcels.delivered", "parcels.given_up", "parcels.withdrawn"}
FAULTS = (
    "refused", "busy for hours", "request lost", "answer lost", "broken",
    "dies before", "dies after", "sleeps",
)  # fmt: skip
SPANS = tuple(map(timedelta, (0, 0, 0, 0, 1, 3), (1, 90, 3_700, 72_000, 0, 0)))
"""A second, some minutes, an hour, most of a key's life, days."""

SKEW = timedelta(hours=2)
"""How wrong a worker's clock may be; what a key's last fifth of a day forgives."""


class Histories(RuleBasedStateMachine):
    """Two workers over one store, a faulty outside, clocks that jump."""

    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.store.migrate()
        self.books = Books(NOW)
        self.clock = ManualClock(NOW)
        self.faults: list[str] = []

    def make_store(self) -> Store:
        """Where past, now and future are kept."""
        return MemoryStore()

    # ---- the parts

    def worker(self, *, die_at: int | None = None) -> RetainKit:
        """A fresh process."""
        post = Performer(
            group="post",
            guarantee=Guarantee.EXACTLY_ONCE,
            perform=self.send,
            look_up=self.look_up,
            lag=timedelta(minutes=2),
        )
        return RetainKit(
            store=Watched(self.store, die_at=die_at),
            features=[Parcels(policy=ParcelPolicy(tries=3))],
            performers={"parcel.send": post},
            clock=self.clock,
            instrumentation=Told(),
            lease=LEASE,
        )

    def send(self, intent: Intent, now: datetime) -> Outcome:
        """The outside, with the fault that is next."""
        del now
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case "refused":
                return NotSent(reason="busy")
            case "busy for hours":
                return NotSent(reason="busy", retry_after=timedelta(hours=23))
            case "request lost":
                return Unknown(reason="reset")
            case "dies before":
                raise Crash(fault)
            case "sleeps":
                self.turn(LEASE * 2)
                self.work(die_at=None)
            case _:
                pass
        self.books.deliver(intent.key, str(intent.effect.data["order"]))
        match fault:
            case "answer lost":
                return Unknown(reason="timeout")
            case "broken":
                raise ValueError(fault)
            case "dies after":
                raise Crash(fault)
            case _:
                return Answer(data={"delivered": True})

    def look_up(self, intent: Intent, now: datetime) -> Outcome:
        """The books, with the fault that is next."""
        del now
        if self.faults and self.faults.pop(0) in {"refused", "request lost", "answer lost"}:
            return Unknown(reason="500")
        return self.truth(intent)

    def truth(self, intent: Intent) -> Answer | NoEffect:
        """What really became of a key."""
        if self.books.arrived(intent.key):
            return Answer(data={"delivered": True})
        return NoEffect(reason="never_arrived")

    # ---- what happens

    @rule(target=orders, customer=st.sampled_from(CUSTOMERS))
    def place(self, customer: str) -> str:
        """A customer orders."""
        number = self.books.place(customer)
        self.worker().record(order(number, customer, self.clock.now()))
        return number

    @rule(number=orders)
    def withdraw(self, number: str) -> None:
        """A customer wants it no more; said twice, it is said once."""
        self.worker().record(
            Event(
                id=EventId(f"withdrawn-{number}"),
                name="order.withdrawn",
                customer=CustomerId(self.books.orders[number]),
                occurred_at=NOW,
                data={"order": number},
            )
        )

    @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=4))
    def go_wrong(self, faults: list[str]) -> None:
        """What the outside does at its next calls."""
        self.faults = faults

    @rule(die_at=st.none() | st.integers(1, 20))
    def work(self, die_at: int | None) -> None:
        """A worker works off what is due, and may die on the way."""
        with suppress(Crash):
            self.worker(die_at=die_at).run_due(limit=50)

    @rule(by=st.sampled_from(SPANS))
    def turn(self, by: timedelta) -> None:
        """Time passes for everybody."""
        self.books.now += by
        self.clock.advance(by)

    @rule(skew=st.sampled_from((-SKEW, timedelta(0), SKEW)))
    def jump(self, skew: timedelta) -> None:
        """The worker's clock is set, back or forth."""
        self.clock.set(self.books.now + skew)

    # ---- what must hold

    @invariant()
    def no_key_delivers_twice(self) -> None:
        """The one promise about money."""
        assert self.books.doubled() == []

    def teardown(self) -> None:
        """When the faults are over, everything comes to its end, and the books agree."""
        try:
            self.faults = []
            self.clock.set(self.books.now)
            for _ in range(40):
                self.turn(timedelta(hours=12))
                self.work(die_at=None)
                self.people_answer()
            self.no_key_delivers_twice()
            kit = self.worker()
            assert kit.sweep() == ()
            assert kit.attention() == ()
            told: set[str] = set()
            for customer in map(CustomerId, CUSTOMERS):
                assert kit.scheduled(customer) == ()
                with kit.transaction() as k:
                    assert k._tx.records.open("parcels", customer=customer) == ()
                    cases = {r.id: r.key for r in k._tx.records.all("parcels", customer=customer)}
                events = [recorded.event for recorded in kit.timeline(customer)]
                ended = {str(e.data["case"]) for e in events if e.name in ENDS}
                assert ended == set(cases)
                told |= {
                    cases[case]
                    for case in cases
                    if any(e.name == "parcels.delivered" and e.data["case"] == case for e in events)
                }
            assert told == self.books.delivered()
        finally:
            self.store.close()

    def people_answer(self) -> None:
        """A person looks into the books for what stayed unclear."""
        kit = self.worker()
        for entry in kit.attention():
            with kit.transaction() as k:
                intent = k._tx.schedule.intent(EffectId(entry.id))
            assert intent is not None
            kit.settle(entry.id, self.truth(intent), actor="usr_7", reason="books")


class SqlHistories(Histories):
    """The same over SQLite."""

    def make_store(self) -> Store:
        """In memory: what is on disk is the stores' own test."""
        return SqlStore("sqlite://")


def _sized(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        deadline=None,
    )


TestHistories = Histories.TestCase
TestHistories.settings = _sized(200, 30)
TestSqlHistories = SqlHistories.TestCase
TestSqlHistories.settings = _sized(15, 25)
