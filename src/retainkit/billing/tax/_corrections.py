"""What is corrected when a rate changes after a prepayment; other credits are the caller's."""

from __future__ import annotations

from collections.abc import Iterable

from retainkit.billing.tax._behavior import TaxBehavior
from retainkit.billing.tax._lines import TaxableLine, TaxedLine
from retainkit.billing.tax._rates import RateTable
from retainkit.billing.tax._tax_point import TaxPointRule, days_of, tax_point_rule
from retainkit.billing.tax._treatment import TaxCategory


def prepayment_corrections(
    billed: Iterable[TaxedLine],
    rates: RateTable,
    *,
    zone: str,
    behavior: TaxBehavior = TaxBehavior.EXCLUSIVE,
) -> tuple[TaxableLine, ...]:
    """
    The lines that put right what was billed ahead at a rate that is no longer the one at the end.

    Where the rate of the day counts on which a period ends (`TaxPointRule.END_OF_SUPPLY`: Germany),
    each such line is credited at its old rate and charged again; hand both to `calculate`, which
    finds the rate by the period.

    Args:
        billed: Lines as they were taxed.

        rates: The table as it is known now.

        zone: The zone in which periods are read as days.

        behavior: What was agreed: a net price keeps its net amount, a gross one its gross.

    Raises:
        NotFound, InvalidInput: as `RateTable.rate`.
    """
    lines: list[TaxableLine] = []
    for line in billed:
        old = line.treatment
        bound_to_its_end = tax_point_rule(old.country) is TaxPointRule.END_OF_SUPPLY
        if line.period is None or old.category is not TaxCategory.STANDARD or not bound_to_its_end:
            continue
        _, last = days_of(line.period, zone)
        final = rates.rate(old.country, last, region=old.region, category=old.rate_category)
        if final.rate == old.rate:
            continue
        amount = line.net if behavior is TaxBehavior.EXCLUSIVE else line.gross
        lines.append(
            TaxableLine(
                id=f"{line.id}/reversed",
                amount=-amount,
                behavior=behavior,
                category=old.rate_category,
                period=line.period,
                credits=old,
            )
        )
        lines.append(
            TaxableLine(
                id=f"{line.id}/corrected",
                amount=amount,
                behavior=behavior,
                category=old.rate_category,
                period=line.period,
            )
        )
    return tuple(lines)
