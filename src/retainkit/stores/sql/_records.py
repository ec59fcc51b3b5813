"""The present in SQL: customers' locks, cases and definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from retainkit.core import JsonObject, Record, dumps, loads
from retainkit.errors import Conflict
from retainkit.ids import CaseId, CustomerId
from retainkit.stores._refusals import not_current
from retainkit.stores.sql import _rows as rows
from retainkit.stores.sql._bound import Bound
from retainkit.stores.sql._statement import Part, Statement, Value
from retainkit.stores.sql._statements import RecordStatements


class SqlRecords:
    """The present, as `retainkit.stores.Records` promises it."""

    def __init__(self, bound: Bound, statements: RecordStatements) -> None:
        self._bound = bound
        self._sql = statements

    def lock(self, customer: CustomerId) -> int:
        row = self._bound.first(self._sql.lock, w_id=customer)
        if row is None:
            self._bound.write(self._sql.enrol, id=customer, counter=0)
            row = self._bound.first(self._sql.lock, w_id=customer)
        return 0 if row is None else rows.integer(row[0])

    def get(self, feature: str, case: CaseId) -> Record | None:
        row = self._bound.first(self._sql.record, w_feature=feature, w_id=case)
        return None if row is None else rows.record(row)

    def open(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        page: dict[str, Value] = {"w_feature": feature, "after": after or "", "limit": limit}
        if customer is None:
            return self._found(self._sql.open_records, page)
        return self._found(self._sql.open_of, {**page, "w_customer": customer})

    def all(
        self,
        feature: str,
        *,
        customer: CustomerId | None = None,
        after: CaseId | None = None,
        limit: int = 1000,
    ) -> tuple[Record, ...]:
        page: dict[str, Value] = {"w_feature": feature, "after": after or "", "limit": limit}
        if customer is None:
            return self._found(self._sql.records, page)
        return self._found(self._sql.records_of, {**page, "w_customer": customer})

    def _found(self, statement: Statement, values: Mapping[str, Value]) -> tuple[Record, ...]:
        return tuple(map(rows.record, self._bound.all(statement, **values)))

    def put(self, record: Record) -> None:
        with current(record):
            if self._bound.write_part(self.putting(record)) != 1:
                raise not_current(record)

    def putting(self, record: Record) -> Part:
        """The part of a change that puts a record."""
        statement = self._sql.put_new if record.version == 1 else self._sql.put
        return statement, rows.record_row(self._bound.tenant, record)

    def define(self, definition: str, body: JsonObject) -> None:
        self._bound.write(self._sql.define, id=definition, body=dumps(body))

    def definition(self, definition: str) -> JsonObject | None:
        row = self._bound.first(self._sql.definition, w_id=definition)
        return None if row is None else loads(str(row[0]))


@contextmanager
def current(record: Record | None) -> Iterator[None]:
    """What is unique besides ids is the key of an open case: a duplicate is a record's."""
    try:
        yield
    except Conflict as exc:
        if record is None or exc.code != "store.duplicate":
            raise
        raise not_current(record) from exc
