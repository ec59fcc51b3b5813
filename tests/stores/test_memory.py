"""The store in memory: the contract, and what is its own."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from retainkit.core import Event, JsonObject, Lease, Record, Timer
from retainkit.errors import InvalidInput, StoreError
from retainkit.ids import CaseId, CustomerId, EventId, TenantId
from retainkit.stores import Store
from retainkit.stores.memory import MemoryStore
from retainkit.testing import StoreContract


NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MAIN = TenantId("main")
ADA = CustomerId("ada")


class TestMemoryStore(StoreContract):
    """Every promise of a store, but those of a host's transaction."""

    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


def timer(tenant: TenantId = MAIN) -> Timer:
    return Timer(tenant=tenant, feature="dunning", customer=ADA, due=NOW)


def test_a_transaction_within_a_transaction_is_refused() -> None:
    """It would see and undo half of the other: the outer one goes on as if nothing happened."""
    store = MemoryStore()
    tenant = store.for_tenant(MAIN)
    with tenant.transaction() as tx:
        tx.schedule.wake([timer()])
        for attempt in (
            lambda: tenant.transaction().__enter__(),
            lambda: store.claim(Lease(id="1", length=timedelta(hours=1)), now=NOW, limit=1),
        ):
            with pytest.raises(StoreError) as caught:
                attempt()
            assert caught.value.code == "store.nested"
            assert (caught.value.field, caught.value.value) == (None, None)
            assert caught.value.remedy == "end it first; one step is one transaction"
    with tenant.transaction() as tx:
        assert tx.schedule.of(ADA) == (timer(),)


def test_an_item_of_another_tenant_is_refused() -> None:
    """Nobody would ever find it: neither of the two is written to."""
    store = MemoryStore()
    with pytest.raises(InvalidInput) as caught, store.for_tenant(MAIN).transaction() as tx:
        tx.schedule.wake([timer(), timer(TenantId("other"))])
    assert (caught.value.code, caught.value.field) == ("tenant.foreign", "tenant")
    assert caught.value.value == "other"
    assert caught.value.remedy == "use the store of that tenant"
    assert tuple(store.tenants()) == ()


def test_what_comes_out_is_json_that_refuses_changes() -> None:
    """It is shared with the store, so each change fails; a copy is an ordinary dict."""
    tenant = MemoryStore().for_tenant(MAIN)
    data: JsonObject = {"list": [{"a": 1}], "text": "b"}
    with tenant.transaction() as tx:
        tx.records.define("sha", data)
        kept = tx.records.definition("sha")
    assert isinstance(kept, dict)
    listed = kept["list"]
    assert isinstance(listed, list)
    for change in (
        lambda: kept.update(a=1),
        lambda: kept.pop("text"),
        lambda: kept.__setitem__("a", 1),
        lambda: kept.setdefault("a", 1),
        kept.clear,
        lambda: listed.append(1),
        listed.sort,
        lambda: listed[0].update(a=2),
        lambda: listed.__iadd__([1]),
    ):
        with pytest.raises(TypeError, match="can't be changed"):
            change()
    assert kept == data
    assert json.loads(json.dumps(kept)) == data
    for copied in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept)), {**kept}):
        assert type(copied) is dict
        copied["text"] = "c"
    assert kept == data


def test_what_was_read_is_written_again_without_a_copy() -> None:
    """Frozen once, a body is passed on: a simulation reads and writes the same one for years."""
    tenant = MemoryStore().for_tenant(MAIN)
    with tenant.transaction() as tx:
        tx.records.define("sha", {"tries": [1]})
        kept = tx.records.definition("sha")
        assert kept is not None
        tx.records.define("again", kept)
        assert tx.records.definition("again") is kept


def test_the_past_costs_a_claim_nothing() -> None:
    """What is planned, replaced or done is not looked at: each entry is taken out once at most."""
    store = MemoryStore()
    tenant = store.for_tenant(MAIN)
    with tenant.transaction() as tx:
        for days in range(1, 500):
            tx.schedule.plan(
                Timer(
                    tenant=MAIN,
                    feature="dunning",
                    customer=ADA,
                    case=CaseId("case_1"),
                    due=NOW + timedelta(days=days),
                )
            )
    lease = Lease(id="1", length=timedelta(hours=1))
    assert store.claim(lease, now=NOW, limit=9) == ()
    assert len(store._agenda._heap) == 499
    (item,) = store.claim(lease, now=NOW + timedelta(days=999), limit=9)
    assert item.case == "case_1"
    assert len(store._agenda._heap) == 1


def test_a_memory_store_loads_nothing_heavy() -> None:
    """A kit on it starts at once."""
    heavy = "{'sqlalchemy', 'cattrs', 'pydantic', 'moneyed', 'asyncio', 'pytest', 'zoneinfo'}"
    code = f"import sys, retainkit.stores.memory; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert out.stdout.strip() == "[]"


def test_ten_thousand_customers_are_a_small_thing() -> None:
    """Every customer of a simulation keeps its own past, present and future."""
    store = MemoryStore()
    tenant = store.for_tenant(MAIN)
    for number in range(10_000):
        customer = CustomerId(f"cus_{number}")
        with tenant.transaction() as tx:
            tx.timeline.append(
                [
                    Event(
                        id=EventId(f"evt_{number}"), name="a.b", customer=customer, occurred_at=NOW
                    )
                ],
                recorded_at=NOW,
            )
            tx.records.put(
                Record(
                    feature="dunning",
                    id=CaseId(f"case_{number:05}"),
                    key="eur",
                    customer=customer,
                    open=True,
                    version=1,
                    schema=1,
                    definition="sha",
                    body={},
                )
            )
            tx.schedule.wake(
                [Timer(tenant=MAIN, feature="dunning", customer=customer, due=NOW, since=1)]
            )
    taken = store.claim(Lease(id="1", length=timedelta(hours=1)), now=NOW, limit=20_000)
    assert len({item.customer for item in taken}) == 10_000
    with tenant.transaction() as tx:
        page = tx.records.open("dunning", after=CaseId("case_04999"), limit=2)
        assert [kept.id for kept in page] == ["case_05000", "case_05001"]
