"""Laws of back-tests: whatever the population, the counts add up, and there is an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from retainkit.health import (
    Band,
    Bands,
    Component,
    Direction,
    HealthModel,
    Linear,
    Stay,
    backtest,
)
from retainkit.ids import CustomerId
from retainkit.reports import back_test_page
from retainkit.rules import Number, Readings, Signals, days, readings


START = datetime(2026, 1, 1, tzinfo=UTC)


class Customer(Signals):
    """What is known of customers here."""

    use = Number()


MODEL = HealthModel(
    id="all",
    components=[
        Component(
            signal=Customer.use,
            direction=Direction.HIGHER_IS_BETTER,
            mapping=Linear(low=0, high=100),
            weight=100,
        )
    ],
    bands=Bands(
        bands=(Band("red", 0, 40), Band("yellow", 40, 60), Band("green", 60, 100)), hysteresis=5
    ),
)

people = st.lists(
    st.tuples(
        st.integers(0, 120),  # since
        st.integers(0, 200),  # for how long
        st.booleans(),  # left
        st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=4),  # use, in turn
    ),
    max_size=30,
)


@given(people, st.integers(1, 30), st.integers(1, 120))
def test_the_counts_add_up(
    who: list[tuple[int, int, bool, list[int | None]]], every: int, horizon: int
) -> None:
    """Every look has a band, every leaver an end, and no customer more leavings than one."""
    stays = [
        Stay(
            customer=CustomerId(str(number)),
            since=START + days(1) * since,
            until=START + days(1) * (since + length),
            left=left,
            attributes={"size": "S" if number % 2 else "L"},
        )
        for number, (since, length, left, _) in enumerate(who)
    ]

    def known(customer: CustomerId, at: datetime) -> Readings:
        uses = who[int(customer)][3]
        return readings(Customer, {"use": uses[(at - START).days // every % len(uses)]}, at=at)

    test = backtest(
        MODEL,
        stays,
        known,
        at=[START + days(day) for day in range(1, 300, every)],
        horizon=days(horizon),
    )
    lost = [round((each.left.value or 0) * each.left.of) for each in test.bands]
    assert sum(each.left.of for each in test.bands) == test.looks
    assert sum(lost) == test.leavers <= sum(stay.left for stay in stays)
    lead = test.lead
    assert lead.days.of + lead.green + lead.silent == lead.leavers
    assert len(test.false_greens) == lead.green
    assert sum(group.customers for group in test.groups) == test.customers
    assert test.verdicts
    json.dumps(test.to_json())
    assert back_test_page(test).tables
