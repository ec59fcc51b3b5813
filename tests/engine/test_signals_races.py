"""Whatever runs side by side over the same customers: nobody waits in a circle, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product

import psycopg
import pytest

from retainkit.core import STANDING, Bucket, Event, Origin, Wanted
from retainkit.engine import KitSignals, RetainKit
from retainkit.ids import CustomerId, EventId, TenantId
from retainkit.rules import Number, Rule, Rulebook, Signals, days, event
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
CUSTOMERS = tuple(CustomerId(f"c{number}") for number in range(5))
ROUNDS = 6


class Customer(Signals):
    """What the worker counts."""

    seats = Number()
    exports = event("report.exported").count(days(7))
    authors = event("report.exported").distinct("user").count(days(7))


class Other(Signals):
    """What another version of the product counts."""

    seats = Number()
    visits = event("page.visited").count(days(3))


BOOK = Rulebook(
    signals=Customer,
    rules=(Rule(id="big", when=Customer.seats >= 5), Rule(id="active", when=Customer.exports >= 3)),
)


def test_those_who_count_the_same_customers_at_once(database: str) -> None:
    """Records, loads, tags, zones, rebuilds and workers; of kits with other signals, and none."""
    store, clock = SqlStore(database), ManualClock(NOW)
    kit = RetainKit(store=store, clock=clock, rules=BOOK)
    kits = kit, RetainKit(store=store, clock=clock, signals=Other), RetainKit(store=store)
    works: list[Callable[[int], object]] = [
        *[lambda number, one=one: _record(one, number) for one in kits],
        lambda number: _load(kit, number),
        lambda number: _load(kits[1], number + 1),
        lambda _: kit.signals.rebuild(),
        lambda number: _retag(kit, number),
        lambda _: (kit.rules.recheck(), kit.run_due()),
    ]
    try:
        with ThreadPoolExecutor(len(works)) as pool:
            for done in [pool.submit(_rounds, work) for work in works]:
                done.result(timeout=60)
        kit.rules.recheck()
        clock.advance(timedelta(days=1, minutes=1))
        kit.run_due()
        counted = [_buckets(kit, customer) for customer in CUSTOMERS]
        assert all(len(each) > 3 for each in counted)
        kit.signals.rebuild()
        assert [_buckets(kit, customer) for customer in CUSTOMERS] == counted
        assert kit.rules.recheck().woken == 0
    finally:
        store.close()


@pytest.mark.postgres
@pytest.mark.parametrize("seats", [(3, 8), (8, 3)])
@pytest.mark.parametrize("before", [None, 5])
@pytest.mark.parametrize("by", list(product(("set", "load"), repeat=2)))
def test_of_two_who_tell_of_one_instant_at_once_the_later_holds(
    postgres_url: str, by: tuple[str, str], before: int | None, seats: tuple[int, int]
) -> None:
    """Whoever comes second waits, sees what it contradicts, and is the one that is believed."""
    store, who = SqlStore(postgres_url), CUSTOMERS[0]
    (one, other), (first, second) = by, seats
    kit = RetainKit(store=store, clock=ManualClock(NOW), signals=Customer)
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"
    url = postgres_url.replace("+psycopg", "")
    try:
        with psycopg.connect(url, autocommit=True) as watch, ThreadPoolExecutor(1) as pool:
            _tell(kit.signals, "set", who, before)
            with kit.transaction() as k:
                _tell(k.signals, one, who, first)
                later = pool.submit(_tell, kit.signals, other, who, second)
                while watch.execute(waiting).fetchone() is None:
                    assert not later.done()
            later.result(timeout=60)
        assert kit.signals.of(who).known("seats", NOW) == second
        kit.signals.rebuild()
        assert kit.signals.of(who).known("seats", NOW) == second
    finally:
        store.close()


def _tell(signals: KitSignals, by: str, who: CustomerId, seats: int | None) -> None:
    if by == "set":
        signals.set(who, {} if seats is None else {"seats": seats}, at=NOW)
    else:
        signals.load({"customer": [who, "c9"], "seats": [seats, 1]}, at=NOW)


def _rounds(work: Callable[[int], object]) -> None:
    for number in range(ROUNDS):
        work(number)


def _ordered(number: int) -> tuple[CustomerId, ...]:
    """Every other time from the last to the first."""
    return CUSTOMERS[::-1] if number % 2 else CUSTOMERS


def _record(kit: RetainKit, number: int) -> None:
    kit.record(
        *[
            Event(
                id=EventId(f"{id(kit)}-{number}-{customer}"),
                name="report.exported" if number % 3 else "page.visited",
                customer=customer,
                occurred_at=NOW - timedelta(hours=number),
                data={"user": f"u{number % 4}"},
                actor="host",
            )
            for customer in _ordered(number)
        ]
    )


def _load(kit: RetainKit, number: int) -> None:
    kit.signals.load({"customer": list(_ordered(number)), "seats": [number] * len(CUSTOMERS)})


def _retag(kit: RetainKit, number: int) -> None:
    ids = [known.event.id for each in _ordered(number) for known in kit.timeline(each, limit=3)]
    kit.signals.retag(ids, Origin.TEST if number % 2 else Origin.REAL, actor="ops")
    for customer in _ordered(number + 1):
        kit.signals.set_zone(customer, "Asia/Kolkata" if number % 2 else "UTC")


def _buckets(kit: RetainKit, customer: CustomerId) -> tuple[Bucket, ...]:
    assert kit.measures is not None
    wanted = Wanted(metrics=kit.measures.wanted(NOW).metrics, since=STANDING)
    with kit.store.for_tenant(TenantId("main")).transaction() as tx:
        return tx.projections.buckets(customer, wanted)
