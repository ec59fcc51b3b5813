"""Vectors of proration as calls of ``billing.proration``: dates and words in, no arithmetic.

A day is midnight in the row's zone (UTC unless it says), an inclusive end the midnight after it,
and a day without a year is one of 2025, which has no leap day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from fractions import Fraction
from typing import Any

from attrs import evolve
from tests.vectors._rows import Answer, NotApplicable, Row, is_trap, number

from retainkit.billing.prices import Coupon, Flat, PerUnit, Price
from retainkit.billing.proration import (
    CHARGEBEE,
    KILLBILL,
    LAGO,
    RECOMMENDED,
    SILVER,
    STRIPE_CLASSIC,
    STRIPE_FLEXIBLE,
    ZUORA_30_360,
    Anchor,
    Behavior,
    Bill,
    BilledLine,
    BillingTiming,
    Cancel,
    ChangeDay,
    ChangePrice,
    Denominator,
    Granularity,
    Leftover,
    Preview,
    ProrationPolicy,
    RemoveItem,
    Schedule,
    Subscription,
    SubscriptionItem,
    When,
    calendar_months,
    change_amounts,
    cut,
    cycle_anchor,
    due_period,
    interval_ratio,
    length_of,
    months_between,
    paid_until,
    preview_change,
    preview_start,
    prorated,
    schedule,
    share_of,
    split_billed,
    weighted_quantity,
)
from retainkit.billing.tax import Buyer, Rate, RateTable, Seller, calculate
from retainkit.errors import InvalidInput
from retainkit.money import (
    AllocationStrategy,
    Money,
    Rounding,
    allocate_units,
    from_minor,
    money,
    share,
    to_minor,
    total,
)
from retainkit.timing import (
    Interval,
    Period,
    calendar_anchor,
    local_time,
    period_number,
    wall_time,
)


POLICIES: Mapping[str, ProrationPolicy] = {
    "stripe": STRIPE_FLEXIBLE,
    "chargebee": CHARGEBEE,
    "lago": LAGO,
    "killbill": KILLBILL,
    "zuora": ZUORA_30_360,
    "silver": SILVER,
}

_DAILY = evolve(RECOMMENDED, name="daily", granularity=Granularity.DAY)
_DAY = Interval(unit="day")
_MONTH = Interval(unit="month")
_WEEK = Interval(unit="week")
_QUARTER = Interval(count=3, unit="month")
_HALF = Interval(count=6, unit="month")
_YEAR = Interval(unit="year")
_UNITS = {
    "day": _DAY,
    "daily": _DAY,
    "week": _WEEK,
    "weekly": _WEEK,
    "biweekly": Interval(count=2, unit="week"),
    "thirty_days": Interval(count=30, unit="day"),
    "thirty_one_days": Interval(count=31, unit="day"),
    "sixty_days": Interval(count=60, unit="day"),
    "ninety_days": Interval(count=90, unit="day"),
    "month": _MONTH,
    "monthly": _MONTH,
    "bimestrial": Interval(count=2, unit="month"),
    "quarter": _QUARTER,
    "quarterly": _QUARTER,
    "triannual": Interval(count=4, unit="month"),
    "semiannual": _HALF,
    "biannual": _HALF,  # Kill Bill's: twice a year
    "year": _YEAR,
    "yearly": _YEAR,
    "annual": _YEAR,
    "sesquiennial": Interval(count=18, unit="month"),
    "biennial": Interval(count=2, unit="year"),
    "triennial": Interval(count=3, unit="year"),
}


_RULES = {
    "actual_days": Denominator.ACTUAL_PERIOD,
    "actual_360": Denominator.ACTUAL_360,
    "strict_30_360": Denominator.STRICT_30_360,
}


def policy_of(row: Row) -> ProrationPolicy:
    """The profile of the row's system, with what its rules and input set."""
    policy = POLICIES.get(row["system"], _DAILY)
    rule = _RULES.get(row.get("rules", {}).get("rule") or row["input"].get("rule"))
    if rule is not None:
        return evolve(policy, denominator=rule)
    fixed = row["input"].get("fixed_days")
    if fixed is not None or row.get("rules", {}).get("denominator") == "fixed_30":
        days = 30 if fixed is None else fixed
        return evolve(policy, denominator=Denominator.FIXED_30, fixed_days=days)
    return policy


def instant(text: str | int, zone: str = "UTC") -> datetime:
    """A day, a local time or an instant of a row."""
    if isinstance(text, int):
        return datetime.fromtimestamp(text, UTC)
    text = text.split(" ")[0]
    if re.fullmatch(r"\d\d-\d\d", text):
        text = f"2025-{text}"
    if "T" not in text:
        return wall_time(date.fromisoformat(text), time(), zone)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else wall_time(moment.date(), moment.time(), zone)


