"""Contract terms: what a customer is bound to, and until when notice counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retainkit.timing
from retainkit.errors import InvalidInput
from retainkit.timing import (
    Interval,
    Period,
    Renewal,
    Term,
    Unit,
    contract_end,
    notice_deadline,
    periods,
    renews,
    term_at,
)


LAW = settings(max_examples=1000)

YEARLY, MONTHLY = Interval(unit=Unit.YEAR), Interval(unit=Unit.MONTH)
BERLIN = "Europe/Berlin"
CONSUMER = Renewal.MONTHLY_WITH_ONE_MONTH_NOTICE


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def maybe(text: str | None) -> datetime | None:
    return None if text is None else on(text)


def year(renewal: Renewal, start: str = "2026-04-01", notice: Interval = MONTHLY) -> Term:
    return Term(start=on(start), length=YEARLY, zone="UTC", renewal=renewal, notice=notice)


FIRST = Period(start=on("2026-04-01"), end=on("2027-04-01"))
SECOND = Period(start=on("2027-04-01"), end=on("2028-04-01"))


def test_a_year_can_be_paid_by_the_month() -> None:
    """The term binds, the interval of payment only divides it."""
    term = year(Renewal.NONE)
    bound = term_at(term, on("2026-06-15"))
    assert bound == FIRST

    payments = list(periods(term.start, MONTHLY, term.zone, until=bound.end))

    assert len(payments) == 12
    assert payments[-1].end == bound.end


@pytest.mark.parametrize(
    ("renewal", "at", "bound"),
    [
        (Renewal.NONE, "2027-03-31", FIRST),
        (Renewal.NONE, "2027-04-01", None),
        (Renewal.SAME_TERM, "2026-04-01", FIRST),
        (Renewal.SAME_TERM, "2027-04-01", SECOND),
        (CONSUMER, "2027-03-31", FIRST),
        (CONSUMER, "2027-04-01", None),
    ],
)
def test_a_term_binds_until_its_end(renewal: Renewal, at: str, bound: Period | None) -> None:
    """What follows is another term, or nothing that binds."""
    assert term_at(year(renewal), on(at)) == bound


@pytest.mark.parametrize(
    ("renewal", "at", "deadline"),
    [
        (Renewal.NONE, "2026-05-01", None),
        (Renewal.SAME_TERM, "2026-05-01", "2027-03-01"),
        (Renewal.SAME_TERM, "2027-05-01", "2028-03-01"),
        (CONSUMER, "2026-05-01", "2027-03-01"),
        (CONSUMER, "2027-05-01", None),
    ],
)
def test_notice_has_a_deadline_where_a_term_binds(
    renewal: Renewal, at: str, deadline: str | None
) -> None:
    """No notice is needed where nothing renews; after a consumer's term, any day will do."""
    assert notice_deadline(year(renewal), on(at)) == maybe(deadline)


@pytest.mark.parametrize(
    ("start", "notice", "deadline"),
    [
        ("2026-03-31", MONTHLY, "2027-03-01"),  # February has no 31st: all of it is left
        ("2026-05-31", MONTHLY, "2027-05-01"),
        ("2026-03-28", MONTHLY, "2027-02-28"),
        ("2026-04-01", Interval(count=3, unit=Unit.MONTH), "2027-01-01"),
        ("2026-04-01", Interval(count=30, unit=Unit.DAY), "2027-03-02"),
        ("2026-03-31", Interval(count=30, unit=Unit.DAY), "2027-03-01"),
    ],
)
def test_a_deadline_is_counted_back_from_the_end(
    start: str, notice: Interval, deadline: str
) -> None:
    """In months as section 188 (3) BGB counts them, or in days."""
    term = year(Renewal.SAME_TERM, start, notice)

    assert notice_deadline(term, term.start) == on(deadline)


def test_a_deadline_is_midnight_where_the_customer_is() -> None:
    """The last day of February ends at 23:00Z in Berlin."""
    start = datetime(2026, 3, 30, 22, tzinfo=UTC)  # 31 March, 00:00 in Berlin
    term = Term(start=start, length=YEARLY, zone=BERLIN, renewal=Renewal.SAME_TERM)

    assert notice_deadline(term, start) == datetime(2027, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("renewal", "notice_at", "end"),
    [
        (Renewal.NONE, None, "2027-04-01"),
        (Renewal.NONE, "2026-05-01", "2027-04-01"),
        (Renewal.SAME_TERM, None, None),
        (Renewal.SAME_TERM, "2026-05-01", "2027-04-01"),
        (Renewal.SAME_TERM, "2027-02-28T23:59:59", "2027-04-01"),
        (Renewal.SAME_TERM, "2027-03-01", "2028-04-01"),
        (CONSUMER, None, None),
        (CONSUMER, "2026-05-01", "2027-04-01"),
        (CONSUMER, "2027-02-28T23:59:59", "2027-04-01"),
        (CONSUMER, "2027-03-15", "2027-04-15"),
        (CONSUMER, "2027-08-31", "2027-09-30"),
    ],
)
def test_notice_ends_a_contract(renewal: Renewal, notice_at: str | None, end: str | None) -> None:
    """In time: with the term. Late: a whole term more, or with a consumer a month more."""
    assert contract_end(year(renewal), maybe(notice_at)) == maybe(end)


