"""One payment of an invoice: the intent, the charge, the issuer's word; no schedule here."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum, auto

from attrs import frozen

from retainkit.testing.stripe_server._call import PAGING, Call, Page, page
from retainkit.testing.stripe_server._errors import ApiError
from retainkit.testing.stripe_server._json import HIDDEN, JsonObject, copied
from retainkit.testing.stripe_server._payment_methods import MESSAGES, decline
from retainkit.testing.stripe_server._state import State


INTENTS_LISTED = PAGING | {"customer"}
CHARGES_LISTED = PAGING | {"customer", "payment_intent"}
PAYMENTS_LISTED = PAGING | {"invoice", "status"}


class Verdict(Enum):
    """What the issuer made of one try."""

    APPROVED = auto()
    DECLINED = auto()
    ASKS = auto()


@frozen(kw_only=True)
class Tried:
    """One try: the verdict, and the error Stripe answers when it is no approval."""

    verdict: Verdict
    error: JsonObject | None = None

    @property
    def approved(self) -> bool:
        """Whether the money moved."""
        return self.verdict is Verdict.APPROVED

    def refusal(self) -> ApiError:
        """The 402 of this try."""
        assert self.error is not None
        return ApiError(402, self.error)


def open_payment(state: State, invoice: JsonObject) -> JsonObject:
    """The invoice's payment and its intent; made once, when the invoice is finalized."""
    for payment in state.of("invoice_payment", invoice["id"]):
        if payment["status"] == "open":
            return payment
    intent = _new_intent(state, invoice)
    payment = {
        "id": state.new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_remaining"],
        "created": state.now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    invoice[HIDDEN] |= {"payment_intent": intent["id"], "payment": payment["id"]}
    state.save(invoice)
    return state.save(payment)


def intent_of(state: State, invoice: JsonObject) -> JsonObject | None:
    """The payment intent of a finalized invoice."""
    ref = invoice[HIDDEN].get("payment_intent")
    return None if ref is None else state.get("payment_intent", ref)


def close_payment(state: State, invoice: JsonObject, reason: str) -> None:
    """Cancel what is open: the invoice was voided, or paid otherwise."""
    for payment in state.of("invoice_payment", invoice["id"]):
        if payment["status"] != "open":
            continue
        transitions = {**payment["status_transitions"], "canceled_at": state.now}
        state.change(payment, status="canceled", status_transitions=transitions)
        intent = state.get("payment_intent", payment["payment"]["payment_intent"])
        if intent["status"] != "succeeded":
            state.change(
                intent,
                status="canceled",
                canceled_at=state.now,
                cancellation_reason=reason,
                next_action=None,
            )
            state.emit("payment_intent.canceled", intent)


def try_card(
    state: State,
    invoice: JsonObject,
    method: JsonObject,
    *,
    off_session: bool,
    authenticated: bool = False,
) -> Tried:
    """Charge the card for what is open on the invoice; the invoice itself is left as it is."""
    payment = open_payment(state, invoice)
    intent = state.get("payment_intent", payment["payment"]["payment_intent"])
    how = _issuer_says(state, method)
    if how["asks"] and not authenticated:
        return _ask(state, intent, method, off_session=off_session)
    charge = _new_charge(state, intent, invoice, method)
    invoice[HIDDEN]["charge"] = charge["id"]
    intent["latest_charge"] = charge["id"]
    if how["code"] is None:
        _approve(state, intent, payment, charge, method)
        return Tried(verdict=Verdict.APPROVED)
    return _decline(state, intent, charge, method, how)


def would_decline(state: State, method: JsonObject) -> ApiError | None:
    """The 402 a charge would meet now, without trying."""
    how = _issuer_says(state, method)
    if how["asks"]:
        return ApiError(402, _authentication_error())
    return None if how["code"] is None else ApiError(402, decline(how))


def _issuer_says(state: State, method: JsonObject) -> JsonObject:
    how: JsonObject = method[HIDDEN]["behaviour"]
    card = method["card"]
    year, month = divmod(card["exp_year"] * 12 + card["exp_month"], 12)
    if state.now >= int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()):
        return {
            **how,
            "code": "expired_card",
            "decline_code": None,
            "advice_code": "confirm_card_data",
            "network_decline_code": "54",
            "asks": False,
        }
    over = how["until"] is not None and state.now >= how["until"]
    if over or how["left"] == 0:
        return {**how, "code": None}
    return how


def _ask(state: State, intent: JsonObject, method: JsonObject, *, off_session: bool) -> Tried:
    error = _authentication_error()
    if not off_session:
        error = {
            "type": "card_error",
            "code": "invoice_payment_intent_requires_action",
            "doc_url": "https://docs.stripe.com/error-codes/invoice-payment-intent-requires-action",
            "message": "This payment requires additional user action before it can be completed "
            "successfully. Payment can be completed using the PaymentIntent associated with the "
            "invoice.",
        }
    state.change(
        intent,
        status="requires_action",
        payment_method=method["id"],
        next_action={
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect"},
        },
    )
    state.emit("payment_intent.requires_action", intent)
    error |= {"payment_intent": intent, "payment_method": method}
    return Tried(verdict=Verdict.ASKS, error=error)


def _authentication_error() -> JsonObject:
    return {
        "type": "card_error",
        "code": "authentication_required",
        "decline_code": "authentication_required",
        "doc_url": "https://docs.stripe.com/error-codes/authentication-required",
        "message": MESSAGES["authentication_required"],
    }


