"""The present of one tenant, in memory: its cases, and the definitions they run under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from attrs import evolve

from retainkit.core import JsonObject, Record
from retainkit.ids import CaseId, CustomerId
from retainkit.stores._refusals import not_current
from retainkit.stores.memory._frozen import frozen_object
from retainkit.stores.memory._tables import Tables


class MemoryRecords:
    """The present, as `retainkit.stores.Records` promises it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def lock(self, customer: CustomerId) -> int:
        # The transaction has the store to itself: there is nobody to serialise with.
        return len(self._tables.histories.get(customer, ()))

    def get(self, feature: str, case: CaseId) -> Record | None:
        return self._tables.records[feature].get(case)

    def open(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        found = (record for record in self._ordered(feature, customer, after) if record.open)
        return tuple(islice(found, limit))

    def all(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        return tuple(islice(self._ordered(feature, customer, after), limit))

    def put(self, record: Record) -> None:
        tables = self._tables
        records = tables.records[record.feature]
        stored = records.get(record.id)
        slot = (record.feature, record.customer, record.key)
        current = record.version == (1 if stored is None else stored.version + 1)
        if not current or (record.open and tables.open.get(slot, record.id) != record.id):
            raise not_current(record)
        if stored is not None and stored.open:
            tables.drop(tables.open, (stored.feature, stored.customer, stored.key))
        if record.open:
            tables.put(tables.open, slot, record.id)
        tables.put(tables.cases[record.feature, record.customer], record.id, None)
        tables.put(records, record.id, evolve(record, body=frozen_object(record.body)))

    def define(self, definition: str, body: JsonObject) -> None:
        if definition not in self._tables.definitions:
            self._tables.put(self._tables.definitions, definition, frozen_object(body))

    def definition(self, definition: str) -> JsonObject | None:
        return self._tables.definitions.get(definition)

    def _ordered(
        self, feature: str, customer: CustomerId | None, after: CaseId | None
    ) -> Iterator[Record]:
        records = self._tables.records[feature]
        ids: Iterable[CaseId] = records
        if customer is not None:
            ids = self._tables.cases.get((feature, customer), ())
        for case in sorted(id_ for id_ in ids if after is None or id_ > after):
            if customer is None or records[case].customer == customer:
                yield records[case]
