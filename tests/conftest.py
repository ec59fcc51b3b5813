"""What all tests share: how hypothesis searches, and databases; the rest stays in its room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from retainkit.errors import ConfigurationError
from retainkit.stores.sql import SqlStore
from retainkit.testing import PostgresServer, postgres_server


# Every run of CI tries the same examples, so that a red run is red again. A shared machine may be
# slow: pytest-timeout is the one that ends a test.
settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "search")

_CLEAN = """
DO $$ DECLARE tables text; BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    SELECT string_agg(quote_ident(tablename), ',') INTO tables FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'rk_version';
    EXECUTE 'TRUNCATE ' || tables;
END $$
"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the session's own; a machine that has none skips."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres_server())
        except ConfigurationError as exc:
            if exc.code != "postgres.missing":
                raise
            pytest.skip(str(exc))
        yield server


@pytest.fixture(scope="session")
def _migrated(postgres: PostgresServer) -> str:
    url = postgres.database("shared")
    store = SqlStore(url)
    store.migrate()
    store.close()
    return url


@pytest.fixture
def postgres_url(_migrated: str) -> str:
    """The URL of a migrated PostgreSQL database without a row."""
    with psycopg.connect(_migrated.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(_CLEAN)
    return _migrated


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a migrated SQLite database without a row."""
    url = f"sqlite:///{tmp_path / 'app.db'}"
    store = SqlStore(url)
    store.migrate()
    store.close()
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database without a row: SQLite, then PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url
