"""The store on SQLite and PostgreSQL: one implementation on SQLAlchemy Core, no ORM."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import cast
from weakref import WeakSet

import sqlalchemy as sa
import sqlalchemy.exc as sa_exc
from sqlalchemy.pool import QueuePool

from retainkit.core import Item, Lease, Skills, dumps
from retainkit.errors import ConfigurationError, StoreError
from retainkit.ids import TenantId
from retainkit.stores import Transaction
from retainkit.stores.sql import _join, _rows
from retainkit.stores.sql._errors import driver_error, locked, translate, translated
from retainkit.stores.sql._migrations import migrate
from retainkit.stores.sql._statement import Cursor, Value
from retainkit.stores.sql._statements import Statements
from retainkit.stores.sql._tables import Tables
from retainkit.stores.sql._transaction import SqlTransaction
from retainkit.timing import to_micros


__all__ = ["SqlStore", "SqlTenantStore"]


_STORES: WeakSet[SqlStore] = WeakSet()


class SqlStore:
    """
    Past, now and future in the host's own database.

    Args:
        url: ``sqlite:///app.db`` or ``postgresql+psycopg://...``, as SQLAlchemy writes it.

        prefix: Of every table and index.

        schema: The database schema of the tables; PostgreSQL only.

        pool_size: Connections kept open; one a worker thread.

        lock_timeout: Seconds to wait for a lock before ``store.locked`` is raised.

    Raises:
        ConfigurationError: The URL is of no database that is supported, or has no schemas.
    """

    def __init__(
        self,
        url: str | sa.URL,
        *,
        prefix: str = "rk_",
        schema: str | None = None,
        pool_size: int = 10,
        lock_timeout: int = 10,
    ) -> None:
        self._prefix = prefix
        self._tables = Tables(prefix=prefix, schema=schema)
        self._engine = _engine(_checked(url, schema), pool_size, lock_timeout)
        self._statements = Statements(self._tables, self._engine.dialect)
        self._error = driver_error(self._engine.dialect)
        # SQLite begins as a writer at once: one that reads first could not write any more later.
        self._begins = "BEGIN IMMEDIATE" if self._engine.dialect.name == "sqlite" else None
        # SQLite lets writers poll for their turn, and one among many may never get it: the threads
        # of a process queue here instead.
        self._turn = Lock() if self._begins else None
        self._patience = lock_timeout
        _STORES.add(self)

    @property
    def metadata(self) -> sa.MetaData:
        """The tables, for a host whose own migrations own them."""
        return self._tables.metadata

    def migrate(self) -> None:
        """Bring the schema up to date; safe to repeat, and from several processes at once."""
        with translated(), self._engine.begin() as connection:
            migrate(connection, self._tables, prefix=self._prefix)

    def for_tenant(self, tenant: TenantId) -> SqlTenantStore:
        """The store of one tenant."""
        return SqlTenantStore(self, tenant)

    def claim(
        self, lease: Lease, *, now: datetime, limit: int, skills: Skills | None = None
    ) -> tuple[Item, ...]:
        """Take what is due, soonest first; see :meth:`retainkit.stores.Store.claim`."""
        at = to_micros(now)
        held: dict[str, Value] = {
            "lease": lease.id,
            "length": _rows.micros(lease.length),
            "now": at,
        }
        claims = self._statements.claims
        wanted: dict[str, Value] = {"now": at, "limit": limit}
        with self._begin() as cursor:
            if skills is None:
                due = claims.due.all(cursor, wanted)
            else:
                due = claims.covered.all(cursor, {**wanted, **_rows.skills(skills)})
            if due:
                ids = dumps([[row[0], row[1]] for row in due])
                claims.claim.one(cursor, {"claims": ids, **held})
        return tuple(_rows.item((*row[:-1], lease.id)) for row in due)

    def tenants(self) -> tuple[TenantId, ...]:
        """Every tenant that has anything in the store."""
        with self._begin() as cursor:
            found = self._statements.claims.tenants.all(cursor, {})
            return tuple(TenantId(str(row[0])) for row in found)

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Cursor]:
        """A transaction of our own, on a cursor of a pooled connection."""
        turn = self._turn
        if turn is None:
            with self._connected() as cursor:
                yield cursor
            return
        if not turn.acquire(timeout=self._patience):
            raise locked()
        try:
            with self._connected() as cursor:
                yield cursor
        finally:
            turn.release()

    @contextmanager
    def _connected(self) -> Iterator[Cursor]:
        pool = self._engine.pool
        try:
            with translated():
                connection = self._engine.raw_connection()
        except self._error as exc:  # of the driver, as it is: nothing is executed here yet
            raise translate(exc) from exc
        try:
            cursor = cast("Cursor", connection.cursor())
            self._execute(cursor, self._begins)
            yield cursor
            self._commit(connection)
        except BaseException:
            self._roll_back(connection)
            raise
        finally:
            if self._engine.pool is not pool:
                connection.detach()  # its pool was given up: nobody else would ever close it
            connection.close()

    def _execute(self, cursor: Cursor, sql: str | None) -> None:
        try:
            if sql is not None:
                cursor.execute(sql)
        except self._error as exc:
            raise translate(exc) from exc

    def _commit(self, connection: sa.PoolProxiedConnection) -> None:
        try:
            connection.commit()
        except self._error as exc:
            known = translate(exc)
            if known.code != "store.unavailable":
                raise known from exc
            raise StoreError(
                "The connection was lost during the commit: whether it was kept is not known",
                code="store.commit_unclear",
                remedy="read again before you repeat; an event of the same id is kept once",
            ) from exc

    def _roll_back(self, connection: sa.PoolProxiedConnection) -> None:
        try:
            connection.rollback()
        except self._error:
            # The connection is dead, and those that wait in the pool most likely, too.
            connection.invalidate()
            self._engine.dispose()


def _after_fork() -> None:
    """A child uses none of its parent's connections, and waits for none of its threads."""
    for store in tuple(_STORES):
        store._engine.dispose(close=False)
        store._turn = Lock() if store._begins else None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class SqlTenantStore:
    """One tenant's part of a :class:`SqlStore`."""

    def __init__(self, store: SqlStore, tenant: TenantId) -> None:
        self._store = store
        self.tenant: TenantId = tenant

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One atomic unit of its own."""
        with self._store._begin() as cursor:
            yield SqlTransaction(cursor, self._store._statements, self.tenant)

    @contextmanager
    def joined(self, connection: object) -> Iterator[Transaction]:
        """A savepoint in the host's open transaction."""
        store = self._store
        with _join.savepoint(connection, store._engine.dialect) as cursor:
            yield SqlTransaction(cursor, store._statements, self.tenant)


