"""Periods and what recurs.

``tests/data/timing_vectors.jsonl`` holds worked examples of other billing systems about dates
alone; each row names its source and licence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from retainkit.errors import InvalidInput
from retainkit.timing import (
    Interval,
    Period,
    Unit,
    billing_day_anchor,
    calendar_anchor,
    local_time,
    period_at,
    period_number,
    periods,
    wall_time,
)


LAW = settings(max_examples=1000)
VECTORS = Path(__file__).parents[1] / "data" / "timing_vectors.jsonl"

MONTHLY, YEARLY = Interval(unit=Unit.MONTH), Interval(unit=Unit.YEAR)
QUARTERLY = Interval(count=3, unit=Unit.MONTH)
DAILY, WEEKLY = Interval(unit=Unit.DAY), Interval(unit=Unit.WEEK)

ZONES = st.sampled_from(
    [
        *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"),
        *("America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca"),
    ]
)
INSTANTS = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2040, 1, 1),
    timezones=st.just(UTC),
)
INTERVALS = st.builds(Interval, count=st.integers(1, 40), unit=st.sampled_from(Unit))


def on(text: str) -> datetime:
    """The instant of an ISO date, at midnight, or date and time, in UTC unless it says so."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def days(found: Iterator[Period], zone: str = "UTC") -> list[tuple[str, str]]:
    return [
        (str(local_time(p.start, zone).date()), str(local_time(p.end, zone).date())) for p in found
    ]


def vectors(*kinds: str) -> list[Any]:
    rows = map(json.loads, VECTORS.read_text(encoding="utf-8").splitlines())
    return [pytest.param(row, id=row["id"]) for row in rows if row["kind"] in kinds]


# --------------------------------------------------------------------------------------- periods


MARCH = Period(start=on("2026-03-01"), end=on("2026-04-01"))


def test_a_period_has_its_start_and_not_its_end() -> None:
    """Neighbours share no instant."""
    assert MARCH.contains(MARCH.start)
    assert MARCH.contains(MARCH.end - timedelta(microseconds=1))
    assert not MARCH.contains(MARCH.end)
    assert not MARCH.contains(MARCH.start - timedelta(microseconds=1))


def test_a_period_is_kept_in_utc_and_lasts_its_elapsed_time() -> None:
    """March in Berlin has an hour less."""
    first, last = (wall_time(date(2026, month, 1), time(), "Europe/Berlin") for month in (3, 4))
    berlin = Period(start=local_time(first, "Europe/Berlin"), end=last)

    assert MARCH.length == timedelta(days=31)
    assert berlin.start.isoformat() == "2026-02-28T23:00:00+00:00"
    assert berlin.length == timedelta(days=31, hours=-1)


def test_two_periods_overlap_in_what_they_share() -> None:
    """In either order; neighbours share nothing."""
    spring = Period(start=on("2026-03-20"), end=on("2026-06-20"))
    april = Period(start=on("2026-04-01"), end=on("2026-05-01"))

    assert MARCH.overlap(spring) == Period(start=on("2026-03-20"), end=on("2026-04-01"))
    assert spring.overlap(MARCH) == MARCH.overlap(spring)
    assert spring.overlap(april) == april
    assert MARCH.overlap(april) is None


@LAW
@given(cuts=st.lists(st.integers(1, 31 * 86400 - 1), max_size=5))
def test_a_split_period_is_whole(cuts: list[int]) -> None:
    """Law: the parts of a period, cut anywhere in any order, are the period."""
    parts = MARCH.split(*(MARCH.start + timedelta(seconds=cut) for cut in cuts))

    assert (parts[0].start, parts[-1].end) == (MARCH.start, MARCH.end)
    assert all(one.end == other.start for one, other in pairwise(parts))
    assert len(parts) == len(set(cuts)) + 1


# -------------------------------------------------------------------------------------- boundaries