def stretch(
    start: str | int, end: str | int, zone: str = "UTC", *, inclusive: bool = False
) -> Period:
    """The period between two days of a row."""
    last = instant(end, zone)
    return Period(
        start=instant(start, zone), end=_DAY.advance(last, 1, zone) if inclusive else last
    )


def interval_of(given: Mapping[str, Any]) -> Interval:
    """The interval of a row: a word with a count, or so many days, weeks, months or years."""
    for unit in ("day", "week", "month", "year"):
        # Elsewhere, period_days says how long a period is, not how often it recurs.
        if given.get(f"period_{unit}s") and (unit != "day" or "target" in given):
            return Interval(count=given[f"period_{unit}s"], unit=unit)
    word = re.sub(r"[\s-]+", "_", str(given.get("interval") or "month").lower())
    counted = re.fullmatch(r"(\d+)_(day|week|month|year)s?", word)
    named = Interval(count=int(counted[1]), unit=counted[2]) if counted else _UNITS.get(word)
    if named is None:
        message = f"an interval of another kind: {word}"
        raise NotApplicable(message)
    count = given.get("interval_count") or 1
    return Interval(count=count * named.count, unit=named.unit)


def zone_of(given: Mapping[str, Any]) -> str:
    """The time zone of a row, UTC when it has none."""
    return given.get("timezone") or "UTC"


def amount(given: Mapping[str, Any], *keys: str) -> Money:
    """The first of these keys as money: decimal text, or minor units."""
    code = str(given.get("currency") or "USD")
    for key in keys:
        if key in given:
            if key.endswith("_cents") or key == "unit_amount":
                return from_minor(given[key], code)
            return money(given[key], code)
    message = f"no amount in {sorted(given)}"
    raise KeyError(message)


def plain(value: Money) -> Fraction:
    """An amount in units of its currency."""
    return Fraction(value.amount)


def in_keys_of(row: Row, key: str, value: Money) -> object:
    """The amount as the row writes it under a key: minor units, or units."""
    minor = key.endswith("_cents") or row["system"] == "stripe"
    return to_minor(value) if minor else plain(value)


# ------------------------------------------------------------------------------- periods


def advance_date(row: Row) -> Answer:
    """The n-th boundary from a day."""
    given = row["input"]
    day = interval_of(given).advance(instant(given["start"]), given["periods"], "UTC")
    return Answer(got={"date": day.date().isoformat()})


def whole_periods(row: Row) -> Answer:
    """How many whole intervals lie between two days."""
    given = row["input"]
    end = instant(given["end"])
    if given.get("end_date") == "inclusive":
        end = _DAY.advance(end, 1, "UTC")
    count = period_number(instant(given["start"]), interval_of(given), "UTC", end)
    return Answer(got={"whole_periods": count})


def anchor_clamp(row: Row) -> Answer:
    """The next boundaries of an anchor."""
    given = row["input"]
    anchor = instant(given["anchor"])
    dates = [
        interval_of(given).advance(anchor, n, "UTC").date().isoformat()
        for n in range(1, len(row["expected"]["next_dates"]) + 1)
    ]
    yearless = len(given["anchor"]) == len("MM-DD")
    shown = [day.removeprefix("2025-").removeprefix("2026-") if yearless else day for day in dates]
    return Answer(got={"next_dates": shown})


def anchor_from_timezone(row: Row) -> Answer:
    """The billing day after a trial of so many local days."""
    given = row["input"]
    zone = given["timezone"]
    trial = Interval(count=given["trial_days"], unit="day")
    end = trial.advance(instant(given["start_local"], zone), 1, zone)
    return Answer(got={"bill_cycle_day": local_time(end, zone).day})


def _schedule(row: Row, given: Mapping[str, Any], end: str | None = None) -> Schedule:
    start, interval = instant(given["start"]), interval_of(given)
    day = given.get("bill_cycle_day")
    last = end or given.get("end")
    return schedule(
        start,
        interval,
        until=instant(given["target"]),
        policy=policy_of(row),
        anchor=cycle_anchor(start, interval, "UTC", day=day) if day and interval.months else None,
        end=instant(last) if last else None,
        timing=BillingTiming.ARREARS if given.get("mode") == "IN_ARREAR" else BillingTiming.ADVANCE,
    )


def billing_cycles(row: Row) -> Answer:
    """How many cycles are billed up to a date."""
    return Answer(got={"cycles": _schedule(row, row["input"]).cycles})


def period_boundaries(row: Row) -> Answer:
    """Which periods are billed up to a date, or the one that an invoice is for."""
    if row["system"] != "lago":
        slices = _schedule(row, row["input"]).slices
        got = [
            [each.period.start.date().isoformat(), each.period.end.date().isoformat()]
            for each in slices
        ]
        return Answer(got={"periods": got})
    period = _due(row, row["input"])
    zone = "UTC"
    return Answer(
        got={
            "from": f"{local_time(period.start, zone):%Y-%m-%dT%H:%M:%SZ}",
            "to_inclusive": f"{_last_second(period):%Y-%m-%dT%H:%M:%SZ}",
        }
    )


