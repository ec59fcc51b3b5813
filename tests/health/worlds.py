"""The models and customers that the stories of this folder share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from retainkit.health import (
    Band,
    Bands,
    Cap,
    Component,
    Direction,
    Factors,
    HealthModel,
    Linear,
    Steps,
    Table,
)
from retainkit.rules import (
    Amount,
    Duration,
    Flag,
    Number,
    Reading,
    Readings,
    Signals,
    Text,
    Time,
    days,
    readings,
)


NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
HIGHER = Direction.HIGHER_IS_BETTER
LOWER = Direction.LOWER_IS_BETTER


class Customer(Signals):
    """What is known of a customer here."""

    logins = Number(unit="days")
    nps = Number(fresh_for=days(90))
    mood = Text(one_of=("poor", "concerning", "healthy"))
    disputed = Flag()
    spend = Amount()
    mrr = Amount(currency="EUR")
    last_login_at = Time(missing="never")
    first_response = Duration()
    plan = Text()


BANDS = Bands(bands=(Band("red", 0, 50), Band("yellow", 50, 75), Band("green", 75, 100)))


def usual(**changes: object) -> HealthModel:
    """Usage 40, NPS 30, last login 20, payments 10; a dispute caps it."""
    values: dict[str, object] = {
        "id": "usual",
        "bands": BANDS,
        "components": (
            Component(
                signal=Customer.logins, direction=HIGHER, weight=40, mapping=Linear(low=0, high=20)
            ),
            Component(
                signal=Customer.nps,
                direction=HIGHER,
                weight=30,
                mapping=Steps(edges=(6, 8), points=(0, 50, 100)),
                half_life=days(30),
            ),
            Component(
                signal=Customer.last_login_at,
                direction=LOWER,
                weight=20,
                mapping=Linear(low=days(1), high=days(31)),
            ),
            Component(
                name="payments",
                weight=10,
                mapping=Factors(cases=((Customer.disputed, 0),), otherwise=100),
            ),
        ),
        "caps": (Cap(name="open_dispute", when=Customer.disputed, at=40),),
    }
    return HealthModel(**{**values, **changes})  # type: ignore[arg-type] # of these names


def one(component: Component, **changes: object) -> HealthModel:
    """A model of a single component."""
    return usual(components=(component,), caps=(), **changes)


def moods(count: int, **changes: object) -> HealthModel:
    """Vitally's: some moods worth 0, 5 or 10 points each, and their mean."""
    table = Table(points={"poor": 0, "concerning": 5, "healthy": 10})
    return HealthModel(
        id="moods",
        scale=(0, 10),
        total=count,
        bands=Bands(bands=(Band("all", 0, 10),)),
        components=[
            Component(name=f"mood {i}", signal=mood(i), weight=1, mapping=table)
            for i in range(count)
        ],
        **changes,  # type: ignore[arg-type] # as above
    )


def mood(index: int) -> Text:
    """The signal of a mood."""
    return Text(name=f"mood_{index}", one_of=("poor", "concerning", "healthy"))


def known(age: timedelta = timedelta(0), /, **values: object) -> Readings:
    """What is known of a customer, of this age."""
    return readings(Customer, values, at=NOW - age)


def aged(value: float, age: timedelta) -> Reading:
    """A reading of this age."""
    return Reading(value=value, at=NOW - age)
