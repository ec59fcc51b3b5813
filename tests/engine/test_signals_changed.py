"""Signals that are declared later, otherwise, or in another process only: no silent zero."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.engine.measured import buckets, export, measured, values
from tests.engine.world import NOW, World

from retainkit.core import Event
from retainkit.engine import RetainKit
from retainkit.errors import ConfigurationError
from retainkit.health import Band, Bands, Component, Direction, HealthModel, HealthModels, Linear
from retainkit.ids import CustomerId, EventId
from retainkit.rules import Rule, Rulebook, Signals, days, event


ADA = CustomerId("ada")
DAY = timedelta(days=1)


class Later(Signals):
    """What the product counts from now on."""

    exports = event("report.exported").count(days(7))
    visits = event("page.visited").count(days(7))


QUIET = Rulebook(signals=Later, rules=[Rule(id="quiet", when=Later.visits < 3)])


def visit(number: int, at: datetime, customer: str = "ada") -> Event:
    """A page was visited; the first signals do not count that."""
    return Event(
        id=EventId(f"visit-{number}"),
        name="page.visited",
        customer=CustomerId(customer),
        occurred_at=at,
        actor="host",
    )


def visited(world: World, kit: RetainKit) -> None:
    """A visit a day, for 20 days."""
    kit.record(*[visit(number, NOW - number * DAY) for number in range(20)])


def unmeasured(world: World) -> RetainKit:
    """A process whose kit was given no signals."""
    return RetainKit(store=world.store, clock=world.clock)


def ruled(world: World, **more: Any) -> RetainKit:
    """A kit that is given a rule on what was not counted so far."""
    return RetainKit(**{"store": world.store, "clock": world.clock, "rules": QUIET, **more})


def fired(kit: RetainKit) -> list[str]:
    """Of whom the rule is true."""
    return [member.customer for member in kit.rules.members("rule:quiet")]


def test_a_signal_that_is_declared_later_has_its_past_at_once(world: World) -> None:
    """Nobody is taken for silent because nobody had counted; nothing has to be rebuilt."""
    visited(world, measured(world))
    kit = ruled(world)
    assert values(kit)["visits"] == 7
    assert kit.rules.recheck().asked == 1
    kit.run_due()
    assert fired(kit) == []
    counted = buckets(world, kit)
    kit.signals.rebuild()
    assert buckets(world, kit) == counted


def test_customers_whom_nobody_counted_are_rechecked(world: World) -> None:
    """Rules that come to a product without signals find all its customers."""
    silent = unmeasured(world)
    visited(world, silent)
    silent.record(visit(90, NOW - 30 * DAY, "bob"))
    kit = ruled(world)
    assert kit.rules.recheck().asked == 2
    kit.run_due()
    assert fired(kit) == ["bob"]
    assert kit.rules.diff(Rulebook(signals=Later))["rule:quiet"].leaves == ("bob",)


def test_what_a_process_without_signals_recorded_is_counted(world: World) -> None:
    """Before what is counted, in between, and behind."""
    silent, kit = unmeasured(world), ruled(world)
    silent.record(visit(1, NOW - 9 * DAY))
    kit.record(visit(2, NOW - 2 * DAY))
    silent.record(visit(3, NOW - DAY))
    assert values(kit)["visits"] == 2
    kit.record(visit(4, NOW))
    silent.record(visit(5, NOW))
    assert values(kit)["visits"] == 4
    assert kit.rules.why(ADA, "quiet").truth.value == "false"
    kit.run_due()
    assert fired(kit) == []


def test_two_versions_of_a_product_count_side_by_side(world: World) -> None:
    """In a rolling deploy each tells the truth of its own signals, whoever recorded last."""
    old, new = measured(world), ruled(world)
    for number in range(6):
        (old if number % 2 else new).record(
            visit(number, NOW - number * DAY), export(number, NOW - number * DAY)
        )
        new.run_due()
        assert values(old)["exports"] == number + 1
        assert values(new)["exports"] == number + 1
        assert values(new)["visits"] == number + 1
    assert fired(new) == []


def test_what_is_told_twice_has_nobody_counted_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A duplicate may use up a number of the customer; the buckets still tell all there is."""
    kit = ruled(world)
    for number in range(6):
        kit.record(visit(number, NOW))
        kit.record(visit(number, NOW))
    kit.record(visit(0, NOW), visit(6, NOW), visit(6, NOW))
    kit.signals.set_zone(ADA, "Europe/Berlin")
    kit.record(visit(1, NOW), visit(7, NOW))
    kit.record(visit(7, NOW))

    def recount(*_: object, **__: object) -> None:
        raise AssertionError("the timeline is read where the buckets would do")

    monkeypatch.setattr("retainkit.signals.Measures.recount", recount)
    assert values(kit)["visits"] == 8
    kit.run_due()
    assert values(kit)["visits"] == 8


def test_another_default_zone_counts_days_anew(world: World) -> None:
    """What happened late at night in UTC, happened the day after in Kolkata."""
    late = NOW.replace(hour=23, minute=30) - 7 * DAY
    usual = measured(world)
    usual.record(*[export(number, late + number * DAY) for number in range(7)])
    assert values(usual)["exports"] == 6
    assert values(measured(world, zone="Asia/Kolkata"))["exports"] == 7


USED = HealthModel(
    id="usual",
    bands=Bands(bands=(Band("red", 0, 50), Band("green", 50, 100))),
    components=[
        Component(
            signal=Later.visits,
            direction=Direction.HIGHER_IS_BETTER,
            weight=100,
            mapping=Linear(low=0, high=7),
        )
    ],
)


def test_health_reads_what_nobody_counted(world: World) -> None:
    """An active customer is not scored as a silent one."""
    visited(world, unmeasured(world))
    kit = RetainKit(store=world.store, clock=world.clock, health=HealthModels(models=[USED]))
    before = kit.health.of(ADA)
    assert before is not None
    assert before.score == 100
    kit.health.rescore()
    kit.run_due()
    (point,) = kit.health.history(ADA)
    assert point.score == 100


@pytest.mark.parametrize(
    ("parts", "field", "value"),
    [
        ({"rules": QUIET.rules}, "rules", "tuple"),
        ({"signals": Later.exports}, "signals", "Number"),
        ({"health": {}}, "health", "dict"),
        ({"health": USED}, "health", "HealthModel"),
    ],
)
def test_a_kit_of_other_things_says_what_it_takes(
    world: World, parts: dict[str, Any], field: str, value: str
) -> None:
    """A list of rules is no rulebook."""
    with pytest.raises(ConfigurationError) as caught:
        RetainKit(store=world.store, **parts)
    error = caught.value
    assert (error.code, error.field, error.value) == ("kit.part", field, value)
    assert error.remedy is not None
    assert error.remedy.startswith("pass ")
