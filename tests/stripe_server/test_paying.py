"""Customers, cards and invoices: what the real SDK gets for each outcome of a payment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from tests.stripe_server.conftest import Connect, Shop

from retainkit.errors import InvalidInput
from retainkit.testing.stripe_server import StripeServer


def declined(shop: Shop, invoice: str, **params: Any) -> Any:
    """The CardError that paying the invoice raises, open to every key of its JSON."""
    sent: Any = params
    with pytest.raises(stripe.CardError) as caught:
        shop.client.v1.invoices.pay(invoice, sent)
    return caught.value


def test_a_good_card_pays_and_the_payment_shows_its_intent_and_charge(shop: Shop) -> None:
    """The paid invoice leads through its payment to the intent and the charge."""
    invoice = shop.invoice(shop.customer())

    paid: Any = shop.client.v1.invoices.pay(
        invoice, {"expand": ["payments.data.payment.payment_intent"]}
    )

    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 1999, 0)
    (payment,) = paid.payments.data
    assert (payment.status, payment.amount_paid) == ("paid", 1999)
    intent = payment.payment.payment_intent
    assert intent.status == "succeeded"
    shown = shop.get(f"/v1/payment_intents/{intent.id}", expand=["latest_charge"])
    assert shown["latest_charge"]["outcome"]["type"] == "authorized"
    (charge,) = shop.server.charges()
    assert (charge.invoice, charge.amount, charge.currency) == (invoice, 1999, "eur")


@pytest.mark.parametrize(
    ("card", "brand", "code", "decline", "advice", "network", "network_advice"),
    [
        (
            "insufficient_funds",
            "visa",
            "card_declined",
            "insufficient_funds",
            "try_again_later",
            "51",
            None,
        ),
        ("lost_card", "visa", "card_declined", "lost_card", "do_not_try_again", "41", None),
        (
            "stolen_card",
            "mastercard",
            "card_declined",
            "stolen_card",
            "do_not_try_again",
            "43",
            "03",
        ),
        ("expired_card", "visa", "expired_card", None, "confirm_card_data", "54", None),
        (
            "pm_card_chargeCustomerFail",
            "visa",
            "card_declined",
            "generic_decline",
            "try_again_later",
            "05",
            None,
        ),
    ],
)
def test_a_decline_says_what_the_issuer_said(
    shop: Shop,
    *,
    card: str,
    brand: str,
    code: str,
    decline: str | None,
    advice: str,
    network: str,
    network_advice: str | None,
) -> None:
    """A 402 carries the codes, the charge and the intent; the charge's outcome has them too."""
    invoice = shop.invoice(shop.customer(card, brand=brand))

    error = declined(shop, invoice)

    assert (error.http_status, error.code) == (402, code)
    said = error.json_body["error"]
    assert said["type"] == "card_error"
    assert said.get("decline_code") == decline
    assert said.get("advice_code") == advice
    assert said.get("network_decline_code") == network
    assert said.get("network_advice_code") == network_advice
    assert error.error.payment_intent.status == "requires_payment_method"
    assert error.request_id.startswith("req_")
    charge = shop.get(f"/v1/charges/{error.error.charge}")
    assert (charge["status"], charge["paid"]) == ("failed", False)
    assert charge["outcome"]["reason"] == (decline or code)
    assert charge["outcome"]["network_decline_code"] == network
    assert shop.server.charges() == []


def test_any_decline_can_be_given_any_advice(shop: Shop) -> None:
    """A test may set the advice and network codes, or leave them out."""
    customer = shop.customer(
        "do_not_honor", advice_code="", network_decline_code="N7", network_advice_code="02"
    )

    said = declined(shop, shop.invoice(customer)).json_body["error"]

    assert "advice_code" not in said
    assert (said["network_decline_code"], said["network_advice_code"]) == ("N7", "02")


def test_funds_that_come_on_payday_end_the_declines(shop: Shop) -> None:
    """A card may decline until an instant, or a number of times."""
    payday = shop.server.now + timedelta(days=3)
    until_payday = shop.invoice(shop.customer("insufficient_funds", until=payday))
    once = shop.invoice(shop.customer("processing_error", declines=1))

    declined(shop, until_payday)
    declined(shop, once)
    assert shop.client.v1.invoices.pay(once).status == "paid"
    declined(shop, until_payday)
    shop.server.advance(timedelta(days=3))
    assert shop.client.v1.invoices.pay(until_payday).status == "paid"


