"""Files of health models: read, written back, and refused with a place for every mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import yaml
from tests.health.worlds import BANDS, HIGHER, LOWER, Customer, usual
from tests.schema.test_rule_files import _fits

from retainkit.errors import InvalidInput
from retainkit.health import (
    Cap,
    Combine,
    Component,
    Factors,
    HealthModel,
    HealthModels,
    Linear,
    Outside,
    Steps,
    Table,
    model_data,
    read_health_models,
)
from retainkit.money import money
from retainkit.rules import days, event
from retainkit.schema import FileMistake, health_schema, read_health


FILE = """\
segments:
  paying: {plan: {in: [team, business]}}
models:
  - id: usual
    segment: {segment: paying}
    components:
      - signal: logins
        direction: higher_is_better
        weight: 40
        linear: {low: 0, high: 20}
      - signal: nps
        direction: higher_is_better
        weight: 30
        half_life: 30d
        steps: {edges: [6, 8], points: [0, 50, 100]}
      - signal: mood
        weight: 10
        table: {points: {poor: 0, concerning: 50, healthy: 100}}
      - name: payments
        weight: 20
        factors:
          cases:
            - when: {disputed: true}
              points: 0
            - when: {event: {name: payment.failed, at_least: 2, within: 30d}}
              points: 40
          otherwise: 100
    caps:
      - {name: open_dispute, when: {disputed: true}, at: 40}
    bands: {red: [0, 50], yellow: [50, 75], green: [75, 100]}
    hysteresis: 3
    minimum_coverage: 60%
    trend_over: 4w
"""


def test_a_file_is_the_model_that_python_says() -> None:
    """The same version, so the same meaning."""
    models = read_health(FILE, Customer)
    written = usual(
        segment=Customer.plan.one_of("team", "business"),
        bands=type(BANDS)(bands=BANDS.bands, hysteresis=3),
        minimum_coverage=0.6,
        components=(
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
                signal=Customer.mood,
                weight=10,
                mapping=Table(points={"poor": 0, "concerning": 50, "healthy": 100}),
            ),
            Component(
                name="payments",
                weight=20,
                mapping=Factors(
                    cases=(
                        (Customer.disputed, 0),
                        (event("payment.failed").at_least(2).within(days(30)), 40),
                    ),
                    otherwise=100,
                ),
            ),
        ),
    )
    (model,) = models.models
    assert {**model_data(model), "segment": None} == {**model_data(written), "segment": None}
    assert model.components[1].half_life == days(30)


EVERYTHING = (
    usual(),
    usual(
        combine=Combine.SUM,
        start=2.5,
        doc="with impacts",
        places=1,
        trend_over=days(14),
        components=(
            Component(
                signal=Customer.spend,
                direction=HIGHER,
                mapping=Linear(
                    low=money("0", "USD"),
                    high=money("499.90", "USD"),
                    points=(-5, 7.5),
                    outside=Outside.IGNORE,
                ),
            ),
            Component(
                signal=Customer.mrr,
                direction=HIGHER,
                mapping=Steps(edges=(money("100", "EUR"),), points=(-1, 1)),
            ),
            Component(
                signal=event("login").count(days(28)),
                name="visits",
                direction=HIGHER,
                mapping=Steps(edges=(1.5, 9), points=(-3, 0, 3)),
            ),
            Component(
                signal=Customer.first_response,
                direction=LOWER,
                mapping=Linear(low=timedelta(seconds=90), high=days(2), points=(4, -4)),
            ),
            Component(signal=Customer.disputed, mapping=Table(points={True: -10, False: 0})),
        ),
        caps=(Cap(name="gone", when=Customer.last_login_at.more_than_ago(days(60)), at=0),),
    ),
)


@pytest.mark.parametrize("model", EVERYTHING, ids=["usual", "impacts"])
def test_a_model_survives_being_written(model: HealthModel) -> None:
    """As data, as YAML, and back: the same version."""
    text = yaml.safe_dump({"models": [model_data(model)]}, sort_keys=False)
    (found,) = read_health(text, Customer).models
    assert found.version == model.version
    assert model_data(found) == model_data(model)


@pytest.mark.parametrize("model", EVERYTHING, ids=["usual", "impacts"])
def test_the_schema_knows_what_is_written(model: HealthModel) -> None:
    """And underlines a word that has no meaning."""
    schema = health_schema(Customer)
    data: Any = {"models": [model_data(model)]}
    assert _fits(data, schema, schema)
    assert _fits(yaml.safe_load(FILE), schema, schema)
    data["models"][0]["components"][0]["wieght"] = 1
    assert not _fits(data, schema, schema)


BROKEN = """\
modls: []
segments: {}
models:
  - id: usual
    components:
      - signal: lgoins
        direction: higher_is_better
        weight: 40
        linear: {low: 0, high: 20}
      - signal: nps
        weight: 30
        half_life: 0d
        steps: {edges: [8, 6], points: [0, 50, 100]}
      - signal: logins
        direction: higher_is_beter
        weight: heavy
        linear: {low: 0, high: 20, outsid: clamp}
      - signal: spend
        name: spend
        direction: higher_is_better
        weight: 10
        linear: {low: 5 EUR, high: 500 USD}
      - name: payments
        weight: 0
        factors: {cases: [{when: {disputd: true}, points: 0}], otherwise: 100}
    caps:
      - {name: dispute, when: {disputed: true}, at: forty}
    bands: {red: [0, 50], yellow: [40, 75], green: [75, 100]}
    minimum_coverage: 160%
