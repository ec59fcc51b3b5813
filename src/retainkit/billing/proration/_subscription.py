"""What a customer has and was billed for it; how it changes is in ``_changes``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction

from attrs import Factory, field, frozen

from retainkit.billing.prices import Coupon, GivenCoupon, Price, PriceSchedule
from retainkit.billing.proration._amounts import currency_change
from retainkit.billing.proration._line import Line
from retainkit.billing.tax import TaxTreatment
from retainkit.errors import InvalidInput
from retainkit.money import Money, currency_of, from_minor, to_units
from retainkit.timing import Interval, Period, utc
from retainkit.timing import zone as zone_of


def _anchor(dt: datetime) -> datetime:
    return utc(dt, "anchor")


def _instant(dt: datetime | None) -> datetime | None:
    return None if dt is None else utc(dt)


def _code(currency: str) -> str:
    return currency_of(currency).code


def _zone(name: str) -> str:
    return zone_of(name).key or name


def _net_units(line: BilledLine) -> Fraction:
    return to_units(line.net)


def _nothing(line: BilledLine) -> Money:
    return from_minor(0, line.net.currency)


def _net(line: BilledLine) -> Money:
    return line.net


def _end(line: BilledLine) -> datetime:
    return line.period.end


def _no_credit(subscription: Subscription) -> Money:
    return from_minor(0, subscription.currency)


@frozen(kw_only=True)
class SubscriptionItem:
    """
    One thing that is subscribed to.

    Args:
        id: Its own within the subscription.

        price: What it costs.

        quantity: How many units; nothing is billed in advance for a metered price.

        discounts: Coupons for this item alone; as `Subscription.coupons`.

        schedule: How `price` changes with later periods, each of which has the price that holds
            when it starts; it stays unless given.

    Raises:
        InvalidInput: ``proration.quantity``.
    """

    id: str
    price: Price
    quantity: int = 1
    discounts: tuple[Coupon | GivenCoupon, ...] = ()
    schedule: PriceSchedule | None = None

    def __attrs_post_init__(self) -> None:
        check_quantity(self.quantity)


@frozen(kw_only=True)
class BilledLine:
    """
    A line of an invoice that was written for an item, and what was given back for it.

    Args:
        id: The line's; credits name it as their source.

        item: The id of the item.

        period: What it was billed for.

        net: After discounts; with its tax when the price contains it.

        price: What it was reckoned from.

        quantity: How many units.

        exact: The amount before rounding, in minor units; `net` unless given. Credits are shares
            of it, so that undoing a change costs nothing, to the cent.

        credited: What credits have given back of it.

        gross: With tax; `net` unless given.

        paid: What was paid of `gross`; None when that is not known.

        tax: How it was taxed; credits reuse it.

        until: Where the time that is not credited ends; the period's end unless given.
    """

    id: str
    item: str
    period: Period
    net: Money
    price: Price
    quantity: int = 1
    exact: Fraction = Factory(_net_units, takes_self=True)
    credited: Money = Factory(_nothing, takes_self=True)
    gross: Money = Factory(_net, takes_self=True)
    paid: Money | None = None
    tax: TaxTreatment | None = None
    until: datetime = Factory(_end, takes_self=True)

    @property
    def left(self) -> Fraction:
        """What can still be credited, in minor units."""
        return to_units(self.net) - to_units(self.credited)


@frozen(kw_only=True)
class Subscription:
    """
    What a customer has, in one currency and one rhythm.

    Args:
        id: The host's, or the provider's.

        customer: Whose it is.

        currency: An ISO 4217 code; it never changes.

        items: What is subscribed to; all prices in the currency, and of the interval.

        anchor: Where the first period started; boundaries are always counted from it.

        zone: The IANA zone whose calendar counts.

        interval: How long a period is.

        period: The current one; it may be cut short or made longer.

        billed: The lines that were billed for the current period, or for more.

        coupons: For the subscription as a whole. Of a coupon that was given it is known when it
            ends; a mere one is taken off as long as it stands here, or of the current period
            alone where it is for one invoice.

        events: When each event happened that ends a coupon, as far as it has happened.

        trial_end: Until when nothing is billed.

        paused_at: From when on nothing is billed; it may be to come.

        canceled_at: Since when there is nothing more.

        ends: Whether it ends with the period.

        upcoming: What items there will be from the period's end on; None when these stay.

        upcoming_anchor: Where periods are counted from then on; None when that stays.

        pending: Lines that wait for the next invoice.

        carried: The credit that lowers the next invoice; not negative.

    Raises:
        InvalidInput: ``proration.currency``, ``proration.duplicate_item``,
            ``proration.interval``, ``time.naive``, ``time.unknown_zone``.
    """

    id: str
    customer: str
    currency: str = field(converter=_code)
    items: tuple[SubscriptionItem, ...]
    anchor: datetime = field(converter=_anchor)
    zone: str = field(default="UTC", converter=_zone)
    interval: Interval
    period: Period
    billed: tuple[BilledLine, ...] = ()
    coupons: tuple[Coupon | GivenCoupon, ...] = ()
    events: Mapping[str, datetime] = field(factory=dict)
    trial_end: datetime | None = field(default=None, converter=_instant)
    paused_at: datetime | None = field(default=None, converter=_instant)
    canceled_at: datetime | None = field(default=None, converter=_instant)
    ends: bool = False
    upcoming: tuple[SubscriptionItem, ...] | None = None
    upcoming_anchor: datetime | None = field(default=None, converter=_instant)
    pending: tuple[Line, ...] = ()
    carried: Money = Factory(_no_credit, takes_self=True)

    def __attrs_post_init__(self) -> None:
        check_items(self.items, self.currency, self.interval)
        for line in self.billed:
            if line.net.currency.code != self.currency:
                raise currency_change(line.net.currency.code, self.currency)

    def item(self, id: str) -> SubscriptionItem:
        """
        The item of an id.

        Raises:
            InvalidInput: ``proration.unknown_item``.
        """
        for each in self.items:
            if each.id == id:
                return each
        raise InvalidInput(
            "The subscription has no such item",
            code="proration.unknown_item",
            field="item",
            value=id,
            remedy=f"name one of {', '.join(each.id for each in self.items)}",
        )


def billed_line(line: Line, period: Period) -> BilledLine:
    """The line, as billed for a period; inside this room only."""
    return BilledLine(
        id=line.id,
        item=line.item,
        period=period,
        net=line.net,
        price=line.price,
        quantity=line.quantity,
        exact=line.exact,
    )


def paid_of(line: BilledLine) -> Money:
    """
    What was paid of a line.

    Raises:
        InvalidInput: ``proration.paid_unknown``.
    """
    if line.paid is None:
        raise InvalidInput(
            "It is not known what was paid of this line, and the policy asks for it",
            code="proration.paid_unknown",
            field="paid",
            value=line.id,
            remedy="give BilledLine(paid=...), zero when nothing was; or choose Unpaid.ALL with"
            " Leftover.CARRY or CREDIT_NOTE",
        )
    return line.paid


def check_items(items: Iterable[SubscriptionItem], currency: str, interval: Interval) -> None:
    """Refuses items that can't be billed together; inside this room only."""
    seen: set[str] = set()
    for each in items:
        if each.price.currency != currency:
            raise currency_change(each.price.currency, currency)
        if each.id in seen:
            raise duplicate_item(each.id)
        seen.add(each.id)
        if each.price.interval != interval:
            raise InvalidInput(
                "The items of a subscription are billed in one rhythm",
                code="proration.interval",
                field="price",
                value=each.price.id,
                remedy="give all items prices of one interval, in one change; or make another"
                " subscription",
            )


def duplicate_item(id: str) -> InvalidInput:
    """The error for two items of one id; inside this room only."""
    return InvalidInput(
        "Two items have the same id",
        code="proration.duplicate_item",
        field="items",
        value=id,
        remedy="give each item an id of its own, or change the quantity of the one",
    )


def check_quantity(quantity: int) -> None:
    """Refuses what is no quantity; inside this room only."""
    if type(quantity) is not int or quantity < 0:  # nor a bool
        raise InvalidInput(
            "A quantity is a whole number from 0 on",
            code="proration.quantity",
            field="quantity",
            value=quantity,
            remedy="pass an int; to give units back, change to the lower quantity",
        )
