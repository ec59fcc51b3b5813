"""The clock that a test turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from retainkit.errors import InvalidInput
from retainkit.testing import ManualClock
from retainkit.timing import Clock


START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_it_stands_still() -> None:
    """Two looks show one instant."""
    clock: Clock = ManualClock(START)
    assert clock.now() == clock.now() == START


def test_it_is_turned_on_and_back() -> None:
    """By a span, to an instant, and to an earlier one."""
    clock = ManualClock(START)
    assert clock.advance(timedelta(days=1)) == clock.now() == START + timedelta(days=1)
    assert clock.advance(-timedelta(days=2)) == START - timedelta(days=1)
    clock.set(START)
    assert clock.now() == START


def test_it_shows_utc() -> None:
    """Whatever zone it was set in."""
    local = START.astimezone(timezone(timedelta(hours=2)))
    clock = ManualClock(local)
    assert (clock.now(), clock.now().tzinfo) == (START, UTC)
    clock.set(local)
    assert clock.now().tzinfo is UTC


def test_a_naive_time_is_refused() -> None:
    """At the start and later; the clock shows what it showed."""
    naive = START.replace(tzinfo=None)
    clock = ManualClock(START)
    for field, turn in (("start", ManualClock), ("to", clock.set)):
        with pytest.raises(InvalidInput) as caught:
            turn(naive)
        assert (caught.value.code, caught.value.field) == ("time.naive", field)
        assert caught.value.value == naive.isoformat()
        assert caught.value.remedy == "give it a zone: datetime(..., tzinfo=UTC)"
    assert clock.now() == START
