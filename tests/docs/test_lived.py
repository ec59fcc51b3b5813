"""The page of events against a simulated life: what is said at run time is what is listed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.docs._pages import coded
from tests.docs.test_events import LISTED, REMEDY

from retainkit.core import Event
from retainkit.ids import TenantId
from retainkit.simulate import demo_policies, seeded_world, simulate
from retainkit.stores.memory import MemoryStore


MAY_BE_LEFT_OUT = {"credential", "seller"}


@pytest.fixture(scope="module")
def lived() -> list[Event]:
    """Every event of a small world."""
    world = seeded_world(customers=60, days=60, seed=7)
    store = MemoryStore()
    simulate(world, demo_policies()["retainkit"], store=store)
    with store.for_tenant(TenantId("main")).transaction() as tx:
        return [
            recorded.event
            for person in world.customers
            for recorded in tx.timeline.of(person.customer.id)
        ]


def test_data_have_the_listed_names(lived: list[Event]) -> None:
    """Neither more nor less; but for what the row says may be left out."""
    met = {event.name for event in lived}
    assert len(met) > 15, "the world is too small to say anything"
    wrong = {
        event.name: (sorted(event.data), expected)
        for event in lived
        if not _as_listed(event, expected := _names(event.name))
    }
    assert wrong == {}, REMEDY


def _names(event: str) -> list[str]:
    cell = LISTED[event][1]
    if event == "invoice.observed":
        return ["invoice"]
    return [*coded(cell), *(["case"] if event.startswith("dunning.") else [])]


def _as_listed(event: Event, expected: list[str]) -> bool:
    said = set(event.data)
    if event.name == "message.requested":
        expected = [*expected, "case"]
    optional = MAY_BE_LEFT_OUT if event.name == "payment_method.changed" else set[str]()
    return said | optional == set(expected) | optional


def test_what_is_observed_has_the_listed_parts(lived: list[Event]) -> None:
    """The snapshot of an invoice, and a payment with its decline."""
    observed = next(event for event in lived if event.name == "invoice.observed")
    invoice = observed.data["invoice"]
    assert isinstance(invoice, Mapping)
    assert ["invoice", *invoice] == coded(LISTED["invoice.observed"][1])
