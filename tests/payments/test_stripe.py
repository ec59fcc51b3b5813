"""Stripe's traps: shapes of two eras, money in minor units, lost answers, events, set-up errors."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import stripe
from attrs import evolve, frozen

from retainkit.billing import Decline, Declined, InvoiceState, Paid, PaymentState, Pending
from retainkit.core import Answer, NoEffect, NotSent, Unknown
from retainkit.errors import ConfigurationError, InvalidInput, ProviderError
from retainkit.ids import InvoiceId, PaymentId, SubscriptionId
from retainkit.money import money
from retainkit.payments import Collect, ProviderEvent, ProviderEventKind
from retainkit.payments._stripe_errors import translate
from retainkit.payments.stripe import API_VERSION, WEBHOOK_TYPES, MethodPage, StripePayments
from retainkit.testing import Card, PaymentWorld, Stage
from retainkit.testing.stripe_server import Fault, StripeServer, signature


NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
KEY = "sk_test_secret_of_this_test"
SECRET = "whsec_test"


# ------------------------------------------------------------------- before and since basil


@pytest.fixture
def old_world(server: StripeServer, stripe_world: Any) -> PaymentWorld:
    """An adapter that asks for the last version before basil."""
    world: PaymentWorld = type(stripe_world)(server, api_version="2025-02-24.acacia")
    return world


def test_invoice_reads_alike_in_both_eras(stripe_world: Any, old_world: PaymentWorld) -> None:
    """Before basil one payment intent stood on the invoice, since then it has payments."""
    invoice = stripe_world.open_invoice(Decline(code="insufficient_funds"), subscription=True)
    stripe_world.provider.collect(stripe_world.asking(invoice), key="era-1")
    new, old = stripe_world.read(invoice), old_world.read(invoice)
    assert new.subscription is not None
    assert len(new.payments) == 1
    assert old == new


def test_collecting_before_basil(old_world: PaymentWorld) -> None:
    """An account that is held at an old version is collected and looked up all the same."""
    invoice = old_world.open_invoice()
    asked, sent_at = old_world.asking(invoice), old_world.now
    outcome = old_world.provider.collect(asked, key="era-2")
    assert isinstance(outcome, Paid), outcome
    assert old_world.provider.look_up(asked, key="era-2", sent_at=sent_at) == outcome
    assert old_world.provider.collect(asked, key="era-3") == outcome
    assert old_world.taken(invoice) == 1


# ---------------------------------------------------------------- one request, with our key


def test_our_key_reaches_the_charge(stripe_world: Any, server: StripeServer) -> None:
    """The SDK would make up a key of its own; the one that counts is ours."""
    invoice = stripe_world.open_invoice()
    stripe_world.provider.collect(stripe_world.asking(invoice), key="rk_ours")
    assert [charge.idempotency_key for charge in server.charges()] == ["rk_ours"]


@pytest.mark.parametrize(
    "fault", [Fault.SERVER_ERROR_500, Fault.CONFLICT_409, Fault.RESET_BEFORE, Fault.RATE_LIMIT_429]
)
def test_sdk_never_repeats_a_request(stripe_world: Any, server: StripeServer, fault: Fault) -> None:
    """The SDK repeats 409, 5xx and broken connections by itself unless it is told not to."""
    invoice = stripe_world.open_invoice()
    asked = stripe_world.asking(invoice)
    server.fail_next(f"/v1/invoices/{invoice}/pay", fault)
    stripe_world.provider.collect(asked, key="once")
    sent = [seen for seen in server.requests() if seen.path.endswith("/pay")]
    assert len(sent) == 1


def test_two_workers_with_one_key(stripe_world: Any, server: StripeServer) -> None:
    """While one request is under way the same key is refused, and finds the answer later."""
    invoice = stripe_world.open_invoice()
    patient = StripePayments(
        server.api_key, base_url=server.url, clock=_At(NOW), lookup_lag=timedelta(minutes=2)
    )
    asked = stripe_world.asking(invoice)
    server.fail_next(f"/v1/invoices/{invoice}/pay", Fault.SLOW)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(patient.collect, asked, key="shared")
        _wait_for_the_slow_one(server, "shared")
        assert patient.collect(asked, key="shared") == NotSent(reason="key_in_use")
        server.release()
        paid = first.result(timeout=10)
    assert isinstance(paid, Paid), paid
    assert patient.collect(asked, key="shared") == paid
    assert stripe_world.taken(invoice) == 1


def _wait_for_the_slow_one(server: StripeServer, key: str) -> None:
    """Until the server holds the key of a request that it is slow to answer."""
    waited = threading.Event()
    while key not in server._api._keys._under_way:
        waited.wait(0.005)


def test_customer_pays_between_our_look_and_our_try(
    stripe_world: Any, server: StripeServer
) -> None:
    """Stripe says 'already paid' with a 400: that is Paid, by the payment that did it."""
    invoice = stripe_world.open_invoice()
    asked = stripe_world.asking(invoice)
    server.fail_next(f"/v1/invoices/{invoice}/pay", Fault.SLOW)
    patient = StripePayments(server.api_key, base_url=server.url, clock=_At(NOW))
    with ThreadPoolExecutor(1) as other:
        late = other.submit(patient.collect, asked, key="late")
        _wait_for_the_slow_one(server, "late")
        stripe_world.pay(invoice)
        server.release()
        outcome = late.result(timeout=10)
    assert isinstance(outcome, Paid), outcome
    assert (outcome.payment,) == stripe_world.read(invoice).payments
    assert stripe_world.taken(invoice) == 1


def test_decline_whose_charge_cannot_be_read(stripe_world: Any, server: StripeServer) -> None:
    """Nothing is made up from the refusal: the look-up tells what Stripe's books tell."""
    why = Decline(code="insufficient_funds", network_code="51", network="visa")
    invoice = stripe_world.open_invoice(why)
    asked = stripe_world.asking(invoice)
    server.fail_next("/v1/charges/{id}", Fault.SERVER_ERROR_500, method="GET")
    sent_at = stripe_world.now
    outcome = stripe_world.provider.collect(asked, key="blind")
    assert outcome == Unknown(reason="decline_unread")
    looked = stripe_world.provider.look_up(asked, key="blind", sent_at=sent_at)
    (shown,) = stripe_world.read(invoice).payments
    assert looked == Declined(payment=shown)
    assert shown.decline is not None
    assert (shown.decline.code, shown.decline.network_code) == (why.code, "51")


