"""What a price comes to, part by part, before rounding; ``_price`` works it out."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from attrs import frozen

from retainkit.money import Money, Rounding, from_minor, round_fraction


class PartKind(StrEnum):
    """What a part of a charge is for."""

    FLAT = "flat"
    """The amount of a flat price."""

    UNITS = "units"
    """Units at one price."""

    PACKAGES = "packages"
    """Whole packages."""

    TIER_UNITS = "tier_units"
    """Units at the price of a tier."""

    TIER_FLAT = "tier_flat"
    """The fee of a tier."""

    INCLUDED = "included"
    """Units that are included: they cost nothing."""

    MINIMUM = "minimum"
    """What is missing to the minimum; `unit` is the whole minimum."""


@frozen(kw_only=True)
class ChargePart:
    """
    One part: its quantity times the price of one times the share is its exact amount.

    Args:
        kind: What it is for. Of `PartKind.MINIMUM` alone, the amount is less than the product.

        quantity: How many; 1 of a fee.

        unit: The price of one.

        share: The part of the period that is charged; 1 for what was used up, as metered units.

        exact: The amount in minor units (ISO), not rounded.

        tier: The number of the tier, from 1; None where there are no tiers.
    """

    kind: PartKind
    quantity: Fraction
    unit: Money
    share: Fraction
    exact: Fraction
    tier: int | None = None


@frozen(kw_only=True)
class Charge:
    """
    What a quantity costs, exactly, and how that came about.

    Args:
        currency: Its code.

        quantity: The quantity that was asked for, included units and all.

        share: The part of the period that was asked for.

        exact: The amount in minor units (ISO), not rounded: the sum of the parts.

        parts: What it is made of; none is left out, also when it comes to nothing.
    """

    currency: str
    quantity: Fraction
    share: Fraction
    exact: Fraction
    parts: tuple[ChargePart, ...]

    def amount(self, rounding: Rounding) -> Money:
        """The charge as money, rounded once to the currency's minor unit."""
        return from_minor(round_fraction(self.exact, rounding), self.currency)
