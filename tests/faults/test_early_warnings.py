"""The early warnings in large worlds: figures, for the how-to and for the record."""

from __future__ import annotations

import pytest
from tests.faults._campaign import say, size
from tests.simulate.early_warnings import summary

from retainkit.simulate import Trouble


@pytest.mark.faults
def test_what_the_early_warnings_find_in_large_worlds() -> None:
    """Twenty worlds over half a year; seeds apart from those that thresholds were chosen on."""
    first = size("FIRST_SEED", 101)
    seeds = range(first, first + size("WORLDS", 20))
    found = summary(seeds, size("CUSTOMERS", 30), 182)
    for trouble, each in found.items():
        say(
            "early warnings",
            trouble=trouble.value,
            troubled=each.troubled,
            missed=each.missed,
            lead_days=each.lead,
            of_the_time=each.kept,
            false_a_year=each.false,
            lulls_a_year=each.lulls,
        )
    assert all(each.missed <= each.troubled // 20 for each in found.values())
    assert found[Trouble.CHAMPION_LEFT].missed == 0
