"""Vectors of proration as calls of ``billing.proration``: dates and words in, no arithmetic.

A day is midnight in the row's zone (UTC unless it says), an inclusive end the midnight after it,
and a day without a year is one of 2025, which has no leap day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from attrs import evolve
from tests.vectors._rows import Answer, NotApplicable, Row, number

from retainkit.billing.proration import (
    CHARGEBEE,
    KILLBILL,
    LAGO,
    RECOMMENDED,
    SILVER,
    STRIPE_CLASSIC,
    STRIPE_FLEXIBLE,
    ZUORA_30_360,
    BillingTiming,
    Denominator,
    Granularity,
    ProrationPolicy,
    calendar_months,
    change_amounts,
    cycle_anchor,
    due_period,
    length_of,
    months_between,
    prorated,
    schedule,
    share_of,
    split_billed,
)
from retainkit.errors import InvalidInput
from retainkit.money import (
    AllocationStrategy,
    Money,
    Rounding,
    allocate_units,
    from_minor,
    money,
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
_UNITS = {
    "day": _DAY,
    "week": Interval(unit="week"),
    "month": _MONTH,
    "quarter": Interval(count=3, unit="month"),
    "year": Interval(unit="year"),
    "monthly": _MONTH,
    "weekly": Interval(unit="week"),
    "quarterly": Interval(count=3, unit="month"),
    "semiannual": Interval(count=6, unit="month"),
    "yearly": Interval(unit="year"),
}
_NEXT = {"months": _MONTH}


def policy_of(row: Row) -> ProrationPolicy:
    """The profile of the row's system, with what its rules and input set."""
    policy = POLICIES.get(row["system"], _DAILY)
    fixed = row["input"].get("fixed_days")
    if fixed is not None or row["rules"].get("denominator") == "fixed_30":
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


def stretch(start: str, end: str, zone: str = "UTC", *, inclusive: bool = False) -> Period:
    """The period between two days of a row."""
    last = instant(end, zone)
    return Period(
        start=instant(start, zone), end=_DAY.advance(last, 1, zone) if inclusive else last
    )


def interval_of(given: Mapping[str, Any]) -> Interval:
    """The interval of a row: a word with a count, or months."""
    if "period_months" in given:
        return Interval(count=given["period_months"], unit="month")
    named = _UNITS[given.get("interval", "month")]
    count = given.get("interval_count", 1)
    return named if count == 1 else Interval(count=count, unit=named.unit)


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
    count = period_number(instant(given["start"]), interval_of(given), "UTC", instant(given["end"]))
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


def _schedule(row: Row, given: Mapping[str, Any], end: str | None = None) -> Any:
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
    zone = given.get("timezone", "UTC")
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
    denominator = {
        "actual_days": Denominator.ACTUAL_PERIOD,
        "actual_360": Denominator.ACTUAL_360,
        "strict_30_360": Denominator.STRICT_30_360,
    }[row["rules"]["rule"]]
    part = stretch(given["start"], given["end"], inclusive=given.get("end_date") == "inclusive")
    policy = evolve(policy_of(row), denominator=denominator)
    return Answer(got={"fraction": share_of(part, policy).fraction})


# ------------------------------------------------------------------------------- amounts


def prorated_charge(row: Row) -> Answer:
    """A price for a stretch of its cycle."""
    given, policy = row["input"], policy_of(row)
    price = amount(given, "price", "price_cents", "plan_cents")
    if "days" in given:
        share = Fraction(given["days"], given["period_days"])
    else:
        share = _share(row, given, "segment_start", "segment_end")
    key = "amount_cents" if "amount_cents" in row["expected"] else "amount"
    return Answer(got={key: in_keys_of(row, key, prorated(price, share, policy).amount)})


def _share(row: Row, given: Mapping[str, Any], start: str, end: str) -> Fraction:
    inclusive = given.get("end") == "inclusive"
    part = stretch(given[start], given[end], inclusive=inclusive)
    cycle = given.get("cycle") or given.get("paid_period")
    if "cycle_start" in given:
        cycle = [given["cycle_start"], given["cycle_end"]]
    return share_of(
        part,
        policy_of(row),
        of=stretch(*cycle) if cycle else None,
        interval=interval_of(given),
    ).fraction


def unused_credit(row: Row) -> Answer:
    """What is credited for the rest of a paid cycle, and what is kept."""
    given, policy = row["input"], policy_of(row)
    price = amount(given, "price")
    names = (
        ("unused_start", "unused_end")
        if "unused_start" in given
        else ("segment_start", "segment_end")
    )
    split = split_billed(price, _share(row, given, *names), policy)
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
    theirs = allocate_units(off, lines, strategy=AllocationStrategy.LARGEST_WEIGHT)
    if list(theirs) != row["expected"]["discounts"]:
        return Answer(got={"discounts": list(theirs), "total": to_minor(net)})
    return Answer(got={"discounts": list(ours), "total": to_minor(net)}, instead=instead)


KINDS = {
    "advance_date": advance_date,
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
