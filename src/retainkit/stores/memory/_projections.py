"""The projections of one tenant, in memory: day buckets, and who is in which group."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest
from itertools import chain, islice
from typing import Final

from retainkit.core import STANDING, Bucket, JsonValue, Member, Part, Wanted
from retainkit.ids import CustomerId
from retainkit.stores._refusals import check_replaced, check_size
from retainkit.stores.memory._frozen import frozen_value
from retainkit.stores.memory._tables import Days, Parts, Tables


_NOBODYS: Final[Mapping[str, Days]] = {}


class MemoryProjections:
    """The projections, as `retainkit.stores.Projections` promises them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, buckets: Sequence[Bucket]) -> None:
        for bucket in buckets:
            value = frozen_value(bucket.value)
            kept = bucket if value is bucket.value else bucket._replace(value=value)
            parts = self._tables.buckets[kept.customer][kept.metric][kept.day]
            known = parts.get(kept.part)
            added = kept if known is None else known.plus(kept)
            check_size(added)
            self._tables.put(parts, kept.part, added)

    def buckets(self, customer: CustomerId, wanted: Wanted) -> tuple[Bucket, ...]:
        found: list[Bucket] = []
        for metric in sorted(wanted.metrics):
            days = self._days(customer, metric)
            for day in sorted(days):
                if day == STANDING or day >= wanted.since:
                    parts = days[day]
                    found += map(parts.__getitem__, sorted(parts))
        return tuple(found)

    def latest(
        self, metric: str, customers: Collection[CustomerId]
    ) -> Mapping[CustomerId, JsonValue]:
        standing = {who: self._days(who, metric).get(STANDING, {}) for who in customers}
        return {customer: parts[""].value for customer, parts in standing.items() if "" in parts}

    def page(
        self, wanted: Wanted, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[Bucket, ...]:
        later = sorted(id_ for id_ in self._tables.buckets if after is None or id_ > after)
        found = (self.buckets(customer, wanted) for customer in later)
        return tuple(chain.from_iterable(islice(filter(None, found), limit)))

    def replace(self, customer: CustomerId, buckets: Sequence[Bucket], *, since: int) -> None:
        check_replaced(customer, buckets, since)
        for days in self._tables.buckets[customer].values():
            for day in [day for day in days if day == STANDING or day >= since]:
                self._tables.drop(days, day)
        self.add(buckets)

    def parts(self, metric: str, *, since: int, limit: int = 100) -> tuple[Part, ...]:
        found: dict[str, Part] = {}
        for customer in self._tables.buckets:
            mine: dict[str, int] = {}
            for day, parts in self._days(customer, metric).items():
                if day >= since:
                    for part in filter(None, parts):
                        mine[part] = mine.get(part, 0) + parts[part].count
            for part, count in mine.items():
                known = found.get(part, Part(part=part, customers=0, count=0))
                found[part] = Part(
                    part=part, customers=known.customers + 1, count=known.count + count
                )
        return tuple(nsmallest(limit, found.values(), key=_rank))

    def move(self, entered: Sequence[Member], left: Sequence[tuple[str, CustomerId]]) -> None:
        for group, customer in left:
            self._tables.drop(self._tables.members[group], customer)
        for member in entered:
            group_now = self._tables.members[member.group]
            if member.customer not in group_now:
                self._tables.put(group_now, member.customer, member)

    def members(
        self, group: str, *, after: CustomerId | None = None, limit: int = 1000
    ) -> tuple[Member, ...]:
        inside = self._tables.members.get(group, {})
        ids = nsmallest(limit, (id_ for id_ in inside if after is None or id_ > after))
        return tuple(inside[id_] for id_ in ids)

    def groups(self, customer: CustomerId) -> tuple[Member, ...]:
        members = self._tables.members
        return tuple(
            members[group][customer] for group in sorted(members) if customer in members[group]
        )

    def _days(self, customer: CustomerId, metric: str) -> Mapping[int, Parts]:
        return self._tables.buckets.get(customer, _NOBODYS).get(metric, {})


def _rank(part: Part) -> tuple[int, int, str]:
    return -part.customers, -part.count, part.part
