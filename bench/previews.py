"""Previews of plan changes, against the same figures by hand; and a split, against division.

A preview is of ten lines with tiers and a coupon, with tax, the next invoice and the whole trail.
By hand, it is straight-line code with integers and fractions for exactly this case, without a
trail, a check or a choice.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from statistics import median
from time import perf_counter

from attrs import evolve

from retainkit.billing.prices import Coupon, Graduated, Price, Tier
from retainkit.billing.proration import (
    Change,
    ChangePrice,
    Preview,
    Subscription,
    SubscriptionItem,
    preview_change,
    preview_changes,
    preview_start,
)
from retainkit.billing.tax import Buyer, Rate, RateTable, Seller, calculate
from retainkit.money import Money, allocate_units, from_minor, money
from retainkit.timing import Interval, Period


LINES = 5  # items that change: a credit and a charge each
ROUNDS = 25
LEAST = {"preview": 0.1, "preview-batch": 1.0}
MANY = 100_000
START, END = datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC)
AT = datetime(2025, 4, 11, 8, 30, tzinfo=UTC)
MONTH = Interval(unit="month")
SELLER, BUYER = Seller(country="DE"), Buyer(country="DE")
RATES = RateTable(
    rates=(
        Rate(country="DE", rate=Fraction(19, 100), valid_from=date(2021, 1, 1), source="the bench"),
    ),
    data_as_of=date(2025, 4, 1),
)
COUPON = Coupon(id="launch", percent=Decimal("12.5"))


def run(name: str) -> dict[str, object]:
    """One bench by its name."""
    return {"preview": _preview, "preview-batch": _batch, "allocate": _allocate}[name]()


def _price(n: int, step: int) -> Price:
    return Price(
        id=f"seats-{n}-{step}",
        currency="EUR",
        scheme=Graduated(
            tiers=(
                Tier(up_to=10, unit=money(Decimal(900 + n + step).scaleb(-2), "EUR")),
                Tier(up_to=50, unit=money(Decimal(700 + n + step).scaleb(-2), "EUR")),
                Tier(unit=money(Decimal(500 + n + step).scaleb(-2), "EUR")),
            )
        ),
        interval=MONTH,
    )


def _subscription(items: int, id: str = "sub") -> Subscription:
    subscription = Subscription(
        id=id,
        customer="customer",
        currency="EUR",
        items=tuple(
            SubscriptionItem(id=f"item-{n}", price=_price(n, 0), quantity=60 + n)
            for n in range(items)
        ),
        anchor=START,
        zone="Europe/Berlin",
        interval=MONTH,
        period=Period(start=START, end=END),
        coupons=(COUPON,),
    )
    return preview_start(subscription).after


_Figures = tuple[list[tuple[Money, Money, Money]], Money, list[Money], Money]
"""Net, tax and gross of every line, what is due now, the next invoice's lines and their total."""


def _ours(subscription: Subscription, changes: tuple[Change, ...]) -> _Figures:
    preview = preview_change(subscription, changes, at=AT)
    request = preview.tax_request(seller=SELLER, buyer=BUYER)
    taxed = preview.with_tax(calculate(request, RATES))
    coming = taxed.next_invoice
    assert coming is not None
    lines = [(part.net, part.tax, part.gross) for line in taxed.lines for part in line.tax]
    return lines, taxed.due_now, [line.net for line in coming.lines], coming.total


def _by_hand(billed: list[Fraction]) -> _Figures:
    left, whole = int((END - AT).total_seconds()), int((END - START).total_seconds())
    share = Fraction(left, whole)
    nets, following = [], []
    for n in range(LINES):
        units = 10 * (1000 + n) + 40 * (800 + n) + (10 + n) * (600 + n)
        exact = units - units * Fraction(125, 1000)
        nets += [-_half_up(billed[n] * share), _half_up(exact * share)]
        following.append(_half_up(exact))
    taxes = [Fraction(net * 19, 100) for net in nets]
    total = _half_up(sum(taxes, Fraction(0)))
    spread = [int(tax) for tax in taxes]
    off = total - sum(spread)
    unit = 1 if off > 0 else -1
    rests = [unit * (tax - part) for tax, part in zip(taxes, spread, strict=True)]
    for index in sorted(range(len(rests)), key=rests.__getitem__, reverse=True)[: abs(off)]:
        spread[index] += unit
    lines = [
        (from_minor(net, "EUR"), from_minor(tax, "EUR"), from_minor(net + tax, "EUR"))
        for net, tax in zip(nets, spread, strict=True)
    ]
    due = from_minor(max(0, sum(nets) + total), "EUR")
    coming = [from_minor(units, "EUR") for units in following]
    return lines, due, coming, from_minor(sum(following), "EUR")


