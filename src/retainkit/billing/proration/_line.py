"""One line to invoice; what makes it is ``_charges`` and ``_credits``, its trail ``_trail``."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from attrs import field, frozen

from retainkit.billing.prices import Price
from retainkit.billing.proration._trail import TrailStep
from retainkit.billing.tax import TaxableLine, TaxBehavior, TaxedLine, TaxTreatment
from retainkit.money import Money
from retainkit.timing import Period


class LineKind(StrEnum):
    """What a line is for."""

    CREDIT = "credit"
    """Time that was billed and is not used."""

    CHARGE = "charge"
    """Time of new terms, up to the end of the period."""

    DIFFERENCE = "difference"
    """A charge less a credit, in one."""

    PERIOD = "period"
    """A whole period, or all of one that is billed."""

    ONE_OFF = "one_off"
    """A fee that is charged once."""


@frozen(kw_only=True)
class Line:
    """
    A line to invoice.

    Args:
        id: Made of what it is for, so that the same change has the same ids.

        item: The id of the item.

        kind: What it is for.

        net: After discounts, rounded; negative for a credit. With its tax when the price contains
            it.

        exact: The same before rounding, in minor units.

        quantity: How many units.

        period: The time it is for; None of a fee.

        price: What it was reckoned from.

        source: The id of the billed line that is credited; None when none is.

        credits: How that line was taxed, to be reused.

        unpaid: The share of a credit that can't be spent, since its source was not paid.

        tax: The line with its tax, in parts where the rate changes within; empty before
            `Preview.with_tax`.

        trail: How the amount came about.
    """

    id: str
    item: str
    kind: LineKind
    net: Money
    exact: Fraction
    quantity: int
    period: Period | None
    price: Price
    source: str | None = None
    credits: TaxTreatment | None = None
    unpaid: Fraction = Fraction(0)
    tax: tuple[TaxedLine, ...] = ()
    trail: tuple[TrailStep, ...] = field(default=(), eq=False)

    @property
    def behavior(self) -> TaxBehavior:
        """Whether `net` contains the tax."""
        return self.price.tax_behavior

    def taxed(self, parts: tuple[TaxedLine, ...]) -> Line:
        """The line with its tax; inside this room only."""
        return Line(
            id=self.id,
            item=self.item,
            kind=self.kind,
            net=self.net,
            exact=self.exact,
            quantity=self.quantity,
            period=self.period,
            price=self.price,
            source=self.source,
            credits=self.credits,
            unpaid=self.unpaid,
            tax=parts,
            trail=self.trail,
        )

    def taxable(self) -> TaxableLine:
        """The line as a question about tax."""
        return TaxableLine(
            id=self.id,
            amount=self.net,
            behavior=self.price.tax_behavior,
            category=self.price.tax_category,
            period=self.period,
            credits=self.credits,
        )
