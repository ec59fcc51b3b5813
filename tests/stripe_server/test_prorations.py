"""What a change of items costs on the server, held against figures of Stripe's own pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from tests.stripe_server.conftest import Connect, Shop

from retainkit.testing.stripe_server import StripeServer


def price(shop: Shop, amount: int, interval: str = "month") -> str:
    """The id of a new price."""
    made = shop.client.raw_request(
        "post",
        "/v1/prices",
        currency="usd",
        unit_amount=amount,
        recurring={"interval": interval},
        product_data={"name": f"Plan {amount}"},
    )
    return str(made.data["id"])


def subscribe(shop: Shop, first: str, quantity: int = 1, mode: str = "flexible") -> dict[str, Any]:
    """A paid subscription."""
    made: dict[str, Any] = shop.client.raw_request(
        "post",
        "/v1/subscriptions",
        customer=shop.customer(),
        items=[{"price": first, "quantity": quantity}],
        billing_mode={"type": mode},
    ).data
    return made


def change(shop: Shop, subscription: dict[str, Any], behaviour: str, **item: Any) -> dict[str, Any]:
    """Change the one item of a subscription now."""
    changed: dict[str, Any] = shop.client.raw_request(
        "post",
        f"/v1/subscriptions/{subscription['id']}",
        items=[{"id": subscription["items"]["data"][0]["id"], **item}],
        proration_behavior=behaviour,
    ).data
    return changed


def lines(shop: Shop, invoice: str) -> list[tuple[int, bool]]:
    """The amounts of an invoice's lines, and whether they are prorations."""
    shown = shop.get(f"/v1/invoices/{invoice}/lines")["data"]
    return [
        (line["amount"], line["parent"]["subscription_item_details"]["proration"]) for line in shown
    ]


@pytest.fixture(name="april")
def _april(connect: Connect) -> Any:
    with StripeServer(seed=7, now=datetime(2026, 4, 1, tzinfo=UTC)) as server:
        yield Shop(server, connect(server))


@pytest.mark.parametrize(("mode", "credit"), [("classic", -667), ("flexible", -333)])
def test_a_credit_has_the_basis_of_its_billing_mode(april: Shop, mode: str, credit: int) -> None:
    """Stripe's example: 10 billed, 20 from the 11th without proration, back to 10 on the 21st."""
    ten, twenty = price(april, 1000), price(april, 2000)
    subscription = subscribe(april, ten, mode=mode)
    april.server.advance(timedelta(days=10))
    change(april, subscription, "none", price=twenty)
    april.server.advance(timedelta(days=10))
    after = change(april, subscription, "always_invoice", price=ten)

    invoice = april.get(f"/v1/invoices/{after['latest_invoice']}")
    assert lines(april, invoice["id"]) == [(credit, True), (333, True)]
    assert (invoice["billing_reason"], invoice["total"]) == ("subscription_update", credit + 333)
    assert (invoice["status"], invoice["amount_due"]) == ("paid", 0)
    customer = april.get(f"/v1/customers/{invoice['customer']}")
    assert customer["balance"] == credit + 333


def test_prorations_wait_for_the_renewal(connect: Connect) -> None:
    """Seats from 2 to 3 with 21 of 31 days left: -13.55, +20.32, and 30.00 for the new period."""
    with StripeServer(seed=7, now=datetime(2026, 1, 10, tzinfo=UTC)) as server:
        shop = Shop(server, connect(server))
        subscription = subscribe(shop, price(shop, 1000), quantity=2)
        server.advance(timedelta(days=10))
        change(shop, subscription, "create_prorations", quantity=3)
        server.advance(timedelta(days=21))
        renewed = shop.get(f"/v1/subscriptions/{subscription['id']}")

        assert lines(shop, renewed["latest_invoice"]) == [
            (3000, False),
            (-1355, True),
            (2032, True),
        ]


