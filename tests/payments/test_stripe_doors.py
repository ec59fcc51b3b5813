"""One payment through two doors, API answer and webhook: the same event, in whatever order."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from tests.payments.conftest import StripeServerWorld

from retainkit import DunningPolicy, RetainKit, Stage
from retainkit.billing import Decline
from retainkit.customers import Customer, StaticDirectory
from retainkit.engine import ReceiptState
from retainkit.ids import CustomerId
from retainkit.payments.stripe import StripePayments
from retainkit.stores.memory import MemoryStore
from retainkit.testing.stripe_server import Fault, StripeServer


ADA = CustomerId("ada")
POLICY = DunningPolicy(
    collector="retainkit",
    retries=(timedelta(days=1), timedelta(days=3)),
    stages=(Stage(after=timedelta(days=14), end="keep"),),
)


class Ahead:
    """The host's clock: some seconds ahead of Stripe's, as clocks are."""

    def __init__(self, server: StripeServer) -> None:
        self._server = server

    def now(self) -> datetime:
        return self._server.now + timedelta(seconds=3)


class Shop:
    """A kit on Stripe, with one customer whose first payment was declined."""

    def __init__(self, world: StripeServerWorld) -> None:
        self.world = world
        self.invoice = world.open_invoice(Decline(code="insufficient_funds"))
        reference = str(world.call("get", f"/v1/invoices/{self.invoice}")["customer"])
        ada = Customer(id=ADA, email="ada@shop.example", reference=reference)
        self.clock = Ahead(world.server)
        self.kit = RetainKit(
            store=MemoryStore(),
            payments=StripePayments(
                world.server.api_key,
                webhook_secrets=(world.signing.current,),
                base_url=world.server.url,
                timeout=timedelta(seconds=1),
                clock=self.clock,
            ),
            customers=StaticDirectory({ADA: ada}, {reference: ADA}),
            dunning=POLICY,
            clock=self.clock,
        )
        self._heard: set[str] = set()
        world.provider.collect(world.asking(self.invoice), key="the host's own")
        self.hears()

    def hears(self) -> None:
        """Stripe's webhooks arrive, and what they hint at is read."""
        for event in reversed(self.world.call("get", "/v1/events", limit=100)["data"]):
            if event["type"].startswith("invoice.") and event["id"] not in self._heard:
                self._heard.add(event["id"])
                body = json.dumps(event).encode()
                secret = self.world.signing.current
                signed = self.world.sign(body, at=self.clock.now(), secret=secret)
                assert self.kit.receive_webhook(body, signed).state is ReceiptState.ACCEPTED
        self.kit.run_due()

    def payments(self) -> list[tuple[str, object]]:
        """What is known of payments: the name of each event, and the payment's id."""
        return [
            (recorded.event.name, recorded.event.data["payment"]["id"])  # type: ignore[index,call-overload] # a payment
            for recorded in self.kit.timeline(ADA)
            if recorded.event.name.startswith("payment.")
        ]

    def charges(self) -> list[tuple[str, object]]:
        """What Stripe's books have, oldest first."""
        read = self.world.read(self.invoice)
        return [("payment.failed", payment.id) for payment in read.payments]


@pytest.mark.parametrize("first", ["answer", "webhook"])
@pytest.mark.parametrize("readable", [True, False])
def test_a_decline_is_the_same_by_both_doors(
    stripe_world: StripeServerWorld, server: StripeServer, first: str, *, readable: bool
) -> None:
    """Even if the answer came at a moment in which Stripe's books could not be read."""
    shop = Shop(stripe_world)
    assert len(shop.payments()) == 1
    server.advance(timedelta(days=1))
    if not readable:
        server.fail_next("/v1/charges/{id}", Fault.SERVER_ERROR_500, method="GET")
    shop.kit.run_due()
    if first == "webhook":
        shop.hears()
    server.advance(timedelta(minutes=3))
    shop.kit.run_due()
    shop.hears()

    assert shop.payments() == shop.charges()
    assert len(shop.payments()) == 2
    assert shop.kit.attention() == ()
    (case,) = shop.kit.dunning.open_cases()
    assert [invoice.flight for invoice in case.invoices] == [None]
