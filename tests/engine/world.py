"""A kit with the toy feature in a world that can be turned, crashed, damaged and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from tests.engine.toy import ParcelPolicy, Parcels, Post, order

from retainkit.core import Effect, Intent, Item, Lease, Outcome, Record, Skills
from retainkit.engine import Performer, RetainKit
from retainkit.ids import CaseId, CustomerId, TenantId, derive
from retainkit.stores import Store, TenantStore, Transaction
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ADA = CustomerId("ada")
LEASE = timedelta(seconds=60)
DAY = timedelta(days=1)


class Crash(BaseException):
    """The process dies here: nothing after it runs, and no `except Exception` sees it."""


class Told:
    """An instrumentation that remembers."""

    def __init__(self) -> None:
        self.lags: list[timedelta] = []
        self.decisions: list[tuple[str, str, int, int]] = []
        self.outcomes: list[tuple[str, str]] = []
        self.fences: list[str] = []
        self.failures: list[tuple[str, Exception]] = []
        self.waiting: list[int] = []

    def claimed(self, count: int, *, lag: timedelta) -> None:
        self.lags += [lag] * count

    def decided(self, feature: str, trigger: str, *, events: int, effects: int) -> None:
        self.decisions.append((feature, trigger, events, effects))

    def performed(self, kind: str, outcome: Outcome, *, took: timedelta) -> None:
        assert took >= timedelta(0)
        self.outcomes.append((kind, type(outcome).__name__))

    def fenced(self, what: str) -> None:
        self.fences.append(what)

    def failed(self, what: str, error: Exception) -> None:
        self.failures.append((what, error))

    def attention(self, count: int) -> None:
        self.waiting.append(count)


class Watched:
    """A store that counts commits, and dies at the point it is told to."""

    def __init__(self, inner: Store, *, die_at: int | None = None) -> None:
        self.inner = inner
        self.commits = 0
        self.points: list[str] = []
        self.die_at = die_at

    def point(self, name: str) -> None:
        """Pass a point; the process may die here."""
        self.points.append(name)
        if len(self.points) == self.die_at:
            raise Crash(name)

    def migrate(self) -> None:
        self.inner.migrate()

    def for_tenant(self, tenant: TenantId) -> TenantStore:
        return _WatchedTenant(self, tenant)

    def claim(
        self, lease: Lease, *, now: datetime, limit: int, skills: Skills | None = None
    ) -> tuple[Item, ...]:
        self.point("before the claim")
        items = self.inner.claim(lease, now=now, limit=limit, skills=skills)
        self.commits += 1
        self.point("after the claim")
        return items

    def tenants(self) -> Sequence[TenantId]:
        return tuple(self.inner.tenants())

    def close(self) -> None:
        self.inner.close()


class _WatchedTenant:
    def __init__(self, watched: Watched, tenant: TenantId) -> None:
        self._watched = watched
        self._inner = watched.inner.for_tenant(tenant)
        self.tenant = tenant

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._inner.transaction() as tx:
            yield tx
            self._watched.point("before a commit")
        self._watched.commits += 1
        self._watched.point("after a commit")

    def joined(self, connection: object) -> AbstractContextManager[Transaction]:
        return self._inner.joined(connection)


class World:
    """One store, one clock, one outside; as many kits over them as a story needs."""

    def __init__(self, store: Store, engine: sa.Engine | None) -> None:
        self.store = store
        self.clock = ManualClock(NOW)
        self.post = Post()
        self.told = Told()
        self._engine = engine

    def kit(
        self,
        *,
        policy: ParcelPolicy | None = None,
        feature: Parcels | None = None,
        performer: Performer | None = None,
        performers: Mapping[str, Performer] | None = None,
        store: Store | None = None,
        shadow: bool = False,
        tenant: str = "main",
    ) -> RetainKit:
        """A kit with the toy feature: another worker, unless the story says what differs."""
        if performers is None:
            performers = {"parcel.send": performer or self.post.performer()}
        return RetainKit(
            store=store or self.store,
            features=[feature or Parcels(policy=policy or ParcelPolicy())],
            performers=performers,
            clock=self.clock,
            instrumentation=self.told,
            lease=LEASE,
            shadow=shadow,
            tenant=tenant,
        )

    def order(self, number: str = "1", customer: str = ADA, *, tenant: str = "main") -> CaseId:
        """A customer orders; the case it will have."""
        self.kit(tenant=tenant).record(order(number, customer, self.clock.now()))
        return CaseId(derive("parcel", number))

    def leases_run_out(self) -> None:
        """Let every lease end: by the kit's clock, and by the database's where it has its own."""
        self.clock.advance(LEASE + timedelta(seconds=1))
        if self._engine is not None and self._engine.dialect.name == "postgresql":
            self.sql("UPDATE rk_schedule SET wake_at = 0 WHERE lease IS NOT NULL")

    def case(self, case: CaseId, *, tenant: str = "main") -> Record:
        """The record of a case."""
        with self.store.for_tenant(TenantId(tenant)).transaction() as tx:
            record = tx.records.get("parcels", case)
        assert record is not None
        return record

    def intents(self, customer: CustomerId = ADA, *, tries: int = 9) -> tuple[Intent, ...]:
        """The effects of the customer's parcels, performed ones too, in order."""
        with self.store.for_tenant(TenantId("main")).transaction() as tx:
            found = [
                tx.schedule.intent(asked.id)
                for record in tx.records.all("parcels", customer=customer)
                for attempt in range(1, tries)
                for asked in [_intent(record, attempt)]
            ]
        return tuple(intent for intent in found if intent is not None)

    def intent(self) -> Intent:
        """The one effect there is."""
        (found,) = self.intents()
        return found

    def names(self, customer: CustomerId = ADA, *, tenant: str = "main") -> list[str]:
        """The names of the customer's events."""
        return [r.event.name for r in self.kit(tenant=tenant).timeline(customer)]

    def sql(self, statement: str) -> int:
        """Damage the database behind the store's back; how many rows."""
        assert self._engine is not None
        with self._engine.begin() as connection:
            return connection.execute(sa.text(statement)).rowcount

    def tables(self) -> object:
        """Everything there is, to compare."""
        if self._engine is None:
            assert isinstance(self.store, MemoryStore)
            return {
                tenant: [
                    dict(kept.events),
                    {name: dict(of) for name, of in kept.records.items() if of},
                    dict(kept.definitions),
                    dict(kept.rows),
                    {customer: dict(of) for customer, of in kept.buckets.items() if of},
                    {group: dict(of) for group, of in kept.members.items() if of},
                ]
                for tenant, kept in self.store._tenants.items()
                if kept
            }
        names = ("customer", "event", "record", "definition", "schedule", "bucket", "member")
        with self._engine.begin() as connection:
            return {
                name: sorted(map(repr, connection.execute(sa.text(f"SELECT * FROM rk_{name}"))))
                for name in names
            }


def run(kit: RetainKit) -> int:
    """Work off what is due; how many items."""
    ran = kit.run_due(limit=1000)
    assert ran.finished
    return ran.items


def dies(kit: RetainKit) -> str | None:
    """Work off what is due until the process dies; where, or None if it lives."""
    try:
        kit.run_due()
    except Crash as crash:
        return str(crash)
    return None


def delivered_but(post: Post, then: Outcome | BaseException) -> Callable[[], Outcome]:
    """The parcel arrives, but the answer is another one, or none."""

    def step() -> Outcome:
        key = post.calls[-1]
        post.sent.setdefault(key, "?")
        if isinstance(then, BaseException):
            raise then
        return then

    return step


def _intent(record: Record, attempt: int) -> Intent:
    return Intent(
        tenant=TenantId("main"),
        feature="parcels",
        customer=record.customer,
        case=record.id,
        effect=Effect(kind="parcel.send", attempt=f"send:{attempt}"),
    )
