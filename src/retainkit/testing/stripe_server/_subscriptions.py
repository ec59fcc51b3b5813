"""Subscriptions: made, changed, paused and cancelled; their renewal lives in `_billing`."""

from __future__ import annotations

from typing import Any

from retainkit.testing.stripe_server._billing import bill_period, period_end
from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._catalog import plan_of
from retainkit.testing.stripe_server._errors import (
    ApiError,
    bad_parameter,
    invalid,
    missing_parameter,
)
from retainkit.testing.stripe_server._invoice_life import (
    collect,
    end_subscription,
    finalize,
    usable_method,
)
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject
from retainkit.testing.stripe_server._params import Params
from retainkit.testing.stripe_server._payment_methods import owned
from retainkit.testing.stripe_server._payments import would_decline
from retainkit.testing.stripe_server._periods import period_start
from retainkit.testing.stripe_server._prorations import change_items
from retainkit.testing.stripe_server._state import State


FIELDS = frozenset(
    {
        "cancel_at_period_end",
        "collection_method",
        "customer",
        "days_until_due",
        "billing_mode",
        "default_payment_method",
        "description",
        "items",
        "metadata",
        "off_session",
        "payment_behavior",
    }
)
UPDATABLE = frozenset(
    {
        "billing_cycle_anchor",
        "cancel_at",
        "cancel_at_period_end",
        "cancellation_details",
        "default_payment_method",
        "description",
        "items",
        "metadata",
        "pause_collection",
        "proration_behavior",
        "proration_date",
    }
)
CANCELLING = frozenset({"cancellation_details", "invoice_now", "prorate"})
LISTED = PAGING | {"customer", "price", "status", "collection_method"}
FEEDBACK = (
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)
_BEHAVIOURS = (
    "allow_incomplete",
    "default_incomplete",
    "error_if_incomplete",
    "pending_if_incomplete",
)
_PAUSES = ("keep_as_draft", "mark_uncollectible", "void")
_ENDED = frozenset({"canceled", "incomplete_expired"})


def create(call: Call) -> JsonObject:
    """POST /v1/subscriptions: billed in advance, the first invoice is tried at once."""
    state, params = call.state, call.params
    customer = state.get("customer", params.required("customer"), param="customer", status=400)
    prices = _prices(state, params)
    collection = params.choice(
        "collection_method", ("charge_automatically", "send_invoice"), "charge_automatically"
    )
    days = params.integer("days_until_due")
    if collection == "send_invoice" and days is None:
        raise missing_parameter("days_until_due")
    behaviour = params.choice("payment_behavior", _BEHAVIOURS, "allow_incomplete")
    given = params.text("default_payment_method")
    if given is not None:
        owned(state, given, customer["id"], param="default_payment_method")
    chosen = given or customer["invoice_settings"]["default_payment_method"]
    method = None if chosen is None else state.find("payment_method", chosen)
    automatic = collection == "charge_automatically"
    due = sum(price["unit_amount"] * quantity for price, quantity in prices)
    if automatic and due and behaviour == "error_if_incomplete":
        refusal = _no_method() if method is None else would_decline(state, method)
        if refusal is not None:
            raise refusal
    if automatic and due and method is None and behaviour == "allow_incomplete":
        raise _no_method()
    subscription = _new(call, customer, prices, collection, given)
    if customer["currency"] is None:
        state.change(customer, currency=subscription["currency"])
    invoice = bill_period(state, call.settings, subscription, reason="subscription_create")
    state.change(subscription, latest_invoice=invoice["id"])
    if automatic and due:
        subscription["status"] = "incomplete"
        state.save(subscription)
    state.emit("customer.subscription.created", subscription)
    finalize(state, invoice)
    if automatic and invoice["status"] == "open" and behaviour != "default_incomplete":
        collect(
            state,
            call.settings,
            invoice,
            usable_method(state, invoice),
            automatic=True,
            off_session=params.boolean("off_session"),
        )
    return subscription


def retrieve(call: Call) -> JsonObject:
    """GET /v1/subscriptions/{id}"""
    return call.state.get("subscription", call.path[0])


def update(call: Call) -> JsonObject:
    """POST /v1/subscriptions/{id}: changes of items are prorated; the anchor stays."""
    state, params = call.state, call.params
    subscription = retrieve(call)
    if subscription["status"] in _ENDED:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    changes: dict[str, Any] = {}
    if "metadata" in params:
        changes["metadata"] = params.metadata(subscription["metadata"])
    if "description" in params:
        changes["description"] = params.text("description")
    if "default_payment_method" in params:
        method = params.text("default_payment_method")
        if method is not None:
            owned(state, method, subscription["customer"], param="default_payment_method")
        changes["default_payment_method"] = method
    if "pause_collection" in params:
        changes["pause_collection"] = _pause(params)
    if "cancellation_details" in params:
        changes["cancellation_details"] = {
            **subscription["cancellation_details"],
            **_details(params),
        }
    changes |= _end_date(state, subscription, params)
    items = change_items(call, subscription) if "items" in params else {}
    previous = {**state.change(subscription, **changes), **items}
    if previous:
        state.emit("customer.subscription.updated", subscription, previous)
    return subscription


def cancel(call: Call) -> JsonObject:
    """DELETE /v1/subscriptions/{id}: at once, without proration."""
    subscription = retrieve(call)
    if subscription["status"] in _ENDED:
        raise invalid(f"No such subscription: '{subscription['id']}'", code="resource_missing")
    end_subscription(
        call.state, subscription, reason="cancellation_requested", details=_details(call.params)
    )
    return subscription