def _last_second(period: Period) -> datetime:
    from datetime import timedelta

    return period.end - timedelta(seconds=1)  # how the row writes an end, not what it is


def period_length_days(row: Row) -> Answer:
    """The days of the period that an invoice is for."""
    return Answer(got={"days": length_of(_due(row, row["input"]), policy_of(row))})


def _due(row: Row, given: Mapping[str, Any]) -> Period:
    zone = zone_of(given)
    interval, at = interval_of(given), instant(given["billing_at"])
    anchor = instant(given["anchor"], zone)
    # Where the source's test says from when it asks, the note has it; else from the billing date.
    asked = re.match(r"from (\d{4}-\d\d-\d\d)", str(row.get("note") or ""))
    calendar = given.get("billing_time") == "calendar"
    return due_period(
        calendar_anchor(anchor, interval, zone) if calendar else anchor,
        interval,
        zone,
        at=instant(asked[1], zone) if asked else at,
        timing=BillingTiming.ADVANCE if given.get("pay_in_advance") else BillingTiming.ARREARS,
        ended=bool(given.get("terminated")) or bool(asked),
        since=anchor,
    )


def invalid_input(row: Row) -> Answer:
    """Dates that can't be right are refused."""
    try:
        _schedule(row, row["input"])
    except InvalidInput as refused:
        known = {"proration.date_order": "invalid date sequence"}
        return Answer(got={"error": known.get(refused.code, refused.code)})
    return Answer(got={})


# -------------------------------------------------------------------------------- shares


def days_fixed_month(row: Row) -> Answer:
    """The days between two dates when months have a fixed number."""
    given = row["input"]
    return Answer(got={"days": length_of(stretch(given["start"], given["end"]), policy_of(row))})


def proration_factor(row: Row) -> Answer:
    """A stretch as a share of its cycle."""
    given = row["input"]
    part = stretch(given["segment_start"], given["segment_end"])
    cycle = stretch(given["cycle_start"], given["cycle_end"]) if "cycle_start" in given else None
    return Answer(got={"factor": share_of(part, policy_of(row), of=cycle).fraction})


def months_fraction(row: Row) -> Answer:
    """Months between two days, as a fraction."""
    given = row["input"]
    if given["start"] == given["end"] and given.get("end_date") != "inclusive":
        return Answer(got={"months": Fraction(0)})  # no time: there is no such period
    part = stretch(given["start"], given["end"], inclusive=given.get("end_date") == "inclusive")
    if given.get("split") == "calendar months":
        return Answer(got={"months": calendar_months(part, policy_of(row))})
    return Answer(got={"months": months_between(part)})


def month_fraction(row: Row) -> Answer:
    """A stretch as a share of a month, by one of Zuora's rules."""
    given = row["input"]
    part = stretch(given["start"], given["end"], inclusive=given.get("end_date") == "inclusive")
    policy = policy_of(row)
    return Answer(got={"fraction": share_of(part, policy).fraction})


# ------------------------------------------------------------------------------- amounts


def prorated_charge(row: Row) -> Answer:
    """A price for a stretch of its cycle."""
    given, policy = row["input"], policy_of(row)
    price = amount(given, "price", "price_cents", "plan_cents")
    if "days" in given:
        share = Fraction(given["days"], given["period_days"])
    else:
        share = _share(row, given, *_stretch_keys(given))
    key = "amount_cents" if "amount_cents" in row["expected"] else "amount"
    return Answer(got={key: in_keys_of(row, key, prorated(price, share, policy).amount)})


def _share(row: Row, given: Mapping[str, Any], start: str, end: str) -> Fraction:
    said = {given.get("end"), given.get("end_date"), row.get("rules", {}).get("end_date")}
    inclusive = "inclusive" in said
    part = stretch(given[start], given[end], inclusive=inclusive)
    cycle = given.get("cycle") or given.get("paid_period")
    if "cycle_start" in given:
        cycle = [given["cycle_start"], given["cycle_end"]]
    whole, interval = stretch(*cycle) if cycle else None, interval_of(given)
    if "anchor" in given:
        timing = BillingTiming.ADVANCE
        whole = due_period(instant(given["anchor"]), interval, "UTC", at=part.start, timing=timing)
    return share_of(part, policy_of(row), of=whole, interval=interval).fraction


def _stretch_keys(given: Mapping[str, Any]) -> tuple[str, str]:
    """Under which keys a row has the stretch that it asks about."""
    for name in ("unused", "segment"):
        if f"{name}_start" in given:
            return f"{name}_start", f"{name}_end"
    return "start", "end"


