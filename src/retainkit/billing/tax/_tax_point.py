"""The day whose rate counts, country by country; what the rate is, is in ``_rates``.

Only rules that are known are applied. Elsewhere every day that could count is looked at, and the
rate is known only if it is the same on all of them.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from attrs import frozen

from retainkit.billing.tax._lines import TaxableLine
from retainkit.billing.tax._request import TaxPoint
from retainkit.billing.tax._territories import country_code
from retainkit.errors import InvalidInput
from retainkit.timing import Period, local_time


class TaxPointRule(StrEnum):
    """Which day a country looks at when a rate changes."""

    END_OF_SUPPLY = "end_of_supply"
    """
    The day on which the supply or its part period is completed, whenever it was invoiced or paid;
    prepayments are corrected. Germany: section 27 (1) UStG, Abschn. 12.1 and 27.1 UStAE.
    """

    INVOICE_OR_PAYMENT = "invoice_or_payment"
    """
    The earlier of invoice and payment. United Kingdom: section 6 (4), (5) VATA 1994 and regulation
    90 of the VAT Regulations 1995.
    """

    WHEN_SUPPLIED = "when_supplied"
    """
    The days of the supply themselves: a period is split at the change. Switzerland: Art. 115 MWSTG;
    Liechtenstein alike.
    """

    NOT_KNOWN = "not_known"
    """No rule is known here: all days that could count must have one rate."""


_RULES = {
    "CH": TaxPointRule.WHEN_SUPPLIED,
    "DE": TaxPointRule.END_OF_SUPPLY,
    "GB": TaxPointRule.INVOICE_OR_PAYMENT,
    "LI": TaxPointRule.WHEN_SUPPLIED,
}


def tax_point_rule(country: str) -> TaxPointRule:
    """
    The rule of a country; `TaxPointRule.NOT_KNOWN` where we don't know it.

    Raises:
        InvalidInput: ``tax.unknown_territory``.
    """
    return _RULES.get(country_code(country), TaxPointRule.NOT_KNOWN)


@frozen
class RateDays:
    """The first and the last day whose rates count, and whether a change splits the supply."""

    first: date
    last: date
    split: bool = False


def rate_days(country: str, line: TaxableLine, point: TaxPoint) -> RateDays:
    """
    The days whose rates count for a line.

    Raises:
        InvalidInput: ``tax.tax_point_missing`` when nothing tells any day.
    """
    if point.on is not None:
        return RateDays(point.on, point.on)
    period = None if line.period is None else days_of(line.period, point.zone)
    rule = tax_point_rule(country)
    if rule is TaxPointRule.END_OF_SUPPLY:
        completed = point.performed if period is None else period[1]
        if completed is not None:
            return RateDays(completed, completed)
    if rule is TaxPointRule.INVOICE_OR_PAYMENT:
        dates = [day for day in (point.invoiced, point.paid) if day is not None]
        if dates:
            return RateDays(min(dates), min(dates))
    if rule is TaxPointRule.WHEN_SUPPLIED:
        if period is not None:
            return RateDays(*period, split=True)
        if point.performed is not None:
            return RateDays(point.performed, point.performed)
    return _all_that_could_count(line, point, period)


def days_of(period: Period, zone: str) -> tuple[date, date]:
    """The first and the last local day of a period."""
    start = local_time(period.start, zone).date()
    return start, local_time(period.end - timedelta(microseconds=1), zone).date()


def _all_that_could_count(
    line: TaxableLine, point: TaxPoint, period: tuple[date, date] | None
) -> RateDays:
    days = [day for day in (point.performed, point.invoiced, point.paid) if day is not None]
    days += period or ()
    if not days:
        raise InvalidInput(
            "Nothing tells the day whose tax rate counts",
            code="tax.tax_point_missing",
            field="tax_point",
            value=line.id,
            remedy="give the line's period, or a date: TaxPoint(on=...), performed, invoiced, paid",
        )
    return RateDays(min(days), max(days))
