"""What is to come with a later period: changes that wait, phases of prices, ends of coupons."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Context, Decimal, localcontext

import pytest
from attrs import evolve
from tests.billing.proration.test_changes import (
    BASE,
    DAY_11,
    DAY_21,
    MONTH,
    PRO,
    SEATS,
    YEARLY,
    april,
    eur,
    nets,
    plan,
    unbilled,
)

from retainkit.billing.prices import Coupon, Duration, GivenCoupon, Phase, PriceSchedule
from retainkit.billing.proration import (
    RECOMMENDED,
    AddItem,
    Anchor,
    Behavior,
    Cancel,
    Change,
    ChangePrice,
    ChangeQuantity,
    EndTrial,
    Pause,
    Preview,
    RemoveItem,
    Resume,
    StartTrial,
    Subscription,
    SubscriptionItem,
    When,
    preview_change,
    preview_renewal,
    preview_start,
)
from retainkit.errors import InvalidInput, Refused
from retainkit.timing import Interval


LATER = evolve(RECOMMENDED, when=When.PERIOD_END)
MAY = datetime(2025, 5, 1, tzinfo=UTC)
UP = ChangePrice(item="plan", price=PRO)


def two() -> Subscription:
    """A plan for 30.00 and three seats for 10.00 each, billed for April."""
    items = (
        SubscriptionItem(id="plan", price=BASE),
        SubscriptionItem(id="seats", price=SEATS, quantity=3),
    )
    return preview_start(unbilled(items=items)).after


def following(preview: Preview) -> list[str]:
    """The amounts of the next invoice."""
    assert preview.next_invoice is not None
    return [str(line.net.amount) for line in preview.next_invoice.lines]


def later(subscription: Subscription, *changes: Change) -> Preview:
    """Changes at the end of the period."""
    return preview_change(subscription, changes, at=DAY_11, policy=LATER)


def test_a_second_change_at_the_period_end_leaves_the_first_one() -> None:
    """The plan rises and seats are added in May, whichever was asked for first."""
    first = later(two(), UP)
    second = later(first.after, ChangeQuantity(item="seats", quantity=5))
    assert following(second) == ["60.00", "50.00"]
    turned = later(two(), ChangeQuantity(item="seats", quantity=5))
    assert following(later(turned.after, UP)) == ["60.00", "50.00"]


@pytest.mark.parametrize(
    ("change", "now", "then"),
    [
        (ChangeQuantity(item="seats", quantity=5), ["-10.00", "16.67"], ["60.00", "50.00"]),
        (
            AddItem(item=SubscriptionItem(id="sso", price=plan("sso", "15"))),
            ["5.00"],
            ["60.00", "30.00", "15.00"],
        ),
        (RemoveItem(item="seats"), ["-10.00"], ["60.00"]),
        (
            AddItem(item=SubscriptionItem(id="setup", price=plan("setup", "99", None))),
            ["99.00"],
            ["60.00", "30.00"],
        ),
    ],
)
def test_a_change_now_leaves_what_is_to_come(
    change: Change, now: list[str], then: list[str]
) -> None:
    """A plan that changes in May changes, whatever else was changed in April."""
    preview = preview_change(later(two(), UP).after, change, at=DAY_21)
    assert nets(preview) == now
    assert following(preview) == then
    renewal = preview_renewal(preview.after)
    assert renewal.after.upcoming is None
    assert renewal.after.item("plan").price == PRO


def test_a_change_now_of_the_very_item_replaces_what_is_to_come() -> None:
    """Who upgrades at once does not fall back to what was planned before."""
    least = ChangePrice(item="plan", price=plan("least", "10"))
    preview = preview_change(later(two(), least).after, UP, at=DAY_21)
    assert following(preview) == ["60.00", "30.00"]
    assert preview.after.upcoming is None


def test_an_item_that_ends_with_the_period_may_change_until_then() -> None:
    """Seats that are gone in May can be fewer in April."""
    ending = later(two(), RemoveItem(item="seats")).after
    preview = preview_change(ending, ChangeQuantity(item="seats", quantity=1), at=DAY_21)
    assert nets(preview) == ["-10.00", "3.33"]
    assert following(preview) == ["30.00"]
    gone = preview_change(ending, RemoveItem(item="plan"), at=DAY_21)
    assert following(gone) == ["30.00"]


def test_another_interval_at_the_period_end_keeps_or_resets_the_anchor() -> None:
    """The rest of the anchor's year, or a whole one from May on."""
    yearly = ChangePrice(item="plan", price=YEARLY)
    assert following(later(april(), yearly)) == ["335.00"]
    reset = preview_change(april(), yearly, at=DAY_11, policy=evolve(LATER, anchor=Anchor.RESET))
    assert following(reset) == ["365.00"]
    renewal = preview_renewal(reset.after)
    assert (renewal.after.anchor, renewal.after.period.start) == (MAY, MAY)
    assert renewal.after.upcoming_anchor is None
    given = later(april(), evolve(yearly, anchor=datetime(2025, 7, 1, tzinfo=UTC)))
    assert following(given) == ["61.00"]


