"""Whose tax a digital service bears, and why: the place of supply; the rate comes later.

Electronic services as in Art. 58 of Directive 2006/112/EC; goods are not handled here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from attrs import evolve, field, frozen

from retainkit.billing.tax._evidence import Evidence
from retainkit.billing.tax._findings import Finding
from retainkit.billing.tax._parties import Buyer, Seller, VatIdStatus
from retainkit.billing.tax._rates import RateTable
from retainkit.billing.tax._request import TaxRequest, UnverifiedVatId
from retainkit.billing.tax._territories import (
    EU_MEMBERS,
    TaxArea,
    Territory,
    country_code,
    territory_of,
)
from retainkit.billing.tax._treatment import TaxCategory, TaxReason


OSS_THRESHOLD = Decimal(10_000)
"""Sales across borders up to which the seller's own VAT is charged: Art. 59c (1) (c), in euros."""

ONE_PIECE_LIMIT = Decimal(100_000)
"""Sales across borders below which one piece of evidence suffices: Art. 24b of Reg. 282/2011."""

# Where a registered seller from abroad charges businesses, too. Switzerland and Liechtenstein:
# Art. 45 (1) MWSTG leaves the tax to the buyer only if the seller is not registered. Canada: the
# GST/HST of a registrant. Elsewhere the buyer accounts for it.
_CHARGED_TO_BUSINESSES = frozenset({"CA", "CH", "LI"})

_PROVIDER_ONLY = frozenset({"US"})

# By treaty both are one area of VAT, in which a seller charges its own.
_ONE_AREA = frozenset({"CH", "LI"})


@frozen(kw_only=True)
class Ruling:
    """How the lines of a request are taxed, before the rate; ``taxed`` ones still need one."""

    category: TaxCategory
    reason: TaxReason
    country: str
    region: str | None = None
    references: tuple[str, ...] = ()
    exemption_code: str | None = None
    evidence: tuple[Evidence, ...] = ()
    verification: str | None = None
    findings: tuple[Finding, ...] = field(default=())

    @property
    def taxed(self) -> bool:
        return self.category is TaxCategory.STANDARD


def ruling(request: TaxRequest, rates: RateTable) -> Ruling | Finding:
    """The treatment of a request's lines, or why it is not known."""
    seller, buyer = request.seller, request.buyer
    place = buyer.territory
    if place is None:
        return _unknown("tax.buyer_country_unknown")
    if place.country in _PROVIDER_ONLY:
        return _unknown("tax.provider_needed", country=place.country)
    if place.country == "CA" and place.region is None:
        return _unknown("tax.province_unknown", country="CA")
    found = _ruled(request, place, rates)
    if isinstance(found, Finding):
        return found
    if found.taxed and found.country in {country_code(c) for c in seller.small_business}:
        found = evolve(
            found,
            category=TaxCategory.EXEMPT,
            reason=TaxReason.SMALL_BUSINESS,
            references=("2006/112/EC Art. 284",) if found.country in EU_MEMBERS else (),
        )
    findings = (*found.findings, *_of_the_evidence(found, seller, buyer, place))
    return evolve(found, evidence=buyer.evidence, findings=findings)


def _ruled(request: TaxRequest, place: Territory, rates: RateTable) -> Ruling | Finding:
    seller, buyer = request.seller, request.buyer
    home = seller.territory
    if place.area is TaxArea.NONE:
        if home == place and place.local_tax is not None:
            return _unknown("tax.provider_needed", country=place.name)
        return _no_vat(place)
    if home.country == place.country and home.area is not TaxArea.NONE:
        if not rates.covers(place.country, place.region):
            return _unknown("tax.provider_needed", country=place.country)
        return _standard(place, TaxReason.DOMESTIC)
    if {home.country, place.country} == _ONE_AREA:
        return _standard(home, TaxReason.DOMESTIC)
    if place.area is TaxArea.EU:
        return _within_the_eu(request, home, place)
    if not rates.covers(place.country, place.region):
        return _unknown("tax.provider_needed", country=place.country)
    return _outside_the_eu(seller, buyer, place)


def _within_the_eu(request: TaxRequest, home: Territory, place: Territory) -> Ruling:
    seller, buyer = request.seller, request.buyer
    check = buyer.vat_id_check
    trusted = check.status is VatIdStatus.VALID or (
        check.status is VatIdStatus.UNVERIFIED
        and request.unverified is UnverifiedVatId.REVERSE_CHARGE
    )
    if buyer.vat_id is not None and trusted and buyer.business is not False:
        return Ruling(
            category=TaxCategory.REVERSE_CHARGE,
            reason=TaxReason.REVERSE_CHARGE,
            country=place.country,
            region=place.region,
            references=("2006/112/EC Art. 44", "2006/112/EC Art. 196"),
            exemption_code="VATEX-EU-AE",
            verification=check.consultation,
            findings=_of_reverse_charge(seller, buyer, home),
        )
    below = _below_threshold(seller, home)
    if below:
        found = _standard(home, TaxReason.BELOW_THRESHOLD, "2006/112/EC Art. 59c")
    else:
        found = _standard(place, TaxReason.DESTINATION, "2006/112/EC Art. 58")
    return evolve(found, findings=_of_the_vat_id(buyer))


