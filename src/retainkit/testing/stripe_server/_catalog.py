"""Products and prices: what a subscription bills."""

from __future__ import annotations

from typing import Any

from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._errors import bad_parameter, missing_parameter
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._params import Params
from retainkit.testing.stripe_server._state import State


PRODUCT_FIELDS = frozenset({"active", "description", "id", "metadata", "name"})
PRICE_FIELDS = frozenset(
    {
        "active",
        "currency",
        "lookup_key",
        "metadata",
        "nickname",
        "product",
        "product_data",
        "recurring",
        "unit_amount",
    }
)
PRICES_LISTED = PAGING | {"active", "product", "lookup_keys"}
INTERVALS = ("day", "week", "month", "year")


def new_product(state: State, params: Params) -> JsonObject:
    """A service with a name."""
    product = state.save(
        {
            "id": params.text("id") or state.new_id("prod"),
            "object": "product",
            "active": params.boolean("active", default=True),
            "created": state.now,
            "default_price": None,
            "description": params.text("description"),
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": params.metadata(),
            "name": params.required("name"),
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": state.now,
            "url": None,
        }
    )
    state.emit("product.created", product)
    return product


def new_price(state: State, params: Params) -> JsonObject:
    """A price per unit, once or recurring."""
    amount = params.integer("unit_amount")
    if amount is None:
        raise missing_parameter("unit_amount")
    currency = params.required("currency").lower()
    recurring = _recurring(params.nested("recurring")) if "recurring" in params else None
    if "product_data" in params:
        product = new_product(state, params.nested("product_data"))["id"]
    else:
        product = params.required("product")
        state.get("product", product, param="product", status=400)
    price = state.save(
        {
            "id": state.new_id("price"),
            "object": "price",
            "active": params.boolean("active", default=True),
            "billing_scheme": "per_unit",
            "created": state.now,
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": params.text("lookup_key"),
            "metadata": params.metadata(),
            "nickname": params.text("nickname"),
            "product": product,
            "recurring": recurring,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time" if recurring is None else "recurring",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        }
    )
    state.emit("price.created", price)
    return price


def plan_of(price: JsonObject) -> JsonObject:
    """The legacy plan Stripe still shows beside a recurring price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": {},
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _recurring(params: Params) -> JsonObject:
    interval = params.required("interval")
    if interval not in INTERVALS:
        raise bad_parameter(
            f"Invalid recurring[interval]: must be one of {', '.join(INTERVALS)}",
            param="recurring[interval]",
        )
    return {
        "interval": interval,
        "interval_count": params.integer("interval_count", 1),
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


# Endpoints


def create_product(call: Call) -> JsonObject:
    """POST /v1/products"""
    return new_product(call.state, call.params)


def retrieve_product(call: Call) -> JsonObject:
    """GET /v1/products/{id}"""
    return call.state.get("product", call.path[0])


def list_products(call: Call) -> Page:
    """GET /v1/products"""
    return page(call, call.state.latest("product"), "/v1/products")


def create_price(call: Call) -> JsonObject:
    """POST /v1/prices"""
    return new_price(call.state, call.params)


def retrieve_price(call: Call) -> JsonObject:
    """GET /v1/prices/{id}"""
    return call.state.get("price", call.path[0], param="price")


def list_prices(call: Call) -> Page:
    """GET /v1/prices"""
    params = call.params
    wanted: dict[str, Any] = {"product": params.text("product")}
    if "active" in params:
        wanted["active"] = params.boolean("active")
    keys = params.texts("lookup_keys")
    found = (
        price
        for price in call.state.latest("price")
        if all(value in {None, price[name]} for name, value in wanted.items())
        and (not keys or price["lookup_key"] in keys)
    )
    return page(call, found, "/v1/prices")
