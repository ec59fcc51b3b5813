"""Models as data: what is declared in the document itself, and every form of mistake."""

from __future__ import annotations

from typing import Any

import pytest
from tests.health.worlds import NOW, Customer

from retainkit.errors import InvalidInput
from retainkit.health import Combine, Edge, Factors, Linear, Table, read_health_models, score
from retainkit.money import money
from retainkit.rules import Mistake, days, readings


BANDS = [["low", 0, 50], ["high", 50, 100]]


def _file(component: Any = None, **model: Any) -> dict[str, Any]:
    usual = {
        "signal": "logins",
        "direction": "higher_is_better",
        "weight": 100,
        "linear": {"low": 0, "high": 20},
    }
    said = {
        "id": "usual",
        "components": [usual if component is None else component],
        "bands": BANDS,
        **model,
    }
    return {"models": [{key: value for key, value in said.items() if value is not None}]}


def _part(**changes: Any) -> dict[str, Any]:
    said = {"signal": "logins", "direction": "higher_is_better", "weight": 100, **changes}
    return {key: value for key, value in said.items() if value is not None}


def _mistakes(data: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        read_health_models(data, Customer)
    error = caught.value
    assert error.code == "health.mistakes"
    assert error.remedy
    assert isinstance(error.value, tuple)
    found = [each for each in error.value if isinstance(each, Mistake)]
    assert len(found) == len(error.value)
    assert all(each.remedy and each.message for each in found)
    return {".".join(map(str, each.place)): each.code for each in found}


def test_signals_and_segments_can_stand_in_the_document() -> None:
    """Then it needs no Python at all."""
    data = _file(
        {
            "event": {"name": "login", "within": "28d"},
            "name": "visits",
            "direction": "higher_is_better",
            "weight": "1/2",
            "steps": {"edges": [1, 8], "points": [0, "62.5", 100], "edge": "lower_included"},
        },
        total="1/2",
        segment={"segment": "paying"},
    )
    data["signals"] = {"plan": {"kind": "text"}}
    data["segments"] = {"paying": {"plan": {"ne": "free"}}}
    (model,) = read_health_models(data).models
    assert [part.name for part in model.components] == ["visits"]
    visits = model.components[0].signal
    assert visits is not None
    signals = dict(model.signals)
    known = readings(signals, {"plan": "team", visits.name: 5})
    found = score(model, known, NOW).score
    assert found is not None
    assert str(found) == "62.50"


def test_every_word_is_read() -> None:
    """None of them is taken for granted and dropped."""
    data = _file(
        {
            "name": "calm",
            "doc": "nothing is disputed",
            "factors": {"cases": [{"when": {"disputed": True}, "points": -5}], "otherwise": 2.5},
        },
        doc="of all",
        scale=[-10, 10],
        combine="sum",
        start=1,
        bands=[["low", -10, 0], ["high", 0, 10]],
        edge="lower_included",
        hysteresis=1,
        minimum_coverage=0,
        trend_over="14d",
        step=2,
        places=1,
        caps=[{"name": "gone", "when": {"plan": "gone"}, "at": "-9.5"}],
    )
    (model,) = read_health_models(data, Customer).models
    (part,) = model.components
    assert isinstance(part.mapping, Factors)
    assert (part.doc, part.mapping.otherwise) == ("nothing is disputed", 2.5)
    assert (model.doc, model.combine, model.start, model.places) == ("of all", Combine.SUM, 1, 1)
    assert (model.bands.edge, model.bands.hysteresis) == (Edge.LOWER_INCLUDED, 1)
    assert (float(model.minimum_coverage), model.trend_over) == (0.0, days(14))
    assert (str(model.least_move), str(model.caps[0].at)) == ("2.0000", "-9.5")


def test_flags_have_points_by_their_yaml_words() -> None:
    """As YAML reads them, or as text."""
    for yes, no in ((True, False), ("true", "false")):
        table = {"points": {yes: 0, no: 100}}
        data = _file(_part(signal="disputed", direction=None, table=table))
        mapping = read_health_models(data, Customer).models[0].components[0].mapping
        assert isinstance(mapping, Table)
        assert dict(mapping.points) == {True: 0, False: 100}


def test_amounts_and_lengths_are_read_by_the_kind_of_the_signal() -> None:
    """500 EUR, 2d; and 0d, which is no window but an end of a line."""
    spend = _part(signal="spend", linear={"low": "0 EUR", "high": "499.90 EUR"})
    mapping = read_health_models(_file(spend), Customer).models[0].components[0].mapping
    assert isinstance(mapping, Linear)
    assert (mapping.low, mapping.high) == (money("0", "EUR"), money("499.90", "EUR"))
    login = _part(
        signal="last_login_at", direction="lower_is_better", linear={"low": "0d", "high": "30d"}
    )
    mapping = read_health_models(_file(login), Customer).models[0].components[0].mapping
    assert isinstance(mapping, Linear)
    assert str(mapping.high) == "30 days, 0:00:00"


LINE = {"low": 0, "high": 20}
WHEN = {"disputed": True}
COUNTED = {"name": "login", "within": "28d"}
AT = "models.0.components.0"


@pytest.mark.parametrize(
    ("data", "mistakes"),
    [
        (_file(scale=[0, 50, 100]), {"models.0.scale": "health.scale"}),
        (_file(scale=5), {"models.0.scale": "health.form"}),
        (_file(bands=None), {"models.0": "health.band_gap"}),
        (_file(bands={"low": [0]}), {"models.0.bands.low": "health.band_range"}),
        (_file(bands=[["low", 0]]), {"models.0.bands.0": "health.band_range"}),
        (_file(bands=[["low", 0, "ten"]]), {"models.0.bands.0.2": "health.form"}),
        (_file(bands=[["a", 0, 5], ["a", 5, 100]]), {"models.0.bands": "health.band_name"}),
        (_file(edge="top"), {"models.0.edge": "health.form"}),
        (_file(combine="median"), {"models.0.combine": "health.form"}),
        (_file(total="all"), {"models.0.total": "health.form"}),
        (_file(total="1/0"), {"models.0.total": "health.form"}),
        (_file(start=[1]), {"models.0.start": "health.form"}),
        (_file(step=0), {"models.0.step": "health.step"}),
        (_file(step="0.00001"), {"models.0.step": "health.points"}),
        (_file(places=9), {"models.0.places": "health.places"}),
        (_file(trend_over="soon"), {"models.0.trend_over": "rules.window"}),
        (_file(caps=[{"when": WHEN}]), {"models.0.caps.0": "health.form"}),
        (_file(caps=[{"name": "x", "when": {}, "at": 4}]), {"models.0.caps.0.when": "rules.form"}),
        (
            _file(caps=[{"name": "logins", "when": WHEN, "at": 4}]),
            {"models.0.caps": "health.name"},
        ),
        (_file(components=[5]), {"models.0.components.0": "health.form"}),
        (_file(components={}), {"models.0.components": "health.form"}),
        (_file(segment={"plan": {"eq": 5}}), {"models.0.segment.plan.eq": "rules.value_type"}),
        (_file(_part()), {AT: "health.mapping"}),
        (_file(_part(linear=LINE, steps={})), {AT: "health.mapping"}),
        (_file(_part(signal=None, linear=LINE)), {AT: "health.mapping"}),
        (_file(_part(linear=5)), {f"{AT}.linear": "health.form"}),
        (_file(_part(linear={**LINE, "points": [1]})), {f"{AT}.linear.points": "health.mapping"}),
        (_file(_part(linear={"low": 0, "high": {}})), {f"{AT}.linear.high": "rules.value_type"}),
        (_file(_part(linear={**LINE, "outside": "?"})), {f"{AT}.linear.outside": "health.form"}),
        (_file(_part(linear={**LINE, "points": "5"})), {f"{AT}.linear.points": "health.form"}),
        (
            _file(_part(linear={**LINE, "points": [0, 0]})),
            {f"{AT}.direction": "health.direction"},
        ),
        (
            _file(_part(linear={**LINE, "points": [0, 101]})),
            {f"{AT}.linear.points": "health.points"},
        ),
        (
            _file(_part(linear={"low": 0, "high": {"signal": "logins"}})),
            {f"{AT}.linear.high": "rules.unknown_signal"},
        ),
        (
            _file(_part(signal="spend", linear={"low": "0 EUR", "high": {"EUR": 9, "USD": 9}})),
            {f"{AT}.linear.high": "health.mapping"},
        ),
        (
            _file(_part(signal="mood", direction=None, table={"points": {"poor": "bad"}})),
            {f"{AT}.table.points.poor": "health.form"},
        ),
        (_file(_part(linear=LINE, signal=None, event=5)), {f"{AT}.event": "health.form"}),
        (_file(_part(steps={"edges": [1]})), {f"{AT}.steps": "health.form"}),
        (_file(_part(steps=[1])), {f"{AT}.steps": "health.form"}),
        (
            _file(_part(steps={"edges": ["x"], "points": [0, 1]})),
            {f"{AT}.steps.edges.0": "rules.value_type"},
        ),
        (
            _file(_part(signal="mood", table={"points": [1]})),
            {f"{AT}.table.points": "health.mapping"},
        ),
        (
            _file(_part(signal="mood", linear=LINE)),
            {f"{AT}.linear.low": "health.mapping", f"{AT}.linear.high": "health.mapping"},
        ),
        (_file({"name": "x", "weight": 100, "factors": 5}), {f"{AT}.factors": "health.form"}),
        (
            _file({"name": "x", "weight": 100, "factors": {"cases": [{"when": WHEN}]}}),
            {f"{AT}.factors.cases.0": "health.form"},
        ),
        (
            _file({"name": "x", "weight": 100, "factors": {"cases": []}}),
            {f"{AT}.factors": "health.mapping"},
        ),
        (_file(_part(linear=LINE, weight=0)), {f"{AT}.weight": "health.weight"}),
        (_file(_part(linear=LINE, half_life="long")), {f"{AT}.half_life": "rules.window"}),
        (_file(_part(event={"name": "login"}, signal=None, linear=LINE)), None),
        (_file(id={}), {"models.0.id": "health.form"}),
        (_file(id=["a"]), {"models.0.id": "health.form"}),
        (_file(_part(linear=LINE, name=[1])), {f"{AT}.name": "health.form"}),
        (
            _file(caps=[{"name": [1], "when": WHEN, "at": 4}]),
            {"models.0.caps.0.name": "health.form"},
        ),
        (_file(start=50), {"models.0.start": "health.points"}),
        (_file(total="1e999999999"), {"models.0.total": "health.weight"}),
        (_file(minimum_coverage="sNaN"), {"models.0.minimum_coverage": "health.coverage"}),
        (_file(minimum_coverage="Infinity"), {"models.0.minimum_coverage": "health.coverage"}),
        (
            _file(_part(linear=LINE, event={"name": "login", "within": "28d"})),
            {f"{AT}.event": "health.mapping"},
        ),
        (
            _file(_part(linear=LINE, signal=None, event=COUNTED | {"gte": 3})),
            {f"{AT}.event.gte": "rules.unknown_word"},
        ),
        (
            _file(_part(linear=LINE, signal=None, event=COUNTED | {"at_least": 3})),
            {f"{AT}.event.at_least": "rules.unknown_word"},
        ),
    ],
)
def test_each_mistake_is_told_at_its_place(data: object, mistakes: dict[str, str] | None) -> None:
    """With its code; and nothing else is complained of."""
    found = _mistakes(data)
    if mistakes is None:  # told by the rules' own reader
        assert all(place.startswith(AT) for place in found)
        assert set(found.values()) <= {"rules.window", "rules.form", "health.mapping"}
        return
    assert found == mistakes


def test_what_can_not_be_hides_nothing_else_that_can_not_be() -> None:
    """Caps, hysteresis, trend, step, places and ids, and all of one component, in one go."""
    data = _file(
        _part(signal="mood", weight="much", direction="up", half_life="long", linear={}),
        bands=[["low", 0, 40], ["high", 50, 100]],
        caps=[{"name": "dispute", "when": {"disputd": True}, "at": 200}],
        hysteresis=90,
        trend_over="1d",
        step=0,
        places=9,
    )
    part = _part(signal="logns", direction="up", weight="x", linear={"low": 0, "high": 20})
    late = _part(signal="disputed", weight="x", direction=None, half_life="0d", linear=None)
    unfit = {**late, "table": {"points": {"nobody": 0}}}
    data["models"] += _file(components=[part, unfit])["models"]
    assert _mistakes(data) == {
        "models.0.components.0.direction": "health.form",
        "models.0.components.0.half_life": "rules.window",
        "models.0.components.0.linear": "health.form",
        "models.0.components.0.weight": "health.form",
        "models.0.bands.1": "health.band_gap",
        "models.0.caps.0.when.disputd": "rules.unknown_signal",
        "models.0.caps.0.at": "health.cap",
        "models.0.hysteresis": "health.hysteresis",
        "models.0.trend_over": "health.trend",
        "models.0.step": "health.step",
        "models.0.places": "health.places",
        "models.1.id": "health.model_twice",
        "models.1.components.0.signal": "rules.unknown_signal",
        "models.1.components.0.direction": "health.form",
        "models.1.components.0.weight": "health.form",
        "models.1.components.1.weight": "health.form",
        "models.1.components.1.half_life": "health.half_life",
        "models.1.components.1.table.points": "rules.value_type",
    }