def unused_credit(row: Row) -> Answer:
    """What is credited for the rest of a paid cycle, and what is kept."""
    given, policy = row["input"], policy_of(row)
    price = amount(given, "price")
    split = split_billed(price, _share(row, given, *_stretch_keys(given)), policy)
    return Answer(got={"amount": plain(-split.credited), "kept": plain(split.kept)})


def invoice_total(row: Row) -> Answer:
    """What the invoices up to a date come to."""
    given = row["input"]
    if "monthly_rate" in given:
        return _months_total(row)
    policy = policy_of(row)
    phases = given.get("phases") or [given]
    ends = [each["start"] for each in phases[1:]] + [None]
    charges: list[Money] = []
    for phase, end in zip(phases, ends, strict=True):
        slices = _schedule(row, {**given, **phase}, end).slices
        charges += [
            prorated(amount(phase, "price"), each.share.fraction, policy).amount for each in slices
        ]
    return Answer(got={"total": plain(total(charges, "USD"))})


def _months_total(row: Row) -> Answer:
    given = row["input"]
    part = stretch(given["start"], given["end"], inclusive=given.get("end_date") == "inclusive")
    policy = evolve(_DAILY, split_months=True)
    share = share_of(part, policy).fraction
    return Answer(
        got={"total": plain(prorated(amount(given, "monthly_rate"), share, policy).amount)}
    )


def usage_proration(row: Row) -> Answer:
    """A unit price for the days of a month."""
    given = row["input"]
    part = stretch(given["start"], given["end"], inclusive=True)
    days = length_of(part, _DAILY)
    policy = evolve(_DAILY, split_months=True)
    units = money(given["usage_amount"], "USD")
    share = share_of(part, policy).fraction
    return Answer(
        got={"prorated_days": days, "amount": plain(prorated(units, share, policy).amount)}
    )


def coupon_allocation(row: Row) -> Answer:
    """A discount over lines. Ours goes by the largest remainder."""
    given = row["input"]
    lines, off = given["lines"], given["amount_off"]
    ours = allocate_units(off, lines)
    net = total(
        [from_minor(line, "USD") for line in lines] + [-from_minor(each, "USD") for each in ours],
        "USD",
    )
    note = re.search(r"gives (\[[\d, ]+\])", str(row.get("note") or ""))
    instead = {} if note is None else {"discounts": [int(n) for n in re.findall(r"\d+", note[1])]}
    if is_trap(row):
        return Answer(got={"discounts": list(ours), "total": to_minor(net)}, instead=instead)
    theirs = allocate_units(off, lines, strategy=AllocationStrategy.LARGEST_WEIGHT)
    return Answer(got={"discounts": list(theirs), "total": to_minor(net)})


# ------------------------------------------------------------------------------- changes


def _price(
    given: Mapping[str, Any], interval: Interval, *keys: str, flat: bool = False, id: str = "plan"
) -> Price:
    each = amount(given, *keys)
    return Price(
        id=id,
        currency=each.currency.code,
        scheme=Flat(amount=each) if flat else PerUnit(amount=each),
        interval=interval,
    )


def _started(
    price: Price,
    period: Period,
    policy: ProrationPolicy,
    *,
    quantity: int = 1,
    anchor: datetime | None = None,
    zone: str = "UTC",
    trial_end: datetime | None = None,
    coupons: tuple[Coupon, ...] = (),
) -> Preview:
    """The first invoice of a subscription with one item."""
    assert price.interval is not None
    subscription = Subscription(
        id="sub",
        customer="customer",
        currency=price.currency,
        items=(SubscriptionItem(id="item", price=price, quantity=quantity),),
        anchor=anchor or period.start,
        zone=zone,
        interval=price.interval,
        period=period,
        trial_end=trial_end,
        coupons=coupons,
    )
    return preview_start(subscription, policy=policy)


_PRICE_KEYS = ("price", "unit_amount", "plan_cents", "price_cents")


def _terms(given: Mapping[str, Any], interval: Interval, id: str) -> tuple[Price, int]:
    return _price(given, interval, *_PRICE_KEYS, id=id), int(given.get("quantity", 1))


def _moment(given: Mapping[str, Any], zone: str = "UTC") -> datetime | None:
    for key in ("change", "change_day", "changed_at", "at", "proration_date"):
        if key in given:
            used = re.search(r"\((\d+) days used\)", str(given[key]))
            if used:
                start = instant(given["period"][0], zone)
                return _DAY.advance(start, int(used[1]), zone)
            return instant(given[key], zone)
    return None


