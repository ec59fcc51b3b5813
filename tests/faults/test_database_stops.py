"""F4: PostgreSQL dies under the workers, and connections break at every statement."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from tests.engine.toy import order
from tests.engine.world import ADA, DAY, NOW, World
from tests.faults._campaign import say, seed, size
from tests.faults._killed_app import make
from tests.faults.test_killed_workers import all_closed, bank, charges, doubles, lost, tries_of

from retainkit.core import Answer
from retainkit.engine import RetainKit, SystemClock
from retainkit.errors import ConfigurationError, StoreError
from retainkit.stores.sql import SqlStore
from retainkit.testing import PostgresServer, postgres_server


WORKERS = 4
pytestmark = pytest.mark.postgres


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of this test's own, to be stopped as it likes."""
    if os.environ.get("RETAINKIT_PG_URL"):
        pytest.skip("RETAINKIT_PG_URL is not ours to stop")
    try:
        with postgres_server() as own:
            yield own
    except ConfigurationError as exc:
        if exc.code != "postgres.missing":
            raise
        pytest.skip(str(exc))


def _patiently(do: Callable[[], object]) -> None:
    """As a host does: again, until the database is there; what is repeated says the same."""
    for _ in range(600):
        try:
            do()
        except StoreError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError


def _stop_and_start(
    server: PostgresServer, folder: Path, *, which: int, parcels: int, stops: int
) -> dict[str, object]:
    rng, began, over = Random(which), time.monotonic(), Event()
    url = server.database()
    with closing(SqlStore(url)) as store, bank(folder, 0.001) as (address, books):
        store.migrate()
        kit = make(store, address)
        now = SystemClock().now()
        kit.record(*(order(str(number), f"c{number}", now) for number in range(parcels)))

        def work() -> None:
            while not over.is_set():
                try:
                    if kit.run_due(stop=over.is_set).finished:
                        over.wait(0.05)
                except StoreError:
                    over.wait(0.05)

        threads = [Thread(target=work, daemon=True) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for _ in range(stops):
            time.sleep(rng.uniform(0.1, 0.5))
            server.stop_immediately()
            server.start()
        _patiently(lambda: _wait_until_all_closed(kit, parcels))
        over.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        made = charges(books)
        assert doubles(made) == ()
        assert lost(kit, made, parcels) == ()
        assert len(made) == tries_of(parcels)
        assert kit.sweep() == ()
    return {"stops": stops, "steps": len(made), "seconds": round(time.monotonic() - began, 1)}


def _wait_until_all_closed(kit: RetainKit, parcels: int) -> None:
    deadline = time.monotonic() + 600
    while not all_closed(kit, parcels):
        assert time.monotonic() < deadline, "some cases never closed"
        time.sleep(0.1)


def test_a_database_that_dies_twice_loses_nothing(server: PostgresServer, tmp_path: Path) -> None:
    """Two stops as by a crash, while four workers are at it: the state is the model's."""
    _stop_and_start(server, tmp_path, which=4, parcels=60, stops=2)


@pytest.mark.faults
def test_a_database_that_dies_twenty_times_loses_nothing(
    server: PostgresServer, tmp_path: Path
) -> None:
    """The long form."""
    which = seed()
    figures = _stop_and_start(
        server, tmp_path, which=which, parcels=size("PARCELS", 2000), stops=size("STOPS", 20)
    )
    say("F4", seed=which, doubles=0, lost=0, **figures)


# ---- a connection that breaks at each statement


class _Breaking:
    """A cursor whose connection is reset before or after its n-th statement of the story."""

    def __init__(self, cursor: Any, breaker: Breaker) -> None:
        self._cursor = cursor
        self._breaker = breaker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, *arguments: Any) -> Any:
        """One statement."""
        return self._breaker.run(self._cursor, lambda: self._cursor.execute(*arguments))

    def executemany(self, *arguments: Any) -> Any:
        """One statement for many rows."""
        return self._breaker.run(self._cursor, lambda: self._cursor.executemany(*arguments))


class Breaker:
    """Counts the statements and commits of a store, and resets the connection at one of them."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at = at
        self._after = after
        self.count = 0

    def run(self, cursor: Any, statement: Callable[[], Any]) -> Any:
        """Run it; the connection may be cut off before or after."""
        self.count += 1
        if self.count == self.at and not self._after:
            _cut(cursor.connection)
        done = statement()
        if self.count == self.at and self._after:
            _cut(cursor.connection)
        return done

    def install(self, store: SqlStore, patch: pytest.MonkeyPatch) -> None:
        """Stand between the store and its driver."""
        begin, commit = store._begin, store._commit

        @contextmanager
        def breaking() -> Iterator[Any]:
            with begin() as cursor:
                yield _Breaking(cursor, self)

        def committing(connection: Any) -> None:
            self.run(connection.cursor(), lambda: commit(connection))
            if self.count == self.at and self._after:
                raise StoreError("The answer to the commit is lost", code="store.commit_unclear")

        patch.setattr(store, "_begin", breaking)
        patch.setattr(store, "_commit", committing)


def _cut(connection: psycopg.Connection[Any]) -> None:
    """Reset the connection as a network does: both sides find out when they next use it."""
    cut = socket.socket(fileno=os.dup(connection.pgconn.socket))
    cut.shutdown(socket.SHUT_RDWR)
    cut.close()


def _story(url: str, at: int, *, after: bool) -> tuple[int, object]:
    """An order that is refused once and delivered a day later; how many statements it takes."""
    engine = sa.create_engine(url)
    with closing(SqlStore(url)) as store, pytest.MonkeyPatch.context() as patch:
        world, breaker = World(store, engine), Breaker(at, after=after)
        breaker.install(store, patch)
        kit = world.kit()
        _patiently(lambda: kit.record(order("1", ADA, NOW)))
        world.post.script = [Answer(data={"delivered": False})]
        for _ in range(6):
            _patiently(kit.run_due)
            world.leases_run_out()
        world.clock.advance(DAY)
        for _ in range(6):
            _patiently(kit.run_due)
            world.leases_run_out()
        count, breaker.at = breaker.count, 0  # the story is over
        intents = [(intent.effect.attempt, intent.state.value) for intent in world.intents()]
        keys = sorted(set(world.post.calls))
        end = (world.names(), intents, len(keys), sorted(world.post.sent.values()), kit.sweep())
    engine.dispose()
    return count, end


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_connection_that_breaks_at_a_statement_changes_nothing(
    postgres: PostgresServer, *, after: bool
) -> None:
    """At each seventh statement of a story that takes two days."""
    _break_everywhere(postgres, 7, after=after)


@pytest.mark.faults
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_connection_that_breaks_at_any_statement_changes_nothing(
    postgres: PostgresServer, *, after: bool
) -> None:
    """At each statement and commit, one after the other."""
    say("F4", breaks="after" if after else "before", at=_break_everywhere(postgres, 1, after=after))


def _break_everywhere(postgres: PostgresServer, step: int, *, after: bool) -> int:
    url = postgres.database("breaks")
    with closing(SqlStore(url)) as store:
        store.migrate()
    statements, usual = _story(url, 0, after=after)
    broken = range(1, statements + 1, step)
    for at in broken:
        _empty(url)
        assert _story(url, at, after=after)[1] == usual, (at, after)
    return len(broken)


def _empty(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("TRUNCATE rk_customer, rk_event, rk_record, rk_definition, rk_schedule")
