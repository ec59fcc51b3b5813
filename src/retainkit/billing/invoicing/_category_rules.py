"""EN 16931's rules on VAT categories and their breakdowns (6.4.3); the sums are in ``_rules``."""

from __future__ import annotations

from collections.abc import Iterator

from retainkit.billing.invoicing._amounts import GroupKey, group_key, taxable_sums
from retainkit.billing.invoicing._categories import TRAITS
from retainkit.billing.invoicing._documents import CreditNote, InvoiceDocument, TaxSubtotal
from retainkit.billing.invoicing._findings import Finding
from retainkit.billing.tax import TaxCategory
from retainkit.money import total


SOURCE = "EN 16931-1:2017, 6.4.3"


def category_findings(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    """What is wrong with the categories, rates and breakdowns of a document."""
    yield from _rates(document)
    yield from _breakdowns(document)
    for index, subtotal in enumerate(document.subtotals):
        yield from _subtotal(f"subtotals[{index}]", subtotal)
    yield from _alone(document)


def _rates(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    """BR-x-05 to BR-x-07: the rates of lines, allowances and charges."""
    places = [(f"lines[{i}]", each.category, each.rate) for i, each in enumerate(document.lines)]
    for index, each in enumerate(document.adjustments):
        name = f"adjustments[{index}]"
        if each.category is None:
            yield Finding(
                rule="BR-32" if each.kind == "allowance" else "BR-37",
                field=f"{name}.category",
                source="EN 16931-1:2017, 6.4.2",
                remedy="say how the adjustment is taxed: pass category and rate",
            )
            continue
        places.append((name, each.category, each.rate))
    numbers = {"lines": "05", "adjustments": "06"}
    for name, category, rate in places:
        traits = TRAITS[category]
        number = numbers[name.partition("[")[0]]
        if traits.positive and not rate:
            yield _wrong(
                f"{traits.prefix}-{number}", f"{name}.rate", "pass a rate above zero", rate
            )
        elif not traits.taxed and rate:
            yield _wrong(f"{traits.prefix}-{number}", f"{name}.rate", "pass no rate, or 0", rate)


def _breakdowns(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    """BR-x-01 and BR-x-08: one subtotal for each group, on the group's sum."""
    sums = taxable_sums(document.lines, document.adjustments, document.currency)
    given: dict[GroupKey, list[tuple[int, TaxSubtotal]]] = {}
    for index, subtotal in enumerate(document.subtotals):
        key = group_key(subtotal.category, subtotal.rate)
        given.setdefault(key, []).append((index, subtotal))
    for key, amount in sums.items():
        category, rate = key
        prefix = TRAITS[category].prefix
        if key not in given:
            yield _wrong(
                f"{prefix}-01", "subtotals", f"add one for {category.value} at this rate", rate
            )
        elif len(given[key]) > 1:
            yield _wrong(f"{prefix}-01", "subtotals", "join them into one", rate)
        else:
            ((index, subtotal),) = given[key]
            if total((subtotal.taxable,), document.currency) != amount:
                yield Finding(
                    rule=f"{prefix}-08",
                    field=f"subtotals[{index}].taxable",
                    source=SOURCE,
                    remedy="make it the lines less the allowances plus the charges of this rate",
                    expected=f"{amount.amount:f}",
                    found=f"{subtotal.taxable.amount:f}",
                )
    for key, found in given.items():
        if key not in sums and any(each.taxable.amount or each.tax.amount for _, each in found):
            prefix = TRAITS[key[0]].prefix
            index = found[0][0]
            yield _wrong(
                f"{prefix}-08",
                f"subtotals[{index}]",
                "take it out: nothing of this category and rate is billed",
                key[1],
            )


def _subtotal(name: str, subtotal: TaxSubtotal) -> Iterator[Finding]:
    """BR-x-09 and BR-x-10: no VAT where none is due, and the reason for that."""
    traits = TRAITS[subtotal.category]
    if not traits.taxed and subtotal.tax.amount:
        yield Finding(
            rule=f"{traits.prefix}-09",
            field=f"{name}.tax",
            source=SOURCE,
            remedy="make it zero: this category is not taxed",
            expected="0",
            found=f"{subtotal.tax.amount:f}",
        )
    told = subtotal.reason or subtotal.reason_code
    if traits.reason and not told:
        yield Finding(
            rule=f"{traits.prefix}-10",
            field=f"{name}.reason",
            source=SOURCE,
            remedy="say why no VAT is charged, in words or by a VATEX code",
        )
    if told and (traits.positive or subtotal.category is TaxCategory.ZERO):
        yield Finding(
            rule=f"{traits.prefix}-10",
            field=f"{name}.reason",
            source=SOURCE,
            remedy="take the reason out: this category is taxed",
            found=told,
        )


def _alone(document: InvoiceDocument | CreditNote) -> Iterator[Finding]:
    """BR-O-02 and BR-O-11: what is outside the scope of VAT stands alone, without VAT ids."""
    categories = {subtotal.category for subtotal in document.subtotals}
    if TaxCategory.OUTSIDE_SCOPE in categories:
        parties = (
            ("seller", document.seller),
            ("buyer", document.buyer),
            ("representative", document.representative),
        )
        for role, party in parties:
            if party is not None and party.vat_id:
                yield Finding(
                    rule="BR-O-02",
                    field=f"{role}.vat_id",
                    source=SOURCE,
                    remedy="leave the VAT id out: the seller's tax number is enough",
                    found=party.vat_id,
                )
    if TaxCategory.OUTSIDE_SCOPE in categories and len(categories) > 1:
        yield Finding(
            rule="BR-O-11",
            field="subtotals",
            source=SOURCE,
            remedy="bill what is outside the scope of VAT on a document of its own",
            found=", ".join(sorted(category.value for category in categories)),
        )
    if {TaxCategory.SPLIT_PAYMENT, TaxCategory.STANDARD} <= categories:
        yield Finding(
            rule="BR-B-02",
            field="subtotals",
            source=SOURCE,
            remedy="bill split payment and standard rated supplies apart",
        )


def _wrong(rule: str, field: str, remedy: str, rate: object) -> Finding:
    return Finding(
        rule=rule,
        field=field,
        source=SOURCE,
        remedy=remedy,
        found=None if rate is None else str(rate),
    )
