"""The figures that come with retainkit, as scripts/build_vat_rates.py makes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache

from retainkit.billing.tax._rate_data import CURRENCIES, DATA_AS_OF, RATES, SOURCES
from retainkit.billing.tax._rates import Rate, RateTable
from retainkit.billing.tax._treatment import TaxComponent


@cache
def shipped_rates() -> RateTable:
    """
    The standard rates of the EU since the 1960s, of CH, GB, IS, LI, NO and the Canadian provinces,
    today's of ten others in Europe, and today's reduced ones where a state has one of a kind.

    It is loaded once. The United States and other countries are not in it: ask a tax provider.
    """
    return RateTable(
        rates=tuple(_rate(line) for line in RATES.splitlines()),
        data_as_of=date.fromisoformat(DATA_AS_OF),
    )


def national_currency(country: str) -> str | None:
    """
    The currency in which a country's VAT is stated; None where we don't know it.

    Args:
        country: An ISO 3166-1 code in Europe; EL and XI are understood. Bulgaria has the euro
            since 2026.
    """
    return CURRENCIES.get(country)


def _rate(line: str) -> Rate:
    country, region, category, percent, first, after, source, parts = line.split("|")
    named = [part.split(" ") for part in parts.split(" + ")] if parts else []
    return Rate(
        country=country,
        region=region or None,
        category=category,
        rate=_share(percent),
        valid_from=date.fromisoformat(first),
        valid_to=date.fromisoformat(after) if after else None,
        source=SOURCES[int(source)],
        components=tuple(TaxComponent(name=name, rate=_share(rate)) for name, rate in named),
    )


def _share(percent: str) -> Fraction:
    return Fraction(Decimal(percent)) / 100
