"""What a change is reckoned with, and what was worked out before; its lines are made in
``_charges`` and ``_credits``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import Factory, field, frozen

from retainkit.billing.prices import Coupon, GivenCoupon
from retainkit.billing.proration._coming import running
from retainkit.billing.proration._policy import ProrationPolicy
from retainkit.billing.proration._shares import Share, share_of
from retainkit.billing.proration._subscription import Subscription, SubscriptionItem
from retainkit.billing.proration._trail import TrailStep, time_steps
from retainkit.billing.proration._whole_amounts import WholeAmount, whole_amounts
from retainkit.timing import Interval, Period


_MOST_REMEMBERED = 512


@frozen(kw_only=True, eq=False)
class Measured:
    """A stretch of time, the share that it is, and the steps that say so."""

    period: Period
    share: Share
    steps: tuple[TrailStep, ...]


def measured(policy: ProrationPolicy, stretch: Period, share: Share) -> Measured:
    """The share with its steps; inside this room only."""
    return Measured(period=stretch, share=share, steps=time_steps(policy, stretch, share))


@frozen(kw_only=True, eq=False)
class Known:
    """What was worked out before, for previews of many subscriptions; never more than some."""

    measured: dict[tuple[object, ...], Measured] = field(factory=dict)
    wholes: dict[tuple[object, ...], tuple[object, dict[str, WholeAmount]]] = field(factory=dict)


@frozen(kw_only=True, eq=False)
class Reckoning:
    """
    What a change is reckoned with; inside this room only.

    Args:
        subscription: As it was.

        policy: The rules.

        interval: How long a period of the new terms is.

        cycle: What shares are shares of.

        since: When the period starts whose coupons are taken off.

        known: What was worked out before.
    """

    subscription: Subscription
    policy: ProrationPolicy
    interval: Interval
    cycle: Period
    since: datetime
    known: Known = Factory(Known)

    def measured(self, stretch: Period, of: Period | None = None) -> Measured:
        """The stretch as a share of the cycle, or of another period."""
        whole = of or self.cycle
        key = (
            stretch.start,
            stretch.end,
            whole.start,
            whole.end,
            self.interval,
            self.subscription.zone,
            self.policy.name,
        )
        found = self.known.measured.get(key)
        if found is None:
            share = share_of(
                stretch,
                self.policy,
                of=whole,
                interval=self.interval,
                zone=self.subscription.zone,
            )
            if len(self.known.measured) >= _MOST_REMEMBERED:
                self.known.measured.clear()
            found = self.known.measured[key] = measured(self.policy, stretch, share)
        return found

    def wholes(self, items: Sequence[SubscriptionItem]) -> Mapping[str, WholeAmount]:
        """What a whole period costs, by item; nothing for metered prices."""
        coupons = self._running(self.subscription.coupons)
        own = {item.id: self._running(item.discounts) for item in items if item.discounts}
        key = (
            *((item.id, id(item.price), item.quantity) for item in items),
            *((name, *map(id, theirs)) for name, theirs in own.items()),
            *map(id, coupons),
        )
        found = self.known.wholes.get(key)
        if found is None:
            if len(self.known.wholes) >= _MOST_REMEMBERED:
                self.known.wholes.clear()
            # The items are kept with the amounts, so that no other object can get their ids.
            found = (items, coupons), whole_amounts(items, coupons, own)
            self.known.wholes[key] = found
        return found[1]

    def _running(self, coupons: tuple[Coupon | GivenCoupon, ...]) -> tuple[Coupon, ...]:
        return running(self.subscription, coupons, self.since) if coupons else ()

    def billed_before(self, id: str) -> int:
        """How many lines were billed for an item, so that ids of new ones differ."""
        return [each.item for each in self.subscription.billed].count(id)
