"""Borrowing the host's open transaction: which connection, and whether it is really open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from retainkit.errors import ConfigurationError
from retainkit.stores.sql._errors import driver_error, translate, translated
from retainkit.stores.sql._statements import Cursor


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
        _execute(cursor, "ROLLBACK TO SAVEPOINT retainkit", error)
        _execute(cursor, "RELEASE SAVEPOINT retainkit", error)
        raise
    _execute(cursor, "RELEASE SAVEPOINT retainkit", error)


def _execute(cursor: Cursor, sql: str, error: type[Exception]) -> None:
    try:
        cursor.execute(sql)
    except error as exc:
        raise translate(exc) from exc


def _cursor(host: object, dialect: sa.Dialect) -> Cursor:
    if isinstance(host, Session):
        return _of_sqlalchemy(host.connection(), dialect)
    if isinstance(host, sa.Connection):
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


def _of_sqlalchemy(connection: sa.Connection, dialect: sa.Dialect) -> Cursor:
    _same_database(connection.dialect.name, dialect)
    _refuse_autocommit(connection)
    with translated():
        # SQLAlchemy's own lazy begin, with the host's event hooks.
        connection.exec_driver_sql("SELECT 1")
    driver = connection.connection
    if dialect.name == "sqlite" and not getattr(driver.driver_connection, "in_transaction", True):
        # sqlite3 opens its transaction before the first INSERT only: until then a savepoint of
        # ours would be the outermost, and its RELEASE would commit.
        driver.cursor().execute("BEGIN")
    return driver.cursor()


def _refuse_autocommit(connection: sa.Connection) -> None:
    """There, every statement of ours would stand alone."""
    level = connection.get_execution_options().get("isolation_level") or getattr(
        connection.engine.dialect, "_on_connect_isolation_level", None
    )
    if level == "AUTOCOMMIT":
        raise _no_transaction("SQLAlchemy in AUTOCOMMIT")


def _of_django(host: object, dialect: sa.Dialect) -> Cursor:
    """A cursor of the driver's connection that Django has open."""
    if not getattr(host, "in_atomic_block", False):
        raise _no_transaction("Django outside transaction.atomic()")
    _same_database(str(getattr(host, "vendor", "")), dialect)
    driver: object = getattr(host, "connection")  # noqa: B009 - Django has it, and no stubs here
    return cast("Cursor", cast("_Driver", driver).cursor())


class _Driver(Protocol):
    def cursor(self) -> Cursor: ...


def _same_database(name: str, dialect: sa.Dialect) -> None:
    if name != dialect.name:
        raise ConfigurationError(
            "The connection belongs to another kind of database than the store",
            code="join.unsupported",
            field="connection",
            value=name,
            remedy=f"join a connection to the {dialect.name} database that holds the store's tables",
        )


def _no_transaction(value: str) -> ConfigurationError:
    return ConfigurationError(
        "There is no open transaction to join",
        code="join.no_transaction",
        field="connection",
        value=value,
        remedy="open one first: engine.begin(), Session.begin(), or transaction.atomic()",
    )
