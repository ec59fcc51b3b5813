"""F13: two tenants whose every id is the same; each ends as if it were alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.toy import Parcels, Post, order
from tests.faults._campaign import Quiet, say, size
from tests.faults._world import POLICY

from retainkit.billing import Invoice, PaymentOutcome
from retainkit.core import Answer, Event, Intent, NotSent, Outcome
from retainkit.customers import Customer, StaticDirectory
from retainkit.engine import AttentionKind, Guarantee, Performer, RetainKit
from retainkit.ids import CustomerId, EventId, InvoiceId, SubscriptionId, TenantId
from retainkit.money import money
from retainkit.payments import Capabilities, Collect, HostedPage, ProviderEvent
from retainkit.payments.simulated import Declines, SimulatedPayments, Succeeds
from retainkit.stores import Store
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


START = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
TENANTS = ("a", "b")
CUSTOMERS = (CustomerId("ada"), CustomerId("bob"))


@frozen
class Do:
    """One operation; of one tenant, or of the world."""

    what: str
    tenant: str
    customer: CustomerId
    number: int


_OF_ONE = ("order", "withdraw", "invoice", "card", "pay", "cancel", "decide", "migrate", "release")
_OF_ALL = ("run", "hours", "day", "sweep", "tell")
_operations = st.lists(
    st.builds(
        Do,
        st.sampled_from((*_OF_ONE, *_OF_ALL)),
        st.sampled_from(TENANTS),
        st.sampled_from(CUSTOMERS),
        st.integers(0, 2),
    ),
    max_size=40,
)


class TwoAccounts:
    """One adapter over two accounts of a provider; both number their things alike."""

    def __init__(self, clock: ManualClock) -> None:
        self.accounts = {
            tenant: SimulatedPayments(clock=clock, seller=f"acct_{tenant}") for tenant in TENANTS
        }

    def _of(self, seller: str) -> SimulatedPayments:
        return self.accounts[seller.removeprefix("acct_")]

    @property
    def capabilities(self) -> Capabilities:
        return self.accounts["a"].capabilities

    def collect(self, collect: Collect, *, key: str) -> PaymentOutcome:
        return self._of(collect.seller).collect(collect, key=key)

    def look_up(self, collect: Collect, *, key: str, sent_at: datetime) -> PaymentOutcome:
        return self._of(collect.seller).look_up(collect, key=key, sent_at=sent_at)

    def read_invoice(self, invoice: InvoiceId, *, seller: str) -> Invoice | NotSent:
        return self._of(seller).read_invoice(invoice, seller=seller)

    def cancel(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        return self._of(seller).cancel(subscription, seller=seller, key=key)

    def pause(self, subscription: SubscriptionId, *, seller: str, key: str) -> Outcome:
        return self._of(seller).pause(subscription, seller=seller, key=key)

    def mark_uncollectible(self, invoice: InvoiceId, *, seller: str, key: str) -> Outcome:
        return self._of(seller).mark_uncollectible(invoice, seller=seller, key=key)

    def payment_method_page(self, reference: str, *, seller: str, return_url: str) -> HostedPage:
        return self._of(seller).payment_method_page(reference, seller=seller, return_url=return_url)

    def read_webhook(
        self, body: bytes, headers: Mapping[str, str], *, now: datetime
    ) -> ProviderEvent:
        return self.accounts["a"].read_webhook(body, headers, now=now)


class World:
    """A store with some tenants in it; the others' operations do not happen."""

    def __init__(self, store: Store, tenants: tuple[str, ...]) -> None:
        self.store = store
        self.tenants = tenants
        self.clock = ManualClock(START)
        self.payments = TwoAccounts(self.clock)
        self.post = Post()
        self.mails: list[tuple[str, str]] = []
        mail = Performer(
            group="mail", guarantee=Guarantee.AT_MOST_ONCE, perform=self._send, look_up=self._send
        )
        self.kit = RetainKit(
            store=store,
            payments=self.payments,
            customers=StaticDirectory(
                {who: Customer(id=who, email="x@y.example") for who in CUSTOMERS}
            ),
            dunning=POLICY,
            features=[Parcels()],
            performers={"messages.send": mail, "parcel.send": self.post.performer()},
            clock=self.clock,
            sellers={f"acct_{tenant}": tenant for tenant in TENANTS},
            instrumentation=Quiet(),
        )

    def _send(self, intent: Intent, now: datetime) -> Outcome:
        del now
        self.mails.append((intent.tenant, intent.id))
        return Answer()

    def do(self, do: Do) -> None:
        """Carry out one operation."""
        if do.what in _OF_ALL:
            self._of_all(do)
        elif do.tenant in self.tenants:
            self._of_one(do, self.kit.for_tenant(do.tenant), self.payments.accounts[do.tenant])

    def _of_all(self, do: Do) -> None:
        match do.what:
            case "run":
                self.kit.run_due()
            case "hours":
                self.clock.advance(HOUR * (1 + do.number * 7))
            case "day":
                self.clock.advance(HOUR * 24 * (1 + do.number * 3))
            case "sweep":
                self.kit.sweep()
            case _:
                self._tell()

    def _tell(self) -> None:
        for tenant in self.tenants:
            account = self.payments.accounts[tenant]
            for event in account.take_events():
                body = account.webhook(event)
                self.kit.receive_webhook(body, account.sign(body, at=self.clock.now()))

    def _of_one(self, do: Do, kit: RetainKit, account: SimulatedPayments) -> None:
        name = f"{do.customer}-{do.number}"
        match do.what:
            case "order":
                kit.record(order(name, do.customer, START))  # the same id always says the same
            case "withdraw":
                kit.record(_withdrawn(name, do.customer))
            case "decide":
                kit.decide(do.customer)
            case "migrate":
                kit.migrate_cases(dry_run=not do.number)
            case "release":
                for entry in kit.attention():
                    if entry.kind is AttentionKind.PARKED_EVENT:
                        kit.release(EventId(entry.id), customer=do.customer, actor="eve")
            case _:
                self._at_the_bank(do, account)

    def _at_the_bank(self, do: Do, account: SimulatedPayments) -> None:
        invoice, subscription = f"in_{do.customer}_{do.number}", f"sub_{do.customer}"
        booked = account._books.invoices.get((account.seller, invoice))
        match do.what:
            case "invoice" if booked is None:
                account.add_method(Declines(), reference=do.customer)
                account.open_invoice(
                    reference=do.customer,
                    id=invoice,
                    amount=money(10 + do.number, "EUR"),
                    subscription=subscription,
                )
            case "card":
                account.add_method(Succeeds() if do.number else Declines(), reference=do.customer)
            case "pay" if booked is not None and booked.state == "open":
                account.pay(invoice)
            case "cancel":
                account.cancel(SubscriptionId(subscription), seller=account.seller, key="own")
            case _:
                pass

    def all_of(self, tenant: str) -> object:
        """Everything the tenant has: rows, charges, parcels, mails."""
        charges = self.payments.accounts[tenant].charges
        mails = sorted(mail for of, mail in self.mails if of == tenant)
        return _rows(self.store, tenant), charges, mails


