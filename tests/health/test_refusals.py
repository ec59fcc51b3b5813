"""Models that can't be right: each named, with its place and the way out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.health.worlds import BANDS, HIGHER, LOWER, Customer, one, usual

from retainkit.errors import InvalidInput
from retainkit.health import (
    Band,
    Bands,
    Cap,
    Combine,
    Component,
    Factors,
    HealthModels,
    Linear,
    MappingOf,
    Steps,
    Table,
)
from retainkit.money import money
from retainkit.rules import Number, Signals, days, declared


LINE = Linear(low=0, high=20)
ODD_CAP = Cap(name="dispute", when=Customer.disputed, at=41.5)
ODD_BANDS = Bands(bands=(Band("red", 0, 50), Band("green", 50, 100.5)))


def _refused(make: Any, code: str, field: str | None) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        make()
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.remedy
    return caught.value


def _logins(**changes: Any) -> Component:
    values = {"signal": Customer.logins, "direction": HIGHER, "weight": 100, "mapping": LINE}
    return Component(**{**values, **changes})


def test_weights_that_do_not_add_up_are_refused() -> None:
    """To 100, or to the total that is declared."""
    error = _refused(lambda: one(_logins(weight=90)), "health.weights", "components.weight")
    assert error.value == "90"
    assert "100" in error.message
    _refused(lambda: one(_logins(weight=100), total=1), "health.weights", "components.weight")
    assert one(_logins(weight=0.3), total=0.3).total * 10 == 3


def test_a_component_without_a_weight_is_refused() -> None:
    """Of a mean; of a sum, one with a weight."""
    error = _refused(lambda: one(_logins(weight=None)), "health.weights", "components.weight")
    assert error.value == ["logins"]
    line = Linear(low=0, high=20, points=(-5, 5))
    _refused(
        lambda: one(_logins(mapping=line), combine=Combine.SUM),
        "health.weights",
        "components.weight",
    )


def test_a_component_that_moves_nothing_is_refused() -> None:
    """Of a sum, where its points are its weight."""
    nothing = Table(points={"poor": 0, "concerning": 0, "healthy": 0})
    part = Component(signal=Customer.mood, mapping=nothing)
    error = _refused(
        lambda: one(part, combine=Combine.SUM), "health.points", "components.mood.points"
    )
    assert error.value == 0


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), True, "10"])
def test_a_weight_is_a_number_above_zero(weight: Any) -> None:
    """What counts for nothing is left out."""
    _refused(lambda: _logins(weight=weight), "health.weight", "weight")


def test_a_component_without_direction_is_refused() -> None:
    """Whether more of it is good can't be taken for granted."""
    error = _refused(
        lambda: one(_logins(direction=None)), "health.direction", "components.logins.direction"
    )
    assert "higher_is_better" in error.remedy


@pytest.mark.parametrize(
    "mapping",
    [
        Linear(low=0, high=20, points=(100, 0)),
        Linear(low=0, high=20, points=(50, 50)),
        Steps(edges=(5,), points=(100, 0)),
        Steps(edges=(5, 9), points=(0, 100, 50)),
    ],
)
def test_points_that_contradict_the_direction_are_refused(mapping: MappingOf) -> None:
    """One article says that 100 is a high risk, another gives points for good behaviour."""
    _refused(
        lambda: one(_logins(mapping=mapping)), "health.direction", "components.logins.direction"
    )


def test_words_and_conditions_have_no_direction() -> None:
    """They say themselves what is better."""
    table = Table(points={"poor": 0, "concerning": 50, "healthy": 100})
    _refused(
        lambda: one(_logins(signal=Customer.mood, mapping=table)),
        "health.direction",
        "components.mood.direction",
    )
    factors = Factors(cases=((Customer.disputed, 0),), otherwise=100)
    _refused(
        lambda: one(_logins(signal=None, name="calm", mapping=factors)),
        "health.direction",
        "components.calm.direction",
    )