def test_half_of_the_period_left_is_half_of_the_price(april: Shop) -> None:
    """Stripe's introduction: 10 to 20 in the middle of the period is -5.00 and +10.00."""
    subscription = subscribe(april, price(april, 1000))
    april.server.advance(timedelta(days=15))
    after = change(april, subscription, "always_invoice", price=price(april, 2000))

    assert lines(april, after["latest_invoice"]) == [(-500, True), (1000, True)]
    invoice = april.get(f"/v1/invoices/{after['latest_invoice']}")
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", 500)


def test_what_a_downgrade_gives_back_pays_the_next_invoice(april: Shop) -> None:
    """The credit stays in the customer's balance, and is taken off when the next one is due."""
    subscription = subscribe(april, price(april, 2000))
    april.server.advance(timedelta(days=15))
    change(april, subscription, "always_invoice", price=price(april, 1000))
    april.server.advance(timedelta(days=15, hours=1))

    latest = april.get(f"/v1/subscriptions/{subscription['id']}")["latest_invoice"]
    invoice = april.get(f"/v1/invoices/{latest}")
    assert (invoice["total"], invoice["starting_balance"]) == (1000, -500)
    assert (invoice["amount_due"], invoice["amount_paid"]) == (500, 500)


def test_an_item_comes_and_goes(april: Shop) -> None:
    """A new item is charged for what is left of the period, a deleted one given back."""
    subscription = subscribe(april, price(april, 1000))
    april.server.advance(timedelta(days=15))
    path = f"/v1/subscriptions/{subscription['id']}"
    added = april.client.raw_request(
        "post",
        path,
        items=[{"price": price(april, 300), "quantity": 2}],
        proration_behavior="always_invoice",
    ).data
    assert lines(april, added["latest_invoice"]) == [(300, True)]

    second = added["items"]["data"][1]["id"]
    gone = april.client.raw_request(
        "post",
        path,
        items=[{"id": second, "deleted": "true"}],
        proration_behavior="always_invoice",
    ).data
    assert lines(april, gone["latest_invoice"]) == [(-300, True)]
    assert len(gone["items"]["data"]) == 1


def test_the_date_of_a_proration_can_be_fixed(april: Shop) -> None:
    """As a preview's own date is sent with the change; outside the period it is refused."""
    subscription = subscribe(april, price(april, 3000))
    item = subscription["items"]["data"][0]
    path = f"/v1/subscriptions/{subscription['id']}"
    wanted: dict[str, Any] = {
        "items": [{"id": item["id"], "quantity": 2}],
        "proration_behavior": "always_invoice",
    }
    tenth = int(datetime(2026, 4, 10, 0, 0, 1, tzinfo=UTC).timestamp())
    after = april.client.raw_request("post", path, proration_date=tenth, **wanted).data
    # 1,814,399 of 2,592,000 seconds are left.
    assert lines(april, after["latest_invoice"]) == [(-2100, True), (4200, True)]

    with pytest.raises(stripe.InvalidRequestError) as caught:
        april.client.raw_request(
            "post", path, proration_date=item["current_period_end"] + 1, **wanted
        )
    assert caught.value.param == "proration_date"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"id": "si_other", "quantity": "2"}, "items[0][id]"),
        ({"quantity": "2"}, "items[0]"),
        ({"id": "own", "price": "yearly"}, "items[0][price]"),
        ({"id": "own", "deleted": "true"}, "items"),
    ],
)
def test_what_the_server_does_not_change(april: Shop, item: dict[str, str], param: str) -> None:
    """Another subscription's item, an item without a price, another interval, the last item."""
    subscription = subscribe(april, price(april, 1000))
    own = subscription["items"]["data"][0]["id"]
    named = {"own": own, "yearly": price(april, 9000, "year")}
    asked = {key: named.get(value, value) for key, value in item.items()}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        april.client.raw_request("post", f"/v1/subscriptions/{subscription['id']}", items=[asked])
    assert caught.value.param == param
