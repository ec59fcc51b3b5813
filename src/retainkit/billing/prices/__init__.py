"""Prices: what something costs, before tax and rounding; changes are in ``proration``."""

from __future__ import annotations

from retainkit.billing.prices._active_units import ActiveUnits, UnitCount, UnitUse
from retainkit.billing.prices._amounts import prepaid, reduced
from retainkit.billing.prices._catalogue import Catalogue, LadderStep
from retainkit.billing.prices._charge import Charge, ChargePart, PartKind
from retainkit.billing.prices._coupons import Coupon, Duration, GivenCoupon
from retainkit.billing.prices._discounts import (
    DiscountLine,
    Discounts,
    LineDiscount,
    StackingOrder,
    discount,
)
from retainkit.billing.prices._entitlements import Entitlements, Limit, Overlay, entitlements
from retainkit.billing.prices._fees import FeeState, FeeStatus, OneOffFee
from retainkit.billing.prices._payment_options import PaymentOffer, PaymentOption
from retainkit.billing.prices._plans import AddOn, DataTerms, Plan, PlanVersion, Sla, Support
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
    "ActiveUnits",
    "AddOn",
    "Catalogue",
    "Charge",
    "ChargePart",
    "Coupon",
    "DataTerms",
    "DiscountLine",
    "Discounts",
    "Duration",
    "Entitlements",
    "FeeState",
    "FeeStatus",
    "Flat",
    "GivenCoupon",
    "Graduated",
    "LadderStep",
    "Limit",
    "LineDiscount",
    "OneOffFee",
    "Overlay",
    "Package",
    "PartKind",
    "PaymentOffer",
    "PaymentOption",
    "PerUnit",
    "Phase",
    "Plan",
    "PlanVersion",
    "Price",
    "PriceSchedule",
    "ScheduledPrice",
    "Scheme",
    "Sla",
    "StackingOrder",
    "Support",
    "Tier",
    "UnitCount",
    "UnitUse",
    "Usage",
    "Volume",
    "discount",
    "entitlements",
    "prepaid",
    "reduced",
    "stepped_increase",
]
