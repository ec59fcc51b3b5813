"""Evidence of where a consumer is (Art. 24f of Regulation 282/2011), and whether it suffices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from retainkit.billing.tax._territories import country_code
from retainkit.timing import aware


class EvidenceKind(StrEnum):
    """What tells where a consumer is: the list of Art. 24f of Regulation 282/2011."""

    BILLING_ADDRESS = "billing_address"
    IP_ADDRESS = "ip_address"
    BANK = "bank"
    SIM_COUNTRY = "sim_country"
    LAND_LINE = "land_line"
    OTHER = "other"


def _country(code: str) -> str:
    return country_code(code, "evidence")


def _seen_at(at: datetime | None) -> datetime | None:
    return None if at is None else aware(at, "seen_at")


@frozen(kw_only=True)
class Evidence:
    """
    One piece of evidence: what it is and which country it names, never the address itself.

    Args:
        kind: What it is.

        country: The ISO 3166-1 code of the country that it names.

        seen_at: When it was taken.

        third_party: Whether somebody other than the seller and the buyer gave it; the law asks
            it of a single piece.

    Raises:
        InvalidInput: ``tax.unknown_territory``, ``time.naive``.
    """

    kind: EvidenceKind
    country: str = field(converter=_country)
    seen_at: datetime | None = field(default=None, converter=_seen_at)
    third_party: bool = False
