"""Tax on what is billed: who owes it where, at which rate, and how it is rounded."""

from __future__ import annotations

from retainkit.billing.tax._behavior import TaxBehavior
from retainkit.billing.tax._calculate import calculate, in_national_currency
from retainkit.billing.tax._corrections import prepayment_corrections
from retainkit.billing.tax._evidence import Evidence, EvidenceKind
from retainkit.billing.tax._findings import Finding
from retainkit.billing.tax._lines import Exemption, TaxableLine, TaxedLine, TaxGroup
from retainkit.billing.tax._parties import (
    UNVERIFIED,
    Buyer,
    CrossBorderSales,
    Seller,
    VatIdCheck,
    VatIdStatus,
)
from retainkit.billing.tax._quote import QuoteState, TaxQuote, quote_of
from retainkit.billing.tax._rates import Rate, RateTable
from retainkit.billing.tax._request import (
    NationalCurrency,
    TaxPoint,
    TaxRequest,
    UnverifiedVatId,
)
from retainkit.billing.tax._rounding import InclusiveRounding, TaxLevel, TaxRounding
from retainkit.billing.tax._shipped import national_currency, shipped_rates
from retainkit.billing.tax._small_business import within_small_business_limit
from retainkit.billing.tax._tax_point import TaxPointRule, tax_point_rule
from retainkit.billing.tax._territories import EU_MEMBERS, TaxArea, Territory, territory_of
from retainkit.billing.tax._treatment import (
    TaxCategory,
    TaxComponent,
    TaxReason,
    TaxTreatment,
    percent,
)
from retainkit.billing.tax._vat_ids import VatId, vat_id


__all__ = [
    "EU_MEMBERS",
    "UNVERIFIED",
    "Buyer",
    "CrossBorderSales",
    "Evidence",
    "EvidenceKind",
    "Exemption",
    "Finding",
    "InclusiveRounding",
    "NationalCurrency",
    "QuoteState",
    "Rate",
    "RateTable",
    "Seller",
    "TaxArea",
    "TaxBehavior",
    "TaxCategory",
    "TaxComponent",
    "TaxGroup",
    "TaxLevel",
    "TaxPoint",
    "TaxPointRule",
    "TaxQuote",
    "TaxReason",
    "TaxRequest",
    "TaxRounding",
    "TaxTreatment",
    "TaxableLine",
    "TaxedLine",
    "Territory",
    "UnverifiedVatId",
    "VatId",
    "VatIdCheck",
    "VatIdStatus",
    "calculate",
    "in_national_currency",
    "national_currency",
    "percent",
    "prepayment_corrections",
    "quote_of",
    "shipped_rates",
    "tax_point_rule",
    "territory_of",
    "vat_id",
    "within_small_business_limit",
]
