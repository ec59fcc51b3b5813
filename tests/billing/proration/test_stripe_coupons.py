"""A coupon of five dollars over two items, and Stripe's two ways to credit one of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from retainkit.billing.prices import Coupon, PerUnit, Price
from retainkit.billing.proration import (
    STRIPE_CLASSIC,
    STRIPE_FLEXIBLE,
    ProrationPolicy,
    RemoveItem,
    Subscription,
    SubscriptionItem,
    preview_change,
    preview_start,
)
from retainkit.money import from_minor
from retainkit.timing import Interval, Period


JUNE = Period(start=datetime(2026, 6, 1, tzinfo=UTC), end=datetime(2026, 7, 1, tzinfo=UTC))
MONTHLY = Interval(count=1, unit="month")


def _item(id: str, cents: int) -> SubscriptionItem:
    scheme = PerUnit(amount=from_minor(cents, "USD"))
    return SubscriptionItem(
        id=id, price=Price(id=id, currency="USD", scheme=scheme, interval=MONTHLY)
    )


@pytest.mark.parametrize(
    ("policy", "credit"),
    [(STRIPE_CLASSIC, -250), (STRIPE_FLEXIBLE, -417)],
    ids=["classic", "flexible"],
)
def test_a_coupon_lowers_the_credit_of_a_removed_item(policy: ProrationPolicy, credit: int) -> None:
    """Classic takes all of it off the item; flexible what was taken off when it was billed."""
    started = preview_start(
        Subscription(
            id="sub",
            customer="ada",
            currency="USD",
            items=(_item("ten", 1000), _item("twenty", 2000)),
            anchor=JUNE.start,
            zone="UTC",
            interval=MONTHLY,
            period=JUNE,
            coupons=(Coupon(id="five-off", amount=from_minor(500, "USD")),),
        ),
        policy=policy,
    ).after
    preview = preview_change(
        started, RemoveItem(item="ten"), at=datetime(2026, 6, 16, tzinfo=UTC), policy=policy
    )
    assert [line.net for line in preview.credits] == [from_minor(credit, "USD")]
