"""The store in SQL: the contract on each database, migrations, options, and their errors."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import ClassVar

import psycopg
import pytest
import sqlalchemy as sa
from attrs import evolve

from retainkit.core import Lease, Wanted
from retainkit.errors import ConfigurationError, Conflict, RetainkitError, StoreError
from retainkit.ids import CaseId, CustomerId, TenantId
from retainkit.stores import Change, Store
from retainkit.stores.sql import SqlStore
from retainkit.stores.sql._migrations import migrate
from retainkit.stores.sql._statement import Statement, Value
from retainkit.testing import PostgresServer, StoreContract
from retainkit.testing._store_play import START, bucket, event, record, timer


MAIN = TenantId("main")
ADA = CustomerId("ada")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def blank(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'blank.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database("blank")


@pytest.fixture
def blank_too(request: pytest.FixtureRequest, blank: str, tmp_path: Path) -> str:
    """Another one of the same kind."""
    if blank.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'blank_too.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database("blank")


@contextmanager
def _transaction(url: str, *, commits: bool) -> Iterator[sa.Connection]:
    """A host's own engine and transaction."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            yield connection
            if not commits:
                transaction.rollback()
    finally:
        engine.dispose()


class TestSqliteFile(StoreContract):
    """Every promise, on a file."""

    joins_transactions: ClassVar[bool] = True

    @pytest.fixture
    def store(self, sqlite_url: str) -> Iterator[Store]:
        store = SqlStore(sqlite_url)
        yield store
        store.close()

    @pytest.fixture
    def host(self, sqlite_url: str) -> Callable[[bool], AbstractContextManager[object]]:
        return lambda commits: _transaction(sqlite_url, commits=commits)


class TestSqliteMemory(StoreContract):
    """Every promise, in memory: one connection, which threads take in turn."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = SqlStore("sqlite://")
        store.migrate()
        yield store
        store.close()


@pytest.mark.postgres
class TestPostgres(StoreContract):
    """Every promise, on a server, whose clock the leases run by."""

    database_clock: ClassVar[bool] = True
    joins_transactions: ClassVar[bool] = True

    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = SqlStore(postgres_url)
        yield store
        store.close()

    @pytest.fixture
    def host(self, postgres_url: str) -> Callable[[bool], AbstractContextManager[object]]:
        return lambda commits: _transaction(postgres_url, commits=commits)


# ---- migrations


def _insert(url: str, table: str, **row: object) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def _of_version_one(url: str) -> SqlStore:
    """A store as the first release made it, with something in every table."""
    store = SqlStore(url)
    with store._engine.begin() as connection:
        migrate(connection, store._tables, prefix="rk_", to=1)
    _insert(url, "rk_customer", tenant="main", id="ada", counter=1)
    _insert(
        url,
        "rk_event",
        tenant="main",
        id="evt_1",
        customer="ada",
        sequence=1,
        name="invoice.paid",
        occurred_at=0,
        recorded_at=1_000_000,
        origin="real",
        state="accepted",
        schema=1,
        fingerprint="f",
        data='{"cents":1}',
        because="[]",
    )
    _insert(
        url,
        "rk_record",
        tenant="main",
        feature="dunning",
        id="case_1",
        key="eur",
        customer="ada",
        open=1,
        version=3,
        schema=1,
        definition="sha",
        body='{"tries":2}',
    )
    _insert(url, "rk_definition", tenant="main", id="sha", body='{"tries":3}')
    _insert(
        url,
        "rk_schedule",
        tenant="main",
        id="dunning:case_1",
        feature="dunning",
        customer="ada",
        case_id="case_1",
        since=0,
        tries=0,
        wake_at=5_000_000,
    )
    return store


def _rows(url: str) -> dict[str, list[dict[str, object]]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {
            table: [
                dict(row._mapping) for row in connection.execute(sa.text(f"SELECT * FROM {table}"))
            ]
            for table in sorted(sa.inspect(connection).get_table_names())
        }


def _shape(url: str) -> dict[str, object]:
    """Columns with types, nullability and defaults, keys and indexes of every table."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        return {
            table: (
                {
                    column["name"]: (
                        str(column["type"]),
                        column["nullable"],
                        str(column["default"]).strip("'").removesuffix("'::text"),
                    )
                    for column in inspector.get_columns(table)
                },
                inspector.get_pk_constraint(table)["constrained_columns"],
                {
                    str(index["name"]): (
                        index["column_names"],
                        bool(index["unique"]),
                        sorted(str(value) for value in index.get("dialect_options", {}).values()),
                    )
                    for index in inspector.get_indexes(table)
                },
            )
            for table in inspector.get_table_names()
        }


