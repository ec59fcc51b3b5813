"""A price with other amounts: less a percentage, several periods at once, between two prices."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

from attrs import evolve

from retainkit.billing.prices._checks import percent_of
from retainkit.billing.prices._price import Price, Usage
from retainkit.billing.prices._schemes import Graduated, Scheme, Tier, Volume, amounts_of
from retainkit.errors import InvalidInput
from retainkit.money import Money, Rounding, minor_digits, money, round_fraction
from retainkit.timing import Interval


# Multiplies what `money` lets in without rounding, whatever the caller's context does.
_EXACT = Context(prec=200)
_HUNDRED = Decimal(100)


def reduced(price: Price, percent: Decimal) -> Price:
    """
    The price with each of its amounts, the minimum too, less a percentage; exactly, so amounts
    may get more decimals: 40 % off 9.99 is 5.994.

    Raises:
        InvalidInput: ``discount.percent``, ``price.not_exact``.
    """
    percent_of(percent)
    return _times(price, _left(percent))


def prepaid(
    price: Price, interval: Interval, *, id: str, percent_off: Decimal | None = None
) -> Price:
    """
    The price for several of its intervals paid at once: twelve months of 10.00 are 120.00 a year.

    Args:
        price: A recurring one, not metered.

        interval: What is paid at once: a whole number of the price's own intervals.

        id: The new price's id.

        percent_off: What paying at once saves, if anything.

    Raises:
        InvalidInput: ``price.prepaid_interval``; ``price.prepaid_usage`` since nobody knows
            beforehand what will be used; ``discount.percent``.
    """
    if price.usage is Usage.METERED:
        raise InvalidInput(
            "What was not used yet can't be paid before",
            code="price.prepaid_usage",
            field="price",
            value=price.id,
            remedy="prepay the licensed prices, and charge the metered ones as they are used",
        )
    times = None if price.interval is None else whole_intervals(interval, price.interval)
    if times is None:
        raise InvalidInput(
            "This is not a whole number of the price's intervals",
            code="price.prepaid_interval",
            field="interval",
            value=f"{interval.count} {interval.unit}",
            remedy="prepay months of a monthly price, years of a yearly one",
        )
    factor = Decimal(times)
    if percent_off is not None:
        percent_of(percent_off)
        factor = _EXACT.multiply(factor, _left(percent_off))
    return evolve(_times(price, factor), id=id, interval=interval)


def between(old: Price, new: Price, portion: Fraction, rounding: Rounding) -> Price:
    """
    A price on the way from one to another: each amount has gone this portion of its way.

    Amounts are rounded to the decimals that the two have, at least the currency's.

    Raises:
        InvalidInput: ``schedule.different_prices`` when they differ in more than amounts.
    """
    if _shape(old) != _shape(new):
        raise InvalidInput(
            "These prices differ in more than their amounts",
            code="schedule.different_prices",
            field="new",
            value=new.id,
            remedy="take steps between prices of one scheme, currency and interval, with the same"
            " tiers; else name the price of each phase",
        )
    targets = iter(_every(new))

    def step(amount: Money) -> Money:
        target = next(targets)
        places = max(minor_digits(amount.currency), _places(amount), _places(target))
        start, end = Fraction(amount.amount), Fraction(target.amount)
        scale: int = 10**places
        units = round_fraction((start + (end - start) * portion) * scale, rounding)
        return money(_EXACT.scaleb(Decimal(units), -places), amount.currency)

    return evolve(_mapped(old, step), id=new.id)


def whole_intervals(length: Interval, interval: Interval) -> int | None:
    """How many intervals the length is; None when it is no whole number of them."""
    for long, short in ((length.months, interval.months), (length.days, interval.days)):
        if short and long:
            return None if long % short else long // short
    return None


def _left(percent: Decimal) -> Decimal:
    return _EXACT.scaleb(_EXACT.subtract(_HUNDRED, percent), -2)


def _times(price: Price, factor: Decimal) -> Price:
    return _mapped(
        price, lambda amount: money(_EXACT.multiply(amount.amount, factor), amount.currency)
    )


def _mapped(price: Price, change: Callable[[Money], Money]) -> Price:
    scheme = _mapped_scheme(price.scheme, change)
    minimum = None if price.minimum is None else change(price.minimum)
    return evolve(price, scheme=scheme, minimum=minimum)


def _mapped_scheme(scheme: Scheme, change: Callable[[Money], Money]) -> Scheme:
    if isinstance(scheme, Graduated | Volume):
        return evolve(scheme, tiers=tuple(_mapped_tier(tier, change) for tier in scheme.tiers))
    return evolve(scheme, amount=change(scheme.amount))


def _mapped_tier(tier: Tier, change: Callable[[Money], Money]) -> Tier:
    return evolve(
        tier,
        unit=None if tier.unit is None else change(tier.unit),
        flat=None if tier.flat is None else change(tier.flat),
    )


def _every(price: Price) -> tuple[Money, ...]:
    """Every amount of the price, in the order in which `_mapped` changes them."""
    least = () if price.minimum is None else (price.minimum,)
    return (*amounts_of(price.scheme), *least)


def _shape(price: Price) -> Price:
    """The price with its id and amounts taken out."""
    nothing = money(0, price.currency)
    return evolve(_mapped(price, lambda _: nothing), id="")


def _places(amount: Money) -> int:
    return -int(amount.amount.as_tuple().exponent)
