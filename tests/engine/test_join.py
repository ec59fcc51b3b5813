"""Joining the host's open transaction: what is kept, what is refused, what stays the host's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from tests.engine.hosts import (
    HOSTS,
    NOTES,
    Host,
    SqlalchemyAsyncConnection,
    SqlalchemyConnection,
    django_connection,
)
from tests.engine.toy import Parcel, ParcelPolicy, Parcels, Post, order

from retainkit.core import Decision, Facts, Record, Trigger
from retainkit.engine import AsyncRetainKit, RetainKit
from retainkit.errors import ConfigurationError, Conflict, Refused, RetainkitError, StoreError
from retainkit.ids import CaseId, CustomerId
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


# Django speaks of its apps; here is none.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the database during app")

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ADA = CustomerId("ada")
TABLES = ("customer", "event", "record", "definition", "schedule", "bucket", "member")


class Broken(Parcels):
    """The toy feature with a bug."""

    def decide(
        self,
        case: Parcel | None,
        trigger: Trigger,
        facts: Facts,
        now: datetime,
        policy: ParcelPolicy,
    ) -> Decision[Parcel]:
        """Fail."""
        raise ZeroDivisionError


@pytest.fixture
def kit(database: str) -> Iterator[RetainKit]:
    store = SqlStore(database, lock_timeout=2)
    with _plain(database) as connection:
        connection.execute(sa.text(NOTES))
    yield RetainKit(
        store=store,
        features=[Parcels()],
        performers={"parcel.send": Post().performer()},
        clock=ManualClock(NOW),
    )
    store.close()


@pytest.fixture(params=HOSTS, ids=[host.name for host in HOSTS])
def host(request: pytest.FixtureRequest, kit: RetainKit, database: str) -> Iterator[Host]:
    """A host whose transaction is about to begin, or begun."""
    opened = request.param(database)
    yield opened
    opened.close()


@pytest.fixture(params=["fresh", "after a read", "after a write"])
def busy(request: pytest.FixtureRequest, host: Host) -> Host:
    """The host, with what it has done before it joins."""
    if request.param == "after a read":
        host.read()
    if request.param == "after a write":
        host.write("before")
    return host


def _plain(url: str) -> Any:
    return sa.create_engine(url, poolclass=sa.NullPool).begin()


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of ours, and of the host's, as somebody else sees them."""
    with _plain(url) as connection:
        return {
            name: sorted(map(tuple, connection.execute(sa.text(f"SELECT * FROM {name}"))), key=repr)
            for name in (*(f"rk_{table}" for table in TABLES), "note")
        }


def notes(url: str) -> list[object]:
    """What the host has kept of its own."""
    return [note for (note,) in rows(url)["note"]]


def nothing_of_ours(url: str) -> bool:
    """Whether none of our tables has a row."""
    return not any(found for name, found in rows(url).items() if name != "note")


# ---- what is kept


def test_a_rollback_leaves_nothing_of_ours(busy: Host, kit: RetainKit, database: str) -> None:
    """Not in any table: event, case, policy, timer and effect go with the host's transaction."""
    before = rows(database)
    with busy.joined(kit) as k:
        k.record(order("o1", ADA, NOW))
        k.call(lambda inside: inside.decide(ADA))
    busy.rollback()
    assert nothing_of_ours(database)
    assert rows(database) == before


def test_a_commit_keeps_all(busy: Host, kit: RetainKit, database: str) -> None:
    """Ours and the host's own; then a worker performs what was decided."""
    with busy.joined(kit) as k:
        k.record(order("o1", ADA, NOW))
        k.call(lambda inside: inside.decide(ADA))
    busy.write("after")
    assert nothing_of_ours(database), "nobody else sees it before the host's commit"
    busy.commit()
    kept = rows(database)
    counted = {"rk_bucket", "rk_member"}  # this kit has no signals
    assert all(found for name, found in kept.items() if name not in counted)
    assert "after" in notes(database)
    kit.run_due()
    names = [recorded.event.name for recorded in kit.timeline(ADA)]
    assert names == ["order.placed", "parcels.tried", "parcels.delivered"]


