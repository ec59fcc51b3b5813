"""Stories of changes within a period, with the figures that a customer would see."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from retainkit.billing.prices import Coupon, Flat, PerUnit, Price, Usage
from retainkit.billing.proration import (
    LAGO,
    RECOMMENDED,
    STRIPE_FLEXIBLE,
    AddItem,
    Anchor,
    Behavior,
    Bill,
    Biller,
    Cancel,
    ChangePrice,
    ChangeQuantity,
    Denominator,
    EndTrial,
    Leftover,
    LineKind,
    Pause,
    Preview,
    ProrationPolicy,
    RemoveItem,
    Resume,
    StartTrial,
    Subscription,
    SubscriptionItem,
    Unpaid,
    When,
    preview_change,
    preview_renewal,
    preview_start,
    usage_charge,
)
from retainkit.billing.tax import (
    Buyer,
    QuoteState,
    Rate,
    RateTable,
    Seller,
    TaxQuote,
    calculate,
)
from retainkit.errors import InvalidInput, Refused
from retainkit.money import Money, money
from retainkit.timing import Interval, Period, period_at


MONTH, YEAR = Interval(unit="month"), Interval(unit="year")
DAY_21 = datetime(2025, 4, 21, tzinfo=UTC)
DAY_11 = datetime(2025, 4, 11, tzinfo=UTC)
RATES = RateTable(
    rates=(
        Rate(
            country="DE",
            rate=Fraction(16, 100),
            valid_from=date(2020, 7, 1),
            valid_to=date(2025, 4, 15),
            source="made up",
        ),
        Rate(country="DE", rate=Fraction(19, 100), valid_from=date(2025, 4, 15), source="made up"),
    ),
    data_as_of=date(2025, 4, 1),
)


def eur(amount: str) -> Money:
    """Euros."""
    return money(amount, "EUR")


def plan(id: str, amount: str, interval: Interval | None = MONTH, **terms: Any) -> Price:
    """A flat price."""
    return evolve(
        Price(id=id, currency="EUR", scheme=Flat(amount=eur(amount)), interval=interval), **terms
    )


BASE, PRO, YEARLY = plan("base", "30"), plan("pro", "60"), plan("yearly", "365", YEAR)
SEATS = Price(id="seats", currency="EUR", scheme=PerUnit(amount=eur("10")), interval=MONTH)


def unbilled(price: Price = BASE, quantity: int = 1, **given: Any) -> Subscription:
    """A subscription of April 2025, 30 days."""
    start = datetime(2025, 4, 1, tzinfo=UTC)
    interval = price.interval or MONTH
    return evolve(
        Subscription(
            id="sub",
            customer="ada",
            currency="EUR",
            items=(SubscriptionItem(id="plan", price=price, quantity=quantity),),
            anchor=start,
            interval=interval,
            period=period_at(start, interval, "UTC", start),
        ),
        **given,
    )


def april(price: Price = BASE, quantity: int = 1, **given: Any) -> Subscription:
    """The same, billed for April."""
    return preview_start(unbilled(price, quantity, **given)).after


def paid(subscription: Subscription, amount: str | None = None) -> Subscription:
    """The subscription whose lines were paid, whole or so far."""
    lines = (
        evolve(line, paid=line.gross if amount is None else eur(amount))
        for line in subscription.billed
    )
    return evolve(subscription, billed=tuple(lines))


def nets(preview: Preview) -> list[str]:
    """The amounts of the lines."""
    return [str(line.net.amount) for line in preview.lines]


def upgraded(policy: ProrationPolicy = RECOMMENDED, at: datetime = DAY_21) -> Preview:
    """From 30.00 to 60.00 a month."""
    return preview_change(april(), ChangePrice(item="plan", price=PRO), at=at, policy=policy)


def test_an_upgrade_gives_back_the_rest_and_charges_the_rest() -> None:
    """Ten of thirty days are left: 10.00 back, 20.00 due, 60.00 from May on."""
    preview = upgraded()
    assert nets(preview) == ["-10.00", "20.00"]
    assert preview.due_now == eur("10")
    assert preview.next_invoice is not None
    assert preview.next_invoice.due == eur("60")
    assert preview.after.item("plan").price == PRO
    assert [line.kind for line in preview.lines] == [LineKind.CREDIT, LineKind.CHARGE]


def test_the_trail_says_how_each_amount_came_about() -> None:
    """Time, share, source and rounding, as keys and values."""
    credit, charge = upgraded().lines
    assert [step.key for step in credit.trail] == [
        "proration.period",
        "proration.share",
        "proration.basis",
        "proration.rounding",
    ]
    share = credit.trail[1].values
    assert (share["part"], share["whole"], share["unit"]) == ("864000", "2592000", "second")
    assert share["share"] == "1/3"
    assert (
        credit.trail[2].values["source"] == credit.source == "sub/plan/2025-04-01T00:00:00+00:00/0"
    )
    assert charge.trail[2].values["amount"] == "6000"
    assert charge.trail[-1].values == {"exact": "2000", "rounding": "half_up", "amount": 2000}


def test_a_downgrade_lowers_the_next_invoice() -> None:
    """What is left over is carried, and the next invoice is that much less."""
    preview = preview_change(april(PRO), ChangePrice(item="plan", price=BASE), at=DAY_21)
    assert nets(preview) == ["-20.00", "10.00"]
    assert preview.due_now == eur("0")
    assert preview.settlement.carried == eur("10")
    assert preview.next_invoice is not None
    assert preview.next_invoice.due == eur("20")


def test_seats_that_come_and_go_are_weighed_by_time() -> None:
    """Two to three seats on the 11th, back to one on the 21st: three segments of ten days."""
    more = preview_change(april(SEATS, 2), ChangeQuantity(item="plan", quantity=3), at=DAY_11)
    assert nets(more) == ["-13.33", "20.00"]
    fewer = preview_change(more.after, ChangeQuantity(item="plan", quantity=1), at=DAY_21)
    assert nets(fewer) == ["-10.00", "3.33"]
    held = [str(line.left) for line in fewer.after.billed]
    assert held == ["667", "1000", "333"]


def test_a_backdated_change_gives_back_later_segments_whole() -> None:
    """After a change on the 21st, one as of the 11th replaces both segments that follow."""
    later = upgraded()
    earlier = preview_change(later.after, ChangePrice(item="plan", price=BASE), at=DAY_11)
    assert nets(earlier) == ["-10.00", "-20.00", "20.00"]
    assert [str(line.left) for line in earlier.after.billed] == ["1000", "0", "2000"]


def test_nothing_is_prorated_where_the_behavior_is_none() -> None:
    """The new price counts from the next period on; a later credit is of what was billed."""
    silent = upgraded(evolve(RECOMMENDED, behavior=Behavior.NONE), at=DAY_11)
    assert silent.lines == ()
    assert silent.findings[0].key == "proration.no_lines"
    assert silent.next_invoice is not None
    assert silent.next_invoice.due == eur("60")
    back = preview_change(silent.after, ChangePrice(item="plan", price=BASE), at=DAY_21)
    assert nets(back) == ["-10.00", "10.00"]


def test_lines_that_are_created_wait_for_the_next_invoice() -> None:
    """Nothing is due now; in May they come together with the new period."""
    preview = upgraded(STRIPE_FLEXIBLE).without_tax()
    assert preview.pending
    assert preview.due_now == eur("0")
    applied = preview.apply(preview.total, {line.id: line.net for line in preview.charges})
    renewal = preview_renewal(applied.subscription)
    assert nets(renewal) == ["-10.00", "20.00", "60.00"]
    assert renewal.after.pending == ()
    assert renewal.after.period.start == datetime(2025, 5, 1, tzinfo=UTC)


def test_a_change_at_the_period_end_costs_nothing_now() -> None:
    """The items stay until then."""
    preview = upgraded(evolve(RECOMMENDED, when=When.PERIOD_END))
    assert preview.lines == ()
    assert preview.after.item("plan").price == BASE
    assert preview.next_invoice is not None
    assert preview.next_invoice.due == eur("60")
    renewal = preview_renewal(preview.after)
    assert renewal.after.item("plan").price == PRO
    assert renewal.after.upcoming is None


def test_the_difference_is_one_line() -> None:
    """It names the line that it credits."""
    preview = upgraded(evolve(RECOMMENDED, bill=Bill.DIFFERENCE))
    (line,) = preview.lines
    assert (line.kind, line.net) == (LineKind.DIFFERENCE, eur("10"))
    assert line.source == preview.before.billed[0].id
    back = preview_change(
        preview.after,
        ChangePrice(item="plan", price=BASE),
        at=DAY_21,
        policy=evolve(RECOMMENDED, bill=Bill.DIFFERENCE),
    )
    assert nets(back) == ["-10.00"]


def test_a_reset_anchor_begins_a_whole_period() -> None:
    """The old rest is given back, a month is charged, and it ends on the 21st of May."""
    preview = upgraded(evolve(RECOMMENDED, anchor=Anchor.RESET))
    assert nets(preview) == ["-10.00", "60.00"]
    assert preview.after.period == Period(start=DAY_21, end=datetime(2025, 5, 21, tzinfo=UTC))


def test_another_interval_keeps_or_resets_the_anchor() -> None:
    """Kept, the year is the anchor's, and its rest is charged; reset, it is a whole one."""
    change = ChangePrice(item="plan", price=YEARLY)
    kept = preview_change(april(), change, at=DAY_21)
    assert nets(kept) == ["-10.00", "345.00"]
    assert kept.after.period.end == datetime(2026, 4, 1, tzinfo=UTC)
    reset = preview_change(
        april(), change, at=DAY_21, policy=evolve(RECOMMENDED, anchor=Anchor.RESET)
    )
    assert nets(reset) == ["-10.00", "365.00"]


