"""Contract terms: how long a customer is bound, apart from when payments are due."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from attrs import field, frozen

from retainkit.errors import InvalidInput
from retainkit.timing._instants import local_time, utc, wall_time, zone
from retainkit.timing._intervals import Interval, Unit, period_at
from retainkit.timing._periods import Period


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_ONE_MONTH = Interval(unit=Unit.MONTH)


class Renewal(StrEnum):
    """What follows when a term ends and nobody has given notice."""

    NONE = "none"
    """Nothing: the contract ends."""

    SAME_TERM = "same_term"
    """Another term of the same length. Not with consumers in Germany, see the next."""

    MONTHLY_WITH_ONE_MONTH_NOTICE = "monthly_with_one_month_notice"
    """No term at all: it goes on until a month after notice, given on any day. All that section
    309 no. 9 BGB leaves with consumers, for contracts made since 1 March 2022."""


def _start(dt: datetime) -> datetime:
    return utc(dt, "start")


@frozen(kw_only=True)
class Term:
    """
    What was agreed: a year, for example, whatever the interval of payment is.

    Args:
        start: When the first term starts; the anchor of all that follow. Kept in UTC.

        length: The length of a term.

        zone: The IANA zone whose calendar counts.

        renewal: What follows when nobody has given notice.

        notice: How long before the end notice must be given; one month unless given.

    Raises:
        InvalidInput: ``time.naive``; ``time.unknown_zone``; ``time.notice`` when a renewal with
            one month's notice is given another one.
    """

    start: datetime = field(converter=_start)
    length: Interval
    zone: str
    renewal: Renewal
    notice: Interval = _ONE_MONTH

    def __attrs_post_init__(self) -> None:
        zone(self.zone)
        fixed = self.renewal is Renewal.MONTHLY_WITH_ONE_MONTH_NOTICE
        if fixed and self.notice != _ONE_MONTH:
            raise InvalidInput(
                "This renewal has one month's notice",
                code="time.notice",
                field="notice",
                value=f"{self.notice.count} {self.notice.unit}",
                remedy="leave the notice out, or choose another renewal",
            )


def term_at(term: Term, at: datetime) -> Period | None:
    """
    The term that binds the customer at this instant if no notice was given; None when none does.

    Raises:
        InvalidInput: ``time.before_start``.
    """
    running = _running(term, at)
    match term.renewal:
        case Renewal.SAME_TERM:
            return running
        case Renewal.NONE | Renewal.MONTHLY_WITH_ONE_MONTH_NOTICE:
            return running if running.start == term.start else None
        case _:
            assert_never(term.renewal)


def notice_deadline(term: Term, at: datetime) -> datetime | None:
    """
    The instant before which notice must arrive to end the contract with the term running then.

    None when no notice is needed, or when it can be given on any day. Where the month of the
    deadline is too short for its day, the whole of that month is left (section 188 (3) BGB): to
    end on 31 March at midnight, notice must arrive before 1 March.

    Raises:
        InvalidInput: ``time.before_start``.
    """
    current = term_at(term, at)
    if current is None or term.renewal is Renewal.NONE:
        return None
    return _deadline(term, current.end)


def contract_end(term: Term, notice_at: datetime | None) -> datetime | None:
    """
    When the contract ends, given when notice arrived (None: none did); None when it goes on.

    Raises:
        InvalidInput: ``time.before_start`` when notice arrived before the start.
    """
    match term.renewal:
        case Renewal.NONE:
            return term.length.advance(term.start, 1, term.zone)
        case Renewal.SAME_TERM:
            return None if notice_at is None else _end_after_notice(term, utc(notice_at))
        case Renewal.MONTHLY_WITH_ONE_MONTH_NOTICE:
            if notice_at is None:
                return None
            current = term_at(term, notice_at)
            earliest = term.notice.advance(notice_at, 1, term.zone)
            return earliest if current is None else max(current.end, earliest)
        case _:
            assert_never(term.renewal)


def payment_deadline(issued_at: datetime, net: Interval, zone: str | ZoneInfo) -> datetime:
    """
    The instant before which an invoice must be paid: 30 days net, 60 days net, a month net.

    The day of the invoice does not count, and the last day counts to its end (sections 187 and
    188 BGB): of an invoice of 31 January, due within 30 days, the deadline is 3 March at midnight,
    where the customer is. Weekends and holidays move nothing: where the law moves the last day
    (section 193 BGB), that is a date that the host knows.

    Args:
        issued_at: When the invoice was issued.

        net: The time for payment.

        zone: Whose calendar counts: an IANA name or a `ZoneInfo`.

    Raises:
        InvalidInput: ``time.naive``, ``time.unknown_zone``, ``time.out_of_range``.
    """
    issued = local_time(issued_at, zone, "issued_at")
    last = net.advance(wall_time(issued.date(), time(12), zone), 1, zone)
    return wall_time(local_time(last, zone).date() + timedelta(days=1), time(), zone)


def renews(term: Term, at: datetime, notice_at: datetime | None = None) -> bool:
    """
    Whether the contract goes on after the term running at this instant.

    Raises:
        InvalidInput: ``time.before_start``.
    """
    current = term_at(term, at)
    end = contract_end(term, notice_at)
    if end is None:
        return True
    return current is not None and end > current.end


def _end_after_notice(term: Term, notice_at: datetime) -> datetime:
    """The end of the term in which notice arrived, or of the first it came in time for."""
    current = _running(term, notice_at)
    while notice_at >= _deadline(term, current.end):
        current = _running(term, current.end)
    return current.end


def _running(term: Term, at: datetime) -> Period:
    instant = utc(at)
    if instant < term.start:
        raise InvalidInput(
            "The contract has not started then",
            code="time.before_start",
            field="at",
            value=instant.isoformat(),
            remedy=f"ask for an instant from {term.start.isoformat()} on",
        )
    return period_at(term.start, term.length, term.zone, instant)


def _deadline(term: Term, end: datetime) -> datetime:
    there = zone(term.zone)
    deadline = term.notice.advance(end, -1, there)
    last, local = end.astimezone(there), deadline.astimezone(there)
    if term.notice.months and local.day < last.day:
        return wall_time(local.date() + timedelta(days=1), time(), there)
    return deadline
