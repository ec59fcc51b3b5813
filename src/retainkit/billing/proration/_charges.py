"""What is charged: a period, the rest of one, a fee; what is given back is in ``_credits``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from retainkit.billing.proration._amounts import to_whole
from retainkit.billing.proration._coming import running
from retainkit.billing.proration._line import Line, LineKind
from retainkit.billing.proration._policy import ProrationPolicy
from retainkit.billing.proration._reckoning import Measured, Reckoning
from retainkit.billing.proration._subscription import Subscription, SubscriptionItem
from retainkit.billing.proration._trail import rounding_step
from retainkit.billing.proration._whole_amounts import WholeAmount, whole_amounts
from retainkit.money import from_minor
from retainkit.timing import Period


def period_lines(
    reckoning: Reckoning, items: Sequence[SubscriptionItem], stretch: Period
) -> Iterator[Line]:
    """The lines that bill a period, or all of it that is billed; none for metered prices."""
    wholes = reckoning.wholes(items)
    time = reckoning.measured(stretch)
    for item in items:
        if item.id in wholes:
            yield charge_line(reckoning, item, wholes[item.id], time, LineKind.PERIOD)


def charge_line(
    reckoning: Reckoning,
    item: SubscriptionItem,
    whole: WholeAmount,
    time: Measured,
    kind: LineKind,
) -> Line:
    """The charge of an item for a stretch of time."""
    policy, subscription = reckoning.policy, reckoning.subscription
    exact = whole.net * time.share.fraction
    units = to_whole(exact, subscription.currency, policy)
    number = reckoning.billed_before(item.id)
    start = time.period.start.isoformat()
    return Line(
        id=f"{subscription.id}/{item.id}/{start}/{number}",
        item=item.id,
        kind=kind,
        net=from_minor(units, subscription.currency),
        exact=exact,
        quantity=item.quantity,
        period=time.period,
        price=item.price,
        trail=(
            *time.steps,
            *whole.trail,
            rounding_step(policy, exact, units),
        ),
    )


def fee_line(
    subscription: Subscription, item: SubscriptionItem, policy: ProrationPolicy, at: datetime
) -> Line:
    """A fee that is charged once, and whole."""
    own = {item.id: running(subscription, item.discounts, at)}
    whole = whole_amounts((item,), (), own)[item.id]
    units = to_whole(whole.net, subscription.currency, policy)
    return Line(
        id=f"{subscription.id}/{item.id}/fee/{at.isoformat()}",
        item=item.id,
        kind=LineKind.ONE_OFF,
        net=from_minor(units, subscription.currency),
        exact=whole.net,
        quantity=item.quantity,
        period=None,
        price=item.price,
        trail=(*whole.trail, rounding_step(policy, whole.net, units)),
    )