def _withdrawn(name: str, customer: CustomerId) -> Event:
    return Event(
        id=EventId(f"withdrawn-{name}"),
        name="order.withdrawn",
        customer=customer,
        occurred_at=START,
        data={"order": name},
    )


def _rows(store: Store, tenant: str) -> object:
    if isinstance(store, MemoryStore):
        kept = store._tables(TenantId(tenant))
        rows = {key: (row.item, row.wake_at) for key, row in kept.rows.items()}
        records = {name: dict(of) for name, of in kept.records.items() if of}
        return dict(kept.events), records, dict(kept.definitions), rows
    assert isinstance(store, SqlStore)
    with store._engine.begin() as connection:
        return {
            table.name: sorted(
                map(repr, connection.execute(sa.select(table).where(table.c.tenant == tenant)))
            )
            for table in store.metadata.sorted_tables
            if "tenant" in table.c
        }


def _check(folder: Path | None, operations: list[Do]) -> None:
    stores: list[Store] = []
    for name in ("both", "a", "b"):
        store: Store = MemoryStore()
        if folder is not None:
            store = SqlStore(f"sqlite:///{folder / name}.db")
        store.migrate()
        stores.append(store)
    worlds = [
        World(store, tenants)
        for store, tenants in zip(stores, (TENANTS, ("a",), ("b",)), strict=True)
    ]
    for do in [*operations, *_LAST]:
        for world in worlds:
            world.do(do)
    both, *alone = worlds
    for tenant, world in zip(TENANTS, alone, strict=True):
        assert both.all_of(tenant) == world.all_of(tenant)
    keys = [set(world.post.sent) for world in alone]
    assert keys[0].isdisjoint(keys[1])
    assert set(both.post.sent) == keys[0] | keys[1]
    for store in stores:
        store.close()


_LAST = tuple(
    Do(what, "a", CUSTOMERS[0], 1) for what in ("tell", "run", "day", "run", "day", "tell", "run")
)


@settings(max_examples=60)
@given(operations=_operations)
def test_nothing_crosses_in_memory(operations: list[Do]) -> None:
    """Whatever two tenants do, each one's rows, charges and mails are those of one alone."""
    _check(None, operations)


@settings(max_examples=4)
@given(operations=_operations)
def test_nothing_crosses_in_a_database(operations: list[Do]) -> None:
    """The same over SQLite, row by row."""
    with TemporaryDirectory() as folder:
        _check(Path(folder), operations)


@pytest.mark.faults
def test_nothing_crosses_however_long_one_looks() -> None:
    """The long form."""
    examples = size("EXAMPLES", 1000)

    @settings(max_examples=examples)
    @given(operations=_operations)
    def in_memory(operations: list[Do]) -> None:
        _check(None, operations)

    @settings(max_examples=examples // 10)
    @given(operations=_operations)
    def in_a_database(operations: list[Do]) -> None:
        with TemporaryDirectory() as folder:
            _check(Path(folder), operations)

    in_memory()
    in_a_database()
    say("F13", examples=examples, in_a_database=examples // 10, crossings=0)
