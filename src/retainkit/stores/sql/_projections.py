"""The projections in SQL: day buckets, and who is in which group."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias, cast

from retainkit.core import Bucket, JsonValue, Member, Part, Wanted, dumps
from retainkit.ids import CustomerId
from retainkit.stores._refusals import check_replaced
from retainkit.stores.sql import _rows as rows
from retainkit.stores.sql._bound import Bound
from retainkit.stores.sql._projection_statements import ProjectionStatements
from retainkit.stores.sql._statement import Row, Value
from retainkit.timing import from_micros, to_micros


_NULL = "null"
_Line: TypeAlias = tuple[str, CustomerId, str, int, str, int, int, int, int, str, str]


class SqlProjections:
    """The projections, as `retainkit.stores.Projections` promises them."""

    def __init__(self, bound: Bound, statements: ProjectionStatements) -> None:
        self._bound = bound
        self._sql = statements

    def add(self, buckets: Sequence[Bucket]) -> None:
        if not buckets:
            return
        tenant = self._bound.tenant
        if self._sql.at_once:
            # In the order of the key: two writers who lock rows do it in one order.
            lines = sorted([_row(tenant, bucket) for bucket in _merged(buckets)])
            self._bound.write(self._sql.add, rows=dumps(lines))
        else:
            self._bound.write_lines(self._sql.add, [_row(tenant, bucket) for bucket in buckets])

    def buckets(self, customer: CustomerId, wanted: Wanted) -> tuple[Bucket, ...]:
        return tuple(
            map(
                _bucket,
                self._bound.all(self._sql.buckets, w_customer=customer, **_asked(wanted)),
            )
        )

    def latest(
        self, metric: str, customers: Collection[CustomerId]
    ) -> Mapping[CustomerId, JsonValue]:
        if not customers:
            return {}
        found = self._bound.all(self._sql.latest, metric=metric, customers=dumps(sorted(customers)))
        return {CustomerId(str(customer)): _value(str(value)) for customer, value in found}

    def page(
        self, wanted: Wanted, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[Bucket, ...]:
        asked = _asked(wanted)
        found = self._bound.all(self._sql.counted, after=after or "", limit=limit, **asked)
        if not found:
            return ()
        customers = dumps([str(row[0]) for row in found])
        return tuple(
            map(_bucket, self._bound.all(self._sql.buckets_of, customers=customers, **asked))
        )

    def replace(self, customer: CustomerId, buckets: Sequence[Bucket], *, since: int) -> None:
        check_replaced(customer, buckets, since)
        self._bound.write(self._sql.clear, w_customer=customer, since=since)
        self.add(buckets)

    def parts(self, metric: str, *, since: int, limit: int = 100) -> tuple[Part, ...]:
        found = self._bound.all(self._sql.parts, after="", metric=metric, since=since, limit=limit)
        return tuple(
            Part(part=str(part), customers=rows.integer(customers), count=int(str(count)))
            for part, customers, count in found
        )

    def move(self, entered: Sequence[Member], left: Sequence[tuple[str, CustomerId]]) -> None:
        tenant = self._bound.tenant
        if left:
            gone = sorted((tenant, group, customer) for group, customer in left)
            self._bound.write_lines(self._sql.leave, gone)
        if entered:
            new: list[Row] = [
                (tenant, each.group, each.customer, to_micros(each.since))
                for each in sorted(entered, key=_place)
            ]
            self._bound.write_lines(self._sql.enter, new)

    def members(
        self, group: str, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[Member, ...]:
        found = self._bound.all(
            self._sql.members, w_group_name=group, after=after or "", limit=limit
        )
        return tuple(map(_member, found))

    def groups(self, customer: CustomerId) -> tuple[Member, ...]:
        found = map(_member, self._bound.all(self._sql.groups, w_customer=customer))
        return tuple(sorted(found, key=_place))


def _asked(wanted: Wanted) -> Mapping[str, Value]:
    # Standing ones are asked for by themselves.
    return {"metrics": dumps(sorted(wanted.metrics)), "since": max(wanted.since, 1)}


def _merged(buckets: Sequence[Bucket]) -> Sequence[Bucket]:
    """The same with one bucket a key: a statement for all of them can't write one twice."""
    found: dict[tuple[str, str, int, str], Bucket] = {}
    for bucket in buckets:
        key = bucket.customer, bucket.metric, bucket.day, bucket.part
        known = found.get(key)
        found[key] = bucket if known is None else known.plus(bucket)
    return tuple(found.values())


def _row(tenant: str, bucket: Bucket) -> tuple[Value, ...]:
    """The row of a bucket, its columns in the table's order, which begins with the key."""
    customer, metric, day, part, count, total, first, last, last_id, value = bucket
    said = _NULL if value is None else dumps(value)
    return tenant, customer, metric, day, part, count, total, first, last, last_id, said


def _bucket(row: Row) -> Bucket:
    # Thousands of them are read for one page: nothing is converted that the table holds as it is.
    _, customer, metric, day, part, count, total, first, last, last_id, value = cast("_Line", row)
    told = None if value == _NULL else _value(value)
    return Bucket(customer, metric, day, part, count, total, first, last, last_id, told)


def _value(text: str) -> JsonValue:
    value: JsonValue = json.loads(text)
    return value


def _place(member: Member) -> tuple[str, str]:
    return member.group, member.customer


def _member(row: Row) -> Member:
    _, group, customer, since = row
    return Member(
        group=str(group),
        customer=CustomerId(str(customer)),
        since=from_micros(rows.integer(since)),
    )
