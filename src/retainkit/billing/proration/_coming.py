"""Which terms hold from an instant on: what is to come, phases of prices, coupons that run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve, frozen

from retainkit.billing.prices import Coupon, Duration, GivenCoupon
from retainkit.billing.proration._subscription import Subscription, SubscriptionItem
from retainkit.timing import Interval, Period, period_at


@frozen(kw_only=True)
class Coming:
    """
    What is billed next; inside this room only.

    Args:
        items: As they are then.

        interval: Theirs.

        anchor: Where periods are counted from then.

        cycle: The whole period that the instant is in.

        period: The part of it that is billed.

        turned: Whether it is another period than the current one.
    """

    items: tuple[SubscriptionItem, ...]
    interval: Interval
    anchor: datetime
    cycle: Period
    period: Period
    turned: bool


def coming(subscription: Subscription) -> Coming:
    """What is billed next: the next period, or what follows a trial; inside this room only."""
    start = subscription.period.end
    trial = subscription.trial_end
    if trial is not None and not any(line.period.end > trial for line in subscription.billed):
        start = trial if trial >= subscription.period.start else start
    turned = start >= subscription.period.end
    items, anchor = subscription.items, subscription.anchor
    if turned:
        items = items_from(subscription, subscription.upcoming or items, start)
        anchor = subscription.upcoming_anchor or anchor
    interval = items[0].price.interval or subscription.interval
    cycle = period_at(anchor, interval, subscription.zone, start)
    return Coming(
        items=items,
        interval=interval,
        anchor=anchor,
        cycle=cycle,
        period=Period(start=start, end=cycle.end),
        turned=turned,
    )


def items_from(
    subscription: Subscription, items: tuple[SubscriptionItem, ...], since: datetime
) -> tuple[SubscriptionItem, ...]:
    """The items as they are in a period that starts at an instant; inside this room only."""
    if since <= subscription.period.start:
        return items
    return tuple(
        each
        if each.schedule is None and not each.discounts
        else evolve(
            each,
            price=each.price if each.schedule is None else each.schedule.price_at(since).price,
            discounts=unspent(subscription, each.discounts, since),
        )
        for each in items
    )


def unspent(
    subscription: Subscription, coupons: tuple[Coupon | GivenCoupon, ...], since: datetime
) -> tuple[Coupon | GivenCoupon, ...]:
    """The coupons without those for one invoice that were taken off one; inside this room only."""
    return tuple(each for each in coupons if not _uses(subscription, each, since))


def running(
    subscription: Subscription, coupons: Iterable[Coupon | GivenCoupon], since: datetime
) -> tuple[Coupon, ...]:
    """The coupons that are taken off a period that starts then; inside this room only."""
    found = []
    for each in coupons:
        uses = _uses(subscription, each, since)
        if isinstance(each, Coupon):
            if not uses:
                found.append(each)
        elif each.runs(since, events=subscription.events, uses=uses):
            found.append(each.coupon)
    return tuple(found)


def _uses(subscription: Subscription, given: Coupon | GivenCoupon, since: datetime) -> int:
    """How often a coupon for one invoice was taken off one before; 0 for all others."""
    coupon = given if isinstance(given, Coupon) else given.coupon
    start = subscription.period.start
    if coupon.duration is not Duration.ONCE or since <= start or not subscription.billed:
        return 0
    return int(isinstance(given, Coupon) or given.since <= start)
