"""Which stretches of time are billed up to a date, and as what share of a cycle; no amount."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from attrs import frozen

from retainkit.billing.proration._policy import PartialCycle, ProrationPolicy
from retainkit.billing.proration._shares import Share, share_of
from retainkit.errors import InvalidInput
from retainkit.money import Money, to_units
from retainkit.timing import (
    Interval,
    Period,
    Unit,
    billing_day_anchor,
    local_time,
    period_at,
    periods,
    utc,
    wall_time,
)


if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class BillingTiming(StrEnum):
    """Whether a period is billed at its start or at its end."""

    ADVANCE = "advance"
    """At its start."""

    ARREARS = "arrears"
    """At its end."""


@frozen(kw_only=True)
class Slice:
    """A stretch that is billed, and the share of a whole cycle that it is."""

    period: Period
    share: Share


@frozen(kw_only=True)
class Schedule:
    """What is billed up to a date."""

    slices: tuple[Slice, ...]

    @property
    def cycles(self) -> Fraction:
        """How many cycles that is; as exact as the policy keeps shares."""
        return sum((each.share.fraction for each in self.slices), Fraction(0))


def cycle_anchor(
    start: datetime, interval: Interval, zone: str | ZoneInfo, *, day: int
) -> datetime:
    """
    The anchor for a billing day in the month of the start, or whole intervals from there.

    A yearly subscription of 20 June with billing day 15 has boundaries on 15 June: the first is
    almost a year later. `retainkit.timing.billing_day_anchor` would take the next 15 July.

    Raises:
        InvalidInput: as `retainkit.timing.billing_day_anchor`.
    """
    local = local_time(start, zone)
    first = wall_time(local.date().replace(day=1), local.time(), zone)
    return billing_day_anchor(first, interval, zone, day=day)


def schedule(
    start: datetime,
    interval: Interval,
    *,
    until: datetime,
    policy: ProrationPolicy,
    zone: str | ZoneInfo = "UTC",
    anchor: datetime | None = None,
    end: datetime | None = None,
    timing: BillingTiming = BillingTiming.ADVANCE,
) -> Schedule:
    """
    What has been billed when the invoices up to a date are written.

    In advance, that is every period that starts at the date or before; in arrears, every one that
    ends at it or before.

    Args:
        start: Where the first stretch starts.

        interval: The length of a cycle.

        until: The date up to which invoices are written.

        policy: How stretches that are shorter than a cycle are measured.

        zone: Whose calendar counts.

        anchor: Where cycles start; the start unless given.

        end: Where the last one ends, if there is an end.

        timing: When a period is billed.

    Raises:
        InvalidInput: ``proration.date_order`` when the end or `until` lies before the start.
    """
    begin, last = utc(start, "start"), utc(until, "until")
    for name, instant in (("end", end), ("until", last)):
        if instant is not None and utc(instant, name) < begin:
            raise InvalidInput(
                "This date lies before the start",
                code="proration.date_order",
                field=name,
                value=instant.isoformat(),
                remedy=f"give one from {begin.isoformat()} on",
            )
    if end is not None and utc(end, "end") == begin:
        return Schedule(slices=())
    origin = begin if anchor is None else anchor
    billed = []
    for period in periods(origin, interval, zone, since=begin, until=end):
        due = period.start if timing is BillingTiming.ADVANCE else period.end
        if due > last:
            break
        cycle = _cycle(period, origin, interval, zone, policy)
        billed.append(
            Slice(
                period=period,
                share=share_of(period, policy, of=cycle, interval=interval, zone=zone),
            )
        )
    return Schedule(slices=tuple(billed))


def due_period(
    anchor: datetime,
    interval: Interval,
    zone: str | ZoneInfo,
    *,
    at: datetime,
    timing: BillingTiming,
    ended: bool = False,
    since: datetime | None = None,
) -> Period:
    """
    The whole period that an invoice written at an instant is for.

    In advance, and at a termination, the one that the instant is in; in arrears, the last one that
    is over, or the one that it is in where none is over since the subscription began.

    Args:
        anchor: The original one.

        interval: The length of a period.

        zone: Whose calendar counts.

        at: When the invoice is written.

        timing: When a period is billed.

        ended: Whether the subscription ends then.

        since: When the subscription began; the anchor unless given.

    Raises:
        InvalidInput: as `retainkit.timing.period_at`.
    """
    current = period_at(anchor, interval, zone, at)
    begun = utc(anchor if since is None else since, "since")
    if timing is BillingTiming.ADVANCE or ended or current.start <= begun:
        return current
    return period_at(anchor, interval, zone, current.start - timedelta(seconds=1))


def paid_until(
    credit: Money, price: Money, *, at: datetime, of: Period, zone: str | ZoneInfo = "UTC"
) -> datetime:
    """
    Until when a credit pays for new terms, where the date is moved instead of an amount charged.

    In whole days of the new price, the last one begun in the customer's favour: 15.00 at 60.00 for
    30 days are 7.5, so 8 days. So app stores do it.

    Args:
        credit: What is left of the old terms.

        price: What a whole period of the new terms costs.

        at: When they begin; whole days are counted from it.

        of: The period that the price is for.

        zone: Whose days count.

    Raises:
        InvalidInput: ``proration.free`` when the new terms cost nothing.
    """
    if not to_units(price):
        raise InvalidInput(
            "What costs nothing is never used up",
            code="proration.free",
            field="price",
            value=str(price.amount),
            remedy="give the credit back, or carry it",
        )
    days = (local_time(of.end, zone).date() - local_time(of.start, zone).date()).days
    bought = ceil(to_units(credit) * days / to_units(price))
    return utc(at) if not bought else Interval(count=bought, unit=Unit.DAY).advance(at, 1, zone)


def _cycle(
    period: Period,
    anchor: datetime,
    interval: Interval,
    zone: str | ZoneInfo,
    policy: ProrationPolicy,
) -> Period:
    whole = period_at(anchor, interval, zone, period.start)
    if whole == period or policy.partial_cycle is PartialCycle.ANCHORED:
        return whole
    if period.end == whole.end:  # a first one: measured back from its boundary
        return Period(start=interval.advance(period.end, -1, zone), end=period.end)
    return Period(start=whole.start, end=interval.advance(whole.start, 1, zone))
