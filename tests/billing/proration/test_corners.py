"""Corners of proration: what is rare, and has to be right all the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from tests.billing.proration.test_changes import (
    BASE,
    DAY_11,
    DAY_21,
    MONTH,
    PRO,
    RATES,
    april,
    eur,
    nets,
    paid,
    plan,
    unbilled,
)

from retainkit.billing.prices import Coupon, Usage
from retainkit.billing.proration import (
    LAGO,
    RECOMMENDED,
    STRIPE_CLASSIC,
    STRIPE_FLEXIBLE,
    AddItem,
    Anchor,
    Behavior,
    Bill,
    BilledLine,
    Cancel,
    ChangePrice,
    ChangeQuantity,
    Denominator,
    Granularity,
    Leftover,
    RemoveItem,
    StartTrial,
    SubscriptionItem,
    calendar_months,
    cut,
    interval_ratio,
    paid_until,
    preview_change,
    preview_changes,
    preview_start,
    schedule,
)
from retainkit.billing.tax import Buyer, Seller, calculate
from retainkit.errors import InvalidInput
from retainkit.money import money
from retainkit.timing import Interval, Period


DAILY = evolve(RECOMMENDED, granularity=Granularity.DAY)
SELLER, BUYER = Seller(country="DE"), Buyer(country="DE")


def test_a_trial_that_resets_the_anchor_is_a_period_of_its_own() -> None:
    """Until 10 May; then a whole month is billed."""
    until = datetime(2025, 5, 10, tzinfo=UTC)
    policy = evolve(RECOMMENDED, anchor=Anchor.RESET)
    trial = preview_change(april(), StartTrial(until=until), at=DAY_11, policy=policy)
    assert trial.after.period == Period(start=DAY_11, end=until)
    assert trial.next_invoice is not None
    assert trial.next_invoice.total == eur("30")
    assert trial.next_invoice.due == eur("10")


def test_a_change_within_a_trial_that_was_billed_to_its_end() -> None:
    """The time after the trial is billed already: it is given back and charged anew."""
    subscription = preview_start(unbilled(trial_end=DAY_21)).after
    preview = preview_change(subscription, ChangePrice(item="plan", price=PRO), at=DAY_11)
    assert nets(preview) == ["-10.00", "20.00"]


def test_lines_that_wait_are_invoiced_after_a_cancellation() -> None:
    """The last invoice has nothing else."""
    waiting = preview_change(
        april(), ChangePrice(item="plan", price=PRO), at=DAY_11, policy=STRIPE_FLEXIBLE
    ).after
    end = preview_change(waiting, Cancel(), at=DAY_21, policy=STRIPE_FLEXIBLE)
    assert end.next_invoice is not None
    assert end.next_invoice.period is None
    assert [str(line.net.amount) for line in end.next_invoice.lines] == [
        "-20.00",
        "40.00",
        "-20.00",
    ]


def test_a_difference_is_taxed_and_what_it_charged_knows_its_gross() -> None:
    """30.00 more at 19 %; the whole charge of 60.00 is 71.40 with tax."""
    policy = evolve(RECOMMENDED, bill=Bill.DIFFERENCE)
    at = april().period.start
    preview = preview_change(april(), ChangePrice(item="plan", price=PRO), at=at, policy=policy)
    request = preview.tax_request(seller=SELLER, buyer=BUYER, tax_point=date(2025, 4, 20))
    taxed = preview.with_tax(calculate(request, RATES))
    assert taxed.total == eur("35.70")
    assert taxed.after.billed[-1].gross == eur("71.40")


def test_a_change_of_rate_parts_a_billed_line() -> None:
    """Each part keeps its own time and treatment, so each is credited at its own rate."""
    quote_day = date(2025, 4, 1)
    first = preview_start(unbilled())
    request = first.tax_request(seller=SELLER, buyer=BUYER, tax_point=quote_day)
    quote = calculate(request, RATES)
    (part,) = quote.lines
    middle = datetime(2025, 4, 16, tzinfo=UTC)
    early, late = first.before.period.split(middle)
    half = evolve(part, net=eur("15"), tax=eur("2.40"), gross=eur("17.40"))
    parts = (
        evolve(half, id=f"{part.id}/1", period=early),
        evolve(half, id=f"{part.id}/2", period=late),
    )
    billed = first.with_tax(evolve(quote, lines=parts)).after.billed
    assert [(line.net, line.gross, line.period) for line in billed] == [
        (eur("15"), eur("17.40"), early),
        (eur("15"), eur("17.40"), late),
    ]


def test_a_batch_of_many_kinds_forgets_what_is_long_ago() -> None:
    """More periods and prices than are remembered: every figure is still its own."""
    many = [
        evolve(
            april(plan(f"plan-{n}", str(30 + n)), n + 1),
            id=f"sub-{n}",
            period=Period(start=DAY_11 - timedelta(days=10, minutes=n), end=DAY_21),
        )
        for n in range(600)
    ]
    previews = list(preview_changes(many, ChangePrice(item="plan", price=PRO), at=DAY_11))
    for subscription, preview in zip(many[::97], previews[::97], strict=True):
        alone = preview_change(subscription, ChangePrice(item="plan", price=PRO), at=DAY_11)
        assert alone.lines == preview.lines


def test_metered_prices_have_neither_credit_nor_charge() -> None:
    """Also beside a plan that changes, and when they go."""
    calls = SubscriptionItem(id="calls", price=plan("calls", "0.01", usage=Usage.METERED))
    subscription = preview_change(april(), AddItem(item=calls), at=DAY_11).after
    preview = preview_change(subscription, RemoveItem(item="calls"), at=DAY_21)
    assert preview.lines == ()
    both = preview_change(subscription, ChangePrice(item="plan", price=PRO), at=DAY_21)
    assert nets(both) == ["-10.00", "20.00"]
    assert both.next_invoice is not None
    assert [line.item for line in both.next_invoice.lines] == ["plan"]


def test_the_current_price_of_what_was_not_billed_gives_nothing_back() -> None:
    """An item without a billed line has nothing to credit, in Stripe's classic mode too."""
    preview = preview_change(
        unbilled(), ChangeQuantity(item="plan", quantity=2), at=DAY_21, policy=STRIPE_CLASSIC
    )
    assert nets(preview) == ["10.00"]


