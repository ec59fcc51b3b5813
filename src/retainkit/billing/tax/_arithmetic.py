"""From amounts and treatments to nets, taxes and their sums; which treatment, is decided elsewhere.

All figures are minor units: exact fractions until the one rounding, whole numbers after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TypeAlias, assert_never

from attrs import frozen

from retainkit.billing.tax._behavior import TaxBehavior
from retainkit.billing.tax._findings import Finding
from retainkit.billing.tax._lines import TaxedLine, TaxGroup, group_of
from retainkit.billing.tax._rounding import InclusiveRounding, TaxLevel, TaxRounding
from retainkit.billing.tax._treatment import TaxTreatment, percent
from retainkit.money import Currency, Money, from_minor, round_fraction
from retainkit.timing import Period


@frozen(kw_only=True)
class Charged:
    """A line whose treatment is decided; its amount is in exact minor units."""

    id: str
    source: str
    amount: Fraction
    behavior: TaxBehavior
    treatment: TaxTreatment
    period: Period | None

    @property
    def share(self) -> Fraction:
        return self.treatment.share


_Parts: TypeAlias = list[tuple[int, int]]  # net and tax of each line, in order


def taxed(
    charged: Sequence[Charged], rounding: TaxRounding, currency: Currency
) -> tuple[tuple[TaxedLine, ...], tuple[TaxGroup, ...], tuple[Finding, ...]]:
    """The lines with their tax, the sums by rate, and the groups that EN 16931 would not take."""
    grouped = _grouped(charged)
    parts = _parts(charged, grouped, rounding)
    lines = tuple(
        _line(each, net, tax, currency) for each, (net, tax) in zip(charged, parts, strict=True)
    )
    groups = []
    findings = []
    for of_group in grouped:
        net = sum(parts[index][0] for index in of_group)
        tax = sum(parts[index][1] for index in of_group)
        first = charged[of_group[0]].treatment
        groups.append(group_of(first, from_minor(net, currency), from_minor(tax, currency)))
        by_rule = round_fraction(net * first.share, rounding.mode)
        if tax != by_rule:
            findings.append(_off_by(first, tax, by_rule, currency))
    return lines, tuple(groups), tuple(findings)


def _parts(
    charged: Sequence[Charged], grouped: Sequence[Sequence[int]], rounding: TaxRounding
) -> _Parts:
    match rounding.level:
        case TaxLevel.LINE:
            return [_alone(each, rounding) for each in charged]
        case TaxLevel.RATE_GROUP:
            return _in_groups(charged, grouped, rounding)
        case TaxLevel.INVOICE:
            return _together(charged, rounding)
        case _:
            assert_never(rounding.level)


def _alone(each: Charged, rounding: TaxRounding) -> tuple[int, int]:
    amount = round_fraction(each.amount, rounding.mode)
    if each.behavior is TaxBehavior.EXCLUSIVE:
        return amount, round_fraction(amount * each.share, rounding.mode)
    return _within(amount, amount / (1 + each.share), rounding)


def _in_groups(
    charged: Sequence[Charged], grouped: Sequence[Sequence[int]], rounding: TaxRounding
) -> _Parts:
    """Amounts are rounded line by line, and the tax once for each rate."""
    amounts = [round_fraction(each.amount, rounding.mode) for each in charged]
    parts: _Parts = [(0, 0)] * len(charged)
    for of_group in grouped:
        share = charged[of_group[0]].share
        for behavior in TaxBehavior:
            chosen = [index for index in of_group if charged[index].behavior is behavior]
            own = [amounts[index] for index in chosen]
            if behavior is TaxBehavior.EXCLUSIVE:
                made = list(zip(own, _taxes(own, share, rounding), strict=True))
            else:
                made = _made(
                    [Fraction(each) for each in own], [share] * len(own), behavior, rounding
                )
            for index, part in zip(chosen, made, strict=True):
                parts[index] = part
    return parts


def _taxes(amounts: list[int], share: Fraction, rounding: TaxRounding) -> list[int]:
    """The tax of whole amounts at one rate, from one rounding of their sum."""
    exact = [amount * share.numerator for amount in amounts]
    tax = round_fraction(Fraction(sum(exact), share.denominator), rounding.mode)
    return spread(exact, tax, of=share.denominator)


def _together(charged: Sequence[Charged], rounding: TaxRounding) -> _Parts:
    """Nothing is rounded but the sums of the whole invoice."""
    parts: _Parts = [(0, 0)] * len(charged)
    for behavior in TaxBehavior:
        chosen = [index for index, each in enumerate(charged) if each.behavior is behavior]
        made = _made(
            [charged[index].amount for index in chosen],
            [charged[index].share for index in chosen],
            behavior,
            rounding,
        )
        for index, part in zip(chosen, made, strict=True):
            parts[index] = part
    return parts


def _made(
    amounts: list[Fraction], shares: list[Fraction], behavior: TaxBehavior, rounding: TaxRounding
) -> _Parts:
    """Net and tax of each amount, from one rounding of their sums."""
    whole = round_fraction(sum(amounts, Fraction(0)), rounding.mode)
    if behavior is TaxBehavior.EXCLUSIVE:
        taxes = [amount * share for amount, share in zip(amounts, shares, strict=True)]
        tax = round_fraction(sum(taxes, Fraction(0)), rounding.mode)
        return list(zip(spread(amounts, whole), spread(taxes, tax), strict=True))
    nets = [amount / (1 + share) for amount, share in zip(amounts, shares, strict=True)]
    net, _ = _within(whole, sum(nets, Fraction(0)), rounding)
    return [
        (net_part, gross_part - net_part)
        for net_part, gross_part in zip(spread(nets, net), spread(amounts, whole), strict=True)
    ]


def _within(gross: int, exact_net: Fraction, rounding: TaxRounding) -> tuple[int, int]:
    match rounding.inclusive:
        case InclusiveRounding.NET:
            net = round_fraction(exact_net, rounding.mode)
        case InclusiveRounding.TAX:
            net = gross - round_fraction(gross - exact_net, rounding.mode)
        case _:
            assert_never(rounding.inclusive)
    return net, gross - net


def spread(exact: Sequence[Fraction | int], total: int, *, of: int = 1) -> list[int]:
    """
    The total in whole parts, each within one unit of its exact value; ties by order.

    Values may have either sign; with all signs turned, so is the result. They are counted in
    parts of a unit, so many as `of` says.
    """
    parts = [value // of if value >= 0 else -(-value // of) for value in exact]  # towards zero
    left = total - sum(parts)
    if left:
        unit = 1 if left > 0 else -1
        rests = [unit * (value - part * of) for value, part in zip(exact, parts, strict=True)]
        for index in sorted(range(len(rests)), key=rests.__getitem__, reverse=True)[: abs(left)]:
            parts[index] += unit
    return parts


def _grouped(charged: Iterable[Charged]) -> list[list[int]]:
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, each in enumerate(charged):
        of = each.treatment
        key = (of.category, of.rate, of.country, of.region)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _line(each: Charged, net: int, tax: int, currency: Currency) -> TaxedLine:
    return TaxedLine(
        id=each.id,
        net=from_minor(net, currency),
        tax=from_minor(tax, currency),
        gross=from_minor(net + tax, currency),
        treatment=each.treatment,
        source=each.source,
        period=each.period,
    )


def _off_by(first: TaxTreatment, tax: int, by_rule: int, currency: Currency) -> Finding:
    return Finding(
        key="tax.not_net_times_rate",
        values={
            "category": first.category.value,
            "rate": percent(first.share),
            "tax": _text(from_minor(tax, currency)),
            "by_rule": _text(from_minor(by_rule, currency)),
        },
    )


def _text(money: Money) -> str:
    return f"{money.amount} {money.currency.code}"
