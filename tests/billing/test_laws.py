"""The laws of billing, held by a thousand invented subscriptions and changes each."""

from __future__ import annotations

import decimal
import locale
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from retainkit.billing.prices import Coupon, Flat, Graduated, PerUnit, Price, Tier, Volume
from retainkit.billing.proration import (
    BROKEN_LAWS,
    PROFILES,
    RECOMMENDED,
    STRIPE_CLASSIC,
    AddItem,
    Behavior,
    Bill,
    Cancel,
    Change,
    ChangePrice,
    ChangeQuantity,
    Denominator,
    Granularity,
    Law,
    Leftover,
    Preview,
    ProrationPolicy,
    RemoveItem,
    Subscription,
    SubscriptionItem,
    preview_change,
    preview_changes,
    preview_start,
    prorated,
    share_of,
    split_billed,
)
from retainkit.billing.tax import Buyer, Rate, RateTable, Seller, TaxBehavior, calculate
from retainkit.money import Money, allocate_units, from_minor, money, to_minor, to_units, total
from retainkit.timing import Interval, Period, period_at


THOUSAND = settings(
    max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
HUNDRED = settings(THOUSAND, max_examples=100)

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu")
INTERVALS = (
    Interval(unit="month"),
    Interval(count=3, unit="month"),
    Interval(unit="year"),
    Interval(count=2, unit="week"),
)
TABLES = {
    percent: RateTable(
        rates=(
            Rate(
                country="DE",
                rate=Fraction(percent, 100),
                valid_from=date(2000, 1, 1),
                source="made up",
            ),
        ),
        data_as_of=date(2025, 1, 1),
    )
    for percent in (1, 7, 19, 27)
}
DAILY = evolve(RECOMMENDED, name="daily", granularity=Granularity.DAY)


@frozen(kw_only=True)
class Story:
    """A subscription that was billed, and changes at instants in order."""

    start: Subscription
    changes: tuple[tuple[Change, datetime], ...]


def price(kind: int, units: int, currency: str, interval: Interval) -> Price:
    """One of several schemes at an amount in thousandths of a unit of the currency."""
    each = money(Decimal(units).scaleb(-3), currency)
    schemes = (
        Flat(amount=each),
        PerUnit(amount=each),
        Graduated(tiers=(Tier(up_to=3, unit=each), Tier(unit=each, flat=each))),
        Volume(tiers=(Tier(up_to=2, unit=each), Tier(unit=money("0.01", currency)))),
    )
    return Price(
        id=f"price-{kind}-{units}",
        currency=currency,
        scheme=schemes[kind],
        interval=interval,
    )


@st.composite
def stories(
    draw: st.DrawFn,
    policy: ProrationPolicy = RECOMMENDED,
    *,
    most: int = 3,
    currencies: Sequence[str] = ("EUR", "JPY", "BHD"),
) -> Story:
    """A subscription in any zone and rhythm, billed for its period, with a few changes."""
    numbers = draw(st.lists(st.integers(0, 10**6), min_size=14, max_size=14))
    currency = currencies[numbers[0] % len(currencies)]
    interval = INTERVALS[numbers[1] % 4]
    zone = ZONES[numbers[2] % 5]
    anchor = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=numbers[3])
    at = anchor + timedelta(days=numbers[4] % 900)
    coupons = (
        (),
        (Coupon(id="tenth", percent=Decimal("12.5")),),
        (Coupon(id="five", amount=money(5, currency)),),
    )[numbers[5] % 3]
    start = Subscription(
        id="sub",
        customer="customer",
        currency=currency,
        items=tuple(
            SubscriptionItem(
                id=f"item-{n}",
                price=price(numbers[6 + n] % 4, numbers[6 + n], currency, interval),
                quantity=numbers[8 + n] % 9,
            )
            for n in range(1 + numbers[8] % 2)
        ),
        anchor=anchor,
        zone=zone,
        interval=interval,
        period=period_at(anchor, interval, zone, at),
        coupons=coupons,
    )
    start = preview_start(start, policy=policy).after
    length = (start.period.end - start.period.start) // timedelta(seconds=1)
    offsets = sorted(number % length for number in numbers[10 : 10 + most])
    changes = []
    for number, offset in zip(numbers[4:], offsets, strict=False):
        new = price(number % 4, number, currency, interval)
        change: Change = (
            ChangePrice(item="item-0", price=new),
            ChangeQuantity(item="item-0", quantity=number % 20),
            ChangePrice(item="item-0", price=new, quantity=number % 7),
        )[number % 3]
        changes.append((change, start.period.start + timedelta(seconds=offset)))
    return Story(start=start, changes=tuple(changes))


