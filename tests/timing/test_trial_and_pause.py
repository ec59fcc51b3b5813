"""Trials before the first period, pauses within one, and how long there is to pay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retainkit.errors import InvalidInput
from retainkit.timing import (
    Interval,
    Period,
    Unit,
    billing_day_anchor,
    local_time,
    payment_deadline,
    periods,
    trial_period,
)


BERLIN = "Europe/Berlin"
MONTH, FORTNIGHT = Interval(unit=Unit.MONTH), Interval(count=2, unit=Unit.WEEK)
THIRTY_DAYS = Interval(count=30, unit=Unit.DAY)


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Period:
    return Period(start=on(start), end=on(end))


def test_paid_periods_follow_a_trial() -> None:
    """30 days of the calendar, clocks changed or not, and not a gap to the first month."""
    trial = trial_period(on("2026-03-10T09:00"), THIRTY_DAYS, BERLIN)

    assert local_time(trial.end, BERLIN).isoformat() == "2026-04-09T10:00:00+02:00"
    paid = list(periods(trial.end, MONTH, BERLIN, count=2))
    assert paid[0].start == trial.end
    assert local_time(paid[1].start, BERLIN).isoformat() == "2026-05-09T10:00:00+02:00"


def test_a_trial_can_end_before_the_billing_day() -> None:
    """The first paid period is then a shorter one."""
    trial = trial_period(on("2026-01-10"), FORTNIGHT, "UTC")
    anchor = billing_day_anchor(trial.end, MONTH, "UTC", day=31)

    first, second = periods(anchor, MONTH, "UTC", since=trial.end, count=2)

    assert (first, second.end) == (span("2026-01-24", "2026-01-31"), on("2026-02-28"))


def test_a_pause_is_taken_out_of_its_period() -> None:
    """What is left is what was used; pauses may overlap, and reach outside."""
    june = span("2026-06-01", "2026-07-01")
    assert june.without() == (june,)
    assert june.without(span("2026-06-10", "2026-06-20")) == (
        span("2026-06-01", "2026-06-10"),
        span("2026-06-20", "2026-07-01"),
    )
    assert june.without(span("2026-06-18", "2026-08-01"), span("2026-05-01", "2026-06-03")) == (
        span("2026-06-03", "2026-06-18"),
    )
    assert june.without(span("2026-05-01", "2026-07-01")) == ()
    assert june.without(span("2026-07-01", "2026-08-01")) == (june,)


def test_after_a_pause_the_anchor_is_kept_or_new() -> None:
    """Kept, the next period ends as it would have; new, a whole one starts with the return."""
    anchor, resumed = on("2026-01-31"), on("2026-03-12")

    (kept,) = islice(periods(anchor, MONTH, "UTC", since=resumed), 1)
    (new,) = islice(periods(resumed, MONTH, "UTC"), 1)

    assert (kept, new) == (span("2026-03-12", "2026-03-31"), span("2026-03-12", "2026-04-12"))


hours = st.integers(0, 800)
spans = st.tuples(hours, st.integers(1, 300)).map(
    lambda drawn: Period(
        start=on("2026-01-01") + timedelta(hours=drawn[0]),
        end=on("2026-01-01") + timedelta(hours=drawn[0] + drawn[1]),
    )
)


@settings(max_examples=300)
@given(spans, st.lists(spans, max_size=4))
def test_what_is_left_and_what_is_taken_are_the_period(
    period: Period, pauses: list[Period]
) -> None:
    """Law: every hour is in exactly one of the two, and what is left is in order and apart."""
    left = period.without(*pauses)

    assert all(before.end < after.start for before, after in pairwise(left))
    at = period.start
    while at < period.end:
        paused = any(pause.contains(at) for pause in pauses)
        assert sum(part.contains(at) for part in left) == (not paused)
        at += timedelta(hours=1)


@pytest.mark.parametrize(
    ("issued", "net", "deadline"),
    [
        ("2026-01-31T10:00", THIRTY_DAYS, "2026-03-03"),
        ("2026-01-31T22:59", Interval(count=60, unit=Unit.DAY), "2026-04-02"),
        ("2026-01-31T23:01", Interval(count=60, unit=Unit.DAY), "2026-04-03"),
        ("2026-01-31T10:00", MONTH, "2026-03-01"),
        ("2028-01-31T10:00", MONTH, "2028-03-01"),
        ("2026-03-15T10:00", FORTNIGHT, "2026-03-30"),
    ],
)
def test_an_invoice_has_its_time_to_be_paid(issued: str, net: Interval, deadline: str) -> None:
    """The day of issue does not count, the last day does, to midnight in Berlin."""
    due = payment_deadline(on(issued), net, BERLIN)

    assert local_time(due, BERLIN).replace(tzinfo=None) == datetime.fromisoformat(deadline)


def test_an_invoice_is_issued_at_an_instant() -> None:
    """A date without a zone is none."""
    with pytest.raises(InvalidInput) as caught:
        payment_deadline(datetime(2026, 1, 31), MONTH, BERLIN)

    error = caught.value
    assert (error.code, error.field, error.value, error.remedy) == (
        "time.naive",
        "issued_at",
        "2026-01-31T00:00:00",
        "give it a zone: datetime(..., tzinfo=UTC)",
    )
