"""What every store of ours refuses, in the same words; who refuses is in the stores."""

from __future__ import annotations

from collections.abc import Sequence

from retainkit.core import STANDING, Bucket, Intent, Item, Record
from retainkit.errors import Conflict, InvalidInput, NotFound, StoreError
from retainkit.ids import CustomerId, EventId, TenantId


_MOST = (1 << 63) - 1


def check_tenant(tenant: TenantId, items: Sequence[Item]) -> None:
    """
    Refuse items that another tenant would never find.

    Raises:
        InvalidInput: ``tenant.foreign``.
    """
    for item in items:
        if item.tenant != tenant:
            raise InvalidInput(
                "This item belongs to another tenant",
                code="tenant.foreign",
                field="tenant",
                value=item.tenant,
                remedy="use the store of that tenant",
            )


def check_replaced(customer: CustomerId, buckets: Sequence[Bucket], since: int) -> None:
    """
    Refuse buckets that would be added to what is not replaced.

    Raises:
        InvalidInput: ``bucket.not_replaced``.
    """
    for bucket in buckets:
        if bucket.customer != customer or STANDING < bucket.day < since:
            raise InvalidInput(
                "This bucket is of another customer, or of an earlier day than is replaced",
                code="bucket.not_replaced",
                field="buckets",
                value=(bucket.customer, bucket.metric, bucket.day),
                remedy="leave it out, or replace from its day on",
            )


def check_size(bucket: Bucket) -> None:
    """
    Refuse a sum that no column can hold.

    Raises:
        StoreError: ``store.refused``, as a database has it.
    """
    if abs(bucket.total) >= _MOST:
        raise StoreError(
            "The sum of a bucket leaves 64 bits",
            code="store.refused",
            field="total",
            value=bucket.total,
            remedy="sum up in a larger unit",
        )


def effect_exists(intents: Sequence[Intent]) -> Conflict:
    """One of the effects was there already."""
    return Conflict(
        "An effect of this attempt exists already: its key can't be used again",
        code="effect.exists",
        field="attempt",
        value=[intent.effect.attempt for intent in intents],
        remedy="read again: the step was taken before, or needs an attempt of its own",
    )


def not_current(record: Record) -> Conflict:
    """The record was decided on another version than the stored one, or its key is taken."""
    return Conflict(
        "The case was changed by somebody else, or its key has an open case",
        code="record.version",
        field="version",
        value=record.version,
        remedy="read the case again and decide again",
    )


def not_parked(event: EventId) -> NotFound:
    """No such event waits to be released."""
    return NotFound(
        "No parked event has this id",
        code="event.not_parked",
        field="event",
        value=event,
        remedy="list the parked events; it may have been released already",
    )
