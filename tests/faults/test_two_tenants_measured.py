"""Two tenants who measure the same customers by the same ids; each ends as if it were alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from tests.faults._campaign import say, seed, size
from tests.faults._measured import DAY, RULES, buckets, everybody, judge, measured, use

from retainkit.core import STANDING, Origin
from retainkit.engine import AttentionKind, RetainKit
from retainkit.errors import RetainkitError
from retainkit.ids import CustomerId, EventId
from retainkit.signals import ZONE_METRIC
from retainkit.stores import Store
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


START = datetime(2026, 11, 4, 9, tzinfo=UTC)
TENANTS = ("a", "b")
CUSTOMERS = ("ada", "bob", "cleo", "dan")
_AHEAD = AttentionKind.QUARANTINED_EVENT
ZONES = ("Asia/Tokyo", "UTC", "America/Los_Angeles")


def _do(kit: RetainKit, lot: Random, number: int, shared: int) -> None:
    """One thing happens to one tenant; ids are the same in both."""
    who, now = lot.choice(CUSTOMERS), kit.clock.now()
    match lot.randrange(9):
        case 0:
            kit.signals.set(CustomerId(who), {"seats": lot.choice((2, 9))})
        case 1:
            seats = [lot.choice((2, 7)) for _ in CUSTOMERS]
            kit.signals.load({"customer": CUSTOMERS, "seats": seats})
        case 2:
            kit.signals.set_zone(CustomerId(who), lot.choice(ZONES))
        case 3:
            known = kit.timeline(CustomerId(who))
            ids = [each.event.id for each in lot.sample(known, k=min(3, len(known)))]
            kit.signals.retag(ids, lot.choice(list(Origin)), actor="eve")
        case 4:
            kit.signals.rebuild(lot.choice((None, CustomerId(who))))
        case 5:
            kit.rules.recheck()
        case 6:
            kit.record(use(f"ahead{shared}", who, now + 9 * DAY))
            waiting = [each for each in kit.attention() if each.kind is _AHEAD]
            if waiting and number % 2:
                kit.release(EventId(waiting[0].id), customer=CustomerId(who), actor="eve")
        case _:
            kit.record(
                *(
                    use(
                        f"e{shared}-{each}",
                        who,
                        now - timedelta(hours=lot.randrange(50)),
                        data={"user": f"u{lot.randrange(4)}", "amount": each},
                    )
                    for each in range(lot.randrange(1, 6))
                )
            )


def _live(store: Store, which: int, tenants: tuple[str, ...], steps: int) -> list[RetainKit]:
    """Both tenants' stories, of which only those of some tenants happen."""
    clock = ManualClock(START)
    kits = {tenant: measured(store, clock, tenant=tenant) for tenant in TENANTS}
    turns, lots = Random(which), {tenant: Random(f"{which}{tenant}") for tenant in TENANTS}
    for number in range(steps):
        tenant, shared = turns.choice(TENANTS), turns.randrange(steps)
        clock.advance(timedelta(hours=turns.randrange(1, 12)))
        if tenant in tenants:
            _do(kits[tenant], lots[tenant], number, shared)
        if not number % 2:
            kits["a"].run_due()  # a worker serves all tenants
            for each in tenants:
                kits[each].run_due()
    return [kits[tenant] for tenant in tenants]


def _seen(kit: RetainKit) -> object:
    """Everything that a tenant can ask for."""
    assert kit.measures is not None
    now = kit.clock.now()
    metrics = kit.measures.wanted(now, ("users",)).metrics
    wanted = kit.measures.wanted(now)
    with kit.transaction() as k:
        projections = k.tx.projections
        tenants = (
            projections.latest(ZONE_METRIC, [CustomerId(who) for who in CUSTOMERS]),
            {metric: projections.parts(metric, since=STANDING) for metric in sorted(metrics)},
            projections.page(wanted, limit=2),
            projections.page(wanted, after=CustomerId("bob"), limit=9),
        )
    return (
        tenants,
        everybody(kit),
        {who: buckets(kit, who) for who in everybody(kit)},
        {who: dict(kit.signals.of(who)) for who in everybody(kit)},
        {who: kit.rules.states(who) for who in everybody(kit)},
        {who: kit.health.of(who) for who in everybody(kit)},
        {who: kit.timeline(who) for who in everybody(kit)},
        {
            group: kit.rules.members(group)
            for group in (
                *(f"rule:{rule.id}" for rule in RULES.rules),
                *(f"segment:{name}" for name in RULES.segments),
            )
        },
        [(entry.kind, entry.id) for entry in kit.attention()],
    )


