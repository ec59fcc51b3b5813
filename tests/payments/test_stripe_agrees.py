"""Our previews against what our Stripe bills, which reckons by arithmetic of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.payments.conftest import StripeServerWorld

from retainkit.billing.invoicing import ProviderInvoice, invoice_of_lines, reconcile
from retainkit.billing.prices import PerUnit, Price
from retainkit.billing.proration import (
    STRIPE_CLASSIC,
    STRIPE_FLEXIBLE,
    BilledLine,
    Biller,
    Change,
    ChangePrice,
    ChangeQuantity,
    Line,
    ProrationPolicy,
    Subscription,
    SubscriptionItem,
    preview_change,
    preview_renewal,
)
from retainkit.ids import InvoiceId
from retainkit.money import from_minor
from retainkit.testing.stripe_server import StripeServer
from retainkit.timing import Interval, Period, Unit


APRIL = Period(start=datetime(2026, 4, 1, tzinfo=UTC), end=datetime(2026, 5, 1, tzinfo=UTC))
MONTH = Interval(unit=Unit.MONTH)
POLICIES = {"classic": STRIPE_CLASSIC, "flexible": STRIPE_FLEXIBLE}


@pytest.fixture(name="world")
def _world() -> Iterator[StripeServerWorld]:
    with StripeServer(seed=7, now=APRIL.start) as server:
        yield StripeServerWorld(server)


class Both:
    """One subscription twice: at Stripe, and as we know it."""

    def __init__(self, world: StripeServerWorld, cents: int, quantity: int, mode: str) -> None:
        self.world = world
        self.policy: ProrationPolicy = POLICIES[mode]
        self.customer = str(world.call("post", "/v1/customers", email="ada@example.com")["id"])
        world.server.payment_method(self.customer, "visa")
        first = self.price(cents)
        made: dict[str, Any] = world.call(
            "post",
            "/v1/subscriptions",
            customer=self.customer,
            items=[{"price": first.id, "quantity": quantity}],
            billing_mode={"type": mode},
        )
        self.id = str(made["id"])
        self.item = str(made["items"]["data"][0]["id"])
        item = SubscriptionItem(id=self.item, price=first, quantity=quantity)
        billed = BilledLine(
            id="april",
            item=self.item,
            period=APRIL,
            net=from_minor(cents * quantity, "EUR"),
            price=first,
            quantity=quantity,
        )
        self.subscription = Subscription(
            id=self.id,
            customer="ada",
            currency="EUR",
            items=(item,),
            anchor=APRIL.start,
            zone="UTC",
            interval=MONTH,
            period=APRIL,
            billed=(billed,),
        )

    def price(self, cents: int) -> Price:
        made = self.world.call(
            "post",
            "/v1/prices",
            currency="eur",
            unit_amount=cents,
            recurring={"interval": "month"},
            product_data={"name": "Seats"},
        )
        unit = PerUnit(amount=from_minor(cents, "EUR"))
        return Price(id=str(made["id"]), currency="EUR", scheme=unit, interval=MONTH)

    def change(self, change: Change, behaviour: str, **item: Any) -> tuple[Line, ...]:
        """Make it at both; gives our lines."""
        self.world.call(
            "post",
            f"/v1/subscriptions/{self.id}",
            items=[{"id": self.item, **item}],
            proration_behavior=behaviour,
        )
        preview = preview_change(
            self.subscription,
            change,
            at=self.world.now,
            policy=self.policy,
            biller=Biller.PROVIDER,
        ).without_tax()
        fees = {line.id: line.net for line in preview.charges}
        self.subscription = preview.apply(preview.total, fees).subscription
        return preview.lines

    def theirs(self) -> ProviderInvoice:
        latest = self.world.call("get", f"/v1/subscriptions/{self.id}")["latest_invoice"]
        found = self.world.provider.read_invoice_lines(InvoiceId(latest), seller="stripe")
        assert isinstance(found, ProviderInvoice)
        return found


def agrees(lines: tuple[Line, ...], theirs: ProviderInvoice) -> bool:
    """Whether our lines are theirs; what differs is shown when they are not."""
    ours = invoice_of_lines(lines, texts={line.id: line.id for line in lines}, untaxed=True)
    found = reconcile(ours, theirs)
    assert found.differences == ()
    return found.agrees and len(found.matched) == len(lines)


@pytest.mark.parametrize("mode", list(POLICIES))
@pytest.mark.parametrize("second", [1, 86_399, 777_777, 1_296_000, 2_000_003, 2_591_999])
def test_a_change_at_any_second_is_billed_as_previewed(
    world: StripeServerWorld, mode: str, second: int
) -> None:
    """Odd amounts, so that the last cent is decided by rounding."""
    both = Both(world, cents=999, quantity=7, mode=mode)
    world.turn(timedelta(seconds=second))
    dearer = both.price(1777)
    lines = both.change(
        ChangePrice(item=both.item, price=dearer),
        "always_invoice",
        price=dearer.id,
        quantity=7,
    )
    assert agrees(lines, both.theirs())


def test_prorations_that_wait_come_with_the_renewal(world: StripeServerWorld) -> None:
    """Two changes in a month, then the next invoice: all of its lines, to the cent."""
    both = Both(world, cents=999, quantity=3, mode="flexible")
    world.turn(timedelta(days=7, hours=5, seconds=11))
    both.change(ChangeQuantity(item=both.item, quantity=5), "create_prorations", quantity=5)
    world.turn(timedelta(days=9, minutes=1))
    cheaper = both.price(777)
    both.change(
        ChangePrice(item=both.item, price=cheaper),
        "create_prorations",
        price=cheaper.id,
        quantity=5,
    )
    world.turn(APRIL.end - world.now)

    renewed = preview_renewal(both.subscription, policy=both.policy, biller=Biller.PROVIDER)
    theirs = both.theirs()
    assert len(theirs.lines) == 5
    assert agrees(renewed.lines, theirs)
