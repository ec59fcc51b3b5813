"""The billing cycle: what the clock does to subscriptions, with Smart Retries and without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from tests.stripe_server.conftest import NOW, Shop

from retainkit.testing.stripe_server import AfterRetries, StripeServer


MONTH = timedelta(days=31)


def latest_invoice(shop: Shop, subscription: str) -> dict[str, Any]:
    """The subscription's latest invoice."""
    shown = shop.get(f"/v1/subscriptions/{subscription}", expand=["latest_invoice"])
    found: dict[str, Any] = shown["latest_invoice"]
    return found


def test_a_renewal_is_drafted_finalized_and_paid_an_hour_later(shop: Shop) -> None:
    """The invoice stands as a draft for an hour; its line has the new period."""
    subscription = shop.subscription(shop.customer())
    assert latest_invoice(shop, subscription)["billing_reason"] == "subscription_create"
    renewal = datetime(2026, 12, 2, 9, tzinfo=UTC)

    shop.server.advance(renewal - NOW)
    draft = latest_invoice(shop, subscription)
    assert (draft["status"], draft["billing_reason"]) == ("draft", "subscription_cycle")
    assert draft["automatically_finalizes_at"] == draft["created"] + 3600
    shop.server.advance(timedelta(hours=1))

    paid = latest_invoice(shop, subscription)
    assert (paid["status"], paid["attempt_count"]) == ("paid", 1)
    assert paid["parent"]["subscription_details"]["subscription"] == subscription
    (line,) = paid["lines"]["data"]
    item = shop.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]
    assert line["period"] == {
        "start": item["current_period_start"],
        "end": item["current_period_end"],
    }
    assert item["current_period_start"] == int(renewal.timestamp())
    assert len(shop.server.charges()) == 2


def test_periods_keep_the_anchors_day(shop_of: Callable[[StripeServer], Shop]) -> None:
    """From 31 January over 28 February to 31 March, in one turn of the clock."""
    with StripeServer(now=datetime(2027, 1, 31, 12, tzinfo=UTC)) as server:
        shop = shop_of(server)
        subscription = shop.subscription(shop.customer())
        ends = []
        for _ in range(3):
            item = shop.get(f"/v1/subscriptions/{subscription}")["items"]["data"][0]
            end = datetime.fromtimestamp(item["current_period_end"], UTC)
            ends.append((end.month, end.day))
            server.advance(end - server.now)
        assert ends == [(2, 28), (3, 31), (4, 30)]


def test_without_smart_retries_a_failure_waits_for_somebody_else(shop: Shop) -> None:
    """One automatic try, next_payment_attempt null, past_due until the invoice is paid."""
    customer = shop.customer()
    subscription = shop.subscription(customer)
    shop.server.payment_method(customer, "insufficient_funds")

    shop.server.advance(MONTH)
    failed = latest_invoice(shop, subscription)
    assert (failed["status"], failed["attempt_count"]) == ("open", 1)
    assert failed["next_payment_attempt"] is None
    assert shop.get(f"/v1/subscriptions/{subscription}")["status"] == "past_due"
    assert shop.get(f"/v1/customers/{customer}")["delinquent"] is True

    shop.server.payment_method(customer)
    shop.client.v1.invoices.pay(failed["id"])
    assert shop.get(f"/v1/subscriptions/{subscription}")["status"] == "active"
    assert shop.get(f"/v1/customers/{customer}")["delinquent"] is False
    assert shop.events("invoice.payment_failed", "invoice.paid") == [
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.paid",
    ]


