"""The sums of a document, from its lines; whether given sums are right: ``_rules``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias

from retainkit.billing.invoicing._documents import TaxSubtotal, Totals
from retainkit.billing.invoicing._lines import Adjustment, AdjustmentKind, InvoiceLine, negated
from retainkit.billing.tax import Exemption, TaxCategory
from retainkit.money import Money, Rounding, share, total


GroupKey: TypeAlias = tuple[TaxCategory, Fraction]


NO_EXEMPTIONS: Mapping[TaxCategory, Exemption] = MappingProxyType({})


def group_key(category: TaxCategory, rate: Fraction | None) -> GroupKey:
    """What is summed before VAT is computed; no rate counts as zero."""
    return category, rate or Fraction(0)


def taxable_sums(
    lines: Sequence[InvoiceLine], adjustments: Sequence[Adjustment], currency: str
) -> dict[GroupKey, Money]:
    """The net sum of each category and rate, in the order in which they first appear."""
    amounts: dict[GroupKey, list[Money]] = {}
    for line in lines:
        amounts.setdefault(group_key(line.category, line.rate), []).append(line.net)
    for each in adjustments:
        if each.category is not None:
            amounts.setdefault(group_key(each.category, each.rate), []).append(each.signed)
    return {key: total(found, currency) for key, found in amounts.items()}


def tax_on(taxable: Money, rate: Fraction | None) -> Money:
    """The VAT on a sum, half a minor unit away from zero (BR-CO-17)."""
    return share(taxable, rate or Fraction(0), Rounding.HALF_UP)


def tax_subtotals(
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[Adjustment] = (),
    *,
    currency: str,
    exemptions: Mapping[TaxCategory, Exemption] = NO_EXEMPTIONS,
) -> tuple[TaxSubtotal, ...]:
    """
    The VAT by category and rate, each rounded once on its sum.

    Args:
        lines: The lines.

        adjustments: Those of the whole document.

        currency: The ISO code of all amounts.

        exemptions: Why a category is not taxed.

    Raises:
        InvalidInput: ``money.mixed_currencies``.
    """
    outside = TaxCategory.OUTSIDE_SCOPE
    return tuple(
        TaxSubtotal(
            category=category,
            rate=None if category is outside else rate,
            taxable=taxable,
            tax=tax_on(taxable, rate),
            reason=exemptions[category].text if category in exemptions else "",
            reason_code=(exemptions[category].code or "") if category in exemptions else "",
        )
        for (category, rate), taxable in taxable_sums(lines, adjustments, currency).items()
    )


def sum_adjustments(
    adjustments: Iterable[Adjustment], kind: AdjustmentKind, currency: str
) -> Money:
    """What the allowances, or the charges, of a document come to."""
    return total((each.amount for each in adjustments if each.kind is kind), currency)


def document_totals(
    lines: Sequence[InvoiceLine],
    adjustments: Sequence[Adjustment],
    subtotals: Sequence[TaxSubtotal],
    *,
    currency: str,
    prepaid: Money | None = None,
    rounding: Money | None = None,
) -> Totals:
    """
    The sums of a document, as BR-CO-10 to BR-CO-16 of EN 16931 define them.

    Raises:
        InvalidInput: ``money.mixed_currencies``.
    """
    nothing = total((), currency)
    of_lines = total((line.net for line in lines), currency)
    allowances = sum_adjustments(adjustments, AdjustmentKind.ALLOWANCE, currency)
    charges = sum_adjustments(adjustments, AdjustmentKind.CHARGE, currency)
    net = total((of_lines, negated(allowances), charges), currency)
    tax = total((each.tax for each in subtotals), currency)
    gross = total((net, tax), currency)
    paid, rounded = prepaid or nothing, rounding or nothing
    return Totals(
        lines=of_lines,
        allowances=allowances,
        charges=charges,
        net=net,
        tax=tax,
        gross=gross,
        prepaid=paid,
        rounding=rounded,
        payable=total((gross, negated(paid), rounded), currency),
    )