def test_no_payment_method_at_all(stripe_world: Any) -> None:
    """A customer without a card is no decline."""
    customer = stripe_world.call("post", "/v1/customers")["id"]
    invoice = stripe_world.call("post", "/v1/invoices", customer=customer, currency="eur")["id"]
    stripe_world.call(
        "post", "/v1/invoiceitems", customer=customer, invoice=invoice, amount=500, currency="eur"
    )
    stripe_world.call("post", f"/v1/invoices/{invoice}/finalize")
    outcome = stripe_world.provider.collect(stripe_world.asking(InvoiceId(invoice)), key="none")
    assert outcome == NoEffect(reason="no_payment_method")


def test_draft_is_not_paid(stripe_world: Any) -> None:
    """Stripe would finalize a draft and pay it at once; that is not ours to do."""
    customer = stripe_world.call("post", "/v1/customers")["id"]
    invoice = stripe_world.call("post", "/v1/invoices", customer=customer, currency="eur")["id"]
    shown = stripe_world.read(InvoiceId(invoice))
    assert shown.state is InvoiceState.DRAFT
    asked = stripe_world.asking(InvoiceId(invoice))
    assert stripe_world.provider.collect(asked, key="draft") == NoEffect(reason="invoice_draft")


def test_paid_out_of_band(stripe_world: Any) -> None:
    """An invoice marked as paid has no payment; the invoice stands for it."""
    invoice = stripe_world.open_invoice()
    asked = stripe_world.asking(invoice)
    stripe_world.call("post", f"/v1/invoices/{invoice}/pay", paid_out_of_band=True)
    outcome = stripe_world.provider.collect(asked, key="band")
    assert isinstance(outcome, Paid), outcome
    assert outcome.payment.id == invoice
    assert outcome.payment.amount == asked.amount
    assert stripe_world.taken(invoice) == 0


def test_customers_authentication_is_found(stripe_world: Any, server: StripeServer) -> None:
    """A payment that waited for the customer and went through is Paid by a look-up."""
    invoice = stripe_world.open_invoice(Card.AUTHENTICATION)
    asked, sent_at = stripe_world.asking(invoice), stripe_world.now
    stripe_world.fail_next(Stage.LOST_ANSWER)
    stripe_world.provider.collect(asked, key="3ds")
    looked = stripe_world.provider.look_up(asked, key="3ds", sent_at=sent_at)
    assert isinstance(looked, Declined), looked
    assert looked.payment.state is PaymentState.NEEDS_ACTION
    assert server.authenticate(invoice)
    assert isinstance(stripe_world.provider.look_up(asked, key="3ds", sent_at=sent_at), Paid)


@pytest.mark.parametrize(
    ("currency", "units", "amount"),
    [
        ("jpy", 1999, "1999"),
        ("kwd", 19990, "19.99"),
        ("ugx", 199900, "1999"),
        ("eur", 1999, "19.99"),
    ],
)
def test_amounts_by_stripes_minor_units(
    stripe_world: Any, currency: str, units: int, amount: str
) -> None:
    """JPY has no decimals, KWD three, and UGX two that are always zero."""
    customer = stripe_world.call("post", "/v1/customers")["id"]
    stripe_world.give_card(customer, Card.GOOD, default=True)
    invoice = stripe_world.call("post", "/v1/invoices", customer=customer, currency=currency)["id"]
    stripe_world.call(
        "post",
        "/v1/invoiceitems",
        customer=customer,
        invoice=invoice,
        amount=units,
        currency=currency,
    )
    stripe_world.call("post", f"/v1/invoices/{invoice}/finalize")
    asked = stripe_world.asking(InvoiceId(invoice))
    assert asked.amount == money(amount, currency)
    outcome = stripe_world.provider.collect(asked, key="minor")
    assert isinstance(outcome, Paid), outcome
    assert outcome.payment.amount == money(amount, currency)


