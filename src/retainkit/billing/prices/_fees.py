"""One-off fees: due at once, later, or not again for whoever comes back in time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from retainkit.billing.prices._price import Price
from retainkit.errors import InvalidInput
from retainkit.timing import Interval, utc


class FeeState(StrEnum):
    """Where a one-off fee stands."""

    DUE = "due"
    """It is charged."""

    DEFERRED = "deferred"
    """It is owed, and charged later."""

    WAIVED = "waived"
    """It is not charged, now or later."""


@frozen(kw_only=True)
class FeeStatus:
    """
    Where a one-off fee stands.

    Args:
        state: Whether it is charged.

        due_at: When it is, or was, charged; None when it is waived.
    """

    state: FeeState
    due_at: datetime | None


def _instant(dt: datetime | None) -> datetime | None:
    return None if dt is None else utc(dt, "waived_before")


@frozen(kw_only=True)
class OneOffFee:
    """
    A fee that is charged once, such as for setting up.

    Args:
        price: What it costs; it has no interval.

        deferred_by: How long after the order it is charged; at once unless given.

        waived_before: Until when a customer who has paid it once, and made the plan smaller, can
            take the larger one again without paying it again. Kept in UTC.

    Raises:
        InvalidInput: ``fee.recurring``, ``time.naive``.
    """

    price: Price
    deferred_by: Interval | None = None
    waived_before: datetime | None = field(default=None, converter=_instant)

    def __attrs_post_init__(self) -> None:
        if self.price.interval is not None:
            raise InvalidInput(
                "A one-off fee has no interval",
                code="fee.recurring",
                field="price",
                value=self.price.id,
                remedy="make a price with interval=None",
            )

    def status(
        self, *, ordered_at: datetime, at: datetime, zone: str, paid_before: bool
    ) -> FeeStatus:
        """
        Where the fee stands at an instant.

        Args:
            ordered_at: When what it is for was ordered, this time.

            at: The instant that is asked for.

            zone: The IANA zone whose calendar counts.

            paid_before: Whether the customer paid this fee for an earlier order.

        Raises:
            InvalidInput: ``time.naive``, ``time.unknown_zone``.
        """
        ordered = utc(ordered_at, "ordered_at")
        if paid_before and self.waived_before is not None and ordered < self.waived_before:
            return FeeStatus(state=FeeState.WAIVED, due_at=None)
        due_at = ordered
        if self.deferred_by is not None:
            due_at = self.deferred_by.advance(ordered, 1, zone)
        state = FeeState.DUE if utc(at) >= due_at else FeeState.DEFERRED
        return FeeStatus(state=state, due_at=due_at)
