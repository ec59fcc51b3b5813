"""Coupons, and how long a customer has one; what they take off lines is in ``_discounts``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from attrs import field, frozen

from retainkit.billing.prices._checks import names_of, not_negative, percent_of, same_currency
from retainkit.errors import InvalidInput
from retainkit.money import Money
from retainkit.timing import Interval, utc, zone


class Duration(StrEnum):
    """How long a coupon takes something off, where that is no stretch of time."""

    ONCE = "once"
    """Of the first invoice only."""

    FOREVER = "forever"
    """Until it is taken away, or its event happens."""


@frozen(kw_only=True)
class Coupon:
    """
    What is taken off, of what, and for how long.

    Args:
        id: The host's, or the provider's.

        percent: The percentage taken off, above 0 and up to 100; or else an amount.

        amount: The amount taken off an invoice for a whole period.

        duration: For how long: an interval from the day it is given, once, or forever.

        cap: The most it takes off one invoice.

        until_event: The name of the event that ends it, whenever that happens: a promised
            integration is delivered, say. The duration ends it too, if that is earlier.

        applies_to: The ids of the prices it is for; all of them when empty.

    Raises:
        InvalidInput: ``discount.percent`` over 100 % or not above 0; ``discount.amount`` when
            nothing, or both, are taken off, or the amount or cap is not above zero;
            ``price.mixed_currencies`` for a cap in another currency; ``price.not_exact``.
    """

    id: str
    percent: Decimal | None = None
    amount: Money | None = None
    duration: Duration | Interval = Duration.FOREVER
    cap: Money | None = None
    until_event: str | None = None
    applies_to: frozenset[str] = field(default=frozenset(), converter=names_of)

    def __attrs_post_init__(self) -> None:
        if (self.percent is None) == (self.amount is None):
            raise _wrong_amount("A coupon takes off a percentage or an amount", "amount", None)
        if self.percent is not None:
            percent_of(self.percent)
        for name, amount in (("amount", self.amount), ("cap", self.cap)):
            if amount is not None and not not_negative(amount, name):
                raise _wrong_amount("A coupon takes off more than nothing", name, amount)
        if self.amount is not None and self.cap is not None:
            same_currency(self.cap, self.amount.currency.code, "cap")


def _since(dt: datetime) -> datetime:
    return utc(dt, "since")


@frozen(kw_only=True)
class GivenCoupon:
    """
    A coupon that a customer has.

    Args:
        coupon: What is taken off.

        since: When it was given; kept in UTC.

        zone: The IANA zone whose calendar counts its months.

    Raises:
        InvalidInput: ``time.naive``, ``time.unknown_zone``.
    """

    coupon: Coupon
    since: datetime = field(converter=_since)
    zone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        zone(self.zone)

    def until(self, events: Mapping[str, datetime]) -> datetime | None:
        """
        The instant from which it takes nothing off; None when no end is known.

        Args:
            events: When each event happened that is known to have happened; the first time.
                One that had happened when the coupon was given leaves it no time at all.

        Raises:
            InvalidInput: ``time.naive``.
        """
        ends = []
        if isinstance(self.coupon.duration, Interval):
            ends.append(self.coupon.duration.advance(self.since, 1, self.zone))
        if self.coupon.until_event is not None and self.coupon.until_event in events:
            happened = utc(events[self.coupon.until_event], "events")
            ends.append(max(happened, self.since))
        return min(ends, default=None)

    def runs(self, at: datetime, *, events: Mapping[str, datetime], uses: int = 0) -> bool:
        """
        Whether it takes something off an invoice for a period that starts at this instant.

        Args:
            at: The start of the period.

            events: As in `until`.

            uses: How many invoices it has been taken off before.

        Raises:
            InvalidInput: ``time.naive``.
        """
        instant = utc(at)
        if self.coupon.duration is Duration.ONCE and uses:
            return False
        end = self.until(events)
        return self.since <= instant and (end is None or instant < end)


def _wrong_amount(message: str, name: str, amount: Money | None) -> InvalidInput:
    return InvalidInput(
        message,
        code="discount.amount",
        field=name,
        value=None if amount is None else str(amount.amount),
        remedy="pass either percent or amount, above zero",
    )
