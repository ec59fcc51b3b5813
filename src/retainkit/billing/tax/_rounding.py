"""Where tax is rounded, as the host says; the arithmetic is in ``_arithmetic``."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from retainkit.billing.tax._checks import check_choice
from retainkit.money import Rounding


class TaxLevel(StrEnum):
    """Of what the tax is rounded once."""

    LINE = "line"
    """Each line's tax."""

    RATE_GROUP = "rate_group"
    """The tax of all lines of one category and rate, on their rounded nets: EN 16931 BR-CO-17."""

    INVOICE = "invoice"
    """The whole invoice: lines stay exact until their sum."""


class InclusiveRounding(StrEnum):
    """What is rounded in a gross amount; the other part is what is left."""

    NET = "net"
    """2.99 at 4 % is 2.88 and 0.11."""

    TAX = "tax"
    """2.99 at 4 % is 2.87 and 0.12."""


@frozen(kw_only=True)
class TaxRounding:
    """
    How tax is rounded to minor units.

    Args:
        level: Of what it is rounded once.

        inclusive: What is rounded in a gross amount.

        mode: Where an amount between two minor units goes.

    Raises:
        InvalidInput: ``tax.choice``.
    """

    level: TaxLevel = TaxLevel.RATE_GROUP
    inclusive: InclusiveRounding = InclusiveRounding.NET
    mode: Rounding = Rounding.HALF_UP

    def __attrs_post_init__(self) -> None:
        check_choice(self.level, TaxLevel, "level")
        check_choice(self.inclusive, InclusiveRounding, "inclusive")
        check_choice(self.mode, Rounding, "mode")
