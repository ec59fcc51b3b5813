"""How other systems prorate, as plain policies; each says which laws of ours it breaks, and where
that is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from retainkit.billing.proration._policy import (
    Behavior,
    ChangeDay,
    CreditBasis,
    Denominator,
    Granularity,
    Leftover,
    PartialCycle,
    ProrationPolicy,
)


class Law(StrEnum):
    """What a policy can be held to; `RECOMMENDED` keeps all."""

    ONE_UNIT = "one_unit"
    """A line is within one minor unit of its exact amount."""

    SPLIT_IS_WHOLE = "split_is_whole"
    """The shares of the parts of a period add up to one, exactly."""

    KEPT_PLUS_CREDITED = "kept_plus_credited"
    """What is kept of a billed line and what is credited for it are the line."""

    UP_AND_DOWN = "up_and_down"
    """A change that is undone at the same instant costs nothing."""

    CREDIT_CAP = "credit_cap"
    """The credits for a billed line never exceed it."""


STRIPE_CLASSIC = ProrationPolicy(
    name="stripe_classic",
    behavior=Behavior.CREATE,
    credit_basis=CreditBasis.CURRENT_PRICE,
    cap_credits=False,
)
"""Seconds; credits of the current price, though it may never have been billed, less the whole of
a coupon that several items share.
https://docs.stripe.com/billing/subscriptions/prorations"""

STRIPE_FLEXIBLE = ProrationPolicy(name="stripe_flexible", behavior=Behavior.CREATE)
"""Seconds; credits of what was last billed.
https://docs.stripe.com/billing/subscriptions/prorations"""

CHARGEBEE = ProrationPolicy(name="chargebee", granularity=Granularity.DAY)
"""Days of the current term; a site can be set to milliseconds instead.
https://www.chargebee.com/docs/proration-old.html"""

LAGO = ProrationPolicy(
    name="lago",
    granularity=Granularity.DAY,
    cancel_day=ChangeDay.OLD,
    leftover=Leftover.CREDIT_NOTE,
)
"""Days in the customer's zone over the whole anchored period; the day of a change is the new
plan's, that of a termination the old one's. Lago reckons in floats and truncates; this is exact.
getlago/lago-api, spec/services/credit_notes/create_from_termination_spec.rb"""

KILLBILL = ProrationPolicy(
    name="killbill",
    granularity=Granularity.DAY,
    partial_cycle=PartialCycle.FROM_BOUNDARY,
    factor_scale=9,
)
"""Days in the account's zone; the share has nine decimals, half up.
killbill/killbill, org/killbill/billing/invoice/generator/InvoiceDateUtils.java
"""

ZUORA_30_360 = ProrationPolicy(
    name="zuora_30_360", granularity=Granularity.DAY, denominator=Denominator.STRICT_30_360
)
"""Every month has 30 days. https://docs.zuora.com, "When prorating a month, assume 30 days in a
month or use actual days"."""

SILVER = ProrationPolicy(name="silver", granularity=Granularity.MONTH, amount_scale=4)
"""Months as fractions; the amount is first rounded to four decimals, half to even.
silverapp/silver, silver/utils/dates.py and silver/models/subscriptions.py"""

BROKEN_LAWS: Mapping[str, frozenset[Law]] = MappingProxyType(
    {
        "recommended": frozenset(),
        "stripe_flexible": frozenset(),
        "chargebee": frozenset(),
        "lago": frozenset(),
        "stripe_classic": frozenset({Law.KEPT_PLUS_CREDITED, Law.UP_AND_DOWN, Law.CREDIT_CAP}),
        "killbill": frozenset({Law.ONE_UNIT, Law.SPLIT_IS_WHOLE, Law.UP_AND_DOWN}),
        "zuora_30_360": frozenset({Law.SPLIT_IS_WHOLE}),
        "silver": frozenset({Law.SPLIT_IS_WHOLE}),
    }
)
"""The laws that each profile breaks, by its name; the reason is that of the profile itself."""

PROFILES: Mapping[str, ProrationPolicy] = MappingProxyType(
    {
        policy.name: policy
        for policy in (
            STRIPE_CLASSIC,
            STRIPE_FLEXIBLE,
            CHARGEBEE,
            LAGO,
            KILLBILL,
            ZUORA_30_360,
            SILVER,
        )
    }
)
"""The profiles of other systems, by name."""
