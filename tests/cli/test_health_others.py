"""``retainkit health`` beside customers whom no model is for, or of whom nothing happened."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.cli.test_health import START, Customer

from retainkit.cli import main
from retainkit.core import Event, Origin
from retainkit.engine import RetainKit
from retainkit.health import Band, Bands, Component, Direction, HealthModel, HealthModels, Linear
from retainkit.ids import CustomerId, EventId
from retainkit.rules import days
from retainkit.stores.memory import MemoryStore
from retainkit.testing import ManualClock


PAID = HealthModels(
    models=[
        HealthModel(
            id="paid",
            segment=Customer.plan.eq("team"),
            components=[
                Component(
                    signal=Customer.logins,
                    direction=Direction.HIGHER_IS_BETTER,
                    mapping=Linear(low=0, high=14),
                    weight=100,
                )
            ],
            bands=Bands(bands=(Band("red", 0, 40), Band("green", 40, 100))),
        )
    ]
)


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RetainKit:
    """Three who pay, two who don't, and one who is a probe of our own."""
    clock = ManualClock(START)
    kit = RetainKit(store=MemoryStore(), clock=clock, signals=Customer, health=PAID)
    for number in range(5):
        kit.signals.set(CustomerId(f"c{number}"), {"plan": "team" if number < 3 else "free"})
    for day in range(60):
        clock.set(START + days(day))
        kit.record(*(_login(f"c{number}", day) for number in range(5)))
        kit.record(_login("probe", day, Origin.TEST))
    kit.run_due()
    module = ModuleType("product")
    vars(module).update(kit=kit)
    monkeypatch.setitem(sys.modules, "product", module)
    monkeypatch.chdir(tmp_path)
    return kit


def _login(customer: str, day: int, origin: Origin = Origin.REAL) -> Event:
    return Event(
        id=EventId(f"{customer}-{day}"),
        name="user.logged_in",
        customer=CustomerId(customer),
        occurred_at=START + days(day),
        origin=origin,
    )


def test_the_report_is_about_those_whom_a_model_is_for(
    kit: RetainKit, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who does not pay has no score, and is no row without one."""
    assert main(["health", "report", "--app=product:kit"]) == 0
    assert capsys.readouterr().out == "The report: health.html\n"
    assert "3 customers as of" in Path("health.html").read_text()
    assert kit.health.of(CustomerId("c4")) is None


def test_who_is_a_test_alone_neither_stayed_nor_left(
    kit: RetainKit, capsys: pytest.CaptureFixture[str]
) -> None:
    """The back-test knows of nobody whose events are all tests."""
    asked = ["health", "backtest", "--app=product:kit", "--horizon=20"]
    assert main([*asked, "--over=28", "--every=14"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == (
        "There is nothing to compare: of 5 customers that were followed for 20 days, 0 left."
    )
    assert kit.timeline(CustomerId("probe"), limit=1), "it is on the timeline, all the same"
