"""Translates what SQLAlchemy and the drivers raise into the errors of retainkit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import sqlalchemy.exc as sa_exc

from retainkit.errors import ConfigurationError, Conflict, RetainkitError, StoreError


_SERIALIZATION = {"40001": "serialization", "40P01": "deadlock"}
_LOCKED = "55P03"
_DUPLICATE = "23505"
_ABORTED = "25P02"
_ENDED = {"25P01", "3B001"}
_NOT_THERE = {"42P01", "3F000", "42703"}
_NOT_THERE_IN_SQLITE = ("no such table", "no such column", "has no column named")


@contextmanager
def translated() -> Iterator[None]:
    """Raise foreign database errors as ours, with a remedy, keeping the cause."""
    try:
        yield
    except sa_exc.DBAPIError as exc:
        raise translate(exc.orig) from exc
    except sa_exc.TimeoutError as exc:
        raise StoreError(
            "No database connection became free in time",
            code="store.pool",
            remedy="enlarge the pool, or close transactions sooner",
        ) from exc


def driver_error(dialect: sa.Dialect) -> type[Exception]:
    """The root of the errors that the dialect's driver raises."""
    error: type[Exception] = getattr(dialect.loaded_dbapi, "Error")  # noqa: B009 - PEP 249 has it, the type does not
    return error


def locked() -> StoreError:
    """Somebody else has the lock, and kept it for longer than we wait."""
    return StoreError(
        "The database is locked",
        code="store.locked",
        remedy="end the transaction that holds the lock, then retry",
    )


def translate(origin: BaseException | None) -> RetainkitError:
    """Our error for a driver's; raise it ``from`` the original."""
    state = getattr(origin, "sqlstate", None)
    name = getattr(origin, "sqlite_errorname", None)
    said = str(origin)
    if state in _NOT_THERE or any(words in said for words in _NOT_THERE_IN_SQLITE):
        return StoreError(
            "The store was not migrated",
            code="store.not_migrated",
            remedy="run `retainkit migrate --app module:kit`, or store.migrate()",
        )
    if name == "SQLITE_BUSY_SNAPSHOT":
        return StoreError(
            "Somebody wrote after the open transaction had read: SQLite lets it write no more",
            code="store.snapshot",
            remedy="roll back and retry; begin transactions that write with BEGIN IMMEDIATE",
        )
    if name in {"SQLITE_BUSY", "SQLITE_LOCKED"} or "database is locked" in said or state == _LOCKED:
        return locked()
    if state in _SERIALIZATION:
        return Conflict(
            "Another transaction got in between",
            code=f"store.{_SERIALIZATION[state]}",
            remedy="roll the transaction back and run it again; a retry inside it can't succeed",
        )
    if state == _ABORTED:
        return StoreError(
            "An earlier statement of the open transaction failed",
            code="store.aborted",
            remedy="roll it back, or back to a savepoint, before anything else is done in it",
        )
    if state in _ENDED or "no such savepoint" in said:
        return ConfigurationError(
            "The transaction was ended while it was joined",
            code="join.ended",
            field="connection",
            remedy="commit or roll back after the block, not inside it",
        )
    if state == _DUPLICATE or name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}:
        return Conflict(
            "Somebody else has written this before",
            code="store.duplicate",
            remedy="roll back, read again and decide again",
        )
    if (state or "").startswith(("08", "57P")) or type(origin).__name__ == "OperationalError":
        return StoreError(
            "The database can't be reached or ended the connection",
            code="store.unavailable",
            value=said.splitlines()[0] if said else None,
            remedy="check the database, then retry: nothing of this transaction was kept",
        )
    return StoreError(
        "The database refused",
        code="store.refused",
        value=type(origin).__name__,
        remedy="see the cause; nothing of this transaction was kept",
    )