def test_a_card_declines_as_expired_after_its_month(shop: Shop) -> None:
    """The clock alone makes a good card expire, at the end of its month."""
    invoice = shop.invoice(shop.customer(expires=(11, 2026)))
    later = shop.invoice(shop.customer(expires=(11, 2026)))

    assert shop.client.v1.invoices.pay(invoice).status == "paid"
    shop.server.advance(timedelta(days=29))
    assert declined(shop, later).code == "expired_card"


def test_a_bank_that_asks_leaves_the_intent_waiting_until_the_customer_confirms(shop: Shop) -> None:
    """Off session it is authentication_required, on session a required action; no charge yet."""
    invoice = shop.invoice(shop.customer("authentication_required"))

    error = declined(shop, invoice)
    assert error.code == "authentication_required"
    assert error.error.decline_code == "authentication_required"
    assert error.error.payment_intent.status == "requires_action"
    assert declined(shop, invoice, off_session=False).code == (
        "invoice_payment_intent_requires_action"
    )
    assert "invoice.payment_action_required" in shop.events()
    assert shop.server.charges() == []

    assert shop.server.authenticate(invoice)
    assert shop.get(f"/v1/invoices/{invoice}")["status"] == "paid"
    assert len(shop.server.charges()) == 1


def test_a_bank_may_ask_and_then_decline(shop: Shop) -> None:
    """After the confirmation the charge fails like any other."""
    invoice = shop.invoice(shop.customer("authentication_then_decline"))

    assert declined(shop, invoice).code == "authentication_required"
    assert not shop.server.authenticate(invoice)
    assert shop.get(f"/v1/invoices/{invoice}")["status"] == "open"


def test_a_blocked_charge_never_reaches_the_network(shop: Shop) -> None:
    """Radar's block is told apart from an issuer's decline by the outcome."""
    error = declined(shop, shop.invoice(shop.customer("radar_block")))

    outcome = shop.get(f"/v1/charges/{error.error.charge}")["outcome"]
    assert (outcome["type"], outcome["network_status"]) == ("blocked", "not_sent_to_network")


def test_a_card_that_cannot_be_kept_is_declined_on_attaching(shop: Shop) -> None:
    """pm_card_visa_chargeDeclined fails before any invoice, as at Stripe."""
    with pytest.raises(stripe.CardError) as caught:
        shop.client.v1.payment_methods.attach(
            "pm_card_visa_chargeDeclined", {"customer": shop.customer(None)}
        )
    assert caught.value.code == "card_declined"


def test_the_payment_method_in_the_call_wins_over_the_defaults(shop: Shop) -> None:
    """A payment method in the call is used once; another customer's is refused."""
    customer = shop.customer("lost_card")
    good = shop.server.payment_method(customer, default=False)
    other = shop.server.payment_method(shop.customer(None))
    invoice = shop.invoice(customer)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.invoices.pay(invoice, {"payment_method": other})
    assert (caught.value.param, caught.value.code) == ("payment_method", "resource_missing")
    assert shop.client.v1.invoices.pay(invoice, {"payment_method": good}).status == "paid"


def test_without_a_payment_method_nothing_is_tried(shop: Shop) -> None:
    """No card is a refused request, not a decline; a detached default is no card."""
    customer = shop.customer(None)
    method = shop.server.payment_method(customer)
    invoice = shop.invoice(customer)
    shop.client.v1.payment_methods.detach(method)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.invoices.pay(invoice)
    assert "default_payment_method" in caught.value.user_message
    assert shop.get(f"/v1/invoices/{invoice}")["attempt_count"] == 0


def test_only_the_first_manual_try_counts(shop: Shop) -> None:
    """attempt_count is the retry schedule's: later manual tries leave it alone."""
    invoice = shop.invoice(shop.customer("insufficient_funds"))

    for _ in range(3):
        declined(shop, invoice)

    shown = shop.get(f"/v1/invoices/{invoice}")
    assert (shown["attempt_count"], shown["attempted"]) == (1, True)
    assert shown["next_payment_attempt"] is None
    assert shop.events("invoice.payment_failed") == ["invoice.payment_failed"] * 3


def test_a_settled_invoice_takes_no_more_money(shop: Shop) -> None:
    """Paid, void and uncollectible invoices each have their own way on."""
    customer = shop.customer()
    paid, void, written_off = (shop.invoice(customer) for _ in range(3))
    shop.client.v1.invoices.pay(paid)
    shop.client.v1.invoices.void_invoice(void)
    shop.client.v1.invoices.mark_uncollectible(written_off)

    for invoice in (paid, void):
        with pytest.raises(stripe.InvalidRequestError):
            shop.client.v1.invoices.pay(invoice)
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.invoices.void_invoice(paid)
    assert shop.client.v1.invoices.pay(written_off).status == "paid"
    assert [charge.invoice for charge in shop.server.charges()] == [paid, written_off]
    (payment,) = shop.get("/v1/invoice_payments", invoice=void)["data"]
    assert payment["status"] == "canceled"


