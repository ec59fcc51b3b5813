"""A price: a scheme, a currency, an interval, and what a quantity comes to; no discount, no tax."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import assert_never

from attrs import field, frozen

from retainkit.billing.prices._charge import Charge, ChargePart, PartKind
from retainkit.billing.prices._checks import (
    code_of,
    not_negative,
    quantity_of,
    same_currency,
    share_of,
    whole,
)
from retainkit.billing.prices._schemes import (
    Flat,
    Graduated,
    Package,
    PerUnit,
    Scheme,
    Tier,
    Volume,
    amounts_of,
)
from retainkit.billing.tax import TaxBehavior
from retainkit.errors import InvalidInput
from retainkit.money import Money, from_minor
from retainkit.timing import Interval


_ONE, _ZERO = Fraction(1), Fraction(0)


class Usage(StrEnum):
    """What the quantity is."""

    LICENSED = "licensed"
    """A level that is paid for whether it is used or not, such as seats."""

    METERED = "metered"
    """What was used up in the period, such as requests or active users."""


@frozen(kw_only=True)
class Price:
    """
    What something costs in one currency and one interval.

    Args:
        id: The host's, or the provider's.

        currency: An ISO 4217 code, kept in upper case.

        scheme: How it counts.

        interval: How often it is charged; None for a one-off fee.

        usage: What the quantity is.

        included: Units that cost nothing, the first ones.

        minimum: The least that a whole period costs, also when nothing was used.

        tax_behavior: Whether the amounts contain tax.

        tax_category: The key of the tax category of what is sold.

    Raises:
        InvalidInput: ``price.mixed_currencies``, ``price.scheme``, ``price.not_whole``,
            ``price.negative_amount``, ``money.unknown_currency``.
    """

    id: str
    currency: str = field(converter=code_of)
    scheme: Scheme
    interval: Interval | None
    usage: Usage = Usage.LICENSED
    included: int = 0
    minimum: Money | None = None
    tax_behavior: TaxBehavior = TaxBehavior.EXCLUSIVE
    tax_category: str = "standard"
    _nothing: Money = field(init=False, eq=False, repr=False)

    @_nothing.default
    def _no_money(self) -> Money:
        return from_minor(0, self.currency)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.scheme, Scheme):
            raise InvalidInput(
                "There is no such scheme of prices",
                code="price.scheme",
                field="scheme",
                value=self.scheme,
                remedy="pass a Flat, PerUnit, Package, Graduated or Volume",
            )
        tiered = isinstance(self.scheme, Graduated | Volume)
        for amount in amounts_of(self.scheme):
            same_currency(amount, self.currency, "tiers" if tiered else "amount")
        whole(self.included, "included", least=0)
        if self.minimum is not None:
            not_negative(self.minimum, "minimum")
            same_currency(self.minimum, self.currency, "minimum")

    def charge(
        self,
        quantity: int | Fraction,
        *,
        share: int | Fraction = 1,
        prorate_included: bool = False,
        prorate_tiers: bool = False,
    ) -> Charge:
        """
        What a quantity costs, exactly, for a share of the period.

        Of a licensed price the whole amount is charged for the share. Of a metered one the units
        are those used in the share already: they cost what they cost, and only fees and the
        minimum, which are for the period, are charged for the share. A one-off fee is charged
        whole, whatever the share.

        Args:
            quantity: Units: seats held, or what was used.

            share: The part of the period; more than 1 in a longer one (45 days of 30).

            prorate_included: Whether a share of the period includes only that share of the
                included units. For metered prices; a licensed level has no need of it.

            prorate_tiers: Whether the limits of the tiers shrink and grow with the period. For
                metered prices too.

        Raises:
            InvalidInput: ``price.not_exact``, ``price.negative_quantity``, ``price.share``.
        """
        count = quantity_of(quantity)
        part = share_of(share) if self.interval is not None else _ONE
        metered = self.usage is Usage.METERED
        parts = []
        charged = count
        if self.included and count:
            free = min(count, self.included * (part if metered and prorate_included else _ONE))
            charged = count - free
            parts.append(_part(PartKind.INCLUDED, free, self._nothing, _ZERO, part))
        limits = part if metered and prorate_tiers else _ONE
        used = _ONE if metered else part
        parts += _parts(self.scheme, charged, period=part, used=used, limits=limits)
        exact = sum((each.exact for each in parts[1:]), parts[0].exact)
        if self.minimum is not None:
            missing = not_negative(self.minimum, "minimum") * part - exact
            if missing > 0:
                exact += missing
                parts.append(
                    ChargePart(
                        kind=PartKind.MINIMUM,
                        quantity=_ONE,
                        unit=self.minimum,
                        share=part,
                        exact=missing,
                    )
                )
        return Charge(
            currency=self.currency, quantity=count, share=part, exact=exact, parts=tuple(parts)
        )


def _parts(
    scheme: Scheme, count: Fraction, *, period: Fraction, used: Fraction, limits: Fraction
) -> Iterator[ChargePart]:
    """The parts of a scheme: fees for the share `period`, units for the share `used`."""
    # Whole quantities are compared and subtracted as such: that is most of the work for tiers.
    quantity: int | Fraction = count if count.denominator != 1 else count.numerator
    limit: int | Fraction = limits if limits != 1 else 1
    match scheme:
        case Flat():
            yield _part(PartKind.FLAT, _ONE, scheme.amount, scheme.exact, period)
        case PerUnit():
            yield _part(PartKind.UNITS, count, scheme.amount, scheme.exact, used)
        case Package():
            packages = Fraction(ceil(count / scheme.size))
            yield _part(PartKind.PACKAGES, packages, scheme.amount, scheme.exact, used)
        case Graduated():
            below: int | Fraction = 0
            for number, tier in enumerate(scheme.tiers, start=1):
                top = quantity if tier.up_to is None else min(quantity, tier.up_to * limit)
                if number == 1 or quantity > below:
                    units = Fraction(top - below)
                    yield from _tier(number, tier, units, period=period, used=used)
                    below = top
        case Volume():
            reached = (
                (number, tier)
                for number, tier in enumerate(scheme.tiers, start=1)
                if tier.up_to is None or quantity <= tier.up_to * limit
            )
            yield from _tier(*next(reached), count, period=period, used=used)
        case _:
            assert_never(scheme)


def _tier(
    number: int, tier: Tier, units: Fraction, *, period: Fraction, used: Fraction
) -> Iterator[ChargePart]:
    if tier.unit is not None and tier.exact_unit is not None:
        yield _part(PartKind.TIER_UNITS, units, tier.unit, tier.exact_unit, used, tier=number)
    if tier.flat is not None and tier.exact_flat is not None:
        yield _part(PartKind.TIER_FLAT, _ONE, tier.flat, tier.exact_flat, period, tier=number)


def _part(
    kind: PartKind,
    quantity: Fraction,
    unit: Money,
    each: Fraction,
    share: Fraction,
    *,
    tier: int | None = None,
) -> ChargePart:
    whole = quantity * each
    return ChargePart(
        kind=kind,
        quantity=quantity,
        unit=unit,
        share=share,
        exact=whole if share == 1 else whole * share,
        tier=tier,
    )