def change_lines(row: Row) -> Answer:
    """A change of price or quantity: what is credited, charged, and renewed."""
    given = row["input"]
    if "percent_of_period" in given:
        return _weighted(row)
    period, at = _period_and_moment(given)
    dated = "period" in given or "period_start" in given
    interval = (
        interval_of(given) if dated else Interval(count=length_of(period, _DAILY), unit="day")
    )
    policy = evolve(policy_of(row), behavior=Behavior.INVOICE_NOW)
    if given.get("proration") is False:
        policy = evolve(policy, behavior=Behavior.NONE, anchor=Anchor.RESET)
    old, old_quantity = _terms(given["old"], interval, "old")
    new, new_quantity = _terms(given["new"], interval, "new")
    before = _started(old, period, policy, quantity=old_quantity).after
    change = ChangePrice(item="item", price=new, quantity=new_quantity)
    figures = _figures(row, preview_change(before, change, at=at, policy=policy))
    waiting = preview_change(
        before, change, at=at, policy=evolve(policy, behavior=Behavior.CREATE)
    ).next_invoice
    if waiting is not None:  # prorations that wait for the renewal, and are on its invoice
        for key in ("next_charge", "next_invoice", "next_invoice_total", "amount_due"):
            figures[key] = in_keys_of(row, key, waiting.due)
        if "renewal_line" in row["expected"]:
            figures["total"] = in_keys_of(row, "total", waiting.due)
    return Answer(got=figures)


def _period_and_moment(given: Mapping[str, Any]) -> tuple[Period, datetime]:
    """The current period and when it is cut: by dates, by days, or by a share in as many days."""
    at = _moment(given)
    if "period" in given and at is not None:
        return stretch(*given["period"]), at
    if "period_start" in given and at is not None:
        return stretch(given["period_start"], given["period_end"]), at
    start = instant("04-01")
    left = number(given.get("fraction_left"))
    days, used = given.get("period_days"), given.get("days_used")
    if left is None and days and "days_left" in given:
        left = Fraction(given["days_left"], days)
    if left is not None:
        days, used = left.denominator, left.denominator - left.numerator
    if days is None or used is None:
        message = f"a change at no known moment: {sorted(given)}"
        raise NotApplicable(message)
    period = Period(start=start, end=_DAY.advance(start, days, "UTC"))
    return period, _DAY.advance(start, used, "UTC")


def _weighted(row: Row) -> Answer:
    given = row["input"]
    share = Fraction(f"{given['percent_of_period']}e-2")
    price = _price(given, _MONTH, "unit_price")
    old, new = given["old_quantity"], given["new_quantity"]
    policy = evolve(_DAILY, bill=Bill.DIFFERENCE)
    amounts = change_amounts(
        price.charge(old).amount(policy.rounding),
        price.charge(new).amount(policy.rounding),
        share,
        policy,
    )
    return Answer(got={"quantity": weighted_quantity(old, new, share), "total": plain(amounts.net)})


def _figures(row: Row, preview: Preview) -> dict[str, object]:
    """A preview by the keys that rows of changes use."""
    code = preview.before.currency
    coming = preview.next_invoice
    zero = from_minor(0, code)
    figures = {
        "credit": total((line.net for line in preview.credits), code),
        "debit": total((line.net for line in preview.charges), code),
        "net": preview.total,
        "total": preview.total,
        "charge_now": preview.due_now,
        "used": from_minor(int(preview.after.billed[0].left), code)
        if preview.after.billed
        else zero,
        "renewal_line": coming.lines[-1].net if coming else zero,
        "next_renewal_due": coming.due if coming else zero,
    }
    return {key: in_keys_of(row, key, each) for key, each in figures.items()}


_OFF = frozenset({"amount_off", "coupon_amount_off", "coupon", "discount"})


def credit_basis(row: Row) -> Answer:
    """Several changes in a period, of which one was not billed."""
    given = row["input"]
    modes = {"classic": STRIPE_CLASSIC, "flexible": STRIPE_FLEXIBLE}
    policy = modes[given["billing_mode"]]
    if not _OFF.isdisjoint(given):
        return _credit_under_a_coupon(row, policy)
    if "price_changes" not in given:
        message = f"a credit of another kind: {sorted(given)}"
        raise NotApplicable(message)
    behaviors = {
        "none": Behavior.NONE,
        "always_invoice": Behavior.INVOICE_NOW,
        "create_prorations": Behavior.CREATE,
    }
    first, *changes = given["price_changes"]
    price, quantity = _terms(first, _MONTH, "first")
    preview = _started(price, stretch(*given["period"]), policy, quantity=quantity)
    for number_, each in enumerate(changes):
        new, count = _terms(each, _MONTH, f"price {number_}")
        preview = preview_change(
            preview.after,
            ChangePrice(item="item", price=new, quantity=count),
            at=instant(each["day"]),
            policy=evolve(policy, behavior=behaviors[each["behavior"]]),
        )
    return Answer(got=_figures(row, preview))