@pytest.mark.parametrize("row", vectors("advance_date"))
def test_boundaries_agree_with_other_systems(row: dict[str, Any]) -> None:
    """Forwards and backwards, in days, weeks and months."""
    given_ = row["input"]
    interval = Interval(count=given_["interval_count"], unit=given_["interval"])

    found = interval.advance(on(given_["start"]), given_["periods"], "UTC")

    assert found == on(row["expected"]["date"])


@pytest.mark.parametrize("row", vectors("anchor_clamp"))
@pytest.mark.parametrize("year", ["2025", "2026"])
def test_the_day_of_the_anchor_comes_back_after_a_short_month(
    row: dict[str, Any], year: str
) -> None:
    """The 31st is the 28th in February and the 31st in March."""
    anchor = on(f"{year}-{row['input']['anchor']}")

    found = [MONTHLY.advance(anchor, n, "UTC").strftime("%m-%d") for n in (1, 2, 3)]

    assert found == row["expected"]["next_dates"]


@pytest.mark.parametrize("row", vectors("anchor_from_timezone"))
def test_days_are_days_of_the_calendar(row: dict[str, Any]) -> None:
    """A trial over the start of daylight saving ends at the hour it began."""
    name = row["input"]["timezone"]
    local = datetime.fromisoformat(row["input"]["start_local"])
    start = wall_time(local.date(), local.time(), name)

    end = Interval(count=row["input"]["trial_days"], unit=Unit.DAY).advance(start, 1, name)

    assert local_time(end, name).day == row["expected"]["bill_cycle_day"]
    assert local_time(end, name).time() == local.time()


@pytest.mark.parametrize("row", vectors("whole_periods"))
def test_whole_periods_agree_with_other_systems(row: dict[str, Any]) -> None:
    """A period counts once its end is reached."""
    given_ = row["input"]
    interval = Interval(count=given_["interval_count"], unit=given_["interval"])

    found = period_number(on(given_["start"]), interval, "UTC", on(given_["end"]))

    assert found == row["expected"]["whole_periods"]


def test_a_leap_day_is_the_28th_in_other_years() -> None:
    """And the 29th again in the next leap year."""
    found = [YEARLY.advance(on("2024-02-29"), n, "UTC").date() for n in range(5)]

    assert [str(day) for day in found] == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
    ]


def test_the_hour_of_the_anchor_stays_when_clocks_change() -> None:
    """09:00 in Berlin is 08:00Z in winter and 07:00Z in summer; 02:30 is 03:00 on one night."""
    nine = on("2026-02-28T08:00")
    assert MONTHLY.advance(nine, 1, "Europe/Berlin") == on("2026-03-28T08:00")
    assert MONTHLY.advance(nine, 2, "Europe/Berlin") == on("2026-04-28T07:00")

    night = wall_time(date(2026, 3, 28), time(2, 30), "Europe/Berlin")
    found = [DAILY.advance(night, n, "Europe/Berlin").isoformat()[5:16] for n in range(3)]
    assert found == ["03-28T01:30", "03-29T01:00", "03-30T00:30"]


def test_an_anchor_in_an_hour_shown_twice_stays_itself() -> None:
    """The second 02:30 of the night is no other instant because clocks show it twice."""
    second = on("2026-10-25T01:30")

    assert MONTHLY.advance(second, 0, "Europe/Berlin") == second
    assert next(periods(second, DAILY, "Europe/Berlin")).start == second


@LAW
@given(anchor=INSTANTS, interval=INTERVALS, n=st.integers(-40, 60), zone=ZONES)
def test_each_boundary_is_the_anchor_in_its_month(
    anchor: datetime, interval: Interval, n: int, zone: str
) -> None:
    """Law: n intervals of k units are one of n k; the day and hour are the anchor's or clamped."""
    found = interval.advance(anchor, n, zone)

    if n > 0:
        assert found == Interval(count=interval.count * n, unit=interval.unit).advance(
            anchor, 1, zone
        )
    first, local = local_time(anchor, zone), local_time(found, zone)
    if zone == "UTC" and interval.months:
        next_day = found + timedelta(days=1)
        assert local.day == first.day or (local.day < first.day and next_day.day == 1)
        assert local.time() == first.time()
        months = (local.year - first.year) * 12 + local.month - first.month
        assert months == n * interval.months
    if zone == "UTC" and interval.days:
        assert found - anchor == timedelta(days=n * interval.days)