def _half_up(exact: Fraction) -> int:
    twice, part = 2 * exact.numerator, 2 * exact.denominator
    return (twice + exact.denominator) // part


def _preview() -> dict[str, object]:
    subscription = _subscription(LINES)
    changes: tuple[Change, ...] = tuple(
        ChangePrice(item=f"item-{n}", price=_price(n, 100)) for n in range(LINES)
    )
    billed = [line.exact for line in subscription.billed]
    both = _ours(subscription, changes), _by_hand(billed)
    assert both[0] == both[1], both
    ours, theirs = [], []
    for _ in range(ROUNDS):
        begun = perf_counter()
        for _ in range(50):
            _ours(subscription, changes)
        ours.append(50 / (perf_counter() - begun))
        begun = perf_counter()
        for _ in range(400):
            _by_hand(billed)
        theirs.append(400 / (perf_counter() - begun))
    return _result("preview", ours, theirs, "previews/s")


def _many(count: int) -> Iterator[Subscription]:
    first = _subscription(1)
    (line,) = first.billed
    for n in range(count):
        yield evolve(first, id=f"sub-{n}", billed=(evolve(line, id=f"line-{n}"),))


def _batch() -> dict[str, object]:
    change = ChangePrice(item="item-0", price=_price(0, 100))
    alone_for, batch_for = 0.0, 0.0
    sample = list(_many(2_000))
    alone: list[Preview] = []
    ratios = []
    for _ in range(5):
        begun = perf_counter()
        alone = [preview_change(each, change, at=AT) for each in sample]
        alone_for = perf_counter() - begun
        begun = perf_counter()
        together = list(preview_changes(sample, change, at=AT))
        batch_for = perf_counter() - begun
        assert together == alone
        ratios.append(alone_for / batch_for)
    begun = perf_counter()
    counted = sum(1 for _ in preview_changes(_many(MANY), change, at=AT))
    seconds = perf_counter() - begun
    few, many = (_peak(count, change) for count in (1_000, 10_000))
    ratio = median(ratios)
    return {
        "value": round(counted / seconds),
        "unit": "customers/s",
        "anchor": "the same as single previews",
        "ratio": round(ratio, 2),
        "least": LEAST["preview-batch"],
        "peak_kib_1000": few,
        "peak_kib_10000": many,
        "met": ratio >= LEAST["preview-batch"] and many <= 1.2 * few,
    }


def _peak(count: int, change: Change) -> int:
    tracemalloc.start()
    for _ in preview_changes(_many(count), change, at=AT):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak // 1024


def _allocate() -> dict[str, object]:
    weights = [(n * 7919) % 101 + 1 for n in range(10)]
    whole = sum(weights)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        begun = perf_counter()
        for n in range(2_000):
            allocate_units(100_003 + n, weights)
        ours.append(2_000 / (perf_counter() - begun))
        begun = perf_counter()
        for n in range(2_000):
            [(100_003 + n) * weight // whole for weight in weights]
        theirs.append(2_000 / (perf_counter() - begun))
    return _result("allocate", ours, theirs, "splits into 10/s")


def _result(name: str, ours: list[float], theirs: list[float], unit: str) -> dict[str, object]:
    # Round by round, since other work slows both.
    ratio = median(mine / hand for mine, hand in zip(ours, theirs, strict=True))
    least = LEAST.get(name)
    return {
        "value": round(median(ours)),
        "unit": unit,
        "anchor": round(median(theirs)),
        "ratio": round(ratio, 3),
        "least": least,
        "met": least is None or ratio >= least,
    }
