"""Back-tests of several models: each on its own scale, with bands and warnings of its own."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import pytest

from retainkit.errors import InvalidInput
from retainkit.health import (
    BackTest,
    Band,
    Bands,
    Component,
    Direction,
    Found,
    HealthModel,
    HealthModels,
    Linear,
    Stay,
    backtest,
)
from retainkit.ids import CustomerId
from retainkit.rules import Flag, Number, Signals, days, readings


START = datetime(2026, 1, 1, tzinfo=UTC)


class Customer(Signals):
    """What is known of customers here."""

    use = Number()
    large = Flag()


def model(id: str, top: int, *bands: Band) -> HealthModel:
    """The use from 0 to 100, on a scale that ends here; for the large ones, or for the rest."""
    return HealthModel(
        id=id,
        segment=Customer.large if id == "large" else None,
        scale=(0, top),
        components=[
            Component(
                signal=Customer.use,
                direction=Direction.HIGHER_IS_BETTER,
                mapping=Linear(low=0, high=100),
                weight=100,
            )
        ],
        bands=Bands(bands=bands),
    )


REST = model("rest", 100, Band("red", 0, 50), Band("green", 50, 100))
LARGE_OF_TEN = model("large", 10, Band("red", 0, 5), Band("green", 5, 10))
LARGE_WITH_GOLD = model(
    "large", 100, Band("red", 0, 50), Band("green", 50, 80), Band("gold", 80, 100)
)


def judged(
    large: HealthModel,
    use: Mapping[str, float],
    gone: Collection[str],
    warnings: list[str] | None = None,
) -> BackTest:
    """One look at customers of this use: large is whose name begins so; some leave afterwards."""
    return backtest(
        HealthModels(models=[large, REST]),
        [
            Stay(
                customer=CustomerId(name),
                since=START,
                until=START + days(30 if name in gone else 400),
                left=name in gone,
            )
            for name in use
        ],
        lambda customer, at: readings(
            Customer, {"use": use[customer], "large": customer.startswith("large")}, at=at
        ),
        at=[START],
        horizon=days(90),
        known_until=START + days(400),
        warnings=warnings,
    )


def test_scores_are_compared_where_they_lie_on_their_scale() -> None:
    """A nine of ten is no worse than a ten of a hundred: who leaves is low on each scale."""
    lost = {f"{kind} lost {n}": 10.0 + n for kind in ("large", "small") for n in range(10)}
    kept = {f"{kind} kept {n}": 80.0 + n for kind in ("large", "small") for n in range(10)}
    test = judged(LARGE_OF_TEN, {**lost, **kept}, lost)
    assert test.area.value == 1
    assert [each.area.value for each in test.components] == [1]
    assert test.verdicts[0].found is Found.FORETELLS
    assert [group.area.value for group in test.groups] == [1, 1]


def test_false_greens_come_by_where_they_lie_on_their_scale() -> None:
    """The one whom the score called healthiest first."""
    use = {"large": 90.0, "small": 60.0}
    test = judged(LARGE_OF_TEN, use, use)
    assert [str(each.customer) for each in test.false_greens] == ["large", "small"]


def test_a_band_is_worse_than_those_of_its_own_model_alone() -> None:
    """Of the small ones many leave even in green: no reason to complain of the large ones."""
    use = {"large a": 20.0, "large b": 70.0, "small a": 20.0, "small b": 70.0}
    test = judged(LARGE_OF_TEN, use, {"small a", "small b"})
    assert test.monotone
    assert Found.NOT_MONOTONE not in [each.found for each in test.verdicts]
    assert [(each.name, each.left.value) for each in test.bands] == [
        ("large: red", 0),
        ("large: green", 0),
        ("rest: red", 1),
        ("rest: green", 1),
        ("unknown", None),
    ]
    found = json.loads(json.dumps(test.to_json()))
    assert [each.get("model") for each in found["bands"]] == [
        "large", "large", "rest", "rest", None,
    ]  # fmt: skip
    assert "left in band rest: red" in test._repr_html_()


def test_a_better_band_that_loses_more_is_named_with_its_model() -> None:
    """Whoever reads it knows which bands to look at."""
    use = {"large a": 20.0, "large b": 70.0, "small a": 20.0}
    test = judged(LARGE_OF_TEN, use, {"large b"})
    (text,) = [each.text for each in test.verdicts if each.found is Found.NOT_MONOTONE]
    assert "in the band large: green, 100.0" in text
    assert "worse band large: red, 0.0" in text
    assert test.monotone is False


def test_with_one_band_each_no_order_is_to_be_seen() -> None:
    """Two models with customers in one band each."""
    test = judged(LARGE_OF_TEN, {"large": 20.0, "small": 70.0}, {"small"})
    assert test.monotone is None


def test_a_band_warns_in_the_model_in_which_it_is_not_the_best() -> None:
    """Green is the best that a small customer can have, and the middle of a large one's."""
    use = {"large": 70.0, "small": 70.0}
    test = judged(LARGE_WITH_GOLD, use, use)
    assert test.warnings == ("large: red", "large: green", "rest: red")
    assert [str(each.customer) for each in test.false_greens] == ["small"]
    assert test.lead.warned.value == 0.5


def test_bands_that_warn_are_named_for_all_models_or_for_one() -> None:
    """With the model before it, it is that model's."""
    use = {"large": 70.0, "small": 70.0}

    def warned(*warnings: str) -> tuple[str, ...]:
        return judged(LARGE_WITH_GOLD, use, use, list(warnings)).warnings

    assert warned("green") == ("large: green", "rest: green")
    assert warned("rest: green", "red") == ("large: red", "rest: red", "rest: green")
    with pytest.raises(InvalidInput) as caught:
        warned("rest: gold")
    error = caught.value
    assert (error.code, error.field, error.value) == (
        "health.unknown_band", "warnings", "rest: gold",
    )  # fmt: skip
    assert error.remedy is not None
    assert "red, green, gold" in error.remedy
