"""What is short to write and would be long to read is refused, or read as fast as anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import pytest
from tests.rules.test_linear import calls, is_linear

from retainkit.errors import InvalidInput
from retainkit.rules import (
    MOST_DEEP,
    Condition,
    Flag,
    Number,
    Readings,
    Rule,
    Rulebook,
    Signals,
    all_of,
    any_of,
    declared,
    read_condition,
    read_rulebook,
    readings,
    segment,
    signals_of,
    why_not,
)


class Customer(Signals):
    """Whom the rules are about."""

    opted_out = Flag()
    seats = Number()
    paid = Number()
    trained = Number()


def tripling(levels: int) -> dict[str, Condition]:
    """Segments each of which names the next one three times; the outermost comes first."""
    named = {f"s{level}": any_of(*[segment(f"s{level - 1}")] * 3) for level in range(levels, 0, -1)}
    return {**named, "s0": Customer.opted_out.is_true()}


def refuse(levels: int) -> None:
    """Segments that are three times as large with each level, in the name of the outermost."""
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals=Customer, segments=tripling(levels))
    error = caught.value
    assert (error.code, error.field) == ("rules.too_large", f"segments.s{levels}")
    assert error.value == 3 ** (levels + 1) - 2
    assert error.remedy.startswith("use `in` for lists of values")


def test_segments_that_name_each_other_again_and_again_are_measured_once() -> None:
    """Twelve levels take no longer than six, though they stand for half a million conditions."""
    counts = [calls(lambda n=levels: refuse(n)) for levels in (6, 12)]  # type: ignore[misc] # bound now
    assert counts[1] < 3 * counts[0]


def test_the_signals_of_segments_are_read_once() -> None:
    """However often each is named."""
    segments = tripling(40)
    assert calls(lambda: signals_of(segments["s40"], segments)) < 10_000
    assert signals_of(segments["s40"], segments) == [Customer.opted_out]


# ---- long lists

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LENGTHS = (400, 800, 1_600)


def one_of(length: int) -> Condition:
    """One of so many numbers of seats, none of which is 0."""
    return Customer.seats.one_of(*range(1, length + 1))


def contradict(length: int) -> None:
    """A rule that nobody can meet, because of one long list."""
    rule = Rule(id="none", when=one_of(length) & (Customer.seats < 0))
    with pytest.raises(InvalidInput) as caught:
        Rulebook(signals=Customer, rules=[rule])
    error = caught.value
    assert (error.code, error.field) == ("rules.contradiction", "rules.none.when")
    assert (error.value, error.remedy) == (["seats"], "read again what is said of seats")


def change(length: int) -> None:
    """A customer who has no seats, and would have to have one."""
    (found,) = why_not(one_of(length), readings(Customer, {"seats": 0}), NOW).changes
    assert (found.signal, found.to) == ("seats", 1)


@pytest.mark.parametrize("do", [contradict, change])
def test_a_list_takes_as_long_as_it_is_long(do: Callable[[int], None]) -> None:
    """Each of its values is compared with a set, not with all the others; seconds, and no hours."""
    before = perf_counter()
    do(30_000)
    assert perf_counter() - before < 30
    assert is_linear([calls(lambda n=length: do(n)) for length in LENGTHS])  # type: ignore[misc] # bound now


def test_the_search_for_a_change_gives_up() -> None:
    """Nobody waits for all pairs of two long lists to be tried."""
    lists = one_of(4_000) & Customer.paid.one_of(*range(5_000, 9_000))
    unmet = lists & (Customer.paid < 0) & (Customer.seats > Customer.paid)
    known = readings(Customer, {"seats": 0, "paid": 0})
    before = perf_counter()
    assert why_not(unmet, known, NOW).changes == ()
    assert perf_counter() - before < 40


LONG = ~Customer.seats.one_of(*range(50_000))
"""More values than are looked at before the search begins no other plan."""


@pytest.mark.parametrize(
    ("condition", "least"),
    [
        (all_of(LONG, Customer.paid > 3), {"seats": 4.5, "paid": 4}),
        (all_of(Customer.paid > 3, LONG), {"seats": 4.5, "paid": 4}),
        (all_of(LONG, Customer.paid > Customer.trained), {"seats": 4.5, "paid": 3}),
        (
            all_of(
                LONG,
                Customer.trained >= 3,
                Customer.paid >= 3,
                Customer.paid > Customer.trained,
            ),
            {"seats": 4.5, "paid": 4, "trained": 3},
        ),
    ],
    ids=["the list first", "the list last", "a comparison", "a comparison of which both move"],
)
def test_a_search_that_is_begun_is_finished(condition: Condition, least: dict[str, object]) -> None:
    """However long one list is, the other signals are asked, too."""
    known = readings(Customer, {"seats": 5, "paid": 1, "trained": 2})
    assert moved(condition, known) == least


@pytest.mark.parametrize(
    "condition",
    [
        any_of(
            LONG & Customer.seats.one_of(1, 2), (Customer.paid > 3) & ~Customer.opted_out.is_true()
        ),
        all_of(
            LONG,
            Customer.paid > Customer.trained,
            Customer.paid < 0,
            Customer.trained.between(1, 2),
        ),
    ],
    ids=["another way", "another round"],
)
def test_after_a_long_search_no_other_is_begun(condition: Condition) -> None:
    """What was begun fails after so many values, and what comes next is not tried."""
    known = readings(Customer, {"seats": 5, "paid": 1, "trained": 2, "opted_out": True})
    assert moved(condition, known) == {}


def moved(condition: Condition, known: Readings) -> dict[str, object]:
    """What would have to be otherwise, by signal."""
    return {change.signal: change.to for change in why_not(condition, known, NOW).changes}


# ---- depth


def nested(word: str) -> dict[str, object]:
    """Five thousand of these, one inside the other."""
    inside: dict[str, object] = {"seats": 1}
    for _ in range(5_000):
        inside = {word: inside if word == "not" else [inside, inside]}
    return inside


def circular(word: str) -> dict[str, object]:
    """What contains itself, twice."""
    data: dict[str, object] = {}
    data[word] = data if word == "not" else [data, data]
    return data


def shares() -> dict[str, object]:
    """A share of a share of a share, and so on."""
    inside: object = "seats"
    for _ in range(5_000):
        inside = {"share": {"of": inside, "whole": "seats"}}
    return {"computed": {"share": {"of": inside, "whole": "seats"}, "lt": 1}}


@pytest.mark.parametrize(
    "data",
    [nested("not"), nested("all"), circular("not"), circular("any"), shares()],
    ids=["nested not", "nested all", "circular not", "circular any", "nested shares"],
)
def test_what_is_too_deep_is_told_once_and_left(data: object) -> None:
    """In a condition, and in a file, whose other rules are read all the same."""
    with pytest.raises(InvalidInput) as caught:
        read_condition(data, declared(Customer))
    told = caught.value.value
    assert isinstance(told, tuple)
    (mistake,) = told
    assert (mistake.code, mistake.value) == ("rules.too_deep", MOST_DEEP + 1)
    assert mistake.remedy == "flatten it, or compute a part of it as a signal of its own"

    rules = [{"id": "deep", "when": data}, {"id": "next", "when": {"seets": 1}}]
    with pytest.raises(InvalidInput) as caught:
        read_rulebook({"rules": rules}, Customer)
    found = caught.value.value
    assert isinstance(found, tuple)
    assert [each.code for each in found] == ["rules.too_deep", "rules.unknown_signal"]
    assert found[0].place[:3] == ("rules", 0, "when")
