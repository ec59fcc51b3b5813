"""Shares of amounts, each rounded once; how big a share of a period is, is in ``_shares``."""

from __future__ import annotations

from fractions import Fraction

from attrs import frozen

from retainkit.billing.prices import Price
from retainkit.billing.proration._policy import Bill, ProrationPolicy
from retainkit.billing.proration._shares import scaled
from retainkit.errors import InvalidInput
from retainkit.money import (
    Money,
    Rounding,
    from_minor,
    minor_digits,
    round_fraction,
    to_minor,
    to_units,
)
from retainkit.timing import Interval


@frozen(kw_only=True)
class Prorated:
    """
    A share of an amount.

    Args:
        amount: Rounded to the minor unit.

        exact: In minor units, not rounded.
    """

    amount: Money
    exact: Fraction


@frozen(kw_only=True)
class Split:
    """A billed amount in two: `kept` and `credited` are the whole, always; neither is negative."""

    kept: Money
    credited: Money


@frozen(kw_only=True)
class ChangeAmounts:
    """
    What a change comes to.

    Args:
        credit: For what is not used; zero or negative.

        charge: For what is new.

        net: Both together.

        lines: What is written down: credit and charge, or the difference alone.
    """

    credit: Money
    charge: Money
    net: Money
    lines: tuple[Money, ...]


def prorated(amount: Money, share: Fraction | int, policy: ProrationPolicy) -> Prorated:
    """
    A share of an amount, rounded once.

    Args:
        amount: The whole; it may have more decimals than its currency.

        share: Such as `Share.fraction`; above one for more than the whole. Never a float.

        policy: How it is rounded.

    Raises:
        InvalidInput: ``proration.share``, ``money.not_money``.
    """
    exact = to_units(amount) * _exact(share)
    return Prorated(
        amount=from_minor(to_whole(exact, amount.currency.code, policy), amount.currency),
        exact=exact,
    )


def split_billed(billed: Money, unused: Fraction | int, policy: ProrationPolicy) -> Split:
    """
    What is kept of a billed amount and what is credited, when a share of it was not used.

    The credit is rounded, and never more than the amount; what is kept is the rest.

    Raises:
        InvalidInput: ``proration.share``; ``money.fraction_of_minor_unit`` for what can't have
            been billed.
    """
    whole = to_minor(billed)
    share = min(_exact(unused), Fraction(1))
    credited = to_whole(whole * share, billed.currency.code, policy)
    return Split(
        kept=from_minor(whole - credited, billed.currency),
        credited=from_minor(credited, billed.currency),
    )


def change_amounts(
    billed: Money,
    new: Money,
    unused: Fraction | int,
    policy: ProrationPolicy,
    *,
    new_share: Fraction | int | None = None,
) -> ChangeAmounts:
    """
    What the change of one amount into another costs, when the share that is left is known.

    Args:
        billed: What was billed for the whole period.

        new: What a whole period of the new terms costs.

        unused: The share of `billed` that is left.

        policy: How amounts are rounded and written down.

        new_share: The share of `new` that is charged; as `unused` unless given (another interval).

    Raises:
        InvalidInput: ``proration.currency``, ``proration.share``.
    """
    if billed.currency != new.currency:
        raise currency_change(new.currency.code, billed.currency.code)
    credit = -to_minor(split_billed(billed, unused, policy).credited)
    share = unused if new_share is None else new_share
    charge = to_minor(prorated(new, share, policy).amount)
    net = from_minor(credit + charge, new.currency)
    two = from_minor(credit, new.currency), from_minor(charge, new.currency)
    return ChangeAmounts(
        credit=two[0], charge=two[1], net=net, lines=two if policy.bill is Bill.WHOLE else (net,)
    )


def usage_charge(
    price: Price, used: int | Fraction, share: Fraction | int, policy: ProrationPolicy
) -> Prorated:
    """
    What metered use in a part of a period costs, rounded once.

    Units cost what they cost; fees and the minimum are for the share. Whether the included units
    and the limits of tiers shrink with it, the policy says.

    Args:
        price: A metered one.

        used: What was used in that part.

        share: The part of the period.

        policy: With `ProrationPolicy.prorate_included` and `ProrationPolicy.prorate_tiers`.

    Raises:
        InvalidInput: As `retainkit.billing.prices.Price.charge`.
    """
    charge = price.charge(
        used,
        share=share,
        prorate_included=policy.prorate_included,
        prorate_tiers=policy.prorate_tiers,
    )
    amount = from_minor(to_whole(charge.exact, charge.currency, policy), charge.currency)
    return Prorated(amount=amount, exact=charge.exact)


def weighted_quantity(before: int, after: int, share: Fraction | int) -> Fraction:
    """
    The difference of two quantities, weighted by time, as some systems print it beside a full
    unit price: five more seats for half a period are 2.5.

    Raises:
        InvalidInput: ``proration.share``.
    """
    return (after - before) * _exact(share)


def interval_ratio(part: Interval, whole: Interval) -> Fraction:
    """
    How much of one interval another is, by months or else by days: a month is 1/12 of a year.

    Raises:
        InvalidInput: ``proration.intervals`` for months of days.
    """
    if part.months and whole.months:
        return Fraction(part.months, whole.months)
    if part.days and whole.days:
        return Fraction(part.days, whole.days)
    raise InvalidInput(
        "Months have no fixed number of days",
        code="proration.intervals",
        field="part",
        value=f"{part.count} {part.unit} of {whole.count} {whole.unit}",
        remedy="compare months and years, or days and weeks",
    )


def to_whole(exact: Fraction, currency: str, policy: ProrationPolicy) -> int:
    """Whole minor units of an exact amount of them; inside this room only."""
    if policy.amount_scale is not None:
        unit: int = 10 ** minor_digits(currency)
        exact = scaled(exact / unit, policy.amount_scale, Rounding.HALF_EVEN) * unit
    return round_fraction(exact, policy.rounding)


def currency_change(value: str, currency: str) -> InvalidInput:
    """The error for terms in another currency; inside this room only."""
    return InvalidInput(
        "A subscription stays in its currency",
        code="proration.currency",
        field="currency",
        value=value,
        remedy=f"cancel it and start another; what was billed in {currency} is credited in it",
    )


def _exact(share: Fraction | int) -> Fraction:
    if (type(share) is int or isinstance(share, Fraction)) and share >= 0:
        return Fraction(share)
    raise InvalidInput(
        "A share is an exact fraction that is not negative",
        code="proration.share",
        field="share",
        value=share,
        remedy="pass a Fraction such as share_of(...).fraction",
    )