def test_another_interval_without_proration_begins_with_the_next_period() -> None:
    """April stays a paid month, and the year begins in May, at the anchor's share of it."""
    policy = evolve(RECOMMENDED, behavior=Behavior.NONE)
    preview = preview_change(
        april(), ChangePrice(item="plan", price=YEARLY), at=DAY_21, policy=policy
    )
    assert preview.lines == ()
    assert preview.after.interval == MONTH
    renewal = preview_renewal(preview.after)
    assert renewal.after.interval == YEAR
    assert nets(renewal) == ["335.00"]


def test_an_item_is_added_and_another_removed() -> None:
    """Both in one change, with a fee that is charged once and whole."""
    extra = SubscriptionItem(id="audit", price=plan("audit", "15"))
    setup = SubscriptionItem(id="setup", price=plan("setup", "99", None))
    preview = preview_change(
        april(), (AddItem(item=extra), AddItem(item=setup), RemoveItem(item="plan")), at=DAY_21
    )
    assert nets(preview) == ["-10.00", "5.00", "99.00"]
    assert [item.id for item in preview.after.items] == ["audit"]
    assert preview.lines[-1].kind is LineKind.ONE_OFF


def test_a_metered_price_is_not_prorated() -> None:
    """What was used is billed when it is known."""
    calls = plan("calls", "0.01", usage=Usage.METERED)
    preview = preview_change(
        april(), AddItem(item=SubscriptionItem(id="calls", price=calls)), at=DAY_21
    )
    assert preview.lines == ()


