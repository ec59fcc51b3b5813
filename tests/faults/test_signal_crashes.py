"""Events and what is counted of them are written together, or not at all, wherever it breaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa
from tests.engine.test_signal_laws import ADA, known, made
from tests.faults._campaign import say
from tests.faults.test_database_stops import Breaker, _patiently

from retainkit.core import Event, Origin
from retainkit.engine import RetainKit
from retainkit.ids import EventId
from retainkit.simulate import usage_world
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock, PostgresServer


START = usage_world(1, 1, 120).start
DAY = timedelta(days=1)
pytestmark = pytest.mark.postgres


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
    lambda kit: kit.signals.rebuild(ADA),
)
"""Use, facts, late use, another origin, another zone, counting anew; each on a day of its own."""


def _story(url: str, at: int, *, after: bool) -> tuple[int, object]:
    engine = sa.create_engine(url)
    clock = ManualClock(START + 20 * DAY)
    with closing(SqlStore(url)) as store, pytest.MonkeyPatch.context() as patch:
        breaker = Breaker(at, after=after)
        breaker.install(store, patch)
        kit = made(store, clock)
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
        end = known(kit, ADA)
        kit.signals.rebuild(ADA)
        assert known(kit, ADA) == end, (at, after)
        assert kit.sweep() == ()
    engine.dispose()
    return count, end


def _break_everywhere(postgres: PostgresServer, step: int, *, after: bool) -> int:
    url = postgres.database(f"signals_{step}_{after}".lower())
    with closing(SqlStore(url)) as store:
        store.migrate()
    statements, usual = _story(url, 0, after=after)
    broken = range(1, statements + 1, step)
    for at in broken:
        _empty(url)
        assert _story(url, at, after=after)[1] == usual, (at, after)
    return len(broken)


def _empty(url: str) -> None:
    tables = "rk_customer, rk_event, rk_record, rk_definition, rk_schedule, rk_bucket, rk_member"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables}")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_connection_that_breaks_leaves_counts_and_events_in_step(
    postgres: PostgresServer, *, after: bool
) -> None:
    """At each eleventh statement of a story: the same buckets, readings, states and groups."""
    _break_everywhere(postgres, 11, after=after)


@pytest.mark.faults
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_wherever_a_connection_breaks_counts_and_events_stay_in_step(
    postgres: PostgresServer, *, after: bool
) -> None:
    """At each statement and commit, one after the other."""
    breaks = "after" if after else "before"
    say("signals", breaks=breaks, at=_break_everywhere(postgres, 1, after=after))