# ------------------------------------------------------------------------------ hosted pages


def _latest(world: Any, name: str) -> bytes:
    (event, *_) = world.call("get", "/v1/events", limit=1, type=name)["data"]
    return json.dumps(event).encode()


def _visit(url: str, card: str) -> None:
    import http.client

    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=5)
    connection.request("POST", address.path, f"card={card}")
    answer = connection.getresponse()
    assert answer.status == 303
    assert answer.headers["Location"] == "https://app.example.test/billing"
    connection.close()


def test_new_card_in_the_portal_is_news(stripe_world: Any) -> None:
    """The customer changes the card on Stripe's page; the webhook names the new method."""
    invoice = stripe_world.open_invoice(Decline(code="lost_card"))
    reference = stripe_world.read(invoice).reference
    page = stripe_world.provider.payment_method_page(
        reference, seller="stripe", return_url="https://app.example.test/billing"
    )
    _visit(page.url, "visa")
    event = _read(stripe_world.provider, _latest(stripe_world, "customer.updated"))
    assert event.kind is ProviderEventKind.PAYMENT_METHOD_CHANGED
    assert event.reference == reference
    asked = stripe_world.asking(invoice, method=event.method)
    assert isinstance(stripe_world.provider.collect(asked, key="new-card"), Paid)


def test_new_card_by_checkout_is_news(stripe_world: Any, server: StripeServer) -> None:
    """Checkout attaches a method without making it the default; its set-up is the news."""
    checkout = StripePayments(
        server.api_key,
        webhook_secrets=("whsec_current",),
        base_url=server.url,
        method_page=MethodPage.CHECKOUT,
        clock=_At(NOW),
    )
    invoice = stripe_world.open_invoice(Decline(code="lost_card"))
    reference = stripe_world.read(invoice).reference
    page = checkout.payment_method_page(
        reference, seller="stripe", return_url="https://app.example.test/billing"
    )
    assert page.expires_at == NOW + timedelta(days=1)
    _visit(page.url, "visa")
    body = _latest(stripe_world, "setup_intent.succeeded")
    event = _read(checkout, body)
    assert event.kind is ProviderEventKind.PAYMENT_METHOD_CHANGED
    assert event.reference == reference
    asked = stripe_world.asking(invoice, method=event.method)
    assert isinstance(checkout.collect(asked, key="new-card"), Paid)
    by_portal = _read(stripe_world.provider, body)
    assert by_portal.kind is ProviderEventKind.OTHER


def test_page_of_a_customer_who_is_not_there(stripe_world: Any) -> None:
    """A refusal of the page says what to check."""
    with pytest.raises(ProviderError) as caught:
        stripe_world.provider.payment_method_page(
            "cus_missing", seller="stripe", return_url="https://app.example.test/billing"
        )
    assert caught.value.code == "provider.no_page"
    assert caught.value.field == "reference"
    assert caught.value.value == "resource_missing"
    assert "customer exists" in caught.value.remedy


# ---------------------------------------------------- answers the Stripe server does not give


