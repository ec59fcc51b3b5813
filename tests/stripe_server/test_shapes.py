"""Every object the server emits, held against the SDK's own annotations; and the older shapes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe
from stripe import billing_portal, checkout
from tests.stripe_server.conftest import Connect, Shop


CLASSES: dict[str, type[Any]] = {
    "billing_portal.session": billing_portal.Session,
    "charge": stripe.Charge,
    "checkout.session": checkout.Session,
    "customer": stripe.Customer,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "invoice_payment": stripe.InvoicePayment,
    "invoiceitem": stripe.InvoiceItem,
    "line_item": stripe.InvoiceLineItem,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "plan": stripe.Plan,
    "price": stripe.Price,
    "product": stripe.Product,
    "setup_intent": stripe.SetupIntent,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
}
NOT_OURS = re.compile(r"UntypedStripeObject|ListObject")

needs_the_version = pytest.mark.skipif(
    not stripe.VERSION.startswith("16."), reason="the objects are kept in the shapes of SDK 16"
)


def annotations_of(shape: type[Any]) -> dict[str, str]:
    """The fields of an SDK class and their types, as text."""
    found = inspect.get_annotations(shape)
    return {
        name: kind if isinstance(kind, str) else str(kind)
        for name, kind in found.items()
        if name != "OBJECT_NAME"
    }


def nested(shape: type[Any], name: str, kind: str) -> type[Any] | None:
    """The SDK's class of a nested object, such as Charge.Outcome for ``outcome``."""
    if NOT_OURS.search(kind):
        return None
    inner = getattr(shape, "".join(part.title() for part in name.split("_")), None)
    return inner if isinstance(inner, type) else None


def faults_of(value: object, shape: type[Any], where: str) -> Iterator[str]:
    """What the SDK doesn't know of an object, and what it misses, nested objects included."""
    if not isinstance(value, dict):
        return
    known = annotations_of(shape)
    yield from (f"{where}.{name}: unknown" for name in value if name not in known)
    for name, kind in known.items():
        if name not in value:
            if not re.search(r"Optional\[|NoneType", kind):
                yield f"{where}.{name}: missing"
            continue
        inner = value[name]
        if inner is None and not re.search(r"Optional\[|NoneType", kind):
            yield f"{where}.{name}: null"
        owner = nested(shape, name, kind)
        if owner is not None:
            for each in inner if isinstance(inner, list) else [inner]:
                yield from faults_of(each, owner, f"{where}.{name}")


def objects_in(value: object) -> Iterator[dict[str, Any]]:
    """Every object of Stripe's, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str) and value["object"] in CLASSES:
            yield value
        for inner in value.values():
            yield from objects_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_in(inner)


def everything(shop: Shop) -> list[dict[str, Any]]:
    """One of each object in each state the server knows, through the API's lists and events."""
    customer = shop.customer("insufficient_funds")
    failing, asking = shop.invoice(customer), shop.invoice(customer)
    with pytest.raises(stripe.CardError) as declined:
        shop.client.v1.invoices.pay(failing)
    shop.server.payment_method(customer, "authentication_required", brand="mastercard")
    with pytest.raises(stripe.CardError) as asked:
        shop.client.v1.invoices.pay(asking)
    shop.server.payment_method(customer)
    shop.client.v1.invoices.pay(failing)
    shop.client.v1.invoices.void_invoice(asking)
    shop.client.v1.invoices.mark_uncollectible(shop.invoice(customer))
    shop.client.v1.invoices.create({"customer": customer, "currency": "eur"})
    subscription = shop.subscription(customer)
    shop.client.v1.subscriptions.update(
        shop.subscription(customer), {"pause_collection": {"behavior": "void"}}
    )
    shop.server.payment_method(customer, "do_not_honor")
    shop.server.advance(timedelta(days=32))
    shop.client.v1.subscriptions.cancel(subscription)
    back = "https://example.com/back"
    setup = shop.client.v1.checkout.sessions.create(
        {"mode": "setup", "customer": customer, "success_url": back}
    )
    portal = shop.client.v1.billing_portal.sessions.create(
        {
            "customer": customer,
            "return_url": back,
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": back}},
            },
        }
    )
    lists = [
        shop.get(path, limit=100)
        for path in (
            "/v1/customers",
            "/v1/charges",
            "/v1/payment_intents",
            "/v1/invoice_payments",
            "/v1/prices",
            "/v1/products",
            "/v1/setup_intents",
            "/v1/checkout/sessions",
            "/v1/events",
            f"/v1/customers/{customer}/payment_methods",
        )
    ]
    lists.append(shop.get("/v1/invoices", limit=100, expand=["data.payments"]))
    lists.append(shop.get("/v1/subscriptions", status="all"))
    sessions: tuple[Any, ...] = (setup, portal)
    lists.extend({"data": [dict(made.last_response.data)]} for made in sessions)
    lists.extend({"data": [error.value.json_body]} for error in (declined, asked))
    return lists