def lived(story: Story, policy: ProrationPolicy) -> Iterator[Preview]:
    """The previews of a story, each of what the one before has left."""
    subscription = story.start
    for change, at in story.changes:
        preview = preview_change(subscription, change, at=at, policy=policy)
        yield preview
        subscription = preview.after


def undone(
    subscription: Subscription, change: Change, at: datetime, policy: ProrationPolicy
) -> int:
    """What a change costs that is taken back at the same instant."""
    there = preview_change(subscription, change, at=at, policy=policy)
    old = subscription.item("item-0")
    back = ChangePrice(item="item-0", price=old.price, quantity=old.quantity)
    again = preview_change(there.after, back, at=at, policy=policy)
    return to_minor(there.total) + to_minor(again.total)


def within_one_unit(previews: Sequence[Preview]) -> bool:
    """Whether every line is less than a minor unit from its exact amount."""
    return all(abs(to_units(line.net) - line.exact) < 1 for each in previews for line in each.lines)


def capped(previews: Sequence[Preview]) -> bool:
    """Whether no billed line was given back more than it was."""
    return all(
        0 <= to_units(line.credited) <= to_units(line.net)
        for each in previews
        for line in each.after.billed
    )


def kept_is_the_rest(first: Subscription, previews: Sequence[Preview]) -> bool:
    """Whether all that was billed, less all credits, is what the billed lines still hold."""
    billed = sum(to_minor(line.net) for line in first.billed)
    moved = sum(to_minor(each.total) for each in previews)
    held = sum(int(line.left) for line in previews[-1].after.billed) if previews else billed
    return billed + moved == held


# ------------------------------------------------------------------------ the default keeps all


@THOUSAND
@given(stories())
def test_however_often_terms_change_the_books_are_right(story: Story) -> None:
    """Lines are rounded once; kept and credited are what was billed; no credit is too high."""
    previews = list(lived(story, RECOMMENDED))
    assert within_one_unit(previews)
    assert kept_is_the_rest(story.start, previews)
    assert capped(previews)


@THOUSAND
@given(stories(most=2))
def test_up_and_at_once_down_costs_nothing(story: Story) -> None:
    """Also in a period that was changed before."""
    *before, (change, at) = story.changes
    subscription = story.start
    for earlier, instant in before:
        subscription = preview_change(subscription, earlier, at=instant).after
    assert undone(subscription, change, at, RECOMMENDED) == 0


@THOUSAND
@given(stories(most=3))
def test_a_change_that_is_backdated_gives_back_no_more_than_was_billed(story: Story) -> None:
    """Instants in any order: what is held is what was billed, and never below zero."""
    turned = evolve(
        story,
        changes=tuple(
            (change, at)
            for (change, _), (_, at) in zip(story.changes, reversed(story.changes), strict=True)
        ),
    )
    previews = list(lived(turned, DAILY))
    assert capped(previews)
    assert kept_is_the_rest(story.start, previews)


