"""`kit.health`: followed with every commit and every day; overridden, explained, looked back at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from retainkit import CustomerId, RetainKit
from retainkit.core import Event, Origin
from retainkit.errors import ConfigurationError, InvalidInput
from retainkit.health import (
    UNKNOWN,
    Band,
    Bands,
    Component,
    Direction,
    Factors,
    HealthModel,
    HealthModels,
    Linear,
    point_at,
)
from retainkit.ids import EventId
from retainkit.rules import Number, Signals, Text, anything, days, event
from retainkit.signals import EarlyWarnings
from retainkit.stores import Store
from retainkit.stores.memory import MemoryStore
from retainkit.stores.sql import SqlStore
from retainkit.testing import ManualClock


ACME = CustomerId("acme")
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


class Customer(Signals):
    """What is known here."""

    usage = Number()
    plan = Text()


MODELS = HealthModels(
    models=[
        HealthModel(
            id="usual",
            segment=~Customer.plan.eq("free"),
            bands=Bands(bands=(Band("red", 0, 50), Band("green", 50, 100))),
            components=[
                Component(
                    signal=Customer.usage,
                    direction=Direction.HIGHER_IS_BETTER,
                    weight=80,
                    mapping=Linear(low=0, high=100),
                ),
                Component(
                    name="calm",
                    weight=20,
                    mapping=Factors(
                        cases=((event("ticket.opened").at_least(3).within(days(7)), 0),),
                        otherwise=100,
                    ),
                ),
            ],
        )
    ]
)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each store."""
    if request.param == "memory":
        yield MemoryStore()
        return
    found = SqlStore("sqlite://")
    found.migrate()
    yield found
    found.close()


def _kit(store: Store, clock: ManualClock) -> RetainKit:
    return RetainKit(store=store, signals=Customer, health=MODELS, clock=clock)


def test_a_fact_becomes_a_score_a_band_and_a_history(store: Store) -> None:
    """Set, decided by the worker, kept over days, and looked at 60 days after."""
    clock = ManualClock(NOW)
    kit = _kit(store, clock)
    kit.signals.set(ACME, {"usage": 20, "plan": "team"})
    kit.run_due()
    first = kit.health.of(ACME)
    assert first is not None
    # Whether tickets were opened in 7 days nobody knows of a customer who is known for a day.
    assert (first.score, first.coverage, first.trend) == (Decimal("20.00"), Decimal("0.8"), None)
    for week in range(1, 9):
        clock.advance(timedelta(days=7))
        kit.signals.set(ACME, {"usage": 20 + 8 * week})
        kit.run_due()
    clock.advance(timedelta(days=4))
    kit.run_due()
    points = kit.health.history(ACME)
    then, later = point_at(points, NOW), point_at(points, NOW + days(60))
    assert then is not None
    assert later is not None
    assert (then.score, later.score, later.band) == (Decimal("20.00"), Decimal("87.20"), "green")
    now = kit.health.of(ACME)
    assert now is not None
    assert now.trend is not None
    assert now.trend > 4
    before = kit.health.of(ACME, as_of=NOW)
    assert before is not None
    assert before.score == Decimal("20.00")


def test_whatever_happens_wakes_a_model_of_every_name(store: Store) -> None:
    """With the event, not in the night after; and a sweep finds that nobody was missed."""
    heard = Factors(cases=((anything().last().less_than_ago(days(21)), 100),), otherwise=0)
    bands = Bands(bands=(Band("red", 0, 50), Band("green", 50, 100)))
    components = [Component(name="heard", weight=100, mapping=heard)]
    models = HealthModels(models=[HealthModel(id="usual", bands=bands, components=components)])
    kit = RetainKit(store=store, signals=Customer, health=models, clock=ManualClock(NOW))
    seen = Event(id=EventId("1"), name="nobody.declared", customer=ACME, occurred_at=NOW)
    kit.record(seen)
    kit.run_due()
    assert [point.score for point in kit.health.history(ACME)] == [Decimal("100.00")]
    assert kit.sweep() == ()


def test_who_signs_up_and_does_nothing_is_scored(store: Store) -> None:
    """The first event of a customer, whatever its name; later ones that nobody reads do not."""
    clock = ManualClock(NOW)
    for_all = HealthModels(models=[evolve(MODELS.models[0], segment=None)])
    kit = RetainKit(store=store, signals=Customer, health=for_all, clock=clock)
    signed_up = Event(
        id=EventId("signed_up"), name="customer.signed_up", customer=ACME, occurred_at=NOW
    )
    kit.record(signed_up)
    kit.run_due()
    kit.record(evolve(signed_up, id=EventId("again")))
    assert kit.run_due().items == 0
    clock.advance(timedelta(days=8))
    kit.run_due()
    (point,) = kit.health.history(ACME)
    assert (point.score, point.coverage) == (Decimal("100.00"), Decimal("0.2"))


def test_nobody_is_unhealthy_before_they_were_there(store: Store) -> None:
    """A login that never was counts from the first event on; of strangers nothing is known."""
    clock = ManualClock(NOW)
    part = Component(
        signal=event("user.logged_in").last(missing="never"),
        name="last login",
        direction=Direction.LOWER_IS_BETTER,
        mapping=Linear(low=days(0), high=days(30)),
        weight=100,
    )
    used = evolve(MODELS.models[0], segment=None, components=[part])
    kit = RetainKit(
        store=store, signals=EarlyWarnings, health=HealthModels(models=[used]), clock=clock
    )
    kit.record(
        Event(id=EventId("signed_up"), name="customer.signed_up", customer=ACME, occurred_at=NOW)
    )
    assert (now := kit.health.of(ACME)) is not None
    assert (now.score, now.band) == (Decimal(0), "red")
    tried = CustomerId("tried")
    kit.record(
        Event(
            id=EventId("tried"),
            name="customer.signed_up",
            customer=tried,
            occurred_at=NOW,
            origin=Origin.TEST,
        )
    )
    kit.run_due()
    assert kit.health.history(tried) == ()
    for health in (
        kit.health.of(ACME, as_of=NOW - days(28)),
        kit.health.of(CustomerId("nobody")),
        kit.health.of(tried),
        kit.health.of(tried, as_of=1),
    ):
        assert health is not None
        assert (health.score, health.band) == (None, UNKNOWN)


