"""What EN 16931 asks of each VAT category; the rules that ask it are in ``_category_rules``."""

from __future__ import annotations

from attrs import frozen

from retainkit.billing.tax import TaxCategory


@frozen(kw_only=True)
class Traits:
    """
    What the rules of EN 16931 ask of one category.

    Args:
        prefix: How its rules are named: ``BR-S``.

        taxed: Whether its rate may be above zero; else both the rate and the VAT are zero.

        positive: Whether its rate must be above zero.

        reason: Whether a reason for not taxing is asked for; where it isn't, none may stand.

        rated: Whether there is one breakdown for each rate; else there is just one.
    """

    prefix: str
    taxed: bool = False
    positive: bool = False
    reason: bool = False
    rated: bool = False


TRAITS = {
    TaxCategory.STANDARD: Traits(prefix="BR-S", taxed=True, positive=True, rated=True),
    TaxCategory.ZERO: Traits(prefix="BR-Z"),
    TaxCategory.EXEMPT: Traits(prefix="BR-E", reason=True),
    TaxCategory.REVERSE_CHARGE: Traits(prefix="BR-AE", reason=True),
    TaxCategory.INTRA_COMMUNITY: Traits(prefix="BR-IC", reason=True),
    TaxCategory.EXPORT: Traits(prefix="BR-G", reason=True),
    TaxCategory.OUTSIDE_SCOPE: Traits(prefix="BR-O", reason=True),
    TaxCategory.CANARY_ISLANDS: Traits(prefix="BR-AF", taxed=True, rated=True),
    TaxCategory.CEUTA_MELILLA: Traits(prefix="BR-AG", taxed=True, rated=True),
    TaxCategory.SPLIT_PAYMENT: Traits(prefix="BR-B", taxed=True, rated=True),
}
