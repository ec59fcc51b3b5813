"""Hosted sessions: checkout in setup mode and the billing portal; how they look is in `_pages`."""

from __future__ import annotations

from retainkit.testing.stripe_server._call import PAGING, Call, Page, Settings, page
from retainkit.testing.stripe_server._cards import by_name
from retainkit.testing.stripe_server._customers import set_default
from retainkit.testing.stripe_server._errors import bad_parameter, invalid, missing_parameter
from retainkit.testing.stripe_server._invoice_life import collect
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject
from retainkit.testing.stripe_server._payment_methods import attach, from_token, new_method
from retainkit.testing.stripe_server._payments import Tried
from retainkit.testing.stripe_server._state import State


CHECKOUT_FIELDS = frozenset(
    {
        "cancel_url",
        "client_reference_id",
        "currency",
        "customer",
        "locale",
        "metadata",
        "mode",
        "payment_method_types",
        "setup_intent_data",
        "success_url",
    }
)
PORTAL_FIELDS = frozenset({"configuration", "customer", "flow_data", "locale", "return_url"})
SETUP_FIELDS = frozenset(
    {"confirm", "customer", "metadata", "payment_method", "payment_method_types", "usage"}
)
SETUPS_LISTED = PAGING | {"customer", "payment_method"}
CHECKOUTS_LISTED = PAGING | {"customer", "status"}

_OPEN_FOR = 24 * 3600
_FLOWS = ("payment_method_update",)


def new_setup(
    state: State, customer: str | None, metadata: JsonObject, usage: str = "off_session"
) -> JsonObject:
    """A setup intent that waits for a payment method."""
    ref = state.new_id("seti")
    setup = state.save(
        {
            "id": ref,
            "object": "setup_intent",
            "application": None,
            "automatic_payment_methods": None,
            "cancellation_reason": None,
            "client_secret": f"{ref}_secret_{ref[5:]}",
            "created": state.now,
            "customer": customer,
            "customer_account": None,
            "description": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "livemode": False,
            "mandate": None,
            "metadata": metadata,
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": usage,
        }
    )
    state.emit("setup_intent.created", setup)
    return setup


def confirm_setup(state: State, setup: JsonObject, method: JsonObject) -> None:
    """The payment method is set up; raises the 402 of a card that can't be kept."""
    if setup["customer"] is not None:
        attach(state, method, setup["customer"])
    state.change(setup, payment_method=method["id"], status="succeeded")
    state.emit("setup_intent.succeeded", setup)


def complete_checkout(state: State, session: JsonObject, card: str) -> JsonObject:
    """
    The customer enters a card on the checkout page.

    It is attached, but not made the default: that is the merchant's own step
    (https://docs.stripe.com/payments/checkout/subscriptions/update-payment-details).
    """
    if session["status"] != "open":
        raise invalid("This checkout session is no longer open.")
    setup = state.get("setup_intent", session["setup_intent"])
    method = new_method(state, by_name(card))
    confirm_setup(state, setup, method)
    state.change(session, status="complete")
    state.emit("checkout.session.completed", session)
    return method


def complete_portal(state: State, session: JsonObject, card: str) -> JsonObject:
    """The customer changes the card in the portal: it is attached and becomes the default."""
    customer = state.get("customer", session["customer"])
    setup = new_setup(state, customer["id"], {})
    method = new_method(state, by_name(card))
    confirm_setup(state, setup, method)
    set_default(state, customer, method["id"])
    return method


def pay_hosted(state: State, settings: Settings, invoice: JsonObject, card: str) -> Tried | None:
    """The customer pays an open invoice on its hosted page, with a card and in person."""
    if invoice["status"] not in {"open", "uncollectible"}:
        raise invalid("This invoice can't be paid.")
    method = new_method(state, by_name(card))
    attach(state, method, invoice["customer"])
    return collect(
        state,
        settings,
        invoice,
        method,
        automatic=False,
        off_session=False,
        authenticated=True,
    )


# Endpoints


def create_setup(call: Call) -> JsonObject:
    """POST /v1/setup_intents"""
    state, params = call.state, call.params
    customer = params.text("customer")
    if customer is not None:
        state.get("customer", customer, param="customer", status=400)
    given = params.text("payment_method")
    if params.boolean("confirm") and given is None:
        raise missing_parameter("payment_method")
    usage = params.choice("usage", ("off_session", "on_session"), "off_session")
    setup = new_setup(state, customer, params.metadata(), usage)
    if given is not None:
        method = from_token(state, given)
        state.change(setup, payment_method=method["id"], status="requires_confirmation")
        if params.boolean("confirm"):
            confirm_setup(state, setup, method)
    return setup


def confirm_one(call: Call) -> JsonObject:
    """POST /v1/setup_intents/{id}/confirm"""
    setup = retrieve_setup(call)
    given = call.params.text("payment_method") or setup["payment_method"]
    if given is None:
        raise missing_parameter("payment_method")
    confirm_setup(call.state, setup, from_token(call.state, given))
    return setup


def retrieve_setup(call: Call) -> JsonObject:
    """GET /v1/setup_intents/{id}"""
    return call.state.get("setup_intent", call.path[0], param="intent")


