"""Invoices of a Stripe, read line by line through its SDK and reconciled with ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.payments.conftest import StripeServerWorld

from retainkit.billing.invoicing import (
    DifferenceKind,
    InvoiceLine,
    ProviderInvoice,
    draft_invoice,
    reconcile,
)
from retainkit.billing.tax import TaxCategory
from retainkit.core import NotSent
from retainkit.errors import NotFound
from retainkit.ids import InvoiceId
from retainkit.money import from_minor, money
from retainkit.payments._stripe_lines import read_lines
from retainkit.payments._stripe_requests import Requests
from retainkit.testing.stripe_server import StripeServer
from retainkit.timing import Period


APRIL = Period(start=datetime(2026, 4, 1, tzinfo=UTC), end=datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture(name="world", params=["2025-03-31.basil", "2024-06-20"])
def _world(request: pytest.FixtureRequest) -> Iterator[StripeServerWorld]:
    """Stripe on the first of April, before and since basil."""
    with StripeServer(seed=7, now=APRIL.start) as server:
        yield StripeServerWorld(server, api_version=request.param)


class Seats:
    """A subscription of seats, changed in mid-month, and what we expect to be billed for it."""

    def __init__(self, world: StripeServerWorld) -> None:
        self.world = world
        self.ten, self.twenty = self._price(1000), self._price(2000)
        customer = world.call("post", "/v1/customers", email="ada@example.com")["id"]
        world.server.payment_method(customer, "visa")
        self.subscription: dict[str, Any] = world.call(
            "post",
            "/v1/subscriptions",
            customer=customer,
            items=[{"price": self.ten, "quantity": 3}],
        )
        self.item = str(self.subscription["items"]["data"][0]["id"])

    def _price(self, amount: int) -> str:
        made = self.world.call(
            "post",
            "/v1/prices",
            currency="eur",
            unit_amount=amount,
            recurring={"interval": "month"},
            product_data={"name": "Seats"},
        )
        return str(made["id"])

    def upgrade(self) -> ProviderInvoice:
        """To the dearer price, invoiced at once; read as the adapter reads it."""
        changed = self.world.call(
            "post",
            f"/v1/subscriptions/{self.subscription['id']}",
            items=[{"id": self.item, "price": self.twenty, "quantity": 3}],
            proration_behavior="always_invoice",
        )
        found = self.world.provider.read_invoice_lines(
            InvoiceId(changed["latest_invoice"]), seller="stripe"
        )
        assert isinstance(found, ProviderInvoice)
        return found

    def expected(self, credit: int, charge: int, start: datetime) -> tuple[InvoiceLine, ...]:
        """The two lines of the upgrade, by hand."""
        rest = Period(start=start, end=APRIL.end)
        return tuple(
            InvoiceLine(
                id=name,
                text=name,
                quantity=3,
                net=from_minor(amount, "EUR"),
                category=TaxCategory.OUTSIDE_SCOPE,
                period=rest,
                item=self.item,
                price=price,
            )
            for name, amount, price in (
                ("credit", credit, self.ten),
                ("charge", charge, self.twenty),
            )
        )


def test_an_upgrade_agrees_to_the_cent(world: StripeServerWorld) -> None:
    """Ten days and one second into April: 1,727,999 of 2,592,000 seconds are left."""
    seats = Seats(world)
    world.turn(timedelta(days=10, seconds=1))
    invoice = seats.upgrade()
    # 3,000 and 6,000 cents x 1,727,999 / 2,592,000 are 1,999.9988 and 3,999.9977.
    ours = draft_invoice(currency="EUR", lines=seats.expected(-2000, 4000, world.now))

    assert all(each.proration for each in invoice.lines)
    assert [each.text for each in invoice.lines] == [
        "Unused time on 3 × Seats after 11 Apr 2026",  # noqa: RUF001
        "Remaining time on 3 × Seats after 11 Apr 2026",  # noqa: RUF001
    ]
    found = reconcile(ours, invoice)
    assert found.agrees
    assert [mine for mine, _ in found.matched] == ["credit", "charge"]


def test_one_cent_and_one_second_are_found(world: StripeServerWorld) -> None:
    """We rounded down, and counted from midnight: each difference has its line and its kind."""
    seats = Seats(world)
    world.turn(timedelta(days=10, seconds=1))
    midnight = world.now - timedelta(seconds=1)
    ours = draft_invoice(currency="EUR", lines=seats.expected(-1999, 4000, midnight))

    found = reconcile(ours, seats.upgrade())
    assert [(each.kind, each.line) for each in found.differences] == [
        (DifferenceKind.ROUNDING, "credit"),
        (DifferenceKind.PERIOD, "credit"),
        (DifferenceKind.PERIOD, "charge"),
    ]
    assert found.net == money("-0.01", "EUR")


def test_an_invoice_nobody_knows(world: StripeServerWorld) -> None:
    """As for reading an invoice as a whole."""
    with pytest.raises(NotFound) as caught:
        world.provider.read_invoice_lines(InvoiceId("in_none"), seller="stripe")
    assert (caught.value.code, caught.value.value) == ("provider.no_such_invoice", "in_none")


def test_a_stripe_that_does_not_answer(world: StripeServerWorld) -> None:
    """Nothing was sent; try again."""
    unreachable = world.payments("http://127.0.0.1:9")
    found = unreachable.read_invoice_lines(InvoiceId("in_1"), seller="stripe")
    assert isinstance(found, NotSent)


class _Answers(Requests):
    """Stripe's published shapes of what our server lacks: tax, discounts, pages of lines."""

    def __init__(self, invoice: dict[str, object], *pages: dict[str, object]) -> None:
        super().__init__(
            api_key="sk_test",
            account="stripe",
            base_url=None,
            timeout=timedelta(seconds=1),
            version="2025-03-31.basil",
        )
        self.invoice = invoice
        self.pages = list(pages)
        self.after: list[object] = []

    def send(self, method: str, path: str, seller: str, params: Any = None, **_: object) -> Any:
        del method, seller
        if not path.endswith("/lines"):
            return self.invoice
        self.after.append(params.get("starting_after"))
        return self.pages.pop(0)


