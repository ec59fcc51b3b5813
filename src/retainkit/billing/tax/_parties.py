"""Who sells and who buys, as far as tax asks; names and addresses stay with the host."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from attrs import field, frozen

from retainkit.billing.tax._checks import check_choice, check_decimal
from retainkit.billing.tax._evidence import Evidence
from retainkit.billing.tax._lines import Exemption
from retainkit.billing.tax._territories import EU_MEMBERS, Territory, country_code, territory_of
from retainkit.errors import InvalidInput
from retainkit.timing import aware


class VatIdStatus(StrEnum):
    """What a register says of a VAT id."""

    VALID = "valid"
    INVALID = "invalid"
    UNVERIFIED = "unverified"
    """Nobody has answered yet: the register is down, or was not asked. Neither of the others."""


def _checked_at(at: datetime | None) -> datetime | None:
    return None if at is None else aware(at, "checked_at")


@frozen(kw_only=True)
class VatIdCheck:
    """
    The answer of a register, kept as evidence.

    Args:
        status: What it said.

        checked_at: When it was asked.

        consultation: The register's number for the consultation, if it gave one.

        detail: Why it is not known, such as ``MS_UNAVAILABLE``.

    Raises:
        InvalidInput: ``tax.choice``, ``time.naive``.
    """

    status: VatIdStatus
    checked_at: datetime | None = field(default=None, converter=_checked_at)
    consultation: str | None = None
    detail: str = ""

    def __attrs_post_init__(self) -> None:
        check_choice(self.status, VatIdStatus, "status")


UNVERIFIED = VatIdCheck(status=VatIdStatus.UNVERIFIED)
"""Nobody was asked."""


@frozen(kw_only=True)
class CrossBorderSales:
    """
    The seller's sales to consumers in other member states, in euros without VAT (Art. 59c).

    The threshold of 10,000 EUR counts electronic services and goods at a distance together, so
    the figure is the host's.

    Args:
        previous_year: Of the whole calendar year before.

        this_year: Of this calendar year, this supply included.

    Raises:
        InvalidInput: ``tax.cross_border_sales``.
    """

    previous_year: Decimal
    this_year: Decimal

    def __attrs_post_init__(self) -> None:
        for name in ("previous_year", "this_year"):
            check_decimal(getattr(self, name), field=name, code="tax.cross_border_sales")


def _given(vat_id: str | None) -> str | None:
    """An empty field of a form is no id."""
    return None if vat_id is None or not vat_id.strip() else vat_id


@frozen(kw_only=True)
class Seller:
    """
    Who sells.

    Args:
        country: Where the business is established: an ISO 3166-1 code.

        postcode: Of the establishment, for special territories.

        region: Its province, in Canada.

        vat_id: Its VAT id in its own country.

        other_establishments: Further countries where it has a fixed establishment; one within
            the EU ends the threshold.

        registrations: Countries outside the EU where it is registered for tax, its own not
            needed; None when the host does not say, and then such tax is unknown.

        cross_border: Its sales across borders; None taxes at the destination.

        opted_out: Whether it has chosen to tax at the destination below the threshold, too.

        small_business: Countries in which it is exempt as a small business.

    Raises:
        InvalidInput: ``tax.unknown_territory``.
    """

    country: str
    postcode: str | None = None
    region: str | None = None
    vat_id: str | None = field(default=None, converter=_given)
    other_establishments: frozenset[str] = frozenset()
    registrations: frozenset[str] | None = None
    cross_border: CrossBorderSales | None = None
    opted_out: bool = False
    small_business: frozenset[str] = frozenset()

    def __attrs_post_init__(self) -> None:
        _ = self.territory
        for name in ("other_establishments", "registrations", "small_business"):
            for country in getattr(self, name) or ():
                country_code(country, name)

    @property
    def territory(self) -> Territory:
        """Where it is, as tax sees it."""
        return territory_of(self.country, self.postcode, self.region)


@frozen(kw_only=True)
class Buyer:
    """
    Who buys.

    Args:
        country: An ISO 3166-1 code; None when it is not known, and then the tax isn't either.

        postcode: For special territories.

        region: The province of Canada unless the postcode tells it, or the ISO 3166-2 code of a
            special territory, such as ``PT-20``.

        vat_id: The VAT id, as the buyer gave it; a blank one is none.

        vat_id_check: What the register said; unverified when nobody was asked.

        business: Whether the buyer is a business. None: it is one if its VAT id is valid.

        exemption: An exemption of the buyer, such as an embassy's.

        evidence: What tells where a consumer is.

    Raises:
        InvalidInput: ``tax.unknown_territory``; ``tax.vat_id_country`` for a VAT id of another
            country.
    """

    country: str | None
    postcode: str | None = None
    region: str | None = None
    vat_id: str | None = field(default=None, converter=_given)
    vat_id_check: VatIdCheck = field(default=UNVERIFIED)
    business: bool | None = None
    exemption: Exemption | None = None
    evidence: tuple[Evidence, ...] = ()

    def __attrs_post_init__(self) -> None:
        place = self.territory
        if self.country is None or place is None or self.vat_id is None:
            return
        prefix = self.vat_id.strip().upper()[:2]
        if prefix not in _PREFIXES or _PREFIXES[prefix] in (
            place.country,
            country_code(self.country),
        ):
            return
        raise InvalidInput(
            f"This VAT id is not of {place.country}",
            code="tax.vat_id_country",
            field="vat_id",
            value=self.vat_id,
            remedy="give the id of the country where the buyer is established,"
            " or the country that belongs to the id",
        )

    @property
    def territory(self) -> Territory | None:
        """Where it is, as tax sees it; None when the country is not known."""
        if self.country is None:
            return None
        return territory_of(self.country, self.postcode, self.region)


# How VAT ids of the EU begin, and whose they are; those of Northern Ireland and the United Kingdom
# as well. Elsewhere ids have no such prefix.
_PREFIXES = {code: code for code in EU_MEMBERS} | {"EL": "GR", "GB": "GB", "XI": "GB"}
