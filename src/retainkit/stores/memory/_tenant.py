"""A store in memory bound to one tenant, and its one transaction at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from retainkit.errors import ConfigurationError
from retainkit.ids import TenantId
from retainkit.stores import Appended, Change, Transaction
from retainkit.stores.memory._projections import MemoryProjections
from retainkit.stores.memory._records import MemoryRecords
from retainkit.stores.memory._schedule import MemorySchedule
from retainkit.stores.memory._tables import Tables
from retainkit.stores.memory._timeline import MemoryTimeline


class MemoryTransaction:
    """Past, present, future and projections over the same tables."""

    def __init__(self, tables: Tables) -> None:
        self.timeline = MemoryTimeline(tables)
        self.records = MemoryRecords(tables)
        self.schedule = MemorySchedule(tables)
        self.projections = MemoryProjections(tables)

    def write(self, change: Change, *, now: datetime) -> Appended | None:
        settled, finished, planned = change.settled, change.finished, change.planned
        if settled is not None and not self.schedule.settle(settled, lease=settled.lease):
            return None
        if finished is not None:
            due = None if planned is None else planned.due
            if not self.schedule.finish(finished, next_due=due):
                return None
        elif planned is not None:
            self.schedule.plan(planned)
        if change.dropped is not None:
            self.schedule.drop(*change.dropped)
        if change.record is not None:
            self.records.put(change.record)
        self.schedule.intend(change.intended, change.lease, now=now)
        return self.timeline.append(change.events, recorded_at=now)


class MemoryTenant:
    """
    The tables of one tenant, open to one transaction at a time.

    Args:
        tables: The tenant's data.

        alone: Keeps every other transaction of the whole store out.
    """

    def __init__(self, tables: Tables, alone: Callable[[], AbstractContextManager[None]]) -> None:
        self._tables = tables
        self._alone = alone
        self._transaction = MemoryTransaction(tables)

    @property
    def tenant(self) -> TenantId:
        """The tenant."""
        return self._tables.tenant

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One atomic unit; an error undoes it, latest change first."""
        with self._alone():
            try:
                yield self._transaction
            except BaseException:
                self._tables.roll_back()
                raise
            finally:
                self._tables.journal.clear()

    def joined(self, connection: object) -> AbstractContextManager[Transaction]:
        """Refuse: there is no database whose transaction could be joined."""
        raise ConfigurationError(
            "A store in memory can't be part of a host's transaction",
            code="join.unsupported",
            field="connection",
            value=type(connection).__name__,
            remedy="use SqlStore on the host's database",
        )
