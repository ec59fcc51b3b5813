"""Idempotency keys and faults: what a client sees when the answer is lost, late or wrong."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import pytest
import stripe
from tests.stripe_server.conftest import Shop

from retainkit.testing.stripe_server import Fault, StripeServer


PAY = "/v1/invoices/{id}/pay"


def pay(shop: Shop, invoice: str, key: str, **params: str) -> stripe.Invoice:
    """Pay with an idempotency key."""
    return shop.client.v1.invoices.pay(invoice, params, {"idempotency_key": key})  # type: ignore[arg-type]


def header(error: stripe.StripeError, name: str) -> str | None:
    """A header of an error's answer, whatever its case."""
    return {key.lower(): value for key, value in (error.headers or {}).items()}.get(name)


def test_a_decline_is_replayed_for_its_key(shop: Shop) -> None:
    """The same key gives the same 402 and no second charge, even after the card was changed."""
    customer = shop.customer("insufficient_funds")
    invoice = shop.invoice(customer)

    with pytest.raises(stripe.CardError) as first:
        pay(shop, invoice, "try-1")
    shop.server.payment_method(customer)
    with pytest.raises(stripe.CardError) as again:
        pay(shop, invoice, "try-1")

    assert again.value.json_body == first.value.json_body
    assert header(first.value, "idempotent-replayed") is None
    assert header(again.value, "idempotent-replayed") == "true"
    assert header(again.value, "original-request") == first.value.request_id
    assert len(shop.get("/v1/charges")["data"]) == 1
    assert pay(shop, invoice, "try-2").status == "paid"


def test_a_key_belongs_to_one_request(shop: Shop) -> None:
    """Other parameters or another path with the key are an idempotency error."""
    customer = shop.customer()
    invoice, other = shop.invoice(customer), shop.invoice(customer)
    pay(shop, invoice, "key")

    with pytest.raises(stripe.IdempotencyError) as params:
        pay(shop, invoice, "key", payment_method="pm_other")
    with pytest.raises(stripe.IdempotencyError) as path:
        pay(shop, other, "key")

    assert params.value.http_status == 400
    assert "same parameters" in str(params.value.user_message)
    assert "same endpoint" in str(path.value.user_message)
    assert len(shop.server.charges()) == 1


def test_keys_are_forgotten_after_a_day_of_the_servers_clock(shop: Shop) -> None:
    """After 24 hours the key is new again, so it is no guard any more."""
    invoice = shop.invoice(shop.customer("insufficient_funds"))
    for hours, charges in ((0, 1), (23, 1), (1, 2)):
        shop.server.advance(timedelta(hours=hours))
        with pytest.raises(stripe.CardError):
            pay(shop, invoice, "key")
        assert len(shop.get("/v1/charges")["data"]) == charges


def test_a_validation_error_leaves_the_key_free(shop: Shop) -> None:
    """Stripe keeps no answer when the endpoint never began."""
    invoice = shop.invoice(shop.customer())

    with pytest.raises(stripe.InvalidRequestError):
        pay(shop, invoice, "key", colour="red")
    assert pay(shop, invoice, "key").status == "paid"


def test_two_requests_at_once_with_one_key_meet_a_conflict(shop: Shop) -> None:
    """While the first is under way the second is a 409; afterwards it is a replay."""
    invoice = shop.invoice(shop.customer())
    shop.server.fail_next(PAY, Fault.SLOW)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pay, shop, invoice, "key")
        while not shop.server.held:
            sleep(0.005)
        with pytest.raises(stripe.APIError) as second:
            pay(shop, invoice, "key")
        shop.server.release()
        assert first.result().status == "paid"

    assert second.value.http_status == 409
    assert second.value.json_body["error"]["code"] == "idempotency_key_in_use"  # type: ignore[index]
    assert pay(shop, invoice, "key").status == "paid"
    assert len(shop.server.charges()) == 1