@pytest.mark.parametrize(
    ("component", "code", "field"),
    [
        (_logins(mapping=Linear(low=20, high=0)), "health.range", "components.logins"),
        (_logins(mapping=Linear(low=5, high=5)), "health.range", "components.logins"),
        (
            _logins(mapping=Steps(edges=(9, 5), points=(0, 50, 100))),
            "health.range",
            "components.logins",
        ),
        (
            _logins(mapping=Steps(edges=(5,), points=(0, 50, 100))),
            "health.mapping",
            "components.logins",
        ),
        (_logins(signal=Customer.plan), "health.mapping", "components.plan"),
        (_logins(signal=None, name="usage"), "health.mapping", "components.usage"),
        (
            _logins(direction=None, mapping=Table(points={"a": 0})),
            "health.mapping",
            "components.logins",
        ),
        (
            _logins(signal=Customer.mood, direction=None, mapping=Table(points={"poor": 0})),
            "health.mapping",
            "components.mood",
        ),
        (
            _logins(signal=Customer.mood, direction=None, mapping=Table(points={"por": 0})),
            "rules.not_a_choice",
            "components.mood.points",
        ),
        (
            _logins(signal=None, name="calm", direction=None, mapping=Factors(cases=())),
            "health.mapping",
            "components.calm",
        ),
        (
            _logins(signal=Customer.first_response),
            "rules.value_type",
            "components.first_response",
        ),
        (
            _logins(mapping=Linear(low=days(1), high=days(2))),
            "rules.value_type",
            "components.logins",
        ),
        (
            _logins(mapping=Linear(low=0, high=20, points=(0, 101))),
            "health.points",
            "components.logins.points",
        ),
        (
            _logins(mapping=Linear(low=0, high=20, points=(0, True))),
            "health.points",
            "components.logins.points",
        ),
        (
            _logins(mapping=Linear(low=0, high=20, points=(0, 0.00001))),
            "health.points",
            "components.logins.points",
        ),
        (_logins(half_life=timedelta(0)), "health.half_life", "components.logins.half_life"),
        (_logins(half_life=days(-3)), "health.half_life", "components.logins.half_life"),
        (
            Component(
                name="calm",
                weight=100,
                half_life=days(3),
                mapping=Factors(cases=((Customer.disputed, 0),), otherwise=100),
            ),
            "health.half_life",
            "components.calm.half_life",
        ),
    ],
)
def test_a_mapping_fits_its_signal(component: Component, code: str, field: str) -> None:
    """Limits of its kind that ascend, points on the scale, a half-life above zero."""
    _refused(lambda: one(component), code, field)


def test_limits_are_in_one_currency() -> None:
    """That of the signal, if it declares one."""
    mixed = Linear(low=money("0", "EUR"), high=money("500", "USD"))
    error = _refused(
        lambda: one(_logins(signal=Customer.spend, mapping=mixed)),
        "health.currency",
        "components.spend",
    )
    assert error.value == ["EUR", "USD"]
    dollars = Linear(low=money("0", "USD"), high=money("500", "USD"))
    _refused(
        lambda: one(_logins(signal=Customer.mrr, mapping=dollars)),
        "rules.currency",
        "components.mrr",
    )


@pytest.mark.parametrize("at", [-1, 100, 140])
def test_a_cap_outside_of_the_scale_is_refused(at: int) -> None:
    """It would never cap, or leave no score."""
    error = _refused(
        lambda: usual(caps=(Cap(name="dispute", when=Customer.disputed, at=at),)),
        "health.cap",
        "caps.dispute.at",
    )
    assert error.value == str(at)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"bands": Bands(bands=(Band("all", 0, 10),))}, "health.band_gap", "bands"),
        ({"scale": (100, 0)}, "health.scale", "scale"),
        ({"scale": (0, 20_000)}, "health.points", "scale"),
        ({"places": 5}, "health.places", "places"),
        ({"places": True}, "health.places", "places"),
        ({"trend_over": days(1)}, "health.trend", "trend_over"),
        ({"trend_over": days(100)}, "health.trend", "trend_over"),
        ({"minimum_coverage": 1.2}, "health.coverage", "minimum_coverage"),
        ({"minimum_coverage": "half"}, "health.coverage", "minimum_coverage"),
        ({"minimum_coverage": float("nan")}, "health.coverage", "minimum_coverage"),
        ({"minimum_coverage": Decimal("sNaN")}, "health.coverage", "minimum_coverage"),
        ({"minimum_coverage": Decimal("Infinity")}, "health.coverage", "minimum_coverage"),
        ({"minimum_coverage": Decimal("1e-999999999")}, "health.coverage", "minimum_coverage"),
        ({"start": float("inf")}, "health.points", "start"),
        ({"start": 50}, "health.points", "start"),
        ({"total": Decimal("1e999999999")}, "health.weight", "total"),
        ({"places": 0, "caps": (ODD_CAP,)}, "health.places", "places"),
        ({"places": 0, "scale": (0, 100.5), "bands": ODD_BANDS}, "health.places", "places"),
        ({"total": 0}, "health.weight", "total"),
        ({"id": ""}, "health.name", "id"),
        ({"components": ()}, "health.name", "id"),
    ],
)
def test_a_model_makes_sense_as_a_whole(changes: Any, code: str, field: str) -> None:
    """Its scale, its bands, its places, its shares."""
    _refused(lambda: usual(**changes), code, field)