# -------------------------------------------------------------------------------------- recurrence


@LAW
@given(
    anchor=INSTANTS,
    interval=INTERVALS,
    zone=ZONES,
    offset=st.integers(-(10**6), 10**6),
    length=st.integers(1, 10**6),
)
def test_periods_tile_time(
    anchor: datetime, interval: Interval, zone: str, offset: int, length: int
) -> None:
    """Law: without gap or overlap from `since` to `until`, wherever the anchor is."""
    since = anchor + timedelta(minutes=offset)
    until = since + timedelta(minutes=length)

    found = list(islice(periods(anchor, interval, zone, since=since, until=until), 100))

    assert found[0].start == since
    assert all(one.end == other.start for one, other in pairwise(found))
    assert found[-1].end == until or (len(found) == 100 and found[-1].end < until)
    for part in found[1:-1]:
        assert part == period_at(anchor, interval, zone, part.start)
    number = period_number(anchor, interval, zone, since)
    whole = period_at(anchor, interval, zone, since)
    assert whole.contains(since)
    assert whole.start == interval.advance(anchor, number, zone)
    assert found[0].end == min(whole.end, until)


def test_periods_end_after_a_count_or_never() -> None:
    """The iterator makes them as they are asked for."""
    anchor = on("2026-01-31")

    assert days(periods(anchor, MONTHLY, "UTC", count=2)) == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
    ]
    assert list(periods(anchor, MONTHLY, "UTC", count=0)) == []
    assert list(periods(anchor, MONTHLY, "UTC", until=anchor)) == []
    assert len(list(islice(periods(anchor, MONTHLY, "UTC"), 50))) == 50


def test_a_day_that_a_zone_left_out_is_no_period() -> None:
    """Samoa had no 30 December 2011: the 29th is followed by the 31st."""
    midnight = wall_time(date(2011, 12, 29), time(), "Pacific/Apia")

    found = days(periods(midnight, DAILY, "Pacific/Apia", count=2), "Pacific/Apia")

    assert found == [("2011-12-29", "2011-12-31"), ("2011-12-31", "2012-01-01")]


@pytest.mark.parametrize("row", vectors("period_boundaries", "period_length_days"))
def test_periods_agree_with_other_systems(row: dict[str, Any]) -> None:
    """On billing days, on anniversaries and by the calendar; each on its own terms."""
    if row["system"] == "killbill":
        found = days(_killbill(row["input"]))
        assert found == [tuple(pair) for pair in row["expected"]["periods"]]
        return
    period = _lago(row)
    got = {
        "from": period.start,
        "to_inclusive": period.end - timedelta(seconds=1),
        "days": (period.end - period.start).days,
    }
    for name, expected in row["expected"].items():
        assert got[name] == (expected if name == "days" else on(expected)), name


def _killbill(given_: dict[str, Any]) -> Iterator[Period]:
    """In advance: what has started at the target date. In arrears: what has ended by it."""
    interval, start, target = Interval(unit=given_["interval"]), given_["start"], given_["target"]
    anchor = billing_day_anchor(on(start), interval, "UTC", day=given_["bill_cycle_day"])
    until = on(given_["end"] or "2030-01-01")
    for period in periods(anchor, interval, "UTC", since=on(start), until=until):
        if (period.end if given_["mode"] == "IN_ARREAR" else period.start) <= on(target):
            yield period