@frozen(kw_only=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    form: Mapping[str, list[str]]
    headers: Mapping[str, str]


class CannedStripe:
    """An HTTP server that gives prepared answers by method and path."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object, dict[str, str]]] = {}
        self.seen: list[Seen] = []
        canned = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                address = urlsplit(self.path)
                form = parse_qs(address.query or body)
                canned.seen.append(
                    Seen(
                        method=self.command,
                        path=address.path,
                        form=form,
                        headers={name.lower(): value for name, value in self.headers.items()},
                    )
                )
                status, answer, headers = canned.answers[f"{self.command} {address.path}"]
                if callable(answer):
                    answer = answer(form)
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

            def log_message(self, *args: object) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.payments = StripePayments(
            KEY,
            webhook_secrets=(SECRET,),
            base_url=self.url,
            clock=_At(NOW),
        )

    def on(
        self, what: str, answer: object, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Give this answer from now on."""
        self.answers[what] = (status, answer, headers or {})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def canned() -> Iterator[CannedStripe]:
    stripe_ = CannedStripe()
    yield stripe_
    stripe_.close()


def _intent(name: str, status: str, charge: str | None) -> dict[str, object]:
    return {
        "id": name,
        "object": "payment_intent",
        "status": status,
        "amount": 1000,
        "currency": "eur",
        "created": int(NOW.timestamp()) - 60,
        "latest_charge": charge,
        "payment_method": "pm_debit",
        "last_payment_error": None,
    }


def _charge(name: str, status: str, *, at: datetime = NOW, **more: object) -> dict[str, object]:
    return {
        "id": name,
        "object": "charge",
        "status": status,
        "amount": 1000,
        "currency": "eur",
        "created": int(at.timestamp()),
        "failure_code": None,
        "outcome": None,
        "payment_method": "pm_debit",
        "payment_method_details": {
            "type": "sepa_debit",
            "sepa_debit": {"fingerprint": "fp_iban", "last4": "3000"},
        },
        **more,
    }


def _part(name: str, intent: object, status: str = "open") -> dict[str, object]:
    return {
        "id": name,
        "object": "invoice_payment",
        "status": status,
        "payment": {"type": "payment_intent", "payment_intent": intent},
    }


def _invoice(*parts: object, status: str = "open", more: bool = False) -> dict[str, object]:
    return {
        "id": "in_1",
        "object": "invoice",
        "status": status,
        "currency": "eur",
        "created": int(NOW.timestamp()) - 3600,
        "amount_remaining": 0 if status == "paid" else 1000,
        "amount_paid": 1000 if status == "paid" else 0,
        "attempt_count": 1,
        "next_payment_attempt": None,
        "customer": "cus_1",
        "parent": None,
        "payments": {"object": "list", "data": list(parts), "has_more": more},
        "status_transitions": {"paid_at": None},
        "a_field_of_next_year": {"unknown": True},
    }


ASKED = Collect(invoice=InvoiceId("in_1"), seller="stripe", amount=money("10", "EUR"))


def test_bank_debit_is_pending(canned: CannedStripe) -> None:
    """Stripe answers 200 with an open invoice: the debit is under way, and blocks another."""
    before = _invoice(_part("inpay_1", _intent("pi_1", "requires_payment_method", None)))
    after = _invoice(_part("inpay_1", _intent("pi_1", "processing", "ch_1")))
    canned.on("GET /v1/invoices/in_1", before)
    canned.on("POST /v1/invoices/in_1/pay", after)
    canned.on("GET /v1/charges/ch_1", _charge("ch_1", "pending"))
    outcome = canned.payments.collect(ASKED, key="debit")
    assert isinstance(outcome, Pending), outcome
    assert outcome.payment.id == "ch_1"
    assert outcome.payment.credential == "fp_iban"
    canned.on("GET /v1/invoices/in_1", after)
    assert canned.payments.collect(ASKED, key="another") == outcome
    canned.on(
        "GET /v1/charges",
        {"object": "list", "data": [_charge("ch_1", "pending")], "has_more": False},
    )
    assert canned.payments.look_up(ASKED, key="debit", sent_at=NOW) == outcome
    paying = [seen for seen in canned.seen if seen.path.endswith("/pay")]
    assert [seen.headers["idempotency-key"] for seen in paying] == ["debit"]


def _refused(code: str, **more: object) -> dict[str, object]:
    error = {"type": "card_error", "code": code, "message": "No.", **more}
    return {"error": {name: value for name, value in error.items() if value is not None}}


def test_each_refused_try_without_a_charge_is_one_of_its_own(canned: CannedStripe) -> None:
    """Stripe keeps no object of it: two refusals of one intent must not be one payment."""
    intent = _intent("pi_1", "requires_payment_method", "ch_old")
    canned.on("GET /v1/invoices/in_1", _invoice(_part("inpay_1", intent)))
    refusal = _refused("card_declined", decline_code="generic_decline", payment_intent=intent)
    canned.on("POST /v1/invoices/in_1/pay", refusal, status=402)
    known = evolve(ASKED, known=(PaymentId("ch_old"),))
    first = canned.payments.collect(known, key="first")
    again = canned.payments.collect(known, key="again")
    assert isinstance(first, Declined), first
    assert isinstance(again, Declined), again
    assert (first.payment.id, again.payment.id) == ("first", "again")
    assert (first.payment.at, first.decline.code) == (NOW, "generic_decline")


def test_the_charge_of_a_refusal_may_be_named_by_its_intent_alone(canned: CannedStripe) -> None:
    """As for direct debits: one we have not seen is this try's."""
    before = _intent("pi_1", "requires_payment_method", "ch_old")
    after = _intent("pi_1", "requires_payment_method", "ch_new")
    canned.on("GET /v1/invoices/in_1", _invoice(_part("inpay_1", before)))
    canned.on(
        "POST /v1/invoices/in_1/pay", _refused("card_declined", payment_intent=after), status=402
    )
    made = _charge("ch_new", "failed", at=NOW - timedelta(seconds=7), failure_code="account_closed")
    canned.on("GET /v1/charges/ch_new", made)
    known = evolve(ASKED, known=(PaymentId("ch_old"),))
    outcome = canned.payments.collect(known, key="debit")
    assert isinstance(outcome, Declined), outcome
    assert (outcome.payment.id, outcome.payment.at) == ("ch_new", NOW - timedelta(seconds=7))


def test_version_account_and_session_are_said(canned: CannedStripe) -> None:
    """The version is pinned, a connected seller is named, and nobody is there to authenticate."""
    intent = _intent("pi_1", "succeeded", "ch_1")
    canned.on("GET /v1/invoices/in_1", _invoice())
    canned.on(
        "POST /v1/invoices/in_1/pay", _invoice(_part("inpay_1", intent, "paid"), status="paid")
    )
    canned.on("GET /v1/charges/ch_1", _charge("ch_1", "succeeded"))
    connected = Collect(
        invoice=ASKED.invoice, seller="acct_1", amount=ASKED.amount, method=None, known=()
    )
    assert isinstance(canned.payments.collect(connected, key="said"), Paid)
    assert {seen.headers["stripe-version"] for seen in canned.seen} == {API_VERSION}
    assert {seen.headers["stripe-account"] for seen in canned.seen} == {"acct_1"}
    (paying,) = (seen for seen in canned.seen if seen.method == "POST")
    assert paying.form["off_session"] == ["true"]
    assert "payment_method" not in paying.form


def test_several_payments_over_several_pages(canned: CannedStripe) -> None:
    """Since basil an invoice may have many payments, and an intent many charges."""
    first, second = (
        _intent("pi_1", "canceled", "ch_1"),
        _intent("pi_2", "requires_payment_method", "ch_3"),
    )
    parts = [_part("inpay_2", second), _part("inpay_1", first, "canceled")]
    canned.on("GET /v1/invoices/in_1", _invoice(parts[0], more=True))

    def pages(form: Mapping[str, list[str]]) -> object:
        after = form.get("starting_after")
        chosen = parts[1:] if after == ["inpay_2"] else parts[:1]
        return {"object": "list", "data": chosen, "has_more": after is None}

    def charges(form: Mapping[str, list[str]]) -> object:
        day = timedelta(days=1)
        made = {
            "pi_1": [_charge("ch_1", "failed", at=NOW - 3 * day)],
            "pi_2": [
                _charge("ch_3", "failed", at=NOW - day),
                _charge("ch_2", "failed", at=NOW - 2 * day),
            ],
        }[form["payment_intent"][0]]
        after = form.get("starting_after")
        if after is not None:
            return {"object": "list", "data": made[1:], "has_more": False}
        return {"object": "list", "data": made[:1], "has_more": len(made) > 1}

    canned.on("GET /v1/invoice_payments", pages)
    canned.on("GET /v1/charges", charges)
    shown = canned.payments.read_invoice(ASKED.invoice, seller="stripe")
    assert not isinstance(shown, NotSent)
    assert [payment.id for payment in shown.payments] == ["ch_1", "ch_2", "ch_3"]
    assert all(payment.decline == Decline(code="unknown") for payment in shown.payments)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ({"type": "blocked", "reason": "highest_risk_level"}, "highest_risk_level"),
        ({"type": "blocked", "reason": "rule"}, "fraudulent"),
        (
            {"type": "issuer_declined", "reason": "authentication_required"},
            "authentication_required",
        ),
        ({"type": "issuer_declined", "reason": None}, "card_declined"),
        (None, "card_declined"),
    ],
)
def test_code_of_a_failed_charge(
    canned: CannedStripe, outcome: Mapping[str, object] | None, code: str
) -> None:
    """The charge's own outcome outlives the intent's last error, so it is what counts."""
    failed = _charge("ch_1", "failed", failure_code="card_declined", outcome=outcome)
    canned.on(
        "GET /v1/invoices/in_1",
        _invoice(_part("inpay_1", _intent("pi_1", "requires_payment_method", "ch_1"))),
    )
    canned.on("GET /v1/charges", {"object": "list", "data": [failed], "has_more": False})
    shown = canned.payments.read_invoice(ASKED.invoice, seller="stripe")
    assert not isinstance(shown, NotSent)
    (payment,) = shown.payments
    assert payment.decline == Decline(code=code)
    asks = code == "authentication_required"
    assert payment.state is (PaymentState.NEEDS_ACTION if asks else PaymentState.FAILED)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>it works</html>"),
        (200, {"id": "in_1", "object": "invoice"}),
        (200, [1]),
        (502, b"<html>bad gateway</html>"),
        (503, {"error": {"type": "api_error", "message": "sorry"}}),
        (418, {"error": {"type": "api_error", "message": "teapot"}}),
    ],
)
def test_unreadable_answer_to_paying_is_unknown(
    canned: CannedStripe, status: int, body: object
) -> None:
    """Once the request is out, only an answer we understand proves anything."""
    canned.on("GET /v1/invoices/in_1", _invoice())
    canned.on("POST /v1/invoices/in_1/pay", body, status=status)
    outcome = canned.payments.collect(ASKED, key="what")
    assert isinstance(outcome, Unknown), outcome