def _checked(url: str | sa.URL, schema: str | None) -> sa.URL:
    """The URL, with the driver that SQLAlchemy would not choose in each of its versions."""
    try:
        made = sa.make_url(url)
    except sa_exc.ArgumentError as exc:
        raise _no_url("not a URL") from exc
    driver = _DRIVERS.get(made.drivername)
    if driver is None:
        raise _no_url(made.drivername)
    if schema is not None and driver == "sqlite":
        raise ConfigurationError(
            "SQLite has no schemas",
            code="store.schema",
            field="schema",
            value=schema,
            remedy="leave it out; a prefix keeps tables apart",
        )
    return made.set(drivername=driver)


_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def _no_url(value: str) -> ConfigurationError:
    return ConfigurationError(
        "Not the URL of a database that the store runs on",
        code="store.url",
        field="url",
        value=value,
        remedy="use sqlite:///app.db or postgresql+psycopg://user@host/app",
    )


def _engine(url: sa.URL, pool_size: int, lock_timeout: int) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        options = f"-c lock_timeout={lock_timeout}s"
        try:
            return sa.create_engine(
                url,
                pool_size=pool_size,
                paramstyle="format",  # by position: statements with values can be strung together
                connect_args={"options": options},
            )
        except ModuleNotFoundError as exc:
            raise ConfigurationError(
                "PostgreSQL needs a driver that is not installed",
                code="missing_extra",
                field="url",
                value=exc.name,
                remedy="install retainkit-sdk[postgres]",
            ) from exc
    in_memory = url.database in {None, "", ":memory:"}
    engine = sa.create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1 if in_memory else pool_size,
        max_overflow=0 if in_memory else 10,
        connect_args={"timeout": lock_timeout, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: object, _: object) -> None:
        # The driver must not begin by itself: it would begin too late, before the first write.
        connection.isolation_level = None  # type: ignore[attr-defined] # sqlite3.Connection
        cursor = connection.cursor()  # type: ignore[attr-defined] # sqlite3.Connection
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _immediate(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
