"""Borrowing the host's open transaction: which connection, and whether it is really open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from retainkit.errors import ConfigurationError
from retainkit.stores.sql._errors import translated


@contextmanager
def savepoint(host: object) -> Iterator[sa.Connection]:
    """
    A savepoint in the host's open transaction.

    An error of ours rolls back to the savepoint, so that the host's transaction stays usable.
    Nothing is ever committed, rolled back as a whole, or closed.
    """
    with translated():
        connection = _borrowed(host)
        _begin_if_lazy(connection)
        connection.exec_driver_sql("SAVEPOINT retainkit")
    try:
        yield connection
    except BaseException:
        with translated():
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT retainkit")
            connection.exec_driver_sql("RELEASE SAVEPOINT retainkit")
        raise
    with translated():
        connection.exec_driver_sql("RELEASE SAVEPOINT retainkit")


def _borrowed(host: object) -> sa.Connection:
    if isinstance(host, Session):
        return _open(host.connection())
    if isinstance(host, sa.Connection):
        return _open(host)
    if hasattr(host, "in_atomic_block"):
        return _of_django(host)
    raise ConfigurationError(
        "Not a connection that retainkit can join",
        code="join.unsupported",
        field="connection",
        value=type(host).__name__,
        remedy="pass a SQLAlchemy Connection or Session, or Django's connection; async ones to AsyncRetainKit.join",
    )


def _open(connection: sa.Connection) -> sa.Connection:
    """Refuse autocommit: there, every statement of ours would stand alone."""
    level = connection.get_execution_options().get("isolation_level") or getattr(
        connection.engine.dialect, "_on_connect_isolation_level", None
    )
    if level == "AUTOCOMMIT":
        raise _no_transaction("SQLAlchemy in AUTOCOMMIT")
    return connection


def _begin_if_lazy(connection: sa.Connection) -> None:
    """
    Issue BEGIN where the driver would not.

    sqlite3 opens its transaction before the first INSERT only: until then a savepoint of ours
    would be the outermost, and its RELEASE would commit.
    """
    if connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql(
        "SELECT 1"
    )  # SQLAlchemy's own lazy begin, with the host's event hooks
    driver = connection.connection.driver_connection
    if not getattr(driver, "in_transaction", True):
        connection.exec_driver_sql("BEGIN")


def _of_django(host: object) -> sa.Connection:
    """SQLAlchemy's view of the connection that Django has open; it never begins, ends or closes."""
    if not getattr(host, "in_atomic_block", False):
        raise _no_transaction("Django outside transaction.atomic()")
    vendor = getattr(host, "vendor", "")
    raw = getattr(host, "connection", None)
    if vendor not in _DJANGO_URLS or raw is None:
        raise ConfigurationError(
            "Django's database is none that retainkit can join",
            code="join.unsupported",
            field="connection",
            value=vendor,
            remedy="use PostgreSQL with psycopg 3, or SQLite",
        )
    engine = sa.create_engine(
        _DJANGO_URLS[vendor],
        creator=lambda: raw,
        poolclass=StaticPool,
        pool_reset_on_return=None,
        _initialize=False,
    )
    for verb in ("do_begin", "do_commit", "do_rollback", "do_close", "do_terminate"):
        setattr(engine.dialect, verb, _left_to_django)
    return engine.connect()


_DJANGO_URLS = {"postgresql": "postgresql+psycopg://", "sqlite": "sqlite://"}


def _left_to_django(connection: object) -> None:
    del connection


def _no_transaction(value: str) -> ConfigurationError:
    return ConfigurationError(
        "There is no open transaction to join",
        code="join.no_transaction",
        field="connection",
        value=value,
        remedy="open one first: engine.begin(), Session.begin(), or transaction.atomic()",
    )
