"""Many write about one customer and about many at once: nothing is lost, doubled or waited for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event as Flag
from threading import Thread
from time import perf_counter

import pytest
from tests.faults._campaign import Quiet, say, seed, size
from tests.faults._measured import DAY, judge, measured, use

from retainkit.core import Event, Origin
from retainkit.engine import RetainKit
from retainkit.ids import CustomerId, EventId
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


NOW = datetime(2026, 11, 4, 9, tzinfo=UTC)
ZONES = ("Asia/Tokyo", "America/Los_Angeles", "Pacific/Apia", "UTC")
FOREVER = 900
Writes = Callable[[RetainKit, Random, int], object]


def _uses(writer: str, number: int, customers: list[str], each: int) -> list[Event]:
    return [
        use(
            f"{writer}-{number}-{place}",
            customers[place % len(customers)],
            NOW - timedelta(hours=(number * 7 + place) % 60),
            data={"user": f"u{place % 3}", "amount": 1},
        )
        for place in range(each)
    ]


class Race:
    """Some write, some decide, some count anew, all of the same customers."""

    def __init__(self, url: str, which: int, customers: int, rounds: int) -> None:
        self.url = url
        self.which = which
        self.customers = [f"c{number}" for number in range(customers)]
        self.rounds = rounds
        self.ended: list[str] = []
        self.kept: list[Event] = []
        self.told = Quiet()
        self.over = Flag()

    def run(self) -> dict[str, object]:
        """Let all of them run at once; what was kept, and how long it took."""
        began = perf_counter()
        with closing(SqlStore(self.url, pool_size=14, lock_timeout=120)) as store:
            kit = measured(store, ManualClock(NOW), told=self.told)
            kit.record(*(use(f"seed-{who}", who, NOW - 70 * DAY) for who in self.customers))
            writers = [
                self._thread("one", self._one, kit),
                self._thread("many", self._many, kit),
                self._thread("again", self._again, kit),
                self._thread("facts", self._facts, kit),
                self._thread("tags", self._tags, kit),
                self._thread("zones", self._zones, kit),
                self._thread("anew", self._anew, kit),
            ]
            workers = [Thread(target=self._work, args=(kit,), daemon=True) for _ in range(2)]
            for thread in (*writers, *workers):
                thread.start()
            for thread in writers:
                thread.join(FOREVER)
                assert not thread.is_alive(), "somebody waits for ever"
            self.over.set()
            for thread in workers:
                thread.join(FOREVER)
                assert not thread.is_alive(), "a worker waits for ever"
            self._check(kit)
        return {"events": len(self.kept), "seconds": round(perf_counter() - began, 1)}

    def _thread(self, name: str, writes: Writes, kit: RetainKit) -> Thread:
        lot = Random(f"{self.which}{name}")

        def write() -> None:
            try:
                for number in range(self.rounds):
                    writes(kit, lot, number)
            except Exception as exc:  # noqa: BLE001 - told where the threads are joined
                self.ended.append(f"{name}: {exc!r} {exc.__cause__!r}")

        return Thread(target=write, daemon=True)

    def _work(self, kit: RetainKit) -> None:
        while not self.over.is_set():
            try:
                kit.run_due()
            except Exception as exc:  # noqa: BLE001 - told where the threads are joined
                self.ended.append(f"worker: {exc!r}")
            self.over.wait(0.01)

    def _keep(self, kit: RetainKit, events: list[Event]) -> None:
        kit.record(*events)
        self.kept += events

    def _one(self, kit: RetainKit, lot: Random, number: int) -> None:
        self._keep(kit, _uses("one", number, [lot.choice(self.customers)], 3))

    def _many(self, kit: RetainKit, lot: Random, number: int) -> None:
        some = lot.sample(self.customers, k=len(self.customers))  # in an order of its own
        self._keep(kit, _uses("many", number, some, 2 * len(some)))

    def _again(self, kit: RetainKit, lot: Random, number: int) -> None:
        """Told twice, in another order, and by two at once."""
        some = lot.sample(self.kept, k=min(len(self.kept), 20))
        kit.record(*some, *_uses("twice", number, self.customers, 4), *some)
        self._keep(kit, _uses("twice", number, self.customers, 4))

    def _facts(self, kit: RetainKit, lot: Random, number: int) -> None:
        at = NOW - timedelta(minutes=1000 - number)
        some = lot.sample(self.customers, k=len(self.customers))
        if number % 2:
            kit.signals.load({"customer": some, "seats": [number % 12] * len(some)}, at=at)
        else:
            kit.signals.set(CustomerId(some[0]), {"seats": number % 12}, at=at)

    def _tags(self, kit: RetainKit, lot: Random, number: int) -> None:
        del number
        ids = [each.id for each in lot.sample(self.kept, k=min(len(self.kept), 8))]
        origin = lot.choice((Origin.TEST, Origin.REAL))
        kit.signals.retag([EventId(id) for id in ids], origin, actor="eve")

    def _zones(self, kit: RetainKit, lot: Random, number: int) -> None:
        at = NOW - timedelta(minutes=2000 - number)
        kit.signals.set_zone(CustomerId(lot.choice(self.customers)), lot.choice(ZONES), at=at)

    def _anew(self, kit: RetainKit, lot: Random, number: int) -> None:
        if number % 8:
            kit.signals.rebuild(CustomerId(lot.choice(self.customers)))
        else:
            kit.signals.rebuild()
            kit.rules.recheck()

    def _check(self, kit: RetainKit) -> None:
        assert not self.ended, self.ended[:5]
        assert not self.told.failures, self.told.failures[:3]
        kit.run_due()
        judge(kit)
        ids = {kept.event.id for who in self.customers for kept in kit.timeline(CustomerId(who))}
        assert {each.id for each in self.kept} <= ids
        assert kit.sweep() == ()
        assert kit.attention() == ()
        kit.rules.recheck()
        kit.run_due()
        assert kit.rules.recheck().woken == 0
        judge(kit)


@pytest.mark.parametrize("customers", [1, 6])
def test_all_at_once_lose_no_count(database: str, customers: int) -> None:
    """Seven writers and two workers on one customer, and on a few."""
    Race(database, 1, customers, 6).run()


@pytest.mark.faults
@pytest.mark.parametrize("customers", [1, 25])
def test_all_at_once_lose_no_count_for_long(database: str, customers: int) -> None:
    """The long form."""
    which = seed()
    race = Race(database, which, customers, size("ROUNDS", 60))
    say("races", store=database.partition(":")[0], seed=which, customers=customers, **race.run())


@pytest.mark.postgres
def test_counting_anew_waits_for_who_is_recording(postgres_url: str) -> None:
    """A rebuild that begins while an event is not committed yet counts it, or comes after it."""
    with closing(SqlStore(postgres_url)) as store:
        kit = measured(store, ManualClock(NOW))
        ada = CustomerId("ada")
        kit.record(use("first", ada, NOW))
        for number, anew in enumerate(_ANEW):
            done = Flag()

            def count(anew: Callable[[RetainKit], object] = anew, done: Flag = done) -> None:
                anew(kit)
                done.set()

            thread = Thread(target=count, daemon=True)
            with kit.transaction() as k:
                k.record(use(f"e{number}", ada, NOW))
                thread.start()
                assert not done.wait(0.3), "it did not wait"
            thread.join(30)
            assert done.is_set()
            judge(kit)


_ANEW: tuple[Callable[[RetainKit], object], ...] = (
    lambda kit: kit.signals.rebuild(),
    lambda kit: kit.signals.rebuild(CustomerId("ada")),
    lambda kit: kit.signals.retag(["first"], Origin.TEST, actor="eve"),
    lambda kit: kit.signals.set_zone(CustomerId("ada"), "Asia/Tokyo"),
    lambda kit: kit.signals.set(CustomerId("ada"), {"seats": 3}),
    lambda kit: kit.signals.load({"customer": ["ada"], "seats": [4]}),
)


@pytest.mark.postgres
def test_two_who_tell_the_same_of_times_to_come_wait_in_no_circle(postgres_url: str) -> None:
    """Events that are kept aside, told by two at once in opposite orders, with others between."""
    ahead = [use(f"ahead{number}", f"c{number}", NOW + 9 * DAY) for number in range(40)]
    now = [use(f"now{number}", f"c{number}", NOW) for number in range(40)]
    ended: list[str] = []
    with closing(SqlStore(postgres_url)) as store:
        kit = measured(store, ManualClock(NOW))

        def tell(events: list[Event]) -> None:
            try:
                for part in range(0, len(events), 20):
                    kit.record(*events[part : part + 20])
            except Exception as exc:  # noqa: BLE001 - told where the threads are joined
                ended.append(repr(exc))

        mixed = [each for pair in zip(ahead, now, strict=True) for each in pair]
        threads = [
            Thread(target=tell, args=(events,), daemon=True)
            for events in (mixed, mixed[::-1], ahead[::-1] + now, now + ahead)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert ended == []
        kit.run_due()
        judge(kit)
        assert len(kit.attention()) == len(ahead)