def list_setups(call: Call) -> Page:
    """GET /v1/setup_intents"""
    customer, method = call.params.text("customer"), call.params.text("payment_method")
    found = (
        setup
        for setup in call.state.latest("setup_intent")
        if customer in {None, setup["customer"]} and method in {None, setup["payment_method"]}
    )
    return page(call, found, "/v1/setup_intents")


def create_checkout(call: Call) -> JsonObject:
    """POST /v1/checkout/sessions: setup mode only."""
    state, params = call.state, call.params
    if params.required("mode") != "setup":
        raise bad_parameter("This server knows checkout in setup mode only.", param="mode")
    success = params.required("success_url")
    customer = params.text("customer")
    if customer is not None:
        state.get("customer", customer, param="customer", status=400)
    setup = new_setup(state, customer, params.nested("setup_intent_data").metadata())
    ref = state.new_id("cs_test")
    return state.save(
        {
            "id": ref,
            "object": "checkout.session",
            "adaptive_pricing": None,
            "after_expiration": None,
            "allow_promotion_codes": None,
            "amount_subtotal": None,
            "amount_total": None,
            "automatic_tax": {
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "billing_address_collection": None,
            "cancel_url": params.text("cancel_url"),
            "client_reference_id": params.text("client_reference_id"),
            "client_secret": None,
            "collected_information": None,
            "consent": None,
            "consent_collection": None,
            "created": state.now,
            "currency": params.text("currency"),
            "currency_conversion": None,
            "custom_fields": [],
            "custom_text": {
                "after_submit": None,
                "shipping_address": None,
                "submit": None,
                "terms_of_service_acceptance": None,
            },
            "customer": customer,
            "customer_account": None,
            "customer_creation": None,
            "customer_details": None,
            "customer_email": None,
            "discounts": None,
            "expires_at": state.now + _OPEN_FOR,
            "invoice": None,
            "invoice_creation": None,
            "livemode": False,
            "locale": params.text("locale"),
            "metadata": params.metadata(),
            "mode": "setup",
            "origin_context": None,
            "payment_intent": None,
            "payment_link": None,
            "payment_method_collection": "always",
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "payment_status": "no_payment_required",
            "permissions": None,
            "phone_number_collection": {"enabled": False},
            "recovered_from": None,
            "saved_payment_method_options": None,
            "setup_intent": setup["id"],
            "shipping_address_collection": None,
            "shipping_cost": None,
            "shipping_options": [],
            "status": "open",
            "submit_type": None,
            "subscription": None,
            "success_url": success,
            "total_details": None,
            "ui_mode": "hosted_page",
            "url": f"{call.url}/checkout/{ref}",
            "wallet_options": None,
        }
    )


def retrieve_checkout(call: Call) -> JsonObject:
    """GET /v1/checkout/sessions/{id}"""
    return call.state.get("checkout.session", call.path[0], param="session")


def expire_checkout(call: Call) -> JsonObject:
    """POST /v1/checkout/sessions/{id}/expire"""
    session = retrieve_checkout(call)
    if session["status"] != "open":
        raise invalid('Only Checkout Sessions with a status in ["open"] can be expired.')
    call.state.change(session, status="expired", url=None)
    call.state.emit("checkout.session.expired", session)
    return session


def list_checkouts(call: Call) -> Page:
    """GET /v1/checkout/sessions"""
    customer, status = call.params.text("customer"), call.params.text("status")
    found = (
        session
        for session in call.state.latest("checkout.session")
        if customer in {None, session["customer"]} and status in {None, session["status"]}
    )
    return page(call, found, "/v1/checkout/sessions")


def create_portal(call: Call) -> JsonObject:
    """POST /v1/billing_portal/sessions"""
    state, params = call.state, call.params
    customer = params.required("customer")
    state.get("customer", customer, param="customer", status=400)
    ref = state.new_id("bps")
    session = state.save(
        {
            "id": ref,
            "object": "billing_portal.session",
            "configuration": params.text("configuration") or "bpc_default",
            "created": state.now,
            "customer": customer,
            "customer_account": None,
            "flow": _flow(call),
            "livemode": False,
            "locale": params.text("locale"),
            "on_behalf_of": None,
            "return_url": params.text("return_url"),
            "url": f"{call.url}/portal/{ref}",
            HIDDEN: {},
        }
    )
    state.emit("billing_portal.session.created", session)
    return session


def _flow(call: Call) -> JsonObject | None:
    if "flow_data" not in call.params:
        return None
    data = call.params.nested("flow_data")
    kind = data.required("type")
    if kind not in _FLOWS:
        raise bad_parameter(
            "This server knows the payment_method_update flow only.", param="flow_data[type]"
        )
    after = data.nested("after_completion")
    redirect = after.nested("redirect").text("return_url")
    ending = after.text("type") or "portal_homepage"
    return {
        "after_completion": {
            "hosted_confirmation": None,
            "redirect": None if redirect is None else {"return_url": redirect},
            "type": ending,
        },
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }


def back_to(session: JsonObject) -> str | None:
    """Where the customer's browser goes after the page is done."""
    if session["object"] == "checkout.session":
        url: str = session["success_url"]
        return url.replace("{CHECKOUT_SESSION_ID}", session["id"])
    flow = session["flow"] or {}
    redirect = (flow.get("after_completion") or {}).get("redirect")
    target: str | None = redirect["return_url"] if redirect else session["return_url"]
    return target
