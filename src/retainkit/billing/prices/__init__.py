"""Prices: what something costs, before tax and rounding; changes are in ``proration``."""

from __future__ import annotations

from retainkit.billing.prices._charge import Charge, ChargePart, PartKind
from retainkit.billing.prices._price import Price, Usage
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
    "Flat",
    "Graduated",
    "Package",
    "PartKind",
    "PerUnit",
    "Price",
    "Scheme",
    "Tier",
    "Usage",
    "Volume",
]