def test_an_old_store_migrates_and_keeps_what_it_has(blank: str) -> None:
    """Twice, and each row is as it was, but for the columns that are new."""
    store = _of_version_one(blank)
    before = _rows(blank)
    assert all(before.values()), "something in every table"
    store.migrate()
    once = _rows(blank)
    store.migrate()
    assert _rows(blank) == once
    assert [row["version"] for row in once.pop("rk_version")] == [1, 2, 3]
    for table in before.keys() - {"rk_version"}:
        for row, old in zip(once[table], before[table], strict=True):
            assert {name: row[name] for name in old} == old
    with store.for_tenant(MAIN).transaction() as tx:
        (event,) = tx.timeline.of(ADA)
        (record,) = tx.records.open("dunning")
        (timer,) = tx.schedule.of(ADA)
    store.close()
    assert (event.event.actor, event.event.data) == ("retainkit", {"cents": 1})
    assert (record.version, record.body) == (3, {"tries": 2})
    assert timer.case == "case_1"


def test_a_migrated_schema_is_the_metadata(blank: str, blank_too: str) -> None:
    """A host whose own migrations own the tables gets the very same ones."""
    store = SqlStore(blank)
    store.migrate()
    store.close()
    engine = sa.create_engine(blank_too, poolclass=sa.NullPool)
    store.metadata.create_all(engine)
    assert _shape(blank) == _shape(blank_too)


def test_processes_that_migrate_at_once_wait_for_each_other(blank: str) -> None:
    """Four of them begin together; each finds the schema in order."""
    code = (
        "import sys; from retainkit.stores.sql import SqlStore\n"
        "store = SqlStore(sys.argv[1]); sys.stdin.readline(); store.migrate(); store.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, blank],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert said == ["", "", "", ""]
    assert [row["version"] for row in _rows(blank)["rk_version"]] == [1, 2, 3]


# ---- options


def _played(store: SqlStore) -> None:
    """A little of everything a store does."""
    tenant = store.for_tenant(MAIN)
    with tenant.transaction() as tx:
        tx.timeline.append([event("evt_1", ADA), event("evt_1", ADA)], recorded_at=START)
        tx.records.put(record("case_1", ADA))
        tx.schedule.wake([timer(MAIN, ADA, since=1)])
        tx.projections.add([bucket("logins", 7, ADA), bucket("logins", 7, ADA)])
        wanted = Wanted(metrics=frozenset({"logins"}))
        assert [kept.count for kept in tx.projections.page(wanted)] == [2]
        assert tx.projections.parts("logins", since=1) == ()
    assert len(store.claim(Lease(id="1", length=timedelta(hours=1)), now=START, limit=9)) == 1
    assert tuple(store.tenants()) == (MAIN,)


def test_a_prefix_keeps_two_stores_apart(blank: str) -> None:
    """In one database: tables and indexes have it, and neither sees the other's rows."""
    stores = [SqlStore(blank, prefix=prefix) for prefix in ("one_", "two_")]
    for store in stores:
        store.migrate()
        store.migrate()
    _played(stores[0])
    assert tuple(stores[1].tenants()) == ()
    for store in stores:
        store.close()
    names = set(_rows(blank))
    assert len(names) == 16
    assert {name[:4] for name in names} == {"one_", "two_"}


@pytest.mark.postgres
def test_a_schema_of_its_own(postgres: PostgresServer) -> None:
    """Made by the migration, also under a name that needs quotes; nothing lies outside of it."""
    url = postgres.database("schema")
    store = SqlStore(url, schema="Retain it")
    store.migrate()
    store.migrate()
    _played(store)
    store.close()
    assert _rows(url) == {}
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        assert len(sa.inspect(connection).get_table_names(schema="Retain it")) == 8


def _error(kind: type[RetainkitError], work: Callable[[], object]) -> RetainkitError:
    with pytest.raises(kind) as caught:
        work()
    assert caught.value.remedy
    return caught.value


def test_sqlite_has_no_schemas(tmp_path: Path) -> None:
    """It says so when the store is made, not at the first statement."""
    error = _error(
        ConfigurationError, lambda: SqlStore(f"sqlite:///{tmp_path / 'app.db'}", schema="retain")
    )
    assert (error.code, error.field, error.value) == ("store.schema", "schema", "retain")


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://localhost/app", "postgresql+asyncpg://h/d", "sqlite+aiosqlite://"]
)
def test_a_url_of_something_else_is_refused(url: str) -> None:
    """With the two that would do; a secret in it is not repeated."""
    error = _error(ConfigurationError, lambda: SqlStore(url))
    assert (error.code, error.field) == ("store.url", "url")
    assert "sqlite:///app.db" in error.remedy
    secret = _error(ConfigurationError, lambda: SqlStore("mysql://root:hunter2@localhost/app"))
    assert "hunter2" not in str(secret)


