"""Stripe Tax, small: calculations by a short list of rates, and transactions made of them.

The account's head office is in Germany, and it is registered for OSS, in the United Kingdom, in
Texas and in New York. Everywhere else in the United States it does not collect; what is not listed
is not supported.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from attrs import frozen

from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._errors import bad_parameter, invalid, missing_parameter
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._params import Params


CALCULATION_FIELDS = frozenset({"currency", "customer_details", "line_items", "tax_date"})
COMMIT_FIELDS = frozenset({"calculation", "metadata", "reference"})
LINES_LISTED = PAGING - {"created"}
REVERSAL_FIELDS = frozenset({"metadata", "mode", "original_transaction", "reference"})

_HOME = "DE"
_EMBEDDED = 10  # as many as Stripe's lists have within another object
_EU = {"AT": "20", "DE": "19", "ES": "21", "FR": "20", "IE": "23", "IT": "22", "NL": "21"}
_STATES = {
    # Texas taxes 80 % of a data processing service; the figures are those of the state alone.
    "TX": ("6.25", Fraction(4, 5)),
    "NY": ("4", Fraction(1)),
}


@frozen
class _Rule:
    reason: str
    percent: str = "0"
    base: Fraction = Fraction(1)
    kind: str = "vat"


def calculate(call: Call) -> JsonObject:
    """A calculation: amounts by line, each with the jurisdiction that decided."""
    currency = call.params.required("currency").lower()
    details = call.params.nested("customer_details")
    address = details.nested("address")
    country = address.required("country")
    state = address.text("state")
    if country == "US" and state is None and address.text("postal_code") is None:
        raise bad_parameter(
            "The customer's location isn't recognized.",
            param="customer_details[address]",
            code="customer_tax_location_invalid",
        )
    items = call.params.each("line_items")
    if not items:
        raise missing_parameter("line_items")
    rule = _rule(country, state, details)
    calculation = call.state.new_id("taxcalc")
    made = (_line(call, item, rule, country, state) for item in items)
    lines = [call.state.save({**line, "calculation": calculation}) for line in made]
    inclusive = sum(line["amount_tax"] for line in lines if line["tax_behavior"] == "inclusive")
    exclusive = sum(line["amount_tax"] for line in lines if line["tax_behavior"] == "exclusive")
    return call.state.save(
        {
            "id": calculation,
            "object": "tax.calculation",
            "amount_total": sum(line["amount"] for line in lines) + exclusive,
            "currency": currency,
            "customer": None,
            "customer_details": {
                "address": {
                    "country": country,
                    "postal_code": address.text("postal_code"),
                    "state": state,
                },
                "address_source": details.text("address_source"),
                "tax_ids": [
                    {"type": each.required("type"), "value": each.required("value")}
                    for each in details.each("tax_ids")
                ],
                "taxability_override": details.text("taxability_override") or "none",
            },
            "expires_at": call.state.now + 90 * 86_400,
            "line_items": {
                "object": "list",
                "data": lines[:_EMBEDDED],
                "has_more": len(lines) > _EMBEDDED,
                "url": f"/v1/tax/calculations/{calculation}/line_items",
            },
            "livemode": False,
            "tax_amount_exclusive": exclusive,
            "tax_amount_inclusive": inclusive,
            "tax_breakdown": [],
            "tax_date": call.params.integer("tax_date", call.state.now),
        }
    )


def list_lines(call: Call) -> Page:
    """GET /v1/tax/calculations/{id}/line_items, in the order of the request."""
    (ref,) = call.path
    call.state.get("tax.calculation", ref)
    lines = call.state.all("tax.calculation_line_item")
    found = [line for line in lines if line["calculation"] == ref]
    return page(call, found, f"/v1/tax/calculations/{ref}/line_items")


def commit(call: Call) -> JsonObject:
    """A transaction of a calculation; each reference is used once."""
    calculation = call.state.get(
        "tax.calculation", call.params.required("calculation"), param="calculation", status=400
    )
    return _transaction(call, "transaction", calculation["id"])


def reverse(call: Call) -> JsonObject:
    """A transaction that takes another one back, wholly."""
    if call.params.required("mode") != "full":
        raise bad_parameter("Only full reversals are made here", param="mode")
    original = call.state.get(
        "tax.transaction",
        call.params.required("original_transaction"),
        param="original_transaction",
        status=400,
    )
    return _transaction(call, "reversal", original["id"])


def _transaction(call: Call, kind: str, source: str) -> JsonObject:
    reference = call.params.required("reference")
    if any(each["reference"] == reference for each in call.state.all("tax.transaction")):
        raise invalid(
            "A transaction with this reference already exists.",
            param="reference",
            code="resource_already_exists",
        )
    return call.state.save(
        {
            "id": call.state.new_id("tax"),
            "object": "tax.transaction",
            "created": call.state.now,
            "livemode": False,
            "metadata": call.params.metadata(),
            "reference": reference,
            "reversal": {"original_transaction": source} if kind == "reversal" else None,
            "type": kind,
        }
    )


def _rule(country: str, state: str | None, details: Params) -> _Rule:
    if details.text("taxability_override") == "customer_exempt":
        return _Rule("customer_exempt")
    if country == "US":
        if state not in _STATES:
            return _Rule("not_collecting", kind="sales_tax")
        percent, base = _STATES[state]
        reason = "standard_rated" if base == 1 else "taxable_basis_reduced"
        return _Rule(reason, percent, base, "sales_tax")
    ids = {each.required("type") for each in details.each("tax_ids")}
    if country in _EU:
        if country != _HOME and "eu_vat" in ids:
            return _Rule("reverse_charge")
        return _Rule("standard_rated", _EU[country])
    if country == "GB":
        return _Rule("reverse_charge") if "gb_vat" in ids else _Rule("standard_rated", "20")
    return _Rule("not_supported")


def _line(call: Call, item: Params, rule: _Rule, country: str, state: str | None) -> JsonObject:
    amount = item.integer("amount")
    if amount is None:
        raise missing_parameter("line_items[amount]")
    behavior = item.choice("tax_behavior", ("exclusive", "inclusive"), "exclusive")
    rate = Fraction(Decimal(rule.percent)) / 100 * rule.base
    exact = amount * rate if behavior == "exclusive" else amount - amount / (1 + rate)
    tax = int(exact + Fraction(1, 2))
    net = amount if behavior == "exclusive" else amount - tax
    return {
        "id": call.state.new_id("tax_li"),
        "object": "tax.calculation_line_item",
        "amount": amount,
        "amount_tax": tax,
        "livemode": False,
        "quantity": item.integer("quantity", 1),
        "reference": item.required("reference"),
        "tax_behavior": behavior,
        "tax_breakdown": [
            {
                "amount": tax,
                "jurisdiction": {
                    "country": country,
                    "display_name": state or country,
                    "level": "country" if state is None else "state",
                    "state": state,
                },
                "sourcing": "destination",
                "tax_rate_details": {
                    "display_name": "Sales Tax" if rule.kind == "sales_tax" else "VAT",
                    "percentage_decimal": rule.percent,
                    "tax_type": rule.kind,
                },
                "taxability_reason": rule.reason,
                "taxable_amount": int(net * rule.base) if rate else 0,
            }
        ],
        "tax_code": item.text("tax_code") or "txcd_10000000",
    }