def _outside_the_eu(seller: Seller, buyer: Buyer, place: Territory) -> Ruling | Finding:
    """Great Britain, Switzerland, Canada and the others whose rates the table has."""
    registered = seller.registrations is not None and place.country in {
        country_code(country) for country in seller.registrations
    }
    business = buyer.business
    if business is None:
        business = buyer.vat_id is not None and buyer.vat_id_check.status is VatIdStatus.VALID
    theirs = place.country not in _CHARGED_TO_BUSINESSES
    if business and (theirs or (not registered and seller.registrations is not None)):
        return _outside(place, TaxReason.OUTSIDE_SCOPE, "2006/112/EC Art. 44")
    if registered:
        return _standard(place, TaxReason.REGISTERED)
    if seller.registrations is None:
        return _unknown("tax.registration_unknown", country=place.name)
    return evolve(
        _outside(place, TaxReason.OUTSIDE_SCOPE, "2006/112/EC Art. 58"),
        findings=(Finding(key="tax.not_registered", values={"country": place.country}),),
    )


def _below_threshold(seller: Seller, home: Territory) -> bool:
    """Whether the seller still charges its own VAT; both years count, and so does this supply."""
    if home.area is not TaxArea.EU or seller.opted_out or seller.cross_border is None:
        return False
    elsewhere = {country_code(country) for country in seller.other_establishments}
    if elsewhere & EU_MEMBERS - {home.country}:
        return False
    sales = seller.cross_border
    return max(sales.previous_year, sales.this_year) <= OSS_THRESHOLD


def _standard(place: Territory, reason: TaxReason, *references: str) -> Ruling:
    return Ruling(
        category=TaxCategory.STANDARD,
        reason=reason,
        country=place.country,
        region=place.region,
        references=references,
    )


def _outside(place: Territory, reason: TaxReason, *references: str) -> Ruling:
    return Ruling(
        category=TaxCategory.OUTSIDE_SCOPE,
        reason=reason,
        country=place.country,
        region=place.region,
        references=references,
        exemption_code="VATEX-EU-O",
    )


def _no_vat(place: Territory) -> Ruling:
    found = _outside(place, TaxReason.NO_VAT_TERRITORY, "2006/112/EC Art. 6")
    if place.local_tax is None:
        return found
    warning = Finding(key="tax.local_tax", values={"territory": place.name, "tax": place.local_tax})
    return evolve(found, findings=(warning,))


def _of_reverse_charge(seller: Seller, buyer: Buyer, home: Territory) -> tuple[Finding, ...]:
    findings = []
    if buyer.vat_id_check.status is VatIdStatus.UNVERIFIED:
        findings.append(Finding(key="tax.vat_id_unverified", values={"charged": "no"}))
    if seller.vat_id is None and home.area is TaxArea.EU:
        findings.append(Finding(key="tax.seller_vat_id_missing"))
    return tuple(findings)


def _of_the_vat_id(buyer: Buyer) -> tuple[Finding, ...]:
    if buyer.vat_id is None:
        return (Finding(key="tax.vat_id_missing"),) if buyer.business else ()
    match buyer.vat_id_check.status:
        case VatIdStatus.INVALID:
            return (Finding(key="tax.vat_id_invalid"),)
        case VatIdStatus.UNVERIFIED:
            return (Finding(key="tax.vat_id_unverified", values={"charged": "yes"}),)
        case VatIdStatus.VALID:
            return ()
        case _:
            assert_never(buyer.vat_id_check.status)


def _of_the_evidence(
    found: Ruling, seller: Seller, buyer: Buyer, place: Territory
) -> tuple[Finding, ...]:
    """
    Two pieces that agree, or one of a small seller: Art. 24b and 24f of Reg. 282/2011.

    They are asked for where the tax is another member state's; a contradiction is told anywhere.
    A single piece has to come from somebody else than seller and buyer.
    """
    if found.category is TaxCategory.REVERSE_CHARGE or buyer.business:
        return ()
    here = {place.country, country_code(buyer.country or place.country)}
    # An address in France may name Monaco or Guadeloupe by its postcode, as evidence does by code.
    here |= {each.country for each in buyer.evidence if territory_of(each.country) == place}
    agreeing = {piece.kind for piece in buyer.evidence if piece.country in here}
    others = {piece.country for piece in buyer.evidence} - here
    needed = 1 if _is_small(seller) else 2
    findings = []
    if others:
        values = {"country": place.country, "named": " ".join(sorted(others))}
        findings.append(Finding(key="tax.evidence_contradicts", values=values))
    if found.reason is not TaxReason.DESTINATION:
        return tuple(findings)
    if len(agreeing) < needed:
        values = {"have": str(len(agreeing)), "needed": str(needed)}
        findings.append(Finding(key="tax.evidence_missing", values=values))
    elif len(agreeing) == 1 and not any(piece.third_party for piece in buyer.evidence):
        findings.append(Finding(key="tax.evidence_of_no_third_party"))
    return tuple(findings)


def _is_small(seller: Seller) -> bool:
    sales = seller.cross_border
    return sales is not None and max(sales.previous_year, sales.this_year) < ONE_PIECE_LIMIT


def _unknown(key: str, **values: str) -> Finding:
    return Finding(key=key, values=values)
