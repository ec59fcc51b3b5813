"""A population in columns: the same digits as one customer after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.health.worlds import HIGHER, LOWER, NOW, Customer, one, usual

from retainkit.errors import InvalidInput
from retainkit.health import (
    UNKNOWN,
    Band,
    Bands,
    Combine,
    Component,
    Edge,
    Factors,
    HealthModel,
    HealthPoint,
    Linear,
    Outside,
    Steps,
    Table,
    score,
    score_columns,
)
from retainkit.money import money
from retainkit.rules import Reading, Time, columns, days, hours, readings


EVERY_KIND = (
    Component(
        signal=Customer.logins,
        direction=HIGHER,
        weight=30,
        mapping=Linear(low=0.3, high=17, outside=Outside.IGNORE),
    ),
    Component(
        signal=Customer.nps,
        direction=HIGHER,
        weight=20,
        mapping=Steps(edges=(6, 8), points=(0, 33.3333, 100)),
        half_life=days(21),
    ),
    Component(
        signal=Customer.last_login_at,
        direction=LOWER,
        weight=10,
        mapping=Linear(low=hours(1), high=days(31)),
    ),
    Component(
        signal=Customer.mood,
        weight=10,
        mapping=Table(points={"poor": 0, "healthy": 100}, otherwise=50),
    ),
    Component(signal=Customer.plan, weight=5, mapping=Table(points={"team": 80, "free": 20.5})),
    Component(
        signal=Customer.spend,
        direction=HIGHER,
        weight=10,
        mapping=Linear(low=money("0", "EUR"), high=money("333.33", "EUR")),
    ),
    Component(
        signal=Customer.first_response,
        direction=LOWER,
        weight=5,
        mapping=Steps(edges=(hours(1), hours(24)), points=(100, 40, 0), edge=Edge.LOWER_INCLUDED),
    ),
    Component(
        name="calm",
        weight=10,
        mapping=Factors(cases=((Customer.disputed, 0), (Customer.logins < 3, 50))),
    ),
)


def _impacts() -> HealthModel:
    parts = [
        Component(
            name=part.name,
            signal=part.signal,
            direction=part.direction,
            mapping=part.mapping,
            half_life=part.half_life,
        )
        for part in EVERY_KIND
    ]
    return usual(combine=Combine.SUM, start=-40, components=parts, places=1)


BANDS = Bands(
    bands=(Band("red", 0, 50), Band("yellow", 50, 75), Band("green", 75, 100)),
    edge=Edge.LOWER_INCLUDED,
    hysteresis=5,
)
MODELS = (
    usual(),
    usual(components=EVERY_KIND),
    usual(components=EVERY_KIND, bands=BANDS, minimum_coverage=0.8, places=0),
    _impacts(),
)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


CUSTOMER = st.fixed_dictionaries(
    {
        "logins": _maybe(st.floats(-2, 25, allow_nan=False) | st.integers(0, 20)),
        "nps": _maybe(st.integers(0, 10)),
        "nps_age": _maybe(st.integers(-5, 100 * 24)),
        "last_login_at": _maybe(st.integers(0, 90 * 24).map(lambda h: NOW - timedelta(hours=h))),
        "mood": _maybe(st.sampled_from(["poor", "concerning", "healthy"])),
        "plan": _maybe(st.sampled_from(["team", "free", "trial"])),
        "spend": _maybe(
            st.builds(
                money,
                st.decimals(0, 500, places=2).map(str),
                st.sampled_from(["EUR", "EUR", "USD"]),
            )
        ),
        "first_response": _maybe(st.integers(0, 200_000).map(lambda s: timedelta(seconds=s))),
        "disputed": _maybe(st.booleans()),
        "before": _maybe(st.sampled_from(["red", "yellow", "green", UNKNOWN])),
    }
)
SIGNALS = ("logins", "nps", "last_login_at", "mood", "plan", "spend", "first_response", "disputed")


def _customer(**known: Any) -> Mapping[str, Any]:
    """A customer of whom only this is known."""
    return {**dict.fromkeys((*SIGNALS, "nps_age", "before")), **known}


MIXED = (
    _customer(
        logins=12,
        nps=9,
        nps_age=24 * 21,
        last_login_at=NOW - days(3),
        mood="healthy",
        plan="team",
        spend=money("100", "EUR"),
        first_response=hours(1),
        disputed=False,
        before="green",
    ),
    _customer(logins=18, plan="trial", spend=money("100", "USD"), before="red"),
    _customer(logins=2, nps=3, mood="concerning", disputed=False, before=UNKNOWN),
    _customer(disputed=True, before="yellow"),
    _customer(),
)
"""One of whom all is known, two of whom some is, one in dispute, and a stranger."""

EUROS, DOLLARS = (
    tuple(_customer(logins=9, spend=money(str(n), code)) for n in (10, 200))
    for code in ("EUR", "USD")
)
"""A column of amounts that all are in the model's currency, and one that is in another."""