def _lago(row: dict[str, Any]) -> Period:
    """In arrears the period before the one of the billing instant; rows tell when it is that."""
    given_ = row["input"]
    interval = {
        "month": MONTHLY,
        "monthly": MONTHLY,
        "quarterly": QUARTERLY,
        "yearly": YEARLY,
    }[given_["interval"]]
    zone = given_.get("timezone", "UTC")
    at = on(given_["billing_at"])
    anchor = wall_time(date.fromisoformat(given_["anchor"]), time(), zone)
    if given_["billing_time"] == "calendar":
        anchor = calendar_anchor(anchor, interval, zone)
    now = period_at(anchor, interval, zone, at)
    current = given_.get("pay_in_advance") or given_.get("terminated")
    if current or row.get("note", "").startswith("from"):
        return now
    return period_at(anchor, interval, zone, now.start - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("interval", "zone", "start"),
    [
        (DAILY, "UTC", "2026-05-14T00:00"),
        (WEEKLY, "UTC", "2026-05-11T00:00"),
        (MONTHLY, "UTC", "2026-05-01T00:00"),
        (QUARTERLY, "UTC", "2026-04-01T00:00"),
        (YEARLY, "UTC", "2026-01-01T00:00"),
        (Interval(count=2, unit=Unit.YEAR), "UTC", "2026-01-01T00:00"),
        (MONTHLY, "Asia/Kolkata", "2026-04-30T18:30"),
        (DAILY, "Europe/Berlin", "2026-05-14T22:00"),
    ],
)
def test_periods_can_follow_the_calendar(interval: Interval, zone: str, start: str) -> None:
    """Thursday 14 May 2026, 22:30Z: in Berlin it is the 15th already."""
    at = on("2026-05-14T22:30")

    anchor = calendar_anchor(at, interval, zone)

    assert anchor == on(start)
    assert period_at(anchor, interval, zone, at).start == anchor


