"""The store in SQL: the contract on each database, migrations, options, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

import pytest
import sqlalchemy as sa

from retainkit.stores import Store
from retainkit.stores.sql import SqlStore
from retainkit.testing import StoreContract


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
