"""Currencies and their minor units, by profile; the amounts themselves live in ``_amounts``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import field, frozen
from moneyed import CURRENCIES, Currency

from retainkit.errors import InvalidInput


def _digits(**codes: str) -> Mapping[str, int]:
    """``_digits(d0="JPY KRW")`` as a read-only table from code to number of digits."""
    return MappingProxyType(
        {code: int(name[1:]) for name, listed in codes.items() for code in listed.split()}
    )


@frozen(kw_only=True)
class UnitProfile:
    """
    How a standard or a provider counts the minor units of currencies.

    Args:
        name: The profile's name, as it appears in errors and explanations.

        exceptions: Digits after the decimal point of each currency that has not two.

        multiples: Currencies of which only multiples of so many minor units are accepted.
    """

    name: str
    exceptions: Mapping[str, int]
    multiples: Mapping[str, int] = field(factory=lambda: MappingProxyType({}))


# Facts, not text, taken from: ISO 4217 list one (current codes); py-moneyed 3.0 (BSD-3-Clause)
# and CLDR by Babel (Unicode-3.0 licence) for historic codes. Where py-moneyed has its default of
# 0 for a historic code and CLDR has 2 (PTE, ROL, ...), 2 is right: the default means "not known".
ISO = UnitProfile(
    name="iso",
    exceptions=_digits(
        d0=(
            "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
            " ADP BYR ESP ITL MGF TRL"
        ),
        d3="BHD IQD JOD KWD LYD OMR TND",
        d4="CLF UYW",
    ),
)
"""ISO 4217: what invoices, laws and the rest of retainkit count in."""

# https://docs.stripe.com/currencies, "Zero-decimal", "Three-decimal" and "Special cases".
STRIPE = UnitProfile(
    name="stripe",
    exceptions=_digits(
        d0="BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF",
        d3="BHD JOD KWD OMR TND",
    ),
    multiples=MappingProxyType(
        {"ISK": 100, "UGX": 100, "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10}
    ),
)
"""
Amounts of charges and invoices in Stripe's API.

MGA has no decimals there, ISK and UGX have two that must be zero, and the last of three decimals
(BHD, JOD, KWD, OMR, TND) must be zero.
"""

STRIPE_PAYOUTS = UnitProfile(
    name="stripe_payouts",
    exceptions=STRIPE.exceptions,
    multiples=MappingProxyType({**STRIPE.multiples, "HUF": 100, "TWD": 100}),
)
"""Amounts of payouts in Stripe's API: as `STRIPE`, and HUF and TWD in whole units only."""

# Units of account, metals, and the codes for tests and for "none": ISO 4217 says "N.A.".
_WITHOUT_MINOR_UNIT = _digits(
    d0="XAG XAU XBA XBB XBC XBD XDR XEU XFO XFU XPD XPT XRE XSU XTS XUA XXX"
)

# Current in ISO 4217, but newer than py-moneyed 3.0; kept here, not in its global registry.
_NEWER = {
    "XCG": Currency("XCG", numeric="532", sub_unit=100, name="Caribbean Guilder", countries=[]),
    "ZWG": Currency("ZWG", numeric="924", sub_unit=100, name="Zimbabwe Gold", countries=[]),
}


def currency_of(code: str | Currency) -> Currency:
    """
    The currency of an ISO 4217 code, in upper or lower case.

    Raises:
        InvalidInput: ``money.unknown_currency``.
    """
    if isinstance(code, Currency):
        return code
    known = None
    if isinstance(code, str):
        upper = code.upper()
        known = CURRENCIES.get(upper) or _NEWER.get(upper)
    if known is None:
        raise InvalidInput(
            "There is no such currency",
            code="money.unknown_currency",
            field="currency",
            value=code,
            remedy="use an ISO 4217 code such as EUR",
        )
    return known


def minor_digits(currency: str | Currency, profile: UnitProfile = ISO) -> int:
    """
    How many digits after the decimal point the currency has under the profile.

    Raises:
        InvalidInput: ``money.unknown_currency``; ``money.no_minor_unit`` for metals, units of
            account and test codes.
    """
    code = currency.code if isinstance(currency, Currency) else currency_of(currency).code
    if code in _WITHOUT_MINOR_UNIT:
        raise InvalidInput(
            "This currency has no minor unit",
            code="money.no_minor_unit",
            field="currency",
            value=code,
            remedy="bill in a currency that people pay with",
        )
    return profile.exceptions.get(code, 2)
