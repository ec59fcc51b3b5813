"""The tax of a request by rules and rates; each rule has a file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction

from attrs import evolve

from retainkit.billing.tax._arithmetic import Charged, spread, taxed
from retainkit.billing.tax._findings import Finding
from retainkit.billing.tax._lines import Exemption, TaxableLine
from retainkit.billing.tax._place import Ruling, ruling
from retainkit.billing.tax._quote import QuoteState, TaxQuote
from retainkit.billing.tax._rates import Rate, RateTable, named
from retainkit.billing.tax._request import NationalCurrency, TaxRequest
from retainkit.billing.tax._rounding import TaxLevel
from retainkit.billing.tax._shipped import national_currency
from retainkit.billing.tax._tax_point import RateDays, rate_days
from retainkit.billing.tax._treatment import (
    TaxCategory,
    TaxReason,
    TaxTreatment,
    percent,
)
from retainkit.errors import RetainkitError
from retainkit.money import (
    Money,
    Rounding,
    currency_of,
    from_minor,
    minor_digits,
    round_fraction,
    to_units,
)


def calculate(
    request: TaxRequest,
    rates: RateTable,
    *,
    today: date | None = None,
    max_age: timedelta | None = None,
) -> TaxQuote:
    """
    The tax of a request, or that it is not known; never a zero for what is not known.

    Args:
        request: The whole question.

        rates: The table to take rates from: `shipped_rates()`, with the host's own if need be.

        today: The day to compare the age of the table with.

        max_age: How old the table may be; past it, a finding says so.

    Raises:
        InvalidInput: ``tax.tax_point_missing`` when nothing tells the day of the rate.
    """
    findings: list[Finding] = []
    if today is not None and max_age is not None:
        findings += rates.age(today, max_age)
    ruled: Ruling | None = None
    if any(line.credits is None for line in request.lines):
        decided = ruling(request, rates)
        if isinstance(decided, Finding):
            return _not_known(request, [*findings, decided])
        ruled = decided
        findings += ruled.findings
    charged: list[Charged] = []
    alike: dict[tuple[object, ...], TaxTreatment] = {}  # lines mostly differ in amounts alone
    for line in request.lines:
        kind = (line.category, line.exemption, line.period)
        treatment = line.credits or alike.get(kind)
        if treatment is not None:
            charged.append(_whole(line, treatment))
            continue
        found = _charged(line, request, ruled, rates)
        if isinstance(found, Finding):
            return _not_known(request, [*findings, found])
        if len(found) == 1:
            alike[kind] = found[0].treatment
        charged += found
    lines, groups, more = taxed(charged, request.rounding, currency_of(request.currency))
    quote = TaxQuote(
        state=QuoteState.OK,
        currency=request.currency,
        lines=lines,
        groups=groups,
        findings=(*findings, *more),
    )
    return _with_national(quote, request)


def _not_known(request: TaxRequest, findings: Iterable[Finding]) -> TaxQuote:
    return TaxQuote(state=QuoteState.UNKNOWN, currency=request.currency, findings=tuple(findings))


def _charged(
    line: TaxableLine, request: TaxRequest, ruled: Ruling | None, rates: RateTable
) -> list[Charged] | Finding:
    assert ruled is not None  # noqa: S101 - there is one wherever a line is no credit
    if not ruled.taxed:
        rate = None if ruled.category is TaxCategory.OUTSIDE_SCOPE else Fraction(0)
        return [_whole(line, _treatment(ruled, rate, line, ruled.category))]
    exemption = line.exemption or request.buyer.exemption
    if exemption is not None:
        return [_whole(line, _exempt(ruled, exemption, line))]
    return _at_its_rate(line, request, ruled, rates)


def _at_its_rate(
    line: TaxableLine, request: TaxRequest, ruled: Ruling, rates: RateTable
) -> list[Charged] | Finding:
    days = rate_days(ruled.country, line, request.tax_point)
    try:
        found = rates.during(
            ruled.country, days.first, days.last, region=ruled.region, category=line.category
        )
    except RetainkitError as error:
        return Finding(
            key=error.code,
            values={
                "line": line.id,
                "place": named(ruled.country, ruled.region, line.category),
                "first": days.first.isoformat(),
                "last": days.last.isoformat(),
            },
        )
    first = found[0]
    if all((rate.rate, rate.components) == (first.rate, first.components) for rate in found):
        return [_whole(line, _rated(ruled, first, line))]
    if days.split and line.period is not None:
        return _split(line, request, ruled, found, days)
    return Finding(
        key="tax.tax_point_unknown",
        values={
            "line": line.id,
            "country": ruled.country,
            "first": days.first.isoformat(),
            "last": days.last.isoformat(),
            "rates": ", ".join(percent(rate.rate) for rate in found),
        },
    )


def _split(
    line: TaxableLine, request: TaxRequest, ruled: Ruling, found: Sequence[Rate], days: RateDays
) -> list[Charged]:
    """A line whose period has several rates, in parts by days."""
    lengths = []
    for rate in found:
        start = max(rate.valid_from, days.first)
        end = days.last if rate.valid_to is None else rate.valid_to - timedelta(days=1)
        lengths.append((min(end, days.last) - start).days + 1)
    units = to_units(line.amount)
    whole = sum(lengths)
    amounts = [units * length / whole for length in lengths]
    if request.rounding.level is not TaxLevel.INVOICE:
        rounded = spread(amounts, round_fraction(units, request.rounding.mode))
        amounts = [Fraction(amount) for amount in rounded]
    return [
        Charged(
            id=f"{line.id}/{number}",
            source=line.id,
            amount=amount,
            behavior=line.behavior,
            treatment=_rated(ruled, rate, line),
            period=line.period,
        )
        for number, (rate, amount) in enumerate(zip(found, amounts, strict=True), start=1)
    ]


def _whole(line: TaxableLine, treatment: TaxTreatment) -> Charged:
    return Charged(
        id=line.id,
        source=line.id,
        amount=to_units(line.amount),
        behavior=line.behavior,
        treatment=treatment,
        period=line.period,
    )


def _rated(ruled: Ruling, rate: Rate, line: TaxableLine) -> TaxTreatment:
    category = TaxCategory.STANDARD if rate.rate else TaxCategory.ZERO
    return evolve(
        _treatment(ruled, rate.rate, line, category),
        components=rate.components,
        rate_source=rate.source,
    )


def _exempt(ruled: Ruling, exemption: Exemption, line: TaxableLine) -> TaxTreatment:
    return evolve(
        _treatment(ruled, Fraction(0), line, TaxCategory.EXEMPT),
        reason=TaxReason.EXEMPTION,
        references=(),
        exemption_code=exemption.code,
        exemption_text=exemption.text,
    )


def _treatment(
    ruled: Ruling, rate: Fraction | None, line: TaxableLine, category: TaxCategory
) -> TaxTreatment:
    return TaxTreatment(
        category=category,
        rate=rate,
        country=ruled.country,
        region=ruled.region,
        rate_category=line.category,
        reason=ruled.reason,
        references=ruled.references,
        exemption_code=ruled.exemption_code,
        evidence=ruled.evidence,
        verification=ruled.verification,
    )


def _with_national(quote: TaxQuote, request: TaxRequest) -> TaxQuote:
    if request.national is not None:
        return evolve(quote, national_tax=in_national_currency(quote.total_tax, request.national))
    home = national_currency(request.seller.territory.country)
    if home in (None, request.currency) or not quote.total_tax.amount:
        return quote
    missing = Finding(key="tax.national_currency_missing", values={"currency": home})
    return evolve(quote, findings=(*quote.findings, missing))


def in_national_currency(
    tax: Money, national: NationalCurrency, rounding: Rounding = Rounding.HALF_UP
) -> Money:
    """The tax in the seller's national currency, rounded once to its minor unit."""
    units = to_units(tax) * Fraction(national.rate)
    digits = minor_digits(national.currency) - minor_digits(tax.currency)
    return from_minor(round_fraction(units * Fraction(10) ** digits, rounding), national.currency)
