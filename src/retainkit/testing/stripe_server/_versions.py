"""How an object looks to a caller of an API version: without its hidden part, and pre-basil."""

from __future__ import annotations

from retainkit.testing.stripe_server._json import HIDDEN, JsonObject, copied


LATEST = "2026-10-28.endive"
"""The API version the objects are kept in; stripe-python 16.1 pins it."""

BASIL = "2025-03-31"
"""From this version on an invoice has payments and a parent, a subscription item its period.

https://docs.stripe.com/changelog/basil
"""


def render(item: JsonObject, version: str) -> JsonObject:
    """The object as Stripe would send it in that version."""
    shown = {key: copied(value) for key, value in item.items() if key != HIDDEN}
    hidden = item.get(HIDDEN, {})
    kind = item["object"]
    if kind == "event":
        shown["api_version"] = version
        shown["data"]["object"] = render(item["data"]["object"], version)
    elif version[:10] >= BASIL:
        return shown
    elif kind == "invoice":
        _older_invoice(shown, hidden)
    elif kind == "subscription":
        _older_subscription(shown)
    elif kind in {"payment_intent", "charge"}:
        shown["invoice"] = hidden.get("invoice")
    return shown


def _older_invoice(shown: JsonObject, hidden: JsonObject) -> None:
    parent = shown.pop("parent")
    for key in ("amount_overpaid", "confirmation_secret", "total_taxes"):
        shown.pop(key, None)
    shown |= {
        "charge": hidden.get("charge"),
        "paid": shown["status"] == "paid",
        "paid_out_of_band": hidden.get("paid_out_of_band", False),
        "payment_intent": hidden.get("payment_intent"),
        "quote": None,
        "subscription": parent and parent["subscription_details"]["subscription"],
        "subscription_details": {"metadata": parent["subscription_details"]["metadata"]}
        if parent
        else {"metadata": None},
        "tax": None,
        "total_tax_amounts": [],
    }
    for line in shown["lines"]["data"]:
        _older_line(line, hidden.get("prices", {}))


def _older_line(line: JsonObject, prices: JsonObject) -> None:
    parent, pricing = line.pop("parent"), line.pop("pricing")
    line.pop("taxes", None)
    of_item = (parent or {}).get("subscription_item_details") or {}
    line |= {
        "price": prices.get(pricing["price_details"]["price"])
        if pricing and pricing.get("price_details")
        else None,
        "proration": bool(of_item.get("proration")),
        "subscription": of_item.get("subscription"),
        "tax_amounts": [],
        "type": "subscription" if of_item else "invoiceitem",
    }
    if of_item:
        line["subscription_item"] = of_item["subscription_item"]


def _older_subscription(shown: JsonObject) -> None:
    for key in ("billing_mode", "billing_schedules"):
        shown.pop(key, None)
    periods = [
        (item.pop("current_period_start"), item.pop("current_period_end"))
        for item in shown["items"]["data"]
    ]
    shown["current_period_start"] = max(start for start, _ in periods)
    shown["current_period_end"] = min(end for _, end in periods)