@THOUSAND
@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(any),
)
def test_allocation_keeps_the_sum(amount: int, weights: list[int]) -> None:
    """And each part is within one unit of its share."""
    parts = allocate_units(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1


@THOUSAND
@given(
    st.integers(0, 10**12),
    st.integers(0, 3_000_000),
    st.sampled_from((RECOMMENDED, *PROFILES.values())),
)
def test_a_billed_amount_is_split_without_a_rest(
    billed: int, second: int, policy: ProrationPolicy
) -> None:
    """Under every profile, the two parts of a line are the line."""
    split = split_billed(from_minor(billed, "EUR"), Fraction(second, 2_678_400), policy)
    assert to_minor(split.kept) + to_minor(split.credited) == billed
    assert to_minor(split.kept) >= 0 <= to_minor(split.credited)


@THOUSAND
@given(
    stories(most=1, currencies=("EUR",)),
    st.sampled_from(sorted(TABLES)),
    st.booleans(),
    st.sampled_from(Bill),
)
def test_the_total_is_the_net_and_the_tax_of_rounded_parts(
    story: Story, percent: int, inclusive: bool, bill: Bill
) -> None:
    """With tax on top or within, for a credit, a charge or the difference."""
    start = story.start
    if inclusive:
        items = tuple(
            evolve(item, price=evolve(item.price, tax_behavior=TaxBehavior.INCLUSIVE))
            for item in start.items
        )
        start = preview_start(evolve(start, items=items, billed=())).after
    (change, at), *_ = story.changes
    preview = preview_change(start, change, at=at, policy=evolve(RECOMMENDED, bill=bill))
    assume(preview.lines)
    request = preview.tax_request(seller=Seller(country="DE"), buyer=Buyer(country="DE"))
    taxed = preview.with_tax(calculate(request, TABLES[percent]))
    parts = [part for line in taxed.lines for part in line.tax]
    assert taxed.total == total((part.net for part in parts), "EUR") + total(
        (part.tax for part in parts), "EUR"
    )
    for line in taxed.lines:
        stated = (
            part.gross if line.behavior is TaxBehavior.INCLUSIVE else part.net for part in line.tax
        )
        assert total(stated, "EUR") == line.net


@THOUSAND
@given(stories(most=1), st.sampled_from(Behavior), st.sampled_from(Leftover))
def test_a_preview_is_what_is_applied(story: Story, behavior: Behavior, leftover: Leftover) -> None:
    """Line for line, and where the money goes adds up to the lines."""
    policy = evolve(RECOMMENDED, behavior=behavior, leftover=leftover)
    paid = tuple(evolve(line, paid=line.gross) for line in story.start.billed)
    (change, at), *_ = story.changes
    preview = preview_change(
        evolve(story.start, billed=paid), change, at=at, policy=policy
    ).without_tax()
    applied = preview.apply(preview.total, {line.id: line.net for line in preview.charges})
    assert applied.lines == preview.lines
    assert applied.settlement == preview.settlement
    assert applied.subscription.billed == preview.after.billed
    went = preview.settlement
    if not preview.pending:
        away = (went.carried, went.credit_note, went.refund, went.offset)
        assert to_minor(went.due) - sum(map(to_minor, away)) == to_minor(preview.total)


@THOUSAND
@given(stories(most=1))
def test_what_is_cancelled_at_once_is_given_back_whole(story: Story) -> None:
    """A cancellation at the start of the period credits every line to the cent."""
    preview = preview_change(story.start, Cancel(), at=story.start.period.start)
    assert to_minor(preview.total) == -sum(to_minor(line.net) for line in story.start.billed)


@THOUSAND
@given(st.integers(1, 10**8), st.integers(0, 10**4), st.integers(1, 10**4))
def test_shares_of_the_parts_of_a_period_are_the_whole(
    length: int, first: int, second: int
) -> None:
    """Cut anywhere, the parts add up to one; exactly, in seconds and in days."""
    start = datetime(2024, 1, 31, 9, 30, tzinfo=UTC)
    period = Period(start=start, end=start + timedelta(seconds=length + 20_001))
    cuts = {start + timedelta(seconds=1 + first), start + timedelta(seconds=1 + first + second)}
    parts = [share_of(part, RECOMMENDED, of=period).exact for part in period.split(*cuts)]
    assert sum(parts) == 1


@contextmanager
def elsewhere() -> Iterator[None]:
    """Another zone, locale and decimal context for the process."""
    zone, number = os.environ.get("TZ"), locale.setlocale(locale.LC_ALL)
    os.environ["TZ"] = "Pacific/Chatham"
    time.tzset()
    locale.setlocale(locale.LC_ALL, "C")
    try:
        with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_UP)):
            yield
    finally:
        locale.setlocale(locale.LC_ALL, number)
        if zone is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = zone
        time.tzset()