# ---- errors


def test_a_store_without_tables_says_how_to_migrate(blank: str) -> None:
    """At the first thing it is asked, whatever that is."""
    store = SqlStore(blank)
    for work in (
        lambda: _played(store),
        store.tenants,
        lambda: store.claim(Lease(id="1", length=timedelta(hours=1)), now=START, limit=1),
    ):
        error = _error(StoreError, work)
        assert (error.code, error.field, error.value) == ("store.not_migrated", None, None)
        assert "migrate" in error.remedy
    store.close()


def test_a_store_one_version_behind_says_how_to_migrate(blank: str) -> None:
    """A column that is not there yet is no riddle."""
    store = _of_version_one(blank)
    assert _error(StoreError, lambda: _played(store)).code == "store.not_migrated"
    store.close()


def test_a_locked_file_is_a_named_error(sqlite_url: str) -> None:
    """Somebody writes for longer than we wait; afterwards it works again."""
    store = SqlStore(sqlite_url, lock_timeout=0)
    engine = sa.create_engine(sqlite_url)
    with engine.connect() as host:
        host.exec_driver_sql("BEGIN IMMEDIATE")
        for work in (lambda: _played(store), store.migrate):
            error = _error(StoreError, work)
            assert (error.code, error.field, error.value) == ("store.locked", None, None)
            assert "retry" in error.remedy
        host.exec_driver_sql("ROLLBACK")
    engine.dispose()
    _played(store)
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/app.db",
        pytest.param("postgresql://user@127.0.0.1:1/app", marks=pytest.mark.postgres),
        pytest.param("postgresql+psycopg://user@/app?host=/nowhere", marks=pytest.mark.postgres),
    ],
)
def test_a_database_that_is_not_there_is_a_named_error(url: str) -> None:
    """Whatever it is asked: the database can't be reached."""
    store = SqlStore(url)
    for work in (lambda: _played(store), store.migrate, store.tenants):
        error = _error(StoreError, work)
        assert (error.code, error.field) == ("store.unavailable", None)
        assert error.value
    store.close()


@pytest.mark.postgres
def test_a_server_that_crashes_is_found_again(postgres: PostgresServer, postgres_url: str) -> None:
    """What was committed is there; the one call in between fails by name, not the ones after."""
    if "RETAINKIT_PG_URL" in os.environ:
        pytest.skip("the server of RETAINKIT_PG_URL is not ours to stop")
    store = SqlStore(postgres_url)
    _played(store)
    with pytest.raises(StoreError) as caught, store.for_tenant(MAIN).transaction() as tx:
        tx.timeline.append([event("evt_2", ADA)], recorded_at=START)
        postgres.stop_immediately()
        tx.timeline.append([event("evt_3", ADA)], recorded_at=START)
    assert caught.value.code == "store.unavailable"
    assert _error(StoreError, store.tenants).code == "store.unavailable"
    postgres.start()
    with store.for_tenant(MAIN).transaction() as tx:
        assert [kept.event.id for kept in tx.timeline.of(ADA)] == ["evt_1"]
    store.close()


# ---- what breaks off


def _left_clean(store: SqlStore) -> None:
    """The next transaction has the same connection, and nothing of the one that broke off."""
    assert store._engine.pool.checkedin() == 1  # type: ignore[attr-defined] # a QueuePool
    with store.for_tenant(MAIN).transaction() as tx:
        tx.timeline.append([event("evt_2", ADA)], recorded_at=START)
    assert store._engine.pool.checkedin() == 1  # type: ignore[attr-defined] # as above
    store.close()
    with store.for_tenant(MAIN).transaction() as tx:
        assert [kept.event.id for kept in tx.timeline.of(ADA)] == ["evt_2"]
        assert tx.records.lock(ADA) == 1
    store.close()


def _break_off(store: SqlStore, error: BaseException | None = None) -> None:
    with store.for_tenant(MAIN).transaction() as tx:
        tx.timeline.append([event("evt_1", ADA)], recorded_at=START)
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_no_transaction_open(database: str, error: type[BaseException]) -> None:
    """Whatever ends the block, the pooled connection goes back without a transaction."""
    store = SqlStore(database, pool_size=1)
    with pytest.raises(error):
        _break_off(store, error())
    _left_clean(store)


