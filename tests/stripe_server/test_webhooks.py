"""Webhooks: signed, in order or not, doubled, refused and sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep

from tests.stripe_server.conftest import NOW, SECRET, Receiver, Shop

from retainkit.testing.stripe_server import SignedAt, StripeServer, signature


def test_events_are_signed_and_come_in_order(shop: Shop, receiver: Receiver) -> None:
    """The SDK verifies each; the snapshot is the object as it was then."""
    shop.server.webhook(receiver.url, secret=SECRET)
    invoice = shop.invoice(shop.customer())
    shop.client.v1.invoices.pay(invoice)

    sent = shop.server.deliver()

    assert receiver.refused == 0
    assert receiver.names == [delivery.type for delivery in sent] == shop.events()
    by_name = {event["type"]: event for event in receiver.events}
    assert by_name["invoice.finalized"]["data"]["object"]["status"] == "open"
    assert by_name["invoice.paid"]["data"]["object"]["status"] == "paid"
    assert by_name["customer.updated"]["data"]["previous_attributes"]
    assert by_name["invoice.paid"]["request"]["id"].startswith("req_")
    assert shop.server.undelivered == 0
    assert shop.server.deliver() == []


def test_events_can_be_doubled_shuffled_and_late(shop: Shop, receiver: Receiver) -> None:
    """A seed gives the order; doubles keep their id; a delay holds the young ones back."""
    shop.server.webhook(receiver.url, secret=SECRET)
    shop.client.v1.invoices.pay(shop.invoice(shop.customer()))
    count = shop.server.undelivered

    assert shop.server.deliver(delay=timedelta(minutes=5)) == []
    shop.server.advance(timedelta(minutes=5))
    shop.server.deliver(delay=timedelta(minutes=5), duplicate=1, shuffle=3)

    ids = [event["id"] for event in receiver.events]
    assert len(ids) == 2 * count
    assert len(set(ids)) == count
    assert receiver.names != sorted(receiver.names, key=shop.events().index)


def test_an_event_can_come_again_much_later(shop: Shop, receiver: Receiver) -> None:
    """Asked to resend, the server queues the same event once more."""
    shop.server.webhook(receiver.url, secret=SECRET, events=["customer.created"])
    shop.customer()
    shop.server.deliver()
    shop.server.advance(timedelta(days=2))
    shop.server.resend(receiver.events[0]["id"])
    shop.server.deliver()

    assert receiver.names == ["customer.created"] * 2
    assert receiver.events[0]["id"] == receiver.events[1]["id"]


def test_what_is_refused_is_sent_again_and_recorded(shop: Shop, receiver: Receiver) -> None:
    """A receiver that fails gets the event again; every try is on record."""
    first = shop.server.webhook(receiver.url, secret="whsec_wrong")
    assert first == shop.server.webhook(receiver.url, secret=SECRET, events=["customer.created"])
    shop.customer()
    receiver.answers = [500]

    assert [delivery.status for delivery in shop.server.deliver()] == [500]
    assert shop.server.undelivered == 1
    assert [delivery.accepted for delivery in shop.server.deliver()] == [True]
    assert [delivery.status for delivery in shop.server.deliveries()] == [500, 200]


def test_a_receiver_that_is_gone_has_no_status(shop: Shop, receiver: Receiver) -> None:
    """A refused connection is a try without an answer."""
    shop.server.webhook(receiver.url, secret=SECRET)
    receiver.close()
    shop.customer(None)

    assert {delivery.status for delivery in shop.server.deliver()} == {None}
    assert shop.server.undelivered > 0


def test_signatures_may_bear_the_servers_time(
    shop_of: Callable[[StripeServer], Shop], receiver: Receiver
) -> None:
    """A receiver on the machine's clock refuses a stale signature; the choice is the test's."""
    with StripeServer(now=NOW - timedelta(days=400), signed_at=SignedAt.SERVER) as server:
        shop = shop_of(server)
        server.webhook(receiver.url, secret=SECRET)
        shop.customer(None)
        server.deliver()
    assert (receiver.refused, receiver.events) == (1, [])
    assert signature(b"{}", "whsec_x", 1).startswith("t=1,v1=")


def test_webhooks_can_be_delivered_as_they_arise(
    shop_of: Callable[[StripeServer], Shop], receiver: Receiver
) -> None:
    """A thread delivers, and tries again what was refused."""
    receiver.answers = [503]
    with StripeServer(deliver_automatically=True) as server:
        shop = shop_of(server)
        server.webhook(receiver.url, secret=SECRET, events=["customer.created"])
        shop.customer(None)
        ends = monotonic() + 10
        while server.undelivered and monotonic() < ends:
            sleep(0.01)
        assert [delivery.status for delivery in server.deliveries()] == [503, 200]


def test_an_endpoint_has_its_own_api_version(shop: Shop, receiver: Receiver) -> None:
    """A payload is in the endpoint's version, whatever the SDK's is."""
    shop.server.webhook(
        receiver.url, secret=SECRET, events=["invoice.paid"], api_version="2024-06-20"
    )
    shop.client.v1.invoices.pay(shop.invoice(shop.customer()))
    shop.server.deliver()

    (event,) = receiver.events
    assert event["api_version"] == "2024-06-20"
    assert event["data"]["object"]["paid"] is True
    assert event["data"]["object"]["charge"].startswith("ch_")