def test_a_pause_at_the_period_end_is_no_end() -> None:
    """April is used, May is not billed, and who comes back pays the rest."""
    pause = later(april(), Pause())
    assert (pause.lines, pause.next_invoice) == ((), None)
    assert pause.after.paused_at == MAY
    assert not pause.after.ends
    more = preview_change(pause.after, UP, at=DAY_21)
    assert nets(more) == ["-10.00", "20.00"]
    back = preview_change(more.after, Resume(), at=datetime(2025, 6, 16, tzinfo=UTC))
    assert nets(back) == ["30.00"]


def test_a_pause_that_is_to_come_can_be_taken_back() -> None:
    """Nothing was given back, so there is nothing to charge."""
    back = preview_change(later(april(), Pause()).after, Resume(), at=DAY_21)
    assert back.lines == ()
    assert back.after.paused_at is None
    assert following(back) == ["30.00"]


def test_what_was_to_come_has_come_after_a_pause() -> None:
    """A plan that was to change in May has changed when it is resumed in June."""
    paused = preview_change(later(april(), UP).after, Pause(), at=DAY_21).after
    back = preview_change(paused, Resume(), at=datetime(2025, 6, 16, tzinfo=UTC))
    assert nets(back) == ["30.00"]
    assert back.after.item("plan").price == PRO


@pytest.mark.parametrize("change", [Resume(), EndTrial(), StartTrial(until=MAY)])
def test_what_has_an_instant_is_not_put_off(change: Change) -> None:
    """A trial, or the end of a pause, at a period's end is refused, and not left out."""
    with pytest.raises(InvalidInput) as refused:
        later(april(), change)
    error = refused.value
    assert (error.code, error.field) == ("proration.when", "change")
    assert error.value == type(change).__name__
    assert error.remedy


def test_a_cancellation_at_the_period_end_stays_one() -> None:
    """A change in the meantime does not bring it back."""
    ending = later(two(), Cancel()).after
    preview = preview_change(ending, UP, at=DAY_21)
    assert nets(preview) == ["-10.00", "20.00"]
    assert preview.next_invoice is None


ONCE = Coupon(id="welcome", percent=Decimal(50), duration=Duration.ONCE)


def test_a_coupon_for_one_invoice_is_taken_off_one() -> None:
    """Half of April; the change keeps it, the next period does not have it."""
    start = april(coupons=(ONCE,))
    assert start.billed[0].net == eur("15")
    preview = preview_change(start, UP, at=DAY_21)
    assert nets(preview) == ["-5.00", "10.00"]
    assert following(preview) == ["60.00"]
    renewed = preview_renewal(preview.after).after
    assert renewed.coupons == ()
    yearly = ChangePrice(item="plan", price=YEARLY)
    reset = preview_change(
        start, yearly, at=DAY_21, policy=evolve(RECOMMENDED, anchor=Anchor.RESET)
    )
    assert nets(reset) == ["-5.00", "365.00"]


def test_a_coupon_of_an_item_for_one_invoice_is_taken_off_one() -> None:
    """As one for the whole subscription."""
    item = SubscriptionItem(id="plan", price=BASE, discounts=(ONCE,))
    start = preview_start(unbilled(items=(item,)))
    assert nets(start) == ["15.00"]
    assert following(start) == ["30.00"]
    renewal = preview_renewal(start.after)
    assert renewal.after.item("plan").discounts == ()


def test_a_trial_does_not_use_a_coupon_up() -> None:
    """What was not billed had nothing taken off."""
    start = unbilled(coupons=(ONCE,), trial_end=datetime(2025, 5, 10, tzinfo=UTC))
    preview = preview_change(start, ChangeQuantity(item="plan", quantity=2), at=DAY_21)
    assert preview.next_invoice is not None
    assert following(preview) == ["10.65"]  # 22 of 31 days of 30.00, and half of that


def test_an_offer_that_was_accepted_is_taken_off_the_next_invoice_once() -> None:
    """Given on the 11th: May has it, April and June have not."""
    offer = GivenCoupon(coupon=ONCE, since=DAY_11)
    preview = preview_change(evolve(april(), coupons=(offer,)), UP, at=DAY_21)
    assert nets(preview) == ["-10.00", "20.00"]
    assert following(preview) == ["30.00"]
    renewal = preview_renewal(preview.after)
    assert nets(renewal) == ["30.00"]
    assert following(renewal) == ["60.00"]
    assert preview_renewal(renewal.after).after.coupons == ()


