"""Eleven holes that a prototype of this design fell into, one story each: they stay closed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.orm import Session
from tests.engine.hosts import HOSTS, NOTES, Host
from tests.engine.toy import Parcel, ParcelPolicy, Parcels, Post, order

from retainkit.core import (
    Answer,
    Decision,
    Due,
    Effect,
    EffectState,
    Facts,
    Intent,
    Lease,
    Performed,
    Record,
    Timer,
    Trigger,
)
from retainkit.engine import RetainKit
from retainkit.errors import Conflict, RetainkitError, StoreError
from retainkit.ids import CaseId, CustomerId, TenantId, derive
from retainkit.stores import Transaction
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


# Django speaks of its apps; here is none.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the database during app")

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ADA = CustomerId("ada")
BOB = CustomerId("bob")
MAIN = TenantId("main")
HOUR = timedelta(hours=1)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def make(post: Post) -> Iterator[Callable[..., RetainKit]]:
    """Makes kits on the stores of URLs, and closes them."""
    stores: list[SqlStore] = []

    def made(url: str, *, feature: Parcels | None = None, lock_timeout: int = 1) -> RetainKit:
        stores.append(SqlStore(url, lock_timeout=lock_timeout))
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text(NOTES))
        return RetainKit(
            store=stores[-1],
            features=[feature or Parcels()],
            performers={"parcel.send": post.performer()},
            clock=ManualClock(NOW),
        )

    yield made
    for store in stores:
        store.close()


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A host's own engine on the database."""
    engine = sa.create_engine(database)
    yield engine
    engine.dispose()


def _fails(kind: type[RetainkitError], code: str, work: Callable[[], object]) -> None:
    with pytest.raises(kind) as caught:
        work()
    assert (caught.value.code, caught.value.field, caught.value.value) == (code, None, None)
    assert caught.value.remedy


def _record(version: int) -> Record:
    return Record(
        feature="parcels",
        id=CaseId("case_1"),
        key="k",
        customer=ADA,
        open=True,
        version=version,
        schema=1,
        definition="sha",
        body={"version": version},
    )


def _intent(attempt: str) -> Intent:
    return Intent(
        tenant=MAIN,
        feature="parcels",
        customer=ADA,
        case=CaseId("case_1"),
        effect=Effect(kind="parcel.send", attempt=attempt),
    )


def _ids(kit: RetainKit, customer: CustomerId = ADA) -> list[str]:
    return [recorded.event.id for recorded in kit.timeline(customer)]


# ---- 1


def test_hole_1_a_stale_version_never_marks_an_effect_done(
    make: Callable[..., RetainKit], database: str
) -> None:
    """Fence and version hold together: the effect stays under its lease, and is decided again."""
    tenant = make(database).store.for_tenant(MAIN)
    lease = Lease(id="1", length=HOUR)
    with tenant.transaction() as tx:
        tx.records.put(_record(1))
        tx.schedule.intend([_intent("send:1")], lease, now=NOW)
    with tenant.transaction() as tx:
        tx.records.put(_record(2))
    answered = evolve(
        _intent("send:1"), state=EffectState.DONE, outcome=Answer(data={"delivered": True})
    )

    def decide_on_what_was_read_before(tx: Transaction) -> None:
        assert tx.schedule.settle(answered, lease=lease.id)
        tx.records.put(_record(2))

    with pytest.raises(Conflict) as caught, tenant.transaction() as tx:
        decide_on_what_was_read_before(tx)
    assert (caught.value.code, caught.value.value) == ("record.version", 2)
    with tenant.transaction() as tx:
        kept = tx.schedule.intent(answered.id)
        assert kept is not None
        assert (kept.state, kept.lease, kept.outcome) == (EffectState.SENT, "1", None)
        assert tx.records.get("parcels", CaseId("case_1")) == _record(2)


# ---- 2


