"""What is short to write and would be long to read is refused, or read as fast as anything else."""

from __future__ import annotations

import pytest
from tests.rules.test_linear import calls

from retainkit.errors import InvalidInput
from retainkit.rules import Condition, Flag, Rulebook, Signals, any_of, segment, signals_of


class Customer(Signals):
    """Whom the rules are about."""

    opted_out = Flag()


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
