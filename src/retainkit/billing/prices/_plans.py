"""Plans with their versions, and add-ons; their order and what a customer may use are elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from attrs import field, frozen

from retainkit.billing.prices._checks import code_of, limits_of, names_of, percent_of, whole
from retainkit.billing.prices._price import Price
from retainkit.errors import InvalidInput, NotFound
from retainkit.timing import Interval, utc


@frozen(kw_only=True)
class Sla:
    """
    How much of the time the product works, as promised.

    Args:
        availability: In percent of a month: ``Decimal("99.9")``.

        credit: What is credited when it was less, in percent of the month's fee; None for nothing.

    Raises:
        InvalidInput: ``discount.percent``, ``price.not_exact``.
    """

    availability: Decimal
    credit: Decimal | None = None

    def __attrs_post_init__(self) -> None:
        percent_of(self.availability, "availability")
        if self.credit is not None:
            percent_of(self.credit, "credit")


@frozen(kw_only=True)
class Support:
    """
    Who helps, when, and how soon.

    Args:
        channels: Such as ``mail`` or ``phone``.

        hours: When somebody is there, in words of the host's own.

        first_response: The longest time to a first answer within these hours; None when none is
            promised.
    """

    channels: tuple[str, ...]
    hours: str
    first_response: timedelta | None = None


@frozen(kw_only=True)
class DataTerms:
    """
    What is agreed on the customer's data.

    Args:
        regions: Where it is kept.

        kept_after_end: How long it is kept for the customer once the contract has ended.

        exports: The formats that the customer can take it along in, at any time.
    """

    regions: tuple[str, ...]
    kept_after_end: timedelta
    exports: tuple[str, ...]


def _since(dt: datetime) -> datetime:
    return utc(dt, "since")


@frozen(kw_only=True)
class PlanVersion:
    """
    What a plan was from a certain day on. Whoever has a version keeps it until they are moved.

    Args:
        number: 1 for the first.

        since: From when it is sold; kept in UTC.

        prices: Its prices: for each currency and interval one, or one for each component.

        capabilities: What it can do, by the host's own keys.

        limits: How much of something, by the host's own keys; None is without limit. What is not
            named is not limited by the plan.

        sla: The service level; None when none is promised.

        support: The support; None when there is none.

        data: What is agreed on the customer's data.

    Raises:
        InvalidInput: ``price.not_whole``, ``time.naive``.
    """

    number: int
    since: datetime = field(converter=_since)
    prices: tuple[Price, ...]
    capabilities: frozenset[str] = field(default=frozenset(), converter=names_of)
    limits: Mapping[str, int | None] = field(factory=dict, converter=limits_of)
    sla: Sla | None = None
    support: Support | None = None
    data: DataTerms | None = None

    def __attrs_post_init__(self) -> None:
        whole(self.number, "number", least=1)

    def prices_in(self, currency: str, interval: Interval) -> tuple[Price, ...]:
        """
        The recurring prices in a currency and an interval: all components of the plan.

        Raises:
            NotFound: ``plan.no_price``.
        """
        code = code_of(currency)
        found = tuple(
            price
            for price in self.prices
            if price.currency == code and price.interval is not None and price.interval == interval
        )
        if not found:
            raise NotFound(
                f"This plan has no price in {code} for this interval",
                code="plan.no_price",
                field="interval",
                value=f"{interval.count} {interval.unit}",
                remedy="choose one that is offered; prices are not converted",
            )
        return found


@frozen(kw_only=True)
class Plan:
    """
    A plan through its versions.

    Args:
        id: The host's own, such as ``pro``.

        versions: From the first to the newest.

    Raises:
        InvalidInput: ``plan.versions`` when there is none, or one does not follow the one before
            in number and time.
    """

    id: str
    versions: tuple[PlanVersion, ...]

    def __attrs_post_init__(self) -> None:
        in_order = all(
            before.number < after.number and before.since < after.since
            for before, after in pairwise(self.versions)
        )
        if not self.versions or not in_order:
            raise InvalidInput(
                "The versions of a plan follow each other",
                code="plan.versions",
                field="versions",
                value=[version.number for version in self.versions],
                remedy="list them from the first to the newest, each with a later since",
            )

    def version(self, number: int) -> PlanVersion:
        """
        The version of a number, sold or not any more.

        Raises:
            NotFound: ``plan.no_version``.
        """
        for version in self.versions:
            if version.number == number:
                return version
        raise _no_version(self.id, str(number))

    def version_at(self, at: datetime) -> PlanVersion:
        """
        The version that is sold at an instant.

        Raises:
            NotFound: ``plan.no_version`` before the first.
            InvalidInput: ``time.naive``.
        """
        instant = utc(at)
        for version in reversed(self.versions):
            if version.since <= instant:
                return version
        raise _no_version(self.id, instant.isoformat())


@frozen(kw_only=True)
class AddOn:
    """
    What can be had on top of a plan: it solves one problem.

    Args:
        id: The host's own, such as ``sso``.

        prices: Its prices, recurring or one-off.

        plans: The ids of the plans it can be added to.

        capabilities: What it adds to what the plan can do.

        limits: What each unit of it adds to the plan's limits; None lifts the limit.

    Raises:
        InvalidInput: ``price.not_whole``.
    """

    id: str
    prices: tuple[Price, ...]
    plans: frozenset[str] = field(converter=names_of)
    capabilities: frozenset[str] = field(default=frozenset(), converter=names_of)
    limits: Mapping[str, int | None] = field(factory=dict, converter=limits_of)


def _no_version(plan: str, value: str) -> NotFound:
    return NotFound(
        f"The plan {plan} has no such version",
        code="plan.no_version",
        field="version",
        value=value,
        remedy="take the number of one in versions, or an instant from the first one's since on",
    )