def test_each_day_is_looked_at_without_news(store: Store) -> None:
    """Three tickets a week ago are none today."""
    clock = ManualClock(NOW)
    kit = _kit(store, clock)
    kit.signals.set(ACME, {"usage": 50, "plan": "team"}, at=NOW)
    with kit.transaction() as k:
        for number in range(3):
            k.record(_ticket(number))
    kit.run_due()
    assert kit.health.history(ACME)[-1].score == Decimal("40.00")
    for _ in range(8):
        clock.advance(timedelta(days=1))
        kit.run_due()
    last = kit.health.history(ACME)[-1]
    assert (last.score, last.band) == (Decimal("60.00"), "green")
    explained = kit.health.why(ACME)
    assert explained.health is not None
    assert explained.health.contributions[1].part == 20


def _ticket(number: int) -> Event:
    return Event(
        id=EventId(f"t{number}"), name="ticket.opened", customer=ACME, occurred_at=NOW, data={}
    )


def test_a_person_overrides_a_band_and_ends_it(store: Store) -> None:
    """In the host's transaction; decided at once where the host asks for it."""
    clock = ManualClock(NOW)
    kit = _kit(store, clock)
    kit.signals.set(ACME, {"usage": 90, "plan": "team"})
    kit.run_due()
    clock.advance(timedelta(minutes=5))
    with kit.transaction() as k:
        k.health.override(ACME, "red", reason="sponsor_left", actor="kim", until=NOW + days(30))
        k.decide(ACME)
        answer = k.health.why(ACME)
    assert (answer.band, answer.override and answer.override.actor) == ("red", "kim")
    assert answer.health is not None
    assert answer.health.band == "green"
    assert [point.band for point in kit.health.history(ACME)] == ["green", "red"]
    clock.advance(timedelta(minutes=5))
    kit.health.end_override(ACME, reason="sponsor_is_back", actor="kim")
    kit.run_due()
    assert kit.health.why(ACME).override is None
    assert kit.health.history(ACME)[-1].band == "green"
    names = [recorded.event.name for recorded in kit.timeline(ACME)]
    assert names.count("health.overridden") == names.count("health.override_ended") == 1


def test_an_override_that_makes_no_sense_changes_nothing(store: Store) -> None:
    """Refused before anything is recorded."""
    kit = _kit(store, ManualClock(NOW))
    with pytest.raises(InvalidInput) as caught:
        kit.health.override(ACME, "purple", reason="x", actor="kim", until=NOW + days(1))
    assert caught.value.code == "health.unknown_band"
    assert kit.timeline(ACME) == ()


def test_why_is_told_in_the_readers_language(store: Store) -> None:
    """A line for each component; and that there is no model, where there is none."""
    kit = _kit(store, ManualClock(NOW))
    kit.signals.set(ACME, {"usage": 90, "plan": "team"})
    english = str(kit.health.why(ACME))
    german = str(kit.health.why(ACME, locale="de"))
    assert english.splitlines()[0] == (
        "The score is 90.00, the band by it green; known is 80% of the weight."
    )
    assert "usage" in english
    assert english != german
    assert not any(line.startswith("health.") for line in (*english.split("\n"), german))
    free = CustomerId("free")
    kit.signals.set(free, {"usage": 90, "plan": "free"})
    answer = kit.health.why(free)
    assert (answer.health, answer.band) == (None, "unknown")
    assert len(answer.lines) == 1
    assert not answer.lines[0].startswith("health.")


def test_customers_from_before_are_scored_when_asked(store: Store) -> None:
    """Health came to a product that has customers."""
    clock = ManualClock(NOW)
    without = RetainKit(store=store, signals=Customer, clock=clock)
    for number in range(3):
        without.signals.set(CustomerId(f"c{number}"), {"usage": 10 * number, "plan": "team"})
    without.run_due()
    kit = _kit(store, clock)
    told: list[int] = []
    assert kit.health.rescore(progress=lambda done, _: told.append(done)) == 3
    assert told == [3]
    assert kit.health.rescore([CustomerId("c1"), CustomerId("misspelt"), CustomerId("c1")]) == 1
    assert kit.timeline(CustomerId("misspelt")) == ()
    kit.run_due()
    assert [len(kit.health.history(CustomerId(f"c{n}"))) for n in range(3)] == [1, 1, 1]
    assert kit.health.rescore([ACME]) == 0  # of whom nothing is known


def test_a_kit_without_health_says_so() -> None:
    """With the way out."""
    kit = RetainKit(store=MemoryStore())
    for ask in (
        lambda: kit.health.of(ACME),
        lambda: kit.health.why(ACME),
        lambda: kit.health.history(ACME),
        kit.health.rescore,
        lambda: kit.health.end_override(ACME, reason="x", actor="kim"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            ask()
        assert (caught.value.code, caught.value.field) == ("kit.no_health", "health")
        assert caught.value.remedy
