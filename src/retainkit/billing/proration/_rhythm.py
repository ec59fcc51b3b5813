"""Where periods lie after a change, and which time of them is charged; amounts: ``_charges``."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from retainkit.billing.proration._changes import Terms
from retainkit.billing.proration._policy import Anchor, Behavior, ProrationPolicy
from retainkit.billing.proration._shares import cut
from retainkit.billing.proration._subscription import Subscription
from retainkit.errors import InvalidInput
from retainkit.timing import Period, period_at, utc


@frozen(kw_only=True)
class Rhythm:
    """
    Where periods lie after a change; inside this room only.

    Args:
        anchor: Where they are counted from.

        period: The one that the change is in.

        cycle: What shares of the new terms are shares of.

        whole: Whether a new period begins, and is billed.

        all_items: Whether it is about all items, or about those alone that are changed.
    """

    anchor: datetime
    period: Period
    cycle: Period
    whole: bool = False
    all_items: bool = True


def check_time(subscription: Subscription, instant: datetime) -> None:
    """Refuses an instant at which nothing can change; inside this room only."""
    if subscription.canceled_at is not None:
        raise InvalidInput(
            "A canceled subscription does not change",
            code="proration.canceled",
            field="subscription",
            value=subscription.id,
            remedy="make a new one",
        )
    # A pause, or a trial, may outlast the period that it began in.
    if subscription.paused_at is not None and instant >= subscription.paused_at:
        return
    trial = subscription.trial_end
    if trial is not None and subscription.period.start <= instant < trial:
        return
    if not subscription.period.contains(instant):
        raise InvalidInput(
            "The change is not within the current period",
            code="proration.outside_period",
            field="at",
            value=instant.isoformat(),
            remedy=f"give an instant from {subscription.period.start.isoformat()} to before"
            f" {subscription.period.end.isoformat()}, or renew the subscription first",
        )


def rhythm_after(
    subscription: Subscription,
    terms: Terms,
    instant: datetime,
    policy: ProrationPolicy,
    cycle: Period,
) -> Rhythm | None:
    """Where periods lie then; None when the new ones can only begin with the next period."""
    zone, anchor, interval = subscription.zone, subscription.anchor, terms.interval
    if not terms.active:
        return Rhythm(anchor=anchor, period=subscription.period, cycle=cycle)
    trial = terms.trial_end
    if trial is not None and trial != subscription.trial_end and not terms.begins:
        if policy.anchor is Anchor.RESET:
            period = Period(start=instant, end=trial)
            return Rhythm(anchor=trial, period=period, cycle=period)
        return Rhythm(anchor=anchor, period=subscription.period, cycle=cycle)
    if terms.anchor is not None:
        period = period_at(terms.anchor, interval, zone, instant)
        return Rhythm(anchor=utc(terms.anchor, "anchor"), period=period, cycle=period, whole=True)
    if policy.anchor is Anchor.RESET:
        period = Period(start=instant, end=interval.advance(instant, 1, zone))
        return Rhythm(anchor=instant, period=period, cycle=period, whole=True)
    if interval != subscription.interval:
        if policy.behavior is Behavior.NONE and instant < subscription.period.end:
            return None
        period = period_at(anchor, interval, zone, instant)
        return Rhythm(anchor=anchor, period=period, cycle=period, whole=True)
    if terms.begins:
        period = period_at(anchor, interval, zone, instant)
        same = subscription.period if subscription.period.contains(instant) else period
        return Rhythm(anchor=anchor, period=same, cycle=period)
    return Rhythm(anchor=anchor, period=subscription.period, cycle=cycle, all_items=False)


def cycle_of(subscription: Subscription) -> Period:
    """What shares are shares of: the whole cycle where the period is cut short, else the period."""
    anchored = period_at(
        subscription.anchor, subscription.interval, subscription.zone, subscription.period.start
    )
    return anchored if subscription.period.end <= anchored.end else subscription.period


def time_to_charge(
    subscription: Subscription,
    terms: Terms,
    rhythm: Rhythm,
    instant: datetime,
    policy: ProrationPolicy,
) -> Period | None:
    """The time that new terms are charged for now; None when there is none."""
    if not terms.active or (policy.behavior is Behavior.NONE and not rhythm.whole):
        return None
    start = (
        instant
        if rhythm.period.start == instant
        else cut(rhythm.period, instant, policy, zone=subscription.zone)
    )
    if terms.trial_end is not None and terms.trial_end > instant:
        # The time after a trial is billed when that ends, unless it was billed already.
        started = terms.trial_end != subscription.trial_end
        if started or not any(line.period.end > instant for line in subscription.billed):
            return None
        start = max(start, terms.trial_end)
    return Period(start=start, end=rhythm.period.end) if start < rhythm.period.end else None