def test_a_line_within_a_day_has_no_days_to_give_back() -> None:
    """Charged from 09:00 and cancelled at 18:00, of whole days nothing is left."""
    line = april().billed[0]
    within = Period(start=DAY_21.replace(hour=9), end=DAY_21.replace(hour=18))
    subscription = evolve(april(), billed=(evolve(line, period=within),))
    preview = preview_change(subscription, Cancel(), at=DAY_11, policy=DAILY)
    assert nets(preview) == ["-30.00"]  # all of its time is unused
    later = evolve(subscription, period=Period(start=DAY_21.replace(hour=1), end=within.end))
    at = within.start + timedelta(hours=1)
    assert preview_change(later, Cancel(), at=at, policy=LAGO).lines == ()


def test_a_free_line_has_nothing_to_refund() -> None:
    """A plan of 0.00 beside one that is paid."""
    free = SubscriptionItem(id="free", price=plan("free", "0"))
    both = paid(preview_start(evolve(unbilled(), items=(*unbilled().items, free))).after)
    policy = evolve(RECOMMENDED, leftover=Leftover.REFUND)
    preview = preview_change(both, Cancel(), at=DAY_21, policy=policy)
    assert nets(preview) == ["-10.00"]
    assert preview.settlement.refund == eur("10")


def test_a_refund_of_a_downgrade_is_what_is_left_above_the_charge() -> None:
    """20.00 given back, 10.00 charged: 10.00 are paid back."""
    policy = evolve(RECOMMENDED, leftover=Leftover.REFUND)
    change = ChangePrice(item="plan", price=BASE)
    went = preview_change(paid(april(PRO)), change, at=DAY_21, policy=policy).settlement
    assert (went.refund, went.due) == (eur("10"), eur("0"))


def test_a_free_source_has_nothing_to_pay_back() -> None:
    """Stripe's classic mode credits an upgrade that was never billed; none of it was paid."""
    silent = evolve(STRIPE_CLASSIC, behavior=Behavior.NONE)
    free = paid(april(plan("free", "0")))
    raised = preview_change(
        free, ChangePrice(item="plan", price=PRO), at=DAY_11, policy=silent
    ).after
    policy = evolve(STRIPE_CLASSIC, behavior=Behavior.INVOICE_NOW, leftover=Leftover.REFUND)
    preview = preview_change(raised, Cancel(), at=DAY_21, policy=policy)
    assert nets(preview) == ["-20.00"]
    assert preview.settlement.credit_note == eur("0")


def test_a_line_of_half_a_minute_has_no_minutes_to_give_back() -> None:
    """Where whole minutes are counted."""
    line = april().billed[0]
    short = Period(start=DAY_21, end=DAY_21 + timedelta(seconds=30))
    subscription = evolve(april(), billed=(evolve(line, period=short),))
    policy = evolve(RECOMMENDED, granularity=Granularity.MINUTE)
    at = DAY_21 + timedelta(seconds=10)
    assert preview_change(subscription, Cancel(), at=at, policy=policy).lines == ()


def test_a_period_of_trial_has_no_first_invoice() -> None:
    """Nothing is billed, and that is said."""
    trial = preview_start(unbilled(trial_end=datetime(2025, 5, 1, tzinfo=UTC)))
    assert trial.lines == ()
    assert trial.findings[0].key == "proration.no_lines"


def test_a_billed_line_without_its_exact_amount_has_its_net() -> None:
    """What another system billed is credited from what it billed."""
    line = april().billed[0]
    plain = BilledLine(id="in_1", item="plan", period=line.period, net=eur("30"), price=BASE)
    assert plain.exact == 3000
    two = evolve(april(), items=(*april().items, evolve(april().items[0], id="second")))
    assert two.item("second").id == "second"
    with pytest.raises(InvalidInput) as refused:
        two.item("third")
    assert (refused.value.code, refused.value.value) == ("proration.unknown_item", "third")
    assert "plan, second" in refused.value.remedy