def _credit_under_a_coupon(row: Row, policy: ProrationPolicy) -> Answer:
    """One of several items is removed, and a coupon was taken off them all."""
    given = row["input"]
    alone = [given[key] for key in ("price", "unit_amount", "item_amount") if key in given]
    amounts = given.get("items") or given.get("lines") or alone
    off = next(given[key] for key in sorted(_OFF) if key in given)
    if not isinstance(amounts, list) or not amounts or not isinstance(off, int):
        message = f"a coupon over no known items: {sorted(given)}"
        raise NotApplicable(message)
    period, at = _period_and_moment(given)
    interval = Interval(count=length_of(period, _DAILY), unit="day")
    prices = [
        _price({"unit_amount": each}, interval, "unit_amount", id=str(number_))
        for number_, each in enumerate(amounts)
    ]
    subscription = Subscription(
        id="sub",
        customer="customer",
        currency="USD",
        items=tuple(SubscriptionItem(id=each.id, price=each) for each in prices),
        anchor=period.start,
        zone="UTC",
        interval=interval,
        period=period,
        coupons=(Coupon(id="coupon", amount=from_minor(off, "USD")),),
    )
    before = preview_start(subscription, policy=policy).after
    change = RemoveItem(item=str(given.get("removed", 0))) if len(prices) > 1 else Cancel()
    return Answer(got=_figures(row, preview_change(before, change, at=at, policy=policy)))


def change_mode(row: Row) -> Answer:
    """The modes of app stores."""
    given = row["input"]
    if "fraction_used" in given:
        return _by_share_used(row)
    policy = evolve(_DAILY, change_day=ChangeDay.OLD, bill=Bill.DIFFERENCE)
    if given["mode"] == "INSTANT_PRORATED_DATE":
        return _by_date(row, policy)
    modes = {
        "INSTANT_PRORATED_CHARGE": policy,
        "INSTANT_NO_PRORATION": evolve(policy, behavior=Behavior.NONE),
        "DEFERRED": evolve(policy, when=When.PERIOD_END),
    }
    if given["mode"] not in modes:
        message = f"a mode of another kind: {given['mode']}"
        raise NotApplicable(message)
    policy = modes[given["mode"]]
    old, _ = _terms(given["old"], _MONTH, "old")
    new, _ = _terms(given["new"], _MONTH, "new")
    before = _started(old, stretch(*given["period"]), policy).after
    at = _moment(given)
    assert at is not None
    preview = preview_change(before, ChangePrice(item="item", price=new), at=at, policy=policy)
    coming = preview.next_invoice
    assert coming is not None
    shown = f"{coming.at:%m-%d}" if len(given["period"][1]) == 5 else f"{coming.at:%Y-%m-%d}"
    starts = shown if coming.lines[-1].price == new else None
    return Answer(
        got={
            "charge_now": plain(preview.due_now),
            "next_payment": shown,
            "new_plan_starts": starts,
        }
    )


def _by_date(row: Row, policy: ProrationPolicy) -> Answer:
    """The credit buys days of the new plan, which then renews: the payment date is moved."""
    given = row["input"]
    period, at = stretch(*given["period"]), _moment(given)
    assert at is not None
    before = _started(_terms(given["old"], _MONTH, "old")[0], period, policy).after
    preview = preview_change(before, Cancel(), at=at, policy=policy)
    end = paid_until(-preview.total, amount(given["new"], "price"), at=at, of=period)
    days = length_of(Period(start=at, end=end), policy)
    shown = f"{end:%m-%d}" if len(given["period"][1]) == 5 else f"{end:%Y-%m-%d}"
    counted = dict.fromkeys((key for key in row["expected"] if "days" in key), days)
    return Answer(got={"charge_now": 0, "next_payment": shown, **counted})


def _by_share_used(row: Row) -> Answer:
    """A monthly plan into a yearly one whose billing date stays: the year is spread by months."""
    given = row["input"]
    if given["mode"] != "CHARGE_PRORATED_PRICE":
        raise NotApplicable(f"the row does not say how {given['mode']} goes by a share used")
    used = number(given["fraction_used"])
    assert used is not None
    old, new = given["old"], given["new"]
    ratio = interval_ratio(interval_of(old), interval_of(new))
    credit = split_billed(amount(old, "price"), used, _DAILY).kept
    monthly = prorated(amount(new, "price"), ratio, _DAILY).amount
    rest = split_billed(monthly, used, _DAILY).kept
    net = total((rest, -credit), credit.currency)
    return Answer(
        got={"credit": plain(credit), "new_for_rest": plain(rest), "charge_now": plain(net)}
    )


def denominator(row: Row) -> Answer:
    """How many days of a period that was made longer are left."""
    given = row["input"]
    period = stretch(*given["current_period"])
    policy = evolve(_DAILY, change_day=ChangeDay.OLD)
    left = Period(start=cut(period, instant(given["allocated"]), policy), end=period.end)
    return Answer(got={"days_prorated": length_of(left, policy)})


