"""The billing cycle: what the clock makes happen to subscriptions and invoices."""

from __future__ import annotations

from retainkit.testing.stripe_server._call import Settings
from retainkit.testing.stripe_server._invoice_life import (
    add_line,
    collect,
    end_subscription,
    finalize,
    new_invoice,
    retry,
    usable_method,
    void,
    write_off,
)
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject, copied
from retainkit.testing.stripe_server._periods import period_start
from retainkit.testing.stripe_server._state import State, seconds


INCOMPLETE_FOR = 23 * 3600
"""Seconds an incomplete subscription waits for its first payment.

https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses
"""

_RENEWED = frozenset({"active", "past_due", "unpaid"})


def due(item: JsonObject) -> int | None:
    """When the object next wants the clock's attention."""
    if item["object"] == "invoice":
        if item["status"] == "draft":
            return _time(item["automatically_finalizes_at"])
        return _time(item["next_payment_attempt"]) if item["status"] == "open" else None
    if item["object"] != "subscription":
        return None
    if item["status"] == "incomplete":
        return int(item["created"]) + INCOMPLETE_FOR
    if item["status"] not in _RENEWED:
        return None
    times = [period_end(item), _time(item["cancel_at"])]
    if item["pause_collection"]:
        times.append(_time(item["pause_collection"]["resumes_at"]))
    return min(at for at in times if at is not None)


def run(state: State, settings: Settings, until: int) -> None:
    """Let everything happen that is due up to `until`, in order of its time."""
    while (found := state.next_due(until)) is not None:
        at, item = found
        state.turn(at)
        if item["object"] == "invoice":
            _advance_invoice(state, settings, item)
        else:
            _advance_subscription(state, settings, item, at)
    state.turn(until)


def period_end(subscription: JsonObject) -> int:
    """When the current period of a subscription ends; its items share one here."""
    return int(subscription["items"]["data"][0]["current_period_end"])


def bill_period(
    state: State, settings: Settings, subscription: JsonObject, *, reason: str
) -> JsonObject:
    """A draft invoice for the current period, in advance."""
    items = subscription["items"]["data"]
    start, end = items[0]["current_period_start"], items[0]["current_period_end"]
    paused = (subscription["pause_collection"] or {}).get("behavior")
    invoice = new_invoice(
        state,
        state.get("customer", subscription["customer"]),
        currency=subscription["currency"],
        reason=reason,
        auto_advance=paused is None,
        collection_method=subscription["collection_method"],
        days_until_due=subscription["days_until_due"],
        subscription=subscription,
        period=(start, start)
        if reason == "subscription_create"
        else (_before(subscription), start),
        url=subscription[HIDDEN]["url"],
    )
    for item in items:
        price, quantity = item["price"], item["quantity"]
        product = state.get("product", price["product"])
        add_line(
            state,
            invoice,
            price["unit_amount"] * quantity,
            description=f"{quantity} x {product['name']}",
            period=(start, end),
            parent={
                "invoice_item_details": None,
                "subscription_item_details": {
                    "invoice_item": None,
                    "proration": False,
                    "proration_details": None,
                    "subscription": subscription["id"],
                    "subscription_item": item["id"],
                },
                "type": "subscription_item_details",
            },
            price=price,
            quantity=quantity,
            metadata=copied(subscription["metadata"]),
        )
        subscription[HIDDEN]["billed"][item["id"]] = {"price": copied(price), "quantity": quantity}
    _take_prorations(state, invoice, subscription)
    if reason == "subscription_cycle" and paused != "keep_as_draft":
        state.change(
            invoice, automatically_finalizes_at=state.now + seconds(settings.finalize_after)
        )
    state.emit("invoice.created", invoice)
    return invoice


def bill_prorations(state: State, subscription: JsonObject) -> JsonObject | None:
    """A draft invoice for the prorations that wait; None when none does."""
    if not _waiting(state, subscription):
        return None
    invoice = new_invoice(
        state,
        state.get("customer", subscription["customer"]),
        currency=subscription["currency"],
        reason="subscription_update",
        auto_advance=True,
        collection_method=subscription["collection_method"],
        days_until_due=subscription["days_until_due"],
        subscription=subscription,
        url=subscription[HIDDEN]["url"],
    )
    _take_prorations(state, invoice, subscription)
    state.emit("invoice.created", invoice)
    return invoice


