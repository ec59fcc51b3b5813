"""What is short to write and would be long to read is refused, or read as fast as anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import pytest
from tests.rules.test_linear import calls, is_linear

from retainkit.errors import InvalidInput
from retainkit.rules import (
    Condition,
    Flag,
    Number,
    Rule,
    Rulebook,
    Signals,
    any_of,
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