def test_only_readings_have_a_half_life() -> None:
    """What conditions say has no age, whatever the component is called after."""
    cases = Factors(cases=((Customer.logins < 3, 0),), otherwise=100)
    _refused(
        lambda: one(_logins(direction=None, mapping=cases, half_life=days(30))),
        "health.half_life",
        "components.logins.half_life",
    )


def test_names_are_given_once() -> None:
    """To components and caps, since explanations speak of both."""
    _refused(
        lambda: usual(components=(_logins(weight=50), _logins(weight=50))),
        "health.name",
        "components.name",
    )
    caps = (Cap(name="logins", when=Customer.disputed, at=40),)
    _refused(lambda: usual(components=(_logins(),), caps=caps), "health.name", "caps.name")
    _refused(lambda: one(_logins(name="start")), "health.name", "components.name")


def test_a_condition_is_one() -> None:
    """Comparing with == compares declarations."""
    with pytest.raises(InvalidInput) as caught:
        Cap(name="dispute", when=True, at=40)  # type: ignore[arg-type] # as a comparison with == gives
    assert caught.value.code == "rules.not_a_condition"


def test_a_signal_that_nobody_declares_is_named_with_the_nearest() -> None:
    """Checked when the models meet the customer's class."""

    class Other(Signals):
        login = Number(unit="days")
        nps = Number()

    error = _refused(
        lambda: HealthModels(models=[one(_logins())], signals=Other),
        "rules.unknown_signal",
        "models.usual",
    )
    assert (error.value, error.remedy) == ("logins", "did you mean 'login'?")
    nps = one(_logins(signal=Customer.nps))
    _refused(
        lambda: HealthModels(models=[nps], signals=Other), "rules.signal_clash", "models.usual"
    )
    assert HealthModels(models=[usual()], signals=Customer).reads >= {"logins", "disputed"}


def test_a_mapping_of_signals_is_read_by_the_names_that_they_stand_under() -> None:
    """Taken out of `declared` they have them; a signal without a name is told so."""
    signals = {"seats": Number()}
    error = _refused(
        lambda: HealthModels(
            models=[one(_logins(signal=signals["seats"], name="size"))], signals=signals
        ),
        "rules.unknown_signal",
        "models.usual",
    )
    assert error.value == ""
    assert error.remedy == "it has no name: take it out of declared(signals), where it has one"
    seats = declared(signals)["seats"]
    models = HealthModels(models=[one(_logins(signal=seats))], signals=signals)
    assert models.reads == {"seats"}


def test_models_are_told_apart_and_reached() -> None:
    """An id each; the one for everybody is the last; at least one."""
    _refused(lambda: HealthModels(models=()), "health.no_models", "models")
    free = usual(id="free", segment=Customer.plan.eq("free"))
    _refused(lambda: HealthModels(models=(free, free)), "health.model_twice", "models")
    error = _refused(
        lambda: HealthModels(models=(usual(), free)), "health.unreachable", "models.usual.segment"
    )
    assert error.value == "free"
    error = _refused(
        lambda: HealthModels(models=(free, usual())).model("usaul"), "health.unknown_model", "id"
    )
    assert error.remedy == "did you mean 'usual'?"
    assert HealthModels(models=(free, usual())).model("usual").version == usual().version


def test_a_lower_is_better_mapping_descends() -> None:
    """And what is right is not refused."""
    model = one(_logins(direction=LOWER, mapping=Steps(edges=(5, 9), points=(100, 50, 0))))
    assert model.bands == BANDS