@pytest.mark.parametrize(
    ("after", "status"),
    [
        (AfterRetries.PAST_DUE, "past_due"),
        (AfterRetries.UNPAID, "unpaid"),
        (AfterRetries.CANCEL, "canceled"),
    ],
)
def test_smart_retries_try_on_the_clock_and_then_end(
    shop_of: Callable[[StripeServer], Shop], after: AfterRetries, status: str
) -> None:
    """Each failure names the next try; after the last the account's setting decides."""
    with StripeServer(
        now=NOW,
        smart_retries=True,
        retry_after=(timedelta(days=1), timedelta(days=3)),
        after_retries=after,
    ) as server:
        shop = shop_of(server)
        customer = shop.customer()
        subscription = shop.subscription(customer)
        server.payment_method(customer, "insufficient_funds")
        server.advance(timedelta(days=30, hours=1))
        first = latest_invoice(shop, subscription)
        failed_at = int(server.now.timestamp())
        assert first["next_payment_attempt"] == failed_at + 86_400
        server.advance(timedelta(days=1))
        assert latest_invoice(shop, subscription)["next_payment_attempt"] == failed_at + 3 * 86_400
        server.advance(timedelta(days=2))
        last = latest_invoice(shop, subscription)
        assert (last["attempt_count"], last["next_payment_attempt"]) == (3, None)
        assert shop.get(f"/v1/subscriptions/{subscription}")["status"] == status
        assert len(shop.get("/v1/charges", limit=10)["data"]) == 4


def test_smart_retries_collect_when_the_funds_come(
    shop_of: Callable[[StripeServer], Shop],
) -> None:
    """The server's own try is paid without any request, and has no idempotency key."""
    with StripeServer(now=NOW, smart_retries=True) as server:
        shop = shop_of(server)
        customer = shop.customer()
        subscription = shop.subscription(customer)
        server.payment_method(customer, "insufficient_funds", until=NOW + timedelta(days=35))
        server.advance(timedelta(days=36))
        assert latest_invoice(shop, subscription)["status"] == "paid"
        assert shop.get(f"/v1/subscriptions/{subscription}")["status"] == "active"
        assert server.charges()[-1].idempotency_key is None


def test_after_a_hard_decline_a_retry_waits_for_another_card(
    shop_of: Callable[[StripeServer], Shop],
) -> None:
    """Retries go on being counted, but no charge is made until the card is another one."""
    with StripeServer(now=NOW, smart_retries=True) as server:
        shop = shop_of(server)
        customer = shop.customer()
        subscription = shop.subscription(customer)
        server.payment_method(customer, "stolen_card")
        server.advance(timedelta(days=36))
        shown = latest_invoice(shop, subscription)
        assert shown["attempt_count"] > 1
        failed = [
            charge
            for charge in shop.get("/v1/charges", limit=100)["data"]
            if charge["status"] == "failed"
        ]
        assert len(failed) == 1
        server.payment_method(customer)
        server.advance(timedelta(days=3))
        assert latest_invoice(shop, subscription)["status"] == "paid"


def test_cancelling_stops_the_collection_but_not_the_debt(
    shop_of: Callable[[StripeServer], Shop],
) -> None:
    """After a cancellation nothing is tried automatically; the invoice stays open and payable."""
    with StripeServer(now=NOW, smart_retries=True) as server:
        shop = shop_of(server)
        customer = shop.customer()
        subscription = shop.subscription(customer)
        server.payment_method(customer, "insufficient_funds")
        server.advance(MONTH)
        shop.client.v1.subscriptions.cancel(
            subscription,
            {"cancellation_details": {"feedback": "too_expensive", "comment": "later"}},
        )
        shown = shop.get(f"/v1/subscriptions/{subscription}")
        assert (shown["status"], shown["ended_at"]) == ("canceled", int(server.now.timestamp()))
        assert shown["cancellation_details"] == {
            "comment": "later",
            "feedback": "too_expensive",
            "reason": "cancellation_requested",
        }
        owed = shop.get("/v1/invoices", customer=customer, status="open")["data"][0]
        assert (owed["auto_advance"], owed["next_payment_attempt"]) == (False, None)
        charges = len(shop.get("/v1/charges", limit=100)["data"])
        server.advance(MONTH)
        assert len(shop.get("/v1/charges", limit=100)["data"]) == charges
        server.payment_method(customer)
        assert shop.client.v1.invoices.pay(owed["id"]).status == "paid"
        assert shop.events("customer.subscription.deleted") == ["customer.subscription.deleted"]


