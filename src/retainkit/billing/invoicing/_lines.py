"""What a document bills: lines, allowances and charges; their sums are made in ``_amounts``."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from attrs import Attribute, field, frozen

from retainkit.billing.proration import TrailStep
from retainkit.billing.tax import TaxCategory
from retainkit.errors import InvalidInput
from retainkit.money import (
    Money,
    Rounding,
    from_minor,
    money,
    round_fraction,
    to_units,
    total,
)
from retainkit.timing import Period


def exact_quantity(value: Decimal | Fraction | int | str) -> Fraction:
    """
    The number as an exact fraction.

    Raises:
        InvalidInput: ``invoice.not_exact`` for a float, a bool, or what is no number.
    """
    if isinstance(value, Fraction | Decimal | str) or type(value) is int:
        try:
            return Fraction(value)
        except (ValueError, OverflowError, ZeroDivisionError):
            pass
    raise InvalidInput(
        "This is not an exact number",
        code="invoice.not_exact",
        field="quantity",
        value=value,
        remedy='pass an int, a Decimal, a Fraction or a string such as "1.5"',
    )


def exact_rate(rate: Fraction | None) -> Fraction | None:
    """
    A rate of VAT, as a part of one.

    Raises:
        InvalidInput: ``invoice.rate``: no fraction, negative, or a percentage instead of a part.
    """
    if rate is None:
        return None
    if _is_part(rate):
        return rate
    raise InvalidInput(
        "A rate is an exact part of one",
        code="invoice.rate",
        field="rate",
        value=rate,
        remedy="pass Fraction(19, 100) for 19 %, and None where no rate applies",
    )


def _is_part(rate: object) -> bool:
    return isinstance(rate, Fraction) and 0 <= rate < 1


def check_member(value: object, members: type[StrEnum], field: str) -> None:
    """
    A member of its enum, since a text would pass for none of them.

    Raises:
        InvalidInput: ``invoice.choice``.
    """
    if not isinstance(value, members):
        raise InvalidInput(
            f"This is no {members.__name__}",
            code="invoice.choice",
            field=field,
            value=value,
            remedy=f"pass a {members.__name__}: {', '.join(members)}",
        )


def negated(amount: Money) -> Money:
    """The amount with the other sign, whatever the caller's decimal context is."""
    return money(amount.amount.copy_negate(), amount.currency)


class AdjustmentKind(StrEnum):
    """Which way an adjustment goes."""

    ALLOWANCE = "allowance"
    """Takes its amount off."""

    CHARGE = "charge"
    """Puts its amount on."""


@frozen(kw_only=True)
class Adjustment:
    """
    An allowance or a charge, on a line or on the whole document.

    Args:
        kind: Which way it goes.

        amount: How much, net of VAT.

        reason: What for, in the language of the document.

        category: How it is taxed; on a line, the line's own.

        rate: At which rate, as a part of one; None where no rate applies.

    Raises:
        InvalidInput: ``invoice.choice``, ``invoice.rate``.
    """

    kind: AdjustmentKind
    amount: Money
    reason: str = ""
    category: TaxCategory | None = None
    rate: Fraction | None = field(default=None, converter=exact_rate)

    def __attrs_post_init__(self) -> None:
        check_member(self.kind, AdjustmentKind, "kind")
        if self.category is not None:
            check_member(self.category, TaxCategory, "category")

    @property
    def signed(self) -> Money:
        """The amount as it counts in a sum."""
        return negated(self.amount) if self.kind is AdjustmentKind.ALLOWANCE else self.amount


@frozen(kw_only=True)
class InvoiceLine:
    """
    One line of a document.

    Args:
        id: Its name within the document.

        text: What is billed, in the language of the document.

        quantity: How many units.

        unit_price: The net price of `base_quantity` units; it may have more decimals than its
            currency.

        base_quantity: How many units the price is for.

        unit: The code of the unit, as UN/ECE recommendation 20 has it; ``C62`` is one piece.

        adjustments: Allowances and charges of this line, net.

        net: The net amount of the line; computed when it is not given.

        category: How it is taxed.

        rate: At which rate, as a part of one; None where no rate applies.

        tax: The line's own part of the VAT, for display and comparison only: VAT is computed on
            the sum of each category and rate.

        period: What time it bills, if any.

        item: The subscription item it bills, as the provider calls it; `reconcile` goes by it.

        price: The price it bills by, as the provider calls it; `reconcile` goes by it, too.

        credits: The id of the line that it gives back, if it does.

        trail: How its amount came about: keys and values, as `Line.trail` of a preview.

    Raises:
        InvalidInput: ``invoice.no_amount``, ``invoice.not_exact``, ``invoice.base_quantity``,
            ``invoice.rate``, ``invoice.choice``, ``money.mixed_currencies``.
    """

    id: str
    text: str
    quantity: Fraction = field(default=Fraction(1), converter=exact_quantity)
    unit_price: Money | None = None
    base_quantity: Fraction = field(default=Fraction(1), converter=exact_quantity)
    unit: str = "C62"
    adjustments: tuple[Adjustment, ...] = ()
    net: Money = field()
    category: TaxCategory = TaxCategory.STANDARD
    rate: Fraction | None = field(default=None, converter=exact_rate)
    tax: Money | None = None
    period: Period | None = None
    item: str | None = None
    price: str | None = None
    credits: str | None = None
    trail: tuple[TrailStep, ...] = ()

    def __attrs_post_init__(self) -> None:
        check_member(self.category, TaxCategory, "category")

    @base_quantity.validator
    def _divides(self, attribute: Attribute[Fraction], value: Fraction) -> None:
        if value <= 0:
            raise InvalidInput(
                "A price is for more than no units",
                code="invoice.base_quantity",
                field=attribute.name,
                value=str(value),
                remedy="pass the number of units that the price is for, usually 1",
            )

    @net.default
    def _computed(self) -> Money:
        if self.unit_price is None:
            raise InvalidInput(
                "A line has a net amount, or a unit price to compute it from",
                code="invoice.no_amount",
                field="unit_price",
                value=None,
                remedy="pass `unit_price`, `net`, or both",
            )
        return line_net(self.unit_price, self.quantity, self.base_quantity, self.adjustments)


def line_net(
    unit_price: Money,
    quantity: Fraction,
    base_quantity: Fraction = Fraction(1),
    adjustments: tuple[Adjustment, ...] = (),
) -> Money:
    """
    Price times quantity, and the adjustments, rounded once: half a minor unit away from zero.

    Raises:
        InvalidInput: ``money.mixed_currencies``.
    """
    exact = to_units(unit_price) * quantity / base_quantity
    currency = unit_price.currency
    exact += to_units(total((each.signed for each in adjustments), currency))
    return from_minor(round_fraction(exact, Rounding.HALF_UP), currency)