def test_a_coupon_of_one_item_is_taken_off_before_the_common_one() -> None:
    """60.00 less 10 %, and half of the rest."""
    own = Coupon(id="own", percent=Decimal(10))
    common = Coupon(id="common", percent=Decimal(50))
    subscription = unbilled(PRO, coupons=(common,))
    item = evolve(subscription.items[0], discounts=(own,))
    first = preview_start(evolve(subscription, items=(item,)))
    assert nets(first) == ["27.00"]
    steps = [step.values["coupon"] for step in first.lines[0].trail if "coupon" in step.values]
    assert steps == ["own", "common"]


def test_calendar_months_by_the_second() -> None:
    """Half of April's seconds are half a month."""
    half = Period(start=datetime(2025, 4, 16, tzinfo=UTC), end=datetime(2025, 5, 1, tzinfo=UTC))
    assert calendar_months(half, RECOMMENDED) == Fraction(1, 2)


def test_the_cut_of_a_day_stays_within_the_period() -> None:
    """A change on the first day leaves all, one on the last day nothing."""
    period = Period(start=DAY_11.replace(hour=10), end=DAY_21.replace(hour=10))
    assert cut(period, DAY_11.replace(hour=12), DAILY) == period.start
    assert cut(period, DAY_21.replace(hour=9), DAILY) == period.end


def test_small_questions_of_time() -> None:
    """A week is half a fortnight; no time has no cycles; no credit buys no day."""
    assert interval_ratio(Interval(unit="week"), Interval(count=2, unit="week")) == Fraction(1, 2)
    empty = schedule(DAY_11, MONTH, until=DAY_21, end=DAY_11, policy=RECOMMENDED)
    assert not empty.slices
    assert empty.cycles == 0
    assert paid_until(eur("0"), eur("60"), at=DAY_11, of=april().period) == DAY_11
    assert paid_until(eur("15"), eur("60"), at=DAY_11, of=april().period) == datetime(
        2025, 4, 19, tzinfo=UTC
    )


def test_what_was_billed_is_in_the_currency_too() -> None:
    """A line in dollars is no line of a subscription in euros."""
    line = evolve(april().billed[0], net=money("30", "USD"))
    with pytest.raises(InvalidInput) as refused:
        evolve(april(), billed=(line,))
    assert (refused.value.code, refused.value.value) == ("proration.currency", "USD")
    assert BASE.currency in refused.value.remedy


def test_a_quarter_of_92_days_counted_as_90_gives_back_no_more_than_was_billed() -> None:
    """From its second day on, 91 days are unused, of 90 so to speak."""
    policy = evolve(DAILY, denominator=Denominator.ACTUAL_360)
    quarter = Interval(unit="month", count=3)
    july = datetime(2025, 7, 1, tzinfo=UTC)
    started = preview_start(
        evolve(
            unbilled(plan("quarterly", "90", quarter)),
            anchor=july,
            period=Period(start=july, end=datetime(2025, 10, 1, tzinfo=UTC)),
        ),
        policy=policy,
    ).after
    for days, credit in ((1, "-90.00"), (2, "-90.00"), (3, "-89.00")):
        preview = preview_change(started, Cancel(), at=july + timedelta(days), policy=policy)
        assert nets(preview) == [credit]


@pytest.mark.parametrize("granularity", Granularity)
@pytest.mark.parametrize("denominator", Denominator)
def test_a_third_of_a_month_of_30_days_is_a_third_however_it_is_counted(
    denominator: Denominator, granularity: Granularity
) -> None:
    """In April, all ways to count agree at midnight."""
    policy = evolve(RECOMMENDED, denominator=denominator, granularity=granularity)
    preview = preview_change(april(), ChangePrice(item="plan", price=PRO), at=DAY_21, policy=policy)
    assert nets(preview) == ["-10.00", "20.00"]


@pytest.mark.parametrize("granularity", ["second", "minute"])
@pytest.mark.parametrize(
    ("denominator", "credit"),
    [
        ("actual_period", "-15.00"),  # 15.5 of 31 days
        ("plan_period", "-15.00"),
        ("actual_360", "-15.50"),  # 15.5 of 30
        ("fixed_30", "-14.50"),  # the month's 31st day does not count
        ("strict_30_360", "-14.50"),
    ],
)
def test_the_time_of_day_counts_in_months_of_30_days(
    denominator: str, granularity: str, credit: str
) -> None:
    """Cancelled at noon on 16 May, of 30.00 for May."""
    may = datetime(2025, 5, 1, tzinfo=UTC)
    started = evolve(unbilled(), period=Period(start=may, end=datetime(2025, 6, 1, tzinfo=UTC)))
    policy = evolve(
        RECOMMENDED, denominator=Denominator(denominator), granularity=Granularity(granularity)
    )
    billed = preview_start(started, policy=policy).after
    preview = preview_change(billed, Cancel(), at=may + timedelta(15, hours=12), policy=policy)
    assert nets(preview) == [credit]