def test_our_error_leaves_the_host_its_transaction(
    busy: Host, kit: RetainKit, database: str
) -> None:
    """What failed is gone; what the host did before, and does after, is kept."""
    with pytest.raises(Conflict) as caught, busy.joined(kit) as k:
        k.record(order("o1", ADA, NOW))
        k.call(lambda inside: inside._tx.records.put(_stale()))
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "record.version",
        "version",
        7,
    )
    assert caught.value.remedy
    busy.write("after")
    with busy.joined(kit) as k:
        k.record(order("o2", ADA, NOW))
    busy.commit()
    assert notes(database) == sorted(busy.written)
    assert [recorded.event.id for recorded in kit.timeline(ADA)] == ["order-o2"]


def test_an_error_of_the_hosts_inside_the_block_undoes_ours_alone(
    busy: Host, kit: RetainKit, database: str
) -> None:
    """It comes out as it is; the host catches it, and goes on in the same transaction."""
    with pytest.raises(ZeroDivisionError), busy.joined(kit) as k:
        k.record(order("o1", ADA, NOW))
        raise ZeroDivisionError
    busy.write("after")
    busy.commit()
    assert nothing_of_ours(database)
    assert "after" in notes(database)


def test_the_databases_errors_of_the_host_stay_the_hosts(
    busy: Host, kit: RetainKit, database: str
) -> None:
    """A constraint of its own that fails inside the block is no error of retainkit."""
    with pytest.raises(Exception, match=r"(?i)unique") as caught, busy.joined(kit) as k:
        k.record(order("o1", ADA, NOW))
        busy.write("twice")
        busy.write("twice")
    assert not isinstance(caught.value, RetainkitError)
    busy.write("after")
    busy.commit()
    assert nothing_of_ours(database)
    assert "after" in notes(database)
    assert "twice" not in notes(database)


def test_joins_nest(host: Host, kit: RetainKit, database: str) -> None:
    """An inner block that fails takes its own part alone; the outer one goes on."""
    with host.joined(kit) as outer:
        outer.record(order("o1", ADA, NOW))
        with pytest.raises(ZeroDivisionError), host.joined(kit) as inner:
            inner.record(order("o2", ADA, NOW))
            raise ZeroDivisionError
        with host.joined(kit) as inner:
            inner.record(order("o3", ADA, NOW))
        outer.record(order("o4", ADA, NOW))
    host.commit()
    ids = [recorded.event.id for recorded in kit.timeline(ADA)]
    assert ids == ["order-o1", "order-o3", "order-o4"]


def test_an_outer_join_that_fails_takes_the_inner_ones(
    host: Host, kit: RetainKit, database: str
) -> None:
    """Also after one that failed itself: no savepoint of it is left in the way."""
    with pytest.raises(KeyError), host.joined(kit) as outer:
        outer.record(order("o1", ADA, NOW))
        with pytest.raises(ZeroDivisionError), host.joined(kit) as inner:
            inner.record(order("o2", ADA, NOW))
            raise ZeroDivisionError
        raise KeyError
    host.commit()
    assert nothing_of_ours(database)


def test_many_joins_in_one_transaction_end_with_it(
    host: Host, kit: RetainKit, database: str
) -> None:
    """Each block ends, none commits: the host's rollback takes all of them."""
    for number in range(3):
        with host.joined(kit) as k:
            k.record(order(f"o{number}", ADA, NOW))
        assert nothing_of_ours(database)
    host.rollback()
    assert nothing_of_ours(database)


def test_effects_are_not_performed_in_a_host_transaction(host: Host, kit: RetainKit) -> None:
    """They could not be undone: it says when to call it instead, and the host goes on."""
    with host.joined(kit) as k:
        with pytest.raises(Refused) as caught:
            k.call(lambda inside: inside.run_due())
        k.record(order("o1", ADA, NOW))
    assert caught.value.code == "join.run_due"
    assert (caught.value.field, caught.value.value) == (None, None)
    assert "after the commit" in caught.value.remedy
    host.commit()
    assert len(kit.timeline(ADA)) == 1


def test_the_host_ends_its_transaction_inside_the_block(host: Host, kit: RetainKit) -> None:
    """Nothing is hidden: the end of the block says that its savepoint is gone."""
    with pytest.raises(ConfigurationError) as caught, host.joined(kit) as k:
        k.record(order("o1", ADA, NOW))
        host.rollback()
    assert (caught.value.code, caught.value.field) == ("join.ended", "connection")
    assert "after the block" in caught.value.remedy