@pytest.mark.parametrize("opened", ["connection", "session"])
def test_hole_2_a_fresh_sqlite_connection_commits_nothing_at_our_release(
    make: Callable[..., RetainKit], sqlite_url: str, opened: str
) -> None:
    """The driver has begun nothing yet: without a BEGIN our savepoint would be the outermost."""
    kit = make(sqlite_url)
    engine = sa.create_engine(sqlite_url)
    host = engine.connect() if opened == "connection" else Session(engine)
    with kit.join(host) as k:
        k.record(order("o1", ADA, NOW))
    connection = host if isinstance(host, sa.Connection) else host.connection()
    assert connection.connection.driver_connection.in_transaction  # type: ignore[union-attr] # sqlite3's
    host.rollback()
    assert _ids(kit) == []
    host.close()
    engine.dispose()


# ---- 3


def test_hole_3_a_sqlite_host_that_has_read_too_early_is_told_so(
    make: Callable[..., RetainKit], sqlite_url: str
) -> None:
    """SQLITE_BUSY_SNAPSHOT at once, by a name of its own; rolled back and begun again, it works."""
    kit = make(sqlite_url)
    engine = sa.create_engine(sqlite_url, connect_args={"isolation_level": None, "timeout": 30})
    sa.event.listen(engine, "begin", lambda host: host.exec_driver_sql("BEGIN"))
    with engine.connect() as host:
        host.execute(sa.text("SELECT * FROM note")).all()
        kit.record(order("o1", BOB, NOW))

        def join() -> None:
            with kit.join(host) as k:
                k.record(order("o2", ADA, NOW))

        with pytest.raises(StoreError) as caught:
            join()
        assert (caught.value.code, caught.value.field, caught.value.value) == (
            "store.snapshot",
            None,
            None,
        )
        assert "BEGIN IMMEDIATE" in caught.value.remedy
        assert host.execute(sa.text("SELECT * FROM note")).all() == []
        host.rollback()
        join()
        host.commit()
    engine.dispose()
    assert (_ids(kit, BOB), _ids(kit)) == (["order-o1"], ["order-o2"])


# ---- 4


@pytest.mark.parametrize("opened", HOSTS, ids=[host.name for host in HOSTS])
def test_hole_4_what_was_there_before_is_counted_right_through_every_driver(
    make: Callable[..., RetainKit], database: str, opened: Callable[[str], Host]
) -> None:
    """INSERT ... ON CONFLICT tells how many rows it wrote, one or many at once."""
    kit = make(database)
    kit.record(order("o1", ADA, NOW))
    with kit.store.for_tenant(MAIN).transaction() as tx:
        tx.schedule.intend([_intent("send:1")], None, now=NOW)
        tx.records.put(_record(1))
    host = opened(database)
    with host.joined(kit) as k:
        made = k.record(order("o1", ADA, NOW), order("o2", ADA, NOW), order("o3", BOB, NOW))
        again = k.record(order("o2", ADA, NOW))
    assert [event.id for event in made.new] == ["order-o2", "order-o3"]
    assert (made.duplicates, made.conflicts) == (("order-o1",), ())
    assert (again.new, again.duplicates) == ((), ("order-o2",))
    for known in (
        lambda tx: tx.schedule.intend([_intent("send:2"), _intent("send:1")], None, now=NOW),
        lambda tx: tx.schedule.intend([_intent("send:1")], Lease(id="1", length=HOUR), now=NOW),
        lambda tx: tx.records.put(_record(1)),
        lambda tx: tx.records.put(_record(3)),
    ):
        with pytest.raises(Conflict), host.joined(kit) as k:
            k.call(lambda inside, known=known: known(inside._tx))
    host.commit()
    host.close()
    assert _ids(kit) == ["order-o1", "order-o2"]


# ---- 5


