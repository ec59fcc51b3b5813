"""Up to which turnover a small business is exempt at home; what the exemption does is a ruling."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from retainkit.billing.tax._checks import check_decimal
from retainkit.billing.tax._territories import country_code
from retainkit.errors import NotFound


@frozen
class _Limit:
    previous_year: Decimal
    this_year: Decimal


_LIMITS = {
    # Section 19 UStG since 2025: exempt until the sale that passes the limit of this year.
    "DE": _Limit(Decimal(25_000), Decimal(100_000)),
    # Section 6 (1) 27 UStG since 2025: 55,000, and 10 % more within the year.
    "AT": _Limit(Decimal(55_000), Decimal(60_500)),
}


def within_small_business_limit(
    country: str, *, previous_year: Decimal, this_year: Decimal
) -> bool:
    """
    Whether a sale of a small business at home is still exempt, by the rules since 2025.

    Args:
        country: DE or AT; the limits of others are not known here.

        previous_year: The turnover of the calendar year before, in euros.

        this_year: The turnover of this calendar year, this sale included; the sale that passes
            the limit is taxed.

    Raises:
        NotFound: ``tax.small_business_limit`` for another country.

        InvalidInput: ``tax.turnover``, ``tax.unknown_territory``.
    """
    check_decimal(previous_year, field="previous_year", code="tax.turnover")
    check_decimal(this_year, field="this_year", code="tax.turnover")
    limit = _LIMITS.get(country_code(country))
    if limit is None:
        raise NotFound(
            "The limit of small businesses is not known here",
            code="tax.small_business_limit",
            field="country",
            value=country,
            remedy="decide it yourself, and name the country in Seller.small_business",
        )
    return previous_year <= limit.previous_year and this_year <= limit.this_year
