"""Payment methods: cards by test token, kept for a customer; charging lives in `_payments`."""

from __future__ import annotations

import hashlib

from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._cards import TestCard, behaviour, by_token
from retainkit.testing.stripe_server._errors import (
    ApiError,
    bad_parameter,
    invalid,
    missing_parameter,
    no_such,
)
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject
from retainkit.testing.stripe_server._params import Params
from retainkit.testing.stripe_server._state import State, instant


FIELDS = frozenset({"type", "card", "billing_details", "metadata", "allow_redisplay"})
UPDATABLE = frozenset({"billing_details", "metadata", "allow_redisplay", "card"})
LISTED = PAGING | {"customer", "type"}

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def new_method(
    state: State,
    card: TestCard,
    *,
    brand: str | None = None,
    expires: tuple[int, int] | None = None,
    how: JsonObject | None = None,
    billing: Params | None = None,
    metadata: JsonObject | None = None,
) -> JsonObject:
    """A payment method of a test card, not yet attached."""
    now = instant(state.now)
    month, year = expires or (now.month, now.year + 5)
    network = brand or card.brand
    ref = state.new_id("pm")
    return state.save(
        {
            "id": ref,
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": _billing(billing or Params({})),
            "card": {
                "brand": network,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "pass",
                },
                "country": "US",
                "display_brand": network,
                "exp_month": month,
                "exp_year": year,
                "fingerprint": _fingerprint(card, network),
                "funding": "credit",
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [network], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": state.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": metadata or {},
            "type": "card",
            HIDDEN: {"behaviour": how or behaviour(card, brand=network)},
        }
    )


def attach(state: State, method: JsonObject, customer: str) -> JsonObject:
    """Keep a payment method for a customer; a card that can't be kept is declined here."""
    how = method[HIDDEN]["behaviour"]
    if method["customer"] not in {None, customer}:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if not how["attachable"]:
        raise ApiError(402, decline(how))
    if method["customer"] is None:
        method["customer"] = customer
        state.save(method)
        state.emit("payment_method.attached", method)
    return method


def decline(how: JsonObject) -> JsonObject:
    """The `error` object of a declined card."""
    code = how["code"]
    return {
        "type": "card_error",
        "code": code,
        "decline_code": how["decline_code"],
        "advice_code": how["advice_code"],
        "network_decline_code": how["network_decline_code"],
        "network_advice_code": how["network_advice_code"],
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
        "message": MESSAGES.get(code, "Your card was declined.")
        if how["decline_code"] != "insufficient_funds"
        else "Your card has insufficient funds.",
    }


MESSAGES = {
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


def owned(state: State, ref: str, customer: str, *, param: str) -> JsonObject:
    """A payment method that is attached to the customer."""
    method = state.get("payment_method", ref, param=param, status=400)
    if method["customer"] != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {ref}. The payment method "
            "must be attached to the customer.",
            param=param,
            code="resource_missing",
        )
    return method


def from_token(state: State, ref: str, *, param: str = "payment_method") -> JsonObject:
    """A payment method by id; a test token such as ``pm_card_visa`` makes a new one."""
    card = by_token(ref)
    if card is not None and ref.startswith("pm_card_"):
        return new_method(state, card)
    found = state.find("payment_method", ref)
    if found is None:
        raise no_such("PaymentMethod", ref, param=param, status=400)
    return found


# Endpoints


def create(call: Call) -> JsonObject:
    """POST /v1/payment_methods: by token; card numbers are refused, as Stripe refuses them."""
    params = call.params
    if params.text("type") != "card":
        raise bad_parameter("This server knows cards only.", param="type")
    card = params.nested("card")
    if "number" in card:
        raise ApiError(
            402,
            {
                "type": "card_error",
                "message": "Sending credit card numbers directly to the Stripe API is generally "
                "unsafe. We suggest you use test tokens that map to the test card you are "
                "using.",
            },
            executed=False,
        )
    token = card.text("token")
    if token is None:
        raise missing_parameter("card[token]")
    known = by_token(token)
    if known is None:
        raise no_such("token", token, param="card[token]", status=400)
    return new_method(
        call.state, known, billing=params.nested("billing_details"), metadata=params.metadata()
    )


def retrieve(call: Call) -> JsonObject:
    """GET /v1/payment_methods/{id}"""
    return call.state.get("payment_method", call.path[0], param="payment_method")


def update(call: Call) -> JsonObject:
    """POST /v1/payment_methods/{id}: metadata, billing details and the expiry of a renewed card."""
    method = retrieve(call)
    card = dict(method["card"])
    sent = call.params.nested("card")
    for name in ("exp_month", "exp_year"):
        card[name] = sent.integer(name, card[name])
    changes: JsonObject = {"card": card, "metadata": call.params.metadata(method["metadata"])}
    if "billing_details" in call.params:
        changes["billing_details"] = _billing(call.params.nested("billing_details"))
    previous = call.state.change(method, **changes)
    if previous:
        call.state.emit("payment_method.updated", method, previous)
    return method


def attach_one(call: Call) -> JsonObject:
    """POST /v1/payment_methods/{id}/attach"""
    customer = call.params.required("customer")
    call.state.get("customer", customer, param="customer", status=400)
    return attach(call.state, from_token(call.state, call.path[0]), customer)


def detach(call: Call) -> JsonObject:
    """POST /v1/payment_methods/{id}/detach: whoever had it as the default has none afterwards."""
    state = call.state
    method = retrieve(call)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    previous = state.change(method, customer=None)
    customer = state.get("customer", previous["customer"])
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == method["id"]:
        before = state.change(
            customer, invoice_settings={**settings, "default_payment_method": None}
        )
        state.emit("customer.updated", customer, before)
    for holder in (*state.all("subscription"), *state.all("invoice")):
        if holder["default_payment_method"] == method["id"]:
            state.change(holder, default_payment_method=None)
    state.emit("payment_method.detached", method, previous)
    return method


def list_all(call: Call) -> Page:
    """GET /v1/payment_methods"""
    customer = call.params.text("customer")
    return _listed(call, customer, "/v1/payment_methods")


def list_of_customer(call: Call) -> Page:
    """GET /v1/customers/{id}/payment_methods"""
    customer = call.state.get("customer", call.path[0])["id"]
    return _listed(call, customer, f"/v1/customers/{customer}/payment_methods")


def retrieve_of_customer(call: Call) -> JsonObject:
    """GET /v1/customers/{id}/payment_methods/{id}"""
    return owned(call.state, call.path[1], call.path[0], param="payment_method")


def _listed(call: Call, customer: str | None, url: str) -> Page:
    kind = call.params.text("type")
    return page(
        call,
        (
            method
            for method in call.state.latest("payment_method")
            if method["customer"] == customer and kind in {None, method["type"]}
        ),
        url,
    )


def _billing(params: Params) -> JsonObject:
    address = params.nested("address")
    return {
        "address": {name: address.text(name) for name in _ADDRESS},
        "email": params.text("email"),
        "name": params.text("name"),
        "phone": params.text("phone"),
        "tax_id": None,
    }


def _fingerprint(card: TestCard, network: str) -> str:
    """The same for the same card, whoever attaches it, as at Stripe."""
    return hashlib.sha256(f"{network}/{card.last4}/{card.name}".encode()).hexdigest()[:16]