def test_a_server_without_the_guard_lets_a_double_charge_show(
    shop_of: Callable[[StripeServer], Shop],
) -> None:
    """With refuses_paid=False a second payment moves money, so that a judge can see it."""
    with StripeServer(refuses_paid=False) as careless:
        shop = shop_of(careless)
        invoice = shop.invoice(shop.customer())
        for _ in range(2):
            shop.client.v1.invoices.pay(invoice)
        assert [charge.invoice for charge in careless.charges()] == [invoice, invoice]


def test_lists_are_newest_first_filtered_and_paged(shop: Shop) -> None:
    """Filters by customer and status; cursors walk over every page."""
    first, second = shop.customer(), shop.customer()
    invoices = [shop.invoice(first) for _ in range(5)]
    shop.invoice(second)
    shop.client.v1.invoices.pay(invoices[0])

    open_ones = shop.client.v1.invoices.list({"customer": first, "status": "open", "limit": 2})
    assert [invoice.id for invoice in open_ones.data] == invoices[:2:-1]
    assert open_ones.has_more
    assert [invoice.id for invoice in open_ones.auto_paging_iter()] == invoices[:0:-1]
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.invoices.list({"status": "closed"})


def test_expansion_is_four_levels_deep_at_most(shop: Shop) -> None:
    """The fifth level is Stripe's 400, a trap for the intent's charge of an invoice's payment."""
    invoice = shop.invoice(shop.customer())

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.invoices.retrieve(
            invoice, {"expand": ["payments.data.payment.payment_intent.latest_charge"]}
        )
    assert "more than 4 levels" in caught.value.user_message
    with pytest.raises(stripe.InvalidRequestError):
        shop.client.v1.invoices.retrieve(invoice, {"expand": ["nothing"]})


def test_what_is_not_there_and_what_is_not_known(shop: Shop, connect: Connect) -> None:
    """404 for a missing object, 400 for an unknown parameter, 401 for a wrong key."""
    with pytest.raises(stripe.InvalidRequestError) as missing:
        shop.client.v1.customers.retrieve("cus_nobody")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert missing.value.param == "id"
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        shop.client.raw_request("post", "/v1/customers", shoe_size="44")
    assert (unknown.value.param, unknown.value.code) == ("shoe_size", "parameter_unknown")
    with pytest.raises(stripe.InvalidRequestError) as nowhere:
        shop.get("/v1/refunds")
    assert "Unrecognized request URL" in nowhere.value.user_message
    with pytest.raises(stripe.AuthenticationError) as stranger:
        connect(shop.server, key="sk_test_somebody_else").v1.customers.list()
    assert stranger.value.http_status == 401


def test_the_same_card_has_the_same_fingerprint(shop: Shop) -> None:
    """Whoever attaches it: a card is told from another by its fingerprint, not by its id."""
    fingerprints = [
        shop.get(f"/v1/payment_methods/{method}")["card"]["fingerprint"]
        for method in (
            shop.server.payment_method(shop.customer(None), card)
            for card in ("visa", "pm_card_visa", "mastercard", "lost_card", "stolen_card")
        )
    ]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 4


def test_card_numbers_are_refused(shop: Shop) -> None:
    """No card data can enter the server, not even a test number."""
    with pytest.raises(stripe.CardError) as caught:
        shop.client.v1.payment_methods.create(
            {"type": "card", "card": {"number": "4242424242424242", "exp_month": 1}}
        )
    assert "unsafe" in caught.value.user_message


def test_an_unknown_card_name_is_named(shop: Shop) -> None:
    """A card that isn't known says how cards are named."""
    with pytest.raises(InvalidInput) as caught:
        shop.customer("golden")
    assert caught.value.code == "stripe_server.card"
    assert caught.value.field == "card"
    assert caught.value.value == "golden"
    assert "decline codes" in caught.value.remedy


def test_the_same_seed_gives_the_same_ids(connect: Connect) -> None:
    """Ids derive from the seed and the history, nothing else."""

    def first_customer(seed: int) -> str:
        with StripeServer(seed=seed) as server:
            return connect(server).v1.customers.create({"name": "Ada"}).id

    assert first_customer(1) == first_customer(1) != first_customer(2)
