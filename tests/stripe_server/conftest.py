"""A Stripe, a client of the real SDK before it, and a receiver of its webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import stripe

from retainkit.testing.stripe_server import StripeServer


NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECRET = "whsec_tests"

Connect = Callable[..., stripe.StripeClient]


@pytest.fixture
def server() -> Iterator[StripeServer]:
    with StripeServer(seed=7, now=NOW) as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make clients that repeat nothing by themselves; their sockets are closed afterwards."""
    sockets: list[Any] = []

    def client_of(
        server: StripeServer, *, key: str | None = None, version: str | None = None
    ) -> stripe.StripeClient:
        http = stripe.RequestsClient(timeout=(5.0, 1.0))
        sockets.append(http)
        return stripe.StripeClient(
            key or server.api_key,
            base_addresses={"api": server.url},
            max_network_retries=0,
            http_client=http,
            stripe_version=version,
        )

    yield client_of
    for http in sockets:
        http.close()


@pytest.fixture
def client(server: StripeServer, connect: Connect) -> stripe.StripeClient:
    return connect(server)


class Shop:
    """What the stories need again and again, done through the SDK."""

    def __init__(self, server: StripeServer, client: stripe.StripeClient) -> None:
        self.server = server
        self.client = client

    def customer(self, card: str | None = "visa", **card_options: Any) -> str:
        customer = self.client.v1.customers.create(
            {"email": "ada@example.com", "preferred_locales": ["de"]}
        ).id
        if card is not None:
            self.server.payment_method(customer, card, **card_options)
        return customer

    def invoice(self, customer: str, amount: int = 1999, **options: Any) -> str:
        """An open invoice that nobody collects automatically."""
        asked: Any = {"customer": customer, "currency": "eur", **options}
        invoice = self.client.v1.invoices.create(asked).id
        self.client.v1.invoice_items.create(
            {"customer": customer, "invoice": invoice, "amount": amount, "currency": "eur"}
        )
        self.client.v1.invoices.finalize_invoice(invoice)
        return invoice

    def subscription(self, customer: str, amount: int = 1000, **options: Any) -> str:
        price = self.client.v1.prices.create(
            {
                "currency": "eur",
                "unit_amount": amount,
                "recurring": {"interval": "month"},
                "product_data": {"name": "Pro"},
            }
        )
        asked: Any = {"customer": customer, "items": [{"price": price.id}], **options}
        return self.client.v1.subscriptions.create(asked).id

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """The plain JSON of an object, whatever the SDK's version makes of it."""
        answer: dict[str, Any] = self.client.raw_request("get", path, **params).data
        return answer

    def events(self, *kinds: str) -> list[str]:
        """The names of the events so far, oldest first, of some kinds or of all."""
        found = self.get("/v1/events", limit=100)["data"][::-1]
        return [event["type"] for event in found if not kinds or event["type"] in kinds]


@pytest.fixture
def shop(server: StripeServer, client: stripe.StripeClient) -> Shop:
    return Shop(server, client)


@pytest.fixture
def shop_of(connect: Connect) -> Callable[[StripeServer], Shop]:
    """A shop at another server than the usual one."""
    return lambda server: Shop(server, connect(server))


class Receiver:
    """A webhook endpoint that verifies by the SDK; `answers` are the statuses it gives next."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refused = 0
        self.answers: list[int] = []
        receiver = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(body, self.headers["Stripe-Signature"]))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks?from=stripe"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, body: bytes, header: str) -> int:
        try:
            stripe.WebhookSignature.verify_header(body.decode(), header, SECRET, tolerance=300)
        except stripe.SignatureVerificationError:
            self.refused += 1
            return 400
        self.events.append(json.loads(body))
        return self.answers.pop(0) if self.answers else 200

    @property
    def names(self) -> list[str]:
        return [event["type"] for event in self.events]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    listening = Receiver()
    yield listening
    listening.close()