@THOUSAND
@given(stories(most=1))
def test_nothing_depends_on_where_it_runs(story: Story) -> None:
    """Neither on the machine's zone, nor the locale, nor the caller's decimal context."""
    (change, at), *_ = story.changes
    here = preview_change(story.start, change, at=at)
    with elsewhere():
        there = preview_change(story.start, change, at=at)
        assert there == here
        assert there.next_invoice == here.next_invoice
        assert [line.trail for line in there.lines] == [line.trail for line in here.lines]


@HUNDRED
@given(stories(most=1))
def test_order_of_items_changes_no_line(story: Story) -> None:
    """The same items in another order have the same lines."""
    turned = evolve(story.start, items=story.start.items[::-1], billed=story.start.billed[::-1])
    one = preview_change(story.start, Cancel(), at=story.start.period.start)
    other = preview_change(turned, Cancel(), at=story.start.period.start)
    assert {line.id: line for line in one.lines} == {line.id: line for line in other.lines}


@HUNDRED
@given(stories(most=1))
def test_many_at_once_are_what_each_is_alone(story: Story) -> None:
    """A batch gives the very previews that single calls give."""
    (change, at), *_ = story.changes
    subscriptions = [evolve(story.start, id=f"sub-{n}") for n in range(3)]
    alone = [preview_change(each, change, at=at) for each in subscriptions]
    assert list(preview_changes(subscriptions, change, at=at)) == alone


@HUNDRED
@given(stories(most=1))
def test_adding_and_removing_an_item_costs_nothing(story: Story) -> None:
    """An item that comes and goes at one instant leaves the books as they were."""
    (_, at), *_ = story.changes
    new = evolve(story.start.items[0], id="extra")
    there = preview_change(story.start, AddItem(item=new), at=at)
    back = preview_change(there.after, RemoveItem(item="extra"), at=at)
    assert to_minor(there.total) + to_minor(back.total) == 0


# --------------------------------------------------------------------- what each profile keeps


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_profiles_keep_the_laws_that_they_are_not_said_to_break(name: str) -> None:
    """Each law that is not declared broken holds under the profile, too."""
    policy, broken = PROFILES[name], BROKEN_LAWS[name]

    @HUNDRED
    @given(stories(policy))
    def holds(story: Story) -> None:
        previews = list(lived(story, policy))
        if Law.ONE_UNIT not in broken:
            assert within_one_unit(previews)
        if Law.CREDIT_CAP not in broken:
            assert capped(previews)
        if Law.KEPT_PLUS_CREDITED not in broken:
            assert kept_is_the_rest(story.start, previews)
        if Law.UP_AND_DOWN not in broken:
            change, at = story.changes[-1]
            assert undone(previews[-2].after, change, at, policy) == 0
        if Law.SPLIT_IS_WHOLE not in broken:
            period = story.start.period
            middle = period.start + period.length // 3
            shares = (
                share_of(part, policy, of=period, interval=story.start.interval).fraction
                for part in period.split(middle)
            )
            assert sum(shares) == 1

    holds()


def test_the_default_breaks_no_law() -> None:
    """It is said to break none, and every profile has its word."""
    assert BROKEN_LAWS["recommended"] == frozenset()
    assert set(BROKEN_LAWS) == {"recommended", *PROFILES}


def monthly(amount: str, policy: ProrationPolicy) -> Subscription:
    """A monthly plan of April 2025, billed."""
    interval = Interval(unit="month")
    start = datetime(2025, 4, 1, tzinfo=UTC)
    plan = Price(
        id="plan", currency="USD", scheme=Flat(amount=money(amount, "USD")), interval=interval
    )
    return preview_start(
        Subscription(
            id="sub",
            customer="customer",
            currency="USD",
            items=(SubscriptionItem(id="item-0", price=plan),),
            anchor=start,
            interval=interval,
            period=period_at(start, interval, "UTC", start),
        ),
        policy=policy,
    ).after