"""


def _mistakes(text: str) -> Mapping[tuple[int, int], str]:
    with pytest.raises(InvalidInput) as caught:
        read_health(text, Customer, file="h.yaml")
    assert caught.value.code == "health.mistakes"
    value = caught.value.value
    assert isinstance(value, tuple)
    found = [each for each in value if isinstance(each, FileMistake)]
    assert found == sorted(found, key=lambda each: (each.line, each.column))
    assert all(each.mistake.remedy for each in found)
    assert str(caught.value).count("h.yaml, line") == len(found)
    return {(each.line, each.column): each.mistake.code for each in found}


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """Each with its line and column."""
    assert _mistakes(BROKEN) == {
        (1, 1): "rules.unknown_word",
        (6, 17): "rules.unknown_signal",
        (10, 9): "health.direction",
        (12, 20): "health.half_life",
        (15, 20): "health.form",
        (16, 17): "health.form",
        (17, 36): "rules.unknown_word",
        (22, 17): "health.currency",
        (25, 35): "rules.unknown_signal",
        (27, 53): "health.form",
        (28, 35): "health.band_overlap",
        (29, 23): "health.coverage",
    }


@pytest.mark.parametrize(
    ("change", "place", "code"),
    [
        (("weight: 40", "weight: 41"), (7, 7), "health.weights"),
        (("at: 40", "at: 140"), (29, 58), "health.cap"),
        (("green: [75, 100]", "green: [75, 90]"), (30, 12), "health.band_gap"),
        (("hysteresis: 3", "hysteresis: 30"), (31, 17), "health.hysteresis"),
        (("60%", "most"), (32, 23), "health.form"),
        (("60%", "160%"), (32, 23), "health.coverage"),
        (("4w", "400d"), (33, 17), "health.trend"),
        (("id: usual", "id: ''"), (4, 9), "health.name"),
        (("signal: nps", "signal: logins"), (7, 7), "health.name"),
        (("poor: 0, ", ""), (18, 16), "health.mapping"),
        (("poor: 0", "por: 0"), (18, 25), "rules.not_a_choice"),
        (("low: 0, high: 20", "low: 0"), (10, 17), "health.form"),
        (
            ("direction: higher_is_better\n        weight: 40", "weight: 40"),
            (7, 9),
            "health.direction",
        ),
        (("segment: paying", "segment: payng"), (5, 24), "rules.unknown_segment"),
        (("30d\n        steps", "0d\n        steps"), (14, 20), "health.half_life"),
    ],
)
def test_a_mistake_has_its_place(
    change: tuple[str, str], place: tuple[int, int], code: str
) -> None:
    """One at a time: where it stands, and what it is called."""
    assert change[0] in FILE
    assert _mistakes(FILE.replace(*change)) == {place: code}


ALIKE = """\
models:
  - id: alike
    components:
      - {signal: logins, direction: higher_is_better, weight: 40, linear: {low: 0, high: 20}}
      - name: logins_of_late
        signal: logins
        direction: higher_is_better
        weight: 60
        linear: {low: 0, high: 20, points: [0, 100]}
    caps:
      - {name: dispute, when: {disputed: true}, at: 40}
      - {name: dispute.old, when: {disputed: true}, at: 60}
    bands: {red: [0, 50], green: [50, 100]}