@pytest.mark.parametrize("model", MODELS, ids=["usual", "every kind", "strict", "impacts"])
@example(customers=MIXED)
@example(customers=EUROS)
@example(customers=DOLLARS)
@given(customers=st.lists(CUSTOMER, min_size=1, max_size=8))
def test_a_column_says_what_one_customer_after_the_other_says(
    model: HealthModel, customers: Sequence[Mapping[str, Any]]
) -> None:
    """Score, coverage and band, digit for digit, whatever is missing, stale or foreign."""
    ages = [None if c["nps_age"] is None else NOW - hours(c["nps_age"]) for c in customers]
    frame: dict[str, list[Any]] = {
        "customer": [f"c{row}" for row in range(len(customers))],
        **{name: [customer[name] for customer in customers] for name in SIGNALS},
    }
    frame["nps"] = [
        None if at is None else customer["nps"]
        for at, customer in zip(ages, customers, strict=True)
    ]
    frame["at"] = [NOW if at is None else at for at in ages]
    population = columns(frame, Customer, at={"nps": "at"}, ignore=("at",))
    before = [customer["before"] for customer in customers]
    times = columns({"customer": frame["customer"], "nps": frame["at"]}, {"nps": Time(name="nps")})
    health = score_columns(model, population, NOW, at=times, before=before)
    for row, customer in enumerate(customers):
        values = {name: customer[name] for name in SIGNALS}
        values["nps"] = Reading(value=frame["nps"][row], at=frame["at"][row])
        history = [HealthPoint(at=NOW, score=None, coverage=Decimal(0), band=customer["before"])]
        past = history if customer["before"] else None
        alone = score(model, readings(Customer, values, at=NOW), NOW, before=past)
        assert health.score(row) == alone.score, row
        assert health.coverage(row) == alone.coverage
        assert health.band(row) == alone.band


def test_a_customer_without_any_column_has_no_score() -> None:
    """But one whose last login is known to be never has that."""
    population = columns({"customer": ["a", "b"]}, Customer)
    health = score_columns(usual(), population, NOW)
    alone = score(usual(), readings(Customer, {}), NOW)
    assert [health.score(0), health.coverage(0), health.band(0)] == [
        alone.score,
        alone.coverage,
        alone.band,
    ]
    assert alone.score == 0
    assert health.scores.tolist() == [0.0, 0.0]
    assert health.coverages.tolist() == [0.2, 0.2]


def test_of_whom_nothing_is_known_nothing_is_said() -> None:
    """Not even zero: neither of a customer nor, without its column, of anybody's words."""
    moods = Table(points={"poor": 0, "concerning": 50, "healthy": 100})
    words = one(Component(signal=Customer.mood, weight=100, mapping=moods))
    health = score_columns(words, columns({"customer": ["a", "b"]}, Customer), NOW)
    assert len(health) == 2
    assert [health.score(row) for row in range(2)] == [None, None]
    assert np.isnan(health.scores).all()


def test_without_a_time_a_half_life_leaves_nothing() -> None:
    """As for one customer."""
    frame = {"customer": ["a", "b"], "nps": [9, 9]}
    population = columns(frame, Customer, at=NOW)
    model = usual()
    undated = score_columns(model, population, NOW)
    dated = score_columns(model, population, NOW, at=NOW)
    times = columns({"customer": ["a", "b"], "nps": [NOW, None]}, {"nps": Time(name="nps")})
    partly = score_columns(model, population, NOW, at=times)
    assert undated.coverages.tolist() == [0.2, 0.2]
    assert dated.coverages.tolist() == [0.5, 0.5]
    assert partly.coverages.tolist() == [0.5, 0.2]


def test_what_never_was_does_not_decay() -> None:
    """Of whom no login is known there was none, for as long as one likes: that is not old."""
    line = Linear(low=days(1), high=days(31))
    login = Component(
        signal=Customer.last_login_at,
        direction=LOWER,
        weight=100,
        mapping=line,
        half_life=days(30),
    )
    population = columns({"customer": ["a", "b"]}, Customer)
    for times in (None, NOW):
        health = score_columns(one(login), population, NOW, at=times)
        assert [health.score(row) for row in range(2)] == [Decimal(0)] * 2
        assert health.coverages.tolist() == [1.0, 1.0]
    assert score(one(login), readings(Customer, {}), NOW).score == 0


def test_times_are_those_of_the_same_customers() -> None:
    """In the same order."""
    population = columns({"customer": ["a", "b"], "nps": [9, 9]}, Customer, at=NOW)
    times = columns({"customer": ["b", "a"], "nps": [NOW, NOW]}, {"nps": Time(name="nps")})
    with pytest.raises(InvalidInput) as caught:
        score_columns(usual(), population, NOW, at=times)
    error = caught.value
    assert (error.code, error.field, error.value) == ("health.other_customers", "at", 2)
    assert error.remedy


def test_there_is_one_band_before_for_each_customer() -> None:
    """Else nobody knows whose it is."""
    population = columns({"customer": ["a", "b"], "logins": [1, 2]}, Customer)
    with pytest.raises(InvalidInput) as caught:
        score_columns(usual(), population, NOW, before=["red"])
    error = caught.value
    assert (error.code, error.field, error.value) == ("rules.column_length", "before", 1)
    assert error.remedy


def test_points_beyond_64_bits_are_refused() -> None:
    """500 components of 10,000 points: one customer after the other can be scored."""
    parts = [
        Component(name=f"c{i}", mapping=Factors(cases=((Customer.disputed, -10_000),)))
        for i in range(500)
    ]
    model = usual(combine=Combine.SUM, components=parts)
    population = columns({"customer": ["a"], "disputed": [True]}, Customer)
    with pytest.raises(InvalidInput) as caught:
        score_columns(model, population, NOW)
    assert (caught.value.code, caught.value.field) == ("health.too_large", "components")
    assert caught.value.value == 5_000_000
    assert score(model, readings(Customer, {"disputed": True}), NOW).score == 0
