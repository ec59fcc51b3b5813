"""Projections: what was counted of the past, and who is in which group; all can be rebuilt."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from attrs import field, frozen

from retainkit.core._json import JsonValue
from retainkit.core._time import occurred_at
from retainkit.ids import CustomerId


STANDING = 0
"""The day of what belongs to no day: the latest value of a fact, or when a ticket was opened."""


class Bucket(NamedTuple):
    """
    What happened to a customer on one day, in one respect: a projection of the timeline.

    Two buckets of the same customer, metric, part and day add up, in any order. A tuple, since a
    batch of events or a page of customers makes thousands of them.

    Args:
        customer: Whom it concerns.

        metric: What is counted; `retainkit.signals` names it by its content.

        day: The proleptic Gregorian ordinal of the date in the customer's zone; `STANDING` for
            what belongs to no day.

        part: What it is split by, such as the id of a user or a ticket; empty for the whole.

        count: How many events.

        total: What they sum up to, in millionths.

        first: When the earliest of them occurred, in microseconds since 1970, UTC.

        last: When the latest of them occurred, likewise.

        last_id: The id of the latest of them; of several at one instant, the greatest.

        value: What the latest of them said.
    """

    customer: CustomerId
    metric: str
    day: int
    part: str = ""
    count: int = 1  # type: ignore[assignment] # hides `tuple.count`, which nobody asks a bucket
    total: int = 0
    first: int = 0
    last: int = 0
    last_id: str = ""
    value: JsonValue = None

    def plus(self, other: Bucket) -> Bucket:
        """Both as one; the other is of the same customer, metric, part and day."""
        latest = max(self, other, key=_latest)
        return Bucket(
            customer=self.customer,
            metric=self.metric,
            day=self.day,
            part=self.part,
            count=self.count + other.count,
            total=self.total + other.total,
            first=min(self.first, other.first),
            last=latest.last,
            last_id=latest.last_id,
            value=latest.value,
        )


def _latest(bucket: Bucket) -> tuple[int, str]:
    return bucket.last, bucket.last_id


@frozen(kw_only=True)
class Member:
    """
    A customer who is in a group now: in a segment, or under an active rule.

    Args:
        group: ``segment:NAME`` or ``rule:ID``.

        customer: Who.

        since: Since when; UTC.
    """

    group: str
    customer: CustomerId
    since: datetime = field(converter=occurred_at)


@frozen(kw_only=True)
class Part:
    """
    One part of a metric over all customers, such as a ticket's topic.

    Args:
        part: What the metric is split by.

        customers: How many customers have it.

        count: How many events.
    """

    part: str
    customers: int
    count: int


@frozen(kw_only=True)
class Wanted:
    """
    The buckets that a feature wants to see for one decision.

    Args:
        metrics: Of these metrics.

        since: From this day on; standing ones always.
    """

    metrics: frozenset[str] = frozenset()
    since: int = STANDING