def _approve(
    state: State,
    intent: JsonObject,
    payment: JsonObject,
    charge: JsonObject,
    method: JsonObject,
) -> None:
    state.emit("charge.succeeded", charge)
    state.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        payment_method=method["id"],
        next_action=None,
        last_payment_error=None,
    )
    state.emit("payment_intent.succeeded", intent)
    transitions = {**payment["status_transitions"], "paid_at": state.now}
    state.change(
        payment, status="paid", amount_paid=intent["amount"], status_transitions=transitions
    )
    state.emit("invoice_payment.paid", payment)


def _decline(
    state: State, intent: JsonObject, charge: JsonObject, method: JsonObject, how: JsonObject
) -> Tried:
    if method[HIDDEN]["behaviour"]["left"]:
        method[HIDDEN]["behaviour"]["left"] -= 1
        state.save(method)
    error = decline(how)
    reason = how["decline_code"] or how["code"]
    charge |= {
        "captured": False,
        "amount_captured": 0,
        "failure_code": how["code"],
        "failure_message": error["message"],
        "outcome": _outcome(how, reason),
        "paid": False,
        "status": "failed",
    }
    state.save(charge)
    state.emit("charge.failed", charge)
    error["charge"] = charge["id"]
    shown = {**error, "payment_method": copied(_without_hidden(method))}
    state.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_payment_error={key: value for key, value in shown.items() if value is not None},
    )
    state.emit("payment_intent.payment_failed", intent)
    error |= {"payment_intent": intent, "payment_method": method}
    return Tried(verdict=Verdict.DECLINED, error=error)


def _outcome(how: JsonObject, reason: str) -> JsonObject:
    return {
        "advice_code": how["advice_code"],
        "network_advice_code": how["network_advice_code"],
        "network_decline_code": how["network_decline_code"],
        "network_status": "not_sent_to_network" if how["blocked"] else "declined_by_network",
        "reason": "highest_risk_level" if how["blocked"] else reason,
        "risk_level": "highest" if how["blocked"] else "normal",
        "risk_score": 90 if how["blocked"] else 20,
        "seller_message": "Stripe blocked this payment as too risky."
        if how["blocked"]
        else "The bank did not return any further details with this decline.",
        "type": "blocked" if how["blocked"] else "issuer_declined",
    }


def _without_hidden(item: JsonObject) -> JsonObject:
    return {key: value for key, value in item.items() if key != HIDDEN}


def _new_intent(state: State, invoice: JsonObject) -> JsonObject:
    ref = state.new_id("pi")
    intent = state.save(
        {
            "id": ref,
            "object": "payment_intent",
            "amount": invoice["amount_remaining"],
            "amount_capturable": 0,
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{ref}_secret_{ref[3:]}",
            "confirmation_method": "automatic",
            "created": state.now,
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "customer_account": None,
            "description": invoice["description"] or "Payment for Invoice",
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": "off_session",
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
            HIDDEN: {"invoice": invoice["id"]},
        }
    )
    state.emit("payment_intent.created", intent)
    return intent


def _new_charge(
    state: State, intent: JsonObject, invoice: JsonObject, method: JsonObject
) -> JsonObject:
    card = method["card"]
    return state.save(
        {
            "id": state.new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"],
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": copied(method["billing_details"]),
            "calculated_statement_descriptor": None,
            "captured": True,
            "created": state.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "livemode": False,
            "metadata": {},
            "on_behalf_of": None,
            "outcome": {
                "advice_code": None,
                "network_advice_code": None,
                "network_decline_code": None,
                "network_status": "approved_by_network",
                "reason": None,
                "risk_level": "normal",
                "risk_score": 20,
                "seller_message": "Payment complete.",
                "type": "authorized",
            },
            "paid": True,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {
                "card": {
                    "amount_authorized": intent["amount"],
                    "brand": card["brand"],
                    "checks": copied(card["checks"]),
                    "country": card["country"],
                    "exp_month": card["exp_month"],
                    "exp_year": card["exp_year"],
                    "fingerprint": card["fingerprint"],
                    "funding": card["funding"],
                    "installments": None,
                    "last4": card["last4"],
                    "network": card["brand"],
                    "three_d_secure": None,
                    "wallet": None,
                },
                "type": "card",
            },
            "receipt_email": None,
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "succeeded",
            "transfer_data": None,
            "transfer_group": None,
            HIDDEN: {
                "invoice": invoice["id"],
                "idempotency_key": state.request["idempotency_key"],
            },
        }
    )


# Endpoints


def retrieve_intent(call: Call) -> JsonObject:
    """GET /v1/payment_intents/{id}"""
    return call.state.get("payment_intent", call.path[0], param="intent")


def list_intents(call: Call) -> Page:
    """GET /v1/payment_intents"""
    customer = call.params.text("customer")
    found = (
        intent
        for intent in call.state.latest("payment_intent")
        if customer in {None, intent["customer"]}
    )
    return page(call, found, "/v1/payment_intents")


def retrieve_charge(call: Call) -> JsonObject:
    """GET /v1/charges/{id}"""
    return call.state.get("charge", call.path[0])


def list_charges(call: Call) -> Page:
    """GET /v1/charges"""
    customer, intent = call.params.text("customer"), call.params.text("payment_intent")
    found = (
        charge
        for charge in call.state.latest("charge")
        if customer in {None, charge["customer"]} and intent in {None, charge["payment_intent"]}
    )
    return page(call, found, "/v1/charges")


def retrieve_payment(call: Call) -> JsonObject:
    """GET /v1/invoice_payments/{id}"""
    return call.state.get("invoice_payment", call.path[0])


def list_payments(call: Call) -> Page:
    """GET /v1/invoice_payments"""
    invoice, status = call.params.text("invoice"), call.params.text("status")
    found = (
        payment
        for payment in (
            call.state.latest("invoice_payment")
            if invoice is None
            else reversed(call.state.of("invoice_payment", invoice))
        )
        if status in {None, payment["status"]}
    )
    return page(call, found, "/v1/invoice_payments")