def test_unreadable_answer_to_reading_is_not_sent(canned: CannedStripe) -> None:
    """A proxy's error page before anything was sent leaves the key unused."""
    canned.on("GET /v1/invoices/in_1", b"<html>bad gateway</html>", status=502)
    assert canned.payments.collect(ASKED, key="what") == NotSent(reason="server_error")
    assert canned.payments.read_invoice(ASKED.invoice, seller="stripe") == NotSent(
        reason="server_error"
    )


def test_strange_shape_is_an_error_for_its_owner(canned: CannedStripe) -> None:
    """An invoice we can't understand is not guessed at."""
    canned.on("GET /v1/invoices/in_1", {"id": "in_1", "object": "invoice"})
    with pytest.raises(ProviderError) as caught:
        canned.payments.read_invoice(ASKED.invoice, seller="stripe")
    assert caught.value.code == "stripe.unreadable"
    assert caught.value.field == "answer"
    assert caught.value.value == "StripeInvoice"
    assert "update retainkit" in caught.value.remedy


def test_pause_asked_for_is_kept(canned: CannedStripe) -> None:
    """A 429's Retry-After reaches the engine, whatever the case of the header."""
    canned.on("GET /v1/invoices/in_1", _invoice())
    canned.on(
        "POST /v1/invoices/in_1/pay",
        {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "slowly"}},
        status=429,
        headers={"retry-AFTER": "17"},
    )
    assert canned.payments.collect(ASKED, key="slow") == NotSent(
        reason="rate_limited", retry_after=timedelta(seconds=17)
    )


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [
        (ssl.SSLCertVerificationError("self-signed"), NotSent(reason="not_connected")),
        (socket.gaierror("no such host"), NotSent(reason="not_connected")),
        (ssl.SSLEOFError("broke off"), Unknown(reason="connection_lost")),
        (TimeoutError("too slow"), Unknown(reason="timeout")),
        (ConnectionResetError("reset"), Unknown(reason="connection_lost")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken_connection(broken: OSError, outcome: NotSent | Unknown) -> None:
    """Only a connection that never stood proves that nothing was sent."""
    make: Callable[[str], stripe.APIConnectionError] = stripe.APIConnectionError
    lost = make("Unexpected error communicating with Stripe")
    lost.__cause__ = requests.ConnectionError(broken)
    assert translate(lost) == outcome


def test_method_of_another_customer(stripe_world: Any) -> None:
    """A method that can't be used is no decline and no charge."""
    invoice, other = stripe_world.open_invoice(), stripe_world.open_invoice()
    asked = stripe_world.asking(invoice, method=stripe_world.add_card(other))
    outcome = stripe_world.provider.collect(asked, key="other")
    assert outcome == NoEffect(reason="payment_method_missing")
    assert stripe_world.taken(invoice) == 0


def test_restricted_key_without_the_right(canned: CannedStripe) -> None:
    """A missing permission is an error for its owner that never shows the key."""
    canned.on(
        "GET /v1/invoices/in_1",
        {
            "error": {
                "type": "invalid_request_error",
                "code": "more_permissions_required",
                "message": f"The provided key '{KEY}' does not have the required permissions",
            }
        },
        status=403,
    )
    with pytest.raises(ProviderError) as caught:
        canned.payments.collect(ASKED, key="denied")
    assert caught.value.code == "stripe.permission"
    assert caught.value.field == "api_key"
    assert caught.value.value == "more_permissions_required"
    assert "permission" in caught.value.remedy
    assert KEY not in str(caught.value)
    assert KEY not in repr(canned.payments)


def test_cancelling_a_cancelled_subscription(canned: CannedStripe) -> None:
    """Stripe answers 404 for one that has ended; the subscription itself says which it is."""
    gone = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "-"}}
    canned.on("DELETE /v1/subscriptions/sub_1", gone, status=404)
    canned.on("GET /v1/subscriptions/sub_1", {"id": "sub_1", "status": "canceled"})
    ended = canned.payments.cancel(SubscriptionId("sub_1"), seller="stripe", key="end")
    assert ended == Answer(data={"subscription": "sub_1", "state": "canceled"})
    canned.on("GET /v1/subscriptions/sub_1", gone, status=404)
    missing = canned.payments.cancel(SubscriptionId("sub_1"), seller="stripe", key="end")
    assert missing == NoEffect(reason="subscription_missing")
    canned.on("GET /v1/subscriptions/sub_1", b"", status=500)
    unclear = canned.payments.cancel(SubscriptionId("sub_1"), seller="stripe", key="end")
    assert unclear == Unknown(reason="server_error")