def test_notice_longer_than_the_term_reaches_past_the_next() -> None:
    """Monthly terms with two months' notice end with the first one that it is in time for."""
    two_months = Interval(count=2, unit=Unit.MONTH)
    term = Term(
        start=on("2026-01-01"),
        length=MONTHLY,
        zone="UTC",
        renewal=Renewal.SAME_TERM,
        notice=two_months,
    )

    assert contract_end(term, on("2026-01-15")) == on("2026-04-01")


@pytest.mark.parametrize(
    ("renewal", "at", "notice_at", "goes_on"),
    [
        (Renewal.NONE, "2026-05-01", None, False),
        (Renewal.NONE, "2027-05-01", None, False),
        (Renewal.SAME_TERM, "2026-05-01", None, True),
        (Renewal.SAME_TERM, "2026-05-01", "2026-05-01", False),
        (Renewal.SAME_TERM, "2026-05-01", "2027-03-15", True),
        (Renewal.SAME_TERM, "2027-05-01", "2027-03-15", False),
        (CONSUMER, "2026-05-01", None, True),
        (CONSUMER, "2026-05-01", "2026-05-01", False),
        (CONSUMER, "2026-05-01", "2027-03-15", True),
        (CONSUMER, "2027-05-01", "2027-04-10", False),
    ],
)
def test_a_contract_goes_on_unless_notice_was_in_time(
    renewal: Renewal, at: str, notice_at: str | None, goes_on: bool
) -> None:
    """What the renewals feature asks before it reminds anybody."""
    assert renews(year(renewal), on(at), maybe(notice_at)) is goes_on


@LAW
@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    length=st.sampled_from([MONTHLY, YEARLY, Interval(count=2, unit=Unit.YEAR)]),
    after=st.timedeltas(timedelta(0), timedelta(days=1200)),
    renewal=st.sampled_from(Renewal),
    zone=st.sampled_from(["UTC", BERLIN, "Asia/Kolkata", "America/Sao_Paulo"]),
)
def test_notice_before_the_deadline_ends_the_term(
    start: datetime, length: Interval, after: timedelta, renewal: Renewal, zone: str
) -> None:
    """Law: before the deadline it ends the running term; from then on it does not."""
    term = Term(start=start, length=length, zone=zone, renewal=renewal)
    notice_at = start + after
    current, deadline = term_at(term, notice_at), notice_deadline(term, notice_at)
    end = contract_end(term, notice_at)

    assert end is not None
    if current is not None and deadline is not None:
        assert end == current.end if notice_at < deadline else end >= current.end
        if renewal is Renewal.SAME_TERM and notice_at >= deadline:
            assert end > current.end
    if renewal is CONSUMER:
        assert end <= max(
            length.advance(start, 1, zone), MONTHLY.advance(notice_at, 1, zone)
        )  # never bound for longer than the law lets


TERM = year(Renewal.SAME_TERM)
EARLY = on("2026-03-31")


@pytest.mark.parametrize(
    ("act", "code", "field", "value", "remedy"),
    [
        *(
            (act, "time.before_start", "at", EARLY.isoformat(), "from 2026-04-01")
            for act in (
                lambda: term_at(TERM, EARLY),
                lambda: notice_deadline(TERM, EARLY),
                lambda: contract_end(TERM, EARLY),
                lambda: contract_end(year(CONSUMER), EARLY),
                lambda: renews(TERM, EARLY),
            )
        ),
        (
            lambda: year(CONSUMER, notice=Interval(count=3, unit=Unit.MONTH)),
            "time.notice",
            "notice",
            "3 month",
            "leave the notice out",
        ),
        (
            lambda: Term(start=EARLY, length=YEARLY, zone="Nowhere", renewal=Renewal.NONE),
            "time.unknown_zone",
            "zone",
            "Nowhere",
            "Europe/Berlin",
        ),
        (
            lambda: Term(
                start=EARLY.replace(tzinfo=None),
                length=YEARLY,
                zone="UTC",
                renewal=Renewal.NONE,
            ),
            "time.naive",
            "start",
            "2026-03-31T00:00:00",
            "tzinfo=UTC",
        ),
    ],
)
def test_what_can_not_be_agreed_is_refused(
    act: Callable[[], object], code: str, field: str, value: object, remedy: str
) -> None:
    """Longer notice than the renewal has, and questions about the time before the contract."""
    with pytest.raises(InvalidInput) as caught:
        act()

    error = caught.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert remedy in error.remedy


def test_the_room_names_all_it_has() -> None:
    """What is loaded later can be listed and had all the same, and nothing else can."""
    for name in retainkit.timing.__all__:
        assert getattr(retainkit.timing, name) is not None
        assert name in dir(retainkit.timing)
    with pytest.raises(AttributeError, match="fortnight"):
        _ = retainkit.timing.fortnight  # type: ignore[attr-defined]
