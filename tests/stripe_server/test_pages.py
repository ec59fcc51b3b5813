"""The hosted pages: a form without a card field, a post that takes a card and leads back."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

import pytest
from tests.stripe_server.conftest import Shop


BACK = "https://example.com/billing"


class Stay(urllib.request.HTTPRedirectHandler):
    """Don't follow a redirect: its target is what a test asks for."""

    def redirect_request(self, *_: object) -> None:
        return None


BROWSER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)


class Fields(HTMLParser):
    """The form fields of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"input", "select", "textarea"}:
            self.names.add(str(dict(attrs).get("name")))


def visit(url: str, **fields: str) -> tuple[int, str, str | None]:
    """GET a page, or post fields to it: status, page and where it leads."""
    data = urllib.parse.urlencode(fields).encode() if fields else None
    try:
        with BROWSER.open(url, data, timeout=5) as answer:
            return answer.status, answer.read().decode(), None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers["Location"]


def portal(shop: Shop, customer: str) -> str:
    """The URL of a portal session that changes the payment method."""
    return shop.client.v1.billing_portal.sessions.create(
        {
            "customer": customer,
            "return_url": BACK,
            "flow_data": {"type": "payment_method_update"},
        }
    ).url


def default_of(shop: Shop, customer: str) -> str | None:
    """The customer's default payment method."""
    settings = shop.get(f"/v1/customers/{customer}")["invoice_settings"]
    found: str | None = settings["default_payment_method"]
    return found


def test_the_portal_makes_the_new_card_the_default(shop: Shop) -> None:
    """A post attaches the card, makes it the default, tells by events and leads back."""
    customer = shop.customer("expired_card")
    before = default_of(shop, customer)
    url = portal(shop, customer)

    status, html, _ = visit(url)
    assert status == 200
    assert "ending 4242" in html
    assert Fields(html).names == {"card"}
    assert default_of(shop, customer) == before
    seen = len(shop.events())
    status, _, target = visit(url, card="visa")

    assert (status, target) == (303, BACK)
    assert default_of(shop, customer) not in {None, before}
    assert shop.events()[seen:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
        "customer.updated",
    ]


def test_checkout_attaches_the_card_and_leaves_the_default_to_the_merchant(shop: Shop) -> None:
    """In setup mode Stripe sets no default; the session leads to the payment method."""
    customer = shop.customer("expired_card")
    before = default_of(shop, customer)
    session = shop.client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customer,
            "success_url": BACK + "?session={CHECKOUT_SESSION_ID}",
        }
    )

    status, _, target = visit(str(session.url), card="mastercard")

    assert (status, target) == (303, f"{BACK}?session={session.id}")
    shown = shop.get(f"/v1/checkout/sessions/{session.id}", expand=["setup_intent"])
    assert (shown["status"], shown["setup_intent"]["status"]) == ("complete", "succeeded")
    method = shop.get(f"/v1/payment_methods/{shown['setup_intent']['payment_method']}")
    assert (method["customer"], method["card"]["brand"]) == (customer, "mastercard")
    assert default_of(shop, customer) == before
    assert shop.events()[-1] == "checkout.session.completed"
    assert visit(str(session.url), card="visa")[0] == 400


def test_a_card_that_cannot_be_kept_is_declined_on_the_page(shop: Shop) -> None:
    """The page says why and stays; nothing has changed."""
    customer = shop.customer("expired_card")
    before = default_of(shop, customer)

    status, html, target = visit(portal(shop, customer), card="charge_declined")

    assert (status, target) == (402, None)
    assert "Your card was declined." in html
    assert default_of(shop, customer) == before


def test_an_unknown_card_is_refused_on_the_page(shop: Shop) -> None:
    """A name that is no test card changes nothing, and is not echoed."""
    customer = shop.customer("expired_card")

    status, html, _ = visit(portal(shop, customer), card="<script>")

    assert status == 400
    assert "<script>" not in html


@pytest.mark.parametrize("kind", ["checkout", "portal", "invoice"])
def test_a_page_that_is_not_there(shop: Shop, kind: str) -> None:
    """An unknown session is a plain 404."""
    assert visit(f"{shop.server.url}/{kind}/nothing")[0] == 404


def test_an_invoice_is_paid_on_its_hosted_page(shop: Shop) -> None:
    """The customer pays with another card; the invoice's page then says so."""
    invoice = shop.invoice(shop.customer("do_not_honor"))
    url = shop.get(f"/v1/invoices/{invoice}")["hosted_invoice_url"]

    assert visit(url, card="insufficient_funds")[0] == 402
    status, html, _ = visit(url, card="visa")

    assert status == 200
    assert "Thank you" in html
    assert shop.get(f"/v1/invoices/{invoice}")["status"] == "paid"


def test_a_waiting_payment_is_confirmed_on_the_invoices_page(shop: Shop) -> None:
    """The page offers the confirmation only while the bank asks for it."""
    customer = shop.customer("authentication_required")
    invoice = shop.invoice(customer)
    url = shop.get(f"/v1/invoices/{invoice}")["hosted_invoice_url"]
    assert "at the bank" not in visit(url)[1]
    with pytest.raises(Exception, match="authentication"):
        shop.client.v1.invoices.pay(invoice)

    assert "at the bank" in visit(url)[1]
    visit(url, do="authenticate")
    assert shop.get(f"/v1/invoices/{invoice}")["status"] == "paid"
