"""Money: exact amounts, minor units, rounding, splitting; no price, tax or clock lives here.

The only door to py-moneyed: its `Money` is the type at the edge of retainkit, but it takes floats,
NaN and infinity, rounds in the caller's decimal context, and can be changed. Make amounts with
`money` or `from_minor`, calculate in minor units, and round where you say so.
"""

from __future__ import annotations

from moneyed import Currency, Money

from retainkit.money._allocation import AllocationStrategy, allocate, allocate_units
from retainkit.money._amounts import from_json, from_minor, money, to_json, to_minor, to_units
from retainkit.money._format import format_money
from retainkit.money._rounding import Rounding, round_fraction, rounded, share
from retainkit.money._sums import compare, total
from retainkit.money._units import (
    ISO,
    STRIPE,
    STRIPE_PAYOUTS,
    UnitProfile,
    currency_of,
    minor_digits,
)


__all__ = [
    "ISO",
    "STRIPE",
    "STRIPE_PAYOUTS",
    "AllocationStrategy",
    "Currency",
    "Money",
    "Rounding",
    "UnitProfile",
    "allocate",
    "allocate_units",
    "compare",
    "currency_of",
    "format_money",
    "from_json",
    "from_minor",
    "minor_digits",
    "money",
    "round_fraction",
    "rounded",
    "share",
    "to_json",
    "to_minor",
    "to_units",
    "total",
]
