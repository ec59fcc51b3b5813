"""The worlds the engine is proved in: over memory, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from tests.engine.world import World

from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore


POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


def _world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield World(MemoryStore(), None)
        return
    url: str = request.getfixturevalue(f"{request.param}_url")
    store, engine = SqlStore(url), sa.create_engine(url)
    try:
        yield World(store, engine)
    finally:
        store.close()
        engine.dispose()


@pytest.fixture(params=["memory", "sqlite", POSTGRES])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world over each store."""
    yield from _world(request)


@pytest.fixture(params=["sqlite", POSTGRES])
def sql_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world whose database can be damaged or joined."""
    yield from _world(request)
