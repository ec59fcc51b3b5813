"""Events and what is derived of them are written together, or not at all, wherever it breaks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.engine.test_signal_laws import ADA, known
from tests.faults._campaign import Quiet, say
from tests.faults._measured import judge, measured
from tests.faults.test_database_stops import Breaker, _patiently

from retainkit.core import Event, Origin
from retainkit.engine import RetainKit
from retainkit.errors import StoreError
from retainkit.ids import CustomerId, EventId
from retainkit.simulate import usage_world
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock, PostgresServer


START = usage_world(1, 1, 120).start
DAY = timedelta(days=1)
BOB = CustomerId("bob")


def _uses(first: int, count: int, ago: timedelta) -> list[Event]:
    return [
        Event(
            id=EventId(f"e{number}"),
            name="ticket.opened" if not number % 7 else "feature.used",
            customer=ADA,
            occurred_at=START + 20 * DAY - ago + timedelta(hours=number),
            data={"user": f"u{number % 3}", "feature": ("report", "export")[number % 2]},
        )
        for number in range(first, first + count)
    ]


STEPS: tuple[Callable[[RetainKit], object], ...] = (
    lambda kit: kit.record(*_uses(0, 20, 3 * DAY)),
    lambda kit: kit.signals.set(ADA, {"seats": 9, "plan": "team"}, at=START + 20 * DAY),
    lambda kit: kit.record(*_uses(20, 6, 12 * DAY)),
    lambda kit: kit.signals.retag(["e1", "e2", "e21"], Origin.TEST, actor="usr_1"),
    lambda kit: kit.signals.set_zone(ADA, "Asia/Tokyo", at=START + 18 * DAY),
    lambda kit: kit.signals.load({"customer": [ADA, BOB], "seats": [3, 9], "plan": ["team", "x"]}),
    lambda kit: kit.signals.rebuild(),
)
"""Use, facts, late use, another origin, another zone, facts in bulk, counting anew; day by day."""


class FileBreaker(Breaker):
    """The same for a file: reading or writing fails before or after a statement or a commit."""

    def run(self, cursor: Any, statement: Callable[[], Any]) -> Any:
        """Run it; the disk may fail."""
        del cursor
        self.count += 1
        if self.count == self.at and not self._after:
            raise sqlite3.OperationalError("disk I/O error")
        done = statement()
        if self.count == self.at:
            raise sqlite3.OperationalError("disk I/O error")
        return done

    def install(self, store: SqlStore, patch: pytest.MonkeyPatch) -> None:
        """Stand between the store and its driver."""
        super().install(store, patch)
        breaking: Callable[[Any], None] = store._commit

        def committing(connection: Any) -> None:
            try:
                breaking(connection)
            except sqlite3.OperationalError as exc:
                raise StoreError("Whether it was kept is not known", code="store.unclear") from exc

        patch.setattr(store, "_commit", committing)


@contextmanager
def _broken(url: str, at: int, *, after: bool) -> Iterator[tuple[SqlStore, Breaker]]:
    kind = FileBreaker if url.startswith("sqlite") else Breaker
    with closing(SqlStore(url)) as store, pytest.MonkeyPatch.context() as patch:
        breaker = kind(at, after=after)
        breaker.install(store, patch)
        yield store, breaker


def _story(url: str, at: int, *, after: bool) -> tuple[int, object]:
    engine = sa.create_engine(url)
    clock, told = ManualClock(START + 20 * DAY), Quiet()
    with _broken(url, at, after=after) as (store, breaker):
        kit = measured(store, clock, told=told)
        for step in STEPS:
            clock.advance(DAY)
            _patiently(lambda step=step: step(kit))  # type: ignore[misc] # bound now
            for _ in range(3):
                _patiently(kit.run_due)
                with engine.begin() as connection:  # by the database's clock, leases have ended
                    connection.execute(
                        sa.text("UPDATE rk_schedule SET wake_at = 0 WHERE lease IS NOT NULL")
                    )
            _patiently(lambda: kit.timeline(ADA))
        count, breaker.at = breaker.count, 0  # the story is over
        judge(kit)
        end = [(known(kit, who), _told(kit, who), kit.health.of(who)) for who in (ADA, BOB)]
        assert kit.sweep() == ()
        assert kit.attention() == ()
    engine.dispose()
    return count, end


def _told(kit: RetainKit, customer: CustomerId) -> list[tuple[str, object]]:
    """Each event that there is, with what it says."""
    return sorted((kept.event.id, dict(kept.event.data)) for kept in kit.timeline(customer))


def _break_everywhere(url: str, step: int, *, after: bool) -> int:
    with closing(SqlStore(url)) as store:
        store.migrate()
    statements, usual = _story(url, 0, after=after)
    broken = range(1, statements + 1, step)
    for at in broken:
        _empty(url)
        assert _story(url, at, after=after)[1] == usual, (at, after)
    return len(broken)


def _empty(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for table in ("customer", "event", "record", "definition", "schedule", "bucket", "member"):
            connection.execute(sa.text(f"DELETE FROM rk_{table}"))
    engine.dispose()


BREAKS = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@BREAKS
def test_a_disk_that_fails_leaves_counts_and_events_in_step(tmp_path: Path, *, after: bool) -> None:
    """At some statements of a story: the same buckets, states, groups and health."""
    _break_everywhere(f"sqlite:///{tmp_path / 'app.db'}", 43, after=after)


@BREAKS
@pytest.mark.postgres
def test_a_connection_that_breaks_leaves_counts_and_events_in_step(
    postgres: PostgresServer, *, after: bool
) -> None:
    """The same with a connection that is cut."""
    _break_everywhere(postgres.database(f"signals_{after}".lower()), 67, after=after)


@pytest.mark.faults
@BREAKS
def test_wherever_a_disk_fails_counts_and_events_stay_in_step(
    tmp_path: Path, *, after: bool
) -> None:
    """At each statement and commit, one after the other."""
    at = _break_everywhere(f"sqlite:///{tmp_path / 'app.db'}", 1, after=after)
    say("signals", store="sqlite", breaks="after" if after else "before", at=at)


@pytest.mark.faults
@BREAKS
@pytest.mark.postgres
def test_wherever_a_connection_breaks_counts_and_events_stay_in_step(
    postgres: PostgresServer, *, after: bool
) -> None:
    """At each statement and commit, one after the other."""
    at = _break_everywhere(postgres.database(f"all_{after}".lower()), 1, after=after)
    say("signals", store="postgresql", breaks="after" if after else "before", at=at)
