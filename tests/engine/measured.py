"""A small product whose customers are measured: what is known of them, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.engine.world import World

from retainkit.core import STANDING, Bucket, Event, Origin, Wanted
from retainkit.engine import RetainKit
from retainkit.ids import CustomerId, EventId, TenantId
from retainkit.rules import Amount, Duration, Flag, Number, Signals, Text, Time, days, event


HOUR = timedelta(hours=1)


class Customer(Signals):
    """What is known of a customer of the product."""

    mrr = Amount(currency="EUR", source="billing")
    plan = Text(one_of=("free", "starter", "team"))
    seats = Number(unit="seats")
    share = Number()
    renewal_at = Time()
    answered_in = Duration(fresh_for=days(30))
    champion = Flag()
    exports = event("report.exported").count(days(7))
    authors = event("report.exported").distinct("user").count(days(7))


def measured(world: World, **more: Any) -> RetainKit:
    """A kit that measures, over the world's store and clock."""
    return RetainKit(**{"store": world.store, "clock": world.clock, "signals": Customer, **more})


def export(
    number: int,
    at: datetime,
    *,
    customer: str = "ada",
    user: str = "u1",
    origin: Origin = Origin.REAL,
) -> Event:
    """A user exported a report."""
    return Event(
        id=EventId(f"export-{number}"),
        name="report.exported",
        customer=CustomerId(customer),
        occurred_at=at,
        data={"user": user},
        origin=origin,
        actor="host",
    )


def buckets(world: World, kit: RetainKit, customer: str = "ada") -> tuple[Bucket, ...]:
    """All that is counted of a customer, as it lies in the store."""
    assert kit.measures is not None
    metrics = kit.measures.wanted(world.clock.now()).metrics
    with world.store.for_tenant(TenantId("main")).transaction() as tx:
        return tx.projections.buckets(CustomerId(customer), Wanted(metrics=metrics, since=STANDING))


def values(kit: RetainKit, customer: str = "ada", **asked: Any) -> Mapping[str, object]:
    """The known values of a customer."""
    return {
        name: reading.value
        for name, reading in kit.signals.of(CustomerId(customer), **asked)
        if reading.value is not None
    }
