"""Worlds of Stripe for the provider contract: over the test server, and whatever takes its key."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast
from uuid import uuid4

import pytest
import stripe

from retainkit.billing import Decline
from retainkit.ids import InvoiceId, PaymentMethodId
from retainkit.payments.stripe import StripePayments
from retainkit.testing import Card, PaymentWorld, Stage
from retainkit.testing.stripe_server import Fault, StripeServer, signature


BASIL = "2025-03-31.basil"
PAYING = "/v1/invoices/{id}/pay"
FAULTS = {
    Stage.LOST_ANSWER: Fault.TIMEOUT_AFTER,
    Stage.LOST_REQUEST: Fault.TIMEOUT_BEFORE,
    Stage.RESET_AFTER: Fault.RESET_AFTER,
    Stage.RESET_BEFORE: Fault.RESET_BEFORE,
    Stage.SERVER_ERROR: Fault.SERVER_ERROR_500,
    Stage.SERVER_ERROR_AFTER: Fault.SERVER_ERROR_500_AFTER,
    Stage.KEY_IN_USE: Fault.CONFLICT_409,
    Stage.RATE_LIMITED: Fault.RATE_LIMIT_429,
    Stage.KEY_EXPIRED: Fault.KEY_EXPIRED,
}


class Raw(Protocol):
    """The part of the SDK that gives plain JSON."""

    def raw_request(self, method_: str, url_: str, **params: object) -> Any: ...


class StripeWorld(PaymentWorld):
    """Stripe moved through its own API, by a client that is not the adapter."""

    currency = "eur"

    def __init__(self, client: stripe.StripeClient) -> None:
        self._client = cast("Raw", client)

    @property
    def seller(self) -> str:
        return "stripe"

    def open_invoice(
        self, card: Card | Decline = Card.GOOD, *, subscription: bool = False, retried: bool = False
    ) -> InvoiceId:
        customer = self.call("post", "/v1/customers")["id"]
        self.give_card(customer, card, default=True)
        if subscription:
            return InvoiceId(self._subscribe(customer))
        invoice = self.call(
            "post", "/v1/invoices", customer=customer, currency=self.currency, auto_advance=retried
        )["id"]
        self.call(
            "post",
            "/v1/invoiceitems",
            customer=customer,
            invoice=invoice,
            amount=1999,
            currency=self.currency,
        )
        self.call("post", f"/v1/invoices/{invoice}/finalize", auto_advance=retried)
        return InvoiceId(invoice)

    def add_card(self, invoice: InvoiceId, card: Card | Decline = Card.GOOD) -> PaymentMethodId:
        customer = self.call("get", f"/v1/invoices/{invoice}")["customer"]
        return PaymentMethodId(self.give_card(customer, card, default=False))

    def give_card(self, customer: str, card: Card | Decline, *, default: bool) -> str:
        raise NotImplementedError

    def taken(self, invoice: InvoiceId) -> int:
        customer = self.call("get", f"/v1/invoices/{invoice}")["customer"]
        charges = self.call("get", "/v1/charges", customer=customer)["data"]
        return sum(charge["status"] == "succeeded" for charge in charges)

    def void(self, invoice: InvoiceId) -> None:
        self.call("post", f"/v1/invoices/{invoice}/void")

    def webhook(self, invoice: InvoiceId) -> bytes:
        for event in self.call("get", "/v1/events", limit=100)["data"]:
            if event["data"]["object"]["id"] == invoice:
                return json.dumps(event, indent=2).encode()
        raise LookupError(invoice)

    def sign(self, body: bytes, *, at: datetime, secret: str) -> Mapping[str, str]:
        return {"Stripe-Signature": signature(body, secret, int(at.timestamp()))}

    def call(self, method: str, path: str, **params: object) -> Any:
        """The plain JSON of a request."""
        return self._client.raw_request(method, path, **params).data

    def _subscribe(self, customer: str) -> str:
        product = self.call("post", "/v1/products", name="Team plan")["id"]
        price = self.call(
            "post",
            "/v1/prices",
            product=product,
            currency=self.currency,
            unit_amount=1999,
            recurring={"interval": "month"},
        )["id"]
        made = self.call(
            "post",
            "/v1/subscriptions",
            customer=customer,
            items=[{"price": price}],
            payment_behavior="default_incomplete",
        )
        return str(made["latest_invoice"])


class StripeServerWorld(StripeWorld):
    """Stripe over HTTP on this machine."""

    missing = frozenset({Stage.BANK_DEBIT})

    def __init__(self, server: StripeServer, *, api_version: str = BASIL) -> None:
        super().__init__(
            stripe.StripeClient(
                server.api_key,
                base_addresses={"api": server.url},
                stripe_version=BASIL,
                max_network_retries=0,
            )
        )
        self.server = server
        self._out = False
        self._provider = self.payments(server.url, api_version=api_version)

    def payments(self, url: str, *, api_version: str = BASIL) -> StripePayments:
        return StripePayments(
            self.server.api_key,
            webhook_secrets=(self.signing.current, self.signing.old),
            base_url=url,
            timeout=timedelta(seconds=1),
            clock=ServerClock(self.server),
            api_version=api_version,
        )

    @property
    def provider(self) -> StripePayments:
        return self._provider

    @property
    def now(self) -> datetime:
        return self.server.now

    def give_card(self, customer: str, card: Card | Decline, *, default: bool) -> str:
        if isinstance(card, Decline):
            return self.server.payment_method(
                customer,
                card.code,
                brand=card.network,
                advice_code=card.advice,
                network_decline_code=card.network_code,
                network_advice_code=card.network_advice,
                default=default,
            )
        name = {Card.GOOD: "visa", Card.AUTHENTICATION: "authentication_required"}[card]
        return self.server.payment_method(customer, name, default=default)

    def pay(self, invoice: InvoiceId) -> None:
        url = self.call("get", f"/v1/invoices/{invoice}")["hosted_invoice_url"]
        with urllib.request.urlopen(url, data=b"card=visa", timeout=5) as answer:
            assert answer.status == 200

    def fail_next(self, fault: Stage) -> None:
        if fault is Stage.OUTAGE:
            # Nobody listens on port 9 (discard) of this machine.
            self._provider = self.payments("http://127.0.0.1:9")
            return
        for path in (PAYING, "/v1/subscriptions/{id}"):
            self.server.fail_next(path, FAULTS[fault], method=None if path == PAYING else "DELETE")

    def turn(self, span: timedelta) -> None:
        self.server.advance(span)


class ServerClock:
    """The server's clock as the kit's."""

    def __init__(self, server: StripeServer) -> None:
        self._server = server

    def now(self) -> datetime:
        return self._server.now


# https://docs.stripe.com/testing: cards that can be kept and ask each time, or never.
LIVE_TOKENS = {
    Card.GOOD: "pm_card_visa",
    Card.AUTHENTICATION: "pm_card_authenticationRequired",
}


class StripeLiveWorld(StripeWorld):
    """Stripe moved by its own API; faults and time are Stripe's own."""

    missing = frozenset(Stage) - {
        Stage.AUTHENTICATION,
        Stage.CUSTOMER_PAYS,
        Stage.OUTAGE,
        Stage.SUBSCRIPTION,
        Stage.WEBHOOK,
    }

    def __init__(self, key: str) -> None:
        super().__init__(stripe.StripeClient(key, stripe_version=BASIL, max_network_retries=2))
        self._key = key
        self.run = f"{uuid4()}/"
        self._provider = self._payments(None)

    def _payments(self, url: str | None) -> StripePayments:
        return StripePayments(
            self._key, webhook_secrets=(self.signing.current, self.signing.old), base_url=url
        )

    @property
    def provider(self) -> StripePayments:
        return self._provider

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def give_card(self, customer: str, card: Card | Decline, *, default: bool) -> str:
        token = "pm_card_chargeCustomerFail" if isinstance(card, Decline) else LIVE_TOKENS[card]
        method = str(
            self.call("post", f"/v1/payment_methods/{token}/attach", customer=customer)["id"]
        )
        if default:
            self.call(
                "post",
                f"/v1/customers/{customer}",
                invoice_settings={"default_payment_method": method},
            )
        return method

    def pay(self, invoice: InvoiceId) -> None:
        self.call("post", f"/v1/invoices/{invoice}/pay")

    def fail_next(self, fault: Stage) -> None:
        assert fault is Stage.OUTAGE
        # Nobody listens on port 9 (discard) of this machine.
        self._provider = self._payments("http://127.0.0.1:9")

    def turn(self, span: timedelta) -> None:
        raise AssertionError(f"Stripe's clock can't be turned by {span}")

    def webhook(self, invoice: InvoiceId) -> bytes:
        for _ in range(20):  # events appear a moment after the change
            try:
                body: bytes = super().webhook(invoice)
            except LookupError:
                time.sleep(0.5)
            else:
                return body
        raise LookupError(invoice)


@pytest.fixture
def server() -> Iterator[StripeServer]:
    with StripeServer(seed=7, now=datetime(2026, 11, 2, 9, tzinfo=UTC)) as running:
        yield running


@pytest.fixture
def stripe_world(server: StripeServer) -> StripeServerWorld:
    return StripeServerWorld(server)


@pytest.fixture
def live_world() -> StripeLiveWorld:
    """Stripe itself, in test mode; a live key is refused."""
    key = os.environ.get("STRIPE_TEST_KEY", "")
    if not key:
        pytest.skip("STRIPE_TEST_KEY is not set")
    if not key.startswith(("sk_test_", "rk_test_")):
        pytest.fail("STRIPE_TEST_KEY is no key of the test mode")
    return StripeLiveWorld(key)
