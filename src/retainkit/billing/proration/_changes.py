"""What can be changed, and the terms that come of it; what they cost is in ``_change_lines``."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, assert_never

from attrs import evolve, field, frozen

from retainkit.billing.prices import Price, PriceSchedule
from retainkit.billing.proration._amounts import currency_change
from retainkit.billing.proration._subscription import (
    Subscription,
    SubscriptionItem,
    check_items,
    check_quantity,
    duplicate_item,
)
from retainkit.errors import InvalidInput
from retainkit.timing import Interval, utc


def _until(dt: datetime) -> datetime:
    return utc(dt, "until")


@frozen(kw_only=True)
class ChangePrice:
    """
    Another price for an item: an upgrade, a downgrade, another interval.

    Args:
        item: The id of the item.

        price: The new one, in the same currency.

        quantity: How many units from then on; as many as before unless given.

        anchor: Where periods are counted from, for another interval; as the policy says unless
            given.

        schedule: How the price changes with later periods; it stays unless given.
    """

    item: str
    price: Price
    quantity: int | None = None
    anchor: datetime | None = None
    schedule: PriceSchedule | None = None


@frozen(kw_only=True)
class ChangeQuantity:
    """Another quantity of an item."""

    item: str
    quantity: int


@frozen(kw_only=True)
class AddItem:
    """Another item. One with a one-off price is charged whole at once, and is no item later."""

    item: SubscriptionItem


@frozen(kw_only=True)
class RemoveItem:
    """An item less."""

    item: str


@frozen(kw_only=True)
class Pause:
    """Nothing is billed from now on."""


@frozen(kw_only=True)
class Resume:
    """It is billed again after a pause; before one that is to come, there will be none."""


@frozen(kw_only=True)
class StartTrial:
    """Nothing is billed until an instant."""

    until: datetime = field(converter=_until)


@frozen(kw_only=True)
class EndTrial:
    """The trial is over now."""


@frozen(kw_only=True)
class Cancel:
    """There is nothing more from now on."""


Change: TypeAlias = (
    ChangePrice
    | ChangeQuantity
    | AddItem
    | RemoveItem
    | Pause
    | Resume
    | StartTrial
    | EndTrial
    | Cancel
)
"""What `preview_change` takes, one or a tuple of them at one instant."""


@frozen(kw_only=True)
class Terms:
    """What holds after the changes; inside this room only."""

    items: tuple[SubscriptionItem, ...]
    fees: tuple[SubscriptionItem, ...] = ()
    interval: Interval
    anchor: datetime | None = None
    trial_end: datetime | None = None
    paused_at: datetime | None = None
    paused: bool = False
    canceled: bool = False
    begins: bool = False
    """Whether billing begins again, after a pause or a trial."""

    @property
    def active(self) -> bool:
        """Whether anything is billed."""
        return not self.paused and not self.canceled


def terms_after(subscription: Subscription, changes: tuple[Change, ...], at: datetime) -> Terms:
    """
    The terms after all changes, checked; inside this room only.

    Raises:
        InvalidInput: ``proration.unknown_item``, ``proration.duplicate_item``,
            ``proration.currency``, ``proration.interval``, ``proration.quantity``,
            ``proration.paused``, ``proration.not_paused``, ``proration.trial``,
            ``proration.no_items``.
    """
    items = subscription.items
    if subscription.upcoming is not None and at >= subscription.period.end:
        items = subscription.upcoming
    paused_at = subscription.paused_at
    terms = Terms(
        items=items,
        interval=subscription.interval,
        trial_end=subscription.trial_end,
        paused_at=paused_at,
        paused=paused_at is not None and paused_at <= at,
    )
    for change in changes:
        _check_not_paused(terms, change)
        terms = _changed(terms, change, subscription, at)
    if not terms.items:
        raise InvalidInput(
            "A subscription has an item, or else it is canceled",
            code="proration.no_items",
            field="items",
            value=subscription.id,
            remedy="use Cancel to end it",
        )
    recurring = terms.items[0].price.interval
    if recurring is not None and recurring != terms.interval:
        terms = evolve(terms, interval=recurring)
    check_items(terms.items, subscription.currency, terms.interval)
    for fee in terms.fees:
        if [each.id for each in terms.fees].count(fee.id) > 1:
            raise duplicate_item(fee.id)
        if fee.price.currency != subscription.currency:
            raise currency_change(fee.price.currency, subscription.currency)
    return terms


def _changed(terms: Terms, change: Change, subscription: Subscription, at: datetime) -> Terms:
    match change:
        case ChangePrice() | ChangeQuantity():
            return _with_item(terms, change, subscription)
        case AddItem():
            if change.item.price.interval is None:
                return evolve(terms, fees=(*terms.fees, change.item))
            return evolve(terms, items=(*terms.items, change.item))
        case RemoveItem():
            _item(terms, change.item)
            return evolve(terms, items=tuple(i for i in terms.items if i.id != change.item))
        case Pause():
            return evolve(terms, paused_at=at, paused=True)
        case Resume():
            if terms.paused_at is None:
                raise _not_now("This subscription is not paused", "proration.not_paused", "Pause")
            return evolve(terms, paused_at=None, paused=False, begins=terms.paused)
        case StartTrial() | EndTrial():
            return _with_trial(terms, change, at)
        case Cancel():
            return evolve(terms, canceled=True)
        case _:
            assert_never(change)


def _check_not_paused(terms: Terms, change: Change) -> None:
    if terms.paused and not isinstance(change, Resume | Cancel):
        raise InvalidInput(
            "A paused subscription is resumed before it is changed",
            code="proration.paused",
            field="change",
            value=type(change).__name__,
            remedy="put a Resume before it: (Resume(), ChangePrice(...))",
        )


def _with_item(
    terms: Terms, change: ChangePrice | ChangeQuantity, subscription: Subscription
) -> Terms:
    new = _changed_item(_item(terms, change.item), change, subscription.currency)
    items = tuple(new if each.id == new.id else each for each in terms.items)
    anchor = change.anchor if isinstance(change, ChangePrice) else None
    return evolve(terms, items=items, anchor=anchor or terms.anchor)


def _changed_item(
    old: SubscriptionItem, change: ChangePrice | ChangeQuantity, currency: str
) -> SubscriptionItem:
    if isinstance(change, ChangeQuantity):
        check_quantity(change.quantity)
        return evolve(old, quantity=change.quantity)
    if change.price.currency != currency:
        raise currency_change(change.price.currency, currency)
    quantity = old.quantity if change.quantity is None else change.quantity
    check_quantity(quantity)
    return SubscriptionItem(
        id=old.id,
        price=change.price,
        quantity=quantity,
        discounts=old.discounts,
        schedule=change.schedule,
    )


def upcoming_after(
    subscription: Subscription, changes: tuple[Change, ...]
) -> tuple[SubscriptionItem, ...] | None:
    """
    The items that are to come with the next period, after changes that are made before it: what
    is changed now is changed then, too, and all else comes as it was to; inside this room only.

    Raises:
        InvalidInput: ``proration.interval``, ``proration.currency``, ``proration.quantity``.
    """
    if subscription.upcoming is None:
        return None
    items = {item.id: item for item in subscription.upcoming}
    for change in changes:
        if isinstance(change, ChangePrice | ChangeQuantity) and change.item in items:
            items[change.item] = _changed_item(items[change.item], change, subscription.currency)
        elif isinstance(change, AddItem) and change.item.price.interval is not None:
            items[change.item.id] = change.item
        elif isinstance(change, RemoveItem):
            items.pop(change.item, None)
    found = tuple(items.values())
    if not found or found[0].price.interval is None:
        return None
    check_items(found, subscription.currency, found[0].price.interval)
    return found


def _with_trial(terms: Terms, change: StartTrial | EndTrial, at: datetime) -> Terms:
    if isinstance(change, EndTrial):
        if terms.trial_end is None or terms.trial_end <= at:
            raise _not_now("There is no trial to end", "proration.trial", "StartTrial")
        return evolve(terms, trial_end=at, begins=True)
    if change.until <= at:
        raise InvalidInput(
            "A trial ends after it starts",
            code="proration.trial",
            field="until",
            value=change.until.isoformat(),
            remedy=f"give an instant after {at.isoformat()}",
        )
    return evolve(terms, trial_end=change.until)


def _item(terms: Terms, id: str) -> SubscriptionItem:
    for each in terms.items:
        if each.id == id:
            return each
    raise InvalidInput(
        "The subscription has no such item",
        code="proration.unknown_item",
        field="item",
        value=id,
        remedy=f"name one of {', '.join(each.id for each in terms.items)}",
    )


def _not_now(message: str, code: str, before: str) -> InvalidInput:
    return InvalidInput(
        message,
        code=code,
        field="change",
        value=None,
        remedy=f"leave it out; only after a {before} is there anything to do",
    )
