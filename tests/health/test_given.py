"""What is given by mistake: one for a list, text for a word or a signal; each has its remedy."""

from __future__ import annotations

from typing import Any

import pytest
from tests.health.worlds import BANDS, HIGHER, NOW, Customer, one, usual

from retainkit.core import dumps
from retainkit.errors import InvalidInput
from retainkit.health import (
    Band,
    Bands,
    Combine,
    Component,
    Direction,
    Edge,
    HealthModel,
    HealthModels,
    Linear,
    Outside,
    Steps,
    model_data,
    score,
)
from retainkit.messages.reasons import explain_text
from retainkit.rules import days, event, readings


LINE = Linear(low=0, high=20)


def logins(**changes: Any) -> Component:
    """A component of the logins."""
    values = {"signal": Customer.logins, "direction": HIGHER, "weight": 100, "mapping": LINE}
    return Component(**{**values, **changes})


def model(**changes: Any) -> HealthModel:
    """A model of the logins alone."""
    return HealthModel(**{"id": "usual", "components": [logins()], "bands": BANDS, **changes})


def bands(edge: Any) -> Bands:
    """Two bands, and whose the edge between them is."""
    return Bands(bands=[Band("red", 0, 50), Band("green", 50, 100)], edge=edge)


@pytest.mark.parametrize(
    ("make", "field", "value", "remedy"),
    [
        (lambda: HealthModels(models=model()), "models", "HealthModel",  # type: ignore[arg-type]
         "pass a list: HealthModels(models=[model])"),
        (lambda: HealthModels(models=[logins()]), "models", "Component",  # type: ignore[list-item]
         "pass a list: HealthModels(models=[model])"),
        (lambda: model(components=logins()), "components", "Component",
         "pass a list: components=[Component(...)]"),
        (lambda: model(components="logins"), "components", "logins",
         "pass a list: components=[Component(...)]"),
        (lambda: model(caps=[40]), "caps", "int", "pass a list: caps=[Cap(...)]"),
        (lambda: model(bands=None), "bands", "NoneType",
         'pass Bands(bands=[Band("red", 0, 50), ...])'),
        (lambda: model(bands=[Band("red", 0, 100)]), "bands", "list",
         'pass Bands(bands=[Band("red", 0, 50), ...])'),
        (lambda: Bands(bands=Band("red", 0, 100)), "bands", "Band",  # type: ignore[arg-type]
         'pass a list: bands=[Band("red", 0, 50), ...]'),
        (lambda: logins(mapping=None), "mapping", "NoneType",
         "pass Linear, Steps, Table or Factors"),
        (lambda: logins(signal="logins"), "signal", "logins",
         "pass what your class declares: signal=Customer.usage"),
        (lambda: logins(direction="up"), "direction", "up",
         "write one of higher_is_better, lower_is_better"),
        (lambda: logins(direction="higher_is_beter"), "direction", "higher_is_beter",
         "did you mean 'higher_is_better'?"),
        (lambda: model(combine=3), "combine", "3", "write one of mean, sum"),
        (lambda: bands("upper"), "edge", "upper",
         "write one of upper_included, lower_included"),
        (lambda: Linear(low=0, high=1, outside="drop"), "outside", "drop",
         "write one of clamp, ignore"),
    ],
)  # fmt: skip
def test_what_does_not_belong_there_is_named(
    make: Any, field: str, value: object, remedy: str
) -> None:
    """At once, where it is made, and not where it breaks later."""
    with pytest.raises(InvalidInput) as caught:
        make()
    error = caught.value
    assert (error.code, error.field, error.value) == ("health.form", field, value)
    assert error.remedy == remedy


def test_a_word_is_as_good_as_its_enum() -> None:
    """As a file has it: the same model, of the same version."""
    told = one(logins(direction="higher_is_better"), combine="mean")
    meant = one(logins(direction=Direction.HIGHER_IS_BETTER), combine=Combine.MEAN)
    assert told.version == meant.version == one(logins()).version != usual().version
    assert bands("lower_included") == bands(Edge.LOWER_INCLUDED)
    assert bands("lower_included").of(50) == "green"
    assert bands("upper_included").of(50) == "red"
    assert Linear(low=0, high=1, outside="ignore").outside is Outside.IGNORE
    steps = Steps(edges=(5,), points=(0, 100), edge="lower_included")
    assert steps.edge is Edge.LOWER_INCLUDED


def test_a_signal_that_nobody_named_is_called_by_what_it_counts() -> None:
    """Nobody reads a hash: not in a reason, a report or an event; a name of one's own stands."""
    logins = event("user.logged_in").count(days(28))
    ever = event("user.logged_in").last()

    def part(**changes: Any) -> Component:
        return Component(direction=HIGHER, weight=100, mapping=LINE, **changes)

    assert part(signal=logins).name == "count(user.logged_in, 28d)"
    assert Component(signal=ever, mapping=LINE).name == "last(user.logged_in)"
    assert part(signal=Customer.logins).name == "logins"
    counting = one(part(signal=logins))
    health = score(counting, readings(counting.signals, {logins.name: 5}), NOW)
    assert explain_text(health.because[0].key, health.because[0].values, "en") == (
        "count(user.logged_in, 28d): 25 points for 5; part of the score: 25.00."
    )
    assert '"name":"user.logged_in"' in dumps(model_data(counting))
    assert '"name":"count' not in dumps(model_data(counting))
    assert '"name":"visits"' in dumps(model_data(one(part(signal=logins, name="visits"))))