def test_ids_cannot_leave_their_path(canned: CannedStripe) -> None:
    """An id with a slash is quoted, not followed."""
    canned.on("GET /v1/invoices/..%2Fcustomers", {"error": {"message": "-"}}, status=404)
    evil = Collect(invoice=InvoiceId("../customers"), seller="stripe", amount=ASKED.amount)
    assert canned.payments.collect(evil, key="evil") == NoEffect(reason="invoice_missing")


# ------------------------------------------------------------------------------------ events


def _read(payments: StripePayments, body: bytes, secret: str = "whsec_current") -> ProviderEvent:
    headers = {"Stripe-Signature": signature(body, secret, int(NOW.timestamp()))}
    return payments.read_webhook(body, headers, now=NOW)


def _event(name: str, about: object, before: object = None, **more: object) -> ProviderEvent:
    payments = StripePayments(KEY, webhook_secrets=(SECRET,))
    data = {"object": about} if before is None else {"object": about, "previous_attributes": before}
    event = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2017-08-15",
        "created": int(NOW.timestamp()),
        "type": name,
        "data": data,
        **more,
    }
    return _read(payments, json.dumps(event).encode(), SECRET)


def _said(event: ProviderEvent) -> tuple[object, ...]:
    return event.kind, event.reference, event.invoice, event.method, event.subscription