def interval_change(row: Row) -> Answer:
    """Another interval within a period."""
    given, policy = row["input"], policy_of(row)
    old, new = given.get("old", {}), given["new"]
    inclusive = row.get("rules", {}).get("end_date") == "inclusive"
    at, interval = instant(given["change"]), interval_of(new)
    paid = old.get("paid_period")
    period = stretch(*paid, inclusive=inclusive) if paid else None
    if period is None or at >= period.end:
        return _begun_anew(row, new, at)
    day = new.get("bill_cycle_day")
    price, _ = _terms(old, interval_of(old), "old")
    before = _started(
        price,
        period,
        policy,
        anchor=instant(given["anchor"]) if "anchor" in given else None,
    ).after
    change = ChangePrice(
        item="item",
        price=_terms(new, interval, "new")[0],
        anchor=cycle_anchor(at, interval, "UTC", day=day) if day else None,
    )
    preview = preview_change(before, change, at=at, policy=policy)
    code = preview.before.currency
    credit = total((line.net for line in preview.credits), code)
    charge = total((line.net for line in preview.charges), code)
    return Answer(
        got={
            "invoice_total": plain(preview.total),
            "unused_credit": plain(credit),
            "new_charge": plain(charge),
            "unused_credit_cents": to_minor(-credit),
            "new_fee_cents": to_minor(charge),
            "new_days": sum(
                length_of(line.period, policy) for line in preview.charges if line.period
            ),
            "period_days": length_of(preview.after.period, policy),
        }
    )


def _begun_anew(row: Row, new: Mapping[str, Any], at: datetime) -> Answer:
    """A change at the end of what was paid: nothing to credit, and a first stretch of the new."""
    given, policy, interval = row["input"], policy_of(row), interval_of(new)
    start = wall_time(at.date(), time(), zone_of(given))
    anchor = instant(given["anchor"], zone_of(given)) if "anchor" in given else start
    first = schedule(start, interval, until=start, policy=policy, anchor=anchor).slices[0]
    fee = prorated(
        _terms(new, interval, "new")[0].charge(1).amount(policy.rounding),
        first.share.fraction,
        policy,
    ).amount
    whole = due_period(anchor, interval, zone_of(given), at=start, timing=BillingTiming.ADVANCE)
    return Answer(
        got={
            "invoice_total": plain(fee),
            "unused_credit": 0,
            "unused_credit_cents": 0,
            "new_charge": plain(fee),
            "new_fee_cents": to_minor(fee),
            "new_days": length_of(first.period, policy),
            "period_days": length_of(whole, policy),
        }
    )


# --------------------------------------------------------------------------- terminations


def _plan_period(given: Mapping[str, Any], zone: str) -> tuple[Period, datetime]:
    """The period that a plan was billed for, and its anchor."""
    interval = interval_of(given)
    if "period" in given:
        first, last = given["period"]
        period = stretch(first, last, zone, inclusive=True)
        return period, instant(given["anchor"], zone) if "anchor" in given else period.start
    start = instant(given["started_at"], zone)
    anchor = start
    if given.get("billing_time") == "calendar":
        anchor = calendar_anchor(start, interval, zone)
    elif "anchor" in given:
        anchor = instant(given["anchor"], zone)
    return due_period(anchor, interval, zone, at=start, timing=BillingTiming.ADVANCE), anchor


def _taxed(preview: Preview, percent: str) -> Preview:
    """The preview with so much tax in one country."""
    rate = Fraction(f"{percent}e-2")
    if not rate or not preview.lines:
        return preview.without_tax()
    table = RateTable(
        rates=(Rate(country="FR", rate=rate, valid_from=date(2000, 1, 1), source="the row"),),
        data_as_of=preview.at.date(),
    )
    request = preview.tax_request(seller=Seller(country="FR"), buyer=Buyer(country="FR"))
    return preview.with_tax(calculate(request, table))


def arrears_termination_fee(row: Row) -> Answer:
    """What is billed at the end of a plan that is billed in arrears."""
    given, policy = row["input"], policy_of(row)
    zone = zone_of(given)
    whole, anchor = _plan_period(given, zone)
    end = cut(whole, instant(given["terminated_at"], zone), policy, zone=zone, cancels=True)
    used = Period(start=instant(given["started_at"], zone), end=end)
    price = _price(given, interval_of(given), "plan_cents", flat=True)
    preview = _started(price, used, policy, anchor=anchor, zone=zone)
    return Answer(
        got={
            "amount_cents": to_minor(preview.total),
            "days": length_of(used, policy, zone=zone),
            "period_days": length_of(whole, policy, zone=zone),
        }
    )


