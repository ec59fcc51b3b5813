"""F9: eight workers on one store; every due item is worked on once, and nobody waits for ever."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from threading import Thread
from time import perf_counter

import pytest
from tests.engine.toy import Parcels, Post, order
from tests.engine.world import LEASE, Watched, World
from tests.faults._campaign import Quiet, say, size

from retainkit.core import Event
from retainkit.engine import RetainKit
from retainkit.ids import CustomerId
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
WORKERS = 8
EACH = 4
SECONDS_WITHOUT_END = 1800


def _orders(customers: int) -> Iterator[Event]:
    """So that workers meet at the same customers, each of them has several parcels."""
    for customer in range(customers):
        for number in range(EACH):
            yield order(f"{customer}-{number}", f"c{customer}", NOW)


def _fill(kit: RetainKit, customers: int) -> None:
    batch: list[Event] = []
    for event in _orders(customers):
        batch.append(event)
        if len(batch) == 1000:
            kit.record(*batch)
            batch.clear()
    kit.record(*batch)


def _work_off(url: str, items: int) -> dict[str, object]:
    """Let eight threads work until nothing is due; what each key was called for."""
    store, post, told = SqlStore(url, pool_size=WORKERS + 2), Post(), Quiet()
    kit = RetainKit(
        store=store,
        features=[Parcels()],
        performers={"parcel.send": post.performer()},
        clock=ManualClock(NOW),
        instrumentation=told,
    )
    customers = items // EACH
    _fill(kit, customers)
    done: list[int] = []
    ended: list[BaseException] = []

    def work() -> None:
        try:
            done.append(kit.run_due().items)
        except Exception as exc:  # noqa: BLE001 - told where the threads are joined
            ended.append(exc)

    began = perf_counter()
    threads = [Thread(target=work, daemon=True) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS_WITHOUT_END)
        assert not thread.is_alive(), "a worker waits for ever"
    took = perf_counter() - began
    assert not ended, ended
    assert not told.failures, told.failures[:3]
    assert sum(done) == items  # the wake-up of a customer goes on with its first parcel
    times = Counter(post.calls)
    assert len(times) == customers * EACH
    assert set(times.values()) == {1}, times.most_common(3)
    assert kit.run_due().items == 0
    _check_ends(kit, customers)
    store.close()
    return {
        "items": sum(done),
        "effects": len(times),
        "fences": told.fences,
        "seconds": round(took, 1),
    }


def _check_ends(kit: RetainKit, customers: int) -> None:
    with kit.store.for_tenant(kit.tenant).transaction() as tx:
        assert tx.records.open("parcels") == ()
        for customer in range(0, customers, max(1, customers // 100)):
            cases = tx.records.all("parcels", customer=order("", f"c{customer}", NOW).customer)
            assert [case.body["delivered"] for case in cases] == [True] * EACH


def test_eight_workers_do_each_of_two_thousand_items_once(database: str) -> None:
    """Threads over SQLite and PostgreSQL; each key is called for once, and none fails."""
    figures = _work_off(database, 2000)
    assert figures["fences"] == 0


@pytest.mark.faults
def test_eight_workers_do_each_of_a_hundred_thousand_items_once(database: str) -> None:
    """The long form."""
    say(
        "F9",
        store=database.partition(":")[0],
        workers=WORKERS,
        **_work_off(database, size("ITEMS", 100_000)),
    )


def test_a_forked_worker_waits_for_no_thread_of_its_parent(sqlite_url: str) -> None:
    """A child takes neither connections nor a turn that a thread of its parent holds."""
    store = SqlStore(sqlite_url, lock_timeout=2)
    kit = RetainKit(store=store, features=[Parcels()], clock=ManualClock(NOW))
    with store._begin() as cursor:
        cursor.execute("ROLLBACK")  # the database is free; the turn is not
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads may be alive
            child = os.fork()
        if not child:
            try:
                kit.record(order("1", "ada", NOW))
            except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert len(kit.timeline(CustomerId("ada"))) == 1
    store.close()


def test_a_slow_worker_gives_back_what_would_outlive_half_its_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where each item takes a third of the lease, the first of a batch is its last."""
    world = World(MemoryStore(), None)
    for number in "123":
        world.order(number, f"c{number}")
    times = count(step=LEASE.total_seconds() / 3)
    monkeypatch.setattr("retainkit.engine._runner.monotonic", lambda: next(times))
    store = Watched(world.store)
    world.kit(store=store).run_due()
    assert len(world.post.sent) == 3
    # One item a claim, and one claim that finds nothing.
    assert store.points.count("after the claim") == 4