@pytest.mark.parametrize(
    ("name", "about", "before", "said"),
    [
        (
            "invoice.payment_failed",
            {"id": "in_1", "customer": "cus_1", "subscription": "sub_1"},
            None,
            (ProviderEventKind.INVOICE_CHANGED, "cus_1", "in_1", None, "sub_1"),
        ),
        (
            "invoice.paid",
            {
                "id": "in_1",
                "customer": {"id": "cus_1", "object": "customer"},
                "parent": {"subscription_details": {"subscription": "sub_1"}},
            },
            None,
            (ProviderEventKind.INVOICE_CHANGED, "cus_1", "in_1", None, "sub_1"),
        ),
        (
            "invoice.upcoming",
            {"customer": "cus_1", "subscription": "sub_1"},
            None,
            (ProviderEventKind.OTHER, "cus_1", None, None, None),
        ),
        (
            "invoice_payment.paid",
            {"id": "inpay_1", "invoice": "in_1"},
            None,
            (ProviderEventKind.OTHER, None, None, None, None),
        ),
        (
            "customer.updated",
            {"id": "cus_1", "invoice_settings": {"default_payment_method": "pm_2"}},
            {"invoice_settings": {"default_payment_method": "pm_1"}},
            (ProviderEventKind.PAYMENT_METHOD_CHANGED, "cus_1", None, "pm_2", None),
        ),
        (
            "customer.updated",
            {"id": "cus_1", "invoice_settings": {"default_payment_method": None}},
            {"invoice_settings": {"default_payment_method": "pm_1"}},
            (ProviderEventKind.OTHER, "cus_1", None, None, None),
        ),
        (
            "customer.updated",
            {"id": "cus_1", "invoice_settings": {"default_payment_method": "pm_1"}},
            {"email": "changed"},
            (ProviderEventKind.OTHER, "cus_1", None, None, None),
        ),
        (
            "customer.subscription.updated",
            {"id": "sub_1", "customer": "cus_1", "default_payment_method": {"id": "pm_2"}},
            {"default_payment_method": None},
            (ProviderEventKind.PAYMENT_METHOD_CHANGED, "cus_1", None, "pm_2", "sub_1"),
        ),
        (
            "customer.subscription.updated",
            {"id": "sub_1", "customer": "cus_1", "default_payment_method": "pm_1"},
            {"status": "active"},
            (ProviderEventKind.OTHER, "cus_1", None, None, "sub_1"),
        ),
        (
            "customer.subscription.deleted",
            {"id": "sub_1", "customer": "cus_1"},
            None,
            (ProviderEventKind.SUBSCRIPTION_CANCELLED, "cus_1", None, None, "sub_1"),
        ),
        (
            "a.name.of.next.year",
            {"customer": 7},
            None,
            (ProviderEventKind.OTHER, None, None, None, None),
        ),
    ],
)
def test_what_an_event_hints_at(
    name: str, about: object, before: object, said: tuple[object, ...]
) -> None:
    """Old shapes and new ones, expanded or not, say the same; the unknown is never an error."""
    event = _event(name, about, before)
    assert _said(event) == said
    assert (event.id, event.name, event.seller) == ("evt_1", name, "stripe")
    assert event.occurred_at == NOW
    assert event.credential is None


@pytest.mark.parametrize("name", WEBHOOK_TYPES)
def test_each_type_to_register_for_is_used(name: str) -> None:
    """And names its customer, so that it finds its way."""
    payments = StripePayments(KEY, webhook_secrets=(SECRET,), method_page=MethodPage.CHECKOUT)
    of_customer = name == "customer.updated"
    about = {
        "id": "cus_1" if of_customer else "obj_1",
        "customer": "cus_1",
        "payment_method": "pm_2",
        "default_payment_method": "pm_2",
        "invoice_settings": {"default_payment_method": "pm_2"},
    }
    before = {"default_payment_method": None}
    event = {
        "id": "evt_1",
        "type": name,
        "created": int(NOW.timestamp()),
        "data": {
            "object": about,
            "previous_attributes": {**before, "invoice_settings": before},
        },
    }
    hint = _read(payments, json.dumps(event).encode(), SECRET)
    assert hint.kind is not ProviderEventKind.OTHER
    assert hint.reference == "cus_1"


def test_event_of_a_connected_account() -> None:
    """An event of somebody else's account is that seller's."""
    event = _event("invoice.paid", {"id": "in_1", "customer": "cus_1"}, account="acct_1")
    assert event.seller == "acct_1"


def test_thin_event_is_accepted() -> None:
    """A v2 event has no body and a time in words; it is stored and wakes nobody."""
    payments = StripePayments(KEY, webhook_secrets=(SECRET,))
    body = json.dumps(
        {
            "id": "evt_2",
            "object": "v2.core.event",
            "type": "v2.core.account.updated",
            "created": "2026-11-02T09:00:00.000Z",
            "livemode": False,
            "related_object": {"id": "acct_1", "type": "v2.core.account"},
        }
    ).encode()
    event = _read(payments, body, SECRET)
    assert event.kind is ProviderEventKind.OTHER
    assert event.occurred_at == NOW