def termination_credit_note(row: Row) -> Answer:
    """What is given back when a plan that was billed in advance ends."""
    given = row["input"]
    if "error" in row["expected"]:
        message = "what the other system refuses is no rule of ours"
        raise NotApplicable(message)
    if "coupon_cents" in given and "earlier_credit_net_cents" in given:
        raise NotApplicable(
            "what an earlier credit note had of the coupon, and what the fee has of the payment,"
            " follow from another fee on the invoice, which the row lacks"
        )
    leftover = {"refund": Leftover.REFUND, "offset": Leftover.OFFSET}
    policy = evolve(
        policy_of(row),
        leftover=leftover.get(given.get("on_termination", ""), Leftover.CREDIT_NOTE),
    )
    if given.get("on_termination") == "skip":
        policy = evolve(policy, behavior=Behavior.NONE)
    if given.get("upgrade"):  # ended by an upgrade: the new plan owns the day
        policy = evolve(policy, cancel_day=policy.change_day)
    zone, percent = zone_of(given), given.get("tax_percent") or "0"
    period, anchor = _plan_period(given, zone)
    trial_end = None
    if "trial_days" in given:
        trial = Interval(count=given["trial_days"], unit="day")
        trial_end = trial.advance(instant(given["started_at"], zone), 1, zone)
    price = _price(given, interval_of(given), "plan_cents", flat=True)
    coupons = (
        (Coupon(id="coupon", amount=amount(given, "coupon_cents")),)
        if "coupon_cents" in given
        else ()
    )
    first = _started(
        price, period, policy, anchor=anchor, zone=zone, trial_end=trial_end, coupons=coupons
    )
    before = _taxed(first, percent).after
    _only_its_own_payment(given, before)
    billed = () if given.get("invoice_status") == "voided" else before.billed
    before = evolve(before, billed=tuple(_paid(line, given, before.currency) for line in billed))
    at = instant(given["terminated_at"], zone)
    preview = _taxed(preview_change(before, Cancel(), at=at, policy=policy), percent)
    if not preview.lines:
        return Answer(got={"credit_note": None})
    line = preview.lines[0]
    settlement = preview.settlement
    unused = line.period
    assert unused is not None
    # Lago prints the share of the price, and that of the coupon, apart; our credit is net of it.
    part = share_of(unused, policy, of=period, zone=zone).fraction
    before_coupon = prorated(amount(given, "plan_cents"), part, policy).amount
    coupon = [prorated(each.amount, part, policy).amount for each in coupons if each.amount]
    return Answer(
        got={
            "unused_days": length_of(unused, policy, zone=zone),
            "net_cents": to_minor(before_coupon if coupon else -line.net),
            "coupon_share_cents": sum(map(to_minor, coupon)),
            "tax_cents": sum(to_minor(-part.tax) for part in line.tax),
            "total_cents": to_minor(-preview.total),
            "refund_cents": to_minor(settlement.refund),
            "credit_cents": to_minor(settlement.credit_note),
            "offset_cents": to_minor(settlement.offset),
            "exact_cents": -line.exact,
            "exact_half_up_cents": to_minor(-line.net),
        }
    )


def _only_its_own_payment(given: Mapping[str, Any], before: Subscription) -> None:
    """A payment above what was billed was for another fee, too; the row has to say which share."""
    if "subscription_share" in given or not before.billed:
        return
    code = before.currency
    if from_minor(given.get("invoice_paid_cents") or 0, code) > total(
        (line.gross for line in before.billed), code
    ):
        message = (
            "what the fee has of the payment follows from another fee on the invoice, which the"
            " row lacks"
        )
        raise NotApplicable(message)


def _paid(line: BilledLine, given: Mapping[str, Any], code: str) -> BilledLine:
    """The billed line with its share of what was paid, and what was credited before."""
    if "earlier_credit_net_cents" in given:
        line = evolve(line, credited=from_minor(given["earlier_credit_net_cents"], code))
    if "invoice_paid_cents" not in given:
        return line
    portion = number(given.get("subscription_share", "1"))
    assert portion is not None
    paid = share(from_minor(given["invoice_paid_cents"], code), portion, Rounding.HALF_UP)
    return evolve(line, paid=paid)


KINDS = {
    "advance_date": advance_date,
    "arrears_termination_fee": arrears_termination_fee,
    "change_lines": change_lines,
    "change_mode": change_mode,
    "credit_basis": credit_basis,
    "denominator": denominator,
    "interval_change": interval_change,
    "termination_credit_note": termination_credit_note,
    "anchor_clamp": anchor_clamp,
    "anchor_from_timezone": anchor_from_timezone,
    "billing_cycles_in_advance": billing_cycles,
    "coupon_allocation": coupon_allocation,
    "days_fixed_month": days_fixed_month,
    "invalid_input": invalid_input,
    "invoice_total": invoice_total,
    "month_fraction": month_fraction,
    "months_between_fraction": months_fraction,
    "period_boundaries": period_boundaries,
    "period_length_days": period_length_days,
    "prorated_charge": prorated_charge,
    "proration_factor": proration_factor,
    "unused_credit": unused_credit,
    "usage_proration": usage_proration,
    "whole_periods": whole_periods,
}