def test_stripe_classic_credits_more_than_was_billed() -> None:
    """An upgrade that was not billed is given back: 66.67 for 10.00."""
    subscription = monthly("10", STRIPE_CLASSIC)
    old = subscription.items[0].price
    high = evolve(old, id="high", scheme=Flat(amount=money(100, "USD")))
    silent = evolve(STRIPE_CLASSIC, behavior=Behavior.NONE)
    up = preview_change(
        subscription,
        ChangePrice(item="item-0", price=high),
        at=datetime(2025, 4, 11, tzinfo=UTC),
        policy=silent,
    )
    down = preview_change(
        up.after,
        ChangePrice(item="item-0", price=old),
        at=datetime(2025, 4, 11, tzinfo=UTC),
        policy=STRIPE_CLASSIC,
    )
    assert down.credits[0].net == money("-66.67", "USD")
    assert not capped([down])


def test_stripe_classic_does_not_undo_a_change_under_a_shared_coupon() -> None:
    """A coupon of two items is shared by their charges, and taken whole off the one credited."""
    subscription = monthly("30", STRIPE_CLASSIC)
    first = subscription.items[0]
    both = evolve(
        subscription,
        items=(first, evolve(first, id="item-1")),
        coupons=(Coupon(id="five", amount=money(5, "USD")),),
        billed=(),
    )
    high = evolve(first.price, id="high", scheme=Flat(amount=money(60, "USD")))
    change, at = ChangePrice(item="item-0", price=high), datetime(2025, 4, 11, tzinfo=UTC)
    shared = preview_start(both, policy=STRIPE_CLASSIC).after
    assert undone(shared, change, at, STRIPE_CLASSIC) != 0
    assert undone(shared, change, at, RECOMMENDED) == 0


def test_killbill_loses_a_share_and_a_unit() -> None:
    """A third thrice is not a whole in nine decimals, and billions show it."""
    policy = PROFILES["killbill"]
    start = datetime(2025, 4, 1, tzinfo=UTC)
    period = Period(start=start, end=start + timedelta(days=30))
    third = share_of(Period(start=start, end=start + timedelta(days=10)), policy, of=period)
    assert third.fraction * 3 == Fraction(999_999_999, 10**9)
    large = prorated(money("100000000", "USD"), third.fraction, policy)
    assert abs(to_units(large.amount) - 10**10 * third.exact) > 1


def test_killbill_does_not_undo_a_change_of_billions() -> None:
    """A share of a share, each of nine decimals, is not the share of the whole."""
    policy = PROFILES["killbill"]
    subscription = monthly("100000000.01", policy)
    large = subscription.items[0].price
    small = evolve(large, id="small", scheme=Flat(amount=money(20, "USD")))
    for plan, day in ((small, 8), (large, 12)):
        subscription = preview_change(
            subscription,
            ChangePrice(item="item-0", price=plan),
            at=datetime(2025, 4, day, tzinfo=UTC),
            policy=policy,
        ).after
    change = ChangePrice(item="item-0", price=small)
    at = datetime(2025, 4, 17, tzinfo=UTC)
    assert undone(subscription, change, at, policy) == 7


def test_thirty_day_months_add_up_to_less_or_more() -> None:
    """From 31 January to 28 February, strict 30/360 counts 27 days of 30."""
    policy = PROFILES["zuora_30_360"]
    start, end = datetime(2025, 1, 31, tzinfo=UTC), datetime(2025, 2, 28, tzinfo=UTC)
    period = Period(start=start, end=end)
    parts = period.split(datetime(2025, 2, 10, tzinfo=UTC))
    assert sum(share_of(part, policy, of=period).fraction for part in parts) == Fraction(27, 30)


def test_silver_counts_months_from_each_start() -> None:
    """Half of February and half of March are not a month of 31 days' share."""
    policy = PROFILES["silver"]
    start, end = datetime(2025, 2, 15, tzinfo=UTC), datetime(2025, 3, 15, tzinfo=UTC)
    period = Period(start=start, end=end)
    parts = period.split(datetime(2025, 3, 1, tzinfo=UTC))
    assert sum(share_of(part, policy, of=period).fraction for part in parts) != 1
    assert prorated(money("0.0149995", "USD"), 1, policy).amount == money("0.02", "USD")


def test_fixed_denominators_are_no_part_of_the_default() -> None:
    """The default counts the seconds of the period as it is."""
    assert RECOMMENDED.denominator is Denominator.ACTUAL_PERIOD
    assert isinstance(from_minor(1, "EUR"), Money)