@pytest.mark.postgres
@pytest.mark.parametrize("customer", [ADA, BOB], ids=["same customer", "another one"])
def test_hole_5_a_repeatable_read_host_meets_an_event_committed_elsewhere(
    make: Callable[..., RetainKit], postgres_url: str, customer: CustomerId
) -> None:
    """A conflict that says to begin again; the host's transaction stays usable."""
    kit = make(postgres_url)
    engine = sa.create_engine(postgres_url, isolation_level="REPEATABLE READ")
    with engine.connect() as host:
        host.execute(sa.text("INSERT INTO note (body) VALUES ('before')"))
        kit.record(order("o1", customer, NOW))

        def join() -> None:
            with kit.join(host) as k:
                k.record(order("o1", ADA, NOW))

        for _ in range(2):
            _fails(Conflict, "store.serialization", join)
        host.execute(sa.text("INSERT INTO note (body) VALUES ('after')"))
        host.commit()
        join()
        host.commit()
        assert host.execute(sa.text("SELECT count(*) FROM note")).scalar_one() == 2
    engine.dispose()
    assert _ids(kit, customer) == ["order-o1"]


# ---- 6


def test_hole_6_an_event_id_in_an_open_transaction_blocks_others_for_a_while(
    make: Callable[..., RetainKit], database: str, engine: sa.Engine
) -> None:
    """Until the lock's time is over, by name; after the host's end it goes on."""
    kit = make(database)
    with engine.connect() as host:
        with kit.join(host) as k:
            k.record(order("o1", ADA, NOW))
        _fails(StoreError, "store.locked", lambda: kit.record(order("o1", BOB, NOW)))
        host.rollback()
    kit.record(order("o1", BOB, NOW))
    assert (_ids(kit), _ids(kit, BOB)) == ([], ["order-o1"])


# ---- 7 is test_join.py's test_autocommit_behind_sqlalchemys_back_is_no_transaction


# ---- 8

_WORKER = """
import os, sys
from datetime import UTC, datetime
from retainkit.core import Answer
from retainkit.engine import Guarantee, Performer, RetainKit
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock
from tests.engine.toy import Parcels

def deliver(intent, now):
    with open(sys.argv[2], "a") as sent:
        sent.write(intent.key + "\\n")
    return Answer(data={"delivered": True})

kit = RetainKit(
    store=SqlStore(sys.argv[1]),
    features=[Parcels()],
    performers={"parcel.send": Performer(
        group="post", guarantee=Guarantee.EXACTLY_ONCE, perform=deliver, look_up=deliver)},
    clock=ManualClock(datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
)
sys.stdin.readline()
kit.run_due()
"""


def test_hole_8_several_processes_on_one_sqlite_file_are_right_if_not_faster(
    make: Callable[..., RetainKit], sqlite_url: str, tmp_path: Path
) -> None:
    """Three workers, forty parcels: each sent once, and nobody meets a locked file."""
    kit = make(sqlite_url, lock_timeout=30)
    kit.record(*(order(f"o{n}", f"customer {n}", NOW) for n in range(40)))
    sent = tmp_path / "sent"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, sqlite_url, str(sent)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.communicate(timeout=100)[1] for worker in workers] == ["", "", ""]
    keys = sent.read_text().split()
    assert (len(keys), len(set(keys))) == (40, 40)
    for number in range(40):
        names = [kept.event.name for kept in kit.timeline(CustomerId(f"customer {number}"))]
        assert names == ["order.placed", "parcels.tried", "parcels.delivered"]
    assert kit.sweep() == ()


# ---- 9


