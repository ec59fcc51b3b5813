"""The ready early warnings find the troubles of twenty worlds, with the lead that these contain.

Thresholds were chosen on the seeds 1 to 20; these worlds are others. `nox -s faults` prints the
figures of larger ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.simulate.early_warnings import Summary, estimate, rate, summary

from retainkit.simulate import Trouble


PROOF = range(101, 121)


@pytest.fixture(scope="module", name="summaries")
def _summaries() -> Mapping[Trouble, Summary]:
    return summary(PROOF, 8, 120)


def test_falling_use_is_found_weeks_before_they_leave(
    summaries: Mapping[Trouble, Summary],
) -> None:
    """It takes a month to fall by a third, so less than half of the time is left."""
    found = summaries[Trouble.FALLING_USE]
    assert found.troubled >= 15
    assert found.share.low >= 0.95
    assert found.lead.low >= 11
    assert found.kept.low >= 0.25


def test_a_champion_who_left_is_found_at_once(summaries: Mapping[Trouble, Summary]) -> None:
    """On the morning after the news; nothing of the time is lost but that."""
    found = summaries[Trouble.CHAMPION_LEFT]
    assert found.troubled >= 15
    assert found.missed == 0
    assert found.lead.low >= 25
    assert found.kept.low >= 0.95


def test_a_silent_backlog_is_found_within_a_week(summaries: Mapping[Trouble, Summary]) -> None:
    """Five days after the first ticket that nobody answers."""
    found = summaries[Trouble.SILENT_BACKLOG]
    assert found.troubled >= 15
    assert found.missed == 0
    assert found.lead.low >= 25
    assert found.kept.low >= 0.8


def test_those_who_are_well_are_left_alone(summaries: Mapping[Trouble, Summary]) -> None:
    """False alarms a customer-year: less than one, by the interval's upper end."""
    assert summaries[Trouble.FALLING_USE].false.high <= 0.9
    assert summaries[Trouble.CHAMPION_LEFT].false.middle == 0
    assert summaries[Trouble.SILENT_BACKLOG].false.high <= 0.4


def test_a_holiday_is_the_price_of_an_early_warning(summaries: Mapping[Trouble, Summary]) -> None:
    """
    Who is quiet for weeks looks like who is leaving, until they are back: that is no bug of a
    threshold. The other two rules don't read use, and are not deceived.
    """
    assert summaries[Trouble.FALLING_USE].lulls.middle > 1
    assert summaries[Trouble.FALLING_USE].lulls.high <= 6
    assert summaries[Trouble.CHAMPION_LEFT].lulls.middle == 0
    assert summaries[Trouble.SILENT_BACKLOG].lulls.high <= 0.8


def test_intervals_are_those_of_the_books() -> None:
    """The 6th and 15th of twenty; a rate without spread has no interval."""
    twenty = estimate([float(number) for number in range(1, 21)])
    assert (twenty.low, twenty.middle, twenty.high) == (6, 10.5, 15)
    same = rate([(2, 4.0)] * 10)
    assert (same.low, same.middle, same.high) == (0.5, 0.5, 0.5)
    wide = rate([(0, 4.0), (4, 4.0)])
    assert wide.low == 0 < wide.middle == 0.5 < wide.high
