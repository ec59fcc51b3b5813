"""Customers: who pays, in which language, with which card by default."""

from __future__ import annotations

from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._json import JsonObject
from retainkit.testing.stripe_server._params import Params
from retainkit.testing.stripe_server._payment_methods import attach, from_token, owned
from retainkit.testing.stripe_server._state import State


UPDATABLE = frozenset(
    {
        "address",
        "description",
        "email",
        "invoice_settings",
        "metadata",
        "name",
        "phone",
        "preferred_locales",
        "tax_exempt",
    }
)
FIELDS = UPDATABLE | {"payment_method"}
LISTED = PAGING | {"email"}

_TEXTS = ("description", "email", "name", "phone")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def new_customer(state: State, params: Params) -> JsonObject:
    """A customer; `payment_method` is attached at once."""
    number = state.count("customer") + 1
    customer: JsonObject = {
        "id": state.new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": state.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": f"RK{number:06d}",
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    state.save(customer)
    given = params.text("payment_method")
    attached = given and attach(state, from_token(state, given), customer["id"])["id"]
    changes = _changes(state, customer, params, {given: attached} if given else {})
    state.change(customer, **changes)
    state.emit("customer.created", customer)
    return customer


def set_default(state: State, customer: JsonObject, method: str | None) -> None:
    """Make a payment method the customer's default for invoices."""
    settings = {**customer["invoice_settings"], "default_payment_method": method}
    previous = state.change(customer, invoice_settings=settings)
    if previous:
        state.emit("customer.updated", customer, previous)


# Endpoints


def create(call: Call) -> JsonObject:
    """POST /v1/customers"""
    return new_customer(call.state, call.params)


def retrieve(call: Call) -> JsonObject:
    """GET /v1/customers/{id}"""
    return call.state.get("customer", call.path[0])


def update(call: Call) -> JsonObject:
    """POST /v1/customers/{id}"""
    customer = retrieve(call)
    previous = call.state.change(customer, **_changes(call.state, customer, call.params))
    if previous:
        call.state.emit("customer.updated", customer, previous)
    return customer


def list_all(call: Call) -> Page:
    """GET /v1/customers"""
    email = call.params.text("email")
    found = (
        customer for customer in call.state.latest("customer") if email in {None, customer["email"]}
    )
    return page(call, found, "/v1/customers")


def _changes(
    state: State,
    customer: JsonObject,
    params: Params,
    just_attached: JsonObject | None = None,
) -> JsonObject:
    changes: JsonObject = {name: params.text(name) for name in _TEXTS if name in params}
    if "metadata" in params:
        changes["metadata"] = params.metadata(customer["metadata"])
    if "preferred_locales" in params:
        changes["preferred_locales"] = params.texts("preferred_locales")
    if "tax_exempt" in params:
        changes["tax_exempt"] = params.choice("tax_exempt", ("none", "exempt", "reverse"), "none")
    if "address" in params:
        address = params.nested("address")
        changes["address"] = (
            {name: address.text(name) for name in _ADDRESS} if params.plain("address") else None
        )
    if "invoice_settings" in params:
        settings = params.nested("invoice_settings")
        changed = dict(customer["invoice_settings"])
        if "default_payment_method" in settings:
            method = settings.text("default_payment_method")
            if method is not None:
                method = (just_attached or {}).get(method, method)
                param = "invoice_settings[default_payment_method]"
                method = owned(state, str(method), customer["id"], param=param)["id"]
            changed["default_payment_method"] = method
        if "footer" in settings:
            changed["footer"] = settings.text("footer")
        changes["invoice_settings"] = changed
    return changes
