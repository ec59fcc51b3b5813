"""How small the smallest change is, and that it is found wherever there is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import combinations, product
from random import Random

import pytest

from retainkit.money import money
from retainkit.rules import (
    NOBODY,
    Amount,
    Condition,
    Duration,
    Flag,
    Number,
    Signals,
    Time,
    Truth,
    all_of,
    any_of,
    compiled,
    days,
    readings,
    signals_of,
    why_not,
)


NOW = datetime(2026, 11, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
LARGEST = 2**53


class Customer(Signals):
    """Amounts, shares, lengths and instants, two of each."""

    mrr = Amount()
    spent = Amount()
    share = Number()
    usage = Number()
    before = Number()
    answered = Duration()
    promised = Duration()
    renewal_at = Time()
    login_at = Time()
    seen_at = Time(missing="never")


def to(condition: Condition, **known: object) -> dict[str, object]:
    """What would have to be otherwise, by signal."""
    answer = why_not(condition, readings(Customer, known, at=NOW), NOW)
    return {change.signal: change.to for change in answer.changes}


@pytest.mark.parametrize(
    ("condition", "now", "least"),
    [
        (Customer.share > 0.5, 0.4, 0.51),
        (Customer.share < -0.3, -0.1, -0.31),
        (Customer.share < 0.5, 0.5, 0.49),
        (Customer.share.ne(0.25), 0.25, 0.251),
        (~Customer.share.between(0.2, 0.4), 0.3, 0.19),
        ((Customer.share > 0.5) & (Customer.share < 0.505), 0.4, 0.5025),
        (Customer.share > 5, 3, 6),
        (Customer.share > 1e17, 1, 1.0000000000000002e17),
        (Customer.share > LARGEST, 1, float(LARGEST + 2)),
        (Customer.share > 1.7e308, 1, 1.7000000000000001e308),
        (Customer.share < 5e-324, 1, 0),
    ],
    ids=str,
)
def test_a_number_is_moved_by_one_of_its_decimals(
    condition: Condition, now: float, least: float
) -> None:
    """A share of 0.51, not of 1.5; beyond all decimals by what a float can tell apart."""
    assert to(condition, share=now) == {"share": least}


@pytest.mark.parametrize(
    ("condition", "now", "least"),
    [
        (Customer.mrr > money("500", "EUR"), money("499", "EUR"), money("500.01", "EUR")),
        (Customer.mrr < money("500", "EUR"), money("500", "EUR"), money("499.99", "EUR")),
        (Customer.mrr < money("0.001", "EUR"), money("5", "EUR"), money("0", "EUR")),
        (Customer.mrr >= money("0.001", "EUR"), money("0", "EUR"), money("0.01", "EUR")),
        (Customer.mrr > money("500", "JPY"), money("499", "JPY"), money("501", "JPY")),
        (Customer.mrr > money("5", "KWD"), money("5", "KWD"), money("5.001", "KWD")),
    ],
    ids=str,
)
def test_an_amount_is_moved_to_what_can_be_paid(
    condition: Condition, now: object, least: object
) -> None:
    """By a cent, a yen or a fils; never to a part of one where a whole one does."""
    assert to(condition, mrr=now) == {"mrr": least}


def test_only_a_part_of_a_cent_may_do() -> None:
    """Between two tenths of a cent there is nothing that can be paid, but prices that are."""
    between = Customer.mrr.between(money("0.001", "EUR"), money("0.002", "EUR"))
    assert to(between, mrr=money("0", "EUR")) == {"mrr": money("0.001", "EUR")}


def test_no_amount_is_proposed_that_is_none() -> None:
    """Above the largest there is no other."""
    largest = money(10**30 - 1, "JPY")
    assert to(Customer.mrr > largest, mrr=largest) == {}
    assert to(Customer.mrr < largest, mrr=largest) == {"mrr": money(10**30 - 2, "JPY")}


@pytest.mark.parametrize(
    ("condition", "known", "change"),
    [
        (
            Customer.mrr >= Customer.spent * Fraction(1, 3),
            {"mrr": money(1, "JPY"), "spent": money(1000, "JPY")},
            {"mrr": money(334, "JPY")},
        ),
        (
            Customer.mrr < Customer.spent * 0,
            {"mrr": money(5, "EUR"), "spent": money(5, "EUR")},
            {"mrr": money("-0.01", "EUR")},
        ),
        (
            Customer.usage < Customer.before * 0,
            {"usage": 5, "before": 5},
            {"usage": -1},
        ),
        (
            Customer.usage > Customer.before * 0.7,
            {"usage": 1, "before": 3},
            {"usage": 2.1},
        ),
        (
            Customer.usage >= Customer.before * 1e300,
            {"usage": 1, "before": 10**10},
            {"before": 1e-300},
        ),
        (
            Customer.mrr > Customer.spent * 10**30,
            {"mrr": money(0, "EUR"), "spent": money(10**20, "EUR")},
            {"spent": money("-0.01", "EUR")},
        ),
        (
            Customer.renewal_at > Customer.login_at,
            {"renewal_at": NOW, "login_at": LAST},
            {"login_at": NOW - timedelta(seconds=1)},
        ),
    ],
    ids=str,
)
def test_what_is_compared_with_another_signal_is_moved_as_little(
    condition: Condition, known: dict[str, object], change: dict[str, object]
) -> None:
    """Past it by the smallest step; where that is beyond all values, the other one moves."""
    assert to(condition, **known) == change


@pytest.mark.parametrize(
    ("condition", "known"),
    [
        (
            (Customer.mrr < Customer.spent * 0) & (Customer.mrr >= money(0, "EUR")),
            {"mrr": money(5, "EUR"), "spent": money(5, "EUR")},
        ),
        (
            (Customer.answered < Customer.promised * 0) & (Customer.answered > days(1)),
            {"answered": days(0), "promised": days(9)},
        ),
    ],
    ids=str,
)
def test_where_nothing_does_nothing_is_proposed(
    condition: Condition, known: dict[str, object]
) -> None:
    """Nothing is less than nothing times another, and not below nothing."""
    assert to(condition, **known) == {}


def test_a_length_beyond_all_lengths_is_left_alone() -> None:
    """No length is as long; so the one that was promised would have to be shorter."""
    late = Customer.answered > Customer.promised * 10**12
    (promised,) = to(late, answered=days(0), promised=days(1000)).values()
    assert isinstance(promised, timedelta)
    assert promised < timedelta(0)


@pytest.mark.parametrize(
    ("condition", "known", "change"),
    [
        (
            (Customer.usage > 5) & (Customer.usage < Customer.before),
            {"usage": 1, "before": 2},
            {"usage": 6, "before": 7},
        ),
        (
            (Customer.usage > 5) & (Customer.usage < Customer.before),
            {"usage": 1, "before": 9},
            {"usage": 6},
        ),
        (
            (Customer.usage > 5)
            & (Customer.usage < Customer.before)
            & (Customer.before < Customer.share),
            {"usage": 1, "before": 2, "share": 3},
            {"usage": 6, "before": 7, "share": 8},
        ),
        (
            all_of(
                Customer.usage < Customer.share,
                Customer.share >= Customer.before,
                Customer.usage.ne(Customer.share),
            ),
            {"usage": -2, "before": 3},
            {"share": 3},
        ),
        (
            (Customer.usage > 1) & (Customer.before < 2) & Customer.usage.eq(Customer.before),
            {"usage": -1.5, "before": 1},
            {"usage": 1.5, "before": 1.5},
        ),
    ],
    ids=str,
)
def test_what_has_to_stay_as_it_is_compared_moves_along(
    condition: Condition, known: dict[str, object], change: dict[str, object]
) -> None:
    """More than the one before is not allowed, so that one is more, too; and so on."""
    assert to(condition, **known) == change


class Small(Signals):
    """So few values that all of them can be tried."""

    x = Number()
    y = Number()
    z = Number()
    f = Flag()


HALVES = (None, *(half / 2 for half in range(-2, 9)))
VALUES: dict[str, tuple[object, ...]] = {
    "x": HALVES,
    "y": HALVES,
    "z": HALVES,
    "f": (None, True, False),
}


def leaf(chance: Random) -> Condition:
    """One comparison."""
    numbers = (Small.x, Small.y, Small.z)
    one, other = chance.sample(numbers, 2)
    limit: Number | int = chance.choice((other, chance.randint(0, 3)))
    return chance.choice(
        (one < limit, one <= limit, one.eq(limit), one.ne(limit), one.missing(), Small.f.is_true())
    )


def tree(chance: Random, deep: int) -> Condition:
    """A few comparisons, combined."""
    if not deep or chance.random() < 0.2:
        return leaf(chance)
    items = [tree(chance, deep - 1) for _ in range(chance.randint(2, 3))]
    return chance.choice((all_of(*items), all_of(*items), any_of(*items), ~items[0]))


def fewest(condition: Condition, row: dict[str, object]) -> int | None:
    """How many signals have to change, found by trying all."""
    asked, names = compiled({"": condition}), [s.name for s in signals_of(condition)]
    for size in range(1, len(names) + 1):
        for some in combinations(names, size):
            for values in product(*(VALUES[name] for name in some)):
                known = readings(Small, {**row, **dict(zip(some, values, strict=True))})
                if asked.truths(known, NOW)[""] is Truth.TRUE:
                    return size
    return None


def test_no_change_of_fewer_signals_does() -> None:
    """By brute force, in a world of small numbers; and none is missed."""
    chance = Random(3)
    asked = 0
    while asked < 60:
        condition = tree(chance, 3)
        row = {name: chance.choice(values) for name, values in VALUES.items()}
        answer = why_not(condition, readings(Small, row), NOW)
        if answer.explained.truth is Truth.TRUE:
            continue
        asked += 1
        assert (len(answer.changes) or None) == fewest(condition, row), (condition, row)


SILENT = Customer.seen_at.more_than_ago(days(14))


@pytest.mark.parametrize(
    ("condition", "changes"),
    [
        (SILENT & (Customer.usage > 2), {"usage": 3}),
        (any_of(SILENT & (Customer.usage > 2), SILENT & (Customer.share > 0.5)), {"usage": 3}),
        (SILENT & Customer.usage.missing(), {"seen_at": NOW - days(14)}),
    ],
    ids=["a fact beside", "either fact", "no fact beside"],
)
def test_one_fact_makes_somebody_of_nobody(
    condition: Condition, changes: dict[str, object]
) -> None:
    """Who was never seen is silent, as soon as anything is known of them."""
    answer = why_not(condition, NOBODY, NOW)
    assert answer.explained.truth is Truth.UNKNOWN
    assert {change.signal: change.to for change in answer.changes} == changes