def test_a_cancellation_at_the_periods_end_can_be_taken_back(shop: Shop) -> None:
    """cancel_at_period_end sets the date; taken back, the renewal comes as ever."""
    stays, leaves = (shop.subscription(shop.customer()) for _ in range(2))
    for subscription in (stays, leaves):
        shop.client.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
    shop.client.v1.subscriptions.update(stays, {"cancel_at_period_end": False})

    shop.server.advance(MONTH)

    assert shop.get(f"/v1/subscriptions/{stays}")["status"] == "active"
    assert shop.get(f"/v1/subscriptions/{leaves}")["status"] == "canceled"
    assert [found["id"] for found in shop.get("/v1/subscriptions")["data"]] == [stays]
    ended = shop.get("/v1/subscriptions", status="canceled")["data"]
    assert [found["id"] for found in ended] == [leaves]


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")],
)
def test_a_paused_collection_charges_nobody(shop: Shop, behaviour: Any, status: str) -> None:
    """A paused renewal becomes what the pause says; resuming lets the next one be paid."""
    subscription = shop.subscription(shop.customer())
    shop.client.v1.subscriptions.update(subscription, {"pause_collection": {"behavior": behaviour}})
    shop.server.advance(MONTH)
    assert latest_invoice(shop, subscription)["status"] == status
    assert len(shop.server.charges()) == 1

    shop.client.v1.subscriptions.update(subscription, {"pause_collection": ""})
    shop.server.advance(MONTH)
    assert latest_invoice(shop, subscription)["status"] == "paid"


def test_a_pause_ends_by_itself(shop: Shop) -> None:
    """resumes_at takes the pause away on its instant."""
    subscription = shop.subscription(shop.customer())
    ends = int((NOW + timedelta(days=10)).timestamp())
    shop.client.v1.subscriptions.update(
        subscription, {"pause_collection": {"behavior": "void", "resumes_at": ends}}
    )
    shop.server.advance(timedelta(days=10))
    assert shop.get(f"/v1/subscriptions/{subscription}")["pause_collection"] is None


def test_a_first_payment_that_fails_leaves_the_subscription_incomplete(shop: Shop) -> None:
    """Incomplete for 23 hours, then expired, its invoice void; or refused outright."""
    paid_late, never = (shop.subscription(shop.customer("do_not_honor")) for _ in range(2))
    assert shop.get(f"/v1/subscriptions/{never}")["status"] == "incomplete"
    invoice = latest_invoice(shop, paid_late)
    good = shop.server.payment_method(invoice["customer"])
    shop.client.v1.invoices.pay(invoice["id"], {"payment_method": good})

    shop.server.advance(timedelta(hours=23))

    assert shop.get(f"/v1/subscriptions/{paid_late}")["status"] == "active"
    assert shop.get(f"/v1/subscriptions/{never}")["status"] == "incomplete_expired"
    assert latest_invoice(shop, never)["status"] == "void"
    before = len(shop.get("/v1/subscriptions", status="all")["data"])
    with pytest.raises(stripe.CardError):
        shop.subscription(shop.customer("do_not_honor"), payment_behavior="error_if_incomplete")
    assert len(shop.get("/v1/subscriptions", status="all")["data"]) == before


def test_a_subscriptions_own_card_hides_the_customers_default(shop: Shop) -> None:
    """A new default for the customer doesn't help while the subscription has a card of its own."""
    customer = shop.customer(None)
    own = shop.server.payment_method(customer, default=False)
    subscription = shop.subscription(customer, default_payment_method=own)
    shop.server.behave(own, "do_not_honor")
    shop.server.payment_method(customer)

    shop.server.advance(MONTH)
    assert latest_invoice(shop, subscription)["status"] == "open"
    shop.client.v1.subscriptions.update(subscription, {"default_payment_method": ""})
    assert shop.client.v1.invoices.pay(latest_invoice(shop, subscription)["id"]).status == "paid"


def test_an_invoice_finalized_by_hand_is_collected_an_hour_later(shop: Shop) -> None:
    """auto_advance announces the try; switching it off takes the announcement back."""
    customer = shop.customer()
    collected, kept = (shop.invoice(customer, auto_advance=True) for _ in range(2))
    announced = shop.get(f"/v1/invoices/{collected}")["next_payment_attempt"]
    assert announced == int(NOW.timestamp()) + 3600
    shop.client.v1.invoices.update(kept, {"auto_advance": False})

    shop.server.advance(timedelta(hours=1))

    assert shop.get(f"/v1/invoices/{collected}")["status"] == "paid"
    assert shop.get(f"/v1/invoices/{kept}")["status"] == "open"
