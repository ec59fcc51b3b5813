"""Instants, zones and wall-clock time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import InvalidInput
from retainkit.timing import (
    Clock,
    aware,
    from_micros,
    local_time,
    to_micros,
    utc,
    wall_time,
    zone,
)


LAW = settings(max_examples=1000)

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Asia/Kolkata",
        "Australia/Lord_Howe",  # half an hour of daylight saving
        "Africa/Casablanca",  # daylight saving the other way round
        "America/Sao_Paulo",  # clocks that jump at midnight
        "Pacific/Apia",  # a day left out: 2011-12-30
        "Pacific/Kiritimati",
    ]
)
ANY_TIME = st.datetimes(datetime(1980, 1, 1), datetime(2060, 1, 1))


class Stopped:
    """A clock of a test."""

    def now(self) -> datetime:
        return datetime(2026, 3, 29, tzinfo=UTC)


def test_a_clock_is_whatever_tells_the_time() -> None:
    """The port has one method, and no base class."""
    clock: Clock = Stopped()

    assert utc(clock.now()) == clock.now()


def test_an_aware_datetime_is_kept_and_utc_is_the_same_instant() -> None:
    """With an offset, or with a zone."""
    berlin = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))

    assert aware(berlin, "at") is berlin
    assert utc(berlin).isoformat() == "2026-07-01T10:00:00+00:00"
    assert utc(datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))) == berlin


@pytest.mark.parametrize(
    ("day", "at", "name", "instant"),
    [
        (date(2026, 7, 1), time(9), "Europe/Berlin", "2026-07-01T07:00"),
        (date(2026, 7, 1), time(9), "Asia/Kathmandu", "2026-07-01T03:15"),
        # Jumped over: the first instant after the jump, not as many minutes after it.
        (date(2026, 3, 29), time(2), "Europe/Berlin", "2026-03-29T01:00"),
        (date(2026, 3, 29), time(2, 59, 59, 999999), "Europe/Berlin", "2026-03-29T01:00"),
        (date(2026, 3, 29), time(3), "Europe/Berlin", "2026-03-29T01:00"),
        (date(2026, 3, 29), time(1, 59, 59), "Europe/Berlin", "2026-03-29T00:59:59"),
        (date(2026, 10, 4), time(2, 15), "Australia/Lord_Howe", "2026-10-03T15:30"),
        (date(2011, 12, 30), time(17, 45), "Pacific/Apia", "2011-12-30T10:00"),
        # Shown twice: the first.
        (date(2026, 10, 25), time(2, 30), "Europe/Berlin", "2026-10-25T00:30"),
        (date(2026, 10, 25), time(2, 30, fold=1), "Europe/Berlin", "2026-10-25T00:30"),
        (date(2026, 4, 5), time(1, 45), "Australia/Lord_Howe", "2026-04-04T14:45"),
    ],
)
def test_wall_time_is_an_instant_also_when_clocks_change(
    day: date, at: time, name: str, instant: str
) -> None:
    """A mail at half past two is sent on every day of the year, and once."""
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert wall_time(day, at, name) == expected
    assert wall_time(day, at, ZoneInfo(name)).tzinfo is UTC


@LAW
@given(shown=ANY_TIME, name=ZONES)
def test_wall_time_is_the_first_instant_that_shows_at_least_it(shown: datetime, name: str) -> None:
    """Law: the clock shows the time asked for, or was before it a microsecond ago."""
    instant = wall_time(shown.date(), shown.time(), name)
    now = local_time(instant, name).replace(tzinfo=None)
    just_before = local_time(instant - timedelta(microseconds=1), name).replace(tzinfo=None)

    assert now >= shown
    assert now == shown or just_before < shown


@LAW
@given(
    instant=st.datetimes(
        datetime(1, 1, 3),
        datetime(9999, 12, 29),
        timezones=ZONES.map(ZoneInfo),
    )
)
def test_microseconds_come_back(instant: datetime) -> None:
    """Law: from_micros undoes to_micros over all that datetime holds, without a float."""
    back = from_micros(to_micros(instant))

    assert back == instant.astimezone(UTC)
    assert back.tzinfo is UTC


def test_microseconds_are_exact_far_from_the_epoch() -> None:
    """A float would lose the last digit in the year 9999, and does before 1970."""
    last = datetime.max.replace(tzinfo=UTC)

    assert to_micros(last) == 253_402_300_799_999_999
    assert from_micros(253_402_300_799_999_999) == last
    assert from_micros(-1).isoformat() == "1969-12-31T23:59:59.999999+00:00"


def test_a_zone_is_named_or_given() -> None:
    """Both are the same object, which zoneinfo keeps."""
    assert zone(zone("Asia/Kolkata")) is zone("Asia/Kolkata")


NAIVE = datetime(2026, 1, 1)
EAST = ZoneInfo("Asia/Tokyo")
HOURS_EAST = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("act", "code", "field", "value", "remedy"),
    [
        (lambda: aware(NAIVE, "start"), "time.naive", "start", "2026-01-01T00:00:00", "tzinfo=UTC"),
        (lambda: utc(NAIVE), "time.naive", "at", "2026-01-01T00:00:00", "tzinfo=UTC"),
        (lambda: to_micros(NAIVE), "time.naive", "at", "2026-01-01T00:00:00", "tzinfo=UTC"),
        (
            lambda: utc(date(2026, 1, 1)),  # type: ignore[arg-type]
            "time.not_a_datetime",
            "at",
            date(2026, 1, 1),
            "wall_time()",
        ),
        (
            lambda: utc(datetime(1, 1, 1, tzinfo=HOURS_EAST)),
            "time.out_of_range",
            "at",
            "0001-01-01T00:00:00+09:00",
            "check the unit",
        ),
        (
            lambda: local_time(datetime.max.replace(tzinfo=UTC), EAST),
            "time.out_of_range",
            "at",
            "9999-12-31T23:59:59.999999+00:00",
            "check the unit",
        ),
        (
            lambda: wall_time(date.min, time(), EAST),
            "time.out_of_range",
            "day",
            "0001-01-01T00:00:00",
            "check the unit",
        ),
        (
            lambda: wall_time(date(2026, 1, 1), time(9, tzinfo=UTC), EAST),
            "time.has_zone",
            "at",
            "09:00:00+00:00",
            "plain time",
        ),
        (lambda: from_micros(1.5), "time.not_an_integer", "micros", 1.5, "pass an int"),  # type: ignore[arg-type]
        (lambda: from_micros(True), "time.not_an_integer", "micros", True, "pass an int"),
        (lambda: from_micros(10**18), "time.out_of_range", "micros", str(10**18), "milliseconds"),
        (lambda: from_micros(10**40), "time.out_of_range", "micros", str(10**40), "milliseconds"),
        *(
            (lambda name=name: zone(name), "time.unknown_zone", "zone", name, "Europe/Berlin")
            for name in ("Mars/Olympus", "Europe", "", "../etc/passwd", "a\0b", "Ünknown", None, 3)
        ),
    ],
)
def test_what_is_no_instant_is_refused(
    act: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """A time without a zone, a zone that is none, a unit mistaken: each has its own error."""
    with pytest.raises(InvalidInput) as caught:
        act()

    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert remedy in error.remedy