def test_a_pause_gives_back_and_a_resumption_charges_the_rest() -> None:
    """Ten days of pause cost nothing; there is no next invoice meanwhile."""
    pause = preview_change(april(), Pause(), at=DAY_11)
    assert nets(pause) == ["-20.00"]
    assert pause.next_invoice is None
    resume = preview_change(pause.after, Resume(), at=DAY_21)
    assert nets(resume) == ["10.00"]
    assert resume.after.paused_at is None


def test_a_resumption_in_a_later_period_charges_what_is_left_of_that() -> None:
    """Resumed on 16 May: 16 of 31 days."""
    pause = preview_change(april(), Pause(), at=DAY_11)
    resume = preview_change(pause.after, Resume(), at=datetime(2025, 5, 16, tzinfo=UTC))
    assert nets(resume) == ["15.48"]
    assert resume.after.period.end == datetime(2025, 6, 1, tzinfo=UTC)


def test_a_trial_gives_back_and_is_charged_when_it_ends() -> None:
    """Twenty days of trial, ended by hand after ten: the last ten days are charged."""
    trial = preview_change(april(), StartTrial(until=datetime(2025, 5, 1, tzinfo=UTC)), at=DAY_11)
    assert nets(trial) == ["-20.00"]
    assert trial.next_invoice is not None
    assert trial.next_invoice.at == datetime(2025, 5, 1, tzinfo=UTC)
    ended = preview_change(trial.after, EndTrial(), at=DAY_21)
    assert nets(ended) == ["10.00"]


