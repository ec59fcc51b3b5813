"""What can't be right is refused, by name, with the value and the way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from attrs import evolve
from tests.billing.proration.test_changes import (
    BASE,
    DAY_11,
    DAY_21,
    MONTH,
    PRO,
    YEARLY,
    april,
    eur,
    plan,
)

from retainkit.billing.prices import Flat, Price
from retainkit.billing.proration import (
    RECOMMENDED,
    AddItem,
    Cancel,
    Change,
    ChangePrice,
    ChangeQuantity,
    EndTrial,
    Granularity,
    Leftover,
    Pause,
    ProrationPolicy,
    RemoveItem,
    Resume,
    StartTrial,
    SubscriptionItem,
    change_amounts,
    interval_ratio,
    paid_until,
    preview_change,
    preview_renewal,
    preview_start,
    prorated,
    schedule,
    share_of,
)
from retainkit.errors import InvalidInput
from retainkit.money import money
from retainkit.timing import Interval, Period


DOLLARS = Price(id="usd", currency="USD", scheme=Flat(amount=money("30", "USD")), interval=MONTH)
MAY = datetime(2025, 5, 1, tzinfo=UTC)
NAIVE = datetime(2025, 4, 21)


def change(changed: Change | tuple[Change, ...], at: datetime = DAY_21) -> Callable[[], object]:
    """A preview of a subscription for April."""
    return lambda: preview_change(april(), changed, at=at)


def pro() -> ChangePrice:
    """An upgrade."""
    return ChangePrice(item="plan", price=PRO)


WRONG: dict[str, tuple[Callable[[], object], str, str, object]] = {
    "after the period": (
        change(pro(), MAY),
        "proration.outside_period",
        "at",
        "2025-05-01T00:00:00+00:00",
    ),
    "naive": (change(pro(), NAIVE), "time.naive", "at", "2025-04-21T00:00:00"),
    "end before start": (
        lambda: Period(start=DAY_21, end=DAY_11),
        "time.end_before_start",
        "end",
        "2025-04-11T00:00:00+00:00",
    ),
    "unknown zone": (
        lambda: evolve(april(), zone="Europe/Atlantis"),
        "time.unknown_zone",
        "zone",
        "Europe/Atlantis",
    ),
    "no change": (change(()), "proration.no_change", "change", ()),
    "another currency": (
        change(ChangePrice(item="plan", price=DOLLARS)),
        "proration.currency",
        "currency",
        "USD",
    ),
    "an item in another currency": (
        change(AddItem(item=SubscriptionItem(id="new", price=DOLLARS))),
        "proration.currency",
        "currency",
        "USD",
    ),
    "a fee in another currency": (
        change(AddItem(item=SubscriptionItem(id="fee", price=evolve(DOLLARS, interval=None)))),
        "proration.currency",
        "currency",
        "USD",
    ),
    "amounts in two currencies": (
        lambda: change_amounts(eur("1"), money("1", "USD"), Fraction(1, 2), RECOMMENDED),
        "proration.currency",
        "currency",
        "USD",
    ),
    "an unknown item": (
        change(RemoveItem(item="nothing")),
        "proration.unknown_item",
        "item",
        "nothing",
    ),
    "an item twice": (
        change(AddItem(item=SubscriptionItem(id="plan", price=BASE))),
        "proration.duplicate_item",
        "items",
        "plan",
    ),
    "two rhythms": (
        change(AddItem(item=SubscriptionItem(id="new", price=YEARLY))),
        "proration.interval",
        "price",
        "yearly",
    ),
    "a negative quantity": (
        change(ChangeQuantity(item="plan", quantity=-1)),
        "proration.quantity",
        "quantity",
        -1,
    ),
    "half a seat": (
        lambda: SubscriptionItem(id="new", price=BASE, quantity=0.5),  # type: ignore[arg-type]
        "proration.quantity",
        "quantity",
        0.5,
    ),
    "the last item": (change(RemoveItem(item="plan")), "proration.no_items", "items", "sub"),
    "a resumption of nothing": (change(Resume()), "proration.not_paused", "change", None),
    "an end of no trial": (change(EndTrial()), "proration.trial", "change", None),
    "a trial that is over": (
        change(StartTrial(until=DAY_11)),
        "proration.trial",
        "until",
        "2025-04-11T00:00:00+00:00",
    ),
    "a change while paused": (
        change((Pause(), pro())),
        "proration.paused",
        "change",
        "ChangePrice",
    ),
    "a change after the end": (
        lambda: preview_change(
            preview_change(april(), Cancel(), at=DAY_11).after, pro(), at=DAY_21
        ),
        "proration.canceled",
        "subscription",
        "sub",
    ),
    "a renewal after the end": (
        lambda: preview_renewal(preview_change(april(), Cancel(), at=DAY_11).after),
        "proration.no_renewal",
        "subscription",
        "sub",
    ),
    "a first invoice twice": (
        lambda: preview_start(april()),
        "proration.started",
        "billed",
        "sub/plan/2025-04-01T00:00:00+00:00/0",
    ),
    "a float share": (
        lambda: prorated(eur("1"), 0.5, RECOMMENDED),  # type: ignore[arg-type]
        "proration.share",
        "share",
        0.5,
    ),
    "a negative share": (
        lambda: prorated(eur("1"), Fraction(-1, 2), RECOMMENDED),
        "proration.share",
        "share",
        Fraction(-1, 2),
    ),
    "no day in the period": (
        lambda: share_of(
            Period(start=DAY_11, end=DAY_11.replace(hour=1)),
            evolve(RECOMMENDED, granularity=Granularity.DAY),
            of=Period(start=DAY_11, end=DAY_11.replace(hour=2)),
        ),
        "proration.no_time",
        "of",
        ["2025-04-11T00:00:00+00:00", "2025-04-11T02:00:00+00:00"],
    ),
    "an end before the start": (
        lambda: schedule(DAY_21, MONTH, until=DAY_11, policy=RECOMMENDED),
        "proration.date_order",
        "until",
        "2025-04-11T00:00:00+00:00",
    ),
    "months of days": (
        lambda: interval_ratio(Interval(unit="day"), MONTH),
        "proration.intervals",
        "part",
        "1 day of 1 month",
    ),
    "a free plan for a credit": (
        lambda: paid_until(eur("5"), eur("0"), at=DAY_11, of=april().period),
        "proration.free",
        "price",
        "0.00",
    ),
    "an option out of range": (
        lambda: ProrationPolicy(factor_scale=-1),
        "proration.option",
        "factor_scale",
        -1,
    ),
    "an unknown option": (
        lambda: ProrationPolicy(granularity="fortnight"),  # type: ignore[arg-type]
        "proration.option",
        "granularity",
        "fortnight",
    ),
    "an unknown payment": (
        lambda: (
            preview_change(
                april(), Cancel(), at=DAY_21, policy=evolve(RECOMMENDED, leftover=Leftover.REFUND)
            ).settlement
        ),
        "proration.paid_unknown",
        "paid",
        "sub/plan/2025-04-01T00:00:00+00:00/0",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_it_is_refused(case: str) -> None:
    """Each with its code, its field, the value and a remedy."""
    call, code, field, value = WRONG[case]
    with pytest.raises(InvalidInput) as refused:
        call()
    error = refused.value
    assert (error.code, error.field, error.value) == (code, field, value)
    assert error.remedy


def test_a_refused_change_leaves_the_subscription_as_it_was() -> None:
    """Values don't change, so nothing is half done."""
    before = april()
    with pytest.raises(InvalidInput):
        preview_change(before, (pro(), RemoveItem(item="nothing")), at=DAY_21)
    assert before == april()
    assert plan("base", "30") == BASE
