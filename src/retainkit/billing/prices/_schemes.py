"""How a price counts: flat, per unit, packages, tiers. What is charged is worked out in ``_price``.

Amounts may have more decimals than their currency: a unit price of ``money("0.0004", "EUR")`` is
kept, and reckoned with, exactly. What is named ``exact`` is the same amount in minor units.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from attrs import field, frozen

from retainkit.billing.prices._checks import not_negative, same_currency, whole
from retainkit.errors import InvalidInput
from retainkit.money import Money


@frozen(kw_only=True)
class Flat:
    """
    One amount for the period, whatever the quantity.

    Raises:
        InvalidInput: ``price.negative_amount``, ``money.not_money``.
    """

    amount: Money
    exact: Fraction = field(init=False, eq=False, repr=False)

    @exact.default
    def _exactly(self) -> Fraction:
        return not_negative(self.amount, "amount")


@frozen(kw_only=True)
class PerUnit:
    """
    The same amount for each unit.

    Raises:
        InvalidInput: ``price.negative_amount``, ``money.not_money``.
    """

    amount: Money
    exact: Fraction = field(init=False, eq=False, repr=False)

    @exact.default
    def _exactly(self) -> Fraction:
        return not_negative(self.amount, "amount")


@frozen(kw_only=True)
class Package:
    """
    An amount for each package of so many units; a package that is begun is paid whole.

    Raises:
        InvalidInput: ``price.negative_amount``, ``money.not_money``, ``price.not_whole``.
    """

    amount: Money
    size: int
    exact: Fraction = field(init=False, eq=False, repr=False)

    @exact.default
    def _exactly(self) -> Fraction:
        return not_negative(self.amount, "amount")

    def __attrs_post_init__(self) -> None:
        whole(self.size, "size", least=1)


@frozen(kw_only=True)
class Tier:
    """
    A band of quantities, and what units in it cost.

    Args:
        up_to: The last quantity of the band; None in the last tier, which has no end.

        unit: The price of one unit.

        flat: A fee for the tier as such, due once it is reached. The first tier is reached by
            a quantity of zero.

        above: The quantity that the band starts after. It follows from the tier before; where
            it is given, it is checked: the band 101 to 500 is ``above=100, up_to=500``.

    Raises:
        InvalidInput: ``price.tier_without_price`` when there is neither `unit` nor `flat`;
            ``price.mixed_currencies``, ``price.negative_amount``, ``price.not_whole``.
    """

    up_to: int | None = None
    unit: Money | None = None
    flat: Money | None = None
    above: int | None = None
    exact_unit: Fraction | None = field(init=False, eq=False, repr=False)
    exact_flat: Fraction | None = field(init=False, eq=False, repr=False)

    @exact_unit.default
    def _exact_unit(self) -> Fraction | None:
        return None if self.unit is None else not_negative(self.unit, "unit")

    @exact_flat.default
    def _exact_flat(self) -> Fraction | None:
        return None if self.flat is None else not_negative(self.flat, "flat")

    def __attrs_post_init__(self) -> None:
        if self.up_to is not None:
            whole(self.up_to, "up_to", least=1)
        if self.above is not None:
            whole(self.above, "above", least=0)
        if self.unit is None and self.flat is None:
            raise InvalidInput(
                "A tier has a price",
                code="price.tier_without_price",
                field="unit",
                value=None,
                remedy='give it a unit or a flat price; for a free one, money("0", "EUR")',
            )
        if self.unit is not None and self.flat is not None:
            same_currency(self.flat, self.unit.currency.code, "flat")


@frozen(kw_only=True)
class Graduated:
    """
    Tiers, where each unit costs what the tier says that it falls into, as with income tax.

    Raises:
        InvalidInput: ``price.no_tiers``, ``price.tiers_overlap``, ``price.tiers_gap`` (also when
            the last tier has an end), ``price.mixed_currencies``.
    """

    tiers: tuple[Tier, ...]

    def __attrs_post_init__(self) -> None:
        _check_tiers(self.tiers)


@frozen(kw_only=True)
class Volume:
    """
    Tiers, where all units cost what the tier says that the whole quantity falls into.

    The total can fall where a tier is passed: 100 units at 1.00 cost 100.00, 101 at 0.90 cost
    90.90. `Graduated` never does that.

    Raises:
        InvalidInput: As `Graduated`.
    """

    tiers: tuple[Tier, ...]

    def __attrs_post_init__(self) -> None:
        _check_tiers(self.tiers)


Scheme: TypeAlias = Flat | PerUnit | Package | Graduated | Volume


def amounts_of(scheme: Scheme) -> tuple[Money, ...]:
    """Every amount that the scheme names, in its order."""
    if isinstance(scheme, Graduated | Volume):
        return _tier_amounts(scheme.tiers)
    return (scheme.amount,)


def _check_tiers(tiers: tuple[Tier, ...]) -> None:
    if not tiers:
        raise InvalidInput(
            "A tiered price has tiers",
            code="price.no_tiers",
            field="tiers",
            value=tiers,
            remedy="pass one tier or more; the last without up_to",
        )
    end: int | None = 0
    for tier in tiers:
        end = _check_tier(tier, end)
    if end is not None:
        raise _gap(end, None)
    amounts = _tier_amounts(tiers)
    for amount in amounts:
        same_currency(amount, amounts[0].currency.code, "tiers")


def _check_tier(tier: Tier, end: int | None) -> int | None:
    """Where the tier ends, checked to follow the one that ended at `end`."""
    if end is None or (tier.up_to is not None and tier.up_to <= end):
        raise _overlap(end, tier)
    if tier.above is not None and tier.above < end:
        raise _overlap(end, tier)
    if tier.above is not None and tier.above > end:
        raise _gap(end, tier.above)
    return tier.up_to


def _tier_amounts(tiers: tuple[Tier, ...]) -> tuple[Money, ...]:
    pairs = ((tier.unit, tier.flat) for tier in tiers)
    return tuple(amount for pair in pairs for amount in pair if amount is not None)


def _overlap(end: int | None, tier: Tier) -> InvalidInput:
    reached = "without an end" if end is None else f"up to {end}"
    return InvalidInput(
        f"Two tiers overlap: one goes {reached}, and the next begins before",
        code="price.tiers_overlap",
        field="tiers",
        value=[tier.above, tier.up_to],
        remedy="let each tier end above the one before; only the last has no up_to",
    )


def _gap(end: int, above: int | None) -> InvalidInput:
    return InvalidInput(
        f"Quantities above {end} have no tier",
        code="price.tiers_gap",
        field="tiers",
        value=[end, above],
        remedy="let each tier start where the one before ends; leave up_to out in the last",
    )