"""


@pytest.mark.parametrize(
    ("change", "line", "code"),
    [
        (("points: [0, 100]", "points: [0, 150]"), 9, "health.points"),
        (("at: 60", "at: 160"), 12, "health.cap"),
        (("at: 40", "at: 140"), 11, "health.cap"),
        (("dispute.old", "dispute"), 11, "health.name"),
    ],
)
def test_a_name_that_begins_like_another_has_its_own_line(
    change: tuple[str, str], line: int, code: str
) -> None:
    """Whoever mends the file looks where the mistake is, not at the shorter name."""
    assert len(read_health(ALIKE, Customer).models) == 1
    assert change[0] in ALIKE
    ((place, found),) = _mistakes(ALIKE.replace(*change)).items()
    assert (place[0], found) == (line, code)


def test_points_off_the_scale_are_told_of_all_components() -> None:
    """Each where its points stand; of a sum they may lie anywhere, but must do something."""
    file = """\
models:
  - id: usual
    components:
      - {signal: logins, direction: higher_is_better, weight: 40, linear: {low: 0, high: 20}}
      - signal: nps
        direction: higher_is_better
        weight: 40
        steps: {edges: [6], points: [0, 101]}
      - name: calm
        weight: 20
        factors: {cases: [{when: {disputed: true}, points: -1}]}
    bands: {red: [0, 50], green: [50, 100]}
"""
    assert _mistakes(file) == {(8, 37): "health.points", (11, 18): "health.points"}
    summed = re.sub(r"weight: \d+", "doc: x", file).replace("points: -1", "points: 0")
    summed = summed.replace("    components:", "    combine: sum\n    components:")
    assert _mistakes(summed) == {(12, 18): "health.points"}


@pytest.mark.parametrize(
    ("scale", "column", "code"),
    [
        ("[100, 0]", 12, "health.scale"),
        ("[50, 50]", 12, "health.scale"),
        ("[0]", 12, "health.scale"),
        ("[0, 20000]", 16, "health.points"),
        ("[0, most]", 16, "health.form"),
    ],
)
def test_a_scale_that_is_none_is_one_mistake(scale: str, column: int, code: str) -> None:
    """Not one of each component that would lie on it."""
    assert _mistakes(ALIKE + f"    scale: {scale}\n") == {(14, column): code}


def test_data_without_a_file_has_mistakes_by_their_keys() -> None:
    """As rules have them."""
    with pytest.raises(InvalidInput) as caught:
        read_health_models({"models": [{"id": "a", "components": []}]})
    assert caught.value.code == "health.mistakes"
    assert isinstance(caught.value.value, tuple)
    assert [each.place for each in caught.value.value] == [("models", 0)]


@pytest.mark.parametrize("data", [None, [], 5, {"models": {}}, {"models": [5]}, {"models": []}])
def test_what_is_no_file_of_models_is_refused(data: object) -> None:
    """With a mistake, not with a traceback."""
    with pytest.raises(InvalidInput) as caught:
        read_health_models(data)
    assert caught.value.code == "health.mistakes"


def test_models_of_a_file_are_told_apart() -> None:
    """Two of an id, or one that is never reached."""
    one = FILE.split("  - id", maxsplit=1)[1]
    with pytest.raises(InvalidInput) as caught:
        read_health(FILE + "  - id" + one, Customer)
    assert "health.mistakes" in str(caught.value.code)
    assert isinstance(read_health(FILE, Customer), HealthModels)