def test_a_trial_may_outlast_its_period() -> None:
    """Until 10 May, ended on the 5th: 27 of 31 days are charged."""
    until = datetime(2025, 5, 10, tzinfo=UTC)
    trial = preview_change(april(), StartTrial(until=until), at=DAY_11)
    assert trial.next_invoice is not None
    assert (trial.next_invoice.at, nets(preview_renewal(trial.after))) == (until, ["21.29"])
    ended = preview_change(trial.after, EndTrial(), at=datetime(2025, 5, 5, tzinfo=UTC))
    assert nets(ended) == ["26.13"]
    assert ended.after.period.end == datetime(2025, 6, 1, tzinfo=UTC)


def test_what_waits_and_what_is_carried_goes_on_with_the_subscription() -> None:
    """A preview of what a preview leaves knows both."""
    waiting = upgraded(STRIPE_FLEXIBLE)
    assert waiting.after.pending == waiting.lines
    lower = preview_change(april(PRO), ChangePrice(item="plan", price=BASE), at=DAY_11)
    assert lower.after.carried == eur("20")
    raised = preview_change(lower.after, ChangePrice(item="plan", price=PRO), at=DAY_21)
    assert raised.due_now == eur("0")
    assert raised.after.carried == eur("10")


def test_a_change_within_a_trial_costs_nothing() -> None:
    """The invoice comes when the trial ends, for the rest of the period."""
    subscription = unbilled(trial_end=DAY_21)
    preview = preview_change(subscription, ChangePrice(item="plan", price=PRO), at=DAY_11)
    assert preview.lines == ()
    assert preview.next_invoice is not None
    assert (preview.next_invoice.at, preview.next_invoice.due) == (DAY_21, eur("20"))


def test_a_first_invoice_leaves_the_trial_out() -> None:
    """Ten of thirty days are billed."""
    assert nets(preview_start(unbilled(trial_end=DAY_21))) == ["10.00"]


def test_a_cancellation_writes_a_credit_note() -> None:
    """For the time that is left; nothing follows."""
    policy = evolve(RECOMMENDED, leftover=Leftover.CREDIT_NOTE)
    preview = preview_change(april(), Cancel(), at=DAY_21, policy=policy)
    assert nets(preview) == ["-10.00"]
    assert preview.settlement.credit_note == eur("10")
    assert preview.after.canceled_at == DAY_21
    assert preview.next_invoice is None


def test_a_cancellation_at_the_period_end_gives_nothing_back() -> None:
    """It ends with what is paid."""
    policy = evolve(RECOMMENDED, when=When.PERIOD_END)
    preview = preview_change(april(), Cancel(), at=DAY_21, policy=policy)
    assert preview.lines == ()
    assert preview.after.ends
    assert preview.next_invoice is None