@pytest.mark.parametrize(
    ("fault", "happened"),
    [
        (Fault.TIMEOUT_BEFORE, False),
        (Fault.TIMEOUT_AFTER, True),
        (Fault.RESET_BEFORE, False),
        (Fault.RESET_AFTER, True),
    ],
)
def test_a_lost_answer_looks_the_same_whatever_happened(
    shop: Shop, fault: Fault, happened: bool
) -> None:
    """Before and after the effect the client knows nothing; the key makes a repeat safe."""
    invoice = shop.invoice(shop.customer())
    shop.server.fail_next(PAY, fault)

    with pytest.raises(stripe.APIConnectionError):
        pay(shop, invoice, "key")

    assert len(shop.server.charges()) == int(happened)
    again = pay(shop, invoice, "key")
    assert again.status == "paid"
    assert len(shop.server.charges()) == 1
    assert shop.server.requests()[-1].replayed is happened


@pytest.mark.parametrize(
    ("fault", "charges"), [(Fault.SERVER_ERROR_500, 0), (Fault.SERVER_ERROR_500_AFTER, 1)]
)
def test_a_500_is_kept_and_replayed(shop: Shop, fault: Fault, charges: int) -> None:
    """The key is burned: only a look-up tells whether the charge was made."""
    invoice = shop.invoice(shop.customer())
    shop.server.fail_next(PAY, fault)

    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as caught:
            pay(shop, invoice, "key")
        assert caught.value.http_status == 500
        assert header(caught.value, "idempotent-replayed") == replayed
    assert len(shop.server.charges()) == charges


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        (Fault.RATE_LIMIT_429, stripe.RateLimitError, 429),
        (Fault.CONFLICT_409, stripe.APIError, 409),
        (Fault.KEY_EXPIRED, stripe.AuthenticationError, 401),
    ],
)
def test_a_refusal_leaves_the_key_free(
    shop: Shop, fault: Fault, error: type[stripe.StripeError], status: int
) -> None:
    """Too many requests, a conflict and an expired key executed nothing."""
    invoice = shop.invoice(shop.customer())
    shop.server.fail_next(PAY, fault)

    with pytest.raises(error) as caught:
        pay(shop, invoice, "key")

    assert caught.value.http_status == status
    assert shop.server.charges() == []
    assert pay(shop, invoice, "key").status == "paid"


def test_faults_wait_for_their_request(shop: Shop) -> None:
    """A fault is for a path and a method, for so many requests; others pass by."""
    invoice = shop.invoice(shop.customer())
    shop.server.fail_next("/v1/invoices/{id}", Fault.RATE_LIMIT_429, times=2, method="GET")

    shop.client.v1.invoices.update(invoice, {"description": "untouched"})
    for left in (1, 0):
        with pytest.raises(stripe.RateLimitError):
            shop.client.v1.invoices.retrieve(invoice)
        waiting = [times for _, _, times in shop.server.faults]
        assert waiting == ([left] if left else [])
    assert shop.client.v1.invoices.retrieve(invoice).description == "untouched"


def test_of_many_requests_at_once_only_one_moves_money(shop: Shop) -> None:
    """Eight clients with a key each meet one open invoice: one pays, seven are refused."""
    invoice = shop.invoice(shop.customer())

    def attempt(number: int) -> str:
        try:
            return str(pay(shop, invoice, f"key-{number}").status)
        except stripe.InvalidRequestError as error:
            return str(error.user_message)

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(attempt, range(8)))

    assert answers == ["Invoice is already paid"] * 7 + ["paid"]
    assert len(shop.server.charges()) == 1


def test_a_stopped_server_answers_nobody(shop_of: Callable[[StripeServer], Shop]) -> None:
    """Neither a kept-alive connection nor a held request outlives the server."""
    with StripeServer() as server, ThreadPoolExecutor(1) as pool:
        shop = shop_of(server)
        server.fail_next("/v1/customers", Fault.SLOW, method="POST")
        other = shop_of(server)
        held = pool.submit(shop.customer, None)
        other.get("/v1/customers")
        while not server.held:
            sleep(0.005)
        server.stop()
        with pytest.raises(stripe.APIConnectionError):
            held.result()
        with pytest.raises(stripe.APIConnectionError):
            other.get("/v1/customers")