def test_events_of_both_eras_name_the_same(stripe_world: Any, server: StripeServer) -> None:
    """The version of a webhook is its endpoint's: a real invoice of each shape reads alike."""
    invoice = stripe_world.open_invoice(Decline(code="insufficient_funds"), subscription=True)
    stripe_world.provider.collect(stripe_world.asking(invoice), key="both")
    bodies = [
        json.dumps(
            stripe_world.call(
                "get",
                "/v1/events",
                limit=1,
                type="invoice.payment_failed",
                stripe_version=version,
            )["data"][0]
        ).encode()
        for version in ("2025-02-24.acacia", "2025-03-31.basil")
    ]
    shapes = ["parent" in json.loads(body)["data"]["object"] for body in bodies]
    assert shapes == [False, True]
    old, new = (_read(stripe_world.provider, body) for body in bodies)
    assert old == new
    assert new.subscription == stripe_world.read(invoice).subscription


def test_webhook_without_a_secret() -> None:
    """Without a signing secret nothing is accepted, and the owner is told."""
    payments = StripePayments(KEY)
    body = b"{}"
    headers = {"Stripe-Signature": signature(body, SECRET, int(NOW.timestamp()))}
    with pytest.raises(ConfigurationError) as caught:
        payments.read_webhook(body, headers, now=NOW)
    assert caught.value.code == "stripe.webhook_secret"
    assert caught.value.field == "webhook_secrets"
    assert "whsec_" in caught.value.remedy


def test_empty_secret_verifies_nothing() -> None:
    """An empty string from an unset variable is no secret."""
    payments = StripePayments(KEY, webhook_secrets=("",))
    body = b"{}"
    headers = {"Stripe-Signature": signature(body, "", int(NOW.timestamp()))}
    with pytest.raises(InvalidInput) as caught:
        payments.read_webhook(body, headers, now=NOW)
    assert caught.value.code == "webhook.signature"
    assert caught.value.field == "headers"
    assert caught.value.remedy


def test_old_scheme_is_no_signature() -> None:
    """A v0 signature, Stripe's pretend one, is not accepted."""
    payments = StripePayments(KEY, webhook_secrets=(SECRET,))
    body = b"{}"
    header = signature(body, SECRET, int(NOW.timestamp())).replace("v1=", "v0=")
    with pytest.raises(InvalidInput) as caught:
        payments.read_webhook(body, {"Stripe-Signature": header}, now=NOW)
    assert caught.value.code == "webhook.signature"


# ------------------------------------------------------------------------------------ set-up


@pytest.mark.parametrize(
    ("settings", "code", "field"),
    [
        ({"api_key": ""}, "stripe.api_key", "api_key"),
        ({"base_url": "http://stripe.example.test"}, "stripe.base_url", "base_url"),
        ({"lookup_lag": timedelta(seconds=59)}, "stripe.lookup_lag", "lookup_lag"),
    ],
)
def test_wrong_set_up(settings: dict[str, Any], code: str, field: str) -> None:
    """What can't work is refused when it is made, not at the first payment."""
    with pytest.raises(ConfigurationError) as caught:
        StripePayments(**{"api_key": KEY, **settings})
    assert caught.value.code == code
    assert caught.value.field == field
    assert caught.value.remedy


def test_unknown_seller() -> None:
    """A seller that is neither ours nor a connected account is a mistake of the caller."""
    payments = StripePayments(KEY, base_url="http://127.0.0.1:9")
    with pytest.raises(InvalidInput) as caught:
        payments.read_invoice(InvoiceId("in_1"), seller="shop-2")
    assert caught.value.code == "stripe.seller"
    assert caught.value.field == "seller"
    assert caught.value.value == "shop-2"
    assert "acct_" in caught.value.remedy


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the SDK the way out is one line."""
    monkeypatch.setitem(sys.modules, "stripe", None)
    with pytest.raises(ConfigurationError) as caught:
        StripePayments(KEY)
    assert caught.value.code == "missing_extra"
    assert caught.value.field == "stripe"
    assert caught.value.remedy == "install retainkit-sdk[stripe]"


def test_sdk_is_loaded_when_first_made() -> None:
    """Importing the adapter costs no Stripe; importing the simulation not even pydantic."""
    program = (
        "import sys, retainkit.payments.simulated\n"
        "assert not {'pydantic', 'stripe'} & set(sys.modules)\n"
        "import retainkit.payments.stripe\n"
        "assert 'stripe' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_call_never_outlives_what_is_declared() -> None:
    """The declared limit covers every request of a call, and a look-up waits for at least that."""
    capabilities = StripePayments(KEY, timeout=timedelta(seconds=5)).capabilities
    assert capabilities.timeout == timedelta(seconds=20)
    assert capabilities.lookup_lag >= capabilities.timeout
    assert capabilities.idempotency_window == timedelta(hours=24)
    assert not capabilities.test_only


def test_forked_process_opens_its_own_connections(
    canned: CannedStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that share one TLS connection would read each other's answers."""
    made: list[object] = []
    client = stripe.StripeClient

    def counted(*args: Any, **settings: Any) -> stripe.StripeClient:
        made.append(args)
        return client(*args, **settings)

    monkeypatch.setattr(stripe, "StripeClient", counted)
    canned.on("GET /v1/invoices/in_1", _invoice())
    for process in (1, 1, 2, 2):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        canned.payments.read_invoice(ASKED.invoice, seller="stripe")
    assert len(made) == 2


class _At:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at