def test_a_coupon_for_a_time_ends_with_it() -> None:
    """Two months from 1 April: April and May, not June."""
    coupon = Coupon(id="two", percent=Decimal(50), duration=Interval(count=2, unit="month"))
    given = GivenCoupon(coupon=coupon, since=datetime(2025, 4, 1, tzinfo=UTC))
    start = preview_start(unbilled(coupons=(given,)))
    assert nets(start) == ["15.00"]
    may = preview_renewal(start.after)
    assert nets(may) == ["15.00"]
    assert following(may) == ["30.00"]


def test_a_coupon_until_an_event_ends_with_it() -> None:
    """Twenty percent until the integration is there: it came on the 11th, so May is whole."""
    coupon = Coupon(id="promised", percent=Decimal(20), until_event="integration")
    given = GivenCoupon(coupon=coupon, since=datetime(2025, 4, 1, tzinfo=UTC))
    start = april(coupons=(given,))
    waiting = preview_change(start, UP, at=DAY_21)
    assert following(waiting) == ["48.00"]
    there = preview_change(evolve(start, events={"integration": DAY_11}), UP, at=DAY_21)
    assert nets(there) == ["-8.00", "16.00"]
    assert following(there) == ["60.00"]


def phased() -> Subscription:
    """40 % off in April, 20 % in May, then the list price."""
    schedule = PriceSchedule(
        price=PRO,
        phases=(
            Phase(length=MONTH, percent_off=Decimal(40)),
            Phase(length=MONTH, percent_off=Decimal(20)),
        ),
        start=datetime(2025, 4, 1, tzinfo=UTC),
        zone="UTC",
    )
    price = schedule.price_at(schedule.start).price
    item = SubscriptionItem(id="plan", price=price, schedule=schedule)
    return preview_start(unbilled(items=(item,))).after


def test_each_period_has_the_price_of_its_phase() -> None:
    """36.00, 48.00, 60.00; a change of quantity keeps the phases."""
    start = phased()
    assert start.billed[0].net == eur("36")
    preview = preview_change(start, ChangeQuantity(item="plan", quantity=2), at=DAY_21)
    assert following(preview) == ["48.00"]
    may = preview_renewal(preview.after)
    assert nets(may) == ["48.00"]
    assert following(may) == ["60.00"]
    assert may.after.item("plan").quantity == 2


def test_a_new_period_at_a_change_has_the_price_of_its_phase() -> None:
    """A rhythm that is reset, or resumed, in May begins with May's price."""
    paused = preview_change(phased(), Pause(), at=DAY_21).after
    back = preview_change(paused, Resume(), at=MAY)
    assert nets(back) == ["48.00"]
    assert following(back) == ["60.00"]


def test_another_price_ends_the_phases_or_brings_its_own() -> None:
    """Nothing falls back to a plan that was left."""
    start = phased()
    other = ChangePrice(item="plan", price=BASE)
    assert following(preview_change(start, other, at=DAY_21)) == ["30.00"]
    schedule = start.item("plan").schedule
    assert schedule is not None
    own = evolve(other, schedule=evolve(schedule, price=BASE))
    assert following(preview_change(start, own, at=DAY_21)) == ["24.00"]


def test_a_fee_twice_in_one_change_is_refused() -> None:
    """Two lines of one id could not be told apart; on two days they can."""
    fee = AddItem(item=SubscriptionItem(id="setup", price=plan("setup", "99", None)))
    with pytest.raises(InvalidInput) as refused:
        preview_change(april(), (fee, fee), at=DAY_11)
    error = refused.value
    assert (error.code, error.field, error.value) == ("proration.duplicate_item", "items", "setup")
    waits = evolve(RECOMMENDED, behavior=Behavior.CREATE)
    first = preview_change(april(), fee, at=DAY_11, policy=waits)
    second = preview_change(first.after, fee, at=DAY_21, policy=waits)
    ids = [line.id for line in second.after.pending]
    assert len(set(ids)) == len(ids) == 2


def test_a_credit_that_no_invoice_can_lower_is_a_credit_note() -> None:
    """A cancellation under the default carries nothing: there is no next invoice."""
    ended = preview_change(april(), Cancel(), at=DAY_21)
    assert ended.settlement.credit_note == eur("10")
    assert ended.settlement.carried == ended.after.carried == eur("0")
    lower = preview_change(april(PRO), ChangePrice(item="plan", price=BASE), at=DAY_21)
    assert lower.settlement.carried == lower.after.carried == eur("10")


def test_what_was_not_shown_is_refused_in_any_decimal_context() -> None:
    """The amounts in the error are written exactly, where a short context can't round them."""
    large = preview_change(april(plan("large", "123456789.12")), Cancel(), at=DAY_21).without_tax()
    with localcontext(Context(prec=5)), pytest.raises(Refused) as refused:
        large.apply(eur("0"))
    assert (refused.value.code, refused.value.value) == ("proration.total_shown", "0.00 EUR")
    assert refused.value.remedy == "show -41152263.04 EUR, and ask again"