def _rows(store: Store, tenant: str) -> object:
    """Each row of the projections, as it lies in the database."""
    if not isinstance(store, SqlStore):
        return None
    with store._engine.begin() as connection:
        return {
            table.name: sorted(
                map(repr, connection.execute(sa.select(table).where(table.c.tenant == tenant)))
            )
            for table in store.metadata.sorted_tables
            if table.name in {"rk_bucket", "rk_member"}
        }


@contextmanager
def _stores(folder: str | None) -> Iterator[list[Store]]:
    stores: list[Store] = []
    for name in ("both", *TENANTS):
        stores.append(SqlStore(f"sqlite:///{folder}/{name}.db") if folder else MemoryStore())
        stores[-1].migrate()
    yield stores
    for store in stores:
        store.close()


def _check(which: int, steps: int, folder: str | None) -> None:
    with _stores(folder) as (both, *alone):
        kits = _live(both, which, TENANTS, steps)
        for tenant, kit, store in zip(TENANTS, kits, alone, strict=True):
            (lonely,) = _live(store, which, (tenant,), steps)
            assert _seen(kit) == _seen(lonely), (which, tenant)
            assert _rows(both, tenant) == _rows(store, tenant), (which, tenant)
            judge(kit)


def test_no_count_and_no_member_crosses_in_memory() -> None:
    """Three pairs of stories."""
    for which in range(3):
        _check(which, 40, None)


def test_no_count_and_no_member_crosses_in_a_database(tmp_path: Path) -> None:
    """The same over SQLite, row by row."""
    _check(1, 40, str(tmp_path))


@pytest.mark.postgres
def test_what_one_tenant_asks_tells_nothing_of_the_other(postgres_url: str) -> None:
    """One that has nothing sees nothing, whatever the other has; and changes nothing of it."""
    store = SqlStore(postgres_url)
    (full,) = _live(store, 2, ("a",), 60)
    before = _seen(full)
    empty = full.for_tenant("b")
    assert everybody(empty) == ("",)
    assert empty.signals.rebuild() == 0
    assert empty.rules.recheck().asked == 0
    for rule in RULES.rules:
        assert empty.rules.members(f"rule:{rule.id}") == ()
    for who in CUSTOMERS:
        assert all(known.value is None for _, known in empty.signals.of(CustomerId(who)))
        assert empty.rules.states(CustomerId(who)) == {}
        assert empty.signals.rebuild(CustomerId(who)) == 1
    some = full.timeline(CustomerId("ada"))[0].event.id
    with pytest.raises(RetainkitError) as caught:
        empty.signals.retag([some], Origin.TEST, actor="eve")
    assert (caught.value.code, caught.value.value) == ("event.not_found", some)
    assert empty.signals.load({"customer": list(CUSTOMERS), "seats": [99] * 4}).set == 4
    assert empty.signals.load({"customer": list(CUSTOMERS), "seats": [99] * 4}).unchanged == 4
    assert _seen(full) == before
    full.signals.rebuild()
    assert _seen(full) == before
    assert {len(buckets(empty, CustomerId(who))) for who in CUSTOMERS} == {2}
    store.close()


@pytest.mark.faults
def test_no_count_and_no_member_crosses_however_long_one_looks() -> None:
    """The long form."""
    first, pairs = seed(), size("PAIRS", 150)
    for which in range(first, first + pairs):
        _check(which, 60, None)
    for which in range(first, first + pairs // 15):
        with TemporaryDirectory() as folder:
            _check(which, 60, folder)
    say("two tenants, measured", seed=first, pairs=pairs, in_a_database=pairs // 15)