@needs_the_version
def test_no_object_has_a_key_the_sdk_does_not_know(shop: Shop) -> None:
    """Each emitted object fits its SDK class: no unknown key, no required key missing or null."""
    seen: set[str] = set()
    faults: set[str] = set()
    for found in objects_in(everything(shop)):
        seen.add(found["object"])
        faults.update(faults_of(found, CLASSES[found["object"]], found["object"]))

    assert not faults, "change the shape in retainkit/testing/stripe_server: " + ", ".join(
        sorted(faults)
    )
    assert seen == set(CLASSES)


@needs_the_version
def test_an_error_has_no_key_the_sdk_does_not_know(shop: Shop) -> None:
    """The error object of a decline fits the SDK's ErrorObject."""
    with pytest.raises(stripe.CardError) as caught:
        shop.client.v1.invoices.pay(shop.invoice(shop.customer("stolen_card")))
    error = caught.value.json_body["error"]  # type: ignore[index]
    assert set(error) <= set(annotations_of(stripe.ErrorObject))
    assert {"code", "decline_code", "charge", "payment_intent", "request_log_url"} <= set(error)


@needs_the_version
def test_the_check_itself_finds_faults() -> None:
    """An unknown, a missing and a null key are each found, nested ones too."""
    outcome = {"type": None, "surprise": 1}
    found = set(faults_of({"outcome": outcome}, stripe.Charge, "charge"))
    assert {
        "charge.outcome.surprise: unknown",
        "charge.outcome.type: null",
        "charge.amount: missing",
    } <= found


def test_before_basil_an_invoice_names_its_payment_itself(shop: Shop, connect: Connect) -> None:
    """paid, charge, payment_intent and subscription are on the invoice; payments are not."""
    old = Shop(shop.server, connect(shop.server, version="2024-06-20"))
    subscription = old.subscription(old.customer())
    shown = old.get(
        f"/v1/subscriptions/{subscription}",
        expand=["latest_invoice.payment_intent", "latest_invoice.charge"],
    )

    invoice = shown["latest_invoice"]
    assert (invoice["paid"], invoice["subscription"]) == (True, subscription)
    assert invoice["charge"]["invoice"] == invoice["id"]
    assert invoice["payment_intent"]["latest_charge"] == invoice["charge"]["id"]
    assert {"parent", "payments", "total_taxes", "confirmation_secret"}.isdisjoint(invoice)
    (line,) = invoice["lines"]["data"]
    assert (line["type"], line["price"]["unit_amount"]) == ("subscription", 1000)
    assert shown["current_period_end"] > shown["current_period_start"]
    assert "current_period_end" not in shown["items"]["data"][0]
    with pytest.raises(stripe.InvalidRequestError):
        old.get(f"/v1/invoices/{invoice['id']}", expand=["payments"])


def test_the_accounts_version_is_for_callers_without_one(shop: Shop, connect: Connect) -> None:
    """The version's header decides for each request; the answer says which it was."""
    invoice = shop.invoice(shop.customer())
    for version, has_payments in (("2025-03-31.basil", True), ("2025-02-24.acacia", False)):
        answer = connect(shop.server, version=version).raw_request("get", f"/v1/invoices/{invoice}")
        assert ("parent" in answer.data) is has_payments
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert headers["stripe-version"] == version