@pytest.mark.postgres
def test_a_connection_lost_inside_the_block_hides_no_error(postgres_url: str) -> None:
    """What went wrong first comes out, though there is nothing left to roll back."""
    kit = RetainKit(store=SqlStore(postgres_url), features=[Parcels()], clock=ManualClock(NOW))
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        mine = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        with pytest.raises(ZeroDivisionError), kit.join(connection) as k:
            k.record(order("o1", ADA, NOW))
            with _plain(postgres_url) as other:
                other.execute(sa.text(f"SELECT pg_terminate_backend({mine})"))
            raise ZeroDivisionError
        connection.invalidate()
    engine.dispose()
    assert kit.timeline(ADA) == ()
    kit.store.close()


@pytest.mark.postgres
def test_a_transaction_that_has_failed_already_is_named(postgres_url: str) -> None:
    """PostgreSQL takes nothing more in it: the host rolls back, and then it works."""
    kit = RetainKit(store=SqlStore(postgres_url), features=[Parcels()], clock=ManualClock(NOW))
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        with pytest.raises(sa.exc.ProgrammingError):
            connection.execute(sa.text("SELECT nonsense"))
        with pytest.raises(StoreError) as caught, kit.join(connection):
            raise AssertionError
        assert (caught.value.code, caught.value.field) == ("store.aborted", None)
        assert "roll it back" in caught.value.remedy
        connection.rollback()
        with kit.join(connection) as k:
            k.record(order("o1", ADA, NOW))
        connection.commit()
    engine.dispose()
    assert len(kit.timeline(ADA)) == 1
    kit.store.close()


def test_an_error_of_ours_that_is_swallowed_ends_the_block_with_an_error(
    host: Host, kit: RetainKit, database: str
) -> None:
    """Half a step is never kept: the wake-up would rest, and nobody would have decided it."""
    broken = RetainKit(store=kit.store, features=[Broken()], clock=ManualClock(NOW))
    kit.record(order("o1", ADA, NOW))
    before = rows(database)
    swallowed = suppress(ZeroDivisionError)
    with pytest.raises(Refused) as caught, host.joined(broken) as k, swallowed:
        k.call(lambda inside: inside.decide(ADA))
    assert (caught.value.code, caught.value.field) == ("join.swallowed", None)
    assert caught.value.value == "ZeroDivisionError"
    assert "block of its own" in caught.value.remedy
    host.commit()
    assert {**rows(database), "note": []} == {**before, "note": []}
    kit.run_due()
    assert [kept.event.name for kept in kit.timeline(ADA)][-1] == "parcels.delivered"


# ---- what is refused


def refused(kit: RetainKit, connection: object) -> ConfigurationError:
    """The error of a join that must not begin."""
    with pytest.raises(ConfigurationError) as caught, kit.join(connection) as k:
        k.record(order("o1", ADA, NOW))
    assert caught.value.field == "connection"
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("where", ["engine", "engine's option", "connection"])
def test_autocommit_is_no_transaction(kit: RetainKit, database: str, where: str) -> None:
    """Wherever it was switched on: each statement of ours would stand alone."""
    engine = sa.create_engine(
        database, **({"isolation_level": "AUTOCOMMIT"} if where == "engine" else {})
    )
    if where == "engine's option":
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if where == "connection":
            connection.execution_options(isolation_level="AUTOCOMMIT")  # changes it in place
        error = refused(kit, connection)
        assert error.code == "join.no_transaction"
        assert "autocommit" in str(error.value)
        session = Session(connection)
        assert refused(kit, session).code == "join.no_transaction"
        session.close()
    engine.dispose()
    assert nothing_of_ours(database)


def test_autocommit_behind_sqlalchemys_back_is_no_transaction(
    kit: RetainKit, database: str
) -> None:
    """Hole 7: psycopg refuses a savepoint by itself, sqlite3 does not: the driver is asked."""
    sqlite = database.startswith("sqlite")
    arguments = {"isolation_level": None} if sqlite else {"autocommit": True}
    engine = sa.create_engine(database, connect_args=arguments)
    with engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO note (body) VALUES ('stands alone')"))
        error = refused(kit, connection)
    engine.dispose()
    assert error.code == "join.no_transaction"
    assert error.value == ("sqlite3 in autocommit" if sqlite else "psycopg in autocommit")
    assert nothing_of_ours(database)