def test_a_refused_statement_leaves_no_transaction_open(database: str) -> None:
    """The database refuses in the middle of a change, and is asked again later."""
    store = SqlStore(database, pool_size=1)
    put = record("case_1", ADA)
    with pytest.raises(Conflict), store.for_tenant(MAIN).transaction() as tx:
        tx.write(Change(record=put, events=(event("evt_1", ADA),)), now=START)
        other = evolve(put, id=CaseId("case_2"))
        tx.write(Change(record=other, events=(event("evt_3", ADA),)), now=START)
    _left_clean(store)


@pytest.mark.postgres
def test_an_interrupted_rollback_leaves_no_transaction_open(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who presses the keys twice hits the rollback, too."""
    store = SqlStore(postgres_url, pool_size=1)
    assert tuple(store.tenants()) == ()
    roll_back = psycopg.Connection.rollback
    pressed = iter([True])

    def interrupted(connection: psycopg.Connection) -> None:
        if next(pressed, False):
            raise KeyboardInterrupt
        roll_back(connection)

    monkeypatch.setattr(psycopg.Connection, "rollback", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _break_off(store, RuntimeError())
    assert next(pressed, None) is None
    _left_clean(store)


def _checked_late(postgres: PostgresServer, does: str) -> SqlStore:
    """A store whose database does something at each commit of ``evt_1``."""
    url = postgres.database("late")
    store = SqlStore(url, pool_size=1)
    store.migrate()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN {does}; RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON rk_event"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            " WHEN (NEW.id = 'evt_1') EXECUTE FUNCTION late()"
        )
    return store


@pytest.mark.postgres
def test_a_refused_commit_leaves_no_transaction_open(postgres: PostgresServer) -> None:
    """What the host's own constraint says at the end is told, and nothing is kept."""
    store = _checked_late(postgres, "RAISE EXCEPTION 'no'")
    assert _error(StoreError, lambda: _break_off(store)).code == "store.refused"
    _left_clean(store)


@pytest.mark.postgres
def test_an_interrupted_commit_leaves_no_transaction_open(postgres: PostgresServer) -> None:
    """The keys are pressed while the database is about to commit."""
    for_ever = "PERFORM set_config('lock_timeout', '0', true)"
    store = _checked_late(postgres, f"{for_ever}; PERFORM pg_advisory_xact_lock(7)")
    url = store._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(7)")

        def press() -> None:
            waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while holder.execute(waiting).fetchone() is None:
                pass
            signal.raise_signal(signal.SIGINT)

        keys = Thread(target=press)
        # Whoever runs tests side by side may have told its processes to ignore the keys.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        keys.start()
        with pytest.raises(KeyboardInterrupt):
            _break_off(store)
        keys.join()
        signal.signal(signal.SIGINT, before)
    _left_clean(store)


# ---- how projections are found


_READS = ("buckets", "buckets_of", "counted", "latest", "parts", "members", "groups", "clear")


def _plan(store: SqlStore, name: str) -> str:
    """How the database would go about a question of the projections."""
    statement: Statement = getattr(store._statements.projections, name)
    asked: dict[str, Value] = {
        **dict.fromkeys(("tenant", "w_tenant", "w_customer", "w_group_name", "metric"), "a"),
        "metrics": '["logins","zone"]',
        "customers": '["ada","bob"]',
        "after": "",
        "since": 1,
        "limit": 10,
    }
    with store._begin() as cursor:
        if store._begins is None:
            # Without rows it would read the whole table; and it must not think it is small.
            cursor.execute("SET enable_seqscan = off")
        explain = "EXPLAIN" if store._begins is None else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} {statement.sql}", statement._bound(asked))
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("name", _READS)
def test_projections_are_found_by_their_keys(database: str, name: str) -> None:
    """By customer, or by group: never by a walk through all of a tenant."""
    store = SqlStore(database)
    plan = _plan(store, name)
    store.close()
    if database.startswith("sqlite"):
        found = [line for line in plan.splitlines() if re.match(r"(SCAN|SEARCH) (rk_|b\b)", line)]
        assert found
        assert all(re.search(r"\(tenant=\? AND (customer|group_name)[=>]", line) for line in found)
    else:
        assert "Index" in plan
        assert not re.search(r"Seq Scan on rk_|hashed SubPlan", plan)
