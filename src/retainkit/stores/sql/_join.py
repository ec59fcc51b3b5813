"""Borrowing the host's open transaction: which connection, and whether it is really open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, cast

import sqlalchemy as sa
import sqlalchemy.exc as sa_exc
from sqlalchemy.orm import Session

from retainkit.errors import ConfigurationError
from retainkit.stores.sql._errors import driver_error, translate, translated
from retainkit.stores.sql._statement import Cursor


@contextmanager
def savepoint(host: object, dialect: sa.Dialect) -> Iterator[Cursor]:
    """
    A savepoint in the host's open transaction, on a cursor of its connection.

    An error of ours rolls back to the savepoint, so that the host's transaction stays usable.
    Nothing is ever committed, rolled back as a whole, or closed.
    """
    cursor = _cursor(host, dialect)
    error = driver_error(dialect)
    _execute(cursor, "SAVEPOINT retainkit", error)
    try:
        yield cursor
    except BaseException:
        # What went wrong first is what the host hears of, even if the connection is gone by now.
        with suppress(error):
            cursor.execute("ROLLBACK TO SAVEPOINT retainkit")
            cursor.execute("RELEASE SAVEPOINT retainkit")
        raise
    _execute(cursor, "RELEASE SAVEPOINT retainkit", error)


def _execute(cursor: Cursor, sql: str, error: type[Exception]) -> None:
    try:
        cursor.execute(sql)
    except error as exc:
        raise translate(exc) from exc


class _Driver(Protocol):
    def cursor(self) -> Cursor: ...


def _cursor(host: object, dialect: sa.Dialect) -> Cursor:
    if isinstance(host, Session | sa.Connection):
        return _of_sqlalchemy(host, dialect)
    if hasattr(host, "in_atomic_block"):
        return _of_django(host, dialect)
    raise ConfigurationError(
        "Not a connection that retainkit can join",
        code="join.unsupported",
        field="connection",
        value=type(host).__name__,
        remedy="pass a SQLAlchemy Connection or Session, or Django's connection;"
        " async ones to AsyncRetainKit.join",
    )


def _of_sqlalchemy(host: Session | sa.Connection, dialect: sa.Dialect) -> Cursor:
    try:
        with translated():
            connection = host.connection() if isinstance(host, Session) else host
            _same_database(connection.dialect.name, driver_error(connection.dialect), dialect)
            if not connection.in_transaction():
                # SQLAlchemy's own lazy begin, with the host's event hooks.
                connection.exec_driver_sql("SELECT 1")
            driver = connection.connection
    except sa_exc.InvalidRequestError as exc:
        # Closed, bound to no database, or waiting for a rollback of its own.
        raise _no_transaction(type(exc).__name__) from exc
    return _opened(cast("_Driver", driver), driver.driver_connection, dialect)


def _of_django(host: object, dialect: sa.Dialect) -> Cursor:
    """A cursor of the driver's connection that Django has open."""
    if not getattr(host, "in_atomic_block", False):
        raise _no_transaction("Django outside transaction.atomic()")
    # Django has these, and no stubs here.
    error: type[Exception] = getattr(host, "Database").Error  # noqa: B009
    _same_database(str(getattr(host, "vendor", "")), error, dialect)
    driver: _Driver = getattr(host, "connection")  # noqa: B009
    return _opened(driver, driver, dialect)


def _opened(driver: _Driver, raw: object, dialect: sa.Dialect) -> Cursor:
    """
    A cursor in a transaction that is really open: it is the driver's word that counts.

    A driver that begins by itself does so at our savepoint; one in autocommit never does, and
    every statement of ours would stand alone.
    """
    if dialect.name == "sqlite":
        if not getattr(raw, "in_transaction", True):
            if getattr(raw, "isolation_level", "") is None or getattr(raw, "autocommit", 0) is True:
                raise _no_transaction("sqlite3 in autocommit")
            # sqlite3 begins before the first INSERT only: until then a savepoint of ours would be
            # the outermost, and its RELEASE would commit.
            driver.cursor().execute("BEGIN")
    elif getattr(raw, "autocommit", False) and _idle(raw):
        raise _no_transaction("psycopg in autocommit")
    return driver.cursor()


def _idle(raw: object) -> bool:
    info: object = getattr(raw, "info", None)
    return getattr(getattr(info, "transaction_status", None), "name", "") == "IDLE"


def _same_database(name: str, error: type[Exception], dialect: sa.Dialect) -> None:
    if name != dialect.name:
        raise ConfigurationError(
            "The connection belongs to another kind of database than the store",
            code="join.unsupported",
            field="connection",
            value=name,
            remedy=f"join a connection to the {dialect.name} database of the store's tables",
        )
    if not issubclass(error, driver_error(dialect)):
        raise ConfigurationError(
            "The connection's driver is another than the store's",
            code="join.unsupported",
            field="connection",
            value=error.__module__.partition(".")[0],
            remedy=f"connect with {dialect.driver}",
        )


def _no_transaction(value: str) -> ConfigurationError:
    return ConfigurationError(
        "There is no open transaction to join",
        code="join.no_transaction",
        field="connection",
        value=value,
        remedy="open one first: engine.begin(), Session.begin(), or transaction.atomic()",
    )
