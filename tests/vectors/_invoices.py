"""Vectors of kind `invoice_totals` as calls of `billing.invoicing`; no arithmetic happens here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

from retainkit.billing.invoicing import (
    Adjustment,
    AdjustmentKind,
    InvoiceDocument,
    InvoiceLine,
    Party,
    TaxSubtotal,
    Totals,
    check_totals,
    draft_invoice,
)
from retainkit.billing.tax import Exemption, TaxCategory
from retainkit.money import Money, money


KIND = "invoice_totals"

_TOTALS = {
    "lines": "line_total",
    "allowances": "allowances",
    "charges": "charges",
    "net": "tax_exclusive",
    "tax": "tax_total",
    "gross": "tax_inclusive",
    "prepaid": "prepaid",
    "rounding": "rounding",
    "payable": "payable",
}

Verdict = tuple[Literal["passed", "failed", "not applicable"], str]


def check(row: Mapping[str, Any]) -> Verdict:
    """
    Whether we compute what the row expects, and our checker accepts the row as it stands.

    A row that breaks rules of its own must be rejected, for the rules that its note names.
    """
    stated = _stated(row)
    # A row is of amounts: the words for an exemption may have been lost on the way.
    found = [each for each in check_totals(stated) if not each.field.endswith(".reason")]
    rules = {finding.rule for finding in found}
    if row.get("recomputed") is False:
        broken = {
            word.rstrip(":,;")
            for word in str(row.get("note") or "").split()
            if word.startswith("BR-")
        }
        if rules and (not broken or broken & rules):
            return "passed", f"rejected for {', '.join(sorted(rules))}"
        return "failed", f"rejected for {sorted(rules)} instead of {sorted(broken)}"
    if found:
        return "failed", "; ".join(f"{each.rule} {each.field}" for each in found)
    drafted = _drafted(row)
    if _groups(drafted) != _groups(stated):
        return "failed", f"subtotals {_groups(drafted)} instead of {_groups(stated)}"
    if drafted.totals != stated.totals:
        return "failed", f"totals {drafted.totals} instead of {stated.totals}"
    return "passed", "computed and accepted"


def _stated(row: Mapping[str, Any]) -> InvoiceDocument:
    """The invoice with the figures of the row."""
    code, expected = row["input"]["currency"], row["expected"]
    return InvoiceDocument(
        currency=code,
        seller=Party(),
        buyer=Party(),
        lines=_lines(row),
        adjustments=_adjustments(row["input"]["allowances_charges"], code),
        subtotals=tuple(
            TaxSubtotal(
                category=TaxCategory(each["category"]),
                rate=_rate(each["rate"]),
                taxable=_amount(each["taxable"], code),
                tax=_amount(each["tax"], code),
                reason=each["exemption_reason"] or "",
                reason_code=each["exemption_code"] or "",
            )
            for each in expected["subtotals"]
        ),
        totals=Totals(
            **{name: _amount(expected[theirs], code) for name, theirs in _TOTALS.items()}
        ),
    )


def _drafted(row: Mapping[str, Any]) -> InvoiceDocument:
    """The invoice with our figures, from the lines, allowances and charges of the row."""
    code, expected = row["input"]["currency"], row["expected"]
    return draft_invoice(
        currency=code,
        lines=_lines(row),
        adjustments=_adjustments(row["input"]["allowances_charges"], code),
        exemptions={
            TaxCategory(each["category"]): Exemption(
                text=each["exemption_reason"] or "", code=each["exemption_code"]
            )
            for each in expected["subtotals"]
        },
        prepaid=_amount(expected["prepaid"], code),
        rounding=_amount(expected["rounding"], code),
    )


def _lines(row: Mapping[str, Any]) -> tuple[InvoiceLine, ...]:
    # Some rows lost the sign or the base of the price on the way; the net amount is what counts.
    code = row["input"]["currency"]
    return tuple(
        InvoiceLine(
            id=str(number),
            text="",
            quantity=each["quantity"] or 1,
            net=money(each["net"], code),
            category=TaxCategory(each["category"]),
            rate=_rate(each["rate"]),
        )
        for number, each in enumerate(row["input"]["lines"], start=1)
    )


def _adjustments(given: Sequence[Mapping[str, Any]], code: str) -> tuple[Adjustment, ...]:
    kinds = {"true": AdjustmentKind.CHARGE, "false": AdjustmentKind.ALLOWANCE}
    return tuple(
        Adjustment(
            kind=kinds[each["charge"]],
            amount=money(each["amount"], code),
            category=None if each["category"] is None else TaxCategory(each["category"]),
            rate=_rate(each["rate"]),
        )
        for each in given
    )


def _groups(document: InvoiceDocument) -> dict[tuple[str, Fraction], tuple[Money, Money]]:
    return {
        (each.category.value, each.rate or Fraction(0)): (each.taxable, each.tax)
        for each in document.subtotals
    }


def _amount(text: str | None, code: str) -> Money:
    return money(text or "0", code)


def _rate(percent: str | None) -> Fraction | None:
    return Fraction(percent) / 100 if percent else None