def test_hole_9_one_index_serves_all_tenants_and_leases_that_ran_out(
    make: Callable[..., RetainKit], database: str, engine: sa.Engine
) -> None:
    """What is due and what was abandoned come from one look at one column."""
    store = make(database).store
    assert isinstance(store, SqlStore)
    for name in ("main", "other"):
        tenant = TenantId(name)
        timers = [Timer(tenant=tenant, feature="f", customer=who, due=NOW) for who in (ADA, BOB)]
        with store.for_tenant(tenant).transaction() as tx:
            tx.schedule.wake(timers)
    abandoned = store.claim(Lease(id="1", length=timedelta(0)), now=NOW, limit=3)
    assert len(abandoned) == 3
    taken = store.claim(Lease(id="2", length=HOUR), now=NOW, limit=9)
    assert {(item.tenant, item.customer) for item in taken} == {
        (tenant, customer) for tenant in ("main", "other") for customer in (ADA, BOB)
    }
    assert store.claim(Lease(id="3", length=HOUR), now=NOW, limit=9) == ()
    with store.for_tenant(abandoned[0].tenant).transaction() as tx:
        assert isinstance(abandoned[0], Timer)
        assert tx.schedule.finish(abandoned[0]) is False, "its lease has gone to another"
    with engine.connect() as connection:
        sqlite = database.startswith("sqlite")
        if not sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        due = store._statements.claims.due
        cursor = connection.connection.cursor()
        explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
        cursor.execute(f"{explain} {due.sql}", cast("Any", due._bound({"now": 0, "limit": 9})))
        assert "rk_schedule_wake" in str(cursor.fetchall())


# ---- 10


class Meddled(Parcels):
    """The toy feature; while it decides an outcome, somebody else writes the case."""

    meddle: Callable[[], None] | None = None

    def decide(
        self,
        case: Parcel | None,
        trigger: Trigger,
        facts: Facts,
        now: datetime,
        policy: ParcelPolicy,
    ) -> Decision[Parcel]:
        """Decide as always."""
        meddle = type(self).meddle
        if isinstance(trigger, Performed) and meddle is not None:
            type(self).meddle = None
            meddle()
        assert not isinstance(trigger, Due)
        return super().decide(case, trigger, facts, now, policy)


def test_hole_10_a_conflict_after_the_answer_does_not_ask_the_provider_again(
    make: Callable[..., RetainKit],
    database: str,
    engine: sa.Engine,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The answer is kept with its effect first; then the case is read and decided again."""
    kit = make(database, feature=Meddled())

    def write_the_case() -> None:
        """Another process was quicker; SQLite would not let it, so there the conflict is told."""
        if database.startswith("sqlite"):
            raise Conflict("Somebody was quicker", code="record.version")
        with engine.begin() as other:
            other.execute(sa.text("UPDATE rk_record SET version = version + 1"))

    monkeypatch.setattr(Meddled, "meddle", staticmethod(write_the_case))
    kit.record(order("o1", ADA, NOW))
    kit.run_due(limit=1)
    case = CaseId(derive("parcel", "o1"))
    with kit.store.for_tenant(MAIN).transaction() as tx:
        (intent,) = [item for item in tx.schedule.of(ADA) if isinstance(item, Intent)]
        record = tx.records.get("parcels", case)
    assert (intent.state, intent.outcome) == (
        EffectState.ANSWERED,
        Answer(data={"delivered": True}),
    )
    assert record is not None
    assert record.open
    kit.run_due()
    assert [kept.event.name for kept in kit.timeline(ADA)][-1] == "parcels.delivered"
    assert post.calls == [intent.key]
    with kit.store.for_tenant(MAIN).transaction() as tx:
        done = tx.schedule.intent(intent.id)
    assert done is not None
    assert done.state is EffectState.DONE


# ---- 11


def test_hole_11_a_step_begins_as_a_writer_so_that_what_it_read_still_holds(
    make: Callable[..., RetainKit], sqlite_url: str
) -> None:
    """Read, then write, while others do the same: no snapshot is too old. Reads wait, too."""
    kit = make(sqlite_url)
    other = make(sqlite_url, lock_timeout=0)
    with kit.transaction() as k:
        assert k.timeline(ADA) == ()
        for work in (
            lambda: other.record(order("o1", ADA, NOW)),
            lambda: other.timeline(ADA),
        ):
            _fails(StoreError, "store.locked", work)
        k.record(order("o2", ADA, NOW))
    assert _ids(other) == ["order-o2"]