def test_a_refund_is_what_was_paid_above_use() -> None:
    """20.00 used and 25.00 paid of 30.00: 5.00 back, 5.00 as a credit note."""
    policy = evolve(RECOMMENDED, leftover=Leftover.REFUND)
    went = preview_change(paid(april(), "25"), Cancel(), at=DAY_21, policy=policy).settlement
    assert (went.refund, went.credit_note) == (eur("5"), eur("5"))


def test_an_offset_lowers_what_is_open() -> None:
    """Of 10.00 back, 5.00 were never paid."""
    policy = evolve(RECOMMENDED, leftover=Leftover.OFFSET)
    went = preview_change(paid(april(), "25"), Cancel(), at=DAY_21, policy=policy).settlement
    assert (went.offset, went.refund, went.credit_note) == (eur("5"), eur("5"), eur("0"))


def test_a_credit_for_an_unpaid_line_pays_nothing_new() -> None:
    """By the paid share, the 10.00 lower the open invoice, and 20.00 are due for the rest."""
    policy = evolve(RECOMMENDED, unpaid=Unpaid.PAID_SHARE)
    change = ChangePrice(item="plan", price=PRO)
    went = preview_change(paid(april(), "0"), change, at=DAY_21, policy=policy).settlement
    assert (went.due, went.offset) == (eur("20"), eur("10"))
    half = preview_change(paid(april(), "15"), change, at=DAY_21, policy=policy).settlement
    assert (half.due, half.offset) == (eur("15"), eur("5"))


def test_a_period_that_was_made_longer_is_measured_either_way() -> None:
    """45 days: by the actual period a third is left; by the plan's month, half of it."""
    longer = Period(start=datetime(2025, 4, 1, tzinfo=UTC), end=datetime(2025, 5, 16, tzinfo=UTC))
    subscription = april(period=longer)
    at = datetime(2025, 5, 1, tzinfo=UTC)
    actual = preview_change(subscription, Cancel(), at=at)
    assert nets(actual) == ["-10.00"]
    policy = evolve(RECOMMENDED, denominator=Denominator.PLAN_PERIOD)
    by_plan = preview_change(subscription, Cancel(), at=at, policy=policy)
    assert nets(by_plan) == ["-15.00"]


def test_a_coupon_lowers_credit_and_charge_alike() -> None:
    """Half off: 5.00 back, 10.00 due, and the trail names the coupon."""
    half = Coupon(id="half", percent=Decimal(50))
    preview = preview_change(april(coupons=(half,)), ChangePrice(item="plan", price=PRO), at=DAY_21)
    assert nets(preview) == ["-5.00", "10.00"]
    (step,) = (s for s in preview.lines[1].trail if s.key == "proration.discount")
    assert step.values == {"coupon": "half", "amount": "3000"}


def test_a_credit_reuses_the_tax_of_what_it_credits() -> None:
    """Billed at 16 %, it is credited at 16 %, though new charges have 19 % by then."""
    seller, buyer = Seller(country="DE"), Buyer(country="DE")
    first = preview_start(unbilled())
    billed = first.with_tax(
        calculate(first.tax_request(seller=seller, buyer=buyer, tax_point=date(2025, 4, 1)), RATES)
    ).after
    preview = preview_change(billed, ChangePrice(item="plan", price=PRO), at=DAY_21)
    request = preview.tax_request(seller=seller, buyer=buyer, tax_point=date(2025, 4, 21))
    taxed = preview.with_tax(calculate(request, RATES))
    taxes = [str(part.tax.amount) for line in taxed.lines for part in line.tax]
    assert taxes == ["-1.60", "3.80"]
    assert taxed.due_now == eur("12.20")