def _waiting(state: State, subscription: JsonObject) -> list[JsonObject]:
    return [
        item
        for item in state.all("invoiceitem")
        if item["invoice"] is None
        and item["parent"] is not None
        and item["parent"]["subscription_details"]["subscription"] == subscription["id"]
    ]


def _take_prorations(state: State, invoice: JsonObject, subscription: JsonObject) -> None:
    for item in _waiting(state, subscription):
        line = add_line(
            state,
            invoice,
            item["amount"],
            description=item["description"],
            period=(item["period"]["start"], item["period"]["end"]),
            parent={
                "invoice_item_details": None,
                "subscription_item_details": {
                    "invoice_item": item["id"],
                    "proration": True,
                    "proration_details": {"credited_items": None},
                    **item["parent"]["subscription_details"],
                },
                "type": "subscription_item_details",
            },
            price=item[HIDDEN]["price"],
            quantity=item["quantity"],
            metadata=copied(item["metadata"]),
        )
        line["discountable"] = False
        state.change(item, invoice=invoice["id"])


def _advance_invoice(state: State, settings: Settings, invoice: JsonObject) -> None:
    if invoice["status"] == "open":
        retry(state, settings, invoice)
        return
    finalize(state, invoice)
    subscription = invoice["parent"] and state.find(
        "subscription", invoice["parent"]["subscription_details"]["subscription"]
    )
    paused = subscription and (subscription["pause_collection"] or {}).get("behavior")
    if invoice["status"] != "open":
        return
    if paused == "void":
        void(state, invoice)
    elif paused == "mark_uncollectible":
        write_off(state, invoice)
    elif invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically":
        collect(state, settings, invoice, usable_method(state, invoice), automatic=True)


def _advance_subscription(
    state: State, settings: Settings, subscription: JsonObject, at: int
) -> None:
    if subscription["status"] == "incomplete":
        _expire(state, subscription)
    elif subscription["cancel_at"] is not None and at >= subscription["cancel_at"]:
        end_subscription(state, subscription, reason="cancellation_requested")
    elif at < period_end(subscription):
        previous = state.change(subscription, pause_collection=None)
        state.emit("customer.subscription.updated", subscription, previous)
    elif subscription["cancel_at_period_end"]:
        end_subscription(state, subscription, reason="cancellation_requested")
    else:
        _renew(state, settings, subscription)


def _renew(state: State, settings: Settings, subscription: JsonObject) -> None:
    hidden = subscription[HIDDEN]
    hidden["period"] += 1
    before = {
        "items": copied(subscription["items"]),
        "latest_invoice": subscription["latest_invoice"],
    }
    for item in subscription["items"]["data"]:
        recurring = item["price"]["recurring"]
        span = recurring["interval"], recurring["interval_count"]
        anchor = subscription["billing_cycle_anchor"]
        item["current_period_start"] = period_start(anchor, *span, hidden["period"])
        item["current_period_end"] = period_start(anchor, *span, hidden["period"] + 1)
    state.save(subscription)
    invoice = bill_period(state, settings, subscription, reason="subscription_cycle")
    state.change(subscription, latest_invoice=invoice["id"])
    state.emit("customer.subscription.updated", subscription, before)


def _expire(state: State, subscription: JsonObject) -> None:
    previous = state.change(subscription, status="incomplete_expired", ended_at=state.now)
    latest = state.find("invoice", subscription["latest_invoice"] or "")
    if latest is not None and latest["status"] == "open":
        void(state, latest)
    state.emit("customer.subscription.updated", subscription, previous)


def _before(subscription: JsonObject) -> int:
    price = subscription["items"]["data"][0]["price"]["recurring"]
    number = subscription[HIDDEN]["period"] - 1
    return period_start(
        subscription["billing_cycle_anchor"], price["interval"], price["interval_count"], number
    )


def _time(at: int | None) -> int | None:
    return None if at is None else int(at)
