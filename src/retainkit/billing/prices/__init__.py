"""Prices: what something costs, before tax and rounding; changes are in ``proration``."""

from __future__ import annotations

from retainkit.billing.prices._amounts import prepaid, reduced
from retainkit.billing.prices._charge import Charge, ChargePart, PartKind
from retainkit.billing.prices._coupons import Coupon, Duration, GivenCoupon
from retainkit.billing.prices._discounts import (
    DiscountLine,
    Discounts,
    LineDiscount,
    StackingOrder,
    discount,
)
from retainkit.billing.prices._price import Price, Usage
from retainkit.billing.prices._schedules import (
    Phase,
    PriceSchedule,
    ScheduledPrice,
    stepped_increase,
)
from retainkit.billing.prices._schemes import (
    Flat,
    Graduated,
    Package,
    PerUnit,
    Scheme,
    Tier,
    Volume,
)


__all__ = [
    "Charge",
    "ChargePart",
    "Coupon",
    "DiscountLine",
    "Discounts",
    "Duration",
    "Flat",
    "GivenCoupon",
    "Graduated",
    "LineDiscount",
    "Package",
    "PartKind",
    "PerUnit",
    "Phase",
    "Price",
    "PriceSchedule",
    "ScheduledPrice",
    "Scheme",
    "StackingOrder",
    "Tier",
    "Usage",
    "Volume",
    "discount",
    "prepaid",
    "reduced",
    "stepped_increase",
]