def list_all(call: Call) -> Page:
    """GET /v1/subscriptions: without `status`, all that have not ended."""
    params = call.params
    customer, status = params.text("customer"), params.text("status")
    price, collection = params.text("price"), params.text("collection_method")
    found = (
        subscription
        for subscription in call.state.latest("subscription")
        if customer in {None, subscription["customer"]}
        and collection in {None, subscription["collection_method"]}
        and _has_status(subscription, status)
        and price in {None, *(item["price"]["id"] for item in subscription["items"]["data"])}
    )
    return page(call, found, "/v1/subscriptions")


def _has_status(subscription: JsonObject, status: str | None) -> bool:
    if status is None:
        return subscription["status"] not in _ENDED
    if status == "ended":
        return subscription["status"] in _ENDED
    return status in {"all", subscription["status"]}


def _prices(state: State, params: Params) -> list[tuple[JsonObject, int]]:
    wanted = params.each("items")
    if not wanted:
        raise missing_parameter("items")
    prices = []
    for number, item in enumerate(wanted):
        param = f"items[{number}][price]"
        price = state.get("price", item.required("price"), param=param, status=400)
        if price["recurring"] is None:
            raise invalid(
                f"The price specified is set to `type=one_time` but this field only accepts "
                f"prices with `type=recurring`: {price['id']}",
                param=param,
            )
        prices.append((price, item.integer("quantity", 1) or 0))
    if len({price["currency"] for price, _ in prices}) > 1:
        raise invalid("All prices on a subscription must have the same currency.", param="items")
    spans = {
        (price["recurring"]["interval"], price["recurring"]["interval_count"])
        for price, _ in prices
    }
    if len(spans) > 1:
        raise bad_parameter("This server bills items of one interval only.", param="items")
    return prices


def _new(
    call: Call,
    customer: JsonObject,
    prices: list[tuple[JsonObject, int]],
    collection: str,
    method: str | None,
) -> JsonObject:
    state, params, now = call.state, call.params, call.state.now
    ref = state.new_id("sub")
    recurring = prices[0][0]["recurring"]
    end = period_start(now, recurring["interval"], recurring["interval_count"], 1)
    items = [_item(state, ref, price, quantity, (now, end)) for price, quantity in prices]
    return state.save(
        {
            "id": ref,
            "object": "subscription",
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": now,
            "billing_cycle_anchor_config": None,
            "billing_mode": {"flexible": None, "type": _mode(params)},
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": None,
            "cancel_at_period_end": params.boolean("cancel_at_period_end"),
            "canceled_at": None,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None},
            "collection_method": collection,
            "created": now,
            "currency": prices[0][0]["currency"],
            "customer": customer["id"],
            "customer_account": None,
            "days_until_due": params.integer("days_until_due"),
            "default_payment_method": method,
            "default_source": None,
            "default_tax_rates": [],
            "description": params.text("description"),
            "discounts": [],
            "ended_at": None,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "items": {
                "object": "list",
                "data": items,
                "has_more": False,
                "url": f"/v1/subscription_items?subscription={ref}",
            },
            "latest_invoice": None,
            "livemode": False,
            "metadata": params.metadata(),
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": None,
            "payment_settings": {
                "payment_method_options": None,
                "payment_method_types": None,
                "save_default_payment_method": "off",
            },
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": now,
            "status": "active",
            "test_clock": None,
            "transfer_data": None,
            "trial_end": None,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "trial_start": None,
            HIDDEN: {"period": 0, "url": call.url, "billed": {}},
        }
    )


def _item(
    state: State, subscription: str, price: JsonObject, quantity: int, period: tuple[int, int]
) -> JsonObject:
    return {
        "id": state.new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": state.now,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": {},
        "plan": plan_of(price),
        "price": dict(price),
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def _mode(params: Params) -> str:
    return params.nested("billing_mode").choice("type", ("classic", "flexible"), "flexible")


def _pause(params: Params) -> JsonObject | None:
    if params.plain("pause_collection") is None:
        return None
    wanted = params.nested("pause_collection")
    return {
        "behavior": wanted.choice("behavior", _PAUSES, ""),
        "resumes_at": wanted.integer("resumes_at"),
    }


def _end_date(state: State, subscription: JsonObject, params: Params) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "cancel_at" in params:
        at = params.integer("cancel_at")
        changes |= {"cancel_at": at, "canceled_at": None if at is None else state.now}
    if "cancel_at_period_end" in params:
        ends = params.boolean("cancel_at_period_end")
        changes |= {
            "cancel_at": period_end(subscription) if ends else None,
            "cancel_at_period_end": ends,
            "canceled_at": state.now if ends else None,
            "cancellation_details": {
                **subscription["cancellation_details"],
                **_details(params),
                "reason": "cancellation_requested" if ends else None,
            },
        }
    return changes


def _details(params: Params) -> JsonObject:
    sent = params.nested("cancellation_details")
    feedback = sent.text("feedback")
    if feedback is not None and feedback not in FEEDBACK:
        raise bad_parameter(
            f"Invalid cancellation_details[feedback]: must be one of {', '.join(FEEDBACK)}",
            param="cancellation_details[feedback]",
        )
    known = {"comment": sent.text("comment"), "feedback": feedback}
    return {name: value for name, value in known.items() if name in sent}


def _no_method() -> ApiError:
    return invalid(
        "This customer has no attached payment source or default payment method. Please "
        "consider adding a default payment method.",
        code="resource_missing",
    )
