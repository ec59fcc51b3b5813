"""What is taxed, line by line, before and after; the whole question is in ``_request``."""

from __future__ import annotations

from fractions import Fraction

from attrs import frozen

from retainkit.billing.tax._behavior import TaxBehavior
from retainkit.billing.tax._checks import check_choice
from retainkit.billing.tax._treatment import TaxCategory, TaxReason, TaxTreatment
from retainkit.money import Money
from retainkit.timing import Period


@frozen(kw_only=True)
class Exemption:
    """
    An exemption that the host states, of a buyer or of a line.

    Args:
        text: The provision, as the invoice names it: ``Art. 151 2006/112/EC``.

        code: Its code in the list VATEX, such as ``VATEX-EU-151``.

        certificate: What proves it, such as a certificate's number.
    """

    text: str
    code: str | None = None
    certificate: str | None = None


@frozen(kw_only=True)
class TaxableLine:
    """
    One line to tax.

    Args:
        id: The caller's name of it, unique in its request.

        amount: Net or gross, as the behaviour says, after discounts; negative for a credit.
            More decimals than the currency has are rounded first, unless the level is the
            invoice.

        behavior: Whether the amount contains the tax.

        category: The category of the rate: ``standard``, or one that the rate table has.

        period: What the line pays for, of a continuous supply.

        credits: The treatment of the line that this one credits: reused as it is.

        exemption: An exemption of what is sold.

    Raises:
        InvalidInput: ``tax.choice`` for a behaviour that is no `TaxBehavior`.
    """

    id: str
    amount: Money
    behavior: TaxBehavior = TaxBehavior.EXCLUSIVE
    category: str = "standard"
    period: Period | None = None
    credits: TaxTreatment | None = None
    exemption: Exemption | None = None

    def __attrs_post_init__(self) -> None:
        check_choice(self.behavior, TaxBehavior, "behavior")


@frozen(kw_only=True)
class TaxedLine:
    """
    One line with its tax; net and tax make gross, to the cent.

    Args:
        id: The line's id; a part of a line that a change of rate splits is ``id/1``, ``id/2``.

        net: Without tax.

        tax: The tax: where it is rounded for a group, the line's part of it.

        gross: With tax.

        treatment: How it is taxed and why.

        source: The id of the line in the request.

        period: What it pays for.
    """

    id: str
    net: Money
    tax: Money
    gross: Money
    treatment: TaxTreatment
    source: str
    period: Period | None = None


@frozen(kw_only=True)
class TaxGroup:
    """
    The sum of all lines of one category and rate of one country: a VAT breakdown (BG-23).

    Args:
        category: The category code.

        rate: The rate; None in category O.

        net: The taxable amount.

        tax: The tax.

        country: Whose tax it is.

        region: The part of the country, if it has rates of its own.

        reason: Which rule gave the treatment of its first line.

        exemption_code: Of its first line.

        exemption_text: Of its first line.
    """

    category: TaxCategory
    rate: Fraction | None
    net: Money
    tax: Money
    country: str
    region: str | None = None
    reason: TaxReason
    exemption_code: str | None = None
    exemption_text: str | None = None


def group_of(first: TaxTreatment, net: Money, tax: Money) -> TaxGroup:
    """The sums of lines of one treatment, of which this is the first; inside this room only."""
    return TaxGroup(
        category=first.category,
        rate=first.rate,
        net=net,
        tax=tax,
        country=first.country,
        region=first.region,
        reason=first.reason,
        exemption_code=first.exemption_code,
        exemption_text=first.exemption_text,
    )