def test_every_page_of_lines_is_read() -> None:
    """An invoice shows its first lines only; the others are on pages."""
    lines = [{"id": f"il_{number}", "amount": number, "currency": "eur"} for number in (1, 2, 3)]
    asked = _Answers(
        {
            "id": "in_1",
            "currency": "eur",
            "total": 6,
            "lines": {"data": lines[:1], "has_more": True},
        },
        {"data": lines[:2], "has_more": True},
        {"data": lines[2:], "has_more": False},
    )
    found = read_lines(asked, "in_1", "stripe")
    assert found is not None
    assert [each.id for each in found.lines] == ["il_1", "il_2", "il_3"]
    assert asked.after == [None, "il_2"]
    assert (found.net, found.tax) == (money("0.06", "EUR"), money("0.00", "EUR"))


@pytest.mark.parametrize("excluding", [1000, None])
def test_net_is_after_discounts_and_without_tax(excluding: int | None) -> None:
    """A line of 12.90 with 1.00 off that contains 1.90 of tax, in both shapes of taxes."""
    taxed = {"amount": 190, "tax_behavior": "inclusive"}
    before_basil = {"amount": 190, "inclusive": True}
    for taxes in ({"taxes": [taxed]}, {"tax_amounts": [before_basil]}):
        line = {
            "id": "il_1",
            "amount": 1290,
            "currency": "eur",
            "discount_amounts": [{"amount": 100}],
            **taxes,
        }
        invoice = {
            "id": "in_1",
            "currency": "eur",
            "total": 1190,
            "total_excluding_tax": excluding,
            "lines": {"data": [line], "has_more": False},
        }
        found = read_lines(_Answers(invoice), "in_1", "stripe")
        assert found is not None
        assert (found.lines[0].net, found.lines[0].tax) == (
            money("10.00", "EUR"),
            money("1.90", "EUR"),
        )
        assert (found.net, found.tax, found.gross) == (
            money("10.00", "EUR"),
            money("1.90", "EUR"),
            money("11.90", "EUR"),
        )