@pytest.mark.parametrize(
    ("start", "interval", "day", "month", "boundaries"),
    [
        ("2026-01-10", MONTHLY, 15, None, ["2026-01-10", "2026-01-15", "2026-02-15"]),
        ("2026-01-20", MONTHLY, 15, None, ["2026-01-20", "2026-02-15", "2026-03-15"]),
        ("2026-01-15", MONTHLY, 15, None, ["2026-01-15", "2026-02-15", "2026-03-15"]),
        ("2026-02-10", MONTHLY, 31, None, ["2026-02-10", "2026-02-28", "2026-03-31"]),
        ("2026-02-10", QUARTERLY, 31, None, ["2026-02-10", "2026-02-28", "2026-05-31"]),
        ("2026-02-10", YEARLY, 31, None, ["2026-02-10", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2026-02-10", YEARLY, 1, 7, ["2026-02-10", "2026-07-01", "2027-07-01"]),
        ("2026-07-02", YEARLY, 1, 7, ["2026-07-02", "2027-07-01"]),
        ("0001-02-10", MONTHLY, 31, None, ["0001-02-10", "0001-02-28", "0001-03-31"]),
    ],
)
def test_a_subscription_can_be_billed_on_a_chosen_day(
    start: str, interval: Interval, day: int, month: int | None, boundaries: list[str]
) -> None:
    """The first period is the shorter one, up to the next such day."""
    anchor = billing_day_anchor(on(start), interval, "UTC", day=day, month=month)

    found = periods(anchor, interval, "UTC", since=on(start), count=len(boundaries) - 1)

    assert days(found) == list(pairwise(boundaries))


@LAW
@given(
    start=INSTANTS,
    interval=st.builds(
        Interval, count=st.integers(1, 60), unit=st.sampled_from([Unit.MONTH, Unit.YEAR])
    ),
    day=st.integers(1, 31),
)
def test_a_billing_day_is_kept(start: datetime, interval: Interval, day: int) -> None:
    """Law: each boundary is on the day or, in a month without it, on the month's last."""
    anchor = billing_day_anchor(start, interval, "UTC", day=day)

    starts = [part.start for part in islice(periods(anchor, interval, "UTC", since=start), 6)]

    def kept(boundary: datetime) -> bool:
        month_end = (boundary + timedelta(days=1)).day == 1
        return boundary.day == day or (boundary.day < day and month_end)

    assert all(kept(boundary) for boundary in starts[1:])
    if not kept(start):
        assert starts[1] - start <= timedelta(days=31)  # a short first period, not a long one


# ------------------------------------------------------------------------------------------ errors


START = on("2026-01-01")
LATEST = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("act", "code", "field", "value", "remedy"),
    [
        (
            lambda: Period(start=START, end=START),
            "time.end_before_start",
            "end",
            "2026-01-01T00:00:00+00:00",
            "after 2026-01-01",
        ),
        (
            lambda: Period(start=START.replace(tzinfo=None), end=START),
            "time.naive",
            "start",
            "2026-01-01T00:00:00",
            "tzinfo=UTC",
        ),
        (
            lambda: Period(start=START, end=START.replace(tzinfo=None)),
            "time.naive",
            "end",
            "2026-01-01T00:00:00",
            "tzinfo=UTC",
        ),
        (
            lambda: MARCH.split(MARCH.end),
            "time.outside_period",
            "at",
            "2026-04-01T00:00:00+00:00",
            "before 2026-04-01",
        ),
        (lambda: Interval(count=0, unit=Unit.DAY), "time.count", "count", 0, "above zero"),
        (lambda: Interval(count=1.5, unit=Unit.DAY), "time.count", "count", 1.5, "an int"),  # type: ignore[arg-type]
        (lambda: Interval(count=True, unit=Unit.DAY), "time.count", "count", True, "an int"),
        (
            lambda: Interval(unit="fortnight"),
            "time.unknown_unit",
            "unit",
            "fortnight",
            "day, week, month, year",
        ),
        (
            lambda: MONTHLY.advance(START.replace(tzinfo=None), 1, "UTC"),
            "time.naive",
            "anchor",
            "2026-01-01T00:00:00",
            "tzinfo=UTC",
        ),
        (
            lambda: MONTHLY.advance(START, 1, "Mars/Olympus"),
            "time.unknown_zone",
            "zone",
            "Mars/Olympus",
            "Europe/Berlin",
        ),
        (lambda: MONTHLY.advance(START, 10**6, "UTC"), "time.out_of_range", "n", "1000000", "unit"),
        (lambda: DAILY.advance(START, 10**12, "UTC"), "time.out_of_range", "n", str(10**12), ""),
        (
            lambda: DAILY.advance(LATEST, 1, "Asia/Tokyo"),
            "time.out_of_range",
            "anchor",
            "9999-12-31T23:59:59.999999+00:00",
            "unit",
        ),
        (
            lambda: list(periods(on("9999-01-01"), YEARLY, "UTC")),
            "time.out_of_range",
            "n",
            "1",
            "unit",
        ),
        (
            lambda: billing_day_anchor(START, WEEKLY, "UTC", day=1),
            "time.not_monthly",
            "interval",
            "1 week",
            "months or years",
        ),
        (
            lambda: billing_day_anchor(START, MONTHLY, "UTC", day=32),
            "time.billing_day",
            "day",
            32,
            "1 to 31",
        ),
        (
            lambda: billing_day_anchor(START, MONTHLY, "UTC", day=1.0),  # type: ignore[arg-type]
            "time.billing_day",
            "day",
            1.0,
            "1 to 31",
        ),
        (
            lambda: billing_day_anchor(START, YEARLY, "UTC", day=1, month=13),
            "time.billing_month",
            "month",
            13,
            "1 to 12",
        ),
    ],
)
def test_what_can_not_recur_is_refused(
    act: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Periods without length, intervals without units, days that no month has."""
    with pytest.raises(InvalidInput) as caught:
        act()

    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert remedy in error.remedy
    assert error.remedy


@given(anchor=INSTANTS, at=INSTANTS, interval=INTERVALS, zone=ZONES)
def test_the_period_of_an_instant_may_lie_before_the_anchor(
    anchor: datetime, at: datetime, interval: Interval, zone: str
) -> None:
    """The number is below zero then, and the instant is in its period all the same."""
    assume(at < anchor)

    assert period_number(anchor, interval, zone, at) < 0
    assert period_at(anchor, interval, zone, at).contains(at)
