"""A provider's invoice, line by line, as read for comparison; ours is in ``_documents``."""

from __future__ import annotations

from fractions import Fraction

from attrs import field, frozen

from retainkit.billing.invoicing._lines import exact_quantity
from retainkit.money import Money
from retainkit.timing import Period


@frozen(kw_only=True)
class ProviderLine:
    """
    One line of a provider's invoice.

    Args:
        id: The provider's id of the line.

        text: What the provider says it bills.

        net: After discounts, without tax.

        tax: Its tax; None when the provider does not say it by line.

        quantity: How many units.

        period: What time it bills.

        item: The provider's id of the subscription item.

        price: The provider's id of the price.

        proration: Whether the provider made it because of a change within a period.
    """

    id: str
    text: str = ""
    net: Money
    tax: Money | None = None
    quantity: Fraction = field(default=Fraction(1), converter=exact_quantity)
    period: Period | None = None
    item: str | None = None
    price: str | None = None
    proration: bool = False


@frozen(kw_only=True)
class ProviderInvoice:
    """
    A provider's invoice with its lines; where it stands is `retainkit.billing.Invoice`.

    Args:
        id: The provider's id.

        number: Its number; empty for a draft.

        currency: The ISO code of all amounts.

        lines: All of its lines.

        net: The total without tax.

        tax: The tax.

        gross: The total with tax; what is to pay may be less, by a balance.
    """

    id: str
    number: str = ""
    currency: str
    lines: tuple[ProviderLine, ...]
    net: Money
    tax: Money
    gross: Money
