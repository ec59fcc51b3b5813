"""Asking a rule is linear in its size, and counting and reading in what there is: calls, counted.

Seconds depend on the machine; how many functions are called does not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import FrameType

import pytest

from retainkit.core import Event
from retainkit.errors import InvalidInput
from retainkit.ids import CustomerId, EventId
from retainkit.rules import (
    Condition,
    Number,
    Readings,
    Rule,
    Rulebook,
    Signal,
    all_of,
    any_of,
    at_least,
    compiled,
    days,
    event,
    hours,
    json_logic_data,
    next_flip,
    read_rulebook,
    readings,
    sequence,
    to_json_logic,
    truth_of,
    version,
    why,
)
from retainkit.signals import Measures


NOW = datetime(2026, 11, 1, tzinfo=UTC)
SIZES = (45, 90, 180)


def calls(do: Callable[[], object]) -> int:
    """How many functions are called, those in C included; the first time may fill a cache."""
    do()
    count = 0

    def watch(frame: FrameType, what: str, argument: object) -> None:
        del frame, argument
        nonlocal count
        count += what in {"call", "c_call"}

    sys.setprofile(watch)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


def is_linear(counts: list[int]) -> bool:
    """Twice as much takes at most twice as many calls, and a little for the beginning."""
    return all(more <= 2.1 * fewer + 50 for fewer, more in pairwise(counts))


def wide(leaves: list[Condition]) -> Condition:
    """All in one list."""
    return all_of(*leaves)


def grouped(leaves: list[Condition]) -> Condition:
    """Half of many small groups."""
    groups = [any_of(*leaves[first : first + 5]) for first in range(0, len(leaves), 5)]
    return at_least(len(groups) // 2, *groups)


def negated(leaves: list[Condition]) -> Condition:
    """With a `not` at each, around each, and around the whole."""
    return ~any_of(*(~(~leaf | leaf) for leaf in leaves))


Shape = Callable[[list[Condition]], Condition]


def made(shape: Shape, size: int) -> tuple[dict[str, Signal], Condition, Readings]:
    """A rule of so many comparisons of as many signals, all of them known and going stale."""
    signals = {f"s{number}": Number(name=f"s{number}", fresh_for=days(7)) for number in range(size)}
    leaves = [signal > number % 7 for number, signal in enumerate(signals.values())]
    known = readings(signals, dict.fromkeys(signals, 3), at=NOW - days(1))
    return dict(signals), shape(leaves), known


def _truth(signals: dict[str, Signal], rule: Condition, known: Readings) -> object:
    del signals
    return truth_of(rule, known, NOW)


def _stale(signals: dict[str, Signal], rule: Condition, known: Readings) -> object:
    del signals
    return compiled({"": rule}).truths(known, NOW + days(30))


def _why(signals: dict[str, Signal], rule: Condition, known: Readings) -> object:
    del signals
    return why(rule, known, NOW)


def _next_flip(signals: dict[str, Signal], rule: Condition, known: Readings) -> object:
    del signals
    return next_flip(rule, known, NOW)


def _version(signals: dict[str, Signal], rule: Condition, known: Readings) -> object:
    del signals, known
    return version(rule)


def _logic(signals: dict[str, Signal], rule: Condition, known: Readings) -> object:
    return to_json_logic(rule), json_logic_data(signals.values(), known, NOW)


@pytest.mark.parametrize("shape", [wide, grouped, negated])
@pytest.mark.parametrize("ask", [_truth, _stale, _why, _next_flip, _version, _logic])
def test_asking_is_linear_in_the_size_of_the_rule(
    ask: Callable[[dict[str, Signal], Condition, Readings], object], shape: Shape
) -> None:
    """Compiling and asking, explaining, the next flip, versions and JsonLogic."""
    counts = []
    for size in SIZES:
        signals, rule, known = made(shape, size)
        counts.append(calls(lambda s=signals, r=rule, k=known: ask(s, r, k)))  # type: ignore[misc] # bound now
    assert is_linear(counts), counts


@pytest.mark.parametrize("shape", [wide, grouped, negated])
def test_the_largest_rule_is_checked_within_bounds(shape: Shape) -> None:
    """Whether a rule contradicts itself is asked of at most 64 ways at a time."""
    size = 195
    signals, rule, _ = made(shape, size)
    assert rule.size > size
    count = calls(lambda: Rulebook(signals=signals, rules=[Rule(id="large", when=rule)]))
    assert count < 3_000 * size, count


def test_a_mistake_takes_no_longer_to_tell_than_the_document_to_read() -> None:
    """A segment that many others name is judged once, whatever else is wrong."""
    small = {f"small{number}": {"s": number} for number in range(60)}
    hub = {"hub": {"any": [{"segment": name} for name in small]}}
    named = {f"n{number}": {"any": [{"segment": "hub"}, {"s": 100}]} for number in range(40)}
    right = {"signals": {"s": {"kind": "number"}}, "segments": {**small, **hub, **named}}
    wrong = {**right, "rules": [{"id": "a", "when": {"s": {"gtt": 1}}}]}

    def tell() -> None:
        with pytest.raises(InvalidInput, match="did you mean 'gt'"):
            read_rulebook(wrong)

    assert calls(tell) < 1.2 * calls(lambda: read_rulebook(right))


# ---- windows


CUSTOMER = CustomerId("ada")
USED = event("feature.used")


def history(per_day: int, lasting: int) -> list[Event]:
    """So many events on each of so many days before now."""
    return [
        Event(
            id=EventId(f"e{day}-{number}"),
            name="feature.used",
            customer=CUSTOMER,
            occurred_at=NOW - timedelta(days=day, minutes=5 + number),
            data={"user": f"u{number % 5}"},
        )
        for day in range(lasting)
        for number in range(per_day)
    ]


def test_counting_is_linear_in_the_events() -> None:
    """Twice the events, twice the work."""
    measures = Measures({"used": USED.count(days(28)), "hourly": USED.count(hours(30))})
    counts = []
    for per_day in (8, 16, 32):
        events = history(per_day, 20)
        counts.append(calls(lambda e=events: measures.count(e, {})))  # type: ignore[misc] # bound now
    assert is_linear(counts), counts


def test_reading_is_linear_in_the_window_and_not_in_the_events() -> None:
    """A day is one bucket, however much happened on it."""
    counts, longest = [], 0
    for length in SIZES:
        measures = Measures({"used": USED.count(days(length))})
        buckets = measures.count(history(2, 2 * length), {})
        wanted = measures.wanted(NOW)
        kept = [
            bucket
            for bucket in buckets
            if bucket.metric in wanted.metrics and (not bucket.day or bucket.day >= wanted.since)
        ]
        assert len(kept) <= length + 4
        longest = max(longest, len(kept))
        counts.append(calls(lambda m=measures, k=kept: m.read(k, NOW)))  # type: ignore[misc] # bound now
    assert is_linear(counts), counts
    measures = Measures({"used": USED.count(days(SIZES[-1]))})
    busy = measures.count(history(20, SIZES[-1]), {})
    assert len(busy) <= longest


@pytest.mark.parametrize("same", [None, "user"])
def test_a_sequence_is_linear_in_what_lies_in_its_window(same: str | None) -> None:
    """Chains that begin again and again are no reason to look back each time."""
    counts = []
    for per_day in (8, 16, 32):
        steps = sequence(USED, event("report.sent"))
        rule = (steps if same is None else steps.same(same)).within(days(20))
        measures = Measures({}, conditions=[rule])
        buckets = measures.count(history(per_day, 20), {})
        counts.append(calls(lambda m=measures, k=buckets: m.read(k, NOW)))  # type: ignore[misc] # bound now
    assert is_linear(counts), counts
