"""The ports of a store: past, present, future and projections; and claims over all tenants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from retainkit.core import (
    Bucket,
    Event,
    EventState,
    Intent,
    Item,
    JsonObject,
    JsonValue,
    Lease,
    Member,
    Part,
    Record,
    RecordedEvent,
    Skills,
    Timer,
    Wanted,
)
from retainkit.ids import CaseId, CustomerId, EffectId, EventId, TenantId
from retainkit.stores._appended import Appended
from retainkit.stores._change import Change


class Timeline(Protocol):
    """The past: append-only, unique ids, numbered for each customer."""

    def append(
        self,
        events: Sequence[Event],
        *,
        recorded_at: datetime,
        state: EventState = EventState.ACCEPTED,
    ) -> Appended:
        """
        Add events; locks their customers.

        A known id with the same fingerprint is a duplicate; with another one the event is kept
        as a conflict, under an id of its own, and changes nothing.
        """
        ...

    def get(self, event: EventId) -> RecordedEvent | None:
        """The event of that id, in whatever state it is."""
        ...

    def of(
        self,
        customer: CustomerId,
        *,
        after: int = 0,
        names: frozenset[str] | None = None,
        limit: int | None = None,
    ) -> tuple[RecordedEvent, ...]:
        """The customer's accepted events with a counter above ``after``, oldest first."""
        ...

    def customers(
        self, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[CustomerId, ...]:
        """The next customers with an id above ``after`` who have events, in the order of ids."""
        ...

    def listed(self, state: EventState, *, limit: int = 100) -> tuple[RecordedEvent, ...]:
        """Parked events or conflicts of the tenant, oldest first."""
        ...

    def release(self, event: EventId, customer: CustomerId, *, recorded_at: datetime) -> int:
        """
        Accept a parked event as the customer's; returns its counter.

        Raises:
            NotFound: No parked event has that id.
        """
        ...


class Records(Protocol):
    """The present: one encoded case a record, optimistic versions, locks by customer."""

    def lock(self, customer: CustomerId) -> int:
        """Serialise with everybody who decides for this customer; returns the counter."""
        ...

    def get(self, feature: str, case: CaseId) -> Record | None:
        """The record of a case."""
        ...

    def open(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        """Open cases of a feature, of one customer or of all, in the order of their ids."""
        ...

    def all(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        """All cases of a feature, closed ones too, in the order of their ids."""
        ...

    def put(self, record: Record) -> None:
        """
        Write a record whose version is one above the stored one (1 for a new one).

        Raises:
            Conflict: The stored version is another, or an open case of that key exists.
        """
        ...

    def define(self, definition: str, body: JsonObject) -> None:
        """Keep a policy or definition under its content hash; a known one stays as it is."""
        ...

    def definition(self, definition: str) -> JsonObject | None:
        """The policy or definition of that content hash."""
        ...


class Schedule(Protocol):
    """The future: timers to decide, effects to perform. Effects stay for ever."""

    def wake(self, timers: Sequence[Timer]) -> None:
        """
        Add wake-ups; one that is already pending is kept as it is.

        One at rest wakes again, and looks from where it rested.
        """
        ...

    def rest(self, timer: Timer, *, since: int) -> bool:
        """
        Put a wake-up to rest: everything before the counter ``since`` is decided.

        Returns whether the claim still held it, and nobody has rested it since it was read.
        """
        ...

    def missed(self, feature: str, names: frozenset[str], *, limit: int = 100) -> tuple[Timer, ...]:
        """
        Wake-ups at rest, or gone, although the customer has events of these names to decide.

        ``EVERY_NAME`` among them stands for all events that have no reasons, as it does for who
        subscribes to it.

        ``since`` is the first undecided counter; 0 when the wake-up is gone, and with it the
        knowledge of what was decided.
        """
        ...

    def plan(self, timer: Timer) -> None:
        """Set a case's next step, replacing the one it has."""
        ...

    def drop(self, feature: str, case: CaseId) -> None:
        """Remove a case's next step, if it has one."""
        ...

    def finish(self, timer: Timer, *, next_due: datetime | None = None) -> bool:
        """
        End a claimed timer, or move it to its next time.

        Returns whether the claim still held it: False means that somebody else has it, and
        nothing may be committed.
        """
        ...

    def intend(self, intents: Sequence[Intent], lease: Lease | None, *, now: datetime) -> None:
        """
        Keep effects as intents; the first is leased and ``sent`` when a lease is given.

        Raises:
            Conflict: An effect of that id exists: its key can't be used again.
        """
        ...

    def settle(self, intent: Intent, *, lease: str | None) -> bool:
        """
        Write an intent's state, tries, outcome and next time, and give up its lease.

        ``lease`` is the claim the writer believes to hold; returns whether it still did.
        """
        ...

    def begin(self, intent: Intent, lease: Lease, *, now: datetime) -> bool:
        """
        Mark a claimed intent as ``sent``, and let its lease run its whole length anew.

        Returns whether the lease held it and had not run out, and it was ``ready``: of two who
        hold the same claim, one begins, and whoever is late does not.
        """
        ...

    def withdraw(self, intent: Intent) -> bool:
        """
        Write an intent's state and outcome if it is still ``ready``, whoever holds it.

        Returns whether it was: False means that somebody has begun it.
        """
        ...

    def timer(self, id: str) -> Timer | None:
        """The timer of that id."""
        ...

    def intent(self, effect: EffectId) -> Intent | None:
        """The effect of that id, performed ones too."""
        ...

    def of(self, customer: CustomerId) -> tuple[Item, ...]:
        """What is still to come for a customer, soonest first."""
        ...

    def unclear(self, *, limit: int = 100) -> tuple[Intent, ...]:
        """Effects that wait for a person."""
        ...

    def unserved(self, skills: Skills, *, before: datetime, limit: int = 100) -> tuple[Item, ...]:
        """What was due, or let go, ``before``, and these skills do not cover."""
        ...

    def orphans(self, feature: str, *, limit: int = 100) -> tuple[Record, ...]:
        """Open cases with neither a next step nor an effect that is not done."""
        ...

    def recount(self) -> tuple[CustomerId, ...]:
        """Raise counters that lie below their customer's last event; whose they were."""
        ...

    def strays(self, *, limit: int = 100) -> tuple[Item, ...]:
        """Rows that would never come due: leased or pending, without a time to wake."""
        ...


class Projections(Protocol):
    """What was counted of the past, and who is in which group; all of it can be rebuilt."""

    def add(self, buckets: Sequence[Bucket]) -> None:
        """
        Add buckets to those of the same customer, metric, part and day.

        Counts and totals add up; the earliest ``first`` stays, and of the latest event, by
        ``(last, last_id)``, its ``value``; ids are compared by the codes of their characters. So
        the order of adding changes nothing.

        Raises:
            StoreError: A sum leaves 64 bits.
        """
        ...

    def buckets(self, customer: CustomerId, wanted: Wanted) -> tuple[Bucket, ...]:
        """The customer's buckets of these metrics, by metric, day and part."""
        ...

    def latest(
        self, metric: str, customers: Collection[CustomerId]
    ) -> Mapping[CustomerId, JsonValue]:
        """What the whole of a metric's standing bucket says, of those of them who have one."""
        ...

    def page(
        self, wanted: Wanted, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[Bucket, ...]:
        """
        The wanted buckets of the next customers with an id above ``after``, all of each.

        At most ``limit`` customers, of those who have any of them; by customer, metric, day and
        part. Empty when nobody is left.
        """
        ...

    def replace(self, customer: CustomerId, buckets: Sequence[Bucket], *, since: int) -> None:
        """
        Put these in place of all the customer has from that day on, standing ones included.

        Raises:
            InvalidInput: ``bucket.not_replaced``: one is of another customer or an earlier day.

            StoreError: As :meth:`add`.
        """
        ...

    def parts(self, metric: str, *, since: int, limit: int = 100) -> tuple[Part, ...]:
        """
        The parts of a metric from that day on that the most customers have, most first.

        Among those with as many customers, the one with more events is first, then by name. The
        whole is no part.
        """
        ...

    def move(self, entered: Sequence[Member], left: Sequence[tuple[str, CustomerId]]) -> None:
        """
        Let customers leave groups, then enter others; who is there already stays since then.

        To leave where one is not is nothing.
        """
        ...

    def members(
        self, group: str, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[Member, ...]:
        """Who is in a group, in the order of their ids."""
        ...

    def groups(self, customer: CustomerId) -> tuple[Member, ...]:
        """The groups a customer is in, by their names."""
        ...


class Transaction(Protocol):
    """One atomic unit over past, now and future of one tenant, and their projections."""

    @property
    def timeline(self) -> Timeline:
        """The past."""
        ...

    @property
    def records(self) -> Records:
        """The present."""
        ...

    @property
    def schedule(self) -> Schedule:
        """The future."""
        ...

    @property
    def projections(self) -> Projections:
        """What was counted of the past, and who is in which group."""
        ...

    def write(self, change: Change, *, now: datetime) -> Appended | None:
        """
        Write what a decision says and changes, each part as its own method would.

        Returns what became of the events, which are recorded at ``now``. None means that the
        claim no longer held what was decided: somebody else has it, and nothing may be committed.

        Raises:
            Conflict: As :meth:`Records.put` and :meth:`Schedule.intend`.
        """
        ...


class TenantStore(Protocol):
    """A store bound to one tenant: nothing it does can reach another."""

    @property
    def tenant(self) -> TenantId:
        """The tenant."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """
        One atomic unit: committed at the end of the block, rolled back by an error.

        Raises:
            StoreError: The database is locked, gone, or was not migrated.
        """
        ...

    def joined(self, connection: object) -> AbstractContextManager[Transaction]:
        """
        A savepoint in the host's open transaction, which is never committed or closed here.

        Raises:
            ConfigurationError: There is no open transaction, or this store can't join it.
        """
        ...


class Store(Protocol):
    """The whole store: migrates, claims over all tenants, hands out bound stores."""

    def migrate(self) -> None:
        """Bring the schema up to date; safe to repeat."""
        ...

    def for_tenant(self, tenant: TenantId) -> TenantStore:
        """The store of one tenant."""
        ...

    def claim(
        self, lease: Lease, *, now: datetime, limit: int, skills: Skills | None = None
    ) -> tuple[Item, ...]:
        """
        Take up to ``limit`` items that are due, or whose lease has run out, soonest first.

        Items carry their tenant and the new lease, but the state they had before the claim. What
        the skills do not cover is left as it is; None covers everything.
        """
        ...

    def tenants(self) -> Iterable[TenantId]:
        """Every tenant that has anything in the store."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...