def test_a_transaction_counts_not_a_mode(kit: RetainKit, database: str) -> None:
    """A host that says BEGIN itself, on a driver in autocommit, has a transaction to join."""
    sqlite = database.startswith("sqlite")
    arguments = {"isolation_level": None} if sqlite else {"autocommit": True}
    engine = sa.create_engine(database, connect_args=arguments)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        with kit.join(connection) as k:
            k.record(order("o1", ADA, NOW))
        connection.exec_driver_sql("ROLLBACK")
        assert nothing_of_ours(database)
        connection.exec_driver_sql("BEGIN")
        with kit.join(connection) as k:
            k.record(order("o2", ADA, NOW))
        connection.exec_driver_sql("COMMIT")
    engine.dispose()
    assert [recorded.event.id for recorded in kit.timeline(ADA)] == ["order-o2"]


def test_django_outside_atomic_is_no_transaction(kit: RetainKit, database: str) -> None:
    """Django commits each statement there."""
    with django_connection(database) as connection:
        error = refused(kit, connection)
    assert (error.code, error.value) == (
        "join.no_transaction",
        "Django outside transaction.atomic()",
    )
    assert "transaction.atomic()" in error.remedy
    assert nothing_of_ours(database)


def test_a_closed_connection_is_no_transaction(kit: RetainKit, database: str) -> None:
    """And a session without a database is none, either."""
    engine = sa.create_engine(database)
    connection = engine.connect()
    connection.close()
    assert refused(kit, connection).code == "join.no_transaction"
    assert refused(kit, Session()).code == "join.no_transaction"
    engine.dispose()


@pytest.mark.parametrize("thing", ["text", "engine", "async connection", "None"])
def test_what_is_no_connection_is_refused(kit: RetainKit, database: str, thing: str) -> None:
    """By the name of what it is, with what would do."""
    engine = sa.create_engine(database)
    hosts: list[SqlalchemyAsyncConnection] = []
    if thing == "async connection":
        hosts.append(SqlalchemyAsyncConnection(database))
    things = {"text": database, "engine": engine, "None": None}
    given = hosts[0].connection if hosts else things[thing]
    error = refused(kit, given)
    for opened in hosts:
        opened.close()
    engine.dispose()
    assert (error.code, error.value) == ("join.unsupported", type(given).__name__)


def test_an_async_kit_wants_an_async_connection(kit: RetainKit, database: str) -> None:
    """A sync one would block the event loop: it belongs to the sync kit."""
    host = SqlalchemyConnection(database)
    joining = AsyncRetainKit(kit).join(cast("Any", host.connection))
    with pytest.raises(ConfigurationError) as caught:
        joining.__aenter__().send(None)
    host.close()
    assert (caught.value.code, caught.value.field, caught.value.value) == (
        "join.unsupported",
        "connection",
        "Connection",
    )
    assert "RetainKit.join" in caught.value.remedy


@pytest.mark.postgres
def test_another_database_is_refused(sqlite_url: str, postgres_url: str) -> None:
    """A store on PostgreSQL does not join SQLite, nor the other way."""
    for ours, theirs in ((sqlite_url, postgres_url), (postgres_url, sqlite_url)):
        kit = RetainKit(store=SqlStore(ours))
        engine = sa.create_engine(theirs)
        with engine.connect() as connection:
            error = refused(kit, connection)
        assert (error.code, error.value) == ("join.unsupported", engine.dialect.name)
        kit.store.close()
        engine.dispose()


def test_another_driver_is_refused(sqlite_url: str) -> None:
    """It would take our values in another form, and its errors would pass for the host's."""
    other = ModuleType("other_driver")
    vars(other).update(vars(sqlite3))
    vars(other).update(Error=type("Error", (Exception,), {"__module__": "other_driver.errors"}))
    kit = RetainKit(store=SqlStore(sqlite_url))
    engine = sa.create_engine(sqlite_url, module=other)
    with engine.connect() as connection:
        error = refused(kit, connection)
    assert (error.code, error.value) == ("join.unsupported", "other_driver")
    assert error.remedy == "connect with pysqlite"
    kit.store.close()
    engine.dispose()


def test_a_store_in_memory_joins_nothing(database: str) -> None:
    """Its data are in no database."""
    kit = RetainKit(store=MemoryStore())
    with sa.create_engine(database, poolclass=sa.NullPool).connect() as connection:
        assert refused(kit, connection).code == "join.unsupported"


def _stale() -> Record:
    return Record(
        feature="parcels",
        id=CaseId("nobody's"),
        key="k",
        customer=ADA,
        open=True,
        version=7,
        schema=1,
        definition="sha",
        body={},
    )
