"""Programmes and staying: association with an interval, and never more than that is said."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from retainkit.core import Event, Origin
from retainkit.errors import InvalidInput
from retainkit.health import CAUTION, Engagement, Stay, Unclaimed, engagement_effect
from retainkit.ids import CustomerId, EventId
from retainkit.money import money
from retainkit.rules import days


START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + days(90)


def stay(name: str, left_after: int | None = None, *, since: int = -400) -> Stay:
    """A customer of old who left so many days after the moment, or stayed."""
    return Stay(
        customer=CustomerId(name),
        since=START + days(since),
        until=END if left_after is None else START + days(left_after),
        left=left_after is not None,
    )


def attended(
    name: str, day: int = -10, kind: str = "webinar", origin: Origin = Origin.REAL
) -> Event:
    """Took part so many days before or after the moment."""
    return Event(
        id=EventId(f"{name}-{day}-{kind}"),
        name="engagement.attended",
        customer=CustomerId(name),
        occurred_at=START + days(day),
        data={"programme": "spring", "kind": kind},
        origin=origin,
    )


def found(stays: list[Stay], events: list[Event]) -> tuple[Engagement, ...]:
    """90 days after, those who took part in the 60 days before."""
    return engagement_effect(stays, events, at=START, horizon=days(90), within=days(60))


def test_shares_stand_side_by_side_with_the_difference() -> None:
    """Of ten who took part nine stayed, of ten others three: Newcombe's own example."""
    stays = [stay(f"p{n}", 30 if n == 0 else None) for n in range(10)]
    stays += [stay(f"o{n}", None if n < 3 else 30) for n in range(10)]
    (webinar,) = found(stays, [attended(f"p{n}") for n in range(10)])
    assert (webinar.kind, webinar.stayed.value, webinar.others_stayed.value) == (
        "webinar",
        0.9,
        0.3,
    )
    assert (webinar.difference.low, webinar.difference.high) == pytest.approx(
        (0.1705, 0.8090), abs=5e-5
    )
    assert webinar.revenue.unclaimed is Unclaimed.NOTHING


def test_it_says_that_association_is_no_effect() -> None:
    """Wherever the figure goes, the sentence goes."""
    (webinar,) = found([stay("a"), stay("b")], [attended("a")])
    assert webinar.caution == CAUTION
    assert "association, not effect" in CAUTION
    assert CAUTION in webinar._repr_html_().replace("&#x27;", "'")
    assert json.loads(json.dumps(webinar.to_json()))["caution"] == CAUTION


def test_taking_part_counts_before_the_moment_and_staying_after_it() -> None:
    """Else whoever stays longer would take part more for that reason alone."""
    stays = [
        stay("before"),
        stay("after"),
        stay("long_ago"),
        stay("gone", -5),
        stay("new", since=5),
    ]
    events = [
        attended("before"),
        attended("after", 10),
        attended("long_ago", -61),
        attended("gone", -10),
    ]
    (webinar,) = found(stays, events)
    assert (webinar.stayed.of, webinar.others_stayed.of) == (1, 2)


def test_tests_and_samples_are_no_customers() -> None:
    """What was imported is."""
    stays = [stay("a"), stay("b"), stay("c")]
    events = [
        attended("a", origin=Origin.TEST),
        attended("b", origin=Origin.BACKFILL),
        Event(
            id=EventId("x"),
            name="engagement.invited",
            customer=CustomerId("c"),
            occurred_at=START,
            data={"kind": "webinar"},
        ),
    ]
    (webinar,) = found(stays, events)
    assert (webinar.stayed.of, webinar.others_stayed.of) == (1, 2)


def test_each_kind_stands_by_itself() -> None:
    """Webinars, content, community."""
    stays = [stay("a"), stay("b")]
    events = [attended("a"), attended("b", kind="community"), attended("a", -3, kind="content")]
    assert [each.kind for each in found(stays, events)] == ["community", "content", "webinar"]
    assert found(stays, []) == ()


def test_revenue_is_compared_by_its_sums() -> None:
    """Half of what the others pay is lost; those who took part pay a tenth more."""
    rng = random.Random(3)
    stays = [stay(f"c{n}") for n in range(60)]
    revenue = {}
    for n in range(60):
        before = rng.randint(50, 150)
        after = before * (11 if n < 30 else 5) / 10
        revenue[CustomerId(f"c{n}")] = (money(before, "EUR"), money(str(after), "EUR"))
    (webinar,) = engagement_effect(
        stays,
        [attended(f"c{n}") for n in range(30)],
        at=START,
        horizon=days(90),
        within=days(60),
        revenue=revenue,
    )
    assert webinar.revenue.value == pytest.approx(0.6)
    assert webinar.revenue.of == 60


def test_amounts_of_two_currencies_are_refused() -> None:
    """They can't be added up."""
    with pytest.raises(InvalidInput) as caught:
        engagement_effect(
            [],
            [],
            at=START,
            horizon=days(90),
            within=timedelta(days=60),
            revenue={
                CustomerId("a"): (money(1, "EUR"), money(1, "EUR")),
                CustomerId("b"): (money(1, "USD"), money(1, "USD")),
            },
        )
    error = caught.value
    assert (error.code, error.field, error.value) == (
        "health.currencies",
        "revenue",
        ["EUR", "USD"],
    )
    assert "one currency" in error.remedy
