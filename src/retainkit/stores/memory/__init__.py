"""The store in memory, for tests, simulations and a first try; nothing here is durable."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING

from retainkit.errors import StoreError
from retainkit.stores.memory._agenda import Agenda


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from retainkit.core import Item, Lease, Skills
    from retainkit.ids import TenantId
    from retainkit.stores import TenantStore
    from retainkit.stores.memory._tables import Tables

__all__ = ["MemoryStore"]


class MemoryStore:
    """
    A whole store in plain dicts: one transaction at a time, rolled back through an undo journal.

    It keeps every promise of `retainkit.stores.Store` but two: nothing is durable, and no host
    transaction can be joined. Leases run by the ``now`` that `claim` is given. Safe across
    threads; not across processes. JSON objects that come out can't be changed.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._busy = False
        self._agenda = Agenda()
        self._tenants: dict[TenantId, Tables] = {}

    def migrate(self) -> None:
        """Do nothing: there is no schema."""

    def for_tenant(self, tenant: TenantId) -> TenantStore:
        """The store of one tenant."""
        # Loaded with the first tenant: building a kit needs none of the values a store keeps.
        from retainkit.stores.memory._tenant import MemoryTenant

        return MemoryTenant(self._tables(tenant), self._alone)

    def claim(
        self, lease: Lease, *, now: datetime, limit: int, skills: Skills | None = None
    ) -> tuple[Item, ...]:
        """
        Take up to ``limit`` items that are due at ``now``, or whose lease has run out by then.

        Raises:
            InvalidInput: ``now`` is naive.

            StoreError: ``store.nested``: this thread has a transaction open.
        """
        from retainkit.timing import utc  # building a kit needs no time

        now = utc(now, "now")
        with self._alone():
            due = self._agenda.take(now, limit, skills)
            # Put back only now, or a lease of no length would be due again at once.
            taken = tuple(tables.claim(key, item, lease, now) for tables, key, item in due)
            for tables, _, _ in due:
                tables.journal.clear()
            return taken

    def tenants(self) -> Iterable[TenantId]:
        """Every tenant that has anything in the store."""
        with self._alone():
            return tuple(tenant for tenant, tables in self._tenants.items() if tables)

    def close(self) -> None:
        """Do nothing: there are no connections."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            if self._busy:
                raise StoreError(
                    "A transaction of this store is open in this thread",
                    code="store.nested",
                    remedy="end it first; one step is one transaction",
                )
            self._busy = True
            try:
                yield
            finally:
                self._busy = False

    def _tables(self, tenant: TenantId) -> Tables:
        from retainkit.stores.memory._tables import Tables  # with the first tenant, as above

        with self._lock:
            if tenant not in self._tenants:
                self._tenants[tenant] = Tables(tenant, self._agenda)
            return self._tenants[tenant]
