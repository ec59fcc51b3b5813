"""A world of use with known truth: customers, what befalls them, what is told of it, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from attrs import field, frozen

from retainkit.core import Event
from retainkit.ids import CustomerId
from retainkit.rules import Value


class Trouble(StrEnum):
    """
    What makes a customer leave, weeks before they do.

    ``falling_use``: they use the product less from day to day. ``champion_left``: the person who
    wanted the product leaves; use goes on. ``silent_backlog``: their tickets are answered by
    nobody, and they don't ask again; use goes on.
    """

    FALLING_USE = "falling_use"
    CHAMPION_LEFT = "champion_left"
    SILENT_BACKLOG = "silent_backlog"


class Lull(StrEnum):
    """
    Why a customer is quiet for a while and stays: an alarm about it is a false one.

    ``holiday``: hardly anybody is there, for one or two weeks. ``season``: less work, for three
    or four weeks.
    """

    HOLIDAY = "holiday"
    SEASON = "season"


@frozen(kw_only=True)
class QuietTime:
    """
    A time of less use that means nothing.

    Args:
        lull: Why.

        since: From when on.

        until: From when on no more.

        level: What is left of the usual use, in thousandths.
    """

    lull: Lull
    since: datetime
    until: datetime
    level: int


@frozen(kw_only=True)
class Fate:
    """
    What befalls a customer: the truth that a rule is measured against.

    Args:
        customer: Whose it is.

        trouble: What makes them leave; None for those who are well, and stay.

        onset: When it begins: the first day of falling use (midnight where they live), the
            instant the champion leaves or the first unanswered ticket is opened.

        leaves_at: When they cancel; nothing happens after that.

        quiet: When they are quiet without meaning anything by it; only those who stay are.
    """

    customer: CustomerId
    trouble: Trouble | None = None
    onset: datetime | None = None
    leaves_at: datetime | None = None
    quiet: tuple[QuietTime, ...] = ()

    @property
    def lead(self) -> timedelta | None:
        """How much time the world leaves between onset and departure; None for those who stay."""
        if self.onset is None or self.leaves_at is None:
            return None
        return self.leaves_at - self.onset


@frozen(kw_only=True)
class Delivery:
    """
    An event on its way: when it reaches the kit, which may be late, twice, or out of order.

    Args:
        event: What is reported; the second delivery of it says the same.

        received_at: When it arrives.
    """

    event: Event
    received_at: datetime


@frozen(kw_only=True)
class UsageCustomer:
    """
    A customer of a world of use.

    Args:
        fate: What befalls them.

        zone: Where they live, at first.

        users: Their users, each with a role.

        facts: What the host knows of them beside events: ``plan``, ``size``, ``industry``,
            ``seats`` (paid ones) and ``term_ends_at``.

        deliveries: What is reported of them, in no order that matters.
    """

    fate: Fate
    zone: str
    users: Mapping[str, str]
    facts: Mapping[str, Value]
    deliveries: tuple[Delivery, ...] = field(repr=False)

    @property
    def id(self) -> CustomerId:
        """Their id, unique in the world."""
        return self.fate.customer


@frozen(kw_only=True)
class UsageWorld:
    """
    Some months of many customers, and the truth about each; drawn by `usage_world`.

    Args:
        start: When it begins; UTC.

        days: How long it lasts.

        customers: Who lives in it.

        seed: What it was drawn from; for the record.
    """

    start: datetime
    days: int
    customers: tuple[UsageCustomer, ...]
    seed: int

    @property
    def end(self) -> datetime:
        """When the last thing happens; some of it is told a few days later."""
        return self.start + timedelta(days=self.days)

    def events(self) -> tuple[Delivery, ...]:
        """What reaches the kit, in the order in which it does: late, doubled, out of order."""
        return tuple(
            sorted(
                (delivery for one in self.customers for delivery in one.deliveries),
                key=lambda delivery: (delivery.received_at, delivery.event.id),
            )
        )

    def happened(self) -> tuple[Event, ...]:
        """Each event once, in the order in which it occurred: what `events` tells in the end."""
        told = {delivery.event.id: delivery.event for delivery in self.events()}
        return tuple(sorted(told.values(), key=lambda event: (event.occurred_at, event.id)))

    def truth(self) -> Mapping[CustomerId, Fate]:
        """What befalls whom."""
        return {one.id: one.fate for one in self.customers}

    def days_of(self, customer: UsageCustomer) -> int:
        """For how many whole days a customer is there."""
        return ((customer.fate.leaves_at or self.end) - self.start).days

    def mornings(self) -> Iterator[datetime]:
        """06:00 UTC of each day after the first, for whoever lives through the world by days."""
        for day in range(1, self.days + 1):
            yield self.start + timedelta(days=day, hours=6)