def test_the_next_invoice_can_be_asked_for_its_tax() -> None:
    """60.00 in May, and 11.40 of tax."""
    coming = upgraded().next_invoice
    assert coming is not None
    request = coming.tax_request(seller=Seller(country="DE"), buyer=Buyer(country="DE"))
    assert coming.with_tax(calculate(request, RATES)).due == eur("71.40")


def test_applying_asks_for_what_was_shown() -> None:
    """No total, another total or a fee that was not shown: nothing is applied."""
    preview = upgraded()
    with pytest.raises(Refused) as untaxed:
        preview.apply(eur("10"))
    assert untaxed.value.code == "proration.tax_unknown"
    assert untaxed.value.field == "quote"
    preview = preview.without_tax()
    with pytest.raises(Refused) as total:
        preview.apply(eur("9.99"))
    assert (total.value.code, total.value.field) == ("proration.total_shown", "shown_total")
    assert "10.00" in total.value.remedy
    with pytest.raises(Refused) as fee:
        preview.apply(eur("10"))
    assert (fee.value.code, fee.value.value) == ("proration.fee_shown", preview.charges[0].id)
    assert "20.00" in fee.value.remedy
    applied = preview.apply(eur("10"), {preview.charges[0].id: eur("20")})
    assert applied.settlement.due == eur("10")
    assert applied.authoritative


def test_where_the_provider_bills_a_preview_predicts() -> None:
    """What is applied says that it is to be reconciled."""
    change = ChangePrice(item="plan", price=PRO)
    preview = preview_change(april(), change, at=DAY_21, biller=Biller.PROVIDER).without_tax()
    assert not preview.apply(eur("10"), {preview.charges[0].id: eur("20")}).authoritative


def test_an_unknown_tax_is_no_zero() -> None:
    """A quote that is pending or about other lines is refused."""
    preview = upgraded()
    with pytest.raises(Refused) as pending:
        preview.with_tax(TaxQuote(state=QuoteState.PENDING, currency="EUR"))
    assert (pending.value.code, pending.value.value) == ("proration.tax_unknown", "pending")
    with pytest.raises(InvalidInput) as foreign:
        preview.with_tax(TaxQuote(state=QuoteState.OK, currency="EUR"))
    assert (foreign.value.code, foreign.value.value) == ("proration.quote", preview.lines[0].id)


def test_local_days_count_in_the_customers_zone() -> None:
    """01:00 UTC on the 15th is the 14th in Los Angeles: 17 unused days, not 16."""
    zone, start = "America/Los_Angeles", datetime(2022, 10, 1, 7, tzinfo=UTC)
    subscription = preview_start(
        evolve(
            unbilled(plan("month", "31")),
            zone=zone,
            anchor=start,
            period=period_at(start, MONTH, zone, start),
        ),
        policy=LAGO,
    ).after
    at = datetime(2022, 10, 15, 1, tzinfo=UTC)
    assert nets(preview_change(subscription, Cancel(), at=at, policy=LAGO)) == ["-17.00"]


def test_usage_in_a_part_of_a_period_has_its_share_of_what_is_included() -> None:
    """Half a month with 100 included calls: 80 used cost nothing, or else 30 of them."""
    calls = plan("calls", "1", usage=Usage.METERED, included=100)
    calls = evolve(calls, scheme=PerUnit(amount=eur("0.10")))
    assert usage_charge(calls, 80, Fraction(1, 2), RECOMMENDED).amount == eur("0")
    policy = evolve(RECOMMENDED, prorate_included=True)
    assert usage_charge(calls, 80, Fraction(1, 2), policy).amount == eur("3")


def test_a_notebook_shows_a_preview_as_a_table() -> None:
    """With its lines and total, and ids escaped."""
    shown = evolve(upgraded(), before=evolve(april(), id="<sub>"))._repr_html_()
    assert "<caption>&lt;sub&gt;: 10.00 EUR now</caption>" in shown
    assert "<td>-10.00 EUR</td>" in shown
