"""How one supply is taxed: category, rate, place, reason; how that is decided is not here."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from attrs import frozen

from retainkit.billing.tax._checks import check_choice, check_rate
from retainkit.billing.tax._evidence import Evidence
from retainkit.errors import InvalidInput


class TaxCategory(StrEnum):
    """The VAT category codes of EN 16931 (a part of UNTDID 5305)."""

    STANDARD = "S"
    """Taxed at a rate above zero, a reduced one as well."""

    ZERO = "Z"
    """Taxed at the rate of zero."""

    EXEMPT = "E"
    """Exempt from tax."""

    REVERSE_CHARGE = "AE"
    """The buyer owes the tax."""

    INTRA_COMMUNITY = "K"
    """An intra-community supply of goods."""

    EXPORT = "G"
    """An export of goods, free of tax."""

    OUTSIDE_SCOPE = "O"
    """Not subject to the VAT of the seller's state."""

    CANARY_ISLANDS = "L"
    """IGIC, the tax of the Canary Islands."""

    CEUTA_MELILLA = "M"
    """IPSI, the tax of Ceuta and Melilla."""

    SPLIT_PAYMENT = "B"
    """Italy's split payment: the buyer pays the VAT to the treasury."""


TAXED = frozenset(
    {
        TaxCategory.STANDARD,
        TaxCategory.CANARY_ISLANDS,
        TaxCategory.CEUTA_MELILLA,
        TaxCategory.SPLIT_PAYMENT,
    },
)
"""The categories whose rate may be above zero; inside this room only."""


class TaxReason(StrEnum):
    """Which rule gave a treatment; the key of its explanation."""

    DOMESTIC = "domestic"
    """Seller and buyer are in one country."""

    DESTINATION = "destination"
    """A consumer in another member state: Art. 58 of Directive 2006/112/EC."""

    BELOW_THRESHOLD = "below_threshold"
    """A consumer in another member state, up to 10,000 EUR a year: Art. 59c."""

    REVERSE_CHARGE = "reverse_charge"
    """A business elsewhere: Articles 44 and 196, or the like outside the EU."""

    REGISTERED = "registered"
    """The seller is registered where the consumer is, outside the EU."""

    OUTSIDE_SCOPE = "outside_scope"
    """The place of supply is outside the EU, and the seller is not registered there."""

    NO_VAT_TERRITORY = "no_vat_territory"
    """A part of a member state where its VAT doesn't apply: Art. 6."""

    SMALL_BUSINESS = "small_business"
    """The seller is a small business in the place of supply: Art. 284."""

    EXEMPTION = "exemption"
    """The host states an exemption, of the buyer or of the line."""

    PROVIDER = "provider"
    """A tax provider decided."""


@frozen(kw_only=True)
class TaxComponent:
    """A part of a combined rate, such as Canada's GST."""

    name: str
    rate: Fraction


@frozen(kw_only=True)
class TaxTreatment:
    """
    How a line is taxed, and why. A credit reuses the treatment of what it credits.

    Args:
        category: The category code of EN 16931.

        rate: 19 % is ``Fraction(19, 100)``; None where there is none (category O).

        country: Whose tax it is: an ISO 3166-1 code; of EU VAT, of the place of supply.

        region: A part of it with rates of its own, such as ``PT-20``; None elsewhere.

        rate_category: The category of the rate in the table.

        reason: Which rule gave it.

        references: The provisions that it rests on, such as ``2006/112/EC Art. 196``.

        exemption_code: A code of the list VATEX, for e-invoices.

        exemption_text: What the host wants to be said of an exemption, such as the provision.

        components: The parts of a combined rate.

        rate_source: Where the rate comes from.

        evidence: The evidence for the buyer's place on which it rests.

        verification: The register's consultation number for the buyer's VAT id.

    Raises:
        InvalidInput: ``tax.rate`` for a rate that is negative or no `Fraction`, or that doesn't
            fit the category; ``tax.choice`` for a category that is no `TaxCategory`.
    """

    category: TaxCategory
    rate: Fraction | None
    country: str
    region: str | None = None
    rate_category: str = "standard"
    reason: TaxReason
    references: tuple[str, ...] = ()
    exemption_code: str | None = None
    exemption_text: str | None = None
    components: tuple[TaxComponent, ...] = ()
    rate_source: str = ""
    evidence: tuple[Evidence, ...] = ()
    verification: str | None = None

    def __attrs_post_init__(self) -> None:
        check_choice(self.category, TaxCategory, "category")
        if self.rate is not None:
            check_rate(self.rate)
        if bool(self.rate) and self.category not in TAXED:
            raise InvalidInput(
                f"Category {self.category.value} bears no tax",
                code="tax.rate",
                field="rate",
                value=str(self.rate),
                remedy="use category S for a rate above zero",
            )

    @property
    def share(self) -> Fraction:
        """The tax as a part of the net amount; zero where there is no rate."""
        return Fraction(0) if self.rate is None else self.rate


def percent(rate: Fraction) -> str:
    """
    A rate as text in percent, exactly: ``25.5 %``; what has no end in decimals as ``1/3``.

    Args:
        rate: 19 % is ``Fraction(19, 100)``.
    """
    whole = rate * 100
    places = 0
    while (whole * 10**places).denominator != 1:
        places += 1
        if places > _MOST_DECIMALS:
            return str(rate)
    units = int(whole * 10**places)
    head, tail = divmod(abs(units), 10**places)
    sign = "-" if units < 0 else ""
    return f"{sign}{head}{f'.{tail:0{places}}' if places else ''} %"


_MOST_DECIMALS = 6
